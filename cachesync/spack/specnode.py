"""The attributes of one node of an abstract spec, read from their tokens. Pure.

What each asks for, and what may not be asked for twice, is that of `SpecNodeParser` in Spack's
`spec_parser.py` and of `Spec._add_flag` and `Spec._set_architecture` in its `spec.py`.
"""

from __future__ import annotations

import re

from . import ranges
from .abstract import AbstractSpec, AskedVariant
from .spectokens import Dialect, Kind, SpecTextError, Token
from .variants import FLAGS

__all__ = ["ATTRIBUTES", "MAX_LISTED", "NodeReader", "is_bare_git", "unquoted"]

ATTRIBUTES = frozenset(
    (Kind.VERSION, Kind.PROPAGATED_SWITCH, Kind.SWITCH, Kind.PROPAGATED_PAIR, Kind.PAIR,
     Kind.COMPILER, Kind.HASH)
)  # fmt: skip
"""Kinds of tokens that say something of a node."""
MAX_LISTED = 200
"""Versions, or targets, in one list."""

_ARCHITECTURE = ("arch", "architecture")
_PARTS = ("platform", "os", "target")
_SYSTEM = ("os", "operating_system")
_NOT_PROPAGATED = frozenset(
    (*_ARCHITECTURE, *_SYSTEM, "platform", "target", "namespace", "patches", "dev_path")
)
_NOT_PROPAGATED_BY_NEWER = frozenset(("branch", "commit", "ref", "tag"))
_OF_THE_HOST = {
    "os": frozenset(("default_os", "frontend", "fe", "backend", "be")),
    "target": frozenset(("default_target", "frontend", "fe", "backend", "be")),
}
_NOT_KNOWN = ("", "None")
_PAIR = re.compile(r"([a-zA-Z_0-9][a-zA-Z_0-9\-.]*)(:?)(==?)(.*)", re.DOTALL)
_QUOTES = re.compile(r"(['\"])(.*)\1")
_BETWEEN = re.compile(r"\s*,\s*")
_RANGE_END = re.compile(r"(?<=:)([^,:]*?)[.\-]+(?=,|$)")
_COMMIT = re.compile(r"[A-Fa-f0-9]{40}")


def unquoted(text: str) -> str:
    """A value without the quotes around it. To Spack one that holds a line break has none."""
    found = _QUOTES.fullmatch(text)
    return text if found is None else found[2].replace(f"\\{found[1]}", found[1])


def is_bare_git(versions: str) -> bool:
    """Whether a version list names a branch, tag or commit without the version that it counts as."""
    found = (one.removeprefix("=") for one in versions.split(","))
    return any(
        "=" not in one and ":" not in one and (one.startswith("git.") or _COMMIT.fullmatch(one))
        for one in found
    )


