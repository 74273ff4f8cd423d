"""YAML text to nodes that remember their places, safely; and what is wrong at a place.

PyYAML's C loader composes recursively, so a file could crash the process by nesting, and aliases
of aliases stand for more values than can ever be read: both are bounded before anything is
composed. Nothing is constructed here, so no tag can choose what runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, NoReturn

import yaml

from .frontmatter import MAX_DEPTH

__all__ = [
    "TAG",
    "InvalidError",
    "Node",
    "Problem",
    "compose",
    "problem_after",
    "problem_at",
    "refuse",
]

MAX_VALUES = 50_000
"""Values once aliases are followed; a configuration of a thousand sources has fewer."""

Node = yaml.Node

TAG = "tag:yaml.org,2002:"
"""What the tags of YAML's own types begin with."""


class Problem(NamedTuple):
    """What is wrong at one place; `keys` lead there from the top. Lines and columns count from 1."""

    line: int
    column: int
    keys: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        """One line without the place."""
        return ": ".join(filter(None, (".".join(self.keys), self.text)))

    def below(self, key: str) -> Problem:
        """The same problem, seen from the mapping in which it stands at `key`."""
        return self._replace(keys=(key, *self.keys))


class InvalidError(Exception):
    """What a reader cannot accept, as one or more problems."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        super().__init__()
        self.problems = list(problems)


def problem_at(node: yaml.Node, text: str) -> Problem:
    """A problem where `node` begins."""
    return _problem(node.start_mark, text)


def _problem(mark: Any, text: str) -> Problem:
    return Problem(mark.line + 1, mark.column + 1, (), text)


def refuse(node: yaml.Node, text: str) -> NoReturn:
    """Raise InvalidError with one problem where `node` begins."""
    raise InvalidError([problem_at(node, text)])


def compose(text: str) -> yaml.Node | None:
    """The only document of `text`; None when it is empty.

    Raises InvalidError for what is not YAML, nested deeper than `MAX_DEPTH`, or of more than
    `MAX_VALUES` values once aliases are followed.
    """
    try:
        _check_events(text)
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = " ".join(filter(None, (error.context, error.problem)))
        raise InvalidError([_problem(mark, reason)]) from None
    except yaml.reader.ReaderError as error:
        before = text.encode()[: error.position].decode(errors="ignore")  # it counts bytes
        raise InvalidError([problem_after(before, error.reason)]) from None
    except UnicodeEncodeError as error:
        raise InvalidError([problem_after(text[: error.start], "not Unicode text")]) from None
    return node if node is not None and (node.tag != TAG + "null" or node.value) else None


def problem_after(before: str, text: str) -> Problem:
    """A problem at the first character after the text `before`."""
    return Problem(before.count("\n") + 1, len(before) - before.rfind("\n"), (), text)


def _check_events(text: str) -> None:
    # The composer recurses in C, and following aliases of aliases takes for ever: both are bounded
    # on the stream of events, which is flat.
    open_nodes: list[tuple[str | None, int]] = []  # anchor, and the values before it
    sizes: dict[str | None, int] = {}
    values = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in open_nodes):
                raise _refused(event, "an alias inside of what it stands for")
            values += sizes.get(event.anchor, 1)  # the composer says which is unknown
        elif isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)):
            open_nodes.append((event.anchor, values))
            values += 1
        if isinstance(event, (yaml.ScalarEvent, yaml.CollectionEndEvent)):
            anchor, before = open_nodes.pop()
            sizes[anchor] = values - before
        if len(open_nodes) > MAX_DEPTH:
            raise _refused(event, f"nested deeper than {MAX_DEPTH} levels")
        if values > MAX_VALUES:
            raise _refused(event, f"more than {MAX_VALUES:,} values once aliases are followed")


def _refused(event: yaml.Event, text: str) -> InvalidError:
    return InvalidError([_problem(event.start_mark, text)])
