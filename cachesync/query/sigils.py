"""Spack's spec syntax inside a query, with what asks for dependencies: `^openmpi@5:`, `%c,cxx=gcc@13`. Pure.

What opens an edge is read as Spack 1.x reads it (`[...]`, virtuals before an =); what stands behind it
by the same reader as all spec syntax in a query, so a value ends before the next `%` or `^`. What
belongs to which node is decided by `dags` once everything is read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..model import NO_COMPILER
from .items import Part
from .specsyntax import FILE, IDENTIFIER, SpecReader
from .tree import Term

if TYPE_CHECKING:
    from ..spack.specedges import Edge

__all__ = ["read"]

_PACKAGE = re.compile(rf"\*|{IDENTIFIER}(?:\.{IDENTIFIER})*")
_PLAIN_SIGIL = re.compile(rf"[%^](?![%\[])(?!\s*{IDENTIFIER}(?:,{IDENTIFIER})*=)")
_DISTANCE = re.compile(r"~[0-9]+(?![a-zA-Z_0-9\-.])")
_PAIR = re.compile(r"[a-zA-Z_0-9][a-zA-Z_0-9\-.]*\s*:?=")


_NO_NAMES = {
    '"': ("behind {0} a name stands without quotes", '{0}zlib, not {0}"zlib"'),
    "(": ("{0} asks for one package, and parentheses hold queries", "({0}zlib OR {0}zlib-ng)"),
    "-": ("what is excluded does not stand behind {0}", "-{0}zlib excludes what has a zlib"),
}
"""What stands where a name should, what to say of it, and what works."""
_BEHIND_A_NAME = {
    "*": "a prefix finds no dependency: name it; {0}* is any",
    ",": "{0}a {0}b asks for both, ({0}a OR {0}b) for either; {0}c,cxx=gcc is gcc as these virtual packages",
}


def read(text: str, start: int) -> tuple[tuple[Term, ...], tuple[Part, ...], int]:
    """What the spec syntax that begins at `start` asks of builds, its parts, and where it ends.

    It ends at a space outside of its tokens, at a parenthesis or at the end of the text. Raises
    QueryError for what is no spec syntax.
    """
    reader = _Reader(text, start)
    if FILE.match(text, start):
        raise reader.error("a query is no file", hint='quote a word that holds a /: "a/b"')
    while reader.goes_on():
        reader.token()
    return tuple(reader.terms), tuple(reader.parts), reader.at


class _Reader(SpecReader):
    """Goes through spec syntax, a token at a time."""

    def __init__(self, text: str, start: int) -> None:
        super().__init__(text, start)
        self.parts: list[Part] = []
        self._pair: tuple[str, str, bool] | None = None
        self._is_propagated = False

    def token(self) -> None:
        """Read the token that begins here."""
        start, before = self.at, len(self.terms)
        if self.text[start] in "%^":
            self._edge()
            return
        self._pair, self._is_propagated = None, False
        super().token()
        terms = tuple(self.terms[before:])
        is_name = any(term.field == "package" for term in terms)
        self.parts.append(
            Part(terms, start, self.at, is_name, self._pair, self._is_propagated)
        )  # fmt: skip

    def _switch(self, sigil: str) -> None:
        behind = self.parts[-1] if self.parts else None
        if behind is not None and behind.name is not None and behind.end == self.at:
            fuzzy = _DISTANCE.match(self.text, self.at)
            if fuzzy is not None:
                opened = self.text[behind.start : behind.end]
                raise self.error(
                    "a dependency is named exactly, and a number names no variant",
                    length=len(fuzzy[0]), hint=f"only a word is fuzzy; a variant called so is {opened} {fuzzy[0]}",
                )  # fmt: skip
        self._is_propagated = self.text[self.at + 1 : self.at + 2] == sigil
        super()._switch(sigil)

    def _key(self, key: re.Match[str]) -> None:
        super()._key(key)
        value, _ = self._value(key.end(), key[1])
        self._pair = key[1], value, key[2][0] == ":"
        self._is_propagated = key[2].endswith("==")

    def _edge(self) -> None:
        """Read what opens an edge, the name behind it, and versions that stand at the name."""
        from ..spack.specedges import Edge

        start = self.at
        sigil = self.text[start]
        name = None
        if _PLAIN_SIGIL.match(self.text, start):
            edge = Edge("%" if sigil == "%" else "^", start)
            self.at = start + 1
        else:
            edge, name = self._opened()
        is_plain = not (edge.virtuals or edge.types or edge.when is not None)
        if name is None:
            name = self._node_name(start, is_plain=is_plain)
        if name == NO_COMPILER and sigil == "%" and is_plain and not self._is_version(self.at):
            self._none(start)  # a word of our own: pages name no compiler
            return
        end = self.at
        version = ""
        if name is not None and self._is_version(end):
            at = self._after_space(end)
            versions, self.at = self._version_list(at + 1)
            version = f"@{versions}" if versions != ":" else ""
        terms: tuple[Term, ...] = ()
        if sigil == "%" and name is not None and edge.when is None:
            terms = (Term("compiler", name.rpartition(".")[2] + version, spack=True),)
        self.terms += terms
        self.parts.append(Part(terms, start, end, edge=edge, name=name))
        if self.at > end:
            self.parts.append(Part((), self._after_space(end), self.at))

    def _none(self, start: int) -> None:
        self._add("compiler", NO_COMPILER)
        self.parts.append(Part((self.terms[-1],), start, self.at))

    def _opened(self) -> tuple[Edge, str | None]:
        from ..spack.specparser import opened
        from ..spack.spectokens import SpecTextError

        try:
            edge, name, self.at = opened(self.text, self.at)
        except SpecTextError as error:
            raise self.error(
                error.message, error.position, length=error.length, hint=error.hint
            ) from None
        return edge, None if name is None else name.text

    def _is_version(self, at: int) -> bool:
        at = self._after_space(at)
        return self.text[at : at + 1] == "@"

    def _node_name(self, start: int, *, is_plain: bool) -> str | None:
        """The name of a package behind a sigil; None where none is given, and something else is asked."""
        sigil = self.text[start]
        at = self._after_space(self.at)
        follows = self.text[at : at + 1]
        name = _PACKAGE.match(self.text, at)
        if name is not None and _PAIR.match(self.text, at) is None:
            after = self.text[name.end() : name.end() + 1]
            ends = not after or after.isspace() or after in "()"
            is_or = name[0] == "OR" and ends and at > self.at
            if not is_or and after != ":":
                if not ends and after not in "@+~/%^":
                    at = name.end()
                    raise self.error(
                        f"{after} is no part of a package's name", at,
                        hint=_BEHIND_A_NAME.get(after, "a space ends the name").format(sigil),
                    )  # fmt: skip
                self.at = name.end()
                return None if name[0] == "*" else name[0]
        elif name is not None or (follows and follows in "@+~/"):
            self.at = at
            return None
        if not is_plain:
            return None
        if self.text[self.at : self.at + 1] in _NO_NAMES:
            message, hint = _NO_NAMES[self.text[self.at]]
            raise self.error(message.format(sigil), self.at, hint=hint.format(sigil))
        if (
            name is not None
            and name.start() == self.at
            and self.text[name.end() : name.end() + 1] == ":"
        ):
            raise self.error(
                f"a field does not stand behind {sigil}", name.start(),
                length=name.end() + 1 - name.start(),
                hint=f"{sigil}NAME asks for a package; a field behind a space asks the package itself",
            )  # fmt: skip
        raise self.error(f"{sigil} needs the name of a package", start, hint=f"{sigil}* is any")
