"""The words people type: what `search` reads anew where a query finds nothing, and says."""

import json

import pytest

from tests.support.console import on_terminal
from tests.support.world import SHARED, World, spec

WORDS = SHARED / "words.json"
needs_words = pytest.mark.skipif(
    not (WORDS.is_file() and (SHARED / "cache").is_dir()),
    reason="the words and pages of ../shared are not there",
)


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> World:
    """The real pages, synced. Read only."""
    made = World(tmp_path_factory.mktemp("words"))
    made.run("sync", "--pages", SHARED / "cache")
    return made


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> World:
    """A few builds, of which it is clear what finds them. Read only."""
    made = World(tmp_path_factory.mktemp("small"))
    made.page(
        "develop", "hdf5",
        spec("a", variants=["+mpi", "~cuda", "threads=openmp"], target="zen3", os="ubuntu22.04"),
        spec("b", variants=["~mpi", "~cuda", "threads=none"], target="x86_64_v3", os="rhel9"),
    )  # fmt: skip
    made.page("v1", "hdf5", spec("a", variants=["+mpi", "~cuda", "threads=openmp"], target="zen3", os="ubuntu22.04"))  # fmt: skip
    made.page("develop", "zlib", spec("z", target="aarch64", variants=["+pic"]))
    made.page("develop", "py-numpy", spec("c", target="aarch64", versions=["1.26"]))
    made.page("develop", "cuda", spec("d", target="x86_64_v3"))
    made.sync()
    return made


def hashes(world: World, *arguments: str) -> list[str]:
    return listed(world.run("search", "--limit", 0, "--json", *arguments).json)


def listed(found) -> list[str]:
    """The hashes of a document, in order."""
    return [one["hash"] for result in found["results"] for one in result["specs"]]


@needs_words
def test_the_words_that_people_type(real):
    """Each of the questions is answered by what was meant, and says what it was read as."""
    for asked in json.loads(WORDS.read_text(encoding="utf-8"))["questions"]:
        meant = asked["same_as"]
        expected = [] if meant is None else hashes(real, *asked["options"], meant)
        document = real.run("search", "--limit", 0, "--json", asked["q"]).json
        assert listed(document) == expected, asked
        assert bool(expected) == (meant is not None), asked
        read = document.get("understood", {"query": None})
        if read["query"] is not None:
            assert hashes(real, *read["options"], read["query"]) == expected, asked
            told = {piece for one in read["words"] for piece in (one["word"], one["as"])}
            left = {*asked["q"].split()} - {*read["left_out"]} - {*" ".join(told).split()}
            assert left <= {*read["query"].split()}, (
                asked
            )  # each word is kept, read anew, or left out
        answer = real.run("search", asked["q"])
        talk = (answer.out + answer.err).lower()
        assert [said for said in asked["said"] if said.lower() not in talk] == [], asked


SCREEN = 24


@needs_words
def test_answers_fit_a_screen(real):
    """Each of the questions: all of it, what is said beside included, on 24 lines of 80 columns."""
    for asked in json.loads(WORDS.read_text(encoding="utf-8"))["questions"]:
        shown = on_terminal(real, "search", asked["q"])
        lines = [line for text in shown.splitlines() for line in (text[80:], text[:80]) if line]
        assert len(lines) <= SCREEN, shown


@needs_words
def test_what_differs_in_many_variants_fits_half_a_screen(real):
    """Trilinos has a hundred; what differs comes first, and what all have is counted where it is not shown."""
    lines = on_terminal(real, "search", "trilinos", "16").splitlines()
    assert len(lines) <= SCREEN // 2
    assert [line.split()[:2] for line in lines[-6:-1]] == [
        ["~boost", "+hdf5"], ["~boost", "~hdf5"], ["+boost", "~hdf5"], ["~boost", "+hdf5"],
        ["+boost", "~hdf5"],
    ]  # fmt: skip
    assert lines[-1] == "5 builds, 7 specs (--long shows all variants)"


