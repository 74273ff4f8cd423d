"""A variant as text, and what it says: the one normal form of everything that tells variants. Pure.

Spack prints a variant with several values `name=a,b`, since 1.0 `name:=a,b`; a value that its own
parser would not take bare is quoted (`languages='c,c++'`, `quote_if_needed` in its
`spec_parser.py`). To all of these a variant is the set of its values. The normal form is
`name=a,b`: values sorted, each once, and in quotes only where the query language needs them. What is
no variant with a value (`+mpi`, `~mpi`, anything odd) is its own normal form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

__all__ = [
    "ANY_VALUE",
    "FLAGS",
    "Variant",
    "beginning",
    "name_of",
    "normal",
    "normal_set",
    "read",
    "satisfies",
    "spelled",
]

FLAGS = ("cflags", "cxxflags", "cppflags", "fflags", "ldflags", "ldlibs")
"""Keys that are no variants: what Spack calls compiler flags (`FlagMap` in its `spec.py`)."""
ANY_VALUE = "*"
PATCHES = "patches"
"""The variant whose values are checksums, which pages shorten: beginnings count, as to Spack."""
LEAST_DIGITS = 7
"""Of a checksum: what pages print, and the fewest that stand for the whole one."""

_PAIR = re.compile(r"([a-zA-Z0-9_][a-zA-Z0-9_.\-]*)(:?)(==?)(.*)", re.DOTALL)
_BARE = re.compile(r"(?!=)[a-zA-Z_0-9\-+*.,:=~/\\]*")
"""A value that the query language reads without quotes."""
_SPELLED_BARE = re.compile(r"[a-zA-Z0-9,/_.\-\[\]]+")
"""A value that Spack prints without quotes (`NO_QUOTES_NEEDED` in its `spec_parser.py`)."""
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)
_QUOTES = ("'", '"')
_ESCAPED = re.compile(r"\\(['\"\\])")
_DIGITS = re.compile(rf"[0-9a-f]{{{LEAST_DIGITS},}}")
_WHOLE = re.compile(r"[0-9a-f]{64}")
"""A SHA-256, as locks and build caches have it."""


class Variant(NamedTuple):
    """What a variant says, or is asked to say."""

    name: str
    values: bool | frozenset[str]
    exact: bool = False
    """Written `:=`. Of a condition: these values and no others."""


@lru_cache(maxsize=65_536)
def normal(text: str) -> str:
    """The normal form of a variant; itself where it has none."""
    pair = _PAIR.fullmatch(text)
    if pair is None:
        return text
    name, _, sign, value = pair.groups()
    value = ",".join(sorted(_values(value)))
    return f"{name}{sign}{value if _BARE.fullmatch(value) else _quoted(value)}"


def normal_set(texts: Iterable[str]) -> tuple[str, ...]:
    """The variants of a build in normal form: sorted, each once."""
    return tuple(sorted(set(map(normal, texts))))


def beginning(text: str) -> str:
    """How the normal form of a variant begins whose text begins so: `libs=sh` for `libs:=sh`."""
    pair = _PAIR.fullmatch(text)
    if pair is None:
        return text
    name, _, sign, value = pair.groups()
    return f"{name}{sign}{value[1:] if value[:1] in _QUOTES else value}"


def spelled(value: str) -> str:
    """A value of a variant or of flags as Spack prints it: in quotes unless it is plain."""
    if _SPELLED_BARE.fullmatch(value):
        return value
    if "'" not in value:
        return f"'{value}'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@lru_cache(maxsize=65_536)
def read(text: str) -> Variant:
    """What `+mpi`, `libs=a,b` or `libs:=a,b` says.

    Whether it is propagated (`++mpi`, `libs==a`) makes no difference. What is no variant has no name.
    """
    if text[:1] in ("+", "~"):
        return Variant(text.removeprefix(text[0]).removeprefix(text[0]), text[0] == "+")
    pair = _PAIR.fullmatch(text)
    if pair is None:
        return Variant("", frozenset())
    name, colon, _, value = pair.groups()
    values = _values(value)
    for said, switch in (("TRUE", True), ("FALSE", False)):
        if len(values) == 1 and next(iter(values)).upper() == said:
            return Variant(name, switch)
    return Variant(name, values, exact=bool(colon))


def name_of(text: str) -> str:
    """`mpi` of `+mpi`, `~mpi`, `mpi=...` and `mpi:=...`."""
    return read(text).name or text


@lru_cache(maxsize=65_536)
def satisfies(wanted: str, variant: str) -> bool:
    """Whether one variant of a build satisfies a condition.

    `libs=a,b` wants these values among the others, `libs:=a,b` these alone, `libs=*` any.
    """
    asked, found = read(wanted), read(variant)
    if asked.name != found.name:
        return False
    anything = frozenset((ANY_VALUE,))
    if anything in (asked.values, found.values):
        return True
    if isinstance(asked.values, bool) or isinstance(found.values, bool):
        return asked.values is found.values
    if asked.name != PATCHES:
        return asked.values == found.values if asked.exact else asked.values <= found.values
    held = all(any(_begins(patch, one) for patch in found.values) for one in asked.values)
    return held and (not asked.exact or is_same(asked.values, found.values))


def lengthened(texts: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    """The variants of a build, its patches as whole as another description of it has them."""
    elsewhere = [_patches(text) for text in others]
    return tuple(sorted(_lengthened(text, elsewhere) for text in texts))


def _lengthened(text: str, elsewhere: Iterable[frozenset[str]]) -> str:
    ours = _patches(text)
    for theirs in elsewhere:
        if ours and theirs and is_same(ours, theirs):
            return normal(f"{PATCHES}={','.join(_longest(one, theirs) for one in ours)}")
    return text


def _longest(one: str, others: Iterable[str]) -> str:
    """A checksum, or that of the others which it begins."""
    return max((one, *(other for other in others if _agree(one, other))), key=len)


def _patches(text: str) -> frozenset[str]:
    """The checksums of a variant `patches`; none of any other."""
    if not text.startswith(f"{PATCHES}="):
        return frozenset()
    values = read(text).values
    return frozenset() if isinstance(values, bool) else values


def is_same(ones: Iterable[str], others: Iterable[str]) -> bool:
    """Whether two sets of patches are one, shortened or not."""
    left, right = set(ones), set(others)
    return all(any(_agree(one, other) for other in right) for one in left) and all(
        any(_agree(one, other) for one in left) for other in right
    )


def _begins(patch: str, wanted: str) -> bool:
    """Whether a patch of a build is the wanted one; any beginning of it may be asked for."""
    return patch.startswith(wanted) or _agree(wanted, patch)


def _agree(one: str, other: str) -> bool:
    """Whether two checksums are one, of which either may be the beginning of the whole other."""
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    return (
        long.startswith(short)
        and _DIGITS.fullmatch(short) is not None
        and _WHOLE.fullmatch(long) is not None
    )


def _values(text: str) -> frozenset[str]:
    quoted = _QUOTED.fullmatch(text)
    if quoted is not None:
        text = _ESCAPED.sub(r"\1", quoted[1] if quoted[1] is not None else quoted[2])
    return frozenset(value.strip() for value in text.split(","))


def _quoted(value: str) -> str:
    if "'" not in value and "\\" not in value:
        return f"'{value}'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
