"""What the GitHub API says of a git tree, and which pages it holds. Pure.

https://docs.github.com/en/rest/git/trees
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..diff import page_order
from ..errors import SourceError
from ..selection import Selection
from .base import Entry, Fault, Note
from .remote import hostile, is_wanted, refused, too_large

__all__ = ["LINK", "Item", "Pages", "Tree", "is_sha", "pages_among", "parse_tree"]

LINK = "120000"
_FILES = ("100644", "100755", "100664")
_SHA = re.compile(r"[0-9a-f]{40}")
_NO_TREE = "answered something else than a tree"


class Item(NamedTuple):
    """A line of a tree."""

    path: str
    mode: str
    type: str
    """`blob`, `tree` or `commit` (a submodule)."""
    sha: str
    size: int


class Tree(NamedTuple):
    """What a tree holds; by no means everything when it is truncated."""

    items: list[Item]
    is_truncated: bool


class Pages(NamedTuple):
    """The pages among the items of a tree, in the order of tag and path."""

    entries: list[Entry]
    faults: list[Fault]
    notes: list[Note]


def is_sha(text: str) -> bool:
    """Whether `text` is the name of a git object."""
    return _SHA.fullmatch(text) is not None


def parse_tree(body: bytes) -> Tree:
    """The tree in an answer of the API. Raises SourceError when there is none."""
    try:
        tree = json.loads(body)
    except (ValueError, RecursionError):
        raise SourceError(f"{_NO_TREE} (no JSON)") from None
    if not isinstance(tree, dict) or not isinstance(tree.get("tree"), list):
        raise SourceError(_NO_TREE)
    return Tree(list(_items(tree["tree"])), is_truncated=tree.get("truncated") is not False)


def _items(lines: list[object]) -> Iterator[Item]:
    for line in lines:
        if not isinstance(line, dict):
            raise SourceError(_NO_TREE)
        texts = [line.get(key) for key in ("path", "mode", "type", "sha")]
        path, mode, kind, sha = (text if isinstance(text, str) else "" for text in texts)
        size = line.get("size")
        if not path or (kind == "tree" and not is_sha(sha)):
            raise SourceError(_NO_TREE)
        yield Item(path, mode, kind, sha, size if isinstance(size, int) else 0)


def pages_among(
    items: Iterable[Item], prefix: str, selection: Selection, *, page_bytes: int
) -> Pages:
    """The pages among `items`, whose paths are relative to `prefix` (empty, or ending in `/`)."""
    pages = Pages([], [], [])
    entries: dict[str, Entry] = {}
    for item in items:
        path = prefix + item.path
        if item.type == "tree" or not is_wanted(selection, path):
            continue
        reason = hostile(item.path) or hostile(path)
        if reason is not None:
            pages.faults.append(refused(prefix, item.path, reason))
        elif item.mode == LINK:
            pages.notes.append(Note(path, "a symbolic link; it is not followed"))
        elif item.type != "blob" or item.mode not in _FILES or not is_sha(item.sha):
            pages.faults.append(Fault(path, "is not a regular file"))
        elif item.size > page_bytes:
            pages.faults.append(Fault(path, too_large(item.size, page_bytes)))
        else:
            entries[path] = Entry(path, item.sha)
    pages.entries.extend(sorted(entries.values(), key=lambda entry: page_order(entry.path)))
    return pages
