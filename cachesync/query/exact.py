"""A text that is Spack's and nothing else: `--spack 0.23`, and what that Spack's `satisfies` says of it.

Tokens and structure are those of Spack 0.23 (`spack/parser.py`, and `Spec._add_flag` and its like in
`spack/spec.py`), read by the same reader as spec syntax inside a query; what differs from there:
`-x` is `~x`, a lone name is the package of that name, one text is one spec, and every form of our own
is refused. What asks about dependencies is refused too: pages carry none. So is what Spack would ask
the package's recipe about.
"""

from __future__ import annotations

import re

from ..errors import QueryError, UsageError
from ..model import NO_COMPILER
from ..spack import specparser
from ..spack.abstract import AbstractSpec
from ..spack.spectokens import Dialect, SpecTextError
from .grammar import MAX_TERMS, check_text
from .items import together
from .specsyntax import NAMESPACE, SpecReader, name_of
from .tree import UNJUDGED, Dag, Node, Term
from .unsaid import FLAGS

__all__ = ["VERSIONS", "parse_as"]

VERSIONS = ("0.23", "1.x")
"""The Spacks whose language can be named."""

_NEWER = re.compile(r"1(?:\.(?:x|[0-9]+(?:\.[0-9]+)?))?")
_DEPENDENCIES = "pages carry no dependencies"
_RESERVED = ("arch", "architecture", "platform", "target", *sorted(FLAGS))
_SYSTEM = ("os", "operating_system")
_NOT_PROPAGATED = ("patches", "dev_path")
_NAME_LIKE = re.compile(r"[a-zA-Z_0-9][a-zA-Z_0-9\-.]*")
_EQUALS = re.compile(r"\s*=")
_OURS = (
    (re.compile(r"[()]"), "Spack has no parentheses", "they group"),
    (re.compile(r'"'), "Spack has quotes only behind a =", "they make a word"),
    (re.compile(r"[a-zA-Z_0-9\-.]*\*"), "Spack 0.23 has no * here", "word* is a prefix"),
    (re.compile(r"[a-zA-Z_0-9][a-zA-Z_0-9\-.]*:==?"),
     "Spack 0.23 has no :=", "it asks for exactly these values"),
    (re.compile(r"[a-zA-Z_]+:(?!=)"), "Spack has no fields", "field:value is a condition"),
    (re.compile(r"[a-zA-Z_0-9][a-zA-Z_0-9\-.]*~[0-9](?![a-zA-Z_0-9\-.])"),
     "Spack has no fuzzy words", "word~1 is one"),
    (re.compile(r"OR(?![a-zA-Z_0-9\-.@%+~/=])"), "Spack has no OR", "it stands between queries"),
)  # fmt: skip
"""Forms of our own, what to say of them, and what they are for."""
_BARE_GIT = re.compile(r"@\s*(?:git\.[a-zA-Z_0-9./\-]+|[A-Fa-f0-9]{40})(?![a-zA-Z_0-9./\-=])")
_FLAG = re.compile(r"([a-z]+)==?(?:(['\"])\s*\2|(?=\s|$))")
_SWITCHES = "+~-"


def parse_as(version: str, text: str) -> Node:
    """The tree of a text in the language of a Spack, one of `VERSIONS`.

    A spec whose DAG is not known is judged by what a page tells of it, in Spack 0.23's language and where
    nothing is asked of dependencies; it is no hit otherwise. Raises UsageError for a Spack that is not
    known, and QueryError, with the position, for what that Spack does not read as one spec.
    """
    if version != VERSIONS[0] and _NEWER.fullmatch(version) is None:
        raise UsageError(f"--spack takes {' or '.join(VERSIONS)}")
    check_text(text)
    dialect: Dialect = "0.23" if version == VERSIONS[0] else "1.x"
    unjudged = Term(UNJUDGED, text.strip(), spack=True)
    if dialect == "1.x":
        return Dag(_parsed(text, dialect), dialect, unjudged, text.strip())
    try:
        reader = _Reader(text)
        reader.read_all()
        plain = together(list(reader.terms))
    except QueryError as error:
        try:
            spec = _parsed(text, dialect)
        except QueryError:
            raise error from None  # whose words are ours
        return Dag(spec, dialect, unjudged, text.strip())
    return Dag(_parsed(text, dialect), dialect, plain, text.strip())


def _parsed(text: str, dialect: Dialect) -> AbstractSpec:
    try:
        return specparser.parse(text, dialect)
    except SpecTextError as error:
        raise QueryError(
            error.message, query=text, position=error.position, length=error.length,
            hint=error.hint,
        ) from None  # fmt: skip


