"""`first: build`: each build is told of once, whatever its hash."""

import json

import pytest

from cachesync.diff import Guard
from cachesync.model import First
from cachesync.selection import Selection
from cachesync.sync.passes import run_pass
from tests.support.mirrors import Record, document, edge, record
from tests.support.outboxes import OK, ONE, SECOND, Site, site_of, subscribed
from tests.support.pagetext import Facts, as_generated, spec
from tests.support.statedsource import Stated, StatedSource
from tests.support.statements import GCC, LLVM
from tests.support.world import World, hash_of

BUILD = "    first: build\n"
OTHER_GCC = record("gcc", "13.2.0", external="/opt")
MAIN = Stated("file:///m", None, "v1", "root")


def page(site: Site, tag: str, *rows: dict) -> None:
    """Write the page of p in a tag, and take it over."""
    folder = site.pages / tag / "p"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "specs.md").write_bytes(as_generated(Facts("p", tag, list(rows))))
    site.sync()


def index(site: Site, *records: Record) -> None:
    """Take over a cache index that has exactly these records cached."""
    row = site.writer.source("m", "buildcache", "m", configured=True, interval=None)
    source = StatedSource("m", {MAIN: document(records, cached=records)}, 1)
    run_pass(site.writer, source, row, selection=Selection(), guard=Guard())


def told(site: Site) -> list[str]:
    """The hashes that the messages tell of that are due, which are delivered by that."""
    site.follower.catch_up(now=site.now)
    site.follower.close_windows(now=site.now, all_=True)
    found = []
    while (due := site.next()) is not None:
        found += [change["hash"] for change in json.loads(due.body)["data"]["changes"]]
        site.attempt(OK)
    return found


def of(letter: str, **facts) -> dict:
    return spec(hash_of(ord(letter)), **facts)


def test_a_build_is_told_of_once():
    """Another hash of it, in the same pass or later, here or in another tag, is no news; another build is."""
    with site_of(ONE, extra=BUILD) as site:
        page(site, "v1", of("a"), of("b"))
        assert len(told(site)) == 1
        page(site, "v1", of("a"), of("b"), of("c"), of("d", versions=["9.9"]))
        assert told(site) == [hash_of(ord("d"))]
        page(site, "v2", of("e"), of("d", versions=["9.9"]))
        assert told(site) == []
        page(site, "v1", of("f", variants=["+new"]))
        assert told(site) == [hash_of(ord("f"))]


def test_a_build_that_went_and_came_back_was_told_of():
    """Evicted and rebuilt under another hash it is no new build; `first: hash` tells of it."""
    for extra, count in ((BUILD, 0), ("    first: hash\n", 1)):
        with site_of(ONE, extra=extra) as site:
            page(site, "v1", of("a"))
            assert told(site) == [hash_of(ord("a"))]
            page(site, "v1", of("b"))
            assert len(told(site)) == count


def test_what_the_first_pass_found_is_cached_already():
    """A baseline tells nobody, and its builds are no news when they come under another hash."""
    with site_of(ONE, extra=BUILD) as site:
        base, rebuilt, new = (
            record("zlib-ng", version, edge(GCC, "build", virtuals=("c",)), package_hash=digest)
            for version, digest in (("1", "x" * 52), ("1", "y" * 52), ("2", "x" * 52))
        )
        index(site, base)
        assert told(site) == []
        index(site, base, rebuilt, new)
        assert told(site) == [new.hash]


def test_the_compilers_of_all_languages_make_a_build():
    """Where only the compiler of fortran is another one, so is the build; the order of edges is nothing."""
    with site_of(ONE, extra=BUILD) as site:
        index(site, record("empty", "1"))
        assert told(site) == []
        c = edge(LLVM, "build", virtuals=("c",))
        one, same, other = (
            record("hdf5", "1", c, edge(fortran, "build", virtuals=("fortran",)), package_hash=digest)
            for fortran, digest in ((GCC, "x" * 52), (GCC, "y" * 52), (OTHER_GCC, "x" * 52))
        )  # fmt: skip
        index(site, record("empty", "1"), one)
        assert told(site) == [one.hash]
        index(site, record("empty", "1"), one, same, other)
        assert told(site) == [other.hash]


def test_backfill_tells_of_each_build_once(tmp_path):
    """Of what is cached already, one hash of a build."""
    site = Site(tmp_path, "")
    try:
        page(site, "v1", of("a"), of("b"), of("c", versions=["9.9"]))
        site.config = site.parsed(subscribed(ONE, extra=f"{BUILD}    backfill: true\n"))
        site.crash()
        found = told(site)
        assert len(found) == 2
        assert hash_of(ord("c")) in found
    finally:
        site.close()


@pytest.mark.parametrize("now", ["    first: hash\n", "    first: true\n", "    first: yes\n", ""])
def test_true_goes_on_to_be_hash(now):
    """What waits under `first: true` goes on to wait, messages keep their ids, none is made anew."""
    with site_of(ONE, extra="    first: true\n    batch: {window: 30s}\n") as site:
        assert site.config.subscriptions[0].first is First.HASH
        site.news()
        made = site.next()
        site.write()
        site.sync()
        site.follower.catch_up(now=site.now)
        site.config = site.parsed(subscribed(ONE, extra=f"{now}    batch: {{window: 30s}}\n"))
        site.crash()
        assert site.next() == made
        assert site.summary()["subscriptions"][0]["waiting"] == 1
        site.attempt(OK)
        assert site.next() is None
        site.now += 31 * SECOND
        site.follower.close_windows(now=site.now)
        second = json.loads(site.next().body)["data"]
        assert second["since_seq"] == json.loads(made.body)["data"]["until_seq"]


def test_another_first_is_another_subscription():
    """What `hash` had gathered is sent as what it was; then builds are told of."""
    with site_of(ONE, extra="    first: hash\n") as site:
        page(site, "v1", of("a"), of("b"))
        site.follower.catch_up(now=site.now)
        site.config = site.parsed(subscribed(ONE, extra=BUILD))
        site.crash()
        assert sorted(told(site)) == sorted((hash_of(ord("a")), hash_of(ord("b"))))
        page(site, "v1", of("a"), of("b"), of("c"))
        assert told(site) == []


def test_commands_tell_of_new_builds_too(tmp_path):
    """`changes --subscription` and `subscriptions test` judge as messages do; `list` and `config show` name it."""
    world = World(tmp_path)
    world.configure(
        f"sources:\n{world.directory_source(extra=', notify_baseline: true')}"
        f"{subscribed(ONE, extra=BUILD)}"
    )
    world.page("v1", "p", of("a"), of("b"), of("c", versions=["9.9"]))
    world.run("sync", status=None)
    assert len(world.changes("--subscription", "all")) == 2
    tried = world.run("subscriptions", "test", "all", "--dry-run", "--json").json
    assert tried["matched"] == 2
    (listed,) = world.run("subscriptions", "list", "--json").json["subscriptions"]
    assert listed["first"] == "build"
    shown = world.run("config", "show", "--json").json["settings"]["subscriptions"][0]
    assert shown["first"] == "build"
