"""Which target runs what another was built for, by archspec: the only archspec.

archspec is the library Spack itself uses; its targets are a partial order (`zen4` runs what was
built for `x86_64_v3`, neither `zen4` nor `icelake` runs all of the other's). It is imported by the
first call, which costs some 20 ms. Everything here but `host` is a function of its arguments.
"""

from __future__ import annotations

from functools import lru_cache

from ..errors import UsageError

__all__ = [
    "ancestors",
    "host",
    "is_between",
    "is_known",
    "known_ancestors",
    "names",
    "nearest",
    "runs_on",
]


_COMMON = frozenset((
    "aarch64", "broadwell", "cascadelake", "haswell", "icelake", "m1", "neoverse_n1", "neoverse_v1",
    "ppc64le", "skylake", "skylake_avx512", "x86_64", "x86_64_v2", "x86_64_v3", "x86_64_v4", "zen", "zen2",
    "zen3", "zen4",
))  # fmt: skip
"""What most queries name, known without the import."""


def names() -> list[str]:
    """Every target archspec knows, in order."""
    from archspec.cpu import TARGETS

    return sorted(TARGETS)


def is_known(name: str) -> bool:
    """Whether archspec knows the target."""
    if name in _COMMON:
        return True
    from archspec.cpu import TARGETS

    return name in TARGETS


def nearest(name: str) -> str | None:
    """The known target that is spelled most like `name`, if any is."""
    from difflib import get_close_matches

    from archspec.cpu import TARGETS

    close = get_close_matches(name[:64], sorted(TARGETS), n=1)
    return close[0] if close else None


@lru_cache(maxsize=1024)
def ancestors(name: str) -> frozenset[str]:
    """The target and every target whose code it runs; of one archspec does not know, itself."""
    from archspec.cpu import TARGETS

    if name not in TARGETS:
        return frozenset((name,))
    return frozenset((name, *(ancestor.name for ancestor in TARGETS[name].ancestors)))


def known_ancestors(name: str) -> frozenset[str] | None:
    """The target and every target whose code it runs; None of one that archspec does not know."""
    return ancestors(name) if is_known(name) else None


def is_between(target: str, low: str, high: str) -> bool:
    """Whether `target` is in Spack's `low:high`; an empty bound is none."""
    return (not low or ancestors(low) <= ancestors(target)) and (
        not high or ancestors(target) <= ancestors(high)
    )


def runs_on(machine: str) -> frozenset[str]:
    """The targets whose binaries a machine can run; `host` is this machine.

    Raises UsageError, with the nearest name, for a target archspec does not know.
    """
    name = host() if machine == "host" else machine
    if not is_known(name):
        near = nearest(name)
        raise UsageError(
            f"archspec knows no target {name}",
            hint=f"did you mean {near}?" if near else "`spack arch --known-targets` lists them",
        )
    return ancestors(name)


def host() -> str:
    """The target of the machine this runs on."""
    from archspec.cpu import host as detect

    return str(detect().name)
