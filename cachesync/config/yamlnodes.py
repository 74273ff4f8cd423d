"""YAML text to nodes that remember their places, safely; and what is wrong at a place.

What `yamlguard` finds too deep or too large is never composed, and nothing is constructed here, so
no tag can choose what runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, NoReturn

import yaml

from ..yamlguard import find_excess, reader_offset

__all__ = [
    "TAG",
    "InvalidError",
    "Node",
    "Problem",
    "compose",
    "problem_after",
    "problem_at",
    "refuse",
    "scalars",
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

    Raises InvalidError for what is not YAML, nested too deep, or of more than `MAX_VALUES`
    values once aliases are followed.
    """
    try:
        excess = find_excess(text, values=MAX_VALUES)
        if excess is not None:
            raise InvalidError([_problem(*excess)])
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = " ".join(filter(None, (error.context, error.problem)))
        raise InvalidError([_problem(mark, reason)]) from None
    except yaml.reader.ReaderError as error:
        before = text[: reader_offset(error, text)]
        raise InvalidError([problem_after(before, error.reason)]) from None
    except UnicodeEncodeError as error:
        raise InvalidError([problem_after(text[: error.start], "not Unicode text")]) from None
    return node if node is not None and (node.tag != TAG + "null" or node.value) else None


def scalars(node: yaml.Node | None) -> Iterator[tuple[Any, str]]:
    """Every scalar below a node and where it begins, as often as it is stood for, in order."""
    if isinstance(node, yaml.ScalarNode):
        yield node.start_mark, node.value
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from scalars(item)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from scalars(key)
            yield from scalars(value)


def problem_after(before: str, text: str) -> Problem:
    """A problem at the first character after the text `before`."""
    return Problem(before.count("\n") + 1, len(before) - before.rfind("\n"), (), text)
