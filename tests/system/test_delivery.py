"""Deliveries under fire: daemons that are killed, receivers that fail, hang or give up."""

import itertools
import os
import random
import signal
import threading
import time

import pytest

from cachesync.config.settings import WebhookTarget
from cachesync.notify import naming
from tests.support.daemons import daemon, eventually, watched
from tests.support.pagetext import spec
from tests.support.receiver import SECRET, Receiver, receiver, subscription
from tests.support.world import World, hash_of


@pytest.fixture
def site(world: World) -> World:
    """A world with a secret and one page."""
    (world.root / "secret").write_text(SECRET)
    world.page("develop", "hdf5", spec(hash_of(1)))
    return world


def subscribe(site: World, *targets: str, name: str = "all", window: str = "50ms") -> None:
    """Subscribe several targets to everything, and sync once: the baseline is no news."""
    first, *others = [
        subscription(url, name=name, secret=site.root / "secret",
                     extra=f"    batch: {{window: {window}}}\n")
        for url in targets
    ]  # fmt: skip
    lines = first + "".join(text.splitlines(keepends=True)[-1] for text in others)
    site.configure("sources:\n" + site.directory_source() + "subscriptions:\n" + lines)
    if not site.state.exists():
        site.sync()


def shown(url: str) -> str:
    """A target as it is shown."""
    return naming.label(WebhookTarget(url))


def write_pages(site: World, count: int, *, start: int = 100, pause: float = 0.0) -> None:
    """A page with one new spec at a time."""
    for number in range(start, start + count):
        site.page(f"v{number % 7}", f"p{number}", spec(hash_of(number)))
        time.sleep(pause)


def assert_everything_arrived_in_order(site: World, there: Receiver) -> None:
    """Every change of the log, in its order, none of them in two messages."""
    assert not there.bad
    logged = [c["seq"] for c in site.changes("--kind", "spec.cached") if "baseline" not in c]
    assert [change["seq"] for change in there.changes()] == logged
    bodies: dict[str, bytes] = {}
    for received in there.received:
        assert bodies.setdefault(received.id, received.body) == received.body


@pytest.mark.parametrize(
    ("changes", "kills"), [(100, 5), pytest.param(1000, 50, marks=pytest.mark.soak)]
)
def test_a_daemon_that_is_killed_and_a_receiver_that_fails_lose_nothing(site, changes, kills):
    """Every message arrives, duplicates only under an id seen before, in order."""
    chance, asked = random.Random(kills), itertools.count()

    def answer(_request, _id) -> int:
        return 204 if next(asked) % 3 else 500

    with receiver(answer) as there:
        subscribe(site, there.url)
        writing = threading.Thread(target=write_pages, args=(site, changes))
        pause = kills * 1.6 / changes
        writing = threading.Thread(
            target=write_pages, args=(site, changes), kwargs={"pause": pause}, daemon=True
        )
        writing.start()
        killed = 0
        while killed < kills or writing.is_alive():
            with daemon(site, ready=False) as running:
                time.sleep(chance.uniform(0.3, 2.5))
                if chance.random() < 0.7:  # failures wait minutes: some are to be tried again
                    site.run("deliveries", "retry", status=None)
                running.signal(signal.SIGKILL)
                running.process.wait()
                killed += 1
        writing.join()
        with daemon(site) as running:
            watched(running)

            def is_done() -> bool:
                site.run("deliveries", "retry", status=None)
                said = site.run("deliveries", "list", "--limit", "0", "--json").lines
                waiting = site.status()["notifications"]["subscriptions"][0]["waiting"]
                told = {c["hash"] for c in there.changes()}
                everything = {hash_of(n) for n in range(100, 100 + changes)}
                return told >= everything and not waiting and all(
                    d["state"] == "delivered" for d in said
                )  # fmt: skip

            eventually(is_done, 300, every=1.0)
            assert running.stop() == 0
        statuses = [r.status for r in there.received]
        assert statuses.count(500) > len(statuses) * 0.15
        assert killed >= kills
        assert_everything_arrived_in_order(site, there)
        assert len(there.changes()) == changes
    site.verify()


