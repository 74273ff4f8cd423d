"""Spack's spec syntax in queries: how it is read, what it means, and that it can be printed."""

import hashlib
import json
import random
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cachesync import query
from cachesync.errors import QueryError
from cachesync.model import Build
from cachesync.query import (
    And,
    Everything,
    Not,
    Or,
    Term,
    as_pages,
    matches,
    parse,
    parse_in,
    terms,
)
from cachesync.query.prepared import residual
from cachesync.query.printing import show
from cachesync.query.tree import ALL_FIELDS
from cachesync.spack import ranges, targets
from tests.support.trees_of_queries import read_or_refused

SHARED = Path(__file__).resolve().parents[3] / "shared"

HDF5 = Build(
    "hdf5", "1.14.5", "gcc@=12.3.0", "ubuntu22.04", "linux", "x86_64_v3",
    ("+mpi", "++shared", "build_type=Release", "languages='c,c++,fortran'", "libs=shared,static",
     "patches=0f6940d,3e6448a", "threads=none", "x=TRUE", "y==1", "~cuda", "~~java"),
)  # fmt: skip
LOCK = Build(
    "py-filelock", "develop", "none", "sequoia", "darwin", "m1", ("build_system=python_pip",)
)
HASH = "bxjpbzp6ar2cezwvhbxsx35wxgtsrzah"


def found(text: str, build: Build = HDF5) -> bool:
    return matches(parse(text), build, HASH, source="site", tag="develop", stacks=("root",))


def spec(field: str, value: str) -> Term:
    return Term(field, value, spack=True)


def word(text: str) -> Term:
    return Term(None, text)


# -- reading

