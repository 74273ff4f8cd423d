"""What very many `^` of a query look for, found in one walk: each by itself would walk along all edges. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from .lanes import reaching_each

if TYPE_CHECKING:
    from ..spack.abstract import AbstractEdge, AbstractSpec
    from .evaluating import Evaluator
    from .masks import Mask

__all__ = ["prepare"]


def prepare(evaluator: Evaluator, specs: Collection[AbstractSpec]) -> None:
    """Find what the next questions, which are about some specs, look for.

    Raises UnsaidError for what no index can answer, UsageError for what takes too long.
    """
    evaluator.know({}, keep=True)
    for spec in specs:
        evaluator.check(spec)
    evaluator.reaching.begin()
    evaluator.know(_reached(evaluator, specs), keep=True)


def _reached(
    evaluator: Evaluator, specs: Collection[AbstractSpec]
) -> dict[int, tuple[AbstractEdge, Mask]]:
    """All that reach what the edges of some specs look for, with each edge, by its identity.

    Left out are edges of which the labels say everything.
    """
    is_old = evaluator.rules.is_old
    edges = [edge for spec in specs for edge in _swept(evaluator, spec)]
    wanted = [
        evaluator.nodes.holds(edge.spec) if is_old else evaluator.sought(edge) for edge in edges
    ]
    several = list(dict.fromkeys(wanted))
    of_all_types = is_old or evaluator.reaching.through_build
    found = reaching_each(evaluator.reaching, several, of_all_types=of_all_types)
    of = dict(zip(several, found, strict=True))
    return {id(edge): (edge, of[mask]) for edge, mask in zip(edges, wanted, strict=True)}


def _swept(evaluator: Evaluator, spec: AbstractSpec) -> Iterator[AbstractEdge]:
    """The edges of a spec, and of its conditions, of which it is asked who reaches what they look for."""
    for edge in spec.edges:
        if edge.when is not None:
            yield from _swept(evaluator, edge.when)
        if edge.sigil == "^" and (
            evaluator.rules.is_old
            or not (evaluator.below_kinds(edge) is not None or evaluator.is_name_alone(edge))
        ):
            yield edge