@pytest.mark.parametrize(
    ("typed", "meant", "said"),
    [
        ("hdf5 mpi", "hdf5 +mpi", "`mpi` read as `+mpi`"),
        ("hdf5 mpi mpi", "hdf5 +mpi", "`mpi` read as `+mpi`; all of it: `hdf5 +mpi +mpi`"),
        ("hdf5 mpi !", "hdf5 +mpi", "left out: `!`"),
        ("hdf5 openmp", "hdf5 threads=openmp", "`openmp` read as `threads=openmp`"),
        ("hdf5 ubuntu", "hdf5 os:ubuntu*", "`ubuntu` read as `os:ubuntu*`"),
        ("hdf5 zen2", "hdf5 --runs-on zen2", "`zen2` read as `--runs-on zen2`"),
        ("hdf5 genoa", "hdf5 --runs-on zen4", "`genoa` read as `--runs-on zen4`"),
        ("zlib arm", "zlib target:aarch64", None),
        ("zlib arm64", "zlib target:aarch64", "`arm64` read as `target:aarch64`"),
        ("is hdf5 cached?", "hdf5", "left out: `is`, `cached?`"),
        ("hdf5 and mpi", "hdf5 +mpi", "`mpi` read as `+mpi`; left out: `and`"),
        ("is hdf5 cached or zlib", "hdf5 OR zlib", "left out: `is`, `cached`"),
        ("hdf5 or my machine", None, None),
        ("v1 %gcc", '"v1" %gcc', '`v1` read as `"v1"`'),
        ("hdf5 | zlib", "hdf5 OR zlib", "`|` read as `OR`; all of it: `hdf5 OR zlib`"),
        ("hdf5 or zlib aarch64", "(hdf5 OR zlib) aarch64", None),
        ("zlib or numpy aarch64", "(zlib OR numpy) aarch64", "all of it: `(zlib OR numpy) aarch64`"),
        ("hdf5 (mpi or rhel)", "hdf5 (+mpi OR os:rhel*)", None),
        ("hdf5 ubuntu 22.04 mpi", "hdf5 os:ubuntu22.04 +mpi", "`ubuntu 22.04` read as `os:ubuntu22.04`"),
        ("hdf5 gcc13", "hdf5 %gcc@13", "`gcc13` read as `%gcc@13`"),
        ("hdf5 rhel9 or zlib", "hdf5 rhel9 OR zlib", "all of it: `hdf5 rhel9 OR zlib`"),
        ("hdf5 not v1", "hdf5 -v1", "`not v1` read as `-v1`"),
        ("hdf5 not mpi", "hdf5 ~mpi", "`not mpi` read as `~mpi`"),
        ("hdf5 not ubuntu", "hdf5 -os:ubuntu*", "`not ubuntu` read as `-os:ubuntu*`"),
        ("hdf5 not openmp", "hdf5 -(threads=openmp)", "`not openmp` read as `-(threads=openmp)`"),
        ("hdf5 without ubuntu", "hdf5 -os:ubuntu*", "`without ubuntu` read as `-os:ubuntu*`"),
        ("hdf5 not nonsense", "hdf5", "`not nonsense` read as `-nonsense`"),
        ("zlib or numpy without rhel", "zlib OR py-numpy", None),
        ("numpy 1.20 or newer", "py-numpy@1.20:", "`1.20 or newer` as `@1.20:`"),
        ("numpy at most 1.20", None, None),
        ("numpy newer than 1.20", "py-numpy@1.21:", None),
        ("numpy newer than 1.26", None, None),
        ("hdf5 parallel", "hdf5 +mpi", "`parallel` read as `+mpi`"),
        ("hdf5 without mpi", "hdf5 ~mpi", "`without mpi` read as `~mpi`"),
        ("mpi hdf5 %gcc", "+mpi hdf5 %gcc", "`mpi` read as `+mpi`"),
        ("zen4 hdf5 %gcc", "hdf5 %gcc --runs-on zen4", None),
        ("hdf5 %gcc mpi", "hdf5 %gcc (+mpi)", "`mpi` read as `+mpi`"),
        ("hdf5 without v1", "hdf5 -v1", "`without v1` read as `-v1`"),
        ("hdf5 not (zen3 or mpi)", "hdf5 -(zen3 OR +mpi)", None),
        ("is numpy@1.26 cached", "py-numpy@1.26", "`numpy@1.26` read as `py-numpy@1.26`"),
        ("newest numpy for zlib", None, None),
        ("hdf5 or nonsense", None, "nothing matches `nonsense`"),
        ("hdf5 cuda", None, "hdf5 with `+cuda`: none; 2 builds are `~cuda`"),
        ("hdf5 without mp", None, "hdf5 without `mp`: none, as it has no such variant; nearest: `mpi`"),
        ("nonsense mpi", None, "nonsense with `+mpi`: none"),
        ("hdf5 OR nonsense not zlib", "hdf5", None),
        ("nonsense or hdf5 OR and", None, None),
        ("nonsense or hip", None, "`nonsense OR +rocm`: none"),
        ("nonsense or cuda", None, "0 specs\ncachesync: nothing matches `nonsense`"),
        ("(hdf5 or nonsense) cuda", None, "(hdf5 OR nonsense) with `+cuda`: none"),
        ("HDF5 Without MPI", "hdf5 ~mpi", "`Without MPI` as `~mpi`"),
        ("the", None, "the is in no source"),
        ("hdf5 ubuntu 22.04 arm", None, "hdf5 with `os:ubuntu22.04` `target:aarch64`: none"),
        ('"is" hdf5', None, None),
        ('hdf5 "mpi"', None, None),
        ("hdf5 -(mpi zlib) or", "hdf5 -(mpi zlib)", "left out: `or`"),
    ],
)  # fmt: skip
def test_what_a_query_is_read_as(small, typed, meant, said):
    """The hits are those of the query that is said; where no reading finds something, there are none."""
    expected = [] if meant is None else hashes(small, *meant.split())
    assert hashes(small, *typed.split()) == expected
    assert expected or meant is None
    if said is not None:
        assert said in small.run("search", *typed.split()).err


