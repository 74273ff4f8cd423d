"""Spack's spec syntax inside a query: `hdf5@1.14:+mpi~cuda%gcc@12: target=x86_64_v3 /abc`.

Tokens are those of Spack 0.23's `parser.py`, in the same order and with the same spaces allowed in
them (`%gcc @12`, `build_type = Release`); they may stand side by side without spaces. What differs:
`-x` is an exclusion and never turns a variant off. `:=` is that of Spack 1; what it has behind `^` and `%`
reads `sigils`.
"""

from __future__ import annotations

import re

from ..errors import QueryError
from ..spack import ranges
from ..spack.variants import ANY_VALUE
from .tree import ALL_FIELDS, OF_KEYS, Term

__all__ = [
    "FILE",
    "IDENTIFIER",
    "NAME",
    "NAMESPACE",
    "QUALIFIED",
    "VALUE",
    "SpecReader",
    "name_of",
    "named",
    "quoted",
    "variant_of",
]

IDENTIFIER = r"[a-zA-Z_0-9][a-zA-Z_0-9\-]*"
_PACKAGE = re.compile(rf"{IDENTIFIER}(?:\.{IDENTIFIER})*")
NAME = re.compile(r"[a-zA-Z_0-9][a-zA-Z_0-9\-.]*")
_SPACE = re.compile(r"\s*")
_KEY = re.compile(r"([a-zA-Z_0-9][a-zA-Z_0-9\-.]*)\s*(:?==?)\s*")
VALUE = re.compile(r"[a-zA-Z_0-9\-+*.,:=~/\\]+")
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)
_ESCAPED = re.compile(r"\\(['\"\\])")
_HASH = re.compile(r"[a-zA-Z_0-9]+")
FILE = re.compile(r"(?:\.|/|[a-zA-Z0-9_-]*/)[a-zA-Z0-9_./-]*\.(?:json|yaml)")
_VERSION = re.compile(r"[a-zA-Z0-9_](?:[a-zA-Z_0-9.\-]*[a-zA-Z0-9_])?")
_GIT = re.compile(
    r"(?:git\.[a-zA-Z_0-9][a-zA-Z_0-9./\-]*|[A-Fa-f0-9]{40}(?![a-zA-Z_0-9.\-]))"
    r"(?:=[a-zA-Z0-9_](?:[a-zA-Z_0-9.\-]*[a-zA-Z0-9_])?)?"
)
_RANGE = re.compile(r"[@,]\s*[a-zA-Z0-9_.\-]*:[a-zA-Z0-9_.\-]*$")
_FIRST_FIELDS = frozenset(ALL_FIELDS) - frozenset(OF_KEYS)
_KEY_FOLLOWS = re.compile(r"\s*:?=")
_LISTED = re.compile(r"\s*,\s*")

_ARCHITECTURE = {
    "arch": "arch", "architecture": "arch", "platform": "platform",
    "os": "os", "operating_system": "os", "target": "target",
}  # fmt: skip
NAMESPACE = "namespace"
"""The repository a package comes from. No page says it: what pages tell of counts as `BUILTIN`, and a
condition on any other is one on an attribute that no build has."""
BUILTIN = "builtin"
QUALIFIED = re.compile(rf"{BUILTIN}\.{IDENTIFIER}")
"""A word that cannot be meant as anything but the name of a package."""
_OF_THE_HOST = frozenset(("default_os", "default_target", "frontend", "fe", "backend", "be"))
_NO_PART = re.compile(r"[^a-zA-Z_0-9.,:\-]")
_ALONE = ("none", ANY_VALUE)
_NOT_KNOWN = "None"
"""What Spack prints for a part of an architecture that is not known; it asks for nothing."""


def name_of(text: str) -> tuple[Term, ...]:
    """The package a name is of, with its namespace; empty for what Spack takes for no name."""
    return named(text) if _PACKAGE.fullmatch(text) is not None else ()


def named(name: str) -> tuple[Term, ...]:
    """The conditions of `hdf5`, `builtin.hdf5` or `site.hdf5`."""
    namespace, _, package = name.rpartition(".")
    return (Term("package", package, spack=True), *_of_namespace(namespace or BUILTIN))


def _of_namespace(namespace: str) -> tuple[Term, ...]:
    return (
        () if namespace == BUILTIN else (Term("variant", f"{NAMESPACE}={namespace}", spack=True),)
    )


def variant_of(text: str) -> Term | None:
    """The variant that `+mpi` or `++mpi` turns on; None for anything else."""
    name = text.removeprefix("+").removeprefix("+")
    if not text.startswith("+") or NAME.fullmatch(name) is None:
        return None
    return Term("variant", f"+{name}", spack=True)


