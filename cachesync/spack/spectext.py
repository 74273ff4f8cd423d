"""An abstract spec as text that is read as the same spec. Pure.

One form, not that in which it was written: what Spack merges is written once, types and virtuals are
sorted, several flags of a key are several pairs. Some values that come of merging, or of line breaks
and backslashes before a quote, Spack's syntax has no way to write in one place.
"""

from __future__ import annotations

import re

from .abstract import AbstractEdge, AbstractSpec, AskedVariant
from .spectokens import Dialect

__all__ = ["head", "one_edge", "show", "show_edge"]

_ID = r"[a-zA-Z_0-9][a-zA-Z_0-9\-]*"
_VIRTUAL = re.compile(_ID)
_NAMESPACE = re.compile(rf"{_ID}(?:\.{_ID})*")
_BARE = {
    "1.x": re.compile(r"(?!=.)[a-zA-Z_0-9\-+*.,:=%^~/\\]+"),
    "0.23": re.compile(r"(?!=)[a-zA-Z_0-9\-+*.,:=~/\\]+"),
}
_KEPT_QUOTES = re.compile(r"(['\"])[^'\"]*\n[^'\"]*\1")
"""A value that holds a line break keeps its quotes when it is read."""
_AROUND = "'\" "


def show(spec: AbstractSpec, dialect: Dialect = "1.x") -> str:
    """The text of a spec that `specparser.parse` made; it makes an equal spec of it again."""
    return _Writer(dialect, inside=False).spec(spec)


def show_edge(edge: AbstractEdge) -> str:
    """The text of an edge in Spack 1.x's language, its version at the name of its package."""
    spec = edge.spec
    if spec.name is not None and spec.versions is not None:
        spec = spec._replace(name=f"{spec.name}@{spec.versions}", versions=None)
    return show(AbstractSpec(edges=(edge._replace(spec=spec),)))


def head(edge: AbstractEdge, *, is_named: bool) -> str:
    """What opens an edge, up to the name of its package where it has one, in Spack 1.x's language."""
    return _Writer("1.x", inside=False).head(edge, is_named=is_named)


def one_edge(edge: AbstractEdge, dialect: Dialect = "1.x") -> str:
    """The text of an edge and of the node behind it, without what hangs from that."""
    alone = edge._replace(spec=edge.spec._replace(edges=()))
    text = _Writer(dialect, inside=False).edge(alone)
    return text.replace(f"{edge.spec.name} @", f"{edge.spec.name}@", 1)


class _Writer:
    """Writes one spec; inside a condition there is but one kind of quotes."""

    def __init__(self, dialect: Dialect, *, inside: bool) -> None:
        self._dialect: Dialect = dialect
        self._inside = inside

    def spec(self, spec: AbstractSpec) -> str:
        """A whole spec; `@:` where it asks for nothing."""
        pieces = [self._node(spec), *map(self.edge, spec.edges)]
        return " ".join(filter(None, pieces)) or "@:"

    def _node(self, spec: AbstractSpec) -> str:
        found = []
        namespace = spec.namespace
        if spec.name is not None:
            if namespace is not None and _NAMESPACE.fullmatch(namespace):
                found.append(f"{namespace}.{spec.name}")
                namespace = None
            else:
                found.append(spec.name)
        if spec.versions is not None:
            found.append(f"@{spec.versions}")
        if spec.compiler is not None:
            found.append(f"%{spec.compiler}")
        found += map(self._variant, spec.variants)
        if namespace is not None:
            found.append(self._pair("namespace", namespace))
        found += self._architecture(spec)
        found += (self._pair(key, flag) for key, flags in spec.flags for flag in flags)
        if spec.hash is not None:
            found.append(f"/{spec.hash}")
        return " ".join(found)

    def _pair(self, name: str, value: str, sign: str = "=") -> str:
        if _BARE[self._dialect].fullmatch(value) or _KEPT_QUOTES.fullmatch(value):
            return f"{name}{sign}{value}"
        quote = '"'
        if self._inside or (quote in value and "'" not in value):
            quote = "'"
        escaped = value.replace(quote, f"\\{quote}")
        return f"{name}{sign}{quote}{escaped}{quote}"

    def _variant(self, asked: AskedVariant) -> str:
        if isinstance(asked.values, bool):
            return ("+" if asked.values else "~") * (1 + asked.propagated) + asked.name
        sign = ":" * asked.exact + "=" * (1 + asked.propagated)
        values = "*" if asked.values is None else ",".join(asked.values)
        return self._pair(asked.name, values, sign)

    def _architecture(self, spec: AbstractSpec) -> list[str]:
        parts = (("platform", spec.platform), ("os", spec.os), ("target", spec.target))
        given = [(name, value) for name, value in parts if value is not None]
        # Spack takes None for nothing in the first key only.
        given.sort(key=lambda part: part[1] == "None")
        if given and given[0][1] == "None":
            given.insert(0, given[0])
        return [self._pair(name, value) for name, value in given]

    def edge(self, edge: AbstractEdge) -> str:
        """A whole edge."""
        node = self._node(edge.spec)
        if edge.spec.name is None and self._dialect == "1.x":
            node = f"* {node}" if node else "*"
        behind = " ".join((node or "@:", *map(self.edge, edge.spec.edges)))
        opened = self.head(edge, is_named=edge.spec.name is not None)
        return (
            f"{opened} {behind}"
            if opened == edge.sigil and not edge.spec.name
            else f"{opened}{behind}"
        )

    def head(self, edge: AbstractEdge, *, is_named: bool) -> str:
        """What stands before a node."""
        if edge.types or edge.when is not None or not all(map(_VIRTUAL.fullmatch, edge.virtuals)):
            return f"{edge.sigil}[{' '.join(self._attributes(edge))}] "
        if not edge.virtuals:
            return edge.sigil
        namespace = edge.spec.namespace
        if is_named and self._dialect == "1.x" and (
            namespace is None or _NAMESPACE.fullmatch(namespace)
        ):  # fmt: skip
            return f"{edge.sigil}{','.join(edge.virtuals)}="
        return f"{edge.sigil}[{' '.join(self._attributes(edge))}] "

    def _attributes(self, edge: AbstractEdge) -> list[str]:
        found = []
        if edge.types:
            found.append(f"deptypes={','.join(edge.types)}")
        if edge.virtuals:
            # Blanks and quotes around the list are dropped when it is read: inside they stay.
            inner = sorted(
                edge.virtuals, key=lambda one: (one[:1] in _AROUND) - (one[-1:] in _AROUND)
            )
            found.append(self._pair("virtuals", ",".join(inner)))
        if edge.when is not None:
            found.append(f"when={self._condition(edge.when)}")
        return found

    def _condition(self, spec: AbstractSpec) -> str:
        text = _Writer(self._dialect, inside=True).spec(spec)
        if text[-1] in _AROUND:
            text += " @:"  # quotes at the end would be dropped
        if _BARE[self._dialect].fullmatch(text):
            return text
        quote = "'" if self._inside else '"'
        return f"{quote}{text}{quote}"
