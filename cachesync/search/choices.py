"""What each piece of a query may be read as, given what there is: asked of a searcher inside of its `moment`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple

from .. import query
from ..errors import QueryError
from ..ledger import connect, read
from ..query import english, fuzzy, readings
from ..query.english import Piece, Role
from ..query.machine import runnable
from ..spack import targets
from .allowance import Allowance
from .searcher import Searcher

__all__ = [
    "Choice",
    "Choices",
    "Lacking",
    "SpentError",
    "asked",
    "combined",
    "of_the_package",
    "parsed",
]

_FIELDS = ("os", "target", "compiler", "platform", "tag", "stack", "source", "version")
_MOST_NEAR = 3


class Choice(NamedTuple):
    """What a piece of the query may be read as."""

    text: str | None
    """In the query language; None: nothing of it stays in the text."""
    read_as: str | None = None
    """As it is said; None where it is left as it is, or left out."""
    reading: readings.Reading | None = None
    """Of a word that is read anew."""
    alone: query.Node | None = None
    """What a word asks, whatever stands beside it; None of everything else."""


class Lacking(NamedTuple):
    """A variant that shall be off, and that the package does not have."""

    package: str
    variant: str
    nearest: tuple[str, ...]
    """Variants that it has, and that are called nearly so."""


class SpentError(Exception):
    """The time that questions may take is over: nothing more is asked."""


class Choices:
    """Finds them for the pieces of one query, whose exact names are known."""

    def __init__(
        self,
        searcher: Searcher,
        db: connect.Connection,
        values: readings.Values,
        pieces: list[Piece],
        names: Collection[str],
        *,
        may_be_machine: bool,
        allowance: Allowance,
    ) -> None:
        """With `may_be_machine` a word may be what `--runs-on` takes, where it is asked of the whole query.

        Once nothing of the `allowance` is left whatever asks raises SpentError.
        """
        self._allowance = allowance
        self._searcher = searcher
        self._values = values
        self._db = db
        self._pieces = pieces
        self._names = names
        self._may_be_machine = may_be_machine and not any(p.text in ("(", "OR") for p in pieces)
        self._kinds: dict[str, frozenset[str]] = {}
        self._builds: dict[query.Node, frozenset[int]] = {}
        self._matching: dict[query.Node, bool] = {}
        self.lacking: list[Lacking] = []

    def all(self) -> list[list[Choice]]:
        """Of each piece the likeliest first; never none."""
        found = [self._of(piece) for piece in self._pieces]
        stays = [at for at, p in enumerate(self._pieces) if p.role is not Role.LEFT_OUT]
        for left, at, right in zip(stays, stays[1:], stays[2:], strict=False):
            if self._pieces[at].role is Role.OR:
                found[left] = self._beside(found[left], found[right])
                found[right] = self._beside(found[right], found[left])
        return found

    def kinds_of(self, text: str) -> frozenset[str]:
        """What a condition is about: of a word the fields that have it as a value, of a spec its package."""
        if text not in self._kinds:
            node = parsed(text)
            if isinstance(node, query.Term) and node.field is None:
                fields = self._fields_of(node.value)
            else:
                fields = set() if node is None else {str(t.field) for t, _ in query.terms(node)}
                fields = {"package"} if "package" in fields else fields
            self._kinds[text] = frozenset(fields)
        return self._kinds[text]

    def _fields_of(self, word: str) -> set[str]:
        fields = {field for field in _FIELDS if word in self._values(field, word)}
        if word[:1].isdigit() and self.matches(query.Term("version", word)):
            fields.add("version")  # 1.14 is a value where 1.14.5 is
        return fields | ({"package"} if word in self._values("name", word) else set())

    def matches(self, node: query.Node) -> bool:
        """Whether anything does. Raises SpentError."""
        if node not in self._matching:
            self._matching[node] = bool(self._ask(node))
        return self._matching[node]

    def builds(self, node: query.Node) -> frozenset[int]:
        """Those that match; asked once. Raises SpentError."""
        if node not in self._builds:
            self._builds[node] = frozenset(self._ask(node))
        return self._builds[node]

    def _ask(self, node: query.Node) -> Collection[int]:
        if not self._allowance.is_left:
            raise SpentError
        return self._searcher.matching(node)

    def is_package(self, word: str) -> bool:
        """Whether a package is called exactly so."""
        return word.lower() in self._values("package", word.lower())

    def _beside(self, choices: list[Choice], others: list[Choice]) -> list[Choice]:
        """The choices for an alternative: first what is of the same kind as the one beside it."""
        text = others[0].text if others else None
        kinds = self.kinds_of(text or "") - {"package"}
        fitting = [choice for choice in choices if choice.text is not None]
        return sorted(fitting, key=lambda choice: not self.kinds_of(choice.text or "") & kinds)

    def _of(self, piece: Piece) -> list[Choice]:
        ways: dict[Role, Callable[[Piece], list[Choice]]] = {
            Role.NAME: self._named,
            Role.WORD: self._word,
            Role.HERE: self._here,
            Role.WITHOUT: self._without,
            Role.NOT: self._not,
            Role.OR: lambda _: [Choice("OR", "OR")],
            Role.LEFT_OUT: lambda _: [Choice(None)],
            Role.AS_IT_IS: lambda piece: [
                Choice(piece.text, None if piece.text == piece.typed else piece.text)
            ],
        }
        return ways[piece.role](piece)

    def _word(self, piece: Piece) -> list[Choice]:
        word = piece.text
        alone = self.builds(_word(word))
        fields = tuple(self.kinds_of(word) & set(_FIELDS)) if alone else ()
        found = readings.of_word(word, self._values, targets.is_known, fields)
        as_it_is = Choice(word, None if word == piece.typed else word, None, _word(word))
        anew = [
            Choice(one.text or None, one.said, one, asked(one))
            for one in found
            if one.runs_on is None or self._may_be_machine
        ]
        return anew if not alone and any(choice.text for choice in anew) else [as_it_is, *anew]

    def _here(self, _: Piece) -> list[Choice]:
        """This machine; nothing where the query is restricted to what a machine runs as it is."""
        if not self._may_be_machine:
            return [Choice(None)]
        here = readings.Reading("", "host")
        return [Choice(None, here.said, here, asked(here))]

    def _named(self, piece: Piece) -> list[Choice]:
        """What is asked for by an exact name: another one where nothing is called so."""
        name = english.name_in(piece.typed, self._names) or piece.text
        if name in self._values("package", name):
            return [Choice(piece.text)]
        others = readings.of_name(name, self._values)
        anew = [other + piece.text.removeprefix(name) for other in others]
        found = [Choice(text, text) for text in anew]
        if piece.text == name:  # a first word that is a name only because it is the first
            found += [choice for choice in self._word(piece) if choice.reading is not None]
        return found or [Choice(piece.text)]

    def _without(self, piece: Piece) -> list[Choice]:
        """A variant that is off; or a word that is excluded, where the package has that and no such variant."""
        text = piece.text
        rest = self._understood()
        typed = text.removeprefix("+")
        names = dict.fromkeys((typed, typed.lower()))
        name = next((one for one in names if self._has_switch(one, rest)), None)
        if name is None:
            name = typed
            if text == name and self.matches(query.And((*rest, _word(name)))):
                return [Choice(f"-{name}", f"-{name}")]
            others = self._excluded(name, rest, variants=False) if text == name else None
            if others is not None:
                return [Choice(others, others)]
            for package in self._packages():
                nearest = _nearest(name, read.switches_of(self._db, package))
                self.lacking.append(Lacking(package, name, nearest))
        return [Choice(f"~{name}", f"~{name}")]

    def _has_switch(self, name: str, rest: list[query.Node]) -> bool:
        """Whether a variant of this very name is on or off in what the rest leaves."""
        both = (query.Term("variant", f"{sign}{name}", spack=True) for sign in "+~")
        return self.matches(query.And((*rest, query.Or(tuple(both)))))

    def _not(self, piece: Piece) -> list[Choice]:
        """What is excluded: the word, or where nothing else has that what it is read as."""
        text, rest = piece.text, self._understood()
        is_word = parsed(text) == _word(text)
        if is_word and not self.matches(query.And((*rest, _word(text)))):
            text = self._excluded(text, rest, variants=True) or f"-{text}"
        else:
            text = f"-{text}"
        return [Choice(text, text)]

    def _excluded(self, word: str, rest: list[query.Node], *, variants: bool) -> str | None:
        """What excludes all that a word may be read as of one kind, as far as the rest has it; None where it has nothing."""
        found: dict[str, list[str]] = {}
        for one in readings.of_word(word, self._values, targets.is_known):
            node = None if one.runs_on is not None else asked(one)
            field = one.text.partition(":")[0] if ":" in one.text else ""
            is_one = node is not None and (field or variants)
            if node is not None and is_one and self.matches(query.And((*rest, node))):
                other = f"-{one.text}" if field else f"-({one.text})"
                found.setdefault(field, []).append(readings.off(one) or other)
        return " ".join(next(iter(found.values()))) if found else None

    def _packages(self) -> list[str]:
        """Those that the query is about."""
        words = (piece.text.lower() for piece in self._pieces if piece.role is Role.WORD)
        return sorted(self._names) or [word for word in words if self.is_package(word)]

    def _understood(self) -> list[query.Node]:
        """Conditions that mean what they mean, whatever the rest is read as; none where they are alternatives."""
        if any(piece.role is Role.OR or piece.text in ("(", "OR") for piece in self._pieces):
            return []
        texts = [
            f"{piece.text} @:" if piece.role is Role.NAME else piece.text
            for piece in self._pieces
            if piece.role in (Role.AS_IT_IS, Role.NAME)
            or (piece.role is Role.WORD and self.builds(_word(piece.text)))
        ]
        return [node for node in map(parsed, texts) if node is not None]


def of_the_package(chosen: list[Choice]) -> list[str]:
    """The texts of a query; what is asked anew in spec syntax behind a dependency asks the package in parentheses."""
    found: list[str] = []
    is_below = False
    for choice in chosen:
        text = choice.text or ""
        is_attribute = choice.read_as is not None and (text[:1] in ("+", "~") or "=" in text)
        found += [f"({text})" if is_below and is_attribute else text] if text else []
        is_below = is_below or "%" in text or "^" in text
    return found


def combined(choices: list[list[Choice]]) -> Iterator[list[Choice]]:
    """Every combination, the likeliest first; of two as likely the one that leaves an earlier word as it is."""
    for total in range(sum(len(one) - 1 for one in choices) + 1):
        yield from _summing(choices, total)


def _summing(choices: list[list[Choice]], total: int) -> Iterator[list[Choice]]:
    """The combinations whose ranks add up to so much."""
    if not choices:
        yield []
        return
    first, rest = choices[0], choices[1:]
    least = total - sum(len(one) - 1 for one in rest)
    for rank in range(max(0, least), min(total, len(first) - 1) + 1):
        for others in _summing(rest, total - rank):
            yield [first[rank], *others]


def parsed(text: str) -> query.Node | None:
    """The tree of a text; None of one that is no query."""
    try:
        return query.parse(text)
    except QueryError:
        return None


def _word(text: str) -> query.Term:
    return query.Term(None, text.lower())


def asked(reading: readings.Reading) -> query.Node | None:
    """The tree of what a word is read as."""
    if reading.runs_on is not None:
        return runnable(query.Everything, reading.runs_on)
    return parsed(reading.text)


def _nearest(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Variants that are called nearly so: that begin so, have it as a part, or a letter or two wrong."""
    low = name.lower()
    return tuple(
        sorted(
            one
            for one in known
            if one.lower().startswith(low)
            or low in one.lower().replace("_", "-").split("-")
            or fuzzy.is_spelled_like(name, one)
        )
    )[:_MOST_NEAR]
