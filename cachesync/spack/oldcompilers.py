"""Compilers of specs older than format 5, which are an attribute and no node: what Spack 1 makes of them. Pure.

Spack looks at the attribute alone, never at edges, and neither at types nor virtuals of what is asked for.
Which of them provide a language cannot be asked of an index; the table is what Spack 1.1's packages said.
"""

from __future__ import annotations

from . import ranges
from .abstract import PACKAGES, AbstractSpec
from .nodetest import Rules
from .virtuals import Virtuals

__all__ = ["NATIVE_FORMAT", "is_language", "old_compiler_holds"]

NATIVE_FORMAT = 5
"""From this format on compilers are nodes."""

_C = frozenset(("nvhpc", "aocc", "apple-clang", "cce", "fj", "xl", "msvc", "llvm"))
_PROVIDERS = {
    "c": _C,
    "cxx": _C,
    "fortran": _C - {"apple-clang"},
    "mpi": frozenset(("nvhpc",)),
}
"""Virtual package -> the names of compilers that are those of a package that provides it."""


def is_language(name: str | None) -> bool:
    """Whether a name is that of a virtual package which compilers provide, in whatever index."""
    return name in _PROVIDERS


def old_compiler_holds(
    compiler: tuple[str, str] | None, asked: AbstractSpec, virtuals: Virtuals, rules: Rules
) -> bool:
    """Whether the compiler that a node of an old format names is what is asked for behind `%`."""
    if compiler is None or asked.hash is not None:
        return False
    name, version = compiler
    if asked.name in virtuals or is_language(asked.name):
        return name in _PROVIDERS.get(asked.name or "", ())
    meant = PACKAGES.get(name) if rules.means_compilers else None
    if asked.name not in (None, name, meant):
        return False
    if asked.flags or (asked.platform, asked.os, asked.target) != (None, None, None):
        return False
    if not all(one.propagated for one in asked.variants):
        return False
    return asked.versions is None or ranges.contains(asked.versions, version)
