"""Schedules with a clock that is told, and sending again."""

import os
import socket
import threading

import pytest

from cachesync import net
from cachesync.errors import NotThereError
from cachesync.notify import requests
from cachesync.notify.outbox import queue, report
from cachesync.notify.retry import SCHEDULE_SECONDS
from cachesync.notify.target import Delivery
from cachesync.notify.ways import ways
from tests.support.outboxes import BAD, GONE, OK, ONE, SECOND, START, TWO, Site, site_of
from tests.support.receiver import SECRET, receiver

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
        with pytest.raises(NotThereError, match="nothing was ever sent for other"):
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
