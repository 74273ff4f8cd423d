"""The outbox: schedules with a clock that is told, order, crashes, retention, and who may read."""

import json
import os
import socket
import sqlite3
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cachesync import net
from cachesync.config.file import parse
from cachesync.config.settings import Config
from cachesync.diff import Guard
from cachesync.errors import OutboxError, UsageError
from cachesync.ledger import connect as ledger
from cachesync.ledger.write import Writer
from cachesync.model import ChangeKind
from cachesync.notify import requests
from cachesync.notify.follower import Follower
from cachesync.notify.once import announce
from cachesync.notify.outbox import intake, queue, report
from cachesync.notify.outbox.again import retry
from cachesync.notify.outbox.committer import Committer
from cachesync.notify.outbox.connect import open_outbox, transaction
from cachesync.notify.retry import SCHEDULE_SECONDS
from cachesync.notify.target import Delivery, Outcome, Result
from cachesync.notify.ways import ways
from cachesync.selection import Selection
from cachesync.sources.directory import DirectorySource
from cachesync.sync.passes import run_pass
from tests.support.pagetext import Facts, as_generated, spec
from tests.support.receiver import SECRET, receiver
from tests.support.world import hash_of

SECOND = 1_000_000
START = 1_750_000_000 * SECOND
OK = Result(Outcome.DELIVERED, 204, "204", None, 0.1)
BAD = Result(Outcome.FAILED, 500, "answered 500", None, 0.1)
GONE = Result(Outcome.GONE, 410, "answered 410", None, 0.1)


class Site:
    """A ledger with a directory as its source, and an outbox; time is what `now` says."""

    def __init__(self, root: Path, config: str) -> None:
        self.root = root
        self.state = root / "state"
        self.state.mkdir(parents=True)
        self.pages = root / "pages"
        self.pages.mkdir()
        self.now = START
        self.config = self.parsed(config)
        self.count = 0
        self.ledger = ledger.open_writer(self.state, now=self.now)
        self.writer = Writer(self.ledger, clock=lambda: self.now)
        self.sync()
        self.open()

    def parsed(self, text: str) -> Config:
        return parse(
            f"sources: [{{name: site, type: directory, path: {self.pages}}}]\n{text}", name="x"
        )

    def open(self) -> None:
        """What a process does that starts."""
        self.outbox = open_outbox(self.state)
        self.follower = Follower(self.ledger, self.run)
        self.follower.begin(self.config, now=self.now)

    def crash(self) -> None:
        """Nothing that is only in memory is left."""
        self.outbox.close()
        self.open()

    def close(self) -> None:
        self.outbox.close()
        self.ledger.close()

    def restore(self, copy: Path | None) -> None:
        """Put a copy of the ledger in its place, or with None begin a new one with one import."""
        self.ledger.close()
        for file in self.state.glob("ledger*"):
            file.unlink()
        if copy is not None:
            copy.rename(self.state / ledger.LEDGER_FILE)
        self.ledger = ledger.open_writer(self.state, now=self.now)
        self.writer = Writer(self.ledger, clock=lambda: self.now)
        if copy is None:
            self.sync()

    def run(self, work):
        with transaction(self.outbox) as db:
            return work(db)

    def write(self, count: int = 1) -> None:
        for _ in range(count):
            self.count += 1
            folder = self.pages / "develop" / f"p{self.count}"
            folder.mkdir(parents=True)
            rows = [spec(hash_of(self.count))]
            (folder / "specs.md").write_bytes(as_generated(Facts(folder.name, "develop", rows)))

    def sync(self, name: str = "site") -> None:
        row = self.writer.source(name, "directory", str(self.pages), configured=True, interval=1)
        source = DirectorySource(name, self.pages, page_limit=1 << 20)
        run_pass(self.writer, source, row, selection=Selection(), guard=Guard())

    def news(self, count: int = 1) -> None:
        """So many specs are newly cached, and every window is closed."""
        self.write(count)
        self.sync()
        self.follower.catch_up(now=self.now)
        self.follower.close_windows(now=self.now, all_=True)

    def due(self) -> list[int]:
        """The targets to which something can be sent now."""
        ready, _ = self.run(lambda db: queue.due_targets(db, now=self.now))
        return [target for target, _ in ready]

    def next(self, target: int = 1) -> queue.Due | None:
        return self.run(lambda db: queue.next_due(db, target, now=self.now))

    def attempt(self, result: Result, target: int = 1, chance: float = 0.0) -> queue.Recorded:
        """One attempt that ends so."""
        due = self.next(target)
        assert due is not None
        return self.run(lambda db: queue.record(db, due, result, now=self.now, chance=chance))

    def wait(self) -> float:
        """Go on to when something is due; the seconds that takes."""
        ready, later = self.run(lambda db: queue.due_targets(db, now=self.now))
        if ready or later is None:
            return 0.0
        waited, self.now = later - self.now, later
        return waited / SECOND

    def summary(self):
        return self.run(report.summary)

    def target(self, number: int = 0):
        return self.summary()["subscriptions"][0]["targets"][number]


