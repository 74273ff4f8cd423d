"""What stands behind `^` and `%` in a query: to which package it belongs, and what pages are asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.errors import QueryError
from cachesync.model import Build
from cachesync.query import (
    UNJUDGED,
    And,
    Dag,
    Everything,
    Node,
    Not,
    Or,
    Term,
    as_pages,
    matches,
    parse,
)
from cachesync.query.printing import show
from cachesync.query.unsaid import unsaid
from cachesync.spack import specparser
from cachesync.spack.abstract import AbstractEdge, AbstractSpec
from cachesync.spack.specmerging import said

HDF5 = Build(
    "hdf5", "1.14.5", "gcc@=12.3.0", "ubuntu22.04", "linux", "x86_64_v3",
    ("+mpi", "libs=shared,static", "~cuda"),
)  # fmt: skip


def dags(node: Node) -> list[Dag]:
    if isinstance(node, Dag):
        return [node]
    children = (node.node,) if isinstance(node, Not) else getattr(node, "nodes", ())
    return [dag for child in children for dag in dags(child)]


def asked(text: str) -> AbstractSpec:
    """What the one DAG node of a query asks for."""
    (dag,) = dags(parse(text))
    assert dag.dialect == "own"
    return dag.spec


@pytest.mark.parametrize(
    ("text", "position", "length", "says"),
    [
        ("^zlib~1", 5, 2, "a dependency is named exactly"),
        ("hdf5 %gcc~2 +x", 9, 2, "a dependency is named exactly"),
        ("^mpi=openmpi~1", 12, 2, "a dependency is named exactly"),
        ("hdf5 tag:develop ^zlib-ng@git.main", 25, 9, "Spack would look up"),
        ("hdf5 -^zlib-ng@" + "a1" * 20, 14, 41, "Spack would look up"),
    ],
)
def test_what_names_nothing_that_is_known_is_refused(text, position, length, says):
    """A distance behind a name that is exact, and a branch or commit that only a repository knows."""
    with pytest.raises(QueryError, match=says) as caught:
        parse(text)
    assert (caught.value.position, caught.value.length) == (position, length)
    assert caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "^zlib ~1",
        "^zlib~1x",
        "^zlib@2~1",
        "@git.main",
        "hdf5@git.main=1.2",
        "^ @git.main",
        "hdf5@git.main",
    ],
)
def test_what_looks_like_that_is_read(text):
    """A variant that is called so, what names no package, and what says which version is meant."""
    tree = parse(text)
    assert parse(show(tree)) == tree


def found(text: str) -> bool:
    return matches(parse(text), HDF5, "q" * 32, source="site", tag="develop", stacks=("root",))


@pytest.mark.parametrize(
    ("text", "spack"),
    [
        ("hdf5 ^openmpi@5:", "^openmpi@5:"),
        ("hdf5@1.14+mpi^openmpi@5:+x", "^openmpi@5:+x"),
        ("hdf5 %c,cxx=gcc@13", "%c,cxx=gcc@13"),
        ("hdf5 ^mpi=openmpi libs=a", "^mpi=openmpi libs=a"),
        ("%[virtuals=c when='+a %b' deptypes=build] gcc", "%[virtuals=c when='+a %b' deptypes=build] gcc"),
        ("hdf5 ^[virtuals=mpi] +shared", "^[virtuals=mpi] +shared"),
        ("hdf5 ^[virtuals=mpi] tag:develop", "^[virtuals=mpi]"),
        ("hdf5 %%gcc", "%gcc"),
        ("hdf5 ^* @2:", "^* @2:"),
        ("^ +shared", "^ +shared"),
        ("^ libs=*", "^* libs=*"),
        ("hdf5 ^ zlib", "^zlib"),
        ("^site.zlib/abc", "^site.zlib/abc"),
        ("^x target=x86_64: os=u cflags='-O3 -g'", "^x target=x86_64: os=u cflags='-O3 -g'"),
        ("^x@git.main=1", "^x@git.main=1"),
        # a value ends before a sigil
        ("^x libs=static%gcc@12", "^x libs=static %gcc@12"),
        # words, fields, what is excluded and what is in parentheses ask the root, and end nothing
        ("hdf5 ^x tag:develop +a", "^x +a"),
        ("hdf5 ^x aarch64 %gcc (+b OR @2) -cuda +a", "^x %gcc +a"),
        # % hangs from the ^ before it, whatever stands between
        ("hdf5 %cmake ^x word %gcc", "%cmake ^x %gcc"),
        # attributes behind the name of the root are the root's
        ("%gcc hdf5 +mpi @1.14", "%gcc"),
        ("%gcc hdf5@1.14 +mpi", "%gcc"),
        ("%gcc hdf5 +mpi %cmake +x", "%gcc %cmake +x"),
        # Spack's own merging, and its names of compilers
        ("hdf5 %c=gcc %cxx=gcc", "%c,cxx=gcc"),
        ("hdf5 ^perl ^perl@5: %gcc", "^perl ^perl@5: %gcc"),
        ("%clang ^oneapi", "%clang ^oneapi"),
        # what is asked of all below
        ("hdf5@1 ++mpi", "++mpi"),
        ("hdf5 libs==shared %gcc ~~x", "libs==shared %gcc ~~x"),
        # what no column of a build tells
        ("hdf5 cflags='-O3 -g' cflags=-c ^x", "cflags='-O3 -g' cflags=-c ^x"),
        ("site.hdf5@1", "namespace=site"),
        ("%gcc hdf5 namespace=builtin", "namespace=builtin %gcc"),
    ],
)  # fmt: skip
def test_it_asks_what_spack_would(text, spack):
    """The edges of the root are those of a spec in Spack's own language."""
    assert said(asked(text)) == said(specparser.parse(spack, "1.x"))


