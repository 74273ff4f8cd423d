"""`search --install` on this machine, and on others: what runs there comes first, and what does not is said."""

import platform
import shutil
import subprocess

import pytest

from cachesync import query
from cachesync.cli.installing import preference, sentence
from cachesync.cli.thismachine import this_machine
from cachesync.ledger import connect
from cachesync.search.searcher import Searcher
from cachesync.spack import targets
from cachesync.spack.machine import Machine
from tests.support.world import World, hash_of, spec

HERE = this_machine()
ELSEWHERE = "m1" if "x86_64" in targets.ancestors(HERE.target) else "x86_64"
GENERIC = min(targets.ancestors(HERE.target), key=lambda name: len(targets.ancestors(name)))


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> World:
    """The newest hdf5 is for another processor, then one for another system, then one for this machine."""
    world = World(tmp_path_factory.mktemp("here"))

    def rows(*builds: tuple[int, str, str, str]) -> list[dict]:
        return [
            spec(hash_of(number), versions=[version], os=os, target=target)
            for number, version, os, target in builds
        ]

    world.page("develop", "hdf5", *rows(
        (1, "1.14.6", str(HERE.os), ELSEWHERE), (2, "1.14.5", "unheard1", GENERIC),
        (3, "1.14.4", str(HERE.os), GENERIC), (4, "1.14.3", str(HERE.os), HERE.target),
    ))  # fmt: skip
    world.page("develop", "hdf5-vol", *rows((5, "2", str(HERE.os), GENERIC)))
    world.page("develop", "zlib", *rows((6, "1.3", str(HERE.os), ELSEWHERE)))
    world.page("develop", "cmake", *rows((7, "3.9", "unheard1", GENERIC)))
    world.configure(f"sources:\n{world.directory_source()}")
    world.sync()
    return world


def installed(said) -> list[int]:
    """The numbers of the specs that are installed, in order."""
    hashes = [line.rpartition("/")[2] for line in said.out.splitlines() if "spack install" in line]
    return [next(n for n in range(9) if hash_of(n) == one) for one in hashes]


@pytest.mark.skipif(platform.system() != "Linux", reason="the pages are of Linux")
@pytest.mark.parametrize(
    ("asked", "numbers", "talk"),
    [
        ("hdf5", [3], ""),
        ("hdf5 --limit 0", [3, 4, 2, 1, 5], "1 of these do not run on this machine"),
        ("hdf5 --limit 2 --offset 1", [4, 2], ""),
        ("hdf5 --sort package", [3], ""),
        ("hdf5 @1.14.5:", [2], "none of these is for the system of this machine"),
        ("hdf5@1.14.6", [1], "none of these runs on this machine"),
        ("zlib", [6], "none of these runs on this machine"),
        ("cmake", [7], "which runs here if the C library is no older than there"),
        (f"hdf5 target:{ELSEWHERE}", [1], ""),
        (f"hdf5 target={GENERIC}", [2], ""),
        ("hdf5 platform=linux", [1], ""),
        (f"hdf5 --runs-on {ELSEWHERE}", [1], ""),
        ("hdf5 --runs-on host", [3], ""),
        ("hdf5 os=unheard1", [2], ""),
        (f"hdf5 -target:{GENERIC}", [4], ""),
    ],
)
def test_what_this_machine_runs_comes_first(site, asked, numbers, talk):
    """Of one package, as archspec and os-release tell it; who names a target or a platform is taken at the word."""
    said = site.run("search", *asked.split(), "--install")
    assert installed(said) == numbers
    if talk:
        assert talk in said.err
        assert f"({HERE})" in said.err
    else:
        assert "this machine" not in said.err


def test_programs_are_told_too(site):
    """`machine`, and `runs_here` of each; without --install nothing changes, neither order nor keys."""
    document = site.run("search", "hdf5", "--install", "--limit", "0", "--json").json
    told = [(one["version"], one["install"]["runs_here"]) for one in document["results"]]
    assert told == [
        ("1.14.4", True),
        ("1.14.3", True),
        ("1.14.5", None),
        ("1.14.6", False),
        ("2", True),
    ]
    assert document["machine"] == str(HERE)
    plain = site.search("hdf5")
    assert [one["version"] for one in plain["results"]] == [
        "1.14.6",
        "1.14.5",
        "1.14.4",
        "1.14.3",
        "2",
    ]
    assert "machine" not in plain
    named = site.run("search", "hdf5", f"target={GENERIC}", "--install", "--json").json
    assert "machine" not in named
    assert "runs_here" not in named["results"][0]["install"]


@pytest.mark.skipif(
    ELSEWHERE != "m1", reason="the builds are for the processor of this machine, and m1"
)
@pytest.mark.parametrize("with_index", [True, False], ids=["index", "ledger"])
@pytest.mark.parametrize(
    ("target", "first", "talk"),
    [("zen4", "1.14.4", ""), ("m2", "1.14.6", ""), ("power9le", "1.14.6", "none of these runs")],
)
def test_another_machine_is_served_otherwise(site, tmp_path, target, first, talk, with_index):
    """The same query, with the machine given; by the ledger alone as well."""
    shutil.copytree(site.state, tmp_path / "state")
    if not with_index:
        shutil.rmtree(tmp_path / "state" / connect.INDEX_DIRECTORY)
    node = query.parse("package:hdf5")
    prefer = preference(node, None, Machine("linux", HERE.os, target))
    searcher = Searcher(tmp_path / "state")
    hits = searcher.search(node, rank=prefer.rank).hits
    searcher.close()
    fits = [prefer.of(hit) for hit in hits]
    assert fits == sorted(fits)
    assert hits[0].build.version == first
    assert (sentence(prefer, hits[:1]) or "").startswith(talk)
    assert bool(sentence(prefer, hits[:1])) == bool(talk)


def test_spack_calls_this_machine_the_same():
    """Where there is a Spack: its `spack arch`."""
    spack = shutil.which("spack")
    if spack is None:
        pytest.skip("no spack here")
    said = subprocess.run([spack, "arch"], capture_output=True, text=True, timeout=60, check=True)
    assert said.stdout.strip() == str(HERE)
