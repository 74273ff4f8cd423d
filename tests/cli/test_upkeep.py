"""`show`, `backup`, `forget`, `rebuild`, `completion`."""

import sqlite3
import subprocess

import pytest

from tests.support.console import assert_error
from tests.support.world import World, hash_of, spec


def test_show_a_package(site):
    """A package with its builds, where they are placed, and its history."""
    text = site.run("show", "hdf5").out
    assert "hdf5@1.14.5 %gcc@=13.2.0" in text
    assert "/" + "a" * 32 in text
    assert "spec.evicted" in text
    document = site.run("show", "hdf5", "--json").json
    assert {c["package"] for c in document["history"]} == {"hdf5"}
    assert (document["builds"], document["specs"]) == (2, 2)
    of_tag = site.run("show", "hdf5", "--json", "--tag", "v1").json
    assert of_tag["specs"] == 1
    assert {c["tag"] for c in of_tag["history"]} == {"v1"}
    assert_error(site.run("show", "hdf5", "--tag", "v9", status=1))


def test_show_a_hash(site):
    """A beginning that is unique is enough; one that is not is refused with what it may mean."""
    assert_error(site.run("show", "/a", status=2), "more than one")
    assert "/" + "a" * 32 in site.run("show", "/a", status=2).err
    assert_error(site.run("show", "/234567", status=1))
    document = site.run("show", "/ab", "--json").json
    assert [r["package"] for r in document["results"]] == ["py-filelock"]
    evicted = site.run("show", "/bbbb", "--json").json
    assert evicted["specs"] == 0
    assert [c["kind"] for c in evicted["history"]] == ["spec.cached", "spec.evicted"]
    assert evicted["history"][-1]["last"] is True


def test_backup(world):
    """A backup is a whole ledger, never overwrites, and serves a new state directory."""
    for number in range(30):
        world.page("develop", f"pkg-{number}", spec(hash_of(number)))
    world.sync()
    copy = world.root / "copy.sqlite"
    world.run("backup", copy)
    before = copy.read_bytes()
    assert_error(world.run("backup", copy, status=2), "exists")
    assert copy.read_bytes() == before
    assert [p.name for p in world.root.iterdir() if "partial" in p.name] == []
    db = sqlite3.connect(f"file:{copy}?mode=ro", uri=True)
    try:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    finally:
        db.close()
    found, changes = world.found(), world.changes()
    world.page("develop", "later", spec("l"))
    world.sync()

    restored = World(world.root / "elsewhere")
    restored.state.mkdir()
    copy.rename(restored.state / "ledger.sqlite")
    world.remove("develop/later")
    assert restored.found() == found
    assert restored.changes() == changes
    restored.run("rebuild", "index")
    restored.verify()
    assert restored.run("search").err.count("note") == 0


def test_backup_into_an_old_state_directory(world):
    """A ledger put back below a newer index is noticed, and the next sync mends the index."""
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    copy = world.root / "copy.sqlite"
    world.run("backup", copy)
    world.page("develop", "zlib", spec("z"))
    world.sync()
    for path in world.state.glob("ledger.sqlite*"):
        path.unlink()
    copy.rename(world.state / "ledger.sqlite")
    assert world.found() == ["a" * 32]
    world.sync()
    assert len(world.found()) == 2
    world.verify()


def test_forget(world):
    """A source can be forgotten by the directory it was named by; its evictions are logged."""
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    seq = world.seq()
    world.run("forget", "./pages")
    assert world.kinds(seq) == ["spec.evicted", "page.removed"]
    assert world.status()["sources"] == []
    assert world.found() == []
    world.verify()
    assert_error(world.run("forget", world.pages, status=2), "no source")


def test_rebuild_index(world):
    """A damaged or missing index costs nothing but speed, and `rebuild index` mends it."""
    world.page("develop", "hdf5", spec("a"), spec("b"))
    world.sync()
    segment = max((world.state / "index").rglob("*.seg"), key=lambda path: path.stat().st_size)
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 0xFF
    segment.write_bytes(data)
    result = world.run("search", "hdf5", "--json")
    assert result.json["specs"] == 2
    assert "rebuild index" in result.err
    assert world.run("verify", status=1).out.startswith("index: ")
    assert "rebuild index" in world.run("status").out
    world.run("rebuild", "index")
    assert world.run("search", "hdf5", "--json").err == ""
    world.verify()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(site, shell):
    """A completion script for each shell, which names the program."""
    script = site.run("completion", shell).out
    assert "_CACHESYNC_COMPLETE" in script
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_completion_completes(site):
    """What the script asks for gets the commands, and the options of search."""
    environment = {**site.environment, "_CACHESYNC_COMPLETE": "bash_complete"}

    def complete(line: str) -> set[str]:
        words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
        done = subprocess.run(
            site.command()[:3], env={**environment, **words}, capture_output=True, text=True,
            check=False, cwd=site.root,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        return {entry.partition(",")[2] for entry in done.stdout.splitlines()}

    assert {"search", "sync", "status"} <= complete("cachesync s")
    assert "--limit" in complete("cachesync search --l")
    assert "--secret-file" in complete("cachesync webhook verify --s")
    assert "--secret-env" in complete("cachesync listen --s")
