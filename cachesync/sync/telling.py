"""What is told of a cache index that cannot be had: its mirror's address once, and the reason. Pure.

Who reads a mirror says in full of every file where it lies. Beside the name of the source, which may be
the address itself, that would be the same long word again and again.
"""

from __future__ import annotations

import re

from .. import net
from ..config import mirrors

__all__ = ["failure", "index_name", "rejection"]


def failure(url: str, path: str, reason: str) -> str:
    """Why a source has failed. `path` is where the cache index lies, `url` its mirror."""
    short = _relative(url, reason)
    if any(_at(base).search(short) for base in _bases(url)):  # a remedy names it
        return short
    is_of_file = any(reason.startswith(f"{base}/") for base in _bases(url))
    where = f"{net.shown(url)}/" if is_of_file else f"{path}: "
    return f"{where}{short}"


def rejection(url: str, path: str, reason: str) -> str:
    """Why a cache index is not accepted, to be told behind its `path`."""
    short = _relative(url, reason)
    file, colon, rest = short.partition(": ")
    return rest if colon and path.endswith(f"/{file}") else short


def index_name(view: str | None, tag: str) -> str:
    """A cache index of a mirror in words."""
    return f"the mirror's own index ({tag})" if view is None else f"the view {view}"


def _relative(url: str, reason: str) -> str:
    """A reason in which files of the mirror are told without its address."""
    for base in _bases(url):
        reason = re.sub(rf"{_at(base).pattern}/(?=[^\s/])", "", reason)
    return reason


def _bases(url: str) -> tuple[str, ...]:
    """How a reason may tell the address: as it is configured, as people see it, as a directory."""
    directory = (mirrors.path(url).rstrip("/"),) if url.startswith("file:") else ()
    return tuple(dict.fromkeys(base for base in (url, net.shown(url), *directory) if base))


def _at(base: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![^\s(`'\"]){re.escape(base)}(?![^\s/),;:`'\"])")
