"""A text in Spack's spec syntax as an abstract spec: what each Spack reads, and what it refuses."""

import json
import lzma
import re
import tarfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.spack.abstract import AbstractEdge, AbstractSpec, AskedVariant
from cachesync.spack.specmerging import said
from cachesync.spack.specparser import parse
from cachesync.spack.spectext import show
from cachesync.spack.spectokens import MAX_LENGTH, SpecTextError

SHARED = Path(__file__).resolve().parents[3] / "shared" / "buildcaches"
NEWER, OLDER = "1.x", "0.23"


def shown(text: str, dialect: str = NEWER) -> str:
    """A text in the one form in which a spec is written."""
    return show(parse(text, dialect), dialect)


def refused(text: str, dialect: str = NEWER, **how) -> SpecTextError:
    with pytest.raises(SpecTextError) as caught:
        parse(text, dialect, **how)
    assert 0 <= caught.value.position <= max(0, len(text) - 1)
    assert caught.value.length >= 1
    return caught.value


def test_every_part_of_a_spec_has_its_place():
    """Attributes in any order, edges below the node they hang from, and where they stand."""
    text = "builtin.hdf5@1.14:+mpi ~~x libs:=b,a os=u /abc cflags='-O3 -g' %c=gcc@12 ^zlib-ng%cmake"
    assert parse(text, NEWER) == AbstractSpec(
        name="hdf5", namespace="builtin", hash="abc", versions="1.14:", os="u",
        variants=(
            AskedVariant("mpi", values=True),
            AskedVariant("x", values=False, propagated=True),
            AskedVariant("libs", ("b", "a"), exact=True),
        ),
        flags=(("cflags", ("-O3", "-g")),),
        edges=(
            AbstractEdge("%", AbstractSpec("gcc", versions="12"), virtuals=("c",), start=63, end=72),
            AbstractEdge(
                "^",
                AbstractSpec("zlib-ng", edges=(
                    AbstractEdge("%", AbstractSpec("cmake"), start=81, end=87),)),
                start=73, end=81,
            ),
        ),
    )  # fmt: skip


