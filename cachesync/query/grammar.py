"""Text to a query tree: words, fields, quotes, exclusions, OR and parentheses.

Terms that stand side by side must all hold; OR separates alternatives, each a query of its own, and
binds less than standing side by side; parentheses group. Spack's spec syntax is read by
`sigils`, and which word is a package's name is decided by `naming` once everything is read.
"""

from __future__ import annotations

import re

from ..errors import QueryError
from .items import Excluded, Fixed, Group, Item, Part, Plain, either, together
from .tree import ALL_FIELDS, OF_DAGS, OF_KEYS, Node, Not, Term
from .values import plain_compiler

__all__ = ["MAX_DEPTH", "MAX_LENGTH", "MAX_TERMS", "MAX_WIDE", "check_text", "parse"]

_FIELD = re.compile(r"([A-Za-z_]+):")
_BARE = re.compile(r'[^\s"()]*')
_VALUE = re.compile(r'[^\s"]*')
_VALUE_IN_GROUP = re.compile(r'[^\s")]*')
# What makes a bare token Spack's spec syntax: a sigil, or an = further on.
_SPEC = re.compile(r"[@%=^/~:]|(?<=[^+])\+")
_EQUALS = re.compile(r"\s+:?=")
_BUILTIN = "builtin."
_FUZZY = re.compile(r"([^@%=^/~:+*]+)~([0-9]+)")
_VERSIONS = re.compile(r"[:,]")

MAX_LENGTH = 10_000
MAX_TERMS = 200
MAX_DEPTH = 50
"""Parentheses inside parentheses."""
MAX_WIDE = 10
"""Prefixes and fuzzy words in one query: each stands for very many words."""


def parse(text: str, *, is_spec: bool = False) -> Node:
    """The tree of a query; `And(())` for an empty one.

    With `is_spec` the text is a spec to begin with, as a line of a list is: its first word is the
    exact name of a package, and `+mpi` is Spack's, also where nothing else is spec syntax.

    Raises QueryError, with the position, for what the language does not have.
    """
    check_text(text)
    return _Reader(text, is_spec=is_spec).read()