def subscribed(*urls: str, name: str = "all", extra: str = "") -> str:
    targets = "".join(
        f"      - {{type: webhook, url: '{url}', allow_private: true}}\n" for url in urls
    )
    return f"subscriptions:\n  - name: {name}\n    query: ''\n{extra}    targets:\n{targets}"


@contextmanager
def site_of(*urls: str, extra: str = "") -> Iterator[Site]:
    with tempfile.TemporaryDirectory() as directory:
        site = Site(Path(directory), subscribed(*urls, extra=extra))
        try:
            yield site
        finally:
            site.close()


ONE, TWO = "https://one.example.org/", "https://two.example.org/"


# -- the schedule


def test_the_schedule_of_a_receiver_that_fails_for_ever():
    """Each wait is that of Standard Webhooks; then the message is given up and the next follows."""
    with site_of(ONE) as site:
        site.news()
        site.news()
        waits = []
        for _ in SCHEDULE_SECONDS:
            assert site.attempt(BAD).step is queue.Step.AGAIN
            assert site.next() is None
            waits.append(round(site.wait()))
        assert waits == list(SCHEDULE_SECONDS)
        assert site.attempt(BAD).step is queue.Step.DEAD
        assert site.target()["dead"] == 1
        assert site.target()["pending"] == 1
        assert site.attempt(OK).step is queue.Step.DELIVERED
        assert site.target()["state"] == "ok"


def test_a_target_that_fails_for_five_days_is_disabled():
    with site_of(ONE, TWO) as site:
        steps = []
        while queue.Step.DISABLED not in steps:
            site.news()
            site.attempt(OK, 2)
            steps.append(site.attempt(BAD).step)
            site.now += 3_600 * SECOND
            while site.next() is None and steps[-1] is not queue.Step.DISABLED:
                site.wait()
        assert site.now - START >= 5 * 86_400 * SECOND
        assert site.now - START < 6.1 * 86_400 * SECOND
        assert site.target()["state"] == "disabled"
        assert site.target()["reason"].startswith("failing for ")
        assert site.due() == []


def test_a_machine_that_slept_for_a_week_has_not_tried_for_a_week():
    with site_of(ONE) as site:
        site.news()
        assert site.attempt(BAD).step is queue.Step.AGAIN
        site.now += 7 * 86_400 * SECOND
        assert site.attempt(BAD).step is queue.Step.AGAIN
        failures, step = 2, queue.Step.AGAIN
        while step is queue.Step.AGAIN:
            site.wait()
            failures, step = failures + 1, site.attempt(BAD).step
        assert (failures, step) == (8, queue.Step.DISABLED)


def test_failures_of_messages_that_were_given_up_count():
    with site_of(ONE) as site:
        for _ in range(4):
            site.news()
        steps = []
        while queue.Step.DISABLED not in steps:
            steps.append(site.attempt(BAD).step)
            site.wait()
        assert queue.Step.DEAD in steps
        assert 5 <= (site.now - START) / (86_400 * SECOND) < 6.2