H, Z = spec("package", "hdf5"), spec("package", "zlib")
SITE = spec("variant", "namespace=site")
READ = [
    ("hdf5@1.14", And((H, spec("version", "1.14")))),
    ("hdf5 @1.14", And((H, spec("version", "1.14")))),
    ("hdf5@=1.14.3", And((H, spec("version", "=1.14.3")))),
    ("hdf5@1.12:1.14", And((H, spec("version", "1.12:1.14")))),
    ("@ 1.12 : 1.14 , =2", spec("version", "1.12:1.14,=2")),
    ("@:2", spec("version", ":2")),
    ("@1:", spec("version", "1:")),
    ("@1: x=y", And((spec("version", "1:"), spec("variant", "x=y")))),
    ("@1:x=y", And((spec("version", "1:"), spec("variant", "x=y")))),
    ("@1: tag:v1", And((spec("version", "1:"), Term("tag", "v1")))),
    ("@1: develop", spec("version", "1:develop")),
    ('@1: "develop"', And((spec("version", "1:"), word("develop")))),
    ("@1: OR @3", Or((spec("version", "1:"), spec("version", "3")))),
    ("@git.main", spec("version", "git.main")),
    ("@git.a/b=1.2", spec("version", "git.a/b=1.2")),
    ("@" + "a1" * 20 + "=1.2", spec("version", "a1" * 20 + "=1.2")),
    ("hdf5@:", H),
    ("@:", Everything),
    ("%gcc", spec("compiler", "gcc")),
    ("%gcc@:", spec("compiler", "gcc")),
    ("%gcc@12:", spec("compiler", "gcc@12:")),
    ("% gcc @ =12", spec("compiler", "gcc@=12")),
    ("%gcc +x @1", And((spec("compiler", "gcc"), spec("variant", "+x"), spec("version", "1")))),
    ("~cuda", spec("variant", "~cuda")),
    ("~~cuda", spec("variant", "~cuda")),
    ("hdf5+mpi", And((H, spec("variant", "+mpi")))),
    ("hdf5++mpi~cuda", And((H, spec("variant", "+mpi"), spec("variant", "~cuda")))),
    ("%gcc +mpi", And((spec("compiler", "gcc"), spec("variant", "+mpi")))),
    ("%gcc ++mpi", And((spec("compiler", "gcc"), spec("variant", "+mpi")))),
    ("%gcc +m*", And((spec("compiler", "gcc"), Term("variant", "+m", prefix=True)))),
    ("hdf5 +mpi", And((word("hdf5"), Term("variant", "+mpi")))),
    ("+ mpi", spec("variant", "+mpi")),
    ("hdf5 + mpi %gcc", And((H, spec("variant", "+mpi"), spec("compiler", "gcc")))),
    ("hdf5 ++ mpi~cuda", And((H, spec("variant", "+mpi"), spec("variant", "~cuda")))),
    ("hdf5 -+ mpi", And((H, Not(spec("variant", "+mpi"))))),
    ("libs=static,shared", spec("variant", "libs=shared,static")),
    ("libs = shared", spec("variant", "libs=shared")),
    ("libs==shared", spec("variant", "libs=shared")),
    ('x="a b"', spec("variant", "x=a b")),
    ("x='a \"b'", spec("variant", 'x=a "b')),
    (r'x="a\"b"', spec("variant", 'x=a"b')),
    ("mpi=True", spec("variant", "+mpi")),
    ("mpi=FALSE", spec("variant", "~mpi")),
    ("x=*", spec("variant", "x=*")),
    ("os=ubuntu22.04", spec("os", "ubuntu22.04")),
    ("operating_system=sequoia", spec("os", "sequoia")),
    ("platform=linux", spec("platform", "linux")),
    ("target=x86_64_v2:x86_64_v4,m1", spec("target", "x86_64_v2:x86_64_v4,m1")),
    ("arch=linux-None-aarch64:", And((spec("platform", "linux"), spec("target", "aarch64:")))),
    ("architecture=zen4", spec("target", "zen4")),
    ("arch=--aarch64", spec("target", "aarch64")),
    ("arch=linux--", spec("platform", "linux")),
    ("arch=--", Everything),
    ("arch=-u1-None", spec("os", "u1")),
    ("arch=None", Everything),
    ("target=None", Everything),
    ("hdf5 os=None platform=None", H),
    ("os=none", spec("os", "none")),
    ("/abc", spec("hash", "abc")),
    ("hdf5/abc", And((H, spec("hash", "abc")))),
    ("OR@1", And((spec("package", "OR"), spec("version", "1")))),
    ("OR@: target=m1", And((spec("package", "OR"), spec("target", "m1")))),
    ("builtin.hdf5@1", And((H, spec("version", "1")))),
    ("builtin.hdf5 %gcc", And((H, spec("compiler", "gcc")))),
    ("hdf5 namespace=builtin", H),
    ("builtin.hdf5", H),
    ("-builtin.hdf5", Not(H)),
    ("builtin.hdf5 +mpi", And((H, spec("variant", "+mpi")))),
    ("builtin.hdf5 OR zlib", Or((H, Term(None, "zlib")))),
    ("site.hdf5 @1", And((H, SITE, spec("version", "1")))),
    ("site.hdf5@1", And((H, SITE, spec("version", "1")))),
    ("hdf5@1 namespace=site", And((H, spec("version", "1"), SITE))),
    ("namespace=builtin", Everything),
    ("hdf5@1.14:+mpi~cuda%gcc@12:target=x86_64_v3 /abc", And((
        H, spec("version", "1.14:"), spec("variant", "+mpi"), spec("variant", "~cuda"),
        spec("compiler", "gcc@12:"), spec("target", "x86_64_v3"), spec("hash", "abc")))),
    # names
    ("hdf5 aarch64 %gcc", And((H, word("aarch64"), spec("compiler", "gcc")))),
    ("%gcc hdf5 aarch64", And((spec("compiler", "gcc"), H, word("aarch64")))),
    ("aarch64 hdf5@1", And((word("aarch64"), H, spec("version", "1")))),
    ('"x" hdf5 %gcc', And((word("x"), word("hdf5"), spec("compiler", "gcc")))),
    ("hd* hdf5 %gcc", And((Term(None, "hd", prefix=True), word("hdf5"), spec("compiler", "gcc")))),
    ("-x hdf5 %gcc", And((Not(word("x")), H, spec("compiler", "gcc")))),
    ("tag:v1 hdf5 %gcc", And((Term("tag", "v1"), H, spec("compiler", "gcc")))),
    ("HDF5 %gcc", And((spec("package", "HDF5"), spec("compiler", "gcc")))),
    ("hdf5 -%gcc", And((H, Not(spec("compiler", "gcc"))))),
    ("hdf5 -~cuda -+mpi", And((H, Not(spec("variant", "~cuda")), Not(spec("variant", "+mpi"))))),
    ("numpy -hdf5@1", And((spec("package", "numpy"), Not(And((H, spec("version", "1"))))))),
    ("hdf5@1 OR zlib", Or((And((H, spec("version", "1"))), word("zlib")))),
    ("(hdf5 OR zlib) %gcc", And((Or((H, Z)), spec("compiler", "gcc")))),
    ("%gcc x (hdf5 OR zlib)",
     And((spec("compiler", "gcc"), spec("package", "x"), Or((word("hdf5"), word("zlib")))))),
    ("hdf5 (x %gcc)", And((H, word("x"), spec("compiler", "gcc")))),
    ("hdf5 (%gcc OR %oneapi)", And((H, Or((spec("compiler", "gcc"), spec("compiler", "oneapi")))))),
    ("a -(zlib %gcc)", And((spec("package", "a"), Not(And((Z, spec("compiler", "gcc"))))))),
    # what is no spec syntax
    ("numpi~1", Term(None, "numpi", distance=1)),
    ("numpi~2 x", And((Term(None, "numpi", distance=2), word("x")))),
    ("a b OR c d", Or((And((word("a"), word("b"))), And((word("c"), word("d")))))),
    ("a (b OR c) -(d e)", And((word("a"), Or((word("b"), word("c"))), Not(And((word("d"), word("e"))))))),
    ("((a) OR (b OR c))", Or((word("a"), word("b"), word("c")))),
    ("(tag:v1) x", And((Term("tag", "v1"), word("x")))),
    ("variant:a(b)", Term("variant", "a(b)")),
    ("-(-a) -(-@1)", And((Not(Not(word("a"))), Not(Not(spec("version", "1")))))),
    ("a or b", And((word("a"), word("or"), word("b")))),
]  # fmt: skip


