"""Passes over a directory of real pages, by the real command line: what they record and refuse."""

import pytest

from tests.support.pagetext import Facts, as_generated, page
from tests.support.world import World, hash_of, spec


def write_many(world: World, count: int, *, tag: str = "develop", first: int = 0) -> None:
    """Pages pkg-00, pkg-01, ... of one spec each."""
    for number in range(first, first + count):
        world.page(tag, f"pkg-{number:02}", spec(hash_of(number)))


def remove_many(world: World, count: int) -> None:
    for number in range(count):
        world.remove(f"develop/pkg-{number:02}")


def only_source(world: World) -> dict:
    (source,) = world.status()["sources"]
    return source


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


def letter_hashes(*letters: str) -> list[str]:
    return [letter * 32 for letter in letters]


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
    for number in range(10_000):
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
    assert 0 < recorded < 20_000, "the pass was to be cut off between two chunks"
    world.sync()
    changes = world.changes("--kind", "spec.cached")
    assert len(changes) == len({change["hash"] for change in changes}) == 10_000
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


# -- pages that are not accepted


def test_a_rejected_page_keeps_its_specs_and_recovers(world):
    """The last good page stands while its file is broken, and the next good version clears it."""
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    seq = world.seq()
    world.write("develop/hdf5", b"---\ntitle: hdf5\n")
    result = world.sync()
    assert (result["sources"][0]["state"], result["sources"][0]["rejected"]) == ("ok", 1)
    assert world.sync()["changes"] == {}
    assert world.kinds(seq) == ["page.rejected"]
    (rejected,) = world.status()["rejected"]
    assert rejected["page"] == "develop/hdf5/specs.md"
    assert rejected["reason"]
    assert "develop/hdf5/specs.md" in world.run("status").out
    assert world.found("hdf5") == letter_hashes("a")
    world.verify()
    world.page("develop", "hdf5", spec("a"), spec("b"))
    world.sync()
    assert world.kinds(seq) == ["page.rejected", "page.recovered", "spec.cached"]
    assert world.status()["rejected"] == []
    world.verify()


def test_a_rejected_page_that_goes_is_removed(world):
    """A broken file that is gone takes the page with it: absence is not failure, and not the reverse."""
    world.page("develop", "hdf5", spec("a"))
    world.page("develop", "zlib", spec("z"))
    world.sync()
    world.write("develop/hdf5", b"nonsense")
    world.write("develop/new", b"nonsense")
    world.sync()
    assert len(world.status()["rejected"]) == 2
    world.remove("develop/hdf5")
    world.remove("develop/new")
    world.sync()
    assert world.status()["rejected"] == []
    assert world.found() == letter_hashes("z")
    world.verify()


def counts(result: dict) -> dict[str, int]:
    """What became of the pages of the only source."""
    (source,) = result["sources"]
    return {key: source[key] for key in ("listed", "changed", "unchanged", "skipped")}


def test_a_page_that_is_skipped_now_was_good(world):
    """It is rejected, since what it said stands; so it is not skipped."""
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    world.write(
        "develop/hdf5", b'---\ntitle: "hdf5"\nlayout: cache\nspec_files: []\nspec_names: []\n---'
    )
    result = world.sync()
    assert counts(result) == {"listed": 1, "changed": 1, "unchanged": 0, "skipped": 0}
    assert result["sources"][0]["rejected"] == 1


def test_a_page_of_2022_is_skipped(world):
    """A page without hashes is recognised, skipped with a reason, and no failure."""
    data = b'---\ntitle: "adlbx"\nlayout: cache\ncategory: package\nspec_files: []\nspec_names: []\n---'
    world.write("adlbx", data)
    world.page("develop", "hdf5", spec("a"))
    result = world.sync()
    assert result["changes"] == {"page.added": 1, "spec.cached": 1}
    assert result["sources"][0]["rejected"] == 0
    assert counts(result) == {"listed": 2, "changed": 1, "unchanged": 0, "skipped": 1}
    (skipped,) = world.status()["skipped"]
    assert (skipped["page"], "2022" in skipped["reason"]) == ("adlbx/specs.md", True)
    world.settle()
    for _ in ("not read again", "read again, of another age"):
        result = world.sync()
        assert result["changes"] == {}
        assert counts(result) == {"listed": 2, "changed": 0, "unchanged": 1, "skipped": 1}
        world.write("adlbx", data)
    world.write("adlbx", data + b"\n")
    assert counts(world.sync()) == {"listed": 2, "changed": 0, "unchanged": 1, "skipped": 1}
    assert ", 1 unchanged, 0 removed, 0 rejected, 1 skipped\n" in world.run("sync").out
    world.remove("adlbx")
    assert world.sync()["changes"] == {}
    assert world.status()["skipped"] == []