def test_a_message_that_was_sent_and_not_recorded_is_sent_again(site):
    """The daemon is killed when the receiver has the message and before it is answered."""
    pids: list[int] = []

    def answer(_request, _id) -> int:
        if pids:
            os.kill(pids.pop(), signal.SIGKILL)
            time.sleep(0.2)
        return 204

    with receiver(answer) as there:
        subscribe(site, there.url)
        with daemon(site) as running:
            watched(running)
            pids.append(running.process.pid)
            write_pages(site, 1)
            running.process.wait(30)
        (first,) = eventually(lambda: there.received)
        time.sleep(1.1)
        with daemon(site) as running:
            watched(running)
            eventually(lambda: len(there.received) == 2)
            assert running.stop() == 0
        second = there.received[1]
        assert second.id == first.id
        assert second.body == first.body
        assert second.timestamp > first.timestamp
        assert second.signature != first.signature
        assert not there.bad


def test_one_target_at_a_time_in_order(site):
    """However much waits, a target has one message on its way."""

    def slow(_request, _id) -> int:
        time.sleep(0.05)
        return 204

    with receiver(slow) as there:
        subscribe(site, there.url, window="1ms")
        with daemon(site) as running:
            watched(running)
            write_pages(site, 30, pause=0.01)
            eventually(lambda: len(there.changes()) == 30)
            assert running.stop() == 0
        assert there.most_in_flight == 1
        assert_everything_arrived_in_order(site, there)


def test_a_target_that_hangs_delays_nobody(site):
    with receiver() as there, receiver() as hanging:
        hanging.answer = lambda _request, _id: (hanging.released.wait(60) and 500) or 500
        subscribe(site, hanging.url, there.url)
        with daemon(site) as running:
            watched(running)
            write_pages(site, 20, pause=0.02)
            eventually(lambda: len(there.changes()) == 20, 12)
            assert hanging.in_flight == 1
            started = time.monotonic()
            assert running.stop() == 0
            assert time.monotonic() - started < 8
            assert "Traceback" not in running.log
        hanging.released.set()
        hanging.answer = lambda _request, _id: 204
        with daemon(site) as running:
            watched(running)
            eventually(lambda: len(hanging.changes()) == 20)
        assert_everything_arrived_in_order(site, hanging)


def test_a_target_that_is_gone_is_disabled_and_the_others_are_told(site):
    with receiver() as there, receiver(lambda _request, _id: 410) as gone:
        subscribe(site, gone.url, there.url)
        with daemon(site) as running:
            watched(running)
            write_pages(site, 1)
            running.says("disabled")
            eventually(lambda: len(there.accepted) == 2)
            told = there.accepted[1].json
            assert told["type"] == "targets.disabled"
            (change,) = told["data"]["changes"]
            assert change["target"] == shown(gone.url)
            assert change["subscription"] == "all"
            assert "410" in change["reason"]
            (logged,) = site.changes("--kind", "target.disabled")
            assert logged["target"] == shown(gone.url)
            assert "target.disabled" in site.run("changes", "--kind", "target.disabled").out

            def targets():
                said = site.status()["notifications"]["subscriptions"][0]["targets"]
                return {t["target"]: t for t in said}

            eventually(lambda: targets()[shown(gone.url)]["state"] == "disabled")
            write_pages(site, 1, start=200)
            eventually(lambda: len(there.accepted) == 3)
            eventually(lambda: targets()[shown(gone.url)]["pending"] == 2)
            assert len(gone.received) == 1, "nothing more is sent"
            assert "disabled" in site.run("status").out
            said = [line for line in running.log.splitlines() if "disabled" in line]
            assert len([line for line in said if "health" not in line]) == 1, said

            gone.answer = lambda _request, _id: 204
            answer = site.run("deliveries", "retry", "--target", gone.url, status=1)
            assert "no target is called" in answer.err
            site.run("deliveries", "retry", "--target", shown(gone.url))
            eventually(lambda: len(gone.accepted) == 2)
            assert [c["hash"] for c in gone.changes()] == [hash_of(100), hash_of(200)]
            eventually(lambda: there.accepted[-1].json["type"] == "targets.enabled")
            assert [c["kind"] for c in site.changes() if c["kind"].startswith("target.")] == [
                "target.disabled", "target.enabled",
            ]  # fmt: skip
        site.verify()


def test_a_subscription_hears_that_a_source_fails(site):
    with receiver() as there:
        subscribe(site, there.url)
        text = site.config.read_text().replace(
            "    query: ''\n", "    query: ''\n    events: [source.failed, source.recovered]\n"
        )
        site.configure(text)
        with daemon(site) as running:
            watched(running)
            site.pages.rename(site.root / "elsewhere")
            eventually(lambda: there.accepted)
            assert there.accepted[0].json["type"] == "sources.failed"
            assert there.accepted[0].data["changes"][0]["source"] == "site"
            running.stop()