class NodeReader:
    """Takes the tokens of one node, in their order."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.later: list[SpecTextError] = []
        """What Spack raises once it judges by the node."""
        self.has_hash = False
        self._name: str | None = None
        self._namespace: str | None = None
        self._versions: Token | None = None
        self._variants: dict[str, AskedVariant] = {}
        self._flags: dict[str, tuple[str, ...]] = {}
        self._compiler: str | None = None
        self._hash: str | None = None
        self._architecture: dict[str, str | None] = {}

    def name(self, token: Token) -> None:
        """`hdf5`, `builtin.hdf5`, or `*` for any."""
        namespace, _, name = token.text.rpartition(".")
        if name != "*":
            self._name, self._namespace = name, namespace or None

    def spec(self) -> AbstractSpec:
        """What was read."""
        versions = None
        if self._versions is not None:
            versions = _listed(self._versions.text[1:])
            if self._name is not None and is_bare_git(versions):
                self._later(
                    self._versions, "Spack would look up which version this is, in the package's repository",
                    f"{self._versions.text}=VERSION says it",
                )  # fmt: skip
        platform, os, target = (self._architecture.get(part) or None for part in _PARTS)
        if self._architecture and not (platform or os or target):
            target = ""  # given, and asks for nothing: see `merged`
        return AbstractSpec(
            name=self._name,
            namespace=self._namespace,
            hash=self._hash,
            versions=versions if versions != ":" else None,
            variants=tuple(self._variants.values()),
            platform=platform,
            os=os,
            target=target,
            flags=tuple(self._flags.items()),
            compiler=self._compiler,
        )

    def attribute(self, token: Token) -> None:
        """Read a token of one of the `ATTRIBUTES`.

        Raises SpecTextError for what may not be asked for, or not again.
        """
        if token.kind is Kind.VERSION:
            if self._versions is not None:
                raise token.error("a node has one version list")
            self._check_versions(token, token.text[1:])
            self._versions = token
        elif token.kind is Kind.HASH:
            self._hash, self.has_hash = token.text[1:], True
        elif token.kind is Kind.COMPILER:
            self._read_compiler(token)
        elif token.kind in (Kind.SWITCH, Kind.PROPAGATED_SWITCH):
            is_propagated = token.kind is Kind.PROPAGATED_SWITCH
            name = token.text[1 + is_propagated :].strip()
            self._switch(token, name, is_on=token.text[0] == "+", is_propagated=is_propagated)
        else:
            self._pair(token)

    def _later(self, token: Token, message: str, hint: str | None) -> None:
        self.later.append(
            SpecTextError(
                message, token.start, length=len(token.text), hint=hint, kind="evaluation"
            )
        )

    def _check_versions(self, token: Token, text: str) -> None:
        found = _listed(text)
        elements = found.split(",")
        if len(elements) > MAX_LISTED:
            raise token.error(f"more than {MAX_LISTED} versions in one list")
        for element in elements:
            if ":" in element and "=" in element:
                raise token.error("= is one exact version and no end of a range")
            if element.count("=") > 1:
                raise token.error("a version has one =")
        try:
            ranges.check(found)
        except ranges.EmptyRangeError as error:
            raise token.error(str(error)) from None

    def _read_compiler(self, token: Token) -> None:
        if self._compiler is not None:
            raise token.error("a node has one compiler")
        name, at, versions = token.text[1:].partition("@")
        name, versions = name.strip(), _listed(versions)
        if at:
            self._check_versions(token, versions)
        self._compiler = f"{name}@{versions}" if at and versions != ":" else name

    def _refuse_propagated(self, token: Token, name: str) -> None:
        if name in _NOT_PROPAGATED or (self._dialect == "1.x" and name in _NOT_PROPAGATED_BY_NEWER):
            raise token.error(f"{name} cannot be propagated", hint=f"use {name}=")

    def _switch(self, token: Token, name: str, *, is_on: bool, is_propagated: bool) -> None:
        if is_propagated:
            self._refuse_propagated(token, name)
        if name in _ARCHITECTURE or name in FLAGS or (name == "target" and is_on):
            raise token.error(f"{name} is no variant", hint=f"{name}=")
        if name == "target":
            self._architectural(token, {"target": None})
        elif name == "platform" or name in _SYSTEM:
            # Spack takes the truth value for a text, and no truth for no text at first.
            text = "True" if is_on else "False" if self._architecture else None
            self._architectural(token, {"platform" if name == "platform" else "os": text})
        elif name == "namespace":
            self._namespace = str(is_on)
        else:
            self._variant(token, AskedVariant(name, is_on, exact=False, propagated=is_propagated))

    def _pair(self, token: Token) -> None:
        found = _PAIR.fullmatch(token.text)
        assert found is not None, "a pair has a name and a sign"
        name, colon, sign, rest = found.groups()
        is_propagated = token.kind is Kind.PROPAGATED_PAIR
        if not is_propagated and sign == "==" and self._dialect == "1.x":
            rest = f"={rest}"  # `cflags==` is the value `=`
        if self._dialect == "0.23" and "\n" in rest:
            raise token.error("Spack 0.23 reads no value with a line break")
        self.pair(token, name, unquoted(rest), is_exact=bool(colon))

    def pair(self, token: Token, name: str, value: str, *, is_exact: bool) -> None:
        """Take a key and its value, which stand in a token.

        Raises SpecTextError for what may not be asked for, or not again.
        """
        if token.kind is Kind.PROPAGATED_PAIR:
            self._refuse_propagated(token, name)
        if name in FLAGS:
            self._flags[name] = self._flags.get(name, ()) + _flags(value)
            if not self._flags[name]:
                del self._flags[name]
        elif name == "namespace":
            self._namespace = value
        elif name in _ARCHITECTURE:
            parts = value.split("-")
            if len(parts) != 3:
                parts = [None, None, value]  # type: ignore[list-item]
            self._architectural(token, dict(zip(_PARTS, parts, strict=True)))
        elif name in _SYSTEM or name in ("platform", "target"):
            self._architectural(token, {"os" if name in _SYSTEM else name: value})
        else:
            self._variant(token, self._asked(token, name, value, is_exact=is_exact))

    def _asked(self, token: Token, name: str, value: str, *, is_exact: bool) -> AskedVariant:
        is_propagated = token.kind is Kind.PROPAGATED_PAIR
        if value.upper() in ("TRUE", "FALSE"):
            return AskedVariant(name, value.upper() == "TRUE", propagated=is_propagated)
        if value == "*":
            return AskedVariant(name, None, propagated=is_propagated)
        newer = self._dialect == "1.x"
        values = value.split(",") if newer else _BETWEEN.split(value)
        for alone in ("*",) if newer else ("none", "*"):
            if alone in values and len(values) > 1:
                raise token.error(f"{alone} stands for itself and not in a list")
        return AskedVariant(name, tuple(dict.fromkeys(values)), is_exact, is_propagated)

    def _variant(self, token: Token, asked: AskedVariant) -> None:
        if asked.name in self._variants:
            several = not isinstance(asked.values, bool) and not isinstance(
                self._variants[asked.name].values, bool
            )
            raise token.error(
                f"{asked.name} is given twice",
                hint=f"several values: {asked.name}=a,b" if several else None,
            )
        self._variants[asked.name] = asked

    def _architectural(self, token: Token, given: dict[str, str | None]) -> None:
        """Take parts of an architecture, as Spack does: the first key otherwise than those after it."""
        known = self._architecture
        target = known.get("target")
        if (
            target and known.get("platform") and known.get("os")
            and ":" not in target and "," not in target
        ):  # fmt: skip
            raise token.error("the architecture is given twice")
        is_first = not known
        for part, text in given.items():
            if known.get(part):
                raise token.error(f"{part} is given twice")
            value = text
            if (part == "target" or is_first) and text in _NOT_KNOWN:
                value = None
            self._check_part(token, part, value)
            known[part] = value
        for part in _PARTS:
            known.setdefault(part, None)

    def _check_part(self, token: Token, part: str, value: str | None) -> None:
        if value in _OF_THE_HOST.get(part, ()):
            self._later(token, f"{value} is another on every machine", f"name the {part}")
        elif part == "target" and value is not None:
            self._check_targets(token, value)

    def _check_targets(self, token: Token, value: str) -> None:
        elements = value.split(",")
        if len(elements) > MAX_LISTED:
            raise token.error(f"more than {MAX_LISTED} targets in one list")
        for element in elements:
            low, colon, high = element.partition(":")
            for bound in (low, high) if colon else ():
                if bound:
                    self._check_bound(token, bound)

    def _check_bound(self, token: Token, bound: str) -> None:
        if self.later:
            return  # the first is told
        from . import targets

        if not targets.is_known(bound):
            near = targets.nearest(bound)
            self._later(
                token, f"archspec knows no target {bound}",
                f"did you mean {near}?" if near else None,
            )  # fmt: skip


def _flags(value: str) -> tuple[str, ...]:
    """Compiler flags; what does not begin with a - belongs to the one before it."""
    found: list[str] = []
    for word in value.split():
        if found and not word.startswith("-"):
            found[-1] += f" {word}"
        else:
            found.append(word)
    return tuple(found)


def _listed(text: str) -> str:
    """A version list without white space, and without the separators that a range may end in."""
    return _RANGE_END.sub(r"\1", "".join(text.split()))
