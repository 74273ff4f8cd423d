"""What a pass tells: baselines, first and last, what it reports."""

import pytest

from tests.support.manypages import letter_hashes, only_source
from tests.support.pagetext import Facts, as_generated, page
from tests.support.world import hash_of, spec

# -- baseline and first


def test_first_import_is_baseline_and_the_next_is_news(world):
    """Changes of the first complete pass are baseline; what comes later is not."""
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    assert [c["baseline"] for c in world.changes()] == [True, True]
    world.page("develop", "hdf5", spec("a"), spec("b"))
    world.page("develop", "zlib", spec("c"))
    seq = world.seq()
    world.sync()
    assert len(world.changes("--since", seq)) == 3
    assert not any("baseline" in change for change in world.changes("--since", seq))


def test_a_first_pass_that_was_cut_off_stays_a_baseline(world):
    """What an interrupted first import left for later is baseline too, and nothing comes twice."""
    for number in range(6_000):
        world.page(f"tag-{number % 5}", f"pkg-{number}", spec(hash_of(number)))
    ledger = world.state / "ledger.sqlite"
    with world.start("sync", "--pages", world.pages) as process:
        import sqlite3
        import time

        deadline = time.monotonic() + 60
        recorded = 0
        while not recorded and process.poll() is None and time.monotonic() < deadline:
            try:
                db = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)
                try:
                    (recorded,) = db.execute("SELECT count(*) FROM change").fetchone()
                finally:
                    db.close()
            except sqlite3.Error:
                recorded = 0
            time.sleep(0.005)  # the processor is the pass's
        process.kill()
        process.wait(30)
    assert 0 < recorded < 12_000, "the pass was to be cut off between two chunks"
    world.sync()
    changes = world.changes("--kind", "spec.cached")
    assert len(changes) == len({change["hash"] for change in changes}) == 6_000
    assert all(change["baseline"] and change["first"] for change in changes)
    assert world.changes("--kind", "page.removed") == []
    world.verify()


def test_a_failed_first_pass_leaves_the_next_a_baseline(world):
    """A source that could not be listed at first has had no complete pass yet."""
    world.configure(f"sources:\n{world.directory_source()}")
    world.pages.rmdir()
    world.sync(status=1)
    assert only_source(world)["state"] == "failed"
    world.pages.mkdir()
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    assert all(c["baseline"] for c in world.changes("--kind", "spec.cached"))


def test_first_and_last_over_tags_and_sources(world):
    """A hash is first once and last once, however many tags and sources have it in between."""
    other = world.root / "other"
    other.mkdir()
    world.configure(
        f"sources:\n{world.directory_source()}{world.directory_source('other', path=other)}"
    )
    world.sync()
    world.page("v1", "hdf5", spec("a"))
    world.page("develop", "hdf5", spec("a"))
    world.page("develop", "hdf5", spec("a"), root=other)
    world.sync()
    cached = world.changes("--kind", "spec.cached")
    assert [(c["source"], c["tag"], c["first"]) for c in cached] == [
        ("site", "develop", True),
        ("site", "v1", False),
        ("other", "develop", False),
    ]
    world.remove("develop/hdf5")
    world.remove("v1/hdf5")
    world.sync()
    world.page("develop", "hdf5", root=other)
    world.sync()
    evicted = world.changes("--kind", "spec.evicted")
    assert [(c["source"], c["tag"], c["last"]) for c in evicted] == [
        ("site", "develop", False),
        ("site", "v1", False),
        ("other", "develop", True),
    ]
    seq = world.seq()
    world.page("develop", "hdf5", spec("a"), root=other)
    world.sync()
    assert [c["first"] for c in world.changes("--since", seq)] == [True]
    world.verify()


def test_a_binary_that_moves_between_tags_is_never_gone(world):
    """A pass adds before it removes: no `first` and no `last` when a hash moves from tag to tag."""
    world.page("zz", "hdf5", spec("a"))
    world.sync()
    seq = world.seq()
    world.remove("zz/hdf5")
    world.page("aa", "hdf5", spec("a"))
    world.sync()
    flags = [(c["kind"], c.get("first", c.get("last"))) for c in world.changes("--since", seq)]
    assert flags == [
        ("page.added", None),
        ("spec.cached", False),
        ("spec.evicted", False),
        ("page.removed", None),
    ]


def test_a_page_removed_and_added_again(world):
    """A page that comes back is added again, and its specs are cached first again."""
    world.page("develop", "hdf5", spec("a"))
    world.page("develop", "zlib", spec("z"))
    world.sync()
    world.remove("develop/hdf5")
    seq = world.seq()
    world.sync()
    assert world.kinds(seq) == ["spec.evicted", "page.removed"]
    assert world.found("hdf5") == []
    seq = world.seq()
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    added, cached = world.changes("--since", seq)
    assert (added["kind"], cached["kind"], cached["first"]) == ("page.added", "spec.cached", True)
    assert world.found("hdf5") == letter_hashes("a")
    world.verify()


def replaced(world, keep):
    """Another directory in the place of a source's, with as many of its five pages as `keep`."""
    for number in range(5):
        world.page("develop", f"p{number}", spec(hash_of(number)))
    world.sync()
    world.pages.rename(world.root / "old")
    world.pages.mkdir()
    (world.pages / ".hidden").touch()
    for number in range(keep):
        world.page("develop", f"p{number}", spec(hash_of(number)))