def test_what_is_said_can_be_typed(small):
    """In JSON the reading is whole: its query and options find the same; without one `query` is null."""
    document = small.run("search", "is", "hdf5", "mpi", "zen4", "--json").json
    read = document["understood"]
    assert read == {
        "query": "hdf5 +mpi", "options": ["--runs-on", "zen4"],
        "words": [{"word": "mpi", "as": "+mpi"}, {"word": "zen4", "as": "--runs-on zen4"}],
        "left_out": ["is"], "tried": [], "lacking": [],
    }  # fmt: skip
    assert document["query"] == "is hdf5 mpi zen4"
    again = small.run("search", *read["options"], read["query"], "--json").json
    assert again["results"] == document["results"] != []
    assert "understood" not in again
    none = small.run("search", "hdf5", "cuda", "--json").json
    assert none["understood"]["query"] is None
    assert none["understood"]["tried"][0] == {
        "rest": "hdf5", "words": [{"word": "cuda", "as": "+cuda"}], "instead": "~cuda", "builds": 2,
        "is_whole": False,
    }  # fmt: skip


def test_this_machine_is_never_dropped(small):
    """What is asked for here is what this machine runs, and none where it runs none; `--runs-on` says it already."""
    assert hashes(small, "is hdf5 cached for my machine") == hashes(
        small, "hdf5", "--runs-on", "host"
    )
    err = small.run("search", "hdf5", "on", "this", "node").err
    assert "`this node` read as `--runs-on host`" in err or "`--runs-on host`: none" in err
    zen4 = ("--runs-on", "zen4")
    assert hashes(small, "hdf5 for my cpu", *zen4) == hashes(small, "hdf5", *zen4) != []


def test_programs_are_never_answered_something_else(small, tmp_path):
    """Neither -q, nor Spack's language, nor check, wait and diff read a word anew."""
    assert small.run("search", "-q", "hdf5", "mpi", status=1).err == ""
    assert small.run("search", "--spack", "1.x", "hdf6", "--json").json["builds"] == 0
    for words in (["hdf5", "mpi"], ["is", "hdf5"]):
        small.run("wait", *words, "--timeout", "0s", status=1)
        differing = small.run("diff", "develop", "v1", *words, "--json").json["builds"]
        assert differing == {"only_a": 0, "only_b": 0, "both": 0}
    listed = tmp_path / "list"
    listed.write_text("hdf5 mpi\n", encoding="utf-8")
    small.run("check", listed, status=1)


def test_a_query_that_finds_something_is_left_alone(small):
    """`cuda` is a package, and remains one; nothing is said."""
    answer = small.run("search", "cuda", "--json")
    assert {result["package"] for result in answer.json["results"]} == {"cuda"}
    assert "understood" not in answer.json
    assert "read as" not in small.run("search", "cuda").err


def test_packages_and_hashes_are_read_the_same_way(small):
    """`--group-by package` and a pipe of hashes answer what the table does."""
    rows = small.run("search", "--group-by", "package", "hdf5", "mpi", "--json").json
    assert [row["package"] for row in rows["results"]] == ["hdf5"]
    assert rows["understood"]["query"] == "hdf5 +mpi"
    piped = small.run("search", "--hashes", "hdf5", "mpi")
    assert piped.out.split() == hashes(small, "hdf5", "+mpi")
    assert "`mpi` read as `+mpi`" in piped.err


def test_nothing_is_proposed_that_is_spelled_nothing_like_it(small):
    """Of less than five letters one may be wrong: `zlob` is zlib, `zzob` is nothing."""
    assert "zlob is in no source; nearest: zlib" in small.run("search", "zlob").err
    assert small.run("search", "zzob").err.endswith("zzob is in no source\n")
    assert (
        "py-nampi is in no source; nearest: py-numpy" in small.run("search", "package:py-nampi").err
    )


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("hdf5 ubunut", ["ubuntu"]),
        ("hdf5 mpi ubnutu", ["ubuntu"]),
        ("zlib amr64", ["arm64"]),
        ("zlib mpii", []),
        ("hdf5 rhle9", ["rhel9", "rhel"]),
    ],
)
def test_a_word_that_can_be_read_is_proposed(small, typed, meant):
    """What is spelled like it, and finds something with the rest when it is read; the nearest first."""
    found = small.run("search", "--json", *typed.split()).json["suggestions"]
    assert [near for one in found for near in one["candidates"]] == meant
