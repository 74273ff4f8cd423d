"""Who may read the outbox, and that no interleaving loses anything."""

import json
import os
import sqlite3
import stat
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cachesync.errors import OutboxError
from cachesync.notify.outbox import intake, queue
from cachesync.notify.outbox.again import retry
from cachesync.notify.outbox.committer import Committer
from cachesync.notify.outbox.connect import open_outbox, transaction
from tests.support.examples import examples
from tests.support.outboxes import BAD, OK, ONE, SECOND, TWO, Site, subscribed

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


STEPS = 25
MOST_AT_ONCE = 5
"""Changes in one step: all that a history has may be in one window, and none of it becomes a summary."""


@examples(20, 300, stateful_step_count=STEPS, deadline=None)
class Fire(RuleBasedStateMachine):
    """Commits, matches, windows, attempts and crashes in any order lose nothing and keep order."""

    @initialize()
    def begin(self) -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.site = Site(
            Path(self.directory.name),
            subscribed(
                ONE,
                TWO,
                extra=f"    batch: {{window: 10s, most: 2, summary_above: {STEPS * MOST_AT_ONCE}}}\n",
            ),
        )
        self.got: dict[int, list[bytes]] = {1: [], 2: []}
        self.ids: dict[int, list[str]] = {1: [], 2: []}

    def teardown(self) -> None:
        if hasattr(self, "site"):
            try:
                self.drain()
            finally:
                self.site.close()
                self.directory.cleanup()

    @rule(count=st.integers(1, MOST_AT_ONCE))
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
