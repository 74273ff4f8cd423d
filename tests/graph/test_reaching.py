"""Along edges: who leads to what, whatever the order in which the nodes are numbered."""

from array import array
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from cachesync.graph.lanes import reaching_each
from cachesync.graph.making import NOTHING
from cachesync.graph.masks import everything, mask_of, members
from cachesync.graph.reaching import FEW_ROOTS, Reaching
from cachesync.graph.ways import Ways

LINK, BUILD = 0, 1
KINDS = [[["link"], []], [["build"], []]]


def drawn(seed):
    """A number of nodes, edges without circles (who, on whom, whether by a link edge), and some nodes."""
    random = Random(seed)
    size = random.randint(1, 14)
    order = random.sample(range(size), size)
    found = set()
    for _ in range(random.randint(0, 24) if size > 1 else 0):
        low, high = sorted(random.sample(range(size), 2))
        found.add((order[high], order[low], random.random() < 0.8))
    return size, sorted(found), set(random.sample(range(size), random.randint(0, min(2, size))))


def graph_of(size, found):
    """The arrays."""
    forth = [[(c, down) for p, c, down in found if p == node] for node in range(size)]
    back = [[(p, down) for p, c, down in found if c == node] for node in range(size)]
    back = [sorted(one, key=lambda edge: (not edge[1], edge[0])) for one in back]
    starts, back_starts = array("I", [0]), array("I", [0])
    for counted, lists in ((starts, forth), (back_starts, back)):
        for one in lists:
            counted.append(counted[-1] + len(one))
    downs = [at + sum(d for _, d in one) for at, one in zip(back_starts[:-1], back, strict=True)]
    return NOTHING._replace(
        spec_ids=array("I", range(1, size + 1)),
        starts=starts,
        children=array("B", (child for one in forth for child, _ in one)),
        kinds=array("B", (BUILD - down for one in forth for _, down in one)),
        back_starts=back_starts,
        back_downs=array("I", downs),
        parents=array("B", (parent for one in back for parent, _ in one)),
        back_kinds=array("B", (BUILD - down for one in back for _, down in one)),
        tables=NOTHING.tables._replace(kind=KINDS),
    )


def closure(nodes, found, *, everything=False):
    """Nodes, and all that lead to them, found the long way."""
    known = set(nodes)
    while more := {p for p, c, down in found if c in known and (down or everything)} - known:
        known |= more
    return known


@given(st.integers(0, 1 << 40), st.sampled_from((0, 1, 3, 6000)))
def test_who_leads_to_some(seed, steps):
    """Those found are those from which a way leads there, though who depends may be older than what on."""
    size, found, wanted = drawn(seed)
    mask = mask_of(bytes(node in wanted for node in range(size)))
    walker = Reaching(graph_of(size, found), steps=steps)

    def nodes(found):
        return set(members(found, size))

    assert nodes(walker.from_above(mask)) == closure(wanted, found, everything=True)
    direct = {p for p, c, _ in found if c in wanted}
    assert nodes(walker.above(mask)) == closure(direct, found, everything=True)
    linked = closure({p for p, c, down in found if down and c in wanted}, found)
    # From few roots it would be told from above.
    many = everything(size) | everything(size + FEW_ROOTS) - everything(size)
    assert nodes(walker.reaching(mask, None, many) & everything(size)) == linked | direct


@given(st.integers(0, 1 << 40), st.sampled_from((None, bytes([1] + 255 * [0]))), st.booleans())
def test_a_way_is_the_same_however_it_is_found(seed, kinds, everything):
    """Looked for from each root, or read off from how far all are; and there is one where `^` leads there."""
    size, found, wanted = drawn(seed)
    flags = bytes(node in wanted for node in range(size))
    walker = Reaching(graph_of(size, found), through_build=everything)
    single, read_off = (Ways(walker, flags, kinds, several=several) for several in (1 << 20, 0))
    reached = set(members(walker.reaching(mask_of(flags), kinds, (1 << 8 * size) // 255), size))
    for root in range(size):
        way = single.path(root)
        assert way == read_off.path(root)
        assert (way is not None) == (root in reached)


@given(st.integers(0, 1 << 40), st.integers(1, 70), st.booleans())
def test_many_sets_are_reached_as_each_by_itself(seed, count, everything):
    """A walk for all of them, a bit each, and one for each find the same, whatever the order of the nodes."""
    size, found, _ = drawn(seed)
    random = Random(seed)
    masks = [mask_of(bytes(random.random() < 0.2 for _ in range(size))) for _ in range(count)]
    walker = Reaching(graph_of(size, found), through_build=everything)
    every = (1 << 8 * size) // 255
    each = [walker.reaching(mask, None, every) for mask in masks]
    assert reaching_each(walker, masks, of_all_types=everything) == each


@given(st.integers(0, 1 << 40), st.booleans())
def test_how_far_all_are_is_counted_in_edges(seed, everything):
    """1 for those that are one edge away, and for each other one more than for the nearest it depends on."""
    size, found, nearest = drawn(seed)
    expected = {**dict.fromkeys(range(size), 0), **dict.fromkeys(nearest, 1)}
    edges = [(parent, child) for parent, child, down in found if down or everything]
    for distance in range(2, size + 2):
        level = {p for p, c in edges if expected[c] == distance - 1 and not expected[p]}
        expected.update(dict.fromkeys(level, distance))
    far = Reaching(graph_of(size, found)).distances(nearest, everything=everything)
    assert dict(enumerate(far)) == expected