READ = [
    # values swallow sigils
    ("libs=static%gcc", "libs=static%gcc"),
    ("build_type=Release%gcc@12", "@12 build_type=Release%gcc"),
    ("x=a^zlib", "x=a^zlib"),
    ("+mpi%gcc", "+mpi %gcc"),
    ("x==y==z", "x==y==z"),
    ("cflags==", "cflags=="),
    # a key directly behind a sigil is an assignment
    ("^ build_type=Release", "^build_type=Release"),
    ("^libs=shared", "^libs=shared"),
    ("% libs=shared", "%libs=shared"),
    ("%[virtuals=c] libs=shared", "%c,libs=shared"),
    ("%[virtuals=c]libs=shared", "%c,libs=shared"),
    ("^* build_type=Release", "^ * build_type=Release"),
    ("^ +shared", "^ * +shared"),
    ("^ @2:", "^ * @2:"),
    ("^ dev_path=*", "^ * dev_path=*"),
    # names and minus signs
    ("hdf5-mpi", "hdf5-mpi"),
    ("hdf5 -mpi", "hdf5 ~mpi"),
    ("hdf5 - mpi", "hdf5 ~mpi"),
    ("hdf5+ mpi", "hdf5 +mpi"),
    ("/f-g", "~g /f"),
    ("x.json", "x.json"),
    ("a.b.c", "a.b.c"),
    ("*", "@:"),
    ("\xa0hdf5\n+mpi", "hdf5 +mpi"),
    # versions
    ("@1.12:mpi=true", "@1.12: +mpi"),
    ("@ 1.12 , =2", "@1.12,=2"),
    ("@1.2:1", "@1.2:1"),
    ("@:", "@:"),
    ("fmt@git.master=11.2.0", "fmt @git.master=11.2.0"),
    ("@" + "a1" * 20 + "=2", "@" + "a1" * 20 + "=2"),
    ("@git.master", "@git.master"),
    # nodes may be empty
    ("^", "^ *"),
    ("%^zlib", "% * ^zlib"),
    ("hdf5 ^[virtuals=mpi]", "hdf5 ^[virtuals=mpi] *"),
    ("%[]", "% *"),
    ("hdf5 %%gcc", "hdf5 %gcc"),
    # variants
    ("mpi=TRUE ~x", "+mpi ~x"),
    ("libs:=*", "libs=*"),
    ('libs="shared, static"', 'libs="shared, static"'),
    ("libs=,", 'libs=""'),
    ("x:==a,b", "x:==a,b"),
    ("++mpi --x", "++mpi ~~x"),
    ("name=a version=1 hash=b dev_path=/a patches=ab", "name=a version=1 hash=b dev_path=/a patches=ab"),
    ("+os +namespace", "namespace=True os=True"),
    # flags
    ("cflags='-O3 a -g' cflags=-x cflags==-y", 'cflags="-O3 a" cflags=-g cflags=-x cflags=-y'),
    ("cflags:=-g ldlibs=''", "cflags=-g"),
    # architectures
    ("arch=linux-ubuntu22.04-zen4", "platform=linux os=ubuntu22.04 target=zen4"),
    ("arch=linux", "target=linux"),
    ("arch=a-b-c-d", "target=a-b-c-d"),
    ("arch=linux-None-", "platform=linux"),
    ("os=None platform=linux", "platform=linux"),
    ("platform=linux os=None", "platform=linux os=None"),
    ("operating_system=u", "os=u"),
    ("target=x86_64_v2:,m1", "target=x86_64_v2:,m1"),
    ("os=* platform=*", "platform=* os=*"),
    # edges
    ("%c,cxx=gcc@13", "%c,cxx=gcc @13"),
    ("%[virtuals=c deptypes=build,run when='+mpi'] gcc", "%[deptypes=build,run virtuals=c when=+mpi] gcc"),
    ("^[virtuals='c, cxx' virtuals=d] x", "^d=x"),
    ("^[when='a %gcc, b'] x", '^[when="a %gcc"] x'),
    ("^[when='@:'] x", "^x"),
    ("%[virtuals=c]cxx=gcc", "%c,cxx=gcc"),
    ("%clang %oneapi %rocmcc", "%llvm %intel-oneapi-compilers %llvm-amdgpu"),
    ("%[virtuals=c] builtin.intel %arm", "%c=builtin.intel-oneapi-compilers-classic %acfl"),
    ("^clang", "^clang"),
    # merging
    ("%cmake ^cmake", "%cmake"),
    ("^perl ^perl@5.42: %gcc", "^perl @5.42:"),
    ("^zlib-ng %zlib-ng", "^zlib-ng %zlib-ng"),
    ("hdf5 ^zlib-ng@2: ^zlib-ng %gcc@99", "hdf5 ^zlib-ng @2:"),
    ("hdf5 ^zlib-ng %gcc@99 ^zlib-ng@2:", "hdf5 ^zlib-ng @2: %gcc @99"),
    ("^x libs=a ^x libs=b", "^x libs=a,b"),
    ("^x ++m ^x m=* ^x +m", "^x +m"),
    ("%c=gcc %cxx=gcc", "%c,cxx=gcc"),
    ("%c=gcc %cxx=llvm", "%c=gcc %cxx=llvm"),
    ("%[deptypes=build] z %z", "%[deptypes=build] z %z"),
    ("%[deptypes=build] z %[deptypes=run] z", "%[deptypes=build] z %[deptypes=run] z"),
    ("^[when=+a] x@1 ^[when=+b] x@2", "^[when=+a] x @1 ^[when=+b] x @2"),
    ("^[when=m=true] x@1: ^[when=+m] x@:2", "^[when=+m] x @1:2"),
    ("^x@1:3,5: ^x@2,=6", "^x @2,=6"),
    ("^x target=x86_64: ^x target=zen2,m1", "^x target=zen2"),
    ("^x target=zen2:zen4 ^x target=:zen3", "^x target=zen2:zen3"),
    ("^x/ab ^x/abc", "^x /abc"),
    ("%[deptypes=run] zlib-ng %[deptypes=build] +x", "%[deptypes=run] zlib-ng %[deptypes=build] * +x"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), READ, ids=[text for text, _ in READ])
def test_spack_1_reads_it_so(text, expected):
    """What Spack 1.1.1 makes of a text, in one form, which reads as the same again."""
    assert shown(text) == expected
    assert shown(expected) == expected


def test_a_range_meets_an_architecture_without_a_target_nowhere():
    """To Spack the two have no target in common, whichever stands first; a single target stays."""
    for text in ("^x os=u ^x target=zen2:", "^x target=zen2: ^x os=u"):
        assert parse(text, NEWER).edges[0].spec.target == ","
    assert shown("^x os=u ^x target=zen2") == "^x os=u target=zen2"
    assert shown("^x +a ^x target=zen2:") == "^x +a target=zen2:"


