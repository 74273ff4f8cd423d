"""A text in Spack's spec syntax as an abstract spec, read to the letter of a Spack. Pure.

`parse` accepts what that Spack accepts and refuses what it refuses: the language of 1.x is that of
1.1.1 and 1.2.0.dev0 (`SpecParser` in `spec_parser.py`, `Spec._add_dependency` in `spec.py`), that of
0.23 is that of 0.23.2. What the text alone shows to be no question that Spack can answer is refused
too. Never known here: which names are virtual packages, and anything of concrete specs.

Not kept: how a text is written. `%%` is `%`, several edges to one package are one where Spack makes
them one, and what Spack loses by that is lost.
"""

from __future__ import annotations

from typing import Literal

from .abstract import AbstractEdge, AbstractSpec
from .specmerging import ExcludedError, merged, said
from .specnode import ATTRIBUTES, MAX_LISTED, NodeReader
from .spectokens import Dialect, Kind, SpecTextError, Token, assigned, tokens

__all__ = ["MAX_DEPTH", "parse"]

MAX_DEPTH = 8
"""Conditions (`when=`) inside conditions."""

_LEGACY = {
    "clang": "llvm",
    "oneapi": "intel-oneapi-compilers",
    "rocmcc": "llvm-amdgpu",
    "intel": "intel-oneapi-compilers-classic",
    "arm": "acfl",
}
"""What compilers were called before they were packages (`aliases.py`)."""
_TYPES = ("build", "link", "run", "test")
_AROUND = "'\" "
_ALWAYS = said(AbstractSpec())
_ONE = "ask for one spec at a time"


def parse(text: str, dialect: Dialect, *, as_of_1_2: bool = False) -> AbstractSpec:
    """The one spec that a text is.

    1.1.1 refuses a nameless dependency whose types overlap with those of any one before it, 1.2.0.dev0
    only with those of a nameless one; the first is done here unless `as_of_1_2`.

    Raises SpecTextError for anything else, and for what that Spack raises on once it judges by it.
    """
    reader = _Reader(text, dialect, as_of_1_2=as_of_1_2)
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


class _Edge:
    """An edge that may still grow."""

    def __init__(self, sigil: Literal["^", "%"], start: int) -> None:
        self.sigil: Literal["^", "%"] = sigil
        self.start = self.end = start
        self.node = _Node(AbstractSpec())
        self.types: frozenset[str] = frozenset()
        self.virtuals: frozenset[str] = frozenset()
        self.when: AbstractSpec | None = None
        self.condition = _ALWAYS
        """What `when` says, however it is written."""

    def frozen(self) -> AbstractEdge:
        """The edge as it is now."""
        return AbstractEdge(
            self.sigil, self.node.frozen(), tuple(sorted(self.types)),
            tuple(sorted(self.virtuals)), self.when, self.start, self.end,
        )  # fmt: skip


class _Node:
    """A node to which edges may still be added."""

    def __init__(self, spec: AbstractSpec) -> None:
        self.spec = spec
        self.edges: list[_Edge] = []

    def frozen(self) -> AbstractSpec:
        """The node as it is now."""
        edges = tuple(edge.frozen() for edge in self.edges)
        return self.spec._replace(target=self.spec.target or None, edges=edges)


