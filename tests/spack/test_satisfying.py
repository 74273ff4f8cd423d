"""What satisfies an abstract spec, rule by rule on small DAGs; `graph/test_spack.py` asks real ones."""

import pytest

from cachesync.errors import UnsaidError
from cachesync.spack.abstract import AbstractEdge, AbstractSpec, AskedVariant
from cachesync.spack.satisfying import Question, satisfies
from tests.support.dags import PLAIN, Dag, node

A = AbstractSpec


def on(name=None, **more):
    """`%name`."""
    return _edge("%", name, more)


def below(name=None, **more):
    """`^name`."""
    return _edge("^", name, more)


def _edge(sigil, name, more):
    kept = {key: more.pop(key) for key in ("types", "virtuals", "when") if key in more}
    return AbstractEdge(sigil, A(name, **more), **kept)


def has(name, *values, exact=False, propagated=False):
    """A condition on a variant: no values are any, True and False switches."""
    said = None if not values else values[0] if isinstance(values[0], bool) else values
    return AskedVariant(name, said, exact=exact, propagated=propagated)


SMALL = Dag(
    [
        node("root", "r", [("g", "build c,cxx"), ("m", "build,link mpi"), ("t", "test")], variants=("+x",)),
        node("gcc", "g", [("z", "link"), ("o", "build c")], version="13.2.0"),
        node("gcc", "o", version="11.4.0", details=PLAIN._replace(external="{}")),
        node("openmpi", "m", [("z", "link"), ("o", "build c")], version="5.0", variants=("+x", "libs=a,b"), details=PLAIN._replace(lists=("libs",))),
        node("tester", "t", [("u", "link")], variants=("~x",)),
        node("zlib", "z", [("p", "build")]),
        node("perl", "p", version="5.42"),
        node("under", "u"),
        node("old", "1", [("z", "link"), ("2", "build")], compiler="clang@=17.0.1", details=PLAIN._replace(format=4)),
        node("cmake", "2", version="3.30", details=PLAIN._replace(format=4)),
    ]
)  # fmt: skip

RULES = {
    "^ follows link and run edges": (A("root", edges=(below("zlib"),)), True),
    "^ takes one step over build edges of the root": (A("root", edges=(below("gcc"),)), True),
    "^ takes no second step over build edges": (A("root", edges=(below("perl"),)), False),
    "^ never takes test edges": (A("root", edges=(below("tester"),)), False),
    "% takes edges of any type": (A("root", edges=(on("tester"),)), True),
    "% takes direct edges only": (A("root", edges=(on("zlib"),)), False),
    "% is one edge with all types": (A("root", edges=(on("openmpi", types=("build", "link")),)), True),
    "% is not two edges": (A("root", edges=(on("openmpi", types=("build", "run")),)), False),
    "one virtual of several is enough behind %": (A("root", edges=(on("gcc", virtuals=("c", "fortran")),)), True),
    "every virtual is needed behind ^": (A("root", edges=(below("gcc", virtuals=("c", "fortran")),)), False),
    "a virtual package is asked for by name": (A("root", edges=(below("mpi"),)), True),
    "what is asked of a virtual package is ignored": (
        A("root", edges=(below("mpi", variants=(has("nosuch", True),)),)), True
    ),
    "% below a virtual package is not": (A("root", edges=(below("mpi", edges=(on("gcc", versions="13"),)),)), False),
    "% below ^x hangs from x": (A("root", edges=(below("openmpi", edges=(on("gcc", versions="11"),)),)), True),
    "% below ^gcc of gcc hangs from the root": (A(edges=(below("gcc", edges=(on("gcc", versions="13"),)),)), True),
    "an edge whose condition does not hold holds": (A("root", edges=(below("nosuch", when=A(variants=(has("x", False),))),)), True),
    "an edge whose condition holds is looked for": (A("root", edges=(below("nosuch", when=A(variants=(has("x", True),))),)), False),
    "++ is asked of all that is below": (A("root", variants=(has("x", True, propagated=True),)), False),
    "++ passes over who has no such variant": (A("root", variants=(has("nosuch", True, propagated=True),)), True),
    "== passes over who has no such variant": (A("root", variants=(has("libs", "a", propagated=True),)), True),
    "os=* ends the test of the architecture": (A("root", os="*", target="zen4"), True),
    "platform is tested before os=*": (A("root", platform="darwin", os="*"), False),
}  # fmt: skip


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_rule_of_spack_1(rule):
    """Each rule of Spack 1 holds on a DAG that tells it from its contrary."""
    spec, expected = RULES[rule]
    assert satisfies(SMALL, "r", spec, "1.x", SMALL.virtuals) is expected


