"""Reading a query anew that found nothing as it is: words that name more than packages, and sentences.

Only who typed it is asked so much of: never is this done to a condition that a program relies on. What is
tried is bounded in number and in time; the first reading with which the whole query finds something is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from .. import query
from ..ledger import read
from ..query import english, minus, readings
from ..query.english import Piece, Role
from ..query.machine import runnable
from .allowance import Allowance
from .choices import Choice, Choices, Lacking, SpentError, combined, of_the_package, parsed
from .ledgerwords import FEW_BUILDS, values_of
from .searcher import Searcher

__all__ = ["Tried", "Understood", "Way", "understand"]

SECONDS = 0.3
"""Of the processor's time: how busy the machine is decides nothing."""
TRIES = 60
"""Whole queries that are asked."""
MOST_SECONDS = 0.6
"""Of the processor's time, for everything that is asked: not even the likeliest is tried from then on."""
PATIENCE_SECONDS = 10.0
"""The same by the clock."""
ALWAYS = 12
"""Combinations, the likeliest, that are looked at whatever `SECONDS` says."""
WAYS = 3_000
"""Combinations of readings that are looked at; most are known to find nothing."""
MOST_CHARACTERS = 400
MOST_PIECES = 36
TOLD = 3
"""Readings that found nothing, and are named."""


class Way(NamedTuple):
    """One way to read the whole query."""

    text: str
    """In the query language."""
    runs_on: str | None
    """The machine that a word was read as."""
    node: query.Node
    """Its tree, restricted to what the machine runs that was asked for or read."""
    words: tuple[tuple[str, str], ...]
    """What is read anew, as it was typed, and as what."""
    left_out: tuple[str, ...]


class Tried(NamedTuple):
    """A way that found nothing."""

    rest: str
    """The query without what is read anew; all of it as it was read where that stands among alternatives."""
    words: tuple[tuple[str, str], ...]
    instead: str | None = None
    """What there is in place of it, of a variant."""
    builds: int = 0
    is_whole: bool = False
    """Whether `rest` is all of it."""


class Understood(NamedTuple):
    """How a query was read, or what was tried."""

    way: Way | None
    """The first that found something."""
    tried: tuple[Tried, ...] = ()
    lacking: tuple[Lacking, ...] = ()
    plain: Way | None = None
    """Where nothing was found: the likeliest way, where it is another query than was typed."""
    respelled: tuple[tuple[str, str], ...] = ()
    """Where nothing was found: words that were read as they are spelled elsewhere (`respelling`)."""


def understand(searcher: Searcher, text: str, runs_on: str | None = None) -> Understood:
    """Read a query anew that finds nothing, and was restricted to what a machine runs where one is named.

    Without an index each question takes as long as the search did: of many builds nothing is tried.
    """
    with searcher.moment() as db:
        if len(text) > MOST_CHARACTERS:
            return Understood(None)
        if not searcher.is_indexed and read.build_count(db) > FEW_BUILDS:
            return Understood(None)
        node = query.parse(text)
        words = {
            term.value
            for term, wanted in query.terms(node)
            if wanted and term.field is None and not (term.prefix or term.distance or term.spack)
        }
        names = minus.names_of(node)
        pieces = english.pieces(text, words, names)
        is_typed = any(piece.role is not Role.AS_IT_IS for piece in pieces)
        if not is_typed or len(pieces) > MOST_PIECES:
            return Understood(None)

        values = values_of(searcher, db)
        whole = Allowance(MOST_SECONDS, patience_seconds=PATIENCE_SECONDS)

        def read_as(pieces: list[Piece]) -> Understood:
            choices = Choices(
                searcher, db, values, pieces, names, may_be_machine=runs_on is None, allowance=whole
            )
            return _Reader(searcher, pieces, choices, runs_on).read()

        pairs = english.paired(pieces, lambda pair: bool(readings.of_pair(pair, values)))
        if pairs == pieces:
            return read_as(pieces)
        paired = read_as(pairs)
        if paired.way is not None:
            return paired
        single = read_as(pieces)
        return paired if single.way is None and paired.tried else single