READ_BY_OLDER = [
    ("hdf5 %gcc@12 @1.14", "hdf5 @1.14 %gcc@12"),
    ("hdf5 %gcc +mpi", "hdf5 %gcc +mpi"),
    ("% gcc @ 12:", "%gcc@12:"),
    ("%builtin.gcc", "%builtin.gcc"),
    ("^x %gcc", "^x %gcc"),
    ("^ build_type=Release", "^ build_type=Release"),
    ("libs=static%gcc", "%gcc libs=static"),
    ('x="a , b"', "x=a,b"),
    ("cflags==", "@:"),
    ("target=* os=*", "os=* target=*"),
    ("^x %gcc ^x@1 %gcc@12", "^x @1 %gcc@12"),
    ("^[virtuals=mpi deptypes=link] x", "^[deptypes=link virtuals=mpi] x"),
    ("^[virtuals=mpi] x", "^[virtuals=mpi] x"),
    ("branch==a", "branch==a"),
]


@pytest.mark.parametrize(("text", "expected"), READ_BY_OLDER)
def test_spack_0_23_reads_it_so(text, expected):
    """A compiler is an attribute of its node, and values end before a sigil."""
    assert shown(text, OLDER) == expected
    assert shown(expected, OLDER) == expected


REFUSED = [
    ("hdf5@", 4, "@ needs a version"),
    ("hdf5+", 4, "+ needs the name of a variant"),
    ("hdf5/", 4, "/ needs the beginning of a hash"),
    ("hdf5.", 4, "begin or end with a dot"),
    ("libs=", 4, "side by side"),
    ("mpi = true", 4, "side by side"),
    ("a,b", 1, "does not read ,"),
    ("x:y=z", 1, "no version stands before :"),
    ("@1.2.13-", 7, "- needs"),
    ("@1.14,", 5, "does not read ,"),
    ("@,1", 0, "@ needs a version"),
    ("@1::", 3, "no version stands"),
    ("@1:2:3", 4, "no version stands"),
    ("%c,cxx", 2, "does not read ,"),
    ("builtin.*", 7, "dot"),
    ("x=@1", 1, "side by side"),
    ("x=[a]", 1, "side by side"),
    ("x='a", 2, "the quote is not closed"),
    ('"a"', 0, "only behind a ="),
    ("^[virtuals=] x", 10, "side by side"),
    ("^[when=@1] x", 6, "side by side"),
    ("a/b.json", 0, "from no file"),
    ("./a.json", 0, "from no file"),
    ("hdf5 ^./a.json", 6, "from no file"),
    ("hdf5 %", 5, "% needs the name"),
    ("hdf5 %%", 5, "% needs the name"),
    ("]", 0, "] closes nothing"),
    ("hdf5 ^[virtuals=c x", 18, "x is no attribute"),
    ("hdf5 ^[virtuals=c", 5, "is not closed"),
    ("^[+m] x", 2, "no attribute"),
    ("^[virtuals==c] x", 2, "no attribute"),
    ("^[nosuch=1] x", 2, "no attribute of a dependency is called nosuch"),
    ("^[deptypes=all] x", 2, "no type of dependency is called all"),
    ("^[when='a b'] x", 2, "one spec, and more"),
    ("^[when=''] x", 2, "one spec, and none"),
    ("^[when='+m  +m'] x", 12, "m is given twice"),
    ("@1@2", 2, "one version list"),
    ("@3:1", 0, "3:1 is an empty range"),
    ("@=1.14:", 0, "no end of a range"),
    ("@1:=2", 0, "no end of a range"),
    ("+mpi mpi=true", 5, "mpi is given twice"),
    ("+mpi ++mpi", 5, "mpi is given twice"),
    ("libs=*,a", 0, "stands for itself"),
    ("+arch", 0, "arch is no variant"),
    ("~cflags", 0, "cflags is no variant"),
    ("+target", 0, "target is no variant"),
    ("++os", 0, "os cannot be propagated"),
    ("x branch==a", 2, "branch cannot be propagated"),
    ("namespace==a", 0, "namespace cannot be propagated"),
    ("platform=linux platform=linux", 15, "platform is given twice"),
    ("target=zen4 arch=linux-u-zen4", 12, "target is given twice"),
    ("platform=linux arch=zen4", 15, "platform is given twice"),
    ("arch=linux-u-zen4 arch=linux-u-zen4", 18, "architecture is given twice"),
    ("^x@1 ^x@2", 5, "versions 1 and 2 exclude each other"),
    ("^x +m ^x ~m", 6, "the variant m exclude each other"),
    ("^x m:=a ^x m=b", 8, "the variant m"),
    ("^x m:=a ^x m:=a,b", 8, "the variant m"),
    ("^a.x ^b.x", 5, "namespaces a and b"),
    ("^x os=a ^x os=b", 8, "operating systems"),
    ("^x target=zen4 ^x target=m1", 15, "targets zen4 and m1"),
    ("^x/ab ^x/ac", 6, "hashes ab and ac"),
    ("%[deptypes=link] z %[deptypes=run] z", 19, "types of dependency exclude"),
    ("%[deptypes=build] zlib-ng %[deptypes=build] +x", 26, "types of dependency exclude"),
    ("hdf5 zlib@", 9, "@ needs a version"),
    ("x" * (MAX_LENGTH + 1), 0, "longer than"),
    ("+a " * 501, 1500, "more than 500 parts"),
    ("@" + "1," * 200 + "1", 0, "more than 200 versions"),
]