def check_text(text: str) -> None:
    """Raise QueryError for a text that is too long for a query, or cannot be written as UTF-8."""
    if len(text) > MAX_LENGTH:
        raise QueryError(
            f"the query is longer than {MAX_LENGTH:,} characters", query=text[:60], position=0
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise QueryError(
            "the query is not UTF-8",
            query=text,
            position=error.start,
            length=error.end - error.start,
        ) from None


class _Reader:
    """Goes through the text of one query."""

    def __init__(self, text: str, *, is_spec: bool) -> None:
        self._text = text
        self._is_spec = is_spec
        self._at = 0
        self._depth = 0
        self._terms = 0
        self._wide = 0
        self._has_spec = False
        self._asks_dags = False

    def read(self) -> Node:
        alternatives = self._alternatives()
        if self._at < len(self._text):
            raise self._error(") closes nothing", self._at)
        if self._has_spec or self._is_spec:
            from .naming import resolve

            tree = resolve(self._text, alternatives, is_spec=self._is_spec)
        else:
            tree = _plainly(alternatives)
        if self._asks_dags:
            from .providing import as_dags

            tree = as_dags(tree)
        return tree

    def _error(
        self, message: str, position: int, *, length: int = 1, hint: str | None = None
    ) -> QueryError:
        return QueryError(message, query=self._text, position=position, length=length, hint=hint)

    def _empty(self, field: str | None, at: int, *, excluded: bool, prefix: bool) -> QueryError:
        from .words import empty

        return self._error(empty(field, excluded=excluded, prefix=prefix), at)

    def _alternatives(self) -> list[list[Item]]:
        alternatives: list[list[Item]] = [[]]
        while True:
            self._skip_space()
            if self._at >= len(self._text) or self._text[self._at] == ")":
                break
            if self._is_or():
                if not alternatives[-1]:
                    raise self._error("OR stands between two queries", self._at, length=2, hint=_OR)
                self._at += 2
                alternatives.append([])
                continue
            alternatives[-1].append(self._item())
        if len(alternatives) > 1 and not alternatives[-1]:
            before = self._text.rindex("OR", 0, self._at)
            raise self._error("OR stands between two queries", before, length=2, hint=_OR)
        return alternatives

    def _skip_space(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1

    def _is_or(self) -> bool:
        end = self._at + 2
        after = self._text[end : end + 1]
        return self._text[self._at : end] == "OR" and (
            not after or after.isspace() or after in "()"
        )

    def _item(self) -> Item:
        start = self._at
        if self._text[start] != "-":
            return self._one(excluded=False)
        self._at += 1
        if self._is_or():
            raise self._error("OR stands between two queries", self._at, length=2, hint=_OR)
        return Excluded(self._one(excluded=True), start)

    def _one(self, *, excluded: bool) -> Item:
        start = self._at
        item = (
            self._group() if self._text[start : start + 1] == "(" else self._term(excluded=excluded)
        )
        if not isinstance(item, Group):
            self._count(item, start)
        after = self._text[self._at : self._at + 1]
        if after and not after.isspace() and not (after == ")" and self._depth):
            if after == ")":
                raise self._error(") closes nothing", self._at)
            raise self._error("expected a space", self._at)
        return item

    def _count(self, item: Item, start: int) -> None:
        nodes = (
            item.nodes
            if isinstance(item, Fixed)
            else (item.term,)
            if isinstance(item, Plain)
            else ()
        )
        edges = [part for part in item.parts if part.edge] if isinstance(item, Fixed) else []
        self._terms += max(1, len(nodes) + sum(not edge.terms for edge in edges))
        if self._terms > MAX_TERMS:
            raise self._error(f"more than {MAX_TERMS} terms", start)
        self._wide += sum(isinstance(n, Term) and (n.prefix or n.distance > 0) for n in nodes)
        if self._wide > MAX_WIDE:
            raise self._error(f"more than {MAX_WIDE} prefixes and fuzzy words", start)

    def _group(self) -> Group:
        start = self._at
        if self._depth == MAX_DEPTH:
            raise self._error(f"more than {MAX_DEPTH} parentheses inside each other", start)
        self._depth += 1
        self._at += 1
        alternatives = self._alternatives()
        if self._at >= len(self._text):
            raise self._error("the parenthesis is not closed", start)
        if not alternatives[0]:
            raise self._error("nothing between the parentheses", start, length=self._at + 1 - start)
        self._at += 1
        self._depth -= 1
        return Group(alternatives, start)

    def _term(self, *, excluded: bool) -> Item:
        start = self._at
        field = self._field()
        if field is None and self._text[self._at : self._at + 1] != '"':
            return self._bare(excluded=excluded)
        value, quoted = self._value()
        at = self._at - len(value) - 2 * quoted
        prefix = False
        if quoted:
            prefix = self._text[self._at : self._at + 1] == "*"
            self._at += prefix
        else:
            prefix, value = value.endswith("*"), value.removesuffix("*")
            self._refuse_star(value, at)
            self._refuse_versions(field, value, at)
        if not value:
            raise self._empty(field, at, excluded=excluded, prefix=prefix)
        value = value.lower()
        if field == "compiler":
            value = plain_compiler(value)
        elif field == "signed" and (prefix or value not in ("yes", "no")):
            raise self._error("signed: takes yes or no", at, length=len(value) + prefix)
        self._asks_dags |= field in OF_DAGS
        return Fixed((Term(field, value, prefix),), start, is_word=field is None)

    def _field(self) -> str | None:
        name = _FIELD.match(self._text, self._at)
        if name is None:
            return None
        field = name[1].lower()
        is_pair = self._text.startswith("=", name.end())
        if is_pair and (field not in ALL_FIELDS or field in OF_KEYS):
            return None  # name:=value
        if field not in ALL_FIELDS:
            from difflib import get_close_matches

            close = get_close_matches(field, ALL_FIELDS, n=1)
            raise self._error(
                f"no field is called {name[1]}",
                self._at,
                length=len(field),
                hint=f"did you mean {close[0]}:?" if close else "fields: " + ", ".join(ALL_FIELDS),
            )
        self._at = name.end()
        return field

    def _value(self) -> tuple[str, bool]:
        start = self._at
        if self._text[start : start + 1] == '"':
            end = self._text.find('"', start + 1)
            if end < 0:
                raise self._error("the quote is not closed", start)
            self._at = end + 1
            return self._text[start + 1 : end], True
        match = (_VALUE_IN_GROUP if self._depth else _VALUE).match(self._text, start)
        assert match is not None, "the pattern matches the empty text"
        self._at = match.end()
        return match[0], False

    def _bare(self, *, excluded: bool) -> Item:
        start = self._at
        match = _BARE.match(self._text, start)
        assert match is not None, "the pattern matches the empty text"
        text = match[0]
        if not excluded and text[:1] == "*" and text[1:2] in ("", *"@+~%^/"):
            return self._any_package(start)
        fuzzy = _FUZZY.fullmatch(text)
        if fuzzy is not None:
            from .words import near

            self._at = match.end()
            return Fixed((near(self._text, fuzzy, start),), start, is_word=True)
        # As in Spack spaces may stand behind a +; without a name there it is an error.
        if text in ("+", "++") or _SPEC.search(text) or _EQUALS.match(self._text, match.end()):
            return self._spec(start)
        self._at = match.end()
        if text.startswith(_BUILTIN) and (names := self._qualified(text)):
            part = Part(names, start, self._at, is_name=True)
            return Fixed(names, start, is_spec=True, parts=(part,))
        prefix = text.endswith("*")
        word = text.removesuffix("*")
        self._refuse_star(word, start)
        if not word:
            raise self._empty(None, start, excluded=excluded, prefix=prefix)
        if word == "OR":
            raise self._error("OR stands between two queries", start, length=2, hint=_OR)
        term = Term("variant" if word[0] == "+" else None, word.lower(), prefix)
        if prefix:
            return Fixed((term,), start, is_word=term.field is None)
        return Plain(term, word, start)

    def _any_package(self, start: int) -> Fixed:
        """Spack's `*`, which stands where a name could and asks for none; and what stands at it."""
        self._at = start + 1
        if self._text[self._at : self._at + 1] in tuple("@+~%^/"):
            return self._spec(self._at)._replace(is_word=True)
        return Fixed((), start, is_word=True)

    def _qualified(self, text: str) -> tuple[Term, ...]:
        """The package that `builtin.hdf5` names, which is spec syntax also where it stands alone."""
        from . import specsyntax

        if specsyntax.QUALIFIED.fullmatch(text) is None:
            return ()
        self._has_spec = True
        return specsyntax.named(text)

    def _spec(self, start: int) -> Fixed:
        from . import sigils

        self._has_spec = True
        terms, parts, self._at = sigils.read(self._text, start)
        return Fixed(terms, start, is_spec=True, parts=parts)

    def _refuse_star(self, value: str, at: int) -> None:
        if (star := value.find("*")) >= 0:
            raise self._error("* stands at the end of a word only", at + star)

    def _refuse_versions(self, field: str | None, value: str, at: int) -> None:
        found = _VERSIONS.search(value) if field in ("version", "compiler") else None
        if found is not None:
            sigil = "@1.12:1.14" if field == "version" else "%gcc@12:13"
            raise self._error(
                f"{field}: takes no ranges or lists", at + found.start(),
                hint=f"Spack's syntax has them: {sigil}",
            )  # fmt: skip


_OR = 'quote it to search for the word: "OR"'


def _plainly(alternatives: list[list[Item]]) -> Node:
    """The tree of items without spec syntax."""
    return either([together([_plain(item) for item in items]) for items in alternatives])


def _plain(item: Item) -> Node:
    if isinstance(item, Plain):
        if not item.text.startswith("++"):
            return item.term
        from .words import word_of  # few ask this

        return word_of(item)
    if isinstance(item, Fixed):
        return together(list(item.nodes))
    if isinstance(item, Group):
        return _plainly(item.alternatives)
    return Not(_plain(item.item))
