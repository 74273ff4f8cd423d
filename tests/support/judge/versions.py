"""Versions as the judge reads and compares them (RULES 3a)."""

import re
from typing import NamedTuple

from .refused import Refused

__all__ = ["Asked", "Git", "Version", "holds", "members", "overlap", "version_of"]

INFINITIES = ("stable", "nightly", "trunk", "head", "master", "main", "develop")
PRE_RELEASES = ("alpha", "beta", "rc")
FINAL = (3,)


class Version(NamedTuple):
    """Components and the place before the final release; these compare as tuples do."""

    release: tuple[tuple[int, int | str], ...]
    pre: tuple[int, ...] = FINAL


class Git(NamedTuple):
    """A version `git.REF=V` or `COMMIT=V`; without V it cannot be compared."""

    ref: str
    version: Version | None


class Asked(NamedTuple):
    """One member of a version list: `=v`, a git version or a range (`v` is `v:v`)."""

    exact: Version | Git | None = None
    low: Version | None = None
    high: Version | None = None


def _component(text: str) -> tuple[int, int | str]:
    if text.isdigit():
        return (1, int(text))
    if text in INFINITIES:
        return (2, INFINITIES.index(text))
    return (0, text)


def plain(text: str) -> Version:
    """A version that is no git version."""
    words = re.findall(r"[0-9]+|[A-Za-z]+", text)
    for tail in (2, 1):
        if len(words) > tail and words[-tail] in PRE_RELEASES:
            number = words[-1] if tail == 2 else ""
            if tail == 2 and not number.isdigit():
                continue
            pre = (PRE_RELEASES.index(words[-tail]), *([int(number)] if number else []))
            return Version(tuple(map(_component, words[:-tail])), pre)
    return Version(tuple(map(_component, words)))


def version_of(text: str) -> Version | Git:
    """What a record's version is."""
    git = re.fullmatch(r"(?:git\.([^=]+)|([0-9a-f]{40}))(?:==?(.+))?", text)
    if not git:
        return plain(text)
    return Git(git[1] or git[2], plain(git[3]) if git[3] else None)


def following(version: Version) -> Version:
    """The version before which `:version` ends."""
    if version.pre != FINAL:
        kind, *number = version.pre
        return Version(version.release, (kind, number[0] + 1 if number else 0))
    if not version.release:
        return version
    *rest, (order, last) = version.release
    if order == 0:
        last = _next_word(last)
    else:
        last += 1
    return Version((*rest, (order, last)))


def _next_word(word: str) -> str:
    while True:
        if word[-1] == "z":
            word += "A"
        elif word[-1] == "Z":
            word = word[:-1] + "a"
        else:
            word = word[:-1] + chr(ord(word[-1]) + 1)
        if word not in INFINITIES:
            return word


def members(text: str) -> tuple[Asked, ...]:
    """The members of a version list; `Refused` (syntax) for one that is none."""
    return tuple(_member("".join(member.split())) for member in text.split(","))


def _member(text: str) -> Asked:
    if ":" not in text:
        version = version_of(text.removeprefix("="))
        if text.startswith("=") or isinstance(version, Git):
            return Asked(exact=version)
        return Asked(low=version, high=version)
    if "=" in text:
        raise Refused("syntax", f"an exact version in a range: {text}")
    low, high = (plain(side) if side else None for side in text.split(":"))
    if low and high and following(high) < low:
        raise Refused("syntax", f"a range that ends before it begins: {text}")
    return Asked(low=low, high=high)


def _within(version: Version, asked: Asked) -> bool:
    return (asked.low is None or asked.low <= version) and (
        asked.high is None or version < following(asked.high)
    )


def _meets(version: Version | Git, asked: Asked) -> bool:
    if asked.exact is not None:
        return type(version) is type(asked.exact) and version == asked.exact
    seen = version.version if isinstance(version, Git) else version
    return seen is not None and _within(seen, asked)


def holds(version: Version | Git, asked: tuple[Asked, ...]) -> bool:
    """Whether a record's version is in a list."""
    return any(_meets(version, member) for member in asked)


def overlap(one: tuple[Asked, ...], other: tuple[Asked, ...]) -> bool:
    """Whether two lists have a version in common."""
    return any(_overlap(first, second) for first in one for second in other)


def _overlap(one: Asked, other: Asked) -> bool:
    if any(isinstance(side.exact, Git) and side.exact.version is None for side in (one, other)):
        return True  # nobody knows
    if one.exact is not None:
        return _meets(one.exact, other)
    if other.exact is not None:
        return _meets(other.exact, one)
    return all(
        low is None or high is None or low < following(high)
        for low, high in ((one.low, other.high), (other.low, one.high))
    )
