"""Bounds on YAML before it is composed, and text that is read back as it was. Pure.

PyYAML's C loader composes recursively, so a text could crash the process by nesting, and aliases of
aliases stand for more values than can ever be read. The stream of events is flat: both are bounded
there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import yaml
from yaml.cyaml import CSafeLoader

__all__ = ["MAX_DEPTH", "Excess", "find_excess", "quoted", "reader_offset"]

_ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
MAX_DEPTH = 32
"""Levels of nesting; the deepest legal page or configuration has five."""


class Excess(NamedTuple):
    """Where a text leaves its bounds: a PyYAML mark, and what is wrong there."""

    mark: Any
    problem: str


def find_excess(text: str, *, values: int) -> Excess | None:
    """The first place nested deeper than `MAX_DEPTH` or beyond `values` values, aliases followed.

    Raises yaml.YAMLError for what is not YAML.
    """
    open_nodes: list[tuple[str | None, int]] = []  # anchor, and the values before it
    sizes: dict[str | None, int] = {}
    count = 0
    for event in yaml.parse(text, Loader=CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in open_nodes):
                return Excess(event.start_mark, "an alias inside of what it stands for")
            count += sizes.get(event.anchor, 1)  # the composer says which is unknown
        elif isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)):
            open_nodes.append((event.anchor, count))
            count += 1
        if isinstance(event, (yaml.ScalarEvent, yaml.CollectionEndEvent)):
            anchor, before = open_nodes.pop()
            sizes[anchor] = count - before
        if len(open_nodes) > MAX_DEPTH:
            return Excess(event.start_mark, f"nested deeper than {MAX_DEPTH} levels")
        if count > values:
            return Excess(
                event.start_mark, f"more than {values:,} values once aliases are followed"
            )
    return None


def reader_offset(error: yaml.reader.ReaderError, text: str) -> int:
    """How many characters of `text` stand before what a ReaderError is about: it counts bytes."""
    return len(text.encode()[: error.position].decode(errors="ignore"))


def quoted(text: str) -> str:
    """A text in double quotes, as YAML reads it back whatever is in it (YAML 1.2, 5.7)."""
    return '"' + "".join(map(_quoted, text)) + '"'


def _quoted(character: str) -> str:
    code = ord(character)
    if character in _ESCAPED:
        return _ESCAPED[character]
    if 0x20 <= code < 0x7F:
        return character
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
