"""Abstract specs that are likely to be met, and not to be, by nodes of small random DAGs."""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st

from cachesync.spack.abstract import AbstractEdge, AbstractSpec, AskedVariant
from tests.support.dags import PLAIN, Dag, node

__all__ = ["asked", "dags", "of_old"]

NAMES = ("a", "b", "c", "d")
VIRTUALS = ("v", "w", "a")
VERSIONS = ("1", "1.2", "2.0", "git.x=1.2")
VARIANTS = ("+x", "~x", "y=p", "y=q", "z=p,q", "z=q")
TARGETS = ("x86_64", "x86_64_v3", "zen4", "odd")
TYPES = ("build", "link", "run", "test")


# `st.builds` would make the fields of a NamedTuple that it is not told of, too: these are as left out.


def _spec(**said):
    return AbstractSpec(**said)


def _edge(*said):
    return AbstractEdge(*said)


# Strategies are made once: making one, and its first look at itself, takes longer than a draw.


@cache
def _subsets(values, min_size=0, max_size=None):
    some = st.lists(st.sampled_from(values), unique=True, min_size=min_size, max_size=max_size)
    return some.map(sorted).map(tuple)


_details = st.builds(
    lambda namespace, flags, external, form: PLAIN._replace(
        namespace=namespace, flags=flags, external=external, format=form, lists=("z",)
    ),
    st.sampled_from(("builtin", "mine")),
    st.sampled_from(((), (("cflags", ("-O2", "-g")),))),
    st.sampled_from((None, None, None, "{}")),
    st.sampled_from((5, 5, 5, 4)),
)
_of_build = st.fixed_dictionaries(
    {
        "version": st.sampled_from(VERSIONS),
        "compiler": st.sampled_from(("none", "a@=1.2", "clang@=17", "b@=2.0")),
        "os": st.sampled_from(("o1", "o2")),
        "target": st.sampled_from(TARGETS),
        "variants": _subsets(VARIANTS).map(
            lambda some: tuple(
                sorted({one.strip("+~").partition("=")[0]: one for one in some}.values())
            )
        ),
        "details": _details,
    }
)
_name = st.sampled_from(NAMES)
_edge_types = _subsets(TYPES, min_size=1)
_edge_virtuals = st.one_of(st.just(()), _subsets(VIRTUALS, max_size=2))
_is_to_nobody = st.integers(0, 30).map(lambda number: number == 0)
_is_mixed = st.integers(0, 3).map(lambda number: number == 0)


@st.composite
def dags(draw, *, in_order=False):
    """A DAG of up to twelve nodes; now and then an edge leads to nobody.

    With `in_order` dependencies always stand before what depends on them.
    """
    found = []
    for number in range(draw(st.integers(1, 12))):
        edges = []
        for child in draw(_subsets(range(number), max_size=4)) if number else ():
            types, virtuals = ",".join(draw(_edge_types)), ",".join(draw(_edge_virtuals))
            edges.append((f"h{child:02}", f"{types} {virtuals}"))
        if draw(_is_to_nobody):
            edges.append(("h99", "link v"))
        edges = draw(st.permutations(edges)) if len(edges) > 1 else edges
        found.append(node(draw(_name), f"h{number:02}", edges, **draw(_of_build)))
    # Mostly a ledger learns of dependencies first.
    if not in_order and draw(_is_mixed):
        found = draw(st.permutations(found))
    return Dag(found)


_variant = st.sampled_from(
    (
        AskedVariant("x", True),
        AskedVariant("x", False),
        AskedVariant("x", True, propagated=True),
        AskedVariant("y", ("p",)),
        AskedVariant("y", None),
        AskedVariant("z", ("q",)),
        AskedVariant("z", ("q",), exact=True),
        AskedVariant("z", ("q",), propagated=True),
    )
)
_variants = st.one_of(st.just(()), st.lists(_variant, max_size=1).map(tuple))


@cache
def _nodes(likely=3):
    """Specs without edges; the higher `likely`, the less they ask for."""

    def maybe(*values):
        return st.sampled_from((*(None,) * likely * len(values), *values))

    return st.builds(
        _spec,
        name=st.sampled_from((None, *NAMES, *VIRTUALS, "llvm", "nobody")),
        namespace=maybe("builtin"),
        hash=maybe("h0", "h01", "h1"),
        versions=maybe("1", "1.2:", ":1", "=1.2", "1,2"),
        variants=_variants,
        platform=maybe("linux", "*"),
        os=maybe("o1", "*"),
        target=maybe("x86_64_v3:", ":x86_64_v3", "zen4", "odd", "*"),
        flags=st.sampled_from(((), (), (), (("cflags", ("-g",)),))),
    )


_types = st.one_of(st.just(()), st.just(()), _subsets(TYPES, max_size=2))
_virtuals = st.one_of(st.just(()), st.just(()), _subsets(VIRTUALS, max_size=2))


@cache
def _edges(sigils, depth):
    """Edges, those of `^` to specs with edges of `%` now and then; conditions to some depth."""
    spec = _nodes()
    if "^" in sigils:
        compilers = st.one_of(st.just([]), st.lists(_edges(("%",), depth), max_size=2))
        below = st.builds(lambda one, more: one._replace(edges=tuple(more)), spec, compilers)
    when = st.none() if depth == 0 else st.one_of(st.none(), st.none(), asked(depth - 1))
    kinds = {
        sigil: st.builds(
            _edge,
            st.just(sigil),
            below if sigil == "^" else spec,
            _types,
            _virtuals,
            when,
        )
        for sigil in sigils
    }
    return st.one_of(*kinds.values())


@cache
def asked(depth=1):
    """Specs with up to three things that hang from the root; conditions of edges to some depth."""
    edges = st.lists(_edges(("^", "%"), depth), max_size=3).map(tuple)
    return st.builds(lambda one, below: one._replace(edges=below), _nodes(6), edges)


def of_old(spec):
    """The same as 0.23 has it: compilers are attributes."""
    edges = tuple(
        edge._replace(spec=edge.spec._replace(edges=()), when=None)
        for edge in spec.edges
        if edge.sigil == "^"
    )
    compilers = [edge.spec.name for edge in spec.edges if edge.sigil == "%"]
    return spec._replace(edges=edges, compiler=compilers[0] if compilers else None)
