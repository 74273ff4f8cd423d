"""Subscriptions that ask what a spec depends on: told when it is cached, or when that becomes known."""

import json

import pytest

from cachesync import query
from cachesync.config.file import parse
from cachesync.ledger import log
from cachesync.model import ChangeKind
from cachesync.notify import trial
from cachesync.notify.follower import Follower
from cachesync.notify.outbox.connect import open_outbox, transaction
from tests.support.statements import ALL_LLVM, HDF5, MIXED, PY, STATEMENTS, ZLIB, World

ROOT = STATEMENTS["m"][0]
CACHED, DESCRIBED = ChangeKind.SPEC_CACHED, ChangeKind.SPEC_DESCRIBED


class Site(World):
    """The two sources of indexes and the pages, with subscriptions that start after what they began with."""

    def begin(self, writer, *texts: str, is_read: bool = True, **more) -> None:
        self.put_page(PY, compiler="none", short=False)
        if is_read:
            self.put("m", ROOT, [PY], [])
            self.put("other", STATEMENTS["other"][0], [], [])
        self.sync(writer)
        self.config = parse(
            json.dumps(
                {
                    "sources": [{"name": "m", "type": "directory", "path": str(self.pages)}],
                    "subscriptions": [
                        {
                            "name": f"s{n}",
                            "query": text,
                            "targets": [{"type": "webhook", "url": "https://one.example.org/"}],
                            **more,
                        }
                        for n, text in enumerate(texts)
                    ],
                }
            ),
            name="x",
        )
        self.outbox = open_outbox(self.state)
        self.db = writer.db
        self.follower = Follower(writer.db, self.run, self.state)
        self.follower.begin(self.config, now=1)
        self.begun = self.follower.seq

    def run(self, work):
        with transaction(self.outbox) as db:
            return work(db)

    def told(self, name: str = "s0") -> list[tuple[str, str, str]]:
        """Kind, source and hash of what is told since it was asked last."""
        self.follower.catch_up(now=1)
        rows = self.run(
            lambda db: db.execute(
                "SELECT m.document FROM match m JOIN subscription s ON s.id = m.subscription_id"
                " WHERE s.name = ? ORDER BY m.seq",
                (name,),
            ).fetchall()
        )
        self.run(
            lambda db: db.execute(
                "DELETE FROM match WHERE subscription_id IN"
                " (SELECT id FROM subscription WHERE name = ?)",
                (name,),
            )
        )
        documents = [json.loads(text) for (text,) in rows]
        return [(one["kind"], one["source"], one["hash"]) for one in documents]

    def tried(self) -> list[tuple[str, str]]:
        """Kind and hash of what `subscriptions test` finds since the beginning."""
        (entry, *_) = self.config.subscriptions
        about = trial.is_about(self.config, entry, self.db, self.state)
        wanted = log.Filter(after=self.begun, about=about)
        return [(c.kind.label, c.hash) for c in log.changes(self.db, wanted)]


@pytest.fixture
def site(tmp_path):
    world = Site(tmp_path)
    with world.writing() as writer:
        world.writer = writer
        yield world
        if hasattr(world, "outbox"):
            world.outbox.close()


def test_a_cached_binary_is_judged_by_what_is_below_it(site):
    """What is cached with its DAG is told where the DAG is as asked for, once, and else not."""
    site.begin(
        site.writer, "^zlib-ng@2.2 hdf5", "hdf5 %fortran=gcc@12", "^zlib-ng@:2.1", "hdf5 -^openmpi"
    )
    site.put("m", ROOT, [HDF5, MIXED, ALL_LLVM], [HDF5, MIXED, ALL_LLVM])
    site.sync(site.writer, "m")
    hashes = {HDF5.hash, MIXED.hash, ALL_LLVM.hash}
    assert {one[2] for one in site.told("s0")} == hashes
    assert site.told("s1") == [("spec.cached", "m", MIXED.hash)]
    assert site.told("s2") == []
    assert {one[2] for one in site.told("s3")} == hashes - {HDF5.hash}
    assert sorted(site.tried()) == sorted(("spec.cached", one) for one in hashes)
    site.sync(site.writer)
    assert site.told("s0") == []


def test_what_becomes_known_of_a_cached_binary_is_told_once(site):
    """A page caches it; that an index tells of it is told where it is placed, and what more is told is not."""
    site.begin(site.writer, "^zlib-ng", "^zlib-ng@:2.1", "hdf5")
    site.put_page(HDF5, compiler="gcc@=12.3.0", short=False)
    site.sync(site.writer)
    assert site.told() == []
    assert [one[0] for one in site.told("s2")] == ["spec.cached"]
    site.put("m", ROOT, [HDF5], [])
    site.sync(site.writer, "m")
    assert site.told() == [("spec.described", "pages", HDF5.hash)]
    assert site.told("s1") == site.told("s2") == []
    assert site.tried() == [("spec.described", HDF5.hash)]
    site.put("other", STATEMENTS["other"][0], [HDF5, MIXED], [])
    site.sync(site.writer)
    assert site.told() == []


def test_a_follower_that_is_late_tells_the_same(site):
    """Whether changes are looked at as they come or all at once makes no difference."""
    site.begin(site.writer, "^zlib-ng")
    site.put_page(HDF5, compiler="gcc@=12.3.0", short=False)
    site.sync(site.writer)
    site.put("m", ROOT, [HDF5, MIXED], [MIXED])
    site.sync(site.writer)
    said = [("spec.described", "pages", HDF5.hash), ("spec.cached", "m", MIXED.hash)]
    assert sorted(site.told()) == sorted(said)


