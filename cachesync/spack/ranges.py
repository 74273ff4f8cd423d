"""Spack's version lists (`@1.12:1.14,=2.0`): reading them, and which versions they contain. Pure.

The rules are those of Spack 0.23's `version_types.py`. A list contains what any of its elements
does; `x` is every version that begins with x, `x:y` everything from x to the end of y's range,
`=x` that version alone. A git version (`git.main=1.2`, a commit) counts in ranges as the version
it is given after `=`, and is equal only to the same ref.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from . import versions

__all__ = ["EmptyRangeError", "check", "common", "contains", "is_bare_ref", "said"]

_COMMIT = re.compile(r"[A-Fa-f0-9]{40}")


class EmptyRangeError(ValueError):
    """A range that ends before it begins; Spack refuses it."""


class _Git(NamedTuple):
    """A git version: its ref, and the version it counts as, if one was given."""

    ref: str
    version: versions.Parsed | None


class _Range(NamedTuple):
    """Everything from `low` to, not including, `high`; None is no bound."""

    low: versions.Parsed | None
    high: versions.Parsed | None


_Element = _Range | _Git | versions.Parsed


def check(wanted: str) -> None:
    """Raise EmptyRangeError where a version list has a range that contains nothing."""
    _read(wanted)


def contains(wanted: str, version: str) -> bool:
    """Whether a version list, as it stands after `@`, contains the version of a build."""
    known = _known(version)
    return any(_contains(element, known) for element in _read(wanted))


def is_bare_ref(text: str) -> bool:
    """Whether an element of a list is a git version that says nothing of what it counts as."""
    return "=" not in text and _is_git(text)


def common(first: str, second: str) -> str | None:
    """The list of what is in both of two version lists; None where that is nothing."""
    found = dict.fromkeys(
        text
        for one in _texts(first)
        for other in _texts(second)
        if (text := _common(one, other)) is not None
    )
    return ",".join(found) or None


def said(wanted: str) -> frozenset[object]:
    """What a version list says, the same for two that differ in how it is written only."""
    return frozenset(_read(wanted))


def _texts(wanted: str) -> list[str]:
    return ["".join(part.split()) for part in wanted.split(",")]


def _common(one: str, other: str) -> str | None:
    first, second = _element(one), _element(other)
    if isinstance(first, _Range) and isinstance(second, _Range):
        return _overlap(one, other)
    if isinstance(first, _Range):
        return _common(other, one)
    if isinstance(second, _Range):
        # Which version a branch is that tells none cannot be known here: it stays.
        is_open = isinstance(first, _Git) and first.version is None
        return one if is_open or _contains(second, first) else None
    return one if first == second else None


def _overlap(one: str, other: str) -> str | None:
    first, second = _element(one), _element(other)
    assert isinstance(first, _Range), one
    assert isinstance(second, _Range), other
    low, high = _bounds(one)
    if second.low is not None and (first.low is None or first.low < second.low):
        low = _bounds(other)[0]
    if second.high is not None and (first.high is None or second.high < first.high):
        high = _bounds(other)[1]
    found = {_bounds(one): one, _bounds(other): other}
    text = found.get((low, high), f"{low}:{high}")
    try:
        overlap = _element(text)
    except EmptyRangeError:  # nothing is in both
        return None
    assert isinstance(overlap, _Range), text
    return None if overlap.low is not None and overlap.low == overlap.high else text


def _bounds(text: str) -> tuple[str, str]:
    low, colon, high = text.partition(":")
    return (low, high) if colon else (text, text)


def _contains(element: _Element, version: versions.Parsed | _Git) -> bool:
    if isinstance(element, _Git):
        if not isinstance(version, _Git) or version.ref != element.ref:
            return False
        return element.version is None or element.version == version.version
    if not isinstance(element, _Range):
        return element == version
    if element.low is None and element.high is None:
        return True
    counted = version.version if isinstance(version, _Git) else version
    return (
        counted is not None
        and (element.low is None or element.low <= counted)
        and (element.high is None or counted < element.high)
    )


@lru_cache(maxsize=8192)
def _known(version: str) -> versions.Parsed | _Git:
    return _git(version) if _is_git(version) else versions.parsed(version)


@lru_cache(maxsize=1024)
def _read(wanted: str) -> tuple[_Element, ...]:
    return tuple(_element("".join(part.split())) for part in wanted.split(","))


def _element(text: str) -> _Element:
    if ":" in text:
        low, _, high = text.partition(":")
        return _range(low, high)
    if text.startswith("="):
        return _known(text[1:])
    if _is_git(text):
        return _git(text)
    return _range(text, text)


def _range(low: str, high: str) -> _Range:
    found = _Range(
        versions.parsed(low) if low else None,
        versions.after(versions.parsed(high)) if high else None,
    )
    if found.low is not None and found.high is not None and found.high < found.low:
        raise EmptyRangeError(f"{low}:{high} is an empty range")
    return found


def _is_git(text: str) -> bool:
    return text.startswith("git.") or "=" in text[1:] or _COMMIT.fullmatch(text) is not None


def _git(text: str) -> _Git:
    ref, equals, version = text.removeprefix("git.").partition("=")
    return _Git(ref, versions.parsed(version) if equals else None)
