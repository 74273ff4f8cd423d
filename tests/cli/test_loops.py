"""Symbolic links that lead in a circle, wherever a path is given: one line that names the thing."""

import pytest

from tests.support.daemons import daemon, eventually
from tests.support.world import World, spec


@pytest.fixture
def looped(world: World) -> World:
    """A world with a page, synced, and a loop beside its directories."""
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    (world.root / "loop").symlink_to("loop")
    return world


@pytest.mark.parametrize("path", ["loop", "loop/below"])
@pytest.mark.parametrize(
    "command",
    [["sync", "--pages", "pages"], ["run"], ["search", "hdf5"], ["status"], ["verify"],
     ["show", "hdf5"], ["rebuild", "index"], ["forget", "site"], ["backup", "copy"],
     ["deliveries", "list"], ["check", "-"], ["wait", "hdf5", "--timeout", "1s"], ["listen"]],
)  # fmt: skip
def test_a_state_directory(looped, command, path):
    """Is no empty one, and none of somebody else."""
    done = looped.run("--state-dir", path, *command, status=2)
    assert done.out == ""
    assert f"cachesync: error: the state directory {path} is a loop of symbolic links\n" in done.err


def test_doctor_goes_on(looped):
    """A state directory that leads nowhere, or is none, is one finding among the others."""
    (looped.root / "file").write_text("")
    for path, said in (
        ("loop", "the state directory loop is a loop of symbolic links"),
        ("file", "file is no directory"),
    ):
        done = looped.run("--state-dir", path, "doctor", "--json", status=1)
        findings = {finding["check"]: finding for finding in done.json["findings"]}
        assert (findings["state"]["state"], findings["state"]["text"]) == ("error", said)
        assert findings["state"]["remedy"]
        assert {"config", "clock", "unit"} <= findings.keys()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sync", "--pages", "loop"], "--pages: loop is a loop of symbolic links"),
        (["run", "--pages", "loop/below"], "--pages: loop/below is a loop of symbolic links"),
        (["--config", "loop", "status"], "the config file loop is a loop of symbolic links"),
        (["--config", "loop", "search", "x"], "the config file loop is a loop of symbolic links"),
        (["--config", "loop", "sync"], "the config file loop is a loop of symbolic links"),
        (["--config", "loop", "run"], "the config file loop is a loop of symbolic links"),
        (["--config", "loop", "config", "check"], "the config file loop is a loop of symbolic"),
        (["check", "loop"], "the file loop is a loop of symbolic links"),
        (["webhook", "verify", "--secret-env", "HOME", "loop"], "the file loop is a loop of"),
        (["backup", "loop"], "the backup loop is a loop of symbolic links"),
        (["backup", "loop/copy"], "the backup loop/copy is a loop of symbolic links"),
    ],
)  # fmt: skip
def test_what_else_is_named(looped, arguments, said):
    """Is told by its name."""
    done = looped.run(*arguments, status=2)
    assert done.out == ""
    assert f"cachesync: error: {said}" in done.err
    assert "hint: ls -l shows where they lead" in done.err


def test_what_lies_in_the_state_directory(looped):
    """A ledger that is a loop is not nothing; an index that is one is made anew."""
    (looped.state / "index").rename(looped.root / "index")
    (looped.state / "index").symlink_to("index")
    assert "\nhdf5\t" in looped.run("search", "hdf5").out
    looped.sync()
    looped.verify()
    (looped.state / "ledger.sqlite").unlink()
    (looped.state / "ledger.sqlite").symlink_to("ledger.sqlite")
    assert (
        f"the ledger in {looped.state} cannot be used" in looped.run("search", "x", status=None).err
    )


def test_loops_among_the_pages(looped):
    """Each is rejected by its name, as a page too; everything else goes on, and comes back."""
    for loop in ("develop/self", "tag", "develop/hdf5/inner", "develop/zlib/specs.md"):
        path = looped.pages / loop
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(path.name)
    looped.page("develop", "cmake", spec("b"))
    looped.sync()
    rejected = {trouble["page"]: trouble["reason"] for trouble in looped.status()["rejected"]}
    pages = ["develop/hdf5/inner/", "develop/self/", "develop/zlib/specs.md", "tag/"]
    assert rejected == dict.fromkeys(pages, "a loop of symbolic links")
    assert len(looped.found()) == 2
    looped.verify()
    for loop in ("develop/self", "tag", "develop/hdf5/inner", "develop/zlib/specs.md"):
        (looped.pages / loop).unlink()
    looped.sync()
    assert looped.status()["rejected"] == []


def test_a_page_that_becomes_a_loop_stands(looped):
    """What it said last is found until it is a page again."""
    page = looped.pages / "develop" / "hdf5" / "specs.md"
    page.unlink()
    page.symlink_to("specs.md")
    looped.sync()
    assert len(looped.found("hdf5")) == 1
    page.parent.joinpath("specs.md").unlink()
    page.parent.rmdir()
    page.parent.symlink_to("hdf5")
    looped.sync()
    assert len(looped.found("hdf5")) == 1
    looped.verify()


def test_a_root_that_is_a_loop_fails_alone(looped):
    """In `sync` and in the daemon: named, with the other sources as they are."""
    looped.configure(
        "sources:\n" + looped.directory_source("site")
        + looped.directory_source("lost", path=looped.root / "loop")
    )  # fmt: skip
    result = looped.sync(status=1)
    lost = next(source for source in result["sources"] if source["name"] == "lost")
    said = f"{looped.root / 'loop'} is a loop of symbolic links (check `path:`)"
    assert (lost["state"], lost["error"]) == ("failed", said)
    looped.page("develop", "zlib", spec("z"))
    with daemon(looped) as running:
        running.says("loop")
        eventually(lambda: looped.found("zlib"))
        assert running.stop() == 0
    assert "Traceback" not in running.log
