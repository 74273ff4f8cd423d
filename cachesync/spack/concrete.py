"""What a concrete spec is in a DAG: its facts and its edges, as cache indexes tell them. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol, TypeVar

from ..model import NO_COMPILER, Build, Details, EdgeKind
from . import variants

__all__ = ["Facts", "Graph", "facts_of"]

K = TypeVar("K", bound=Hashable)


class Facts(NamedTuple):
    """What a node says of itself, its hash aside."""

    name: str
    namespace: str | None
    version: str
    variants: Mapping[str, bool | frozenset[str]]
    """`patches` too, as whole checksums."""
    flags: Mapping[str, frozenset[str]]
    platform: str
    os: str
    target: str
    compiler: tuple[str, str] | None
    """Name and version; what an attribute says, of format 5 and later the compiler's node."""
    format: int
    """The version of the spec's document when it was made."""
    is_external: bool
    provided: tuple[str, ...] | None = None
    """The virtual packages it provides, with their versions; None where nobody says."""


class Graph(Protocol[K]):
    """A DAG whose nodes are known by anything."""

    def hash_of(self, node: K) -> str:
        """Its hash."""

    def facts(self, node: K) -> Facts:
        """What it says of itself."""

    def edges(self, node: K) -> Sequence[tuple[K, EdgeKind]]:
        """Its edges, in the order of the index."""


def facts_of(build: Build, details: Details | None) -> Facts:
    """The facts of a spec of which a build is known, and what a cache index says beyond it, if it does."""
    compiler = None
    if build.compiler != NO_COMPILER:
        name, _, version = build.compiler.partition("@")
        compiler = name, version.removeprefix("=")
    found = _variants(build.variants, None if details is None else details.lists)
    if details is not None and details.patches:
        found = {**found, variants.PATCHES: frozenset(details.patches)}
    return Facts(
        build.package,
        None if details is None else details.namespace,
        build.version,
        found,
        {} if details is None else {key: frozenset(said) for key, said in details.flags},
        build.platform,
        build.os,
        build.target,
        compiler,
        0 if details is None else details.format,
        details is not None and details.external is not None,
        None if details is None else details.provided_virtuals,
    )


@lru_cache(maxsize=4096)
def _variants(
    texts: tuple[str, ...], lists: tuple[str, ...] | None
) -> dict[str, bool | frozenset[str]]:
    """Variants by name; a text with a comma is several values only where it was written as a list.

    `lists` are the names of those that were; None where nobody says.
    """
    found: dict[str, bool | frozenset[str]] = {}
    for text in texts:
        said = variants.read(text)
        values = said.values
        if isinstance(values, bool):
            found[said.name] = frozenset((str(values),)) if said.name in (lists or ()) else values
        elif lists is None or said.name in lists:
            found[said.name] = values
        else:
            found[said.name] = frozenset((",".join(sorted(values)),))
    return found