@pytest.mark.parametrize(("text", "tree"), READ, ids=[text for text, _ in READ])
def test_spec_syntax_is_read_as_spack_reads_it(text, tree):
    """Tokens side by side or apart; the first word is a name; and what is printed reads the same."""
    found = parse(text)
    assert as_pages(found) == tree
    assert parse(show(found)) == found
    assert as_pages(parse(show(tree))) == tree


@pytest.mark.parametrize(
    ("text", "position", "length", "problem", "hint"),
    [
        ("hdf5 ^", 5, 1, r"\^ needs the name of a package", "^* is any"),
        ("^ tag:v1", 0, 1, r"\^ needs the name of a package", None),
        ("^ OR x", 0, 1, r"\^ needs the name of a package", None),
        ("^open*", 5, 1, r"\* is no part of a package's name", None),
        ("@", 0, 1, "@ needs a version", None),
        ("hdf5@ +mpi", 6, 1, "@ needs a version", None),
        ("@1,", 2, 1, ", needs a version behind it", None),
        ("@1, ~x", 4, 1, ", needs a version behind it", None),
        ("@3:1", 1, 3, "3:1 is an empty range", None),
        ("@1.14: aarch64", 1, 13, "1.14:aarch64 is an empty range", "quote it"),
        ("@=1:2", 1, 1, "= is one exact version", None),
        ("1.12:1.14", 4, 1, "no field stands before :", "@1.12:1.14"),
        ("%", 0, 1, "% needs the name of a package", None),
        ("%gcc@", 4, 1, "@ needs a version", None),
        ("~", 0, 1, "~ needs the name of a variant", None),
        ("hdf5~", 4, 1, "~ needs the name of a variant", None),
        ("hdf5@1:-cuda", 7, 1, "off is written ~", "-cuda excludes"),
        ("+", 0, 1, r"\+ needs the name of a variant", None),
        ("hdf5 + %gcc", 5, 1, r"\+ needs the name of a variant", None),
        ("hdf5 ++ -mpi", 5, 1, r"\+ needs the name of a variant", None),
        ('a + "b"', 2, 1, r"\+ needs the name of a variant", None),
        ("c++", 1, 1, r"\+ needs the name of a variant", None),
        ("x=", 1, 1, "x= needs a value", None),
        ("x=,", 2, 1, "x= needs a value", None),
        ('x="a', 2, 1, "the quote is not closed", None),
        ("=x", 0, 1, "= needs a variant before it", None),
        ("x=a,none", 2, 6, "none stands for itself", None),
        ("x=*,a", 2, 3, r"\* stands for itself", None),
        ("target==zen4", 6, 2, "target cannot be propagated", "use ="),
        ("namespace==builtin", 9, 2, "namespace cannot be propagated", "use ="),
        ("namespace= @1", 11, 1, "namespace= needs a value", None),
        ("target=zenn4:", 7, 6, "archspec knows no target zenn4", "did you mean zen4"),
        ("target=zen4:x:", 7, 7, "archspec knows no target x:", None),
        ("target=x86_64_v3/abc", 7, 13, "target= holds no /", "put a space"),
        ("os=frontend", 3, 8, "frontend is another on every machine", "--runs-on host"),
        ("arch=linux-fe-x86_64", 11, 2, "fe is another on every machine", None),
        ("/", 0, 1, "/ needs the beginning of a hash", None),
        ("./spec.json", 0, 1, "a query is no file", None),
        ("a/b.yaml", 0, 1, "a query is no file", None),
        ("é@1", 0, 1, "é is not understood here", "quote"),
        ("a@1é", 3, 1, "é is not understood here", "quote"),
        ("hd*f@1", 2, 1, r"\* stands at the end of a word only", None),
        ("hdf5@1 zlib@2", 7, 1, "a query names one package, not hdf5 and zlib", "OR"),
        ("é %gcc", 0, 1, "é is no name of a package", "quote it"),
        ('hdf5@1"x"', 6, 1, '" is not understood here', None),
        ("@1(x)", 2, 1, "expected a space", None),
    ],
)  # fmt: skip
def test_what_spack_would_not_take_is_an_error_with_its_position(
    text, position, length, problem, hint
):
    """With a caret under it, and a hint where there is something to do."""
    with pytest.raises(QueryError, match=problem) as caught:
        parse(text)
    assert (caught.value.position, caught.value.length) == (position, length)
    if hint is not None:
        assert hint in caught.value.hint