@pytest.mark.parametrize("days", [1, 400, 365 * 100])
def test_a_clock_that_was_ahead_blocks_nobody(days):
    """What was tried, and what was only queued, while it was ahead is due once it is right."""
    with site_of(ONE, TWO) as site:
        site.now += days * 86_400 * SECOND
        site.news()
        site.attempt(BAD)
        site.now = START
        assert site.due() == [1, 2] or site.due() == [2, 1]
        assert site.next(1) is not None
        assert site.next(2) is not None
        site.attempt(BAD)
        assert site.next(1) is None
        assert round(site.wait()) == 0
        site.attempt(OK, 2)
        assert round(site.wait()) == SCHEDULE_SECONDS[1]
        site.attempt(OK)


def test_a_clock_that_is_set_back_a_little_uses_up_no_attempt():
    with site_of(ONE) as site:
        site.news()
        site.attempt(BAD)
        site.now -= 30 * SECOND
        assert site.next() is None
        assert round(site.wait()) == 35


def test_a_receiver_that_is_gone_holds_its_queue():
    with site_of(ONE) as site:
        site.news()
        site.news()
        assert site.attempt(GONE).step is queue.Step.DISABLED
        assert site.next() is None
        assert site.due() == []
        assert site.target()["pending"] == 2
        answer = site.run(lambda db: requests.carry_out(db, {"command": "retry"}, now=site.now))
        assert [e["target"] for e in answer["enabled"]] == [site.target()["target"]]
        first = site.next()
        site.attempt(OK)
        assert site.next().id > first.id


def test_retry_after_makes_a_wait_longer_only():
    with site_of(ONE) as site:
        site.news()
        site.attempt(BAD._replace(status=429, retry_after_seconds=90.0))
        assert round(site.wait()) == 90
        site.attempt(BAD._replace(status=429, retry_after_seconds=1.0))
        assert round(site.wait()) == 300


def half(request, _id):
    request.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")
    request.connection.shutdown(socket.SHUT_RDWR)
    return 0


def reset(request, _id):
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    os.close(request.connection.detach())
    return 0


def drip(request, _id):
    for byte in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 60:
        try:
            request.connection.sendall(bytes([byte]))
        except OSError:
            break
        threading.Event().wait(0.1)
    return 0


def huge(request, _id):
    request.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
    try:
        for _ in range(1000):
            request.connection.sendall(b"x" * 1_000_000)
    except OSError:
        pass
    return 0


def late(request, _id):
    request.send_response(429)
    request.send_header("Retry-After", "120")
    request.send_header("Content-Length", "0")
    request.end_headers()
    return 0


def moved(request, _id):
    request.send_response(301)
    request.send_header("Location", "/elsewhere")
    request.send_header("Content-Length", "0")
    request.end_headers()
    return 0


def never(_request, _id):
    threading.Event().wait(3)
    return 0


def just(status):
    return lambda _request, _id: status