@pytest.mark.parametrize(("text", "position", "says"), REFUSED)
def test_spack_1_does_not_read_it(text, position, says):
    """Refused where it stands: no token, no place for one, or something asked for twice."""
    error = refused(text)
    assert says in error.message
    assert (error.kind, error.position) == ("syntax", position)


@pytest.mark.parametrize(
    ("text", "position"),
    [("%[virtuals=c] gcc", 0), ("%%gcc", 0), ("*", 0), ("libs:=a", 4), ("%c=gcc", 2), ("x:==a", 1),
     ("^[when=+m] x", 2), ("^", 0), ("hdf5 ^[virtuals=mpi]", 5), ("^ ^x", 0), ("%gcc %clang", 5),
     ("x=none,a", 0), ("dev_path==a", 0), ("^x %gcc ^x %clang", 8), ("%gcc@3:1", 0), ("x=a^z", 3)],
)  # fmt: skip
def test_spack_0_23_does_not_read_it(text, position):
    """What came with Spack 1, two compilers of one node, and a sigil with nothing behind it."""
    if text == "x=a^z":
        assert shown(text, OLDER) == "x=a ^z"
        return
    error = refused(text, OLDER)
    assert (error.kind, error.position) == ("syntax", position)


@pytest.mark.parametrize("text", ["", " \n", "hdf5 zlib", "/a/b", "a*b", "@1 hdf5", "%gcc/a/b"])
def test_a_text_is_exactly_one_spec(text):
    """A second name, a second hash on one node, or nothing at all: not one spec."""
    assert refused(text).kind == "count"


@pytest.mark.parametrize(
    ("text", "position", "hint"),
    [
        ("hdf5@git.main", 4, "@git.main=VERSION says it"),
        ("^x@" + "a1" * 20, 2, None),
        ("^x@1,=git.a", 2, None),
        ("target=nosuch:", 0, None),
        ("target=*:zen4", 0, None),
        ("%gcc target=:zenn4", 5, "did you mean zen4?"),
        ("target=fe", 0, "name the target"),
        ("os=default_os", 0, "name the os"),
        ("^[when='target=nosuch:'] x", 8, None),
    ],
)
def test_what_spack_would_raise_on_is_refused_at_once(text, position, hint):
    """What needs a repository, an unknown target in a range, or the machine it is asked on."""
    error = refused(text)
    assert (error.kind, error.position) == ("evaluation", position)
    assert hint is None or error.hint == hint


def test_1_2_compares_a_nameless_dependency_with_nameless_ones_only():
    """The one rule in which 1.1.1 and 1.2.0.dev0 differ."""
    text = "%[deptypes=build] zlib-ng %[deptypes=build] +x"
    assert parse(text, NEWER, as_of_1_2=True).edges[1].types == ("build",)
    refused(text)
    refused("%[deptypes=build] +y %[deptypes=build] +x", as_of_1_2=True)


def _answered():
    """Every text of the oracles with the Spack that answered, and how it was refused."""
    archive = SHARED / "caches.tar.xz"
    if not archive.exists():
        pytest.skip("../shared/buildcaches is not there")
    with tarfile.open(archive) as tar:
        for member in tar:
            if ".by-" in member.name and (file := tar.extractfile(member)) is not None:
                dialect = OLDER if ".by-0.23" in member.name else NEWER
                for asked in json.load(file)["queries"]:
                    yield dialect, asked
    fuzz = SHARED / "fuzz.v3-1.1.by-1.1.1.json.xz"
    for asked in json.loads(lzma.decompress(fuzz.read_bytes())):
        yield NEWER, asked


