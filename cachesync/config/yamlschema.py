"""YAML against a schema: typed values, or every problem at once with its line and column.

A schema is made of readers. A reader takes a composed node and returns its value or raises
InvalidError with all that is wrong below it; `Record`, `ListOf` and `Kinds` put readers together
and gather what theirs raise. Scalars are read from their text, so `1.10` is a tag where a tag is
expected; only numbers and switches ask what YAML takes them for.

Nothing here knows what is being configured. No problem repeats a value, since a value in the wrong
place may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

import yaml

from .yamlnodes import TAG, InvalidError, Problem, problem_at, refuse

__all__ = [
    "Fields",
    "Key",
    "Kinds",
    "ListOf",
    "Reader",
    "Record",
    "boolean",
    "choice",
    "descend",
    "exactly_one",
    "fraction",
    "integer",
    "not_both",
    "scalar",
]

T = TypeVar("T")

_TEXT_TAGS = {TAG + name for name in ("str", "int", "float", "bool", "timestamp", "merge", "value")}
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,15}")
_SHOWN_KEY_LENGTH = 40
_WITH_TAG = " with an explicit tag (!), which is not understood here"


Reader = Callable[[yaml.Node], T]
"""Returns the value of a node; raises InvalidError."""


# -- scalars


def _found(node: yaml.Node) -> str:
    """What a node is; a tag that is not YAML's own for that is a part of it."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping" + ("" if node.tag == TAG + "map" else _WITH_TAG)
    if isinstance(node, yaml.SequenceNode):
        return "a list" + ("" if node.tag == TAG + "seq" else _WITH_TAG)
    if node.tag not in _TEXT_TAGS and node.tag != TAG + "null":
        return "text" + _WITH_TAG
    kinds = {"null": "nothing", "int": "a number", "float": "a number", "bool": "true or false"}
    return kinds.get(node.tag.removeprefix(TAG), "text")


def _text(node: yaml.Node, expected: str = "text") -> str:
    if not isinstance(node, yaml.ScalarNode) or node.tag == TAG + "null":
        refuse(node, f"expected {expected}, found {_found(node)}")
    if node.tag not in _TEXT_TAGS:
        refuse(node, "an explicit tag (!) is not understood here")
    text: str = node.value
    return text


def _tagged(node: yaml.Node, tags: tuple[str, ...], expected: str) -> str:
    text = _text(node, expected)
    if node.tag.removeprefix(TAG) not in tags:
        refuse(node, f"expected {expected}, found {_found(node)}")
    return text


def scalar(convert: Callable[[str], T]) -> Reader[T]:
    """A reader of text through `convert`, whose ValueError says what was expected."""

    def read(node: yaml.Node) -> T:
        try:
            return convert(_text(node))
        except ValueError as error:
            refuse(node, str(error))

    return read


def choice(values: Mapping[str, T]) -> Reader[T]:
    """A reader of one of a few words."""

    def read(node: yaml.Node) -> T:
        text = _text(node, "one of " + ", ".join(values))
        if text not in values:
            refuse(node, "expected one of " + ", ".join(values) + _did_you_mean(text, values))
        return values[text]

    return read


def boolean(node: yaml.Node) -> bool:
    """Reads what YAML takes for true or false."""
    text = _tagged(node, ("bool",), "true or false").lower()
    if text not in ("true", "yes", "on", "false", "no", "off"):
        refuse(node, "expected true or false")
    return text in ("true", "yes", "on")


def integer(*, minimum: int) -> Reader[int]:
    """A reader of whole decimal numbers from `minimum` on."""

    def read(node: yaml.Node) -> int:
        text = _tagged(node, ("int",), "a whole number")
        if not _INTEGER.fullmatch(text) or int(text) < minimum:
            refuse(node, f"expected a whole number, {minimum} or more")
        return int(text)

    return read


def fraction(node: yaml.Node) -> float:
    """Reads a number from 0 to 1."""
    text = _tagged(node, ("int", "float"), "a number from 0 to 1")
    try:
        value = float(text)
    except ValueError:  # .inf, .nan, 1:30.5
        value = -1.0
    if not 0 <= value <= 1:
        refuse(node, "expected a number from 0 to 1")
    return value


# -- lists


class ListOf(Generic[T]):
    """Reads a list of what `item` reads as a tuple.

    At least one item unless `empty`; with `single`, one item need not stand in a list. With
    `unique`, no two may have the same text at these keys; at `()` that is the item itself.
    """

    def __init__(
        self,
        item: Reader[T],
        *,
        empty: bool = False,
        single: bool = False,
        unique: tuple[str, ...] | None = None,
    ) -> None:
        self.item = item
        self._empty = empty
        self._single = single
        self._unique = unique

    def __call__(self, node: yaml.Node) -> tuple[T, ...]:
        """The items. Raises InvalidError with the problems of all."""
        if self._single and not isinstance(node, yaml.SequenceNode):
            return (self.item(node),)
        if not isinstance(node, yaml.SequenceNode) or node.tag != TAG + "seq":
            refuse(node, f"expected a list, found {_found(node)}")
        if not node.value and not self._empty:
            refuse(node, "the list is empty")
        problems = list(self._repeated(node.value))
        values: list[T] = []
        for child in node.value:
            try:
                values.append(self.item(child))
            except InvalidError as error:
                problems += error.problems
        if problems:
            raise InvalidError(problems)
        return tuple(values)

    def _repeated(self, nodes: list[yaml.Node]) -> Iterator[Problem]:
        lines: dict[str, int] = {}
        for node in nodes if self._unique is not None else ():
            found = descend(node, self._unique or ())
            if not isinstance(found, yaml.ScalarNode):
                continue
            if found.value in lines:
                problem = problem_at(found, f"already stands in line {lines[found.value]}")
                yield problem._replace(keys=self._unique or ())
            lines.setdefault(found.value, found.start_mark.line + 1)


