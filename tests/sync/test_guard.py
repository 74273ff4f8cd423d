"""Passes that would remove much are held; what the config selects and drops."""

import time
from contextlib import contextmanager

import pytest

from cachesync.diff import Guard
from cachesync.model import SourceState
from cachesync.selection import Selection
from cachesync.sources.directory import DirectorySource
from cachesync.sync.passes import run_part, run_pass
from tests.support.manypages import letter_hashes, only_source
from tests.support.world import World, hash_of, spec
from tests.support.writing import writing


def write_many(world: World, count: int, *, tag: str = "develop", first: int = 0) -> None:
    """Pages pkg-00, pkg-01, ... of one spec each."""
    for number in range(first, first + count):
        world.page(tag, f"pkg-{number:02}", spec(hash_of(number)))


def remove_many(world: World, count: int) -> None:
    for number in range(count):
        world.remove(f"develop/pkg-{number:02}")


@contextmanager
def passes(world: World):
    """A writer, and how a pass is run with it: over everything, or over some parts."""
    source = DirectorySource("site", world.pages, page_limit=1 << 20)
    with writing(world.state, time.time_ns) as writer:

        def run(parts=None, **more):
            row = writer.source(
                "site", "directory", str(world.pages), configured=True, interval=None
            )
            known = {"selection": Selection(), "guard": Guard(), **more}
            if parts is not None:
                return run_part(writer, source.part(parts), row, **known)
            return run_pass(writer, source, row, **known)

        yield writer, run


# -- the guard


@pytest.mark.parametrize(
    ("pages", "removed", "held"),
    [
        (40, 20, False),  # half, and no more than twenty
        (40, 21, True),  # more than half and more than twenty
        (42, 21, False),  # more than twenty, but half
        (30, 20, False),  # more than half, but twenty
        (21, 21, True),  # all
    ],
)
def test_guard_boundary(world, pages, removed, held):
    """A pass is held when it would retire more than half of the pages and more than twenty."""
    write_many(world, pages)
    world.sync()
    seq = world.seq()
    remove_many(world, removed)
    result = world.sync(status=1 if held else 0)
    (source,) = result["sources"]
    if held:
        assert (source["state"], source["held"], source["removed"]) == ("held", removed, 0)
        assert result["changes"] == {"source.held": 1}
        assert world.kinds(seq) == ["source.held"]
        assert world.status()["ledger"]["pages"] == pages
    else:
        assert (source["state"], source["held"], source["removed"]) == ("ok", 0, removed)
        assert result["changes"] == {"page.removed": removed, "spec.evicted": removed}
        assert world.status()["ledger"]["pages"] == pages - removed


def test_a_part_takes_back_nothing_of_what_a_whole_pass_holds(world):
    """It saw less; how much would go is what was said of everything."""
    for tag in ("a", "b"):
        write_many(world, 45, tag=tag, first=45 * (tag == "b"))
    with passes(world) as (writer, run):
        run()
        since = writer.seq
        for number in range(22):
            world.remove(f"a/pkg-{number:02}")
            world.remove(f"b/pkg-{number + 45:02}")
        assert run(since=since).state is SourceState.OK
        for number in range(22, 33):
            world.remove(f"a/pkg-{number:02}")
            world.remove(f"b/pkg-{number + 45:02}")
        whole = run(since=since)
        part = run(["a"], since=since)
        (told,) = writer.db.execute("SELECT error FROM source").fetchone()
    assert (whole.state, part.state) == (SourceState.HELD, SourceState.HELD)
    assert whole.error is not None
    assert whole.error.startswith("66 of 90 pages")
    assert part.error is not None
    assert part.error.startswith("55 of 90 pages")
    assert told == whole.error


def test_a_held_pass_is_accepted_once(world):
    """Held keeps everything until --allow-mass-removal, which holds for one pass; then all is normal."""
    write_many(world, 40)
    world.sync()
    remove_many(world, 30)
    for _ in range(2):
        world.sync(status=1)
    source = only_source(world)
    assert (source["state"], source["pages"]) == ("held", 40)
    assert "30 of 40" in source["error"]
    assert len(world.found("pkg")) == 40
    human = world.run("status").out
    assert "held" in human
    assert "30 of 40" in human
    assert "30 of 40" in world.run("search", "pkg").err
    assert [c["kind"] for c in world.changes("--kind", "source.held")] == ["source.held"]

    seq = world.seq()
    accepted = world.sync("--allow-mass-removal")
    assert accepted["sources"][0]["removed"] == 30
    assert world.kinds(seq)[-1] == "source.recovered"
    assert (only_source(world)["state"], only_source(world)["error"]) == ("ok", None)
    assert world.sync()["changes"] == {}
    write_many(world, 30)
    world.sync()
    remove_many(world, 30)
    assert world.sync(status=1)["sources"][0]["state"] == "held"