class _Reader:
    """Tries the readings of one query."""

    def __init__(
        self, searcher: Searcher, pieces: list[Piece], choices: Choices, runs_on: str | None
    ) -> None:
        self._searcher = searcher
        self._pieces = pieces
        self._choices = choices
        self._runs_on = runs_on
        self._time = Allowance(SECONDS)
        self._tried: list[Tried] = []
        self._plain: Way | None = None
        self._of_some: Way | None = None
        self._has_or = any(piece.role is Role.OR for piece in pieces)
        # Of conditions that stand side by side what each finds says what all can find.
        self._is_plain = not self._has_or and not any(p.text in ("", "(", "OR") for p in pieces)
        words = [piece.text if piece.role is Role.WORD else "" for piece in pieces]
        self._packages = [bool(word) and choices.is_package(word) for word in words]
        self._parts = [bool(word) and "package" in choices.kinds_of(word) for word in words]

    def read(self) -> Understood:
        """The first way that finds something, or what there is to say of those that do not."""
        try:
            way = self._first()
        except SpentError:
            way = None
        way = way or self._of_some
        if way is not None:
            return Understood(way)
        return Understood(None, tuple(self._tried), tuple(self._choices.lacking), self._plain)

    def _first(self) -> Way | None:
        """The first way that finds something; what is tried before it is kept. Raises SpentError."""
        asked = 0
        for number, chosen in enumerate(islice(self._combined(), WAYS)):
            if asked >= TRIES or (number >= ALWAYS and not self._time.is_left):
                break
            is_possible, is_some = self._is_possible(chosen), False
            for way in self._ways(chosen) if is_possible or not number else ():
                asked += 1
                is_other = (way.left_out or way.words) and (way.text or way.runs_on)
                if self._plain is None and not number and is_other:
                    self._plain = way
                if is_possible and self._choices.matches(way.node):
                    is_some = True
                    if self._is_of_each(way.node):
                        return way
                    if self._of_some is None and self._is_of_some(way.node):
                        self._of_some = way
            if not is_some and self._is_told(chosen):
                self._tried.append(self._try(chosen))
        return None

    def _combined(self) -> Iterator[list[Choice]]:
        """Every combination, the likeliest first: one that reads all names of packages anew is none.

        They are what is asked about; a word that only stands in such names comes behind all of them.
        """
        every = self._choices.all()
        first, later = self._packages, self._parts
        yield from (one for one in combined(every) if _keeps_one(one, first))
        if any(first) and first != later:
            for one in combined(every):
                if not _keeps_one(one, first) and _keeps_one(one, later):
                    yield one

    def _is_possible(self, chosen: list[Choice]) -> bool:
        """Whether there are builds that match every word: else the whole need not be asked."""
        machines = [c for c in chosen if c.reading is not None and c.reading.runs_on is not None]
        if len(machines) > 1 or not (machines or any(choice.text for choice in chosen)):
            return False
        left: frozenset[int] | None = None
        for choice in chosen if self._is_plain else ():
            if choice.alone is not None:
                found = self._choices.builds(choice.alone)
                left = found if left is None else left & found
                if not left:
                    return False
        return True

    def _ways(self, chosen: list[Choice]) -> Iterator[Way]:
        """The ways to read it so: with its first word as a package's name, and as a word."""
        both = list(zip(self._pieces, chosen, strict=True))
        words = tuple((p.typed, c.read_as) for p, c in both if c.read_as is not None)
        left_out = tuple(piece.typed for piece in self._pieces if piece.role is Role.LEFT_OUT)
        machines = [c.reading.runs_on for c in chosen if c.reading is not None]
        runs_on = next(filter(None, machines), None)
        machine = runs_on or self._runs_on
        for text, word in _as_name_and_word(self._grouped(of_the_package(chosen))):
            node = parsed(text)
            if node is not None:
                node = node if machine is None else runnable(node, machine)
                quoted = () if word is None else ((word, f'"{word}"'),)
                yield Way(text, runs_on, node, (*quoted, *words), left_out)

    def _grouped(self, parts: list[str]) -> list[str]:
        """With parentheses around alternatives of one kind where more stands beside: `hdf5 (gcc OR clang)`."""
        if not self._has_or or "(" in parts:
            return parts
        found: list[str] = []
        at = 0
        while at < len(parts):
            end = at
            kinds = self._choices.kinds_of(parts[at])
            # An OR that is typed may stand before what is left out, and then last.
            while parts[end + 1 : end + 2] == ["OR"] and any(
                kinds & self._choices.kinds_of(text) for text in parts[end + 2 : end + 3]
            ):
                end += 2
            several = parts[at : end + 1]
            is_beside = at > 0 or end < len(parts) - 1
            found += [f"({' '.join(several)})"] if end > at and is_beside else several
            at = end + 1
        return found

    def _is_of_each(self, node: query.Node) -> bool:
        """Whether the whole finds something with each alternative, where a word makes some of it."""
        return not self._has_or or all(map(self._choices.matches, _with_each(node)))

    def _is_of_some(self, node: query.Node) -> bool:
        """Whether each alternative alone finds something, if not with what stands beside it."""
        return all(map(self._choices.matches, _alternatives(node)))

    def _is_told(self, chosen: list[Choice]) -> bool:
        """Whether a word is read anew that is a value of no field, and nothing told says as much.

        What there is instead says enough; where another word finds nothing one way does, and no way that
        reads more words anew is told.
        """
        anew = [
            piece
            for piece, choice in zip(self._pieces, chosen, strict=True)
            if choice.reading is not None
        ]
        if not any(self._choices.kinds_of(piece.text) <= {"package"} for piece in anew):
            return False
        if not _keeps_one(chosen, self._packages):
            return False
        tried = self._tried
        if not tried:
            return True
        is_enough = len(tried) == TOLD or tried[-1].instead is not None
        is_more = len(anew) > len(tried[0].words)
        return not (is_enough or is_more or any(map(self._is_hopeless, _as_they_are(chosen))))

    def _is_hopeless(self, choice: Choice) -> bool:
        return choice.alone is not None and not self._choices.builds(choice.alone)

    def _try(self, chosen: list[Choice]) -> Tried:
        both = list(zip(self._pieces, chosen, strict=True))
        anew = [(piece, choice.reading) for piece, choice in both if choice.reading is not None]
        words = tuple((piece.typed, reading.said) for piece, reading in anew)
        whole = english.written(self._grouped(of_the_package(chosen)))
        if not self._is_plain and not _is_beside([reading for _, reading in anew], whole):
            return Tried(whole, words, is_whole=True)
        rest = english.written(c.text for c in _as_they_are(chosen) if c.text)
        node, opposite = parsed(rest), readings.off(anew[0][1])
        if len(anew) > 1 or opposite is None or node is None or not rest:
            return Tried(rest, words)
        node = node if self._runs_on is None else runnable(node, self._runs_on)
        variant = query.Term("variant", opposite, spack=True)
        builds = len(self._searcher.matching(query.And((node, variant))))
        return Tried(rest, words, opposite if builds else None, builds)