OF_OLD = {
    "the compiler attribute is looked at": (A(edges=(on("clang", versions="17"),)), "1.x", True),
    "a version is compared with it": (A(edges=(on("clang", versions="18"),)), "1.x", False),
    "edges are not": (A(edges=(on("cmake"),)), "1.x", False),
    "types and virtuals are ignored": (
        A(edges=(on("clang", types=("run",), virtuals=("c",)),)),
        "1.x",
        True,
    ),
    "clang is not called llvm": (A(edges=(on("llvm"),)), "1.x", False),
    "but by people it is": (A(edges=(on("llvm"),)), "own", True),
    "a variant finds nothing": (A(edges=(on("clang", variants=(has("x", True),)),)), "1.x", False),
    "nor does an operating system": (A(edges=(on("clang", os="*"),)), "1.x", False),
    "whoever provides C is no clang": (A(edges=(on("c"),)), "1.x", False),
    "^ does not find the compiler": (A(edges=(below("clang"),)), "1.x", False),
    "to 0.23 it is an attribute": (A("old", compiler="clang@17"), "0.23", True),
    "as it is written": (A("old", compiler="llvm"), "0.23", False),
    "0.23 follows all edges": (A("old", edges=(below("perl"),)), "0.23", True),
    "0.23 does not know *": (A("old", os="*"), "0.23", False),
}


@pytest.mark.parametrize("rule", sorted(OF_OLD))
def test_a_rule_for_specs_of_old(rule):
    """Specs older than format 5 have a compiler attribute, and 0.23 reads specs in its own way."""
    spec, dialect, expected = OF_OLD[rule]
    assert satisfies(SMALL, "1", spec, dialect, SMALL.virtuals) is expected


def test_own_rules_are_those_people_mean():
    """`os=*` is any os and no more; `%y` below `^x` is asked of the nodes that are x."""
    assert not satisfies(SMALL, "r", A("root", os="*", target="zen4"), "own", SMALL.virtuals)
    spec = A("root", edges=(below("gcc", versions="13", edges=(on("zlib"),)),))
    assert satisfies(SMALL, "r", spec, "own", SMALL.virtuals)


@pytest.mark.parametrize(
    "spec",
    [
        A(edges=(below("mpi", versions="4:"),)),
        A("mpi", versions="3"),
        A(target="nosuch:"),
        A(target="*:zen4"),
        A("fmt", versions="git.main"),
        A(edges=(below(edges=(on("fmt", versions="a" * 40),)),)),
        A(edges=(below("zlib", when=A(target=":nosuch")),)),
    ],
)
def test_what_no_index_says_is_an_error(spec):
    """Versions of virtual packages, targets nobody knows and bare commits are refused, by whatever root."""
    with pytest.raises(UnsaidError):
        satisfies(SMALL, "u", spec, "1.x", SMALL.virtuals)


def test_through_build_follows_every_edge():
    """The closure over all types finds what a build dependency was built with."""
    question = Question(SMALL, A(edges=(below("perl"),)), "1.x", SMALL.virtuals, through_build=True)
    assert "".join(one for one in SMALL.cached if question.is_met_by(one)) == "rgmz1"


def test_a_circle_ends():
    """A forged graph that goes round is judged as well."""
    dag = Dag([node("a", "a", [("b", "link")], variants=("+x",)), node("b", "b", [("a", "link,run")], variants=("~x",))])  # fmt: skip
    spec = A(variants=(has("x", True, propagated=True),), edges=(below("a", edges=(on("b"),)),))
    assert not satisfies(dag, "a", spec, "1.x", dag.virtuals)
    assert satisfies(dag, "a", spec._replace(variants=()), "1.x", dag.virtuals)
