"""How far two words are apart, for `word~1` and `word~2`. Pure.

The distance is that of optimal string alignment: a letter too many, one too few, a wrong one, or
two neighbours swapped is one edit, and no part of a word is edited twice. What is compared are
names: those of packages (whole, and runs of their parts), compilers, systems, platforms and
targets, stacks, tags and sources. Versions, variants and hashes are no words one misspells.
"""

from __future__ import annotations

from functools import lru_cache

from ..model import Build
from .tree import Term
from .values import field_values, name_runs

__all__ = ["FIELDS", "MAX_DISTANCE", "is_near", "is_near_build", "is_spelled_like"]

MAX_DISTANCE = 2
FIELDS = ("package", "compiler", "os", "platform", "target", "stack", "tag", "source")
"""The fields a fuzzy word is compared with."""
SHORT = 5
"""Letters from which a name with two edits is still the same to who reads it."""


def is_near_build(term: Term, build: Build) -> bool:
    """Whether a name of the build is within the term's distance."""
    names = (
        *name_runs(build.package),
        *field_values(build, "compiler"),
        build.os.lower(),
        build.platform.lower(),
        build.target.lower(),
    )
    return any(is_near(term.value, name, term.distance) for name in names)


@lru_cache(maxsize=65_536)
def is_near(word: str, value: str, most: int) -> bool:
    """Whether at most `most` edits make `value` of `word`."""
    if abs(len(word) - len(value)) > most:
        return False
    if word == value:
        return True
    # An edit brings in at most one letter that was not there: most values end here.
    if len(set(word).difference(value)) > most or len(set(value).difference(word)) > most:
        return False
    return _distance(word, value) <= most


def is_spelled_like(word: str, value: str) -> bool:
    """Whether `value` may be meant by `word`: two edits away, of less than five letters one; never the opposite."""
    if {word[:1], value[:1]} == {"+", "~"} and word[1:].lower() == value[1:].lower():
        return False
    letters = len(word.lstrip("+~"))  # of a variant its name
    return is_near(word.lower(), value.lower(), 1 if letters < SHORT else MAX_DISTANCE)


def _distance(one: str, other: str) -> int:
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        before, above, row = row, before, [i]
        for j, wanted in enumerate(other, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
    return row[-1]