@pytest.mark.parametrize(
    ("answer", "step", "wait"),
    [
        (just(200), queue.Step.DELIVERED, 0), (just(204), queue.Step.DELIVERED, 0),
        (moved, queue.Step.AGAIN, 5), (just(400), queue.Step.AGAIN, 5),
        (just(401), queue.Step.AGAIN, 5), (just(410), queue.Step.DISABLED, 0),
        (late, queue.Step.AGAIN, 120), (just(500), queue.Step.AGAIN, 5), (never, queue.Step.AGAIN, 5),
        (half, queue.Step.AGAIN, 5), (reset, queue.Step.AGAIN, 5), (drip, queue.Step.AGAIN, 5),
        (huge, queue.Step.DELIVERED, 0),
    ],
    ids=["200", "204", "301", "400", "401", "410", "429", "500", "never", "half", "reset", "drip", "1GB"],
)  # fmt: skip
def test_what_follows_from_an_answer(answer, step, wait, tmp_path):
    """Over real sockets; only the clock of the schedule is told."""
    (tmp_path / "secret").write_text(SECRET)
    with receiver(answer) as there, net.open_poster() as poster:
        config = (
            "subscriptions:\n  - name: all\n    query: ''\n    targets:\n"
            f"      - {{type: webhook, url: '{there.url}', allow_private: true, timeout: 1s,"
            f" secret: {{file: {tmp_path / 'secret'}}}}}\n"
        )
        site = Site(tmp_path / "site", config)
        try:
            site.news()
            due = site.next()
            target = ways(site.config, site.run, poster)[1].open()
            sent = Delivery(due.message_id, due.type, due.body, int(site.now / SECOND))
            there.secret = SECRET
            result = target.send(sent, stop=threading.Event())
            assert result.seconds < 3
            recorded = site.run(lambda db: queue.record(db, due, result, now=site.now, chance=0.0))
            assert recorded.step is step
            assert round(site.wait()) == wait
        finally:
            site.close()


# -- order, retry, replay


def test_what_was_given_up_is_sent_again_under_its_id():
    with site_of(ONE) as site:
        site.news()
        dead = site.next()
        for _ in range(len(SCHEDULE_SECONDS) + 1):
            site.attempt(BAD)
            site.wait()
        site.news()
        asked = {"command": "retry", "id": dead.message_id[:10]}
        assert site.run(lambda db: requests.carry_out(db, asked, now=site.now))["deliveries"] == 1
        ids = []
        while (due := site.next()) is not None:
            ids.append(due.message_id)
            site.attempt(OK)
        assert ids[-1] == dead.message_id
        assert len(ids) == len(set(ids)) == 2


def test_a_replay_sends_in_order_what_was_delivered():
    with site_of(ONE, TWO) as site:
        sent = []
        for _ in range(3):
            site.news()
            sent.append(site.next().message_id)
            site.attempt(OK)
            site.attempt(OK, 2)
            site.now += 60 * SECOND
        asked = {"command": "replay", "since": START + 60 * SECOND, "subscription": "all"}
        assert site.run(lambda db: requests.carry_out(db, asked, now=site.now))["deliveries"] == 4
        again = []
        while (due := site.next()) is not None:
            again.append(due.message_id)
            site.attempt(OK)
        assert again == sent[1:]
        with pytest.raises(UsageError, match="nothing was ever sent for other"):
            site.run(lambda db: requests.carry_out(db, {**asked, "subscription": "other"}, now=1))


def test_dead_letters_and_what_was_delivered_are_kept_for_a_while():
    with site_of(ONE) as site:
        site.news()
        site.attempt(OK)
        site.news()
        for _ in range(len(SCHEDULE_SECONDS) + 1):
            site.attempt(BAD)
            site.wait()

        def kept():
            site.run(lambda db: queue.purge(db, now=site.now))
            found = site.run(
                lambda db: report.deliveries(db, subscription=None, state=None, limit=0)
            )
            return sorted(d["state"] for d in found)

        assert kept() == ["dead", "delivered"]
        site.now += 8 * 86_400 * SECOND
        assert kept() == ["dead"]
        site.now += 31 * 86_400 * SECOND
        assert kept() == []
        assert site.outbox.execute("SELECT count(*) FROM message").fetchone() == (0,)


# -- windows


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


# -- files


def test_nobody_else_can_read_it_at_any_time(tmp_path):
    before = os.umask(0)
    try:
        db = open_outbox(tmp_path)
        with transaction(db):
            db.execute("INSERT INTO position VALUES ('x', 0, NULL, NULL, NULL)")
        modes = {f.name: stat.S_IMODE(f.stat().st_mode) for f in tmp_path.iterdir()}
        db.close()
    finally:
        os.umask(before)
    assert set(modes.values()) == {0o600}
    assert len(modes) == 3