def _is_beside(anew: list[readings.Reading], whole: str) -> bool:
    """Whether what was read anew are conditions of the whole, and no alternatives, nor excluded."""
    node = parsed(whole)
    every = node.nodes if isinstance(node, query.And) else (node,)
    return all(one.runs_on is not None or parsed(one.text) in every for one in anew)


def _keeps_one(chosen: list[Choice], of: list[bool]) -> bool:
    """Whether one of some words stays as it is, where there are any."""
    return not any(of) or any(
        c.reading is None for c, is_one in zip(chosen, of, strict=True) if is_one
    )


def _as_they_are(chosen: list[Choice]) -> list[Choice]:
    return [choice for choice in chosen if choice.reading is None]


def _as_name_and_word(parts: list[str]) -> list[tuple[str, str | None]]:
    """The text of a query; where spec syntax makes a name of its first word, also with that as a word, and the word."""
    text = english.written(parts)
    node = parsed(text)
    names = set() if node is None else minus.names_of(node)
    bare = next((at for at, part in enumerate(parts) if part in names), None)
    if bare is None:
        return [(text, None)]
    word = parts[bare]
    return [
        (text, None),
        (english.written([*parts[:bare], f'"{word}"', *parts[bare + 1 :]]), word),
    ]


def _alternatives(node: query.Node) -> Iterator[query.Node]:
    """What stands on the sides of each OR."""
    if isinstance(node, (query.And, query.Or)):
        for child in node.nodes:
            if isinstance(node, query.Or):
                yield child
            yield from _alternatives(child)


def _with_each(node: query.Node) -> Iterator[query.Node]:
    """The tree with one alternative in place of an OR, once for each."""
    if isinstance(node, query.Or):
        for child in node.nodes:
            yield from _with_each(child)
        return
    found = [list(_with_each(c)) for c in node.nodes] if isinstance(node, query.And) else []
    if not isinstance(node, query.And) or all(len(several) == 1 for several in found):
        yield node
        return
    for at, several in enumerate(found):
        for one in several if len(several) > 1 else ():
            yield query.And((*node.nodes[:at], one, *node.nodes[at + 1 :]))