def test_held_pass_still_adds(world):
    """What is new comes in although the removals of the pass are held, and recovery needs no help."""
    write_many(world, 40)
    world.sync()
    remove_many(world, 30)
    world.page("develop", "new", spec("n"))
    world.page("develop", "pkg-39", spec(hash_of(39), stacks=["root"]), spec("o"))
    assert world.sync(status=1)["changes"] == {
        "page.added": 1,
        "source.held": 1,
        "spec.cached": 2,
        "spec.restacked": 1,
    }
    write_many(world, 30)
    assert world.sync()["changes"] == {"source.recovered": 1}
    world.verify()


def test_a_pass_that_is_cut_off_leaves_what_removals_are_measured_against(world):
    """What it added before it was killed is no reason to let the rest go."""

    class CutError(Exception):
        pass

    def cut(_name, done, _total):
        if done:
            raise CutError

    write_many(world, 40)
    with passes(world) as (writer, run):
        run()
        remove_many(world, 40)
        write_many(world, 400, first=40)
        with pytest.raises(CutError):
            run(progress=cut)
        assert writer.page_count(writer.sources()[0]) > 80
        for _ in range(2):
            held = run()
            assert (held.state, held.held) == (SourceState.HELD, 40)


@pytest.mark.parametrize("count", [40, 400])
def test_a_directory_that_is_replaced_as_a_whole_is_held_and_stays_held(world, count):
    """However much comes in its place: that counts for nothing until the removal is accepted."""
    write_many(world, 40)
    world.sync()
    remove_many(world, 40)
    write_many(world, count, first=40)
    for _ in range(3):
        (source,) = world.sync(status=1)["sources"]
        assert (source["state"], source["held"]) == ("held", 40)
        assert "40 of 40 pages" in source["error"]
    assert world.sync("--allow-mass-removal")["changes"]["page.removed"] == 40
    assert world.sync()["changes"] == {}


def test_emptied_pages_are_guarded(world):
    """Pages that suddenly list nothing count as removed for the guard."""
    write_many(world, 40)
    world.sync()
    for number in range(30):
        world.page("develop", f"pkg-{number:02}")
    assert world.sync(status=1)["sources"][0]["held"] == 30
    assert len(world.found("pkg")) == 40
    world.sync("--allow-mass-removal")
    assert len(world.found("pkg")) == 10
    assert world.status()["ledger"]["pages"] == 40
    world.verify()


def test_an_emptied_directory_is_held_and_a_missing_one_fails(world):
    """An unmounted source is never taken for one without pages."""
    write_many(world, 25)
    world.sync()
    remove_many(world, 25)
    (world.pages / "develop").rmdir()
    assert world.sync(status=1)["sources"][0]["state"] == "held"
    world.pages.rmdir()
    failed = world.sync(status=1)
    assert failed["sources"][0]["state"] == "failed"
    assert failed["changes"] == {"source.failed": 1}
    assert world.sync(status=1)["changes"] == {}
    assert len(world.found("pkg")) == 25
    world.pages.mkdir()
    write_many(world, 25)
    assert world.sync()["changes"] == {"source.recovered": 1}


def test_guard_is_configured(world):
    """`guard:` in the config moves both limits."""
    world.configure(
        f"sources:\n{world.directory_source()}guard: {{removal_fraction: 0.2, removal_minimum: 2}}\n"
    )
    write_many(world, 10)
    world.sync()
    remove_many(world, 2)
    world.sync()
    for number in (2, 3, 4):
        world.remove(f"develop/pkg-{number:02}")
    assert world.sync(status=1)["sources"][0]["held"] == 3


# -- globs, sources that leave