def descend(node: yaml.Node | None, keys: tuple[str, ...]) -> yaml.Node | None:
    """What stands in mappings at these keys, one below the other; None where nothing does."""
    for key in keys:
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()
        node = next((value for name, value in pairs if name.value == key), None)
    return node


# -- mappings


class Key(NamedTuple):
    """A key of a mapping: how its value is read, and which argument it becomes (default: its name)."""

    read: Reader[Any]
    into: str | None = None
    required: bool = False


class Fields(NamedTuple):
    """A mapping that was read, for the rules that concern several keys."""

    node: yaml.Node
    places: Mapping[str, yaml.Node]
    """Where the known keys stand that are present, whether or not their values are in order."""
    values: Mapping[str, Any]
    """Those that are in order."""


Rule = Callable[[Fields], Iterable[Problem]]


class Record(Generic[T]):
    """Reads a mapping with known keys and returns `make` called with their values.

    `expected` is said of what is no mapping. Unknown keys are repeated in their problem, with the
    nearest that exists, unless `strange` is said instead.
    """

    def __init__(
        self,
        make: Callable[..., T],
        keys: Mapping[str, Key],
        *,
        rules: tuple[Rule, ...] = (),
        expected: str | None = None,
        strange: str | None = None,
    ) -> None:
        self.keys = keys
        self._make = make
        self._rules = rules
        self._expected = expected
        self._strange = strange

    def __call__(self, node: yaml.Node) -> T:
        """The value. Raises InvalidError with the problems of all keys."""
        if not isinstance(node, yaml.MappingNode) or node.tag != TAG + "map":
            refuse(node, self._expected or f"expected a mapping, found {_found(node)}")
        problems: list[Problem] = []
        pairs = self._pairs(node, problems)
        values: dict[str, Any] = {}
        for name, (_, value) in pairs.items():
            try:
                values[name] = self.keys[name].read(value)
            except InvalidError as error:
                problems += (problem.below(name) for problem in error.problems)
        for name, key in self.keys.items():
            if key.required and name not in pairs:
                problems.append(problem_at(node, f"the key {name} is missing"))
        fields = Fields(node, {name: key for name, (key, _) in pairs.items()}, values)
        for rule in self._rules:
            problems += rule(fields)
        if problems:
            raise InvalidError(problems)
        return self._make(**{self.keys[name].into or name: value for name, value in values.items()})

    def _pairs(
        self, node: yaml.MappingNode, problems: list[Problem]
    ) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        pairs: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            name: str | None = key.value if isinstance(key, yaml.ScalarNode) else None
            if name is not None and name in pairs:
                line = pairs[name][0].start_mark.line + 1
                problems.append(problem_at(key, f"the key {name} already stands in line {line}"))
            elif name is not None and name in self.keys:
                pairs[name] = (key, value)
            else:
                problems.append(problem_at(key, self._strange or self._unknown(name)))
        return pairs

    def _unknown(self, name: str | None) -> str:
        if name is None:
            return "a list or mapping cannot be a key"
        shown = repr(name[:_SHOWN_KEY_LENGTH])
        return f"there is no key {shown}" + (
            _did_you_mean(name, self.keys) or "; keys: " + ", ".join(self.keys)
        )


class Kinds(Generic[T]):
    """Reads a mapping by the record that its key `type` names."""

    def __init__(self, kinds: Mapping[str, Record[Any]]) -> None:
        self.kinds = kinds
        self._type = choice({kind: kind for kind in kinds})

    def __call__(self, node: yaml.Node) -> T:
        """The value. Raises InvalidError; without a valid type nothing more is known to be wrong."""
        if not isinstance(node, yaml.MappingNode):
            refuse(node, f"expected a mapping, found {_found(node)}")
        type_node = descend(node, ("type",))
        if type_node is None:
            raise InvalidError(
                [problem_at(node, "the key type is missing: one of " + ", ".join(self.kinds))]
            )
        try:
            kind = self._type(type_node)
        except InvalidError as error:
            raise InvalidError(problem.below("type") for problem in error.problems) from None
        read: Record[T] = self.kinds[kind]
        return read(node)


def exactly_one(*names: str) -> Rule:
    """One of these keys must be there, and only one."""

    def check(fields: Fields) -> Iterator[Problem]:
        yield from not_both(*names)(fields)
        if not any(name in fields.places for name in names):
            yield problem_at(fields.node, "expected one of the keys " + ", ".join(names))

    return check


def not_both(*names: str) -> Rule:
    """At most one of these keys may be there."""

    def check(fields: Fields) -> Iterator[Problem]:
        present = [name for name in fields.places if name in names]
        for name in present[1:]:
            yield problem_at(fields.places[name], f"{name} and {present[0]} exclude each other")

    return check


def _did_you_mean(text: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(text[:_SHOWN_KEY_LENGTH], known, n=1)
    return f"; did you mean {close[0]}?" if close else ""
