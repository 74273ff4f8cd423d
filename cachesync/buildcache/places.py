"""What is wrong in a document, and where: `installs.HASH.spec.dependencies[3].hash`. Pure."""

from __future__ import annotations

import re
from collections.abc import Hashable

__all__ = ["Wrong", "as_wrong", "at_place", "shown"]

MAX_SHOWN = 60

_AT = re.compile(r"(.*) - at `\$(.*)`", re.DOTALL)
_KEY = re.compile(r"\.?([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_BARE_KEY = re.compile(r"[A-Za-z0-9_+\-]{1,60}")


class Wrong(Exception):  # noqa: N818 - becomes a refusal of the record, or a CacheIndexError
    """Something wrong at a place below what is being read."""

    def __init__(self, problem: str, *path: Hashable) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path = path

    def below(self, *path: Hashable) -> str:
        """The place and the problem, the place below `path`."""
        place = _place((*path, *self.path))
        return f"{place}: {self.problem}" if place else self.problem


def as_wrong(error: Exception, *path: Hashable) -> Wrong:
    """The complaint of msgspec as one about a place below `path`."""
    said = _AT.fullmatch(str(error))
    problem, inner = (said[1], said[2]) if said else (str(error), "")
    keys = [name or (int(at) if at.isdecimal() else at) for name, at in _KEY.findall(inner)]
    return Wrong(problem[:1].lower() + problem[1:], *path, *keys)


def at_place(error: Exception, *path: Hashable) -> str:
    """The complaint of msgspec, its place first and below `path`."""
    return as_wrong(error).below(*path)


def shown(value: object) -> str:
    """A value from a document as a message may hold it: short, and every character printable."""
    text = value if isinstance(value, str) else repr(value)
    return ascii(text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "...")


def _place(path: tuple[Hashable, ...]) -> str:
    """The path as text; a key that is no plain word stands in brackets and quotes."""
    parts: list[str] = []
    for key in path:
        if isinstance(key, int):
            parts.append(f"[{key}]")
        elif isinstance(key, str) and _BARE_KEY.fullmatch(key):
            parts.append(f".{key}" if parts else key)
        else:
            parts.append(f"[{shown(key)}]")
    return "".join(parts)
