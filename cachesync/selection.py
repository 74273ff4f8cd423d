"""Which tags and packages are wanted: globs over their names. Pure."""

from __future__ import annotations

import re
from fnmatch import translate
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Selection"]


class Selection(NamedTuple):
    """Globs over tags and packages; the last that matches wins, `!` excludes."""

    tags: tuple[str, ...] = ("*",)
    packages: tuple[str, ...] = ("*",)

    def admits_tag(self, tag: str) -> bool:
        """Whether pages of `tag` are wanted."""
        return _admits(self.tags, tag)

    def admits_package(self, package: str) -> bool:
        """Whether pages of `package` are wanted."""
        return _admits(self.packages, package)

    def admits(self, tag: str, package: str) -> bool:
        """Whether the page of `package` in `tag` is wanted."""
        return _admits(self.tags, tag) and _admits(self.packages, package)


@lru_cache(maxsize=65536)
def _admits(globs: tuple[str, ...], name: str) -> bool:
    # A list that begins by excluding takes everything it does not exclude.
    admitted = not globs or globs[0].startswith("!")
    for glob in globs:
        if _compiled(glob.removeprefix("!")).match(name):
            admitted = not glob.startswith("!")
    return admitted


@lru_cache(maxsize=1024)
def _compiled(glob: str) -> re.Pattern[str]:
    return re.compile(translate(glob))
