"""What is gathered for a message, and when it is made."""

import json
import sqlite3

import pytest

from cachesync.model import ChangeKind
from cachesync.notify.once import announce
from cachesync.notify.outbox import queue
from tests.support.outboxes import GONE, OK, ONE, SECOND, TWO, Site, site_of, subscribed
from tests.support.world import hash_of


def test_a_window_gathers_and_a_crash_keeps_it():
    with site_of(ONE, extra="    batch: {window: 30s}\n") as site:
        for _ in range(3):
            site.write()
            site.sync()
            site.follower.catch_up(now=site.now)
            assert site.follower.close_windows(now=site.now) == 0
            site.crash()
            site.now += 10 * SECOND
        assert site.summary()["subscriptions"][0]["waiting"] == 3
        assert site.follower.close_windows(now=site.now) == 1
        assert b'"total": 3' in site.next().body


def test_a_window_waits_for_the_end_of_a_pass_but_not_for_ever():
    with site_of(ONE, extra="    batch: {window: 30s}\n") as site:
        site.write()
        site.sync()
        site.follower.catch_up(now=site.now)
        site.now += 60 * SECOND
        assert site.follower.close_windows(now=site.now, passing=["site"]) == 0
        site.now += 241 * SECOND
        assert site.follower.close_windows(now=site.now, passing=["site"]) == 1


def test_an_edited_subscription_starts_from_now_and_what_waited_is_sent():
    with site_of(ONE) as site:
        site.write()
        site.sync()
        site.follower.catch_up(now=site.now)
        site.write()
        site.sync()
        site.config = site.parsed(subscribed(ONE).replace("query: ''", "query: 'package:p*'"))
        site.crash()
        assert b'"query": ""' in site.next().body
        assert b'"total": 2' in site.next().body
        site.attempt(OK)
        site.news()
        assert b'"query": "package:p*", "total": 1' in site.next().body


@pytest.mark.parametrize("is_late", [True, False])
def test_backfill_tells_of_what_is_cached_already_once(is_late, tmp_path):
    """Whether the subscription or the first import of the source was there first."""
    site = Site(tmp_path, "")
    try:
        site.config = site.parsed(subscribed(ONE, extra="    backfill: true\n"))
        if not is_late:
            site.crash()
        site.write(2)
        site.sync("other")
        if is_late:
            site.crash()
        site.follower.catch_up(now=site.now)
        site.follower.close_windows(now=site.now, all_=True)
        data = json.loads(site.next().body)["data"]
        assert {c["hash"] for c in data["changes"]} == {hash_of(1), hash_of(2)}
        site.attempt(OK)
        site.crash()
        assert site.next() is None
    finally:
        site.close()


@pytest.mark.parametrize("which", ["restored", "foreign"])
def test_what_waits_is_sent_when_the_ledger_is_another_one(which):
    """Its changes have seqs that other changes get: both are told of, each once."""
    with site_of(ONE) as site:
        if which == "restored":
            beside = sqlite3.connect(site.root / "copy")
            site.ledger.backup(beside)
            beside.close()
        site.write(3)
        site.sync()
        site.follower.catch_up(now=site.now)
        lost = {hash_of(n) for n in (1, 2, 3)}
        site.restore(site.root / "copy" if which == "restored" else None)
        site.crash()
        assert "subscriptions start anew" in site.summary()["note"]
        first = json.loads(site.next().body)["data"]
        assert {change["hash"] for change in first["changes"]} == lost
        site.attempt(OK)
        site.news(4)
        second = json.loads(site.next().body)["data"]
        assert {c["hash"] for c in second["changes"]} >= {hash_of(n) for n in (4, 5, 6, 7)}
        site.attempt(OK)
        assert site.next() is None


def test_a_disabled_target_is_announced_once_whatever_happens():
    with site_of(ONE, TWO) as site:

        def tell(kind: ChangeKind, row: queue.TargetRow) -> None:
            announce(site.writer, kind, row)

        site.news()
        site.attempt(GONE)
        site.attempt(OK, 2)
        site.crash()
        assert site.follower.announce(tell) == 1
        site.crash()  # the log says so, and the outbox finds it there
        assert site.follower.announce(tell) == 0
        due = site.next(2)
        assert due.type == "targets.disabled"
        assert site.next() is None
        site.attempt(OK, 2)
        site.run(lambda db: queue.enable(db, 1, now=site.now))
        assert site.follower.announce(tell) == 1
        site.follower.catch_up(now=site.now)
        assert site.follower.announce(tell) == 0
        assert site.next(2).type == "targets.enabled"