# -- two pages, one claim


def test_of_two_claims_the_first_by_path_stands(world):
    """The first by path stands, the other is rejected naming it, and stands when the first goes."""
    world.page("develop", "hdf5", spec("a"))
    world.page("develop", "hdf5", spec("b"), where="develop/hdf5-copy")
    world.sync()
    assert world.found("hdf5") == letter_hashes("a")
    (rejected,) = world.status()["rejected"]
    assert rejected["page"] == "develop/hdf5-copy/specs.md"
    assert "develop/hdf5/specs.md" in rejected["reason"]
    assert world.sync()["changes"] == {}
    world.verify()
    seq = world.seq()
    world.remove("develop/hdf5")
    world.sync()
    world.sync()
    assert world.found("hdf5") == letter_hashes("b")
    assert world.status()["rejected"] == []
    assert world.kinds(seq) == ["page.recovered", "spec.cached", "spec.evicted"]
    world.verify()


def test_a_claim_earlier_by_path_takes_over(world):
    """A new page that comes first by path takes the claim over; the other is rejected once."""
    world.page("develop", "hdf5", spec("b"), where="develop/m")
    world.sync()
    seq = world.seq()
    world.page("develop", "hdf5", spec("a"), where="develop/a")
    world.sync()
    assert world.found("hdf5") == letter_hashes("a")
    (rejected,) = world.status()["rejected"]
    assert rejected["page"] == "develop/m/specs.md"
    assert world.kinds(seq).count("page.rejected") == 1
    assert world.sync()["changes"] == {}
    world.verify()


def test_a_claim_taken_over_while_the_other_is_rewritten(world):
    """A page that loses its claim in the pass in which it changed is rejected once, not twice."""
    world.page("develop", "hdf5", spec("b"), where="develop/m")
    world.sync()
    seq = world.seq()
    world.page("develop", "hdf5", spec("a"), where="develop/a")
    world.page("develop", "hdf5", spec("c"), where="develop/m")
    world.sync()
    assert world.kinds(seq).count("page.rejected") == 1
    assert world.found("hdf5") == letter_hashes("a")
    world.verify()


def test_two_pages_that_exchange_their_claims(world):
    """Pages that exchange tag and package in one pass are both good, and the log says so."""
    world.page("develop", "hdf5", spec("a"), where="develop/one")
    world.page("develop", "zlib", spec("z"), where="develop/two")
    world.sync()
    seq = world.seq()
    world.page("develop", "zlib", spec("z"), where="develop/one")
    world.page("develop", "hdf5", spec("a"), where="develop/two")
    world.sync()
    kinds = world.kinds(seq)
    assert world.status()["rejected"] == []
    assert kinds.count("page.rejected") == kinds.count("page.recovered")
    assert world.found() == letter_hashes("a", "z")
    world.verify()


def test_the_second_claim_stands_after_the_first_shrank_and_went(world):
    """A first page that loses specs does not make the second look as if it were up to date."""
    world.page("develop", "hdf5", spec("a"), spec("c"))
    world.page("develop", "hdf5", spec("b"), where="develop/hdf5-copy")
    world.sync()
    world.settle()
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    assert world.found("hdf5") == letter_hashes("a")
    world.remove("develop/hdf5")
    world.sync()
    world.sync()
    assert world.found("hdf5") == letter_hashes("b")
    world.verify()


def test_the_same_claim_in_two_sources(world):
    """Claims are of one source: the same tag and package in another are another page."""
    other = world.root / "other"
    world.page("develop", "hdf5", spec("a"))
    world.page("develop", "hdf5", spec("b"), root=other)
    world.sync("--pages", world.pages)
    world.sync("--pages", other)
    assert world.status()["rejected"] == []
    assert world.found(f'source:"{other}"') == letter_hashes("b")
    world.verify()


def test_a_page_directory_that_is_renamed(world):
    """A page is what it says: moved to another path it is the same page, with a warning and no change."""
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    seq = world.seq()
    (world.pages / "develop" / "hdf5").rename(world.pages / "develop" / "renamed")
    world.sync()
    assert world.kinds(seq) == []
    (warning,) = world.status()["warnings"]
    assert warning["page"] == "develop/renamed/specs.md"
    assert "hdf5" in warning["reason"]
    world.verify()
    (world.pages / "develop" / "renamed").rename(world.pages / "develop" / "hdf5")
    world.sync()
    assert world.kinds(seq) == []
    assert world.status()["warnings"] == []
    world.verify()


