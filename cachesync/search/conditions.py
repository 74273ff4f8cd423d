"""Conditions on a spec itself, answered by a graph as builds answer them: each value there is once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import query
from ..spack import variants

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..graph.masks import Mask
    from ..graph.nodes import NodeSets

__all__ = ["holding"]

_PLACES = ("platform", "os", "target")
_OF_DETAILS = (*variants.FLAGS, "namespace", variants.PATCHES)
"""What a graph has otherwise than a build, or a build has not."""


def holding(term: query.Term, nodes: NodeSets) -> Mask | None:
    """The nodes whose builds satisfy a term; None of one that a graph does not answer so."""
    if not term.spack:
        return None
    if term.field == "package":
        return nodes.named(term.value)
    if term.field == "version":
        return _of_version(term.value, nodes)
    if term.field in _PLACES:
        return _of_place(term, nodes)
    return _of_variant(term.value, nodes) if term.field == "variant" else None


def _of_version(wanted: str, nodes: NodeSets) -> Mask:
    from ..spack import ranges

    known = nodes.graph.tables.version
    return nodes.select(
        "version", [n for n, one in enumerate(known) if ranges.contains(wanted, one)]
    )


def _of_place(term: query.Term, nodes: NodeSets) -> Mask:
    from ..query.satisfies import target_satisfies

    at = _PLACES.index(term.field or "")
    said = [place[at] for place in nodes.graph.tables.place]
    if term.field == "target":
        met = [number for number, one in enumerate(said) if target_satisfies(term.value, one)]
    else:
        met = [number for number, one in enumerate(said) if one == term.value]
    return nodes.select("place", met)


def _of_variant(wanted: str, nodes: NodeSets) -> Mask | None:
    name = variants.read(wanted).name
    if not name or name in _OF_DETAILS:
        return None
    tables = nodes.graph.tables
    pairs = set()
    for number, (called, value) in enumerate(tables.pair):
        if called == name:
            text = _text(called, value)
            if text is None:
                return None
            if variants.satisfies(wanted, text):
                pairs.add(number)
    held = [number for number, one in enumerate(tables.variants) if not pairs.isdisjoint(one)]
    return nodes.select("variants", held) if pairs else 0


def _text(name: str, value: bool | Iterable[str]) -> str | None:  # noqa: FBT001 - a variant's
    """A variant as a build has it, but for how it is spelled; None where that is not plain."""
    if isinstance(value, bool):
        return f"{'+' if value else '~'}{name}"
    values = list(value)
    is_plain = all(one and variants.spelled(one) == one for one in values)
    return f"{name}={','.join(values)}" if is_plain and values else None
