"""What a search finds and how it is put in order, on small sites, by the real command line."""

import shutil

import pytest

from tests.support.world import World, hash_of, spec


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> World:
    """Names, versions and placements that are easy to confuse."""
    world = World(tmp_path_factory.mktemp("search"))
    world.configure(f"sources:\n{world.directory_source()}")
    world.page("develop", "hdf5", spec("a", stacks=["e4s", "root"]), spec("b", stacks=["root"]),
               spec("c", versions=["1.14"], stacks=["ml", "root"]))  # fmt: skip
    world.page("v1", "hdf5", spec("a", stacks=["ml", "root"]))
    world.page("develop", "hdf5-vol", spec("v", versions=["1.9"]))
    world.page("develop", "py-hdf5-io", spec("p", versions=["1.10"], variants=["+cuda"]))
    world.page("develop", "gcc", spec("g", compiler="none", versions=["12.3.0"]))
    world.sync()
    return world


def hashes(letters: str) -> list[str]:
    return [letter * 32 for letter in sorted(letters)]


@pytest.mark.parametrize(
    ("query", "letters"),
    [
        ("hdf5", "abcvp"),
        ("package:hdf5", "abc"),
        ("HDF5 ROOT", "abcvp"),
        ("package:hdf5 version:1.14", "abc"),
        ("version:1.14.5 package:hdf5", "ab"),
        ("version:1.1", ""),
        ("hdf5-io", "p"),
        ("hdf", ""),
        ("hdf*", "abcvp"),
        ("gcc", "abcvpg"),
        ("compiler:gcc", "abcvp"),
        ("compiler:gcc@=13.2.0 -package:hdf5", "vp"),
        ("compiler:none", "g"),
        ("+cuda", "p"),
        ("package:hdf5 stack:e4s tag:v1", ""),
        ("package:hdf5 stack:ml tag:v1", "a"),
        ("package:hdf5 stack:ml -tag:v1", "c"),
        ("package:hdf5 -stack:ml", "ab"),
        ("aaaaa", "a"),
        ("aaaa", ""),
        ("hash:a", "a"),
        ("hash:aaaa*", "a"),
        ("-hash:a package:hdf5", "bc"),
        ("source:site tag:v*", "a"),
        ("nosuch", ""),
        ("-nosuch package:gcc", "g"),
        ('"hdf5" "+mpi"', "abcv"),
    ],
)
def test_what_a_query_finds(site, query, letters):
    """The query finds exactly these specs, and the counts say so."""
    assert site.found(query) == hashes(letters)
    answer = site.run("search", "--json", "--limit", "1", query).json
    assert answer["specs"] == len(letters)


def test_only_the_placements_that_match_are_listed(site):
    """A condition is on placements: a spec in two tags is shown with the one that matches."""
    (result,) = site.search("package:hdf5", "stack:ml", "tag:v1")["results"]
    assert result["specs"] == [
        {
            "hash": "a" * 32,
            "placements": [{"source": "site", "tag": "v1", "stacks": ["ml", "root"]}],
        }
    ]


def test_best_first(site):
    """The package itself comes before those whose names contain it, the newest version first."""
    found = [(r["package"], r["version"]) for r in site.search("hdf5")["results"]]
    assert found[:2] == [("hdf5", "1.14.5"), ("hdf5", "1.14")]
    assert set(found[2:]) == {("hdf5-vol", "1.9"), ("py-hdf5-io", "1.10")}
    scores = [r["score"] for r in site.search("hdf5")["results"]]
    assert scores == sorted(scores, reverse=True)
    assert site.search("gcc")["results"][0]["package"] == "gcc"


def test_versions_sort_as_spack_sorts_them(site):
    """1.10 is newer than 1.9."""
    found = [r["version"] for r in site.search("hdf5", "--sort", "version")["results"]]
    assert found == ["1.14.5", "1.14", "1.10", "1.9"]


def test_facets_count_all_matches(site):
    """Facets count every match, not only the builds shown, and only placements that match."""
    facets = site.run("search", "--json", "--facets", "--limit", "1", "package:hdf5").json["facets"]
    assert facets["tag"] == {
        "develop": {"specs": 3, "builds": 2},
        "v1": {"specs": 1, "builds": 1},
    }
    of_v1 = site.run("search", "--json", "--facets", "package:hdf5", "tag:v1").json["facets"]
    assert of_v1["tag"] == {"v1": {"specs": 1, "builds": 1}}
    assert set(of_v1["stack"]) == {"ml", "root"}


def test_names_that_differ_in_case_only(world):
    """Stacks and tags E4S and e4s are one for a search, and counted as such through the index."""
    world.page("Develop", "hdf5", spec("a", stacks=["E4S"]), spec("b", stacks=["e4s"]))
    world.page("develop", "hdf5", spec("c", stacks=["e4s", "E4S"]))
    world.sync()
    for query in ("stack:e4s", "stack:E4S", "tag:develop", "e4s", "tag:DEV*"):
        answer = world.search(query)
        listed = [s["hash"] for r in answer["results"] for s in r["specs"]]
        assert (answer["specs"], sorted(listed)) == (3, hashes("abc")), query


def test_147_specs_are_one_hit(world):
    """Specs that differ only by hash are one build with all their hashes."""
    world.page("develop", "py-filelock", *(spec(hash_of(n * 1000)) for n in range(147)))
    world.sync()
    answer = world.search("filelock")
    assert (answer["builds"], answer["specs"]) == (1, 147)
    assert len(answer["results"][0]["specs"]) == 147


def test_a_failed_source_is_said(world):
    """An answer that rests on a source that failed says so in `as_of`, and to people."""
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    world.pages.rename(world.root / "away")
    world.sync(status=1)
    assert world.search("hdf5")["as_of"]["sources"][0]["state"] == "failed"
    assert "failed" in world.run("search", "hdf5").err


def test_searches_during_syncs_always_answer(world):
    """While another process syncs over and over, every search is a whole answer of one moment."""
    for number in range(40):
        world.page("develop", f"pkg-{number}", spec(hash_of(2 * number)))
    world.sync()
    for turn in range(4):
        for number in range(40):
            world.page("develop", f"pkg-{number}", spec(hash_of(2 * number + turn % 2)))
        with world.start("sync", "--pages", world.pages) as process:
            while process.poll() is None:
                answer = world.search("tag:develop")
                listed = [s["hash"] for r in answer["results"] for s in r["specs"]]
                assert len(listed) == len(set(listed)) == answer["specs"] >= 40
            assert process.returncode == 0
    world.verify()


def test_the_ledger_keeps_what_is_left_of_a_query_apart(world):
    """Of one build both placements' conditions are left, of the other either: they are no one question."""
    world.page("develop", "hdf5", spec("a", stacks=["e4s"]))
    world.page("develop", "zlib", spec("b", stacks=["e4s"]))
    world.sync("--pages", world.pages)
    text = "(package:hdf5 tag:develop stack:ml) OR (package:zlib (tag:develop OR stack:ml))"
    shutil.rmtree(world.state / "index")
    assert world.search(text)["builds"] == 1
