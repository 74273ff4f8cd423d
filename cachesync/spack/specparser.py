"""A text in Spack's spec syntax as an abstract spec, read to the letter of a Spack. Pure.

`parse` accepts what that Spack accepts and refuses what it refuses: the language of 1.x is that of
1.1.1 and 1.2.0.dev0 (`SpecParser` in `spec_parser.py`, `Spec._add_dependency` in `spec.py`), that of
0.23 is that of 0.23.2. What the text alone shows to be no question that Spack can answer is refused
too. Never known here: which names are virtual packages, and anything of concrete specs.

Not kept: how a text is written. `%%` is `%`, several edges to one package are one where Spack makes
them one, and what Spack loses by that is lost.
"""

from __future__ import annotations

from .abstract import AbstractSpec
from .specedges import ALWAYS, Edge, Node, translated
from .specmerging import said
from .specnode import ATTRIBUTES, NodeReader
from .spectokens import Dialect, Kind, SpecTextError, Token, assigned, tokens, tokens_of_edge

__all__ = ["MAX_DEPTH", "opened", "parse"]

MAX_DEPTH = 8
"""Conditions (`when=`) inside conditions."""

_TYPES = ("build", "link", "run", "test")
_AROUND = "'\" "
_ONE = "ask for one spec at a time"


def parse(text: str, dialect: Dialect, *, as_of_1_2: bool = False) -> AbstractSpec:
    """The one spec that a text is.

    1.1.1 refuses a nameless dependency whose types overlap with those of any one before it, 1.2.0.dev0
    only with those of a nameless one; the first is done here unless `as_of_1_2`.

    Raises SpecTextError for anything else, and for what that Spack raises on once it judges by it.
    """
    reader = _Reader(text, tokens(text, dialect), dialect, as_of_1_2=as_of_1_2)
    specs = reader.specs()
    if not specs:
        raise SpecTextError("Spack has no spec without a word in it", 0, kind="count")
    if len(specs) > 1:
        _, start, end = specs[1]
        raise SpecTextError(
            f"to Spack {text[start:end]} begins a second spec", start, length=end - start,
            hint=_ONE, kind="count",
        )  # fmt: skip
    if reader.later:
        raise reader.later[0]
    return specs[0][0]


def opened(text: str, start: int) -> tuple[Edge, Token | None, int]:
    """The edge that a `^` or `%` in a text opens: `%`, `%[when=+mpi]`, `%c,cxx=gcc`, in Spack 1.x's language.

    With it the name of its node where that stands behind an =, and where the text goes on. Raises SpecTextError, whose positions are those in the whole text.
    """
    found = tokens_of_edge(text, start, "1.x")
    reader = _Reader(text, found, "1.x", as_of_1_2=False)
    edge, name = reader.edge()
    if reader.later:
        raise reader.later[0]
    return edge, name, found[-1].end