@pytest.mark.parametrize("keep", [0, 1, 2])
def test_another_directory_with_few_of_the_pages_is_held(world, keep):
    """Few pages may go in one pass, but not because another directory lies in the source's place."""
    replaced(world, keep)
    held = world.sync(status=1)["sources"][0]
    assert (held["state"], held["held"], held["removed"]) == ("held", 5 - keep, 0)
    world.sync(status=1)
    world.sync("--allow-mass-removal")
    assert len(world.found("")) == keep
    world.sync()
    world.remove("develop/p0") if keep else None
    world.sync()
    world.verify()


def test_another_directory_with_most_of_the_pages_is_taken(world):
    replaced(world, 3)
    assert world.sync()["sources"][0]["removed"] == 2
    world.verify()


def test_changes_come_in_the_order_of_tag_and_path(world):
    """Additions come in the order of tag, then path, then hash; removals behind all of them."""
    world.page("m", "old", spec("o"))
    world.page("m", "stays", spec("s"))
    world.sync()
    seq = world.seq()
    world.remove("m/old")
    for tag, package, letters in (("b-1", "x", "dc"), ("b", "z", "b"), ("b", "a", "a")):
        world.page(tag, package, *(spec(letter) for letter in letters))
    world.sync()
    places = [(c["kind"], c["tag"], c["package"], c.get("hash", "-")[0])
              for c in world.changes("--since", seq)]  # fmt: skip
    assert places == [
        ("page.added", "b", "a", "-"), ("spec.cached", "b", "a", "a"),
        ("page.added", "b", "z", "-"), ("spec.cached", "b", "z", "b"),
        ("page.added", "b-1", "x", "-"), ("spec.cached", "b-1", "x", "c"),
        ("spec.cached", "b-1", "x", "d"),
        ("spec.evicted", "m", "old", "o"), ("page.removed", "m", "old", "-"),
    ]  # fmt: skip


def test_restacked_says_before_and_after(world):
    """Other stacks of a placement are one change with both sets; their order is none."""
    world.page("develop", "hdf5", spec("a", stacks=["root", "e4s"]))
    world.sync()
    seq = world.seq()
    world.page("develop", "hdf5", spec("a", stacks=["e4s", "root", "root"]))
    world.sync()
    assert world.changes("--since", seq) == []
    world.page("develop", "hdf5", spec("a", stacks=["root", "radiuss"]))
    world.sync()
    (change,) = world.changes("--since", seq)
    assert change["kind"] == "spec.restacked"
    assert change["stacks_before"] == ["e4s", "root"]
    assert change["stacks"] == ["radiuss", "root"]
    assert world.found("stack:e4s") == []
    assert world.found("stack:radiuss") == letter_hashes("a")


# -- what a pass reports


def test_json_of_a_pass_counts_what_it_did(world):
    """`sync --json` says how many pages were listed, changed, unchanged, removed and rejected."""
    for name in ("a", "b", "c"):
        world.page("develop", name, spec(name))
    world.write("develop/d", b"nonsense")
    keys = ("listed", "changed", "unchanged", "removed", "rejected", "held")

    def counted() -> list[int]:
        (source,) = world.sync()["sources"]
        return [source[key] for key in keys]

    assert counted() == [4, 4, 0, 0, 1, 0]
    world.settle()
    world.page("develop", "a", spec("a"), spec("2"))
    world.remove("develop/b")
    world.write("develop/c", page(spec("c"), title="c") + b"\n")
    assert counted() == [3, 2, 1, 1, 1, 0]
    assert counted() == [3, 0, 3, 0, 1, 0]


def test_sync_of_named_sources_only(world):
    """`sync NAME` passes over that source alone; --pages directories are remembered for a bare sync."""
    other = world.root / "other"
    world.page("develop", "hdf5", spec("a"))
    world.page("develop", "hdf5", spec("b"), root=other)
    world.configure(f"sources:\n{world.directory_source()}")
    world.sync("site")
    result = world.sync("--pages", other)
    names = {source["name"] for source in result["sources"]}
    assert str(other) in names
    assert {s["name"] for s in world.sync()["sources"]} == {"site", str(other)}
    assert [s["name"] for s in world.sync("site")["sources"]] == ["site"]


def test_a_directory_has_one_name(world):
    """--pages with a relative path, a link or a trailing slash names the same source."""
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    link = world.root / "link"
    link.symlink_to(world.pages)
    for name in ("pages", "./pages/", link):
        assert world.sync("--pages", name)["changes"] == {}
    assert len(world.status()["sources"]) == 1


def test_every_form_of_a_page_is_the_same_page(world):
    """A page rewritten in another legal form gives no change."""
    from tests.support import pagetext

    facts = Facts("hdf5", "develop", [spec("a"), spec("b", compiler="none")])
    world.write("develop/hdf5", as_generated(facts))
    world.sync()
    seq = world.seq()
    for number, form in enumerate(pagetext.FORMS):
        world.write("develop/hdf5", form(facts.shuffled(number)))
        assert world.sync()["sources"][0]["rejected"] == 0, form.__name__
    assert world.changes("--since", seq) == []
    world.verify()
