"""Whether a build satisfies a condition in Spack's spec syntax, as Spack 0.23 would say. Pure.

The rules are those of `Spec.satisfies` for a concrete spec with the attributes a page lists. A page
does not say whether a variant is single- or multi-valued: what satisfies does not depend on it. It
lists neither dependencies nor compiler flags nor namespaces (see `unsaid`); a variant it does not
list is not satisfied. Unlike words, these conditions heed case.
"""

from __future__ import annotations

import re
from functools import lru_cache

from .. import ranges
from ..model import Build
from .tree import Term

__all__ = [
    "compiler_satisfies",
    "satisfies",
    "split_variant",
    "target_satisfies",
    "variant_satisfies",
]

_LISTED = re.compile(r"\s*,\s*")
_QUOTES = "'\""
ANY_VALUE = "*"
PATCHES = "patches"
"""The variant whose values pages shorten: beginnings count, as they do to Spack."""


def satisfies(term: Term, build: Build) -> bool:
    """Whether the build satisfies the term; a hash is none of its attributes."""
    if term.field == "version":
        return ranges.contains(term.value, build.version)
    if term.field == "compiler":
        return compiler_satisfies(term.value, build.compiler)
    if term.field == "target":
        return target_satisfies(term.value, build.target)
    if term.field == "variant":
        return any(variant_satisfies(term.value, variant) for variant in build.variants)
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
        from .. import targets

        if targets.is_between(target, low, high):
            return True
    return False


@lru_cache(maxsize=65_536)
def split_variant(text: str) -> tuple[str, bool | frozenset[str]]:
    """The name and the value or values of a variant as Spack prints it, `+mpi` or `libs=a,b`.

    Whether it is propagated (`++mpi`, `libs==a`) makes no difference to what satisfies it.
    """
    if text[:1] in ("+", "~"):
        return text.removeprefix(text[0]).removeprefix(text[0]), text[0] == "+"
    name, _, value = text.partition("=")
    value = value.removeprefix("=").strip(_QUOTES)
    if value.upper() in ("TRUE", "FALSE"):
        return name, value.upper() == "TRUE"
    return name, frozenset(_LISTED.split(value))


@lru_cache(maxsize=65_536)
def variant_satisfies(wanted: str, variant: str) -> bool:
    """Whether one variant of a build satisfies `+mpi`, `~mpi`, `libs=shared` or `libs=*`."""
    name, values = split_variant(wanted)
    known, found = split_variant(variant)
    if name != known:
        return False
    anything = frozenset((ANY_VALUE,))
    if anything in (values, found):
        return True
    if isinstance(values, bool) or isinstance(found, bool):
        return values is found
    if name == PATCHES:
        return all(any(patch.startswith(value) for patch in found) for value in values)
    return values <= found
