"""Spack version order and the ranges written `@x`, as functions of their arguments.

The rules are those of Spack's `version_types.py` (1.0): a version is split into runs of digits and
runs of letters; separators do not count; letters sort below digits; `develop`, `main`, ... sort
above everything; a trailing `alpha`, `beta` or `rc` with an optional number sorts below the release.
`@x` means every version from `x` up to, not including, the next version at the precision of `x`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

__all__ = ["Parsed", "after", "canonical", "contains", "parsed", "ranges_of", "sort_key"]

# A run of digits longer than int() reads (4,300) is taken as several: no version has one.
_SEGMENT = re.compile(r"([0-9]{1,4000})|([a-zA-Z]+)")
_INFINITE = ("stable", "nightly", "trunk", "head", "master", "main", "develop")
_PRERELEASE = {"alpha": 0, "beta": 1, "rc": 2, "final": 3}
_FINAL = 3

# A component compares as (rank, number or text): letters < digits < infinity versions.
_Component = tuple[int, int | str]
_LETTERS, _DIGITS, _INFINITY = 0, 1, 2
_Version = tuple[tuple[_Component, ...], tuple[int, ...]]
Parsed = _Version
"""A version that compares as Spack compares it: its components, and how final it is."""


@lru_cache(maxsize=4096)
def _parse(text: str) -> _Version:
    segments = _SEGMENT.findall(text)
    prerelease: tuple[int, ...] = (_FINAL,)
    if len(segments) >= 3 and segments[-2][1] in _PRERELEASE and segments[-1][0]:
        prerelease = (_PRERELEASE[segments[-2][1]], int(segments[-1][0]))
        segments = segments[:-2]
    elif len(segments) >= 2 and segments[-1][1] in _PRERELEASE:
        prerelease = (_PRERELEASE[segments[-1][1]],)
        segments = segments[:-1]
    return tuple(_component(digits, letters) for digits, letters in segments), prerelease


def parsed(version: str) -> Parsed:
    """What `<` and `==` compare; separators and leading zeros do not count."""
    return _parse(version)


def after(version: Parsed) -> Parsed:
    """The first version above every version that `version` names as a range."""
    return _next(version)


def _component(digits: str, letters: str) -> _Component:
    if digits:
        return _DIGITS, int(digits)
    if letters in _INFINITE:
        return _INFINITY, _INFINITE.index(letters)
    return _LETTERS, letters


def _next(version: _Version) -> _Version:
    """The first version above every version that `version` names as a range."""
    release, prerelease = version
    if prerelease[0] != _FINAL:
        after = prerelease[1] + 1 if len(prerelease) > 1 else 0
        return release, (prerelease[0], after)
    if not release:
        return ((_LETTERS, "A"),), prerelease
    rank, value = release[-1]
    bumped: int | str = value + 1 if isinstance(value, int) else _next_letters(value)
    return (*release[:-1], (rank, bumped)), prerelease


def _next_letters(text: str) -> str:
    while True:
        if text.endswith("z"):
            text += "A"
        else:
            text = text[:-1] + ("a" if text[-1] == "Z" else chr(ord(text[-1]) + 1))
        if text not in _INFINITE:
            return text


def contains(wanted: str, version: str) -> bool:
    """Whether `version` is in the range Spack writes as `@wanted`.

    `contains("3.12", "3.12.4")` is true, `contains("3.1", "3.12")` is not. The number behind `final`
    does not count here, as it does to `parsed`: 1.0 is in 1.0final1, 1.0final2, ..., without end.
    """
    low, this = _countable(wanted), _countable(version)
    return low <= this < _next(low)


def _countable(version: str) -> _Version:
    """A version without the number behind `final`, so that the ranges it is in can be listed."""
    release, prerelease = _parse(version)
    return release, (_FINAL,) if prerelease[0] == _FINAL else prerelease


def ranges_of(version: str) -> tuple[str, ...]:
    """Every canonical `x` for which `contains(x, version)` holds, shortest first.

    A canonical version joins the components with dots (`canonical`); an index of these strings
    answers range queries by exact look-up.
    """
    this = _countable(version)
    release, prerelease = this
    lows = {this}
    for end in range(1, len(release) + 1):
        lows.update((shorter, (_FINAL,)) for shorter in _shortened(release[:end]))
    if prerelease[0] != _FINAL:
        # 1.3-rc1 sorts below 1.3, which is where the range @1.2 ends: Spack counts it in.
        lows.add((_previous(release), (_FINAL,)))
    found = {_canonical(low) for low in lows if low <= this < _next(low)}
    return tuple(sorted(found, key=lambda text: (len(text), text)))


def _shortened(release: tuple[_Component, ...]) -> Iterator[tuple[_Component, ...]]:
    """`release`, and with its last letters cut short: @1a ends where 1b begins, so it holds 1ab."""
    yield release
    rank, value = release[-1]
    if rank == _LETTERS and isinstance(value, str):
        for end in range(1, len(value)):
            head = value[:end]
            # No range is called 1head, which is an infinity version; @1heac ends behind it.
            yield (*release[:-1], (rank, _previous_letters(head) if head in _INFINITE else head))


def _previous(release: tuple[_Component, ...]) -> tuple[_Component, ...]:
    """What `_next` makes `release` of; `release` itself where there is none."""
    rank, value = release[-1]
    if release == ((_LETTERS, "A"),):
        return ()
    if isinstance(value, int):
        return (*release[:-1], (rank, value - 1)) if value else release
    return (*release[:-1], (rank, _previous_letters(value)))


def _previous_letters(text: str) -> str:
    while not text.endswith("A"):
        text = text[:-1] + ("Z" if text[-1] == "a" else chr(ord(text[-1]) - 1))
        if text not in _INFINITE:
            return text
    return text


def canonical(version: str) -> str:
    """`version` with its separators made dots: two versions are equal when these strings are."""
    return _canonical(_countable(version))


def _canonical(version: _Version) -> str:
    release, prerelease = version
    parts = [_INFINITE[value] if rank == _INFINITY else str(value) for rank, value in release]  # type: ignore[index]
    if prerelease[0] != _FINAL:
        parts.append(("alpha", "beta", "rc")[prerelease[0]])
        parts.extend(map(str, prerelease[1:]))
    elif _reads_as_prerelease(release):
        parts.append("final")
    return ".".join(parts)


def _reads_as_prerelease(release: tuple[_Component, ...]) -> bool:
    """Whether the text of a final `release`, such as that of `7rcfinal`, would be parsed as one."""
    if len(release) >= 3 and release[-1][0] == _DIGITS and release[-2][1] in _PRERELEASE:
        return True
    return len(release) >= 2 and release[-1][1] in _PRERELEASE


def sort_key(version: str) -> bytes:
    """Bytes that compare as Spack compares the versions; equal versions have equal keys."""
    release, prerelease = _parse(version)
    out = bytearray()
    for rank, value in release:
        out.append(rank + 1)
        if isinstance(value, str):
            out += value.encode() + b"\0"
        else:
            out += _number(value)
    out.append(0)
    for number in prerelease:
        out += b"\1" + _number(number)
    return bytes(out)


def _number(value: int) -> bytes:
    digits = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return len(digits).to_bytes(2, "big") + digits