def pair(name: str, sign: str, value: str) -> str:
    """A variant and its value, so that it is read as one: `tag:=x` is a field, and `tag :=x` none."""
    is_first_a_field = sign[0] == ":" and name.lower() in _FIRST_FIELDS
    return f"{name}{' ' * is_first_a_field}{sign}{quoted(value)}"


def quoted(value: str) -> str:
    """What stands behind a =, in quotes where it needs them."""
    if VALUE.fullmatch(value) and value[0] != "=":
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class SpecReader:
    """Goes through spec syntax, a token at a time."""

    def __init__(self, text: str, start: int) -> None:
        self.text = text
        self.at = self._start = start
        self.terms: list[Term] = []

    def goes_on(self) -> bool:
        """Whether the spec syntax goes on here."""
        character = self.text[self.at : self.at + 1]
        return bool(character) and not character.isspace() and character not in "()"

    def token(self) -> None:
        """Read the token that begins here."""
        sigil = self.text[self.at]
        if sigil == "@":
            self._version()
        elif sigil in "+~":
            self._switch(sigil)
        elif (key := _KEY.match(self.text, self.at)) is not None:
            self._key(key)
        elif sigil == "/":
            self._hash()
        else:
            self._name()

    def error(
        self, message: str, position: int | None = None, *, length: int = 1, hint: str | None = None
    ) -> QueryError:
        """An error at a position, or where the reader is."""
        at = self.at if position is None else position
        return QueryError(message, query=self.text, position=at, length=length, hint=hint)

    def _add(self, field: str, value: str) -> None:
        self.terms.append(Term(field, value, spack=True))

    def _after_space(self, position: int) -> int:
        match = _SPACE.match(self.text, position)
        assert match is not None, "the pattern matches the empty text"
        return match.end()

    def _name(self) -> None:
        name = _PACKAGE.match(self.text, self.at)
        if name is None or self.at != self._start:
            raise self._not_understood()
        self.at = name.end()
        if not self.goes_on() or self.text[self.at] not in "@+~%/^":
            raise self._not_understood()
        self.terms += named(name[0])

    def _not_understood(self) -> QueryError:
        found = self.text[self.at : self.at + 1]
        if found == "-":
            return self.error(
                "off is written ~, never -", hint="~cuda turns a variant off, -cuda excludes a word"
            )
        if found == ":":
            is_second = _RANGE.search(self.text, self._start, self.at) is not None
            what = "a range has one :" if is_second else "no field stands before :"
            return self.error(what, hint="a range is written @1.12:1.14")
        if found == "*":
            return self.error("* stands at the end of a word only")
        if found == "=":
            return self.error("= needs a variant before it and a value behind it")
        if not found:
            return self.error("the spec ends too soon")
        return self.error(
            f"{found} is not understood here", hint=f'quote the word that holds it: "a{found}b"'
        )

    def _version(self) -> None:
        value, self.at = self._version_list(self.at + 1)
        if value != ":":
            self._add("version", value)

    def _version_list(self, start: int) -> tuple[str, int]:
        """What stands behind an @, and where it ends."""
        at = self._after_space(start)
        git = _GIT.match(self.text, at)
        return (git[0], git.end()) if git is not None else self._versions(at, "@ needs a version")

    def _versions(self, start: int, missing: str) -> tuple[str, int]:
        """A version list and where it ends."""
        elements = []
        at = start
        while True:
            element, at = self._element(at, missing)
            elements.append(element)
            comma = self._after_space(at)
            if self.text[comma : comma + 1] != ",":
                break
            at, missing = self._after_space(comma + 1), ", needs a version behind it"
        found = ",".join(elements)
        try:
            ranges.check(found)
        except ranges.EmptyRangeError as error:
            hint = "the lower version stands before the :"
            if any(c.isspace() for c in self.text[start:at]):
                hint = (
                    "Spack reads a word behind an open range as its end: quote it, or put it first"
                )
            raise self.error(str(error), start, length=at - start, hint=hint) from None
        return found, at

    def _element(self, start: int, missing: str) -> tuple[str, int]:
        equals = self.text[start : start + 1] == "="
        low = _VERSION.match(self.text, start + equals)
        if low is None and (equals or self.text[start : start + 1] != ":"):
            raise self.error(missing, start if start < len(self.text) else len(self.text) - 1)
        at = low.end() if low is not None else start
        colon = self._after_space(at)
        if self.text[colon : colon + 1] != ":":
            assert low is not None, "without a version there is a colon"
            return "=" * equals + low[0], at
        if equals:
            raise self.error("= is one exact version and begins no range", start)
        high, at = self._high(colon + 1)
        return f"{low[0] if low is not None else ''}:{high}", at

    def _high(self, start: int) -> tuple[str, int]:
        """The end of a range, if it has one: a version, also behind spaces, that is no key."""
        at = self._after_space(start)
        high = _VERSION.match(self.text, at)
        if high is None or _KEY_FOLLOWS.match(self.text, high.end()):
            return "", start
        follows = self.text[high.end() : high.end() + 1]
        is_or = high[0] == "OR" and (not follows or follows.isspace() or follows in "()")
        if at > start and (is_or or follows in (":", "*", "(", '"')):
            return "", start
        return high[0], high.end()

    def _switch(self, sigil: str) -> None:
        at = self.at + 1
        at += self.text[at : at + 1] == sigil  # propagated: what satisfies it is the same
        name = NAME.match(self.text, self._after_space(at))
        if name is None:
            raise self.error(f"{sigil} needs the name of a variant")
        self.at = name.end()
        self._add("variant", sigil + name[0])

    def _hash(self) -> None:
        found = _HASH.match(self.text, self.at + 1)
        if found is None:
            raise self.error("/ needs the beginning of a hash")
        self.at = found.end()
        self._add("hash", found[0])

    def _key(self, key: re.Match[str]) -> None:
        start, name = key.end(), key[1]
        value, end = self._value(start, name)
        part = _ARCHITECTURE.get(name)
        if part is None and name != NAMESPACE:
            self._variant(name, value, start, end, exact=key[2][0] == ":")
        elif key[2].endswith("=="):
            at, length = key.start(2), len(key[2])
            raise self.error(f"{name} cannot be propagated", at, length=length, hint="use =")
        elif part is not None:
            self._architecture(part, value, start)
        else:
            self.terms += _of_namespace(value)
        self.at = end

    def _value(self, start: int, name: str) -> tuple[str, int]:
        quoted = _QUOTED.match(self.text, start)
        if quoted is not None:
            value = quoted[1] if quoted[1] is not None else quoted[2]
            value, end = _ESCAPED.sub(r"\1", value).strip(), quoted.end()
        else:
            if self.text[start : start + 1] in ("'", '"'):
                raise self.error("the quote is not closed", start)
            found = VALUE.match(self.text, start)
            value, end = (found[0], found.end()) if found is not None else ("", start)
        if not value.strip(","):
            raise self.error(
                f"{name}= needs a value", min(start, len(self.text) - 1),
                hint=f'{name}=* is any; "..." holds what begins no value',
            )  # fmt: skip
        return value, end

    def _variant(self, name: str, value: str, start: int, end: int, *, exact: bool) -> None:
        if value.upper() in ("TRUE", "FALSE"):
            self._add("variant", ("+" if value.upper() == "TRUE" else "~") + name)
            return
        values = sorted(set(_LISTED.split(value)))
        for alone in _ALONE:
            if alone in values and len(values) > 1:
                raise self.error(
                    f"{alone} stands for itself and not in a list", start, length=end - start,
                    hint=f"either of two is {name}={alone} OR {name}=...",
                )  # fmt: skip
        sign = ":=" if exact and values != [ANY_VALUE] else "="
        self._add("variant", f"{name}{sign}{','.join(values)}")

    def _architecture(self, part: str, value: str, start: int) -> None:
        parts = value.split("-") if part == "arch" else []
        if len(parts) == 3:
            for field, one in zip(("platform", "os", "target"), parts, strict=True):
                if one:
                    self._part(field, one, start)
                start += len(one) + 1
        else:
            self._part("target" if part == "arch" else part, value, start)

    def _part(self, field: str, value: str, start: int) -> None:
        if value in (_NOT_KNOWN, ANY_VALUE):
            return  # every build has one
        wrong = _NO_PART.search(value)
        if wrong is not None:
            raise self.error(
                f"{field}= holds no {wrong[0]}", start, length=len(value),
                hint="put a space before what follows the value",
            )  # fmt: skip
        if value in _OF_THE_HOST:
            raise self.error(
                f"{value} is another on every machine", start, length=len(value),
                hint=f"name the {field}, or use --runs-on host",
            )  # fmt: skip
        if field == "target":
            self._check_target(value, start)
        self._add(field, value)

    def _check_target(self, value: str, start: int) -> None:
        for part in value.split(","):
            if ":" not in part:
                continue
            from ..spack import targets

            for bound in part.split(":", 1):
                if bound and not targets.is_known(bound):
                    near = targets.nearest(bound)
                    raise self.error(
                        f"archspec knows no target {bound}", start, length=len(value),
                        hint=f"did you mean {near}?" if near else "x86_64_v3, zen4 and aarch64 are some",
                    )  # fmt: skip
