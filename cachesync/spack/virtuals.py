"""Which names are those of virtual packages, and who provides them: as far as edges tell. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

__all__ = ["Virtuals", "is_provided", "virtuals_of"]

Virtuals = Mapping[str, Collection[str]]
"""Name of a virtual package -> the packages that provide it to somebody."""


def virtuals_of(names: Iterable[str], carried: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """The virtual packages of a graph, each with the packages that provide it.

    `names` are those of its nodes; `carried` says of edges which virtual and the name of its far side.
    What is the name of a node is no virtual package.
    """
    known = frozenset(names)
    found: dict[str, set[str]] = {}
    for virtual, provider in carried:
        if virtual not in known:
            found.setdefault(virtual, set()).add(provider)
    return found


def is_provided(virtual: str, versions: str, said: Iterable[str]) -> bool:
    """Whether a package that says what it provides (`mpi@:3.1`, `zlib-api`) provides a version of a virtual one.

    To Spack it is enough that the two lists have any version in common; without a version it provides all.
    """
    from . import ranges  # few ask for a version of a virtual package

    return any(
        name == virtual and (not provided or ranges.common(provided, versions) is not None)
        for name, _, provided in (one.partition("@") for one in said)
    )