def test_what_matched_by_its_page_is_not_told_again(site):
    """A page says the compiler: when the index says the same of it nothing is new."""
    site.begin(site.writer, "hdf5 %gcc@12")
    site.put_page(HDF5, compiler="gcc@=12.3.0", short=False)
    site.sync(site.writer)
    assert [one[0] for one in site.told()] == ["spec.cached"]
    site.put("m", ROOT, [HDF5], [])
    site.sync(site.writer, "m")
    assert site.told() == []


def test_what_is_gone_is_not_told_of(site):
    """A spec that is not placed any more when it becomes known, or never was, is no news."""
    site.begin(site.writer, "^zlib-ng")
    site.put_page(HDF5, compiler="gcc@=12.3.0", short=False)
    site.sync(site.writer)
    (site.pages / "v1" / HDF5.name / "specs.md").unlink()
    site.put_page(ZLIB, compiler="gcc@=12.3.0", short=False)
    site.sync(site.writer)
    site.put("m", ROOT, [HDF5, MIXED], [])
    site.sync(site.writer, "m")
    assert site.told() == []


def test_a_first_reading_is_news_of_what_was(site):
    """A new index tells of what was news when it was cached; of what was there from the beginning it does not."""
    site.begin(site.writer, "^zlib-ng@2 os:ubuntu22.04", is_read=False)
    site.put_page(HDF5, compiler="gcc@=12.3.0", short=False)
    site.sync(site.writer)
    site.put("other", STATEMENTS["other"][0], [HDF5, PY], [])
    site.sync(site.writer)
    assert site.told() == [("spec.described", "pages", HDF5.hash)]


def test_a_backfill_knows_what_is_below_now(site):
    """A new subscription that is told what is cached is told of what is judged so now."""
    site.begin(site.writer, "hdf5")
    site.put_page(HDF5, compiler="gcc@=12.3.0", short=False)
    site.sync(site.writer)
    site.put("m", ROOT, [HDF5, MIXED], [MIXED])
    site.sync(site.writer)
    (entry,) = site.config.subscriptions
    for text, expected in (("^zlib-ng hdf5", {HDF5.hash, MIXED.hash}), ("^openmpi", {HDF5.hash})):
        asked = entry._replace(query=text, condition=query.parse(text), backfill=True)
        found = site.follower._cached(asked)
        assert {json.loads(one.document)["hash"] for one in found} == expected


@pytest.mark.parametrize("first", [True, "build"])
def test_only_what_is_new_is_told_of_when_it_becomes_known(site, first):
    """Of hashes or builds that were cached before nothing is told, as when they are cached."""
    site.begin(site.writer, "^zlib-ng tag:v1", first=first)
    site.put_page(HDF5, compiler="gcc@=12.3.0", short=False)
    site.sync(site.writer)
    site.put("m", ROOT, [HDF5], [])
    site.sync(site.writer, "m")
    assert [one[0] for one in site.told()] == ["spec.described"]


def test_nothing_is_asked_for_those_that_do_not_ask(site):
    """Without such a subscription no description is read, and nobody asks the graph."""
    site.begin(site.writer, "hdf5", "+mpi")
    assert DESCRIBED not in site.follower._matcher.kinds
    site.put("m", ROOT, [HDF5], [HDF5])
    site.sync(site.writer, "m")
    assert [one[0] for one in site.told()] == ["spec.cached"]
    assert "_dags" not in vars(site.follower._judge)


def test_what_no_index_can_say_is_told_of_to_nobody(site, caplog):
    """A question that the graph refuses is said once, and delivers nothing; the others go on."""
    site.begin(site.writer, "hdf5 ^mpi@4:", "hdf5")
    site.put("m", ROOT, [HDF5, MIXED], [HDF5, MIXED])
    site.sync(site.writer, "m")
    assert site.told() == []
    assert len(site.told("s1")) == 2


def test_what_is_asked_of_mirrors_is_judged_by_those_that_there_are(site):
    """A subscription on a mirror is told of what it places, also where that came after the subscription."""
    other = STATEMENTS["other"][0]
    site.begin(site.writer, "mirror:m", "mirror:file:///o", "hdf5 mirror:file:* ^zlib-ng", "-mirror:file:*",
               is_read=False)  # fmt: skip
    site.put("m", ROOT, [PY], [PY])
    site.put("other", other, [PY], [PY])
    site.sync(site.writer)
    assert site.told("s0") == []  # the first pass over a source is no news
    site.put("m", ROOT, [PY, ZLIB], [PY, ZLIB])
    site.sync(site.writer)
    assert site.told("s0") == [("spec.cached", "m", ZLIB.hash)]
    site.put("other", other, [HDF5, ZLIB], [HDF5, ZLIB])
    site.put_page(MIXED, compiler="none", short=False)
    site.sync(site.writer)
    assert site.told("s0") == []
    assert {one[1:] for one in site.told("s1")} == {("other", HDF5.hash)}
    assert site.told("s2") == [("spec.cached", "other", HDF5.hash)]
    assert site.told("s3") == [("spec.cached", "pages", MIXED.hash)]
    assert site.tried() == [("spec.cached", ZLIB.hash)]