def test_narrowed_and_widened_globs(world):
    """Narrowed globs retire pages, widened ones bring a baseline; what stays is untouched."""
    for tag in ("develop", "v2", "v3"):
        world.page(tag, "hdf5", spec(tag[-1]))
        world.page(tag, "zlib", spec({"develop": "x", "v2": "y", "v3": "z"}[tag]))

    def select(extra: str) -> None:
        world.configure(f"sources:\n{world.directory_source(extra=extra)}")

    select(', tags: ["v*"]')
    world.sync()
    assert world.found() == sorted(letter_hashes("2", "3", "y", "z"))
    seq = world.seq()
    select(', tags: ["v*", "!v2"]')
    assert world.sync()["changes"] == {"page.removed": 2, "spec.evicted": 2}
    assert world.sync()["changes"] == {}
    seq = world.seq()
    select("")
    assert world.sync()["changes"] == {"page.added": 4, "spec.cached": 4}
    assert all(change["baseline"] for change in world.changes("--since", seq))
    seq = world.seq()
    select(', packages: ["*", "!zlib"]')
    assert world.sync()["changes"] == {"page.removed": 3, "spec.evicted": 3}
    world.page("v4", "hdf5", spec("w"))
    world.sync()
    news = world.changes("--since", seq, "--tag", "v4")
    assert [change["kind"] for change in news] == ["page.added", "spec.cached"]
    assert not any(change.get("baseline") for change in news)
    world.verify()


def test_narrowed_globs_are_guarded(world):
    """A slip in the globs cannot retire most of a source."""
    write_many(world, 30)
    world.configure(f"sources:\n{world.directory_source()}")
    world.sync()
    world.configure(f"sources:\n{world.directory_source(extra=', tags: [typo]')}")
    assert world.sync(status=1)["sources"][0]["held"] == 30
    world.configure(f"sources:\n{world.directory_source()}")
    assert world.sync()["changes"] == {"source.recovered": 1}


def test_globs_select_by_what_a_page_claims(world):
    """A page in another tag's directory is selected by the tag it claims, also when globs narrow."""
    world.page("v1", "hdf5", spec("a"), where="odd/hdf5")
    world.page("odd", "zlib", spec("b"))
    world.configure(f"sources:\n{world.directory_source()}")
    world.sync()
    assert world.found("tag:v1") == letter_hashes("a")
    world.configure(f"sources:\n{world.directory_source(extra=', tags: [odd]')}")
    world.sync()
    assert world.found() == letter_hashes("b")
    world.verify()


def test_orphaned_then_forgotten(world):
    """A source dropped from the config is kept as orphaned until it is forgotten; then it is news again."""
    other = world.root / "other"
    world.page("develop", "hdf5", spec("a"))
    world.page("develop", "hdf5", spec("a"), spec("b"), root=other)
    both = f"sources:\n{world.directory_source()}{world.directory_source('other', path=other)}"
    world.configure(both)
    world.sync()
    world.configure(f"sources:\n{world.directory_source()}")
    assert world.run("forget", "site", status=2).err.startswith("cachesync: error: site is in the")
    world.sync()
    assert [s["state"] for s in world.status()["sources"]] == ["ok", "orphaned"]
    assert len(world.found("source:other")) == 2
    world.verify()
    seq = world.seq()
    world.run("forget", "other")
    evicted = [c for c in world.changes("--since", seq) if c["kind"] == "spec.evicted"]
    assert [(c["hash"][0], c["last"]) for c in evicted] == [("a", False), ("b", True)]
    assert world.kinds(seq) == ["spec.evicted", "spec.evicted", "page.removed"]
    assert [s["name"] for s in world.status()["sources"]] == ["site"]
    assert world.found("source:other") == []
    world.verify()

    seq = world.seq()
    world.configure(both)
    world.sync()
    cached = [c for c in world.changes("--since", seq) if c["kind"] == "spec.cached"]
    assert [(c["hash"][0], c["first"], c["baseline"]) for c in cached] == [
        ("a", False, True),
        ("b", True, True),
    ]
    world.verify()


def test_orphan_comes_back(world):
    """A source that returns to the config goes on where it was: nothing is cached again."""
    world.page("develop", "hdf5", spec("a"))
    other = world.root / "other"
    world.page("develop", "zlib", spec("z"), root=other)
    both = f"sources:\n{world.directory_source()}{world.directory_source('other', path=other)}"
    world.configure(both)
    world.sync()
    world.configure(f"sources:\n{world.directory_source('other', path=other)}")
    world.sync()
    assert world.status()["sources"][0]["state"] == "orphaned"
    world.configure(both)
    assert world.sync()["changes"] == {}
    assert world.status()["sources"][0]["state"] == "ok"
