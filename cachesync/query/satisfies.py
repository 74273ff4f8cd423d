"""Whether a build satisfies a condition in Spack's spec syntax, as Spack 0.23 would say. Pure.

The rules are those of `Spec.satisfies` for a concrete spec with the attributes a page lists. A page
does not say whether a variant is single- or multi-valued: what satisfies does not depend on it. `:=`
is what it is to Spack 1: 0.23 does not have it. A page lists neither dependencies nor compiler flags
nor namespaces (see `unsaid`); a variant it does not list is not satisfied. Unlike words, these
conditions heed case.
"""

from __future__ import annotations

from functools import lru_cache

from ..model import Build
from ..spack import ranges, variants
from .tree import Term
from .values import every_compiler

__all__ = ["compiler_satisfies", "satisfies", "target_satisfies"]


def satisfies(term: Term, build: Build) -> bool:
    """Whether the build satisfies the term; a hash is none of its attributes."""
    if term.field == "version":
        return ranges.contains(term.value, build.version)
    if term.field == "compiler":
        return any(compiler_satisfies(term.value, one) for one in every_compiler(build))
    if term.field == "target":
        return target_satisfies(term.value, build.target)
    if term.field == "variant":
        return any(variants.satisfies(term.value, variant) for variant in build.variants)
    return term.field in ("package", "os", "platform") and (
        getattr(build, term.field) == term.value
    )


@lru_cache(maxsize=8192)
def compiler_satisfies(wanted: str, compiler: str) -> bool:
    """Whether `gcc@=12.3.0` satisfies `gcc@12:`; a compiler without a version only `gcc`.

    `none` is met where a page names no compiler.
    """
    name, _, versions = wanted.partition("@")
    known, _, version = compiler.partition("@")
    if name != known:
        return False
    if not versions:
        return True
    return bool(version) and ranges.contains(versions, version.removeprefix("="))


@lru_cache(maxsize=8192)
def target_satisfies(wanted: str, target: str) -> bool:
    """Whether a target is one of a list of names and ranges, by archspec's partial order."""
    for part in wanted.split(","):
        low, colon, high = part.partition(":")
        if not colon:
            if part == target:
                return True
            continue
        from ..spack import targets

        if targets.is_between(target, low, high):
            return True
    return False