def test_the_root_itself_stays_outside():
    """Its name, version and other attributes are terms as ever, and positions make no difference."""
    node = parse("hdf5@1.14 ^zlib@1:  tag:develop")
    edge = AbstractEdge("^", AbstractSpec("zlib", versions="1:"))
    assert node == And((
        Term("package", "hdf5", spack=True), Term("version", "1.14", spack=True),
        Dag(AbstractSpec(edges=(edge,)), "own", Term(UNJUDGED, "^zlib@1:", spack=True), "^zlib@1:"),
        Term("tag", "develop"),
    ))  # fmt: skip


def test_every_alternative_and_every_exclusion_is_a_query_of_its_own():
    """Where OR, a minus or a parenthesis begins one the root is meant again."""
    node = parse("hdf5 ^openmpi@5: tag:develop OR petsc ^intel-oneapi-mpi")
    assert isinstance(node, Or)
    assert [dag.text for dag in dags(node)] == ["^openmpi@5:", "^intel-oneapi-mpi"]
    assert [dag.text for dag in dags(parse("^x (%gcc +a OR ^y) -%cmake +b"))] == [
        "^x +b", "%gcc +a", "^y", "%cmake",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "hdf5",
        "hdf5 +mpi",
        "+mpi",
        "variant:++mpi",
        "hdf5@1.14 +mpi os=u",
        "%none +mpi",
        "(a OR b) -c@1",
    ],
)
def test_a_query_that_asks_for_no_dependency_has_no_such_node(text):
    """Its tree is what it was; `%none` is a word of our own."""
    assert dags(parse(text)) == []
    assert as_pages(parse(text)) == parse(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hdf5 %gcc@12 +mpi", True), ("hdf5 %gcc@12 ~mpi", False), ("@1.14 %gcc@12:", True),
        ("hdf5 %c,cxx=gcc@12", True), ("hdf5 %[deptypes=build] gcc@13", False), ("%builtin.gcc", True),
        ("hdf5 ++mpi libs==static @1.14", True), ("hdf5@1 ++cuda", False),
        # what pages cannot tell is met by none, and excludes none
        ("hdf5 ^zlib", False), ("hdf5 -^zlib", False), ("hdf5 -(-^zlib)", False), ("-(zlib ^x)", True),
        ("hdf5 ^zlib OR %gcc", True), ("%* +mpi", False), ("hdf5 %[when=+mpi] gcc", False),
        ("hdf5 -%gcc@13", True), ("hdf5 -%gcc", False),
        # a version behind a word is not the compiler's to them
        ("hdf5 %gcc tag:develop @1.14", True), ("hdf5 %gcc @1.14", False),
    ],
)  # fmt: skip
def test_pages_are_judged_as_before(text, expected):
    """A compiler is the column, what stands behind it is asked of the spec, and `^` cannot be judged."""
    assert found(text) is expected


