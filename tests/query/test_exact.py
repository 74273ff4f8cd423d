"""`--spack 0.23`: the text is Spack's and nothing else, and means what `satisfies` of that Spack means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.errors import QueryError, UsageError
from cachesync.model import Build
from cachesync.query import And, Dag, Everything, Node, Term, matches, parse_in
from cachesync.query.printing import show
from cachesync.spack import specparser

HDF5 = Build(
    "hdf5", "1.14.5", "gcc@=12.3.0", "ubuntu22.04", "linux", "x86_64_v3",
    ("+mpi", "libs=shared,static", "~cuda"),
)  # fmt: skip
BARE = HDF5._replace(compiler="none")


def spec(field: str, value: str) -> Term:
    return Term(field, value, spack=True)


def read(text: str) -> Node:
    return parse_in("0.23", text)


def found(text: str, build: Build) -> bool:
    return matches(read(text), build, "q" * 32, source="site", tag="develop", stacks=("root",))


H = spec("package", "hdf5")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("hdf5", H),
        ("builtin.hdf5", H),
        ("site.hdf5", And((H, spec("variant", "namespace=site")))),
        ("OR", spec("package", "OR")),
        ("hdf5-mpi", spec("package", "hdf5-mpi")),
        ("hdf5 -mpi", And((H, spec("variant", "~mpi")))),
        ("hdf5 - mpi", And((H, spec("variant", "~mpi")))),
        ("-mpi", spec("variant", "~mpi")),
        ("hdf5 ~1", And((H, spec("variant", "~1")))),
        ("+mpi+hl", And((spec("variant", "+mpi"), spec("variant", "+hl")))),
        ("%gcc@12 @1.14", And((spec("version", "1.14"), spec("compiler", "gcc@12")))),
        ("libs=shared%gcc", And((spec("variant", "libs=shared"), spec("compiler", "gcc")))),
        (
            "cflags=-O3 cflags=-g",
            spec("variant", "cflags=-O3 -g"),
        ),
        ("cflags==-O3", spec("variant", "cflags=-O3")),
        ("cflags==", Everything),
        ("ldlibs=''", Everything),
        ("+os", spec("os", "True")),
        ("os=* platform=*", And((spec("platform", "*"), spec("os", "*")))),
        ("arch=linux-None-x86_64", And((spec("platform", "linux"), spec("target", "x86_64")))),
        ("/abc", spec("hash", "abc")),
    ],
)
def test_it_is_read_as_spack_reads_it(text, tree):
    """The structure that Spack 0.23's parser gives a text, for pages and for DAGs."""
    asked = read(text)
    assert isinstance(asked, Dag)
    assert asked.plain == tree
    assert (asked.spec, asked.dialect) == (specparser.parse(text, "0.23"), "0.23")


@pytest.mark.parametrize(
    ("version", "text"),
    [
        *(("0.23", text) for text in ("hdf5 ^zlib", "hdf5 ++mpi", "hdf5 --mpi", "x==y")),
        *(
            ("1.x", text)
            for text in ("hdf5", "hdf5 ^zlib", "hdf5 %c=gcc@13", "+mpi", "^[virtuals=mpi] x")
        ),
        ("1.1", "hdf5"),
        ("1.2.0", "hdf5"),
    ],
)
def test_what_pages_cannot_say_is_no_hit_among_them(version, text):
    """What asks about dependencies; to Spack 1.x a compiler is one, and all of a spec is judged together."""
    asked = parse_in(version, text)
    assert isinstance(asked, Dag)
    assert not matches(asked, HDF5, "q" * 32, source="site", tag="develop", stacks=("root",))
    dialect = "0.23" if version == "0.23" else "1.x"
    assert asked.spec == specparser.parse(text, dialect)