def test_a_rejected_page_that_moved_and_was_mended(world):
    """A page rejected at its old path is recovered, in the log too, when it is good at a new one."""
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    world.write("develop/hdf5", b"nonsense")
    world.sync()
    seq = world.seq()
    world.remove("develop/hdf5")
    world.page("develop", "hdf5", spec("a"), where="develop/moved")
    world.sync()
    assert world.status()["rejected"] == []
    assert world.kinds(seq) == ["page.recovered"]
    world.verify()


def test_front_matter_that_changes_its_tag(world):
    """A page that says another tag is another page: one is added, the other removed."""
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    seq = world.seq()
    world.page("v1", "hdf5", spec("a"), where="develop/hdf5")
    world.sync()
    changes = [(c["kind"], c["tag"]) for c in world.changes("--since", seq)]
    assert changes == [
        ("page.added", "v1"),
        ("spec.cached", "v1"),
        ("spec.evicted", "develop"),
        ("page.removed", "develop"),
    ]
    assert not any(c.get("first") or c.get("last") for c in world.changes("--since", seq))
    assert world.found("tag:v1") == letter_hashes("a")
    (warning,) = world.status()["warnings"]
    assert "v1" in warning["reason"]
    world.verify()


# -- the same hash described differently


def test_none_never_replaces_a_compiler(world):
    """A page of 2025 that says `none` keeps the known compiler, with a warning, and is accepted."""
    world.page("v1", "hdf5", spec("a", compiler="gcc@=12.3.0"))
    world.sync()
    seq = world.seq()
    world.page("v2", "hdf5", spec("a", compiler="none"))
    world.sync()
    assert world.kinds(seq) == ["page.added", "spec.cached"]
    (warning,) = world.status()["warnings"]
    assert (warning["page"], "none" in warning["reason"]) == ("v2/hdf5/specs.md", True)
    assert world.status()["rejected"] == []
    answer = world.search("hdf5")
    assert [r["compiler"] for r in answer["results"]] == ["gcc@=12.3.0"]
    assert [p["tag"] for p in answer["results"][0]["specs"][0]["placements"]] == ["v1", "v2"]
    assert world.found("compiler:none") == []
    world.verify()


def test_the_old_spelling_of_a_compiler_is_the_same(world):
    """`gcc@12.3.0` and `gcc@=12.3.0` are one compiler: no change, no warning."""
    world.page("v1", "hdf5", spec("a", compiler="gcc@12.3.0"))
    world.page("v2", "hdf5", spec("a", compiler="gcc@=12.3.0"))
    world.sync()
    assert world.status()["warnings"] == []
    assert [r["compiler"] for r in world.search("hdf5")["results"]] == ["gcc@=12.3.0"]


def test_a_refined_compiler(world):
    """A compiler that becomes known refines the spec, and search finds it under the new one only."""
    world.page("v2", "hdf5", spec("a", compiler="none"), spec("b", compiler="none"))
    world.sync()
    seq = world.seq()
    world.page("v1", "hdf5", spec("a", compiler="gcc@12.3.0"))
    world.sync()
    refined = [c for c in world.changes("--since", seq) if c["kind"] == "spec.refined"]
    assert [(c["hash"][0], c["build_before"]["compiler"], c["build"]["compiler"])
            for c in refined] == [("a", "none", "gcc@=12.3.0")]  # fmt: skip
    assert world.found("compiler:none") == letter_hashes("b")
    assert world.found("compiler:gcc@12.3.0") == letter_hashes("a")
    world.verify()
    world.remove("v1/hdf5")
    world.sync()
    assert world.found("compiler:gcc") == letter_hashes("a"), "what was learnt stays known"
    assert world.sync()["changes"] == {}
    world.verify()


def test_a_refined_compiler_on_the_same_page(world):
    """A page that says more of its own specs than before refines them."""
    world.page("develop", "hdf5", spec("a", compiler="none"))
    world.sync()
    seq = world.seq()
    world.page("develop", "hdf5", spec("a", compiler="gcc@=12.3.0"))
    world.sync()
    assert world.kinds(seq) == ["spec.refined"]
    assert world.found("compiler:gcc") == letter_hashes("a")
    assert world.found("compiler:none") == []
    world.verify()


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