def test_what_is_no_outbox_is_said_so(tmp_path):
    db = sqlite3.connect(tmp_path / "outbox.sqlite")
    db.execute("PRAGMA user_version = 7")
    db.close()
    with pytest.raises(OutboxError, match="is no outbox"):
        open_outbox(tmp_path)
    (tmp_path / "outbox.sqlite").write_bytes(b"x" * 5000)
    with pytest.raises(OutboxError, match="is damaged") as caught:
        open_outbox(tmp_path)
    assert "move outbox.sqlite* away" in caught.value.hint


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_an_outbox_that_is_not_there_any_more_takes_nothing(how, tmp_path):
    """Rather than write into a file without a name."""
    committer = Committer(tmp_path)
    try:
        assert committer.run(queue.targets) == []
        for file in tmp_path.glob("outbox.sqlite*"):
            file.unlink()
        if how == "replaced":
            open_outbox(tmp_path).close()
        for _ in range(2):
            with pytest.raises(OutboxError, match="was removed or replaced"):
                committer.run(queue.targets)
        assert committer.is_lost()
    finally:
        committer.close()
    again = Committer(tmp_path)
    assert again.run(queue.targets) == []
    assert not again.is_lost()
    again.close()


# -- any interleaving


class Fire(RuleBasedStateMachine):
    """Commits, matches, windows, attempts and crashes in any order lose nothing and keep order."""

    @initialize()
    def begin(self) -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.site = Site(
            Path(self.directory.name),
            subscribed(ONE, TWO, extra="    batch: {window: 10s, most: 2, summary_above: 50}\n"),
        )
        self.got: dict[int, list[bytes]] = {1: [], 2: []}
        self.ids: dict[int, list[str]] = {1: [], 2: []}

    def teardown(self) -> None:
        if hasattr(self, "site"):
            self.drain()
            self.site.close()
            self.directory.cleanup()

    @rule(count=st.integers(1, 5))
    def commit(self, count: int) -> None:
        self.site.write(count)
        self.site.sync()

    @rule()
    def match(self) -> None:
        self.site.follower.catch_up(now=self.site.now)

    @rule(seconds=st.integers(0, 20))
    def pass_time(self, seconds: int) -> None:
        self.site.now += seconds * SECOND
        self.site.follower.close_windows(now=self.site.now)

    @rule()
    def crash(self) -> None:
        self.site.crash()

    @rule(where=st.sampled_from((1, 2)), how=st.sampled_from(("good", "bad", "lost", "good")))
    def send(self, where: int, how: str) -> None:
        due = self.site.next(where)
        if due is None:
            return
        if how != "bad" and due.message_id not in self.ids[where]:
            self.got[where].append(due.body)
        if how != "bad":
            self.ids[where].append(due.message_id)
        if how == "lost":  # it arrived, and nobody wrote that down
            self.site.crash()
            return
        self.site.attempt(OK if how == "good" else BAD, where)

    @rule(where=st.sampled_from((1, 2)))
    def retry(self, where: int) -> None:
        self.site.run(lambda db: retry(db, now=self.site.now, target=where))

    @invariant()
    def one_cursor(self) -> None:
        if hasattr(self, "site"):
            position = self.site.run(intake.position)
            assert position is not None
            assert position.seq == self.site.follower.seq

    def drain(self) -> None:
        """Deliver all there is, and look at what arrived."""
        site = self.site
        site.follower.catch_up(now=site.now)
        site.follower.close_windows(now=site.now, all_=True)
        site.run(lambda db: retry(db, now=site.now))
        expected = [
            seq
            for (seq,) in site.ledger.execute("SELECT seq FROM change WHERE kind = 1 ORDER BY seq")
        ]
        for target in (1, 2):
            while site.next(target) is not None:
                self.send(target, "good")
            datas = [json.loads(body)["data"] for body in self.got[target]]
            assert [c["seq"] for data in datas for c in data["changes"]] == expected
            assert all(len(data["changes"]) <= 2 for data in datas)
            for before, after in pairwise(datas):
                assert after["since_seq"] == before["until_seq"]


TestFire = Fire.TestCase
TestFire.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