class _Reader:
    """Goes through the tokens of one text."""

    def __init__(self, text: str, dialect: Dialect, *, as_of_1_2: bool, depth: int = 0) -> None:
        self._text = text
        self._dialect = dialect
        self._as_of_1_2 = as_of_1_2
        self._depth = depth
        self._tokens = tokens(text, dialect)
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
            self._at += 1
            edge, name = self._edge(token)
            if name is None:
                self._require_node(token)
            edge.node = self._node(name)
            edge.end = self._tokens[self._at - 1].end
            if edge.sigil == "%":
                old = edge.node.spec.name
                edge.node.spec = edge.node.spec._replace(name=_LEGACY.get(old or "", old))
                self._add(current, edge)
            else:
                current = edge.node
                self._add(root, edge)
        return root.frozen()

    def _node(self, name: Token | None) -> _Node:
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
        return _Node(spec)

    def _require_node(self, token: Token) -> None:
        """Refuse a sigil behind which Spack wants something."""
        if self._dialect == "1.x":
            if token.kind is Kind.SIGIL and token.text[0] == "%" and self._next() is None:
                raise token.error("% needs the name of a package")
        elif self._next() is None or self._next(Kind.SIGIL):
            raise token.error("^ needs the name of a package")

    def _edge(self, token: Token) -> tuple[_Edge, Token | None]:
        """The edge that a token opens, and the name of its node where that stands in a token with it."""
        edge = _Edge("%" if token.text[0] == "%" else "^", token.start)
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
            edge.when = None if edge.condition == _ALWAYS else when
        return edge, name

    def _condition(self, token: Token, value: str) -> AbstractSpec:
        """What stands behind `when=`, up to a comma."""
        if self._depth == MAX_DEPTH:
            raise token.error(f"more than {MAX_DEPTH} conditions inside each other")
        start = token.start + token.text.index(value, token.text.index("=") + 1)
        text = value.partition(",")[0]
        try:
            reader = _Reader(
                text, self._dialect, as_of_1_2=self._as_of_1_2, depth=self._depth + 1
            )  # fmt: skip
            specs = reader.specs()
        except SpecTextError as error:
            raise error.moved(start) from None
        if len(specs) != 1:
            raise token.error(
                f"when= needs one spec, and {'none' if not specs else 'more'} stands there",
                hint="quote it: when='+mpi'",
            )
        self.later += (error.moved(start) for error in reader.later)
        return specs[0][0]

    def _add(self, parent: _Node, edge: _Edge) -> None:
        """Add an edge as Spack does, which is to one there is, where that is of the same kind."""
        name = edge.node.spec.name
        siblings = [one for one in parent.edges if one.condition == edge.condition]
        if name is not None or self._as_of_1_2:
            siblings = [one for one in siblings if one.node.spec.name == name]
        same = (one for one in siblings if name is not None and one.types == edge.types)
        known = next(same, None)
        if known is not None:
            self._merge(known, edge)
            return
        for sibling in siblings:
            if _overlap(sibling.types, edge.types):
                what = name or "a package without a name"
                raise self._error(
                    edge, f"{what} is asked for twice, and the types of dependency exclude each other"
                )  # fmt: skip
        parent.edges.append(edge)

    def _merge(self, known: _Edge, edge: _Edge) -> None:
        try:
            spec = merged(known.node.spec, edge.node.spec, self._dialect)
        except ExcludedError as error:
            raise self._error(
                edge,
                f"{edge.node.spec.name} is asked for twice, and {error} exclude each other",
                f"the other is {self._text[known.start : known.end]}",
            ) from None
        if spec.versions is not None and spec.versions.count(",") >= MAX_LISTED:
            raise self._error(edge, f"more than {MAX_LISTED} versions in one list")
        if spec.target is not None and spec.target.count(",") >= MAX_LISTED:
            raise self._error(edge, f"more than {MAX_LISTED} targets in one list")
        known.node.spec = spec
        known.virtuals |= edge.virtuals

    def _error(self, edge: _Edge, message: str, hint: str | None = None) -> SpecTextError:
        return SpecTextError(message, edge.start, length=edge.end - edge.start, hint=hint)


def _types(token: Token, value: str) -> frozenset[str]:
    found = value.split(",")
    for one in found:
        if one not in _TYPES:
            raise token.error(
                f"no type of dependency is called {one}" if one else "a type of dependency is missing",
                hint=f"there are {', '.join(_TYPES)}",
            )  # fmt: skip
    return frozenset(found)


def _overlap(first: frozenset[str], second: frozenset[str]) -> bool:
    """Whether one package cannot be a dependency by both sets of types at once."""
    below = {"link", "run"}
    return bool(first & second) or bool(first & below and second & below)
