"""Abstract specs that are likely to be met, and not to be, by nodes of small random DAGs."""

from __future__ import annotations

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


def _subsets(values, **sizes):
    return st.lists(st.sampled_from(values), unique=True, **sizes).map(sorted).map(tuple)


@st.composite
def dags(draw, *, in_order=False):
    """A DAG of up to twelve nodes; now and then an edge leads to nobody.

    With `in_order` dependencies always stand before what depends on them.
    """
    found = []
    for number in range(draw(st.integers(1, 12))):
        edges = []
        for child in draw(_subsets(range(number), max_size=4)) if number else ():
            types = ",".join(draw(_subsets(TYPES, min_size=1)))
            virtuals = ",".join(draw(st.one_of(st.just(()), _subsets(VIRTUALS, max_size=2))))
            edges.append((f"h{child:02}", f"{types} {virtuals}"))
        if draw(st.integers(0, 30)) == 0:
            edges.append(("h99", "link v"))
        chosen = {one.strip("+~").partition("=")[0]: one for one in draw(_subsets(VARIANTS))}
        details = PLAIN._replace(
            namespace=draw(st.sampled_from(("builtin", "mine"))),
            flags=draw(st.sampled_from(((), (("cflags", ("-O2", "-g")),)))),
            external=draw(st.sampled_from((None, None, None, "{}"))),
            format=draw(st.sampled_from((5, 5, 5, 4))),
            lists=("z",),
        )
        found.append(
            node(
                draw(st.sampled_from(NAMES)),
                f"h{number:02}",
                draw(st.permutations(edges)),
                version=draw(st.sampled_from(VERSIONS)),
                compiler=draw(st.sampled_from(("none", "a@=1.2", "clang@=17", "b@=2.0"))),
                os=draw(st.sampled_from(("o1", "o2"))),
                target=draw(st.sampled_from(TARGETS)),
                variants=tuple(sorted(chosen.values())),
                details=details,
            )
        )
    # Mostly a ledger learns of dependencies first.
    if not in_order and draw(st.integers(0, 3)) == 0:
        found = draw(st.permutations(found))
    return Dag(found)


_variants = st.sampled_from(
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


@st.composite
def _nodes(draw, edges=(), likely=3):
    def maybe(*values):
        return draw(st.sampled_from((*(None,) * likely * len(values), *values)))

    return AbstractSpec(
        name=draw(st.sampled_from((None, *NAMES, *VIRTUALS, "llvm", "nobody"))),
        namespace=maybe("builtin"),
        hash=maybe("h0", "h01", "h1"),
        versions=maybe("1", "1.2:", ":1", "=1.2", "1,2"),
        variants=tuple(draw(st.lists(_variants, max_size=1 if draw(st.booleans()) else 0))),
        platform=maybe("linux", "*"),
        os=maybe("o1", "*"),
        target=maybe("x86_64_v3:", ":x86_64_v3", "zen4", "odd", "*"),
        flags=draw(st.sampled_from(((), (), (), (("cflags", ("-g",)),)))),
        edges=edges,
    )


@st.composite
def _edges(draw, sigils, depth):
    sigil = draw(st.sampled_from(sigils))
    below = ()
    if sigil == "^" and draw(st.booleans()):
        below = tuple(draw(st.lists(_edges("%", depth), max_size=2)))
    when = draw(st.none() if depth == 0 else st.one_of(st.none(), st.none(), asked(depth - 1)))
    return AbstractEdge(
        sigil,
        draw(_nodes(below)),
        draw(st.one_of(st.just(()), st.just(()), _subsets(TYPES, max_size=2))),
        draw(st.one_of(st.just(()), st.just(()), _subsets(VIRTUALS, max_size=2))),
        when,
    )


def asked(depth=1):
    """Specs with up to three things that hang from the root; conditions of edges to some depth."""
    return st.lists(_edges(("^", "%"), depth), max_size=3).flatmap(
        lambda edges: _nodes(tuple(edges), 6)
    )


def of_old(spec):
    """The same as 0.23 has it: compilers are attributes."""
    edges = tuple(
        edge._replace(spec=edge.spec._replace(edges=()), when=None)
        for edge in spec.edges
        if edge.sigil == "^"
    )
    compilers = [edge.spec.name for edge in spec.edges if edge.sigil == "%"]
    return spec._replace(edges=edges, compiler=compilers[0] if compilers else None)