def test_a_page_is_said_not_to_tell_of_dependencies():
    """The conditions that it cannot answer are known by what is typed."""
    told = unsaid(parse("hdf5 ^zlib@1 %cmake +x -^y"))
    assert [(one.condition.value, one.subject) for one in told] == [
        ("^zlib@1 %cmake +x", "dependencies"), ("^y", "dependencies"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "position", "length", "says", "hint"),
    [
        ("hdf5+mpi~mpi", 8, 4, "the variant mpi is asked to be +mpi and ~mpi", "OR"),
        ("hdf5 libs=a tag:x libs=b", 18, 6, "the variant libs", "libs=a,b"),
        ("hdf5@1.14 @1.12", 10, 5, "the version is asked to be 1.14 and 1.12", "@1.12:1.14"),
        ("os=a os=b", 5, 4, "the os is asked", None),
        ("target=x86_64 target=aarch64", 14, 14, "the target is asked", None),
        ("arch=linux-u-x platform=darwin", 15, 15, "the platform", None),
        ("/abc /abd", 5, 4, "the hash", None),
        ("-(x@1 @2)", 6, 2, "the version", None),
        ("(hdf5 +a) ~a", 10, 2, "the variant a", None),
        ("site.x@1 namespace=y", 9, 11, "the namespace", "OR"),
        ("hdf5 %gcc@12 @1.14", 13, 5, "one version list", "@1.14 before the ^ or % asks"),
        ("^x +a a=true", 6, 6, "a is given twice", None),
        ("^x os=a os=a", 8, 4, "os is given twice", None),
        ("^x@1 ^x@2", 5, 4, "versions 1 and 2 exclude each other", "the other is ^x@1"),
        ("^x /a /b", 6, 2, "one hash", None),
        ("^x patches==a", 3, 10, "patches cannot be propagated", None),
        ("^[nosuch=1] x", 2, 8, "no attribute of a dependency", "deptypes, virtuals, when"),
        ("hdf5 ^[virtuals=c x", 18, 1, "x is no attribute", None),
        ("%[deptypes=link] z %[deptypes=run] z", 19, 17, "types of dependency exclude", None),
        ("%[when='target=nosuch:'] x", 8, 14, "knows no target nosuch", None),
        ("^x target=fe", 10, 2, "another on every machine", None),
        ("^x -a", None, 0, "", None),
        ("^x:y", 1, 2, "a field does not stand behind ^", "^NAME asks for a package"),
        ("%x:y z", 1, 2, "a field does not stand behind %", "%NAME"),
        ("^ x:y", 0, 1, "needs the name of a package", "^* is any"),
        ('hdf5 ^"x"', 6, 1, "a name stands without quotes", "^zlib, not"),
        ("^(x OR y)", 1, 1, "parentheses hold queries", "(^zlib OR ^zlib-ng)"),
        ("%-x", 1, 1, "what is excluded does not stand behind %", "-%zlib"),
        ("^x*", 2, 1, "* is no part of a package's name", "a prefix finds no dependency"),
        ("^x,y", 2, 1, ", is no part of a package's name", "^c,cxx=gcc"),
        ("^x!", 2, 1, "! is no part of a package's name", "a space ends the name"),
        ("^x@1:2:3", 6, 1, "a range has one :", "@1.12:1.14"),
        ("^x@1,2:3:4", 8, 1, "a range has one :", None),
        ("^x@3:1", 3, 3, "3:1 is an empty range", "the lower version stands before the :"),
        ("^x +a ~a", 6, 2, "a is given twice", "~a before the ^ or % asks the package itself"),
        ("^x a=b a=c", 7, 3, "a is given twice", "a=a,b"),
        ("^x a=[b]", 5, 1, "a= needs a value", 'a=* is any; "..."'),
        ("^x target=nosuch:", 10, 7, "knows no target nosuch", "x86_64_v3"),
        ("^[when='a b'] x", 2, 10, "needs one spec, and more stands there", "one spec in quotes"),
        ("%c,cxx gcc", 2, 1, ", is no part", None),
        ("^x" + " ^x" * 200, 600, 1, "more than 200 terms", None),
    ],
)
def test_what_cannot_be_asked_is_refused_where_it_stands(text, position, length, says, hint):
    """Two values for one attribute of one node, and what Spack refuses and is not our language."""
    if position is None:
        parse(text)
        return
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert says in caught.value.message
    assert (caught.value.position, caught.value.length) == (position, length)
    assert hint is None or hint in (caught.value.hint or "")