# -- meaning

MEANS = [
    (HDF5, "hdf5@1.14", True), (HDF5, "hdf5@1.14.5", True), (HDF5, "hdf5@=1.14", False),
    (HDF5, "hdf5@=1.14.5", True), (HDF5, "hdf5@1.12:1.14", True), (HDF5, "@:1.14", True),
    (HDF5, "@:1.13", False), (HDF5, "@1.14.6:", False), (HDF5, "@1.12,1.14.5:", True),
    (HDF5, "@1.12,=1.14", False), (HDF5, "HDF5@1.14", False), (HDF5, "df5@1", False),
    (HDF5, "@git.main", False),
    (LOCK, "@3:", True), (LOCK, "@:3", False), (LOCK, "@develop", True), (LOCK, "@main:", True),
    (LOCK, "filelock %gcc", False), (LOCK, "py-filelock os=sequoia", True),
    (LOCK, "filelock os=sequoia", False), (LOCK, '"filelock" os=sequoia', True),
    (HDF5, "%gcc", True), (HDF5, "%gcc@12", True), (HDF5, "%gcc@=12", False),
    (HDF5, "%gcc@=12.3.0", True), (HDF5, "%gcc@:11", False), (HDF5, "%gcc@11:12", True),
    (HDF5, "%gc", False), (HDF5, "%GCC", False), (HDF5, "%none", False),
    (LOCK, "%none", True), (LOCK, "%none@1", False), (LOCK, "-%none", False), (LOCK, "%gcc", False), (LOCK, "-%gcc", True),
    (HDF5._replace(compiler="gcc"), "%gcc", True), (HDF5._replace(compiler="gcc"), "%gcc@1:", False),
    (HDF5, "%gcc +mpi", True), (HDF5, "%gcc +shared", True), (HDF5, "%gcc +cuda", False),
    (HDF5, "~cuda", True), (HDF5, "~mpi", False), (HDF5, "~java", True), (HDF5, "~absent", False),
    (HDF5, "%gcc +MPI", False), (HDF5, "%gcc ++mpi", True), (HDF5, "~~cuda", True),
    (HDF5, "++mpi", True), (HDF5, "hdf5 ++mpi", True), (HDF5, "++MPI", True), (HDF5, "++shared", True),
    (HDF5, "++cuda", False), (HDF5, "variant:++mpi", True), (HDF5, "-++mpi", False), (HDF5, "++mp*", False),
    (HDF5, '"++mpi"', False), (HDF5, "hdf5 + mpi %gcc", True), (HDF5, "hdf5 + cuda %gcc", False),
    (HDF5, "mpi=true", True), (HDF5, "mpi=False", False), (HDF5, "mpi=on", False),
    (HDF5, "mpi=*", True), (HDF5, "absent=*", False), (HDF5, "x=true", True), (HDF5, "%gcc +x", True),
    (HDF5, "build_type=Release", True), (HDF5, "build_type=release", False),
    (HDF5, "build_type=*", True), (HDF5, "build_type=Release,Debug", False),
    (HDF5, "libs=shared", True), (HDF5, "libs=static,shared", True), (HDF5, "libs=shared,x", False),
    (HDF5, "languages=c++,c", True), (HDF5, "languages=d", False), (HDF5, "threads=none", True),
    (HDF5, "y=1", True), (HDF5, "patches=0f6", True), (HDF5, "patches=3e6448a,0f", True),
    (HDF5, "patches=0f6940d00", False), (HDF5, "%gcc +libs", False),
    (HDF5, "cflags=-O3", False), (HDF5, "namespace=builtin", True),
    (HDF5, "hdf5 namespace=site", False), (HDF5, "site.hdf5@1", False), (HDF5, "builtin.hdf5", True), (HDF5, "builtin.zlib", False), (HDF5, "zlib namespace=builtin", False), (HDF5, "builtin.hdf5@1", True),
    (HDF5, "os=ubuntu22.04", True), (HDF5, "os=Ubuntu22.04", False), (HDF5, "os=a,ubuntu22.04", False),
    (HDF5, "platform=linux", True), (HDF5, "target=x86_64_v3", True), (HDF5, "target=x86_64", False),
    (HDF5, "target=x86_64:", True), (HDF5, "target=:x86_64_v3", True), (HDF5, "target=:x86_64_v2", False),
    (HDF5, "target=:zen4", True), (HDF5, "target=x86_64_v2:x86_64_v4", True), (HDF5, "target=:", True),
    (HDF5, "target=zen2:", False), (HDF5, "target=aarch64:", False), (HDF5, "target=m1,x86_64_v3", True),
    (HDF5, "target=m1,x86_64:", True), (LOCK, "target=aarch64:", True), (LOCK, "target=:x86_64", False),
    (HDF5._replace(target="own"), "target=own", True), (HDF5._replace(target="own"), "target=x86:", False),
    (HDF5, "arch=linux-ubuntu22.04-x86_64_v3", True), (HDF5, "arch=linux-None-x86_64:", True),
    (HDF5, "arch=x86_64_v3", True), (HDF5, "arch=darwin-None-None", False),
    (HDF5, "/bxjp", True), (HDF5, "/BXJP", False), (HDF5, "/xjp", False), (HDF5, "hdf5/b", True),
    (HDF5, "hdf~1", True), (HDF5, "hdff5~1", True), (HDF5, "dhf5~1", True), (HDF5, "hfd~1", False),
    (HDF5, "ubunut22.04~1", True), (HDF5, "devlop~1", True), (HDF5, "rotos~1", False), (HDF5, "rotos~2", True),
    (LOCK, "fielock~1", True), (LOCK, "Fielock~1", True), (LOCK, "flelok~2", True), (LOCK, "flelo~2", False),
    (HDF5, "nothing OR hdf5 %gcc", True), (HDF5, "hdf5 %clang OR linux", True), (HDF5, "(a OR b) @1", False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("build", "text", "expected"), MEANS, ids=[f"{b.package} {t}" for b, t, _ in MEANS]
)
def test_a_build_satisfies_what_spack_says_it_does(build, text, expected):
    """The facts of `Spec.satisfies`, one by one."""
    assert found(text, build) is expected


def test_the_distance_of_words_is_what_it_says():
    """Against the plain recursion: one edit is a letter more, less, another, or two swapped."""
    from cachesync.query.fuzzy import is_near

    def edits(text):
        letters = "abc"
        splits = [(text[:i], text[i:]) for i in range(len(text) + 1)]
        return {
            *(a + b[1:] for a, b in splits if b),
            *(a + c + b for a, b in splits for c in letters),
            *(a + c + b[1:] for a, b in splits if b for c in letters),
            *(a + b[1] + b[0] + b[2:] for a, b in splits if len(b) > 1),
        }

    pick = random.Random(1)
    for _ in range(60):
        text = "".join(pick.choices("abc", k=pick.randint(1, 5)))
        near = edits(text) | {text}
        for _ in range(40):
            other = "".join(pick.choices("abc", k=pick.randint(1, 6)))
            assert is_near(text, other, 1) == (other in near), (text, other)


# -- laws of reading and printing

PIECES = st.sampled_from(
    ("-", "+", '"', "'", "*", ":", " ", " ", " ", "a", "b1", "OR", "OR", " OR ", "(", ")", " (", ") ",
     "package:", "tag:", "variant:", "compiler:", "@", "@1.2", "@=1", "@1:", "@:2", ",", "%", "%gcc",
     "%gcc@12:", "=", "==", ":=", "x=", "libs=a,b", "libs:=a,b", "~", "~1", "~2", "~mpi", "+mpi", "++q", "/", "/abc",
     "hdf5", "target=", "x86_64:", "x86_64_v3", "os=u1", "arch=linux-u1-x86_64", "gcc@=1", "^", ".",
     "true", "none", "-x", "\t", "É", "hash:ab", "git.main=1.2", "@git.a/b", "\x00", "\\")
)  # fmt: skip
FRAGMENTS = st.sampled_from(
    ("hdf5", "petsc9", "main", "develop", "1.14", "OR", "@1.2:", "@:2", "@=1", "@:", "@", "%gcc",
     "%gcc@12:", "% gcc", "+mpi", "+ mpi", "+", "++mpi", "++", "~cuda", "~~cuda", "~ 1", "x=1:", "libs=shared", "libs:=shared", "x:=",
     "x=a:b", "x=", "patches=ab,cd", "x='a b'", "mpi=true", "x = 1", "arch=--aarch64", "arch=--",
     "arch=-", "arch=linux-u1-x86_64:", "target=aarch64:", "target=:zen4", "target=None", "os=None",
     "os=u1", "platform=linux", "namespace=builtin", "builtin.hdf5", "tag:develop", "tag:v1:", "hash:ab",
     "version:1", "compiler:gcc@=1", "variant:++mpi", "variant:x=1:", "package:hdf5", "/abc", "hdf5/abc", "(", ")",
     "-", "hd*", "hdff5~1", '"main"', '"a b"*', "git.main=1.2", "@git.main", "1:2", ",2", "\ud800", "a\udcffb")
)  # fmt: skip
"""What people write, and where one may take what stands next for its own."""
JOINED = st.lists(st.tuples(FRAGMENTS, st.sampled_from((" ", " ", " ", "", "  "))), max_size=8).map(
    lambda pairs: "".join(fragment + space for fragment, space in pairs)
)
TEXTS = st.lists(PIECES, max_size=14).map("".join) | JOINED | st.text(max_size=40)


def check_text(text: str) -> None:
    """A tree that prints as itself and can be judged, or an error that lies within the text."""
    tree = read_or_refused(text)
    if tree is not None:
        assert parse(show(tree)) == tree
        assert all(isinstance(term, Term) and term.value for term, _ in terms(tree))


@given(TEXTS)
@settings(max_examples=1_500, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_is_a_tree_that_prints_as_itself_or_an_error(text):
    """Reading is total, and printing is its inverse."""
    check_text(text)


@pytest.mark.parametrize("field", [*ALL_FIELDS, "Tag"])
@pytest.mark.parametrize("before", ["@1:", "hdf5@1:", "%gcc@1:", "^zlib@1:"])
def test_a_variant_that_is_called_as_a_field_prints_as_one(before, field):
    """Behind an open range `tag:=x` is a variant; where a blank stands before it, it is the field."""
    check_text(f"{before}{field}:=x")
    check_text(f"-({before}{field}:=x) OR {field}:=x")


@pytest.mark.soak
@given(TEXTS)
@settings(max_examples=100_000, suppress_health_check=list(HealthCheck), deadline=None)
def test_100_000_texts(text):
    """The same, for long."""
    check_text(text)


@pytest.mark.parametrize(
    "text",
    ["(" * 10_000, "-" * 10_000, "a OR " * 2_000, "a~2 " * 2_500, "@1," * 3_300, "@" + "1." * 4_999,
     "x=" + "a," * 4_999, "@" + "a" + "-" * 9_990, "target=" + "x86_64:," * 1_000, "%a@" * 3_000,
     "a" * 10_000, '"' * 9_999, "a* " * 3_000, "~a" * 5_000, "@1:" + " " * 9_900 + "a", "x" + " " * 9_990 + "=",
     "/a" * 5_000, "\\" * 10_000, "x='" + "\\'" * 4_990, "a.b" * 3_000 + "@1", "@" + "9" * 9_990,
     "@git." + "a/" * 4_900, "(a " * 3_000, "a " * 10_000],
    ids=lambda text: text[:8],
)  # fmt: skip
def test_no_text_takes_long_to_read(text):
    """At most 50 ms of a processor, which others use as well; the least of five."""
    targets.is_known("x86_64")  # archspec is loaded once a process

    def seconds() -> float:
        started = time.process_time()
        try:
            parse(text)
        except QueryError:
            pass
        return time.process_time() - started

    assert min(seconds() for _ in range(5)) < 0.05


@given(TEXTS, TEXTS)
@settings(max_examples=300)
def test_alternatives_mean_what_they_mean_alone(one, other):
    """`A OR B` matches what A matches and what B matches, names of packages included."""
    try:
        trees = [parse(one), parse(other)]
        both = parse(f"{one} OR {other}")
    except QueryError:
        return
    for build in (HDF5, LOCK):
        alone = [
            matches(tree, build, HASH, source="site", tag="develop", stacks=("root",))
            for tree in trees
        ]
        joined = matches(both, build, HASH, source="site", tag="develop", stacks=("root",))
        assert joined is any(alone)


@given(TEXTS)
@settings(max_examples=300)
def test_a_prepared_tree_leaves_what_the_tree_leaves(text):
    """`residual(tree)(build)` judges every placement as `residue(tree, build)` does, whatever builds share."""
    try:
        tree = parse(text)
    except QueryError:
        return
    prepared = residual(tree)
    place = {"source": "site", "tag": "develop", "stacks": ("root",)}
    mixed = (HDF5[:n] + LOCK[n:] for n in range(1, len(HDF5)))
    for build in (HDF5, LOCK, *map(Build._make, mixed)):
        rest = prepared(build)
        judged = rest if isinstance(rest, bool) else query.matches_where(rest, HASH, **place)
        assert judged is matches(tree, build, HASH, **place)


def test_old_words_stay_words():
    """A query without spec syntax is no spec, whatever else it has."""
    for text in ("hdf5 +mpi -cuda", "a OR b (c -d)", "numpi~1 tag:v1", "py-* version:3.12"):
        assert not any(term.spack for term, _ in terms(parse(text)))


# -- versions


@pytest.mark.parametrize(
    ("wanted", "version", "expected"),
    [
        ("1.14", "1.14.3", True), ("1.14", "1.140", False), ("=1.14", "1.14.0", False),
        ("=1.14", "1-14", True), ("1.12:1.14", "1.14.9", True), ("1.12:1.14", "1.15", False),
        (":", "anything", True), ("2:", "develop", True), (":2", "develop", False),
        ("develop", "develop", True), ("main:", "develop", True), ("main:", "master", False),
        ("1.2:1.3,2", "2.5", True), ("1.2:1.3,2", "1.4", False), ("1.3", "1.3-rc1", False),
        (":1.2", "1.3-rc1", True), ("2020", "2020-Update1", True), ("R2021a", "R2021a", True),
        ("git.main", "git.main=1.2", True), ("git.main=1.2", "git.main=1.2", True),
        ("git.main=1.3", "git.main=1.2", False), ("git.x", "git.main=1.2", False),
        ("1.2", "git.main=1.2", True), ("=1.2", "git.main=1.2", False), ("1.3:", "git.main=1.2", False),
        ("=1.0final5", "1.0-final5", True), ("=1.0final5", "1.0", False), ("=1.0", "1.0final5", False),
        ("1.0", "1.0final5", True), ("1.0final5", "1.0final4", False), ("1.0final5:", "1.0final", False),
        ("1.0final5", "1.1", True), (":1.0final4", "1.0final5", True),
        ("git.main", "1.2", False), ("a1" * 20, "a1" * 20 + "=1.2", True), (":", "git.main", True),
        ("1:", "git.main", False),
    ],
)  # fmt: skip
def test_a_list_of_ranges_contains_what_spack_says(wanted, version, expected):
    """Ranges by precision, `=` exact, git versions by what they count as."""
    assert ranges.contains(wanted, version) is expected


# -- the answers of a real Spack


def _pages_rows() -> list[tuple[Build, str]]:
    from cachesync.pages.parse import PageParser

    parser = PageParser()
    rows = []
    for path in sorted((SHARED / "cache-spack").rglob("specs.md")):
        rows += [(build, h) for h, (build, _) in parser.parse(path.read_bytes()).specs.items()]
    return rows


@pytest.mark.skipif(
    not (SHARED / "spack-queries.json").exists(), reason="the extra acceptance data is not here"
)
@pytest.mark.parametrize("spack", [None, "0.23"])
def test_every_query_finds_what_a_real_spack_finds(spack):
    """The same set of hashes for each, over the same pages, by the predicate, in both languages."""
    rows = _pages_rows()
    cases = json.loads((SHARED / "spack-queries.json").read_text(encoding="utf-8"))["queries"]
    assert len(cases) >= 40
    for case in cases:
        text = case["query"] if spack is None else case["query"].removeprefix("package:")
        tree = parse_in(spack, text)
        hashes = sorted(
            spec_hash
            for build, spec_hash in rows
            if matches(tree, build, spec_hash, source="s", tag="develop", stacks=("root",))
        )
        assert len(hashes) == case["count"], case["query"]
        digest = hashlib.sha256("\n".join(hashes).encode()).hexdigest()
        assert digest == case["sha256"], case["query"]
