"""The graph made of what the ledger has of nodes, or made longer by those that are new. Pure.

What is there stays as it is: nodes and numbers only become more, so a graph is made longer by copying
arrays and putting a little in between. What changes otherwise needs it made anew, of nothing.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, chain
from operator import add
from typing import NamedTuple

from ..ledger.edges import unpack_edges
from ..model import Build, Details, EdgeKind
from .arrays import COLUMNS, DOWN, Graph, Numbers, Tables, fitting
from .labels import with_masks
from .shaping import Ancestors, Shape, Shaper, no_tables

__all__ = ["NOTHING", "News", "extended"]


class News(NamedTuple):
    """What the ledger has of nodes that are to be added."""

    nodes: Sequence[tuple[int, int, int, bytes]]
    """By the id of the spec: that, the ids of its build and its details, its edges as bytes."""
    builds: Mapping[int, Build]
    details: Mapping[int, Details]
    kinds: Mapping[int, EdgeKind]
    placed: set[int]
    """The specs that are cached somewhere, of those that are new and those of which that changed."""
    gone: set[int]
    """The specs that are no longer cached anywhere."""
    look_up: Callable[[set[int]], Mapping[int, tuple[Build, bool]]]
    """The builds of specs that are depended on, and of which no index told; and whether they are cached."""
    find: Callable[[set[str]], Mapping[str, int]]
    """The ids of specs by hash, those that the ledger has."""


NOTHING = Graph(
    array("I"), array("I"), b"", {name: array("B") for name in (*COLUMNS, "down", "reach")}, array("I", (0,)),
    array("B"), array("B"), array("I", (0,)), array("I"), array("B"), array("B"), no_tables(),
)  # fmt: skip
"""A graph without nodes."""


def extended(graph: Graph, news: News, ancestors: Ancestors) -> Graph:
    """The graph with more nodes, none of which it has, and after some specs were cached or evicted."""
    places = dict(zip(graph.spec_ids, range(graph.size), strict=True))
    graph = _placed(graph, places, news)
    return _added(graph, places, news, ancestors) if news.nodes else graph


def _placed(graph: Graph, places: Mapping[int, int], news: News) -> Graph:
    flags = bytearray(graph.placed)
    for value, spec_ids in ((0, news.gone), (1, news.placed)):
        for spec_id in spec_ids:
            if spec_id in places:
                flags[places[spec_id]] = value
    return graph._replace(placed=bytes(flags))


def _added(graph: Graph, places: dict[int, int], news: News, ancestors: Ancestors) -> Graph:
    shaper = Shaper(graph.tables, ancestors)
    starts, to, kinds, unknown = _unpacked(news.nodes)
    places.update((spec_id, graph.size + number) for number, (spec_id, *_) in enumerate(news.nodes))
    shapes = _shapes(news, shaper)
    by_hash = news.find(set(unknown)) if unknown else {}
    missing = {one for one in to if one > 0} | set(by_hash.values())
    missing -= places.keys()
    spec_ids = [spec_id for spec_id, *_ in news.nodes]
    placed = set(news.placed)
    for spec_id, (build, is_placed) in sorted(news.look_up(missing).items()) if missing else ():
        placed.update((spec_id,) * is_placed)
        places[spec_id] = graph.size + len(spec_ids)
        spec_ids.append(spec_id)
        shapes.append(shaper.shape(build, None))
    hashes = shaper.tables.unknown
    for one, number in sorted(unknown.items()):
        if one not in by_hash and one not in hashes:
            hashes[one] = graph.size + len(spec_ids)
            spec_ids.append(0)
            shapes.append(shaper.shape(NAMELESS, None))
        places[number] = places[by_hash[one]] if one in by_hash else hashes[one]
    children = list(map(places.__getitem__, to))
    starts += [starts[-1]] * (len(spec_ids) - len(news.nodes))
    tables = shaper.tables._replace(kind=_kinds(shaper.tables, news.kinds))
    build_ids = [build_id for _, build_id, _, _ in news.nodes]
    build_ids += [0] * (len(spec_ids) - len(build_ids))
    told = list(zip(spec_ids, build_ids, strict=True))
    longer = _joined(graph, told, placed, shapes, starts, children, kinds, tables)
    return with_masks(longer, graph.size)


NAMELESS = Build("", "", "none", "", "", "", ())
"""What is known of a node that nothing but an edge tells of."""


def _shapes(news: News, shaper: Shaper) -> list[Shape]:
    known: dict[tuple[int, int], Shape] = {}
    found = []
    for _, build_id, details_id, _ in news.nodes:
        shape = known.get((build_id, details_id))
        if shape is None:
            shape = shaper.shape(news.builds[build_id], news.details[details_id])
            known[build_id, details_id] = shape
        found.append(shape)
    return found


def _unpacked(
    nodes: Sequence[tuple[int, int, int, bytes]],
) -> tuple[list[int], list[int], list[int], dict[str, int]]:
    """Where the edges of each node begin, to what they lead, and their kinds.

    That is the id of a spec, or a number below 0, by the hash of one that has none.
    """
    starts, to, kinds = [0], [], []
    unknown: dict[str, int] = {}
    for spec_id, _, _, packed in nodes:
        for dependency, kind in unpack_edges(spec_id, packed):
            if isinstance(dependency, int):
                to.append(dependency)
            else:
                to.append(unknown.setdefault(dependency, -1 - len(unknown)))
            kinds.append(kind)
        starts.append(len(to))
    return starts, to, kinds, unknown


def _kinds(tables: Tables, kinds: Mapping[int, EdgeKind]) -> list[list[list[str]]]:
    found = list(tables.kind)
    for number in range(len(found), max(kinds, default=-1) + 1):
        kind = kinds.get(number, EdgeKind((), ()))
        found.append([list(kind.types), list(kind.virtuals)])
    return found


def _joined(
    graph: Graph,
    told: list[tuple[int, int]],
    placed: set[int],
    shapes: list[Shape],
    starts: list[int],
    children: list[int],
    kinds: list[int],
    tables: Tables,
) -> Graph:
    size = graph.size + len(told)
    most = len(tables.kind)
    base = graph.starts[-1]
    back = _turned(graph, size, (starts, children, kinds), tables)
    columns = {
        name: _longer(graph.columns[name], values, len(getattr(tables, name)))
        for name, values in zip(COLUMNS, zip(*shapes, strict=True) if shapes else [()] * 6, strict=True)
    }  # fmt: skip
    return Graph(
        graph.spec_ids + array("I", (spec_id for spec_id, _ in told)),
        graph.builds + array("I", (build_id for _, build_id in told)),
        graph.placed + bytes(spec_id in placed for spec_id, _ in told),
        {**graph.columns, **columns},
        graph.starts + array("I", (base + one for one in starts[1:])),
        _longer(graph.children, children, size),
        _longer(graph.kinds, kinds, most),
        *back,
        tables,
    )


def _longer(numbers: Numbers, more: Sequence[int], most: int) -> Numbers:
    added = fitting(more, most)
    return (
        numbers if numbers.typecode == added.typecode else array(added.typecode, numbers)
    ) + added


def _turned(
    graph: Graph, size: int, edges: tuple[list[int], list[int], list[int]], tables: Tables
) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """The reversed edges, with new ones put in: where they begin, where others than DOWN begin, and they."""
    downs, others = _by_child(graph.size, edges, tables)
    first = graph.size
    touched = sorted({*downs, *others})
    parents = fitting((), size)
    kinds = fitting((), len(tables.kind))
    old_parents = _longer(graph.parents, (), size)
    old_kinds = _longer(graph.back_kinds, (), len(tables.kind))
    more, more_down = [0] * (first + 1), [0] * first
    at = 0
    for child in touched:
        if child >= first:
            break
        down, other = downs.get(child, ()), others.get(child, ())
        middle, end = graph.back_downs[child], graph.back_starts[child + 1]
        for until, put in ((middle, down), (end, other)):
            parents += old_parents[at:until]
            kinds += old_kinds[at:until]
            parents.extend(put[0::2])
            kinds.extend(put[1::2])
            at = until
        more[child + 1] = (len(down) + len(other)) // 2
        more_down[child] = len(down) // 2
    parents += old_parents[at:]
    kinds += old_kinds[at:]
    moved = list(accumulate(more))
    back_starts = array("I", map(add, graph.back_starts, moved))
    back_downs = array("I", map(add, map(add, graph.back_downs, moved), more_down))
    for child in range(first, size):
        down, other = downs.get(child, ()), others.get(child, ())
        parents.extend(down[0::2])
        kinds.extend(down[1::2])
        back_downs.append(len(parents))
        parents.extend(other[0::2])
        kinds.extend(other[1::2])
        back_starts.append(len(parents))
    return back_starts, back_downs, parents, kinds


_Lists = Mapping[int, Sequence[int]]


def _by_child(
    first: int, edges: tuple[list[int], list[int], list[int]], tables: Tables
) -> tuple[_Lists, _Lists]:
    """Parents and kinds, one after the other, of the nodes that new edges lead to."""
    starts, children, kinds = edges
    is_down = [not DOWN.isdisjoint(types) for types, _ in tables.kind]
    downs: defaultdict[int, list[int]] = defaultdict(list)
    others: defaultdict[int, list[int]] = defaultdict(list)
    parents = chain.from_iterable(
        [first + number] * (starts[number + 1] - starts[number]) for number in range(len(starts) - 1)
    )  # fmt: skip
    for parent, child, kind in zip(parents, children, kinds, strict=True):
        (downs if is_down[kind] else others)[child] += (parent, kind)
    return downs, others