def test_a_hint_repeats_no_long_text():
    """It is one line on a terminal, however much is refused."""
    with pytest.raises(QueryError) as caught:
        parse("^a@" + ",".join(map(str, range(500))))
    assert len(caught.value.hint or "") < 100


def test_two_namespaces_are_not_said_to_be_had_at_once():
    """A package has one."""
    with pytest.raises(QueryError) as caught:
        parse("x@1 namespace=a namespace=b")
    assert "a,b" not in (caught.value.hint or "")


@pytest.mark.parametrize(
    "text",
    [
        "+mpi@1 +mpi",
        "os=a@1 arch=x-a-y",
        "cflags=-a cflags=-b",
        "version:1 version:2",
        "+m OR ~m@1",
        "+a (~a@1 OR b)",
    ],
)
def test_the_same_value_twice_is_no_contradiction(text):
    """Nor are fields, compiler flags, alternatives, and what parentheses hold."""
    assert parse(text) is not None


PIECES = st.sampled_from((
    "hdf5", "zlib@1.2", "@1.14:", "@=2", "+mpi", "~x", "++y", "libs==a", "libs=a,b", "m='a b'", "os=u", "target=x86_64:",
    "cflags='-a b'", "/abc", "%gcc", "%gcc@12:", "%c,cxx=gcc@13", "%none", "^zlib", "^mpi=openmpi", "^ +a", "^*", "%*",
    "^[virtuals=mpi]", "%[when='+a @1:' deptypes=build] gcc", "%clang", "word", "tag:develop", '"q"', "pre*", "namespace=site",
    "site.x", "virtual:mpi", "virtual:m*", "namespace:site", "namespace:b*", 'virtual:"a b"', "OR", "-", "(", ")", "%", "^", "=", "*",
))  # fmt: skip


@given(st.lists(PIECES, max_size=9), st.sampled_from((" ", " ", "")))
def test_what_is_printed_reads_the_same(pieces, space):
    """Every tree can be written so that the same tree is read; anything else is an error in the text."""
    text = space.join(pieces)
    try:
        node = parse(text)
    except QueryError as error:
        assert 0 <= error.position <= len(text)  # noqa: PT017
        return
    assert parse(show(node)) == node
    assert found(text) in (True, False)


@given(st.lists(PIECES, max_size=7))
def test_no_page_is_a_hit_for_what_it_cannot_tell(pieces):
    """Whatever is asked besides, wanted or excluded."""
    for dependency in ("^nosuch", "-^nosuch", "-(-(^nosuch))"):
        text = f"({dependency}) {' '.join(pieces)}"
        try:
            hit = " OR " not in f" {text} " and found(text)
        except QueryError:
            continue
        assert not hit


def test_an_empty_query_stays_empty():
    """And `^` does not make one of it."""
    assert parse("") == Everything