def test_real_spack_reads_and_refuses_the_same_texts():
    """Of every text of the oracles: refused as syntax or count by both or by neither, and what Spack
    prints of those it reads is the same spec."""
    count = 0
    for dialect, asked in _answered():
        text, kind = asked["q"], asked.get("refused")
        outcome: AbstractSpec | str | None
        try:
            outcome = parse(text, dialect)
        except SpecTextError as error:
            outcome = error.kind
        count += 1
        if kind in ("syntax", "count"):
            assert outcome == kind, text
        elif isinstance(outcome, str):
            # Spack raises only if it gets as far as that, which depends on the records.
            assert outcome == "evaluation", text
        else:
            # What Spack raises on for want of a recipe does not show in the text.
            assert kind in (None, "evaluation"), text
            assert said(parse(show(outcome, dialect), dialect)) == said(outcome), text
            canonical = asked.get("canonical", "/")
            if dialect == NEWER and not _NOT_READ_AGAIN.search(canonical):
                assert _is_printed_so(canonical, outcome), text
    assert count > 3_800


_NOT_READ_AGAIN = re.compile(r"/|patches:=|\*[\w,-]+=")
"""Spack prints a hash so that it belongs to the value before it, checksums short, and `*mpi=` for
nameless nodes."""


def _without_namespaces(spec: AbstractSpec) -> AbstractSpec:
    edges = tuple(one._replace(spec=_without_namespaces(one.spec)) for one in spec.edges)
    return spec._replace(namespace=None, edges=edges)


def _is_printed_so(canonical: str, spec: AbstractSpec) -> bool:
    """Whether Spack's own print reads as the same spec; it prints no namespaces."""
    read = _without_namespaces(parse(canonical or "*", NEWER))
    return said(read) == said(_without_namespaces(spec))


PIECES = (
    "hdf5", "a.b", "x", "*", "@1.14:", "@=1", "@git.a=1", "@git.a", "+m", "~m", "++m", "--x", "m=a,b", "m:=a",
    "m==a", "m='a b'", "m=*", "os=u", "os=None", "arch=linux-u-zen4", "target=zen2:", "target=nosuch:",
    "cflags='-a b'", "/ab", "^", "%", "%%", "^x", "%c=gcc", "^[virtuals=c deptypes=build]", "%[when='+m']",
    "%gcc@12", "]", "[", "=", "'", '"', ",", ":", "é", "\x00", "\ud800", "a.json", "./a.json", "-", ".",
)  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=60),
    st.builds(
        lambda pieces, space: space.join(pieces),
        st.lists(st.sampled_from(PIECES), max_size=10),
        st.sampled_from(("", " ", "  ")),
    ),
)


@given(TEXTS, st.sampled_from((NEWER, OLDER)))
def test_any_text_is_read_or_refused_where_it_stands(text, dialect):
    """Never anything else; and what is read can be written so that it reads the same."""
    try:
        spec = parse(text, dialect)
    except SpecTextError as error:
        assert 0 <= error.position <= max(0, len(text) - 1)  # noqa: PT017
        assert 1 <= error.length <= max(1, len(text) - error.position)  # noqa: PT017
        return
    if "\n" not in text and "\\" not in text:
        assert said(parse(show(spec, dialect), dialect)) == said(spec)


@given(st.lists(st.sampled_from(["x +a", "x@1:", "x@:3", "y", "x m=a", "x os=u", "y~b", "x m=b"])))
def test_merging_does_not_depend_on_order(nodes):
    """Several `^` to one package say together what they say in any order."""
    text = " ".join(f"^{node}" for node in nodes) or "^"
    other = " ".join(f"^{node}" for node in reversed(nodes)) or "^"
    assert said(parse(text, NEWER)) == said(parse(other, NEWER))


@pytest.mark.parametrize("dialect", [NEWER, OLDER])
@pytest.mark.parametrize(
    "unit",
    ["/a", "a/", "a.", "a-", "@1-", "@1,", "a,", "+ ", "^ a,", "x='", "'", "^[when=", "%[x=", "\\'",
     "^x@1,2 ", "^x target=zen2:,zen3: ", "%[deptypes=build] +x ", "^x a=b", " ", "="],
)  # fmt: skip
def test_the_longest_text_takes_no_time(unit, dialect):
    """No text makes the reader go over it again and again."""
    text = (unit * MAX_LENGTH)[:MAX_LENGTH]
    started = time.perf_counter()
    with pytest.raises(SpecTextError):
        parse("x" + text[1:] + "]", dialect)
    try:
        parse(text, dialect)
    except SpecTextError:
        pass
    assert time.perf_counter() - started < 3