class _Reader:
    """Goes through the tokens of one text."""

    def __init__(
        self, text: str, found: list[Token], dialect: Dialect, *, as_of_1_2: bool, depth: int = 0
    ) -> None:  # fmt: skip
        self._text = text
        self._tokens = found
        self._dialect = dialect
        self._as_of_1_2 = as_of_1_2
        self._depth = depth
        self._at = 0
        self.later: list[SpecTextError] = []
        """What Spack raises once it judges by the text."""

    def specs(self) -> list[tuple[AbstractSpec, int, int]]:
        """Every spec of the text, and where its first token stands."""
        found = []
        while (token := self._next()) is not None:
            found.append((self._spec(), token.start, token.end))
            if self._next() is token:
                raise token.error("] closes nothing")
        return found

    def _next(self, *kinds: Kind) -> Token | None:
        """The token that is next, if it is of one of some kinds, or of any."""
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        return token if token is None or not kinds or token.kind in kinds else None

    def _spec(self) -> AbstractSpec:
        root = current = self._node(None)
        while (token := self._next(Kind.SIGIL, Kind.EDGE_OPEN)) is not None:
            edge, name = self.edge()
            if name is None:
                self._require_node(token)
            edge.node = self._node(name)
            edge.end = self._tokens[self._at - 1].end
            edge.text = self._text[edge.start : edge.end]
            if edge.sigil == "%":
                edge.node.spec = translated(edge.node.spec)
                current.add(edge, self._dialect, as_of_1_2=self._as_of_1_2)
            else:
                current = edge.node
                root.add(edge, self._dialect, as_of_1_2=self._as_of_1_2)
        return root.frozen()

    def _node(self, name: Token | None) -> Node:
        """The node that begins here, `name` being what stands before it; it may be empty."""
        reader = NodeReader(self._dialect)
        if name is None and (name := self._next(Kind.NAME, Kind.QUALIFIED)) is not None:
            self._at += 1
        if name is not None:
            reader.name(name)
        elif (file := self._next(Kind.FILE)) is not None:
            raise file.error("a spec is read from no file here")
        while (token := self._next(*ATTRIBUTES)) is not None:
            if token.kind is Kind.HASH and reader.has_hash:
                break  # a second spec begins
            reader.attribute(token)
            self._at += 1
        spec = reader.spec()
        self.later += reader.later
        return Node(spec)

    def _require_node(self, token: Token) -> None:
        """Refuse a sigil behind which Spack wants something."""
        if self._dialect == "1.x":
            if token.kind is Kind.SIGIL and token.text[0] == "%" and self._next() is None:
                raise token.error("% needs the name of a package")
        elif self._next() is None or self._next(Kind.SIGIL):
            raise token.error("^ needs the name of a package")

    def edge(self) -> tuple[Edge, Token | None]:
        """The edge that is opened here, and the name of its node where that stands in a token with it."""
        token = self._tokens[self._at]
        self._at += 1
        edge = Edge("%" if token.text[0] == "%" else "^", token.start)
        if token.kind is Kind.SIGIL:
            virtuals, name = assigned(token)
            edge.virtuals = frozenset(virtuals)
            return edge, name
        given: dict[str, tuple[Token, str]] = {}
        while (pair := self._next(Kind.PAIR)) is not None:
            key, _, value = pair.text.partition("=")
            key = key.removesuffix(":")
            known = ("deptypes", "virtuals", *(("when",) if self._dialect == "1.x" else ()))
            if key not in known:
                raise pair.error(
                    f"no attribute of a dependency is called {key}", hint=f"there are {', '.join(known)}"
                )  # fmt: skip
            given[key] = pair, value.strip(_AROUND)
            self._at += 1
        close = self._next()
        if close is None:
            raise token.error(f"{token.text} is not closed", hint="] closes it")
        if close.kind is not Kind.EDGE_CLOSE:
            raise close.error(
                f"{close.text} is no attribute of a dependency", hint="write key=value, and close with ]"
            )  # fmt: skip
        self._at += 1
        virtuals, name = assigned(close)
        if "virtuals" in given:
            virtuals = (*given["virtuals"][1].split(","), *virtuals)
        edge.virtuals = frozenset(virtuals)
        if "deptypes" in given:
            edge.types = _types(*given["deptypes"])
        if "when" in given:
            when = self._condition(*given["when"])
            edge.condition = said(when)
            edge.when = None if edge.condition == ALWAYS else when
        return edge, name

    def _condition(self, token: Token, value: str) -> AbstractSpec:
        """What stands behind `when=`, up to a comma."""
        if self._depth == MAX_DEPTH:
            raise token.error(f"more than {MAX_DEPTH} conditions inside each other")
        start = token.start + token.text.index(value, token.text.index("=") + 1)
        text = value.partition(",")[0]
        try:
            reader = _Reader(
                text, tokens(text, self._dialect), self._dialect, as_of_1_2=self._as_of_1_2,
                depth=self._depth + 1,
            )  # fmt: skip
            specs = reader.specs()
        except SpecTextError as error:
            raise error.moved(start) from None
        if len(specs) != 1:
            raise token.error(
                f"when= needs one spec, and {'none' if not specs else 'more'} stands there",
                hint="one spec in quotes: when='hdf5+mpi'",
            )
        self.later += (error.moved(start) for error in reader.later)
        return specs[0][0]


def _types(token: Token, value: str) -> frozenset[str]:
    found = value.split(",")
    for one in found:
        if one not in _TYPES:
            raise token.error(
                f"no type of dependency is called {one}" if one else "a type of dependency is missing",
                hint=f"there are {', '.join(_TYPES)}",
            )  # fmt: skip
    return frozenset(found)