class _Reader(SpecReader):
    """Goes through the text of one spec."""

    def __init__(self, text: str) -> None:
        super().__init__(text, 0)
        self._given: set[str] = set()

    def read_all(self) -> None:
        """Read everything.

        Raises QueryError for anything but one spec.
        """
        if not self.text.strip():
            raise self.error("Spack has no spec without a word in it", 0)
        self.at = self._start = self._after_space(0)
        while self.at < len(self.text):
            if self._token_is_refused():
                raise self._refusal()
            before, start = len(self.terms), self.at
            self.token()
            self._once(self.terms[before:], start)
            if len(self.terms) > MAX_TERMS:
                raise self.error(f"more than {MAX_TERMS} terms", start)
            self.at = self._after_space(self.at)

    def goes_on(self) -> bool:
        return self.at < len(self.text)

    def token(self) -> None:
        """Read the token that begins here, in the order in which Spack 0.23 tries them."""
        start = self.at
        sigil = self.text[start]
        if sigil in _SWITCHES:
            self._switch(sigil)
        elif (flag := _FLAG.match(self.text, start)) is not None and flag[1] in FLAGS:
            if flag[2] is None and "==" not in flag[0]:
                raise self.error(f"{flag[1]}= needs a value", min(flag.end(), len(self.text) - 1))
            self.at = flag.end()  # no flags: Spack asks for nothing
        else:
            super().token()

    def _token_is_refused(self) -> bool:
        """Whether what begins here is a form of our own, or another spec."""
        if any(form.match(self.text, self.at) for form, _, _ in _OURS):
            return self.text[self.at] != "O" or self.at > self._start
        return self.at > self._start and self._is_second_name()

    def _is_second_name(self) -> bool:
        word = _NAME_LIKE.match(self.text, self.at)
        if word is None:
            return False
        return _EQUALS.match(self.text, word.end()) is None

    def _refusal(self) -> QueryError:
        """What to say of a form of our own."""
        text, at = self.text, self.at
        for form, message, hint in _OURS:
            found = form.match(text, at)
            if found is not None:
                return self.error(message, length=len(found[0]), hint=f"without --spack {hint}")
        word = _NAME_LIKE.match(text, at)
        assert word is not None, "what is refused is one of these"
        return self.error(
            f"to Spack {word[0]} begins a second spec", length=len(word[0]),
            hint="ask for one spec at a time; without --spack words are looked for in every field",
        )  # fmt: skip

    def _name(self) -> None:
        word = _NAME_LIKE.match(self.text, self.at)
        if word is None or self.at != self._start:
            raise self._not_understood()
        found = name_of(word[0])
        if not found:
            raise self.error(f"{word[0]} is no name of a package", length=len(word[0]))
        self.at = word.end()
        self.terms += found

    def _not_understood(self) -> QueryError:
        found = self.text[self.at : self.at + 1]
        return self.error(
            f"Spack does not read {found} here" if found else "the spec ends too soon"
        )

    def _version(self) -> None:
        git = _BARE_GIT.match(self.text, self.at)
        if git is not None:
            raise self.error(
                "pages do not say which version a commit is, and Spack would look it up",
                length=len(git[0]), hint=f"{git[0]}=VERSION says it",
            )  # fmt: skip
        self._refuse_twice("@", "a version")
        super()._version()

    def _compiler(self) -> None:
        self._refuse_twice("%", "a compiler")
        super()._compiler()
        if self.text[self.at : self.at + 1] == "=":
            raise self.error("Spack 0.23 has no virtuals behind %")
        last = self.terms[-1]
        if last.value == NO_COMPILER:  # to Spack the name of a compiler like any other
            self.terms[-1] = last._replace(value=f"{NO_COMPILER}@:")

    def _hash(self) -> None:
        self._refuse_twice("/", "a hash")
        super()._hash()

    def _switch(self, sigil: str) -> None:
        if self.text[self.at + 1 : self.at + 2] == sigil:
            raise self.error(
                f"{sigil * 2} asks about dependencies, and {_DEPENDENCIES}", length=2,
                hint=f"{sigil}{self._word_behind(self.at + 2)} asks about the spec alone",
            )  # fmt: skip
        start = self.at
        super()._switch(sigil)
        name = self.terms.pop().value[1:]
        if name in _RESERVED:
            raise self.error(
                f"{name} is no variant", start, length=self.at - start, hint=f"{name}="
            )
        if name in _SYSTEM:
            self.terms.append(Term("os", str(sigil == "+"), spack=True))
        elif name == NAMESPACE:
            self.terms.append(Term("variant", f"{NAMESPACE}={sigil == '+'}", spack=True))
        else:
            self.terms.append(Term("variant", f"{'+' if sigil == '+' else '~'}{name}", spack=True))

    def _word_behind(self, at: int) -> str:
        word = _NAME_LIKE.match(self.text, self._after_space(at))
        return word[0] if word is not None else ""

    def _key(self, key: re.Match[str]) -> None:
        if any(character.isspace() for character in key[0]):
            raise self.error(
                "Spack 0.23 has no space beside a =", key.start(2), hint="leave it out"
            )
        if key[2] == "==" and key[1] not in FLAGS:
            if key[1] in _NOT_PROPAGATED:
                raise self.error(f"{key[1]} cannot be propagated", key.start(2), length=2)
            if key[1] not in (*_RESERVED, *_SYSTEM, NAMESPACE):
                raise self.error(
                    f"== asks about dependencies, and {_DEPENDENCIES}", key.start(2), length=2,
                    hint=f"{key[1]}= asks about the spec alone",
                )  # fmt: skip
        super()._key(key)

    def _part(self, field: str, value: str, start: int) -> None:
        # What stands in a value is compared as it stands: to Spack 0.23 * is no pattern.
        if re.fullmatch(r"[a-zA-Z_0-9.,:\-]*", value):
            super()._part(field, value, start)
        else:
            self._add(field, value)

    def _once(self, found: list[Term], start: int) -> None:
        """Note what a token asks for.

        Raises QueryError where that was asked for before: Spack refuses it.
        """
        for term in found:
            key = term.field or ""
            if key == "variant":
                name = term.value.lstrip(_SWITCHES).partition("=")[0]
                if name in FLAGS:
                    continue  # they add up
                key = name if name == NAMESPACE else f"variant {name}"
            if key in ("version", "compiler", "hash"):
                continue  # told where they stand
            if key in self._given:
                raise self.error(f"{key} is given twice", start, length=self.at - start)
            self._given.add(key)

    def _refuse_twice(self, sigil: str, what: str) -> None:
        if sigil in self._given:
            raise self.error(f"one spec has {what} once")
        self._given.add(sigil)