@pytest.mark.parametrize(
    ("text", "position", "length", "says"),
    [
        ("hdf5 zlib", 5, 4, "begins a second spec"),
        ("@1.14 hdf5", 6, 4, "begins a second spec"),
        ("hdf5 OR zlib", 5, 2, "no OR"),
        ("(hdf5)", 0, 1, "no parentheses"),
        ('"hdf5"', 0, 1, "quotes only behind a ="),
        ("hdf*", 3, 1, "no *"),
        ("hdf5 tag:develop", 5, 4, "no fields"),
        ("patches==a", 0, 10, "cannot be propagated"),
        ("target==a", 0, 9, "cannot be propagated"),
        ("libs:=a", 0, 6, "no :="),
        ("mpi = true", 4, 1, "side by side"),
        ("%c=gcc", 2, 1, "no virtuals"),
        ("%%gcc", 0, 1, "name of a package"),
        ("%gcc %clang", 5, 6, "one compiler"),
        ("@1 @2", 3, 2, "one version list"),
        ("/abc/abd", 4, 4, "begins a second spec"),
        ("+mpi mpi=true", 5, 8, "given twice"),
        ("arch=linux-u-x target=y", 15, 8, "given twice"),
        ("+target", 0, 7, "no variant"),
        ("hdf5@git.main", 4, 9, "would look up which version this is"),
        ("a/b.json", 0, 8, "from no file"),
        ("hdf5.", 4, 1, "a dot"),
        ("cflags=", 6, 1, "a value behind it"),
        ("hdf5 ^zlib@3:1", 10, 4, "empty range"),
        ("hdf5@1:x:y", 8, 1, "no version stands before :"),
        ("%gcc@1:2:", 8, 1, "no version stands before :"),
        ("hdf5 ^zlib ^", 11, 1, "needs the name of a package"),
        ("", 0, 1, "no spec without a word"),
        ("   ", 0, 1, "no spec without a word"),
    ],
)
def test_what_is_not_one_spec_is_refused_where_it_stands(text, position, length, says):
    """Our own forms, and several specs."""
    with pytest.raises(QueryError, match=says) as caught:
        read(text)
    assert (caught.value.position, caught.value.length) == (position, length)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hdf5 OR zlib", "no OR"),
        ("(hdf5)", "no parentheses"),
        ('"hdf5"', "quotes only behind a ="),
        ("hdf*", "no *"),
        ("hdf5 tag:develop", "no fields"),
    ],
)
def test_our_own_forms_are_named_to_whoever_speaks_spack_1(text, says):
    """With what they are for without --spack."""
    with pytest.raises(QueryError, match=says) as caught:
        parse_in("1.x", text)
    assert caught.value.hint.startswith("without --spack")


@pytest.mark.parametrize("version", ["0.22", "2", "", "1.x.y"])
def test_other_spacks_are_refused(version):
    """Those whose language is not known."""
    with pytest.raises(UsageError, match=r"takes 0\.23 or 1\.x"):
        parse_in(version, "hdf5")


@pytest.mark.parametrize(
    ("build", "text", "expected"),
    [
        (HDF5, "hdf5", True), (HDF5, "hdf", False), (HDF5, "HDF5", False), (HDF5, "site.hdf5", False),
        (HDF5, "hdf5 -cuda", True), (HDF5, "hdf5 -mpi", False), (HDF5, "-hdf5", False),
        (HDF5, "hdf5 libs=static", True), (HDF5, "hdf5 os=*", False), (HDF5, "target=*", False),
        (HDF5, "target=x86_64:", True), (HDF5, "hdf5 namespace=builtin", True),
        (HDF5, "namespace=*", False), (HDF5, "cflags=-O3", False), (HDF5, "hdf5 cflags==", True),
        (BARE, "%none", False), (BARE, "%gcc", False), (BARE, "hdf5", True),
    ],
)  # fmt: skip
def test_it_means_what_satisfies_says(build, text, expected):
    """A lone name is exact, `-` is off, `*` is text for os and target, and `none` is a compiler's name."""
    assert found(text, build) is expected


PIECES = ("hdf5", "builtin.hdf5", "@1.14", "@:2", "+mpi", "-mpi", "~x", "%gcc", "%gcc@12:", "os=u", "x=a",
          "target=x86_64:", "/abc", "namespace=site", "OR", "(", "tag:a", "*", "^z", "++y", "cflags=-g",
          "=", " ", "é", "\x00", '"', "~1")  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=8), st.sampled_from(("", " ")))
def test_any_text_is_read_or_refused_in_its_bounds(pieces, space):
    """A tree that can be printed, or an error that points into the text; never anything else."""
    text = space.join(pieces)
    fault = None
    try:
        assert isinstance(show(read(text)), str)
    except QueryError as error:
        fault = error
    if fault is not None:
        assert 0 <= fault.position <= max(0, len(text) - 1)
        assert fault.length >= 1
