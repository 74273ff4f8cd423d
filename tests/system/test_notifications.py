"""Notifications as users have them: real commands and daemons, a receiver that verifies."""

import json
import socket
import stat
import time
import urllib.request

import pytest

from cachesync.daemon import calling
from tests.support.daemons import daemon, eventually, watched
from tests.support.pagetext import spec
from tests.support.receiver import SECRET, receiver, subscription
from tests.support.world import World, hash_of

FAST = "    batch: {window: 100ms}\n"


@pytest.fixture
def site(world: World) -> World:
    """A world with a secret, a page, and no subscription yet."""
    secret = world.root / "secret"
    secret.write_text(SECRET + "\n")
    secret.chmod(0o600)
    world.page("develop", "hdf5", spec(hash_of(1)), spec(hash_of(2)))
    return world


def configure(site: World, *subscriptions: str, source: str = "") -> None:
    """Subscribe, with the pages as the source `site`."""
    site.configure(
        "sources:\n" + site.directory_source(extra=source)
        + "subscriptions:\n" + "".join(subscriptions)
    )  # fmt: skip


def told(receiver) -> list[str]:
    """The hashes the receiver was told of."""
    return [change["hash"] for change in receiver.changes()]


# -- with the daemon


def test_what_is_newly_cached_is_told_and_the_baseline_is_not(site):
    with receiver() as there:
        configure(site, subscription(there.url, secret=site.root / "secret", extra=FAST))
        with daemon(site) as running:
            watched(running)
            site.page("develop", "zlib", spec(hash_of(3), target="aarch64"))
            eventually(lambda: there.accepted)
            (first,) = there.accepted
            assert not there.bad
            assert abs(first.timestamp - time.time()) < 60
            body = first.json
            assert body["schema"] == 1
            assert body["type"] == "specs.cached"
            data = body["data"]
            assert (data["subscription"], data["total"], data["more"]) == ("all", 1, 0)
            (logged,) = site.changes("--kind", "spec.cached", "--package", "zlib")
            del logged["schema"]
            assert data["changes"] == [logged]
            assert data["since_seq"] < logged["seq"] <= data["until_seq"]
            site.page("develop", "zlib", spec(hash_of(3), target="aarch64"), spec(hash_of(4)))
            eventually(lambda: len(there.accepted) == 2)
            assert there.accepted[1].data["since_seq"] == data["until_seq"]
            assert running.stop() == 0
        assert told(there) == [hash_of(3), hash_of(4)]


def test_a_query_decides(site):
    with receiver() as there:
        entry = subscription(
            there.url, query="zlib target:aarch64", secret=site.root / "secret", extra=FAST
        )
        configure(site, entry)
        with daemon(site) as running:
            watched(running)
            site.page(
                "develop", "zlib",
                spec(hash_of(3), target="aarch64"), spec(hash_of(4), target="x86_64_v3"),
            )  # fmt: skip
            site.page("develop", "cmake", spec(hash_of(5), target="aarch64"))
            eventually(lambda: there.accepted)
        assert told(there) == site.found("zlib target:aarch64") == [hash_of(3)]


def test_a_reload_takes_new_subscriptions_over(site):
    with receiver() as there:
        configure(site)
        site.configure("sources:\n" + site.directory_source())
        with daemon(site) as running:
            watched(running)
            assert not (site.state / "outbox.sqlite").exists()
            site.page("develop", "before", spec(hash_of(3)))
            eventually(lambda: site.found("before"))
            configure(site, subscription(there.url, secret=site.root / "secret", extra=FAST))
            running.signal(1)
            running.says("the config was read again")
            site.page("develop", "after", spec(hash_of(4)))
            eventually(lambda: there.accepted)
        assert told(there) == [hash_of(4)]


def test_subscribe_is_taken_over_at_once_and_ends_with_unsubscribe(site):
    """What is cached after it is told of, signed with the secret that was shown; after the end nothing is."""
    site.configure("sources:\n" + site.directory_source())
    with receiver() as there, daemon(site) as running:
        watched(running)
        done = site.run(
            "subscribe",
            "zlib",
            "--name",
            "mine",
            "--allow-private",
            "--webhook",
            there.url,
            "--json",
        ).json
        assert (done["reloaded"], done["daemon"]) == (True, {"pid": running.process.pid})
        there.secret = done["secret"]
        file = site.config.parent / "subscriptions.d" / "mine.yaml"
        file.write_text(file.read_text() + "    batch: {window: 100ms}\n")
        assert calling.request(site.state, {"command": "reload"}) == {
            "problem": None, "subscriptions": ["mine"],
        }  # fmt: skip
        site.page("develop", "zlib", spec(hash_of(3)))
        eventually(lambda: there.accepted)
        assert (told(there), there.bad) == ([hash_of(3)], [])
        file.write_text(file.read_text() + "    batches: {}\n")
        said = site.run("subscribe", "cmake", "--command", "true", status=2).err
        assert f"{file}:11:5: " in said
        assert "batches" in calling.request(site.state, {"command": "reload"})["problem"]
        file.write_text(file.read_text().replace("    batches: {}\n", ""))
        whole = site.config.read_text()
        site.configure("")
        refused = site.run("subscribe", "cmake", "--webhook", "https://h.example", status=1).err
        assert "refuses the configuration: it has no source; nothing was written" in refused
        assert set(file.parent.iterdir()) == {file, file.with_suffix(".secret")}
        site.configure(whole)
        assert (
            f"(pid {running.process.pid}) has taken it over" in site.run("unsubscribe", "mine").out
        )
        assert list(file.parent.iterdir()) == []
        eventually(lambda: site.status()["notifications"]["subscriptions"] == [])
        assert running.stop() == 0


def test_the_outbox_is_for_its_owner_only(site):
    with receiver() as there:
        configure(site, subscription(there.url, secret=site.root / "secret", extra=FAST))
        with daemon(site) as running:
            watched(running)
            site.page("develop", "zlib", spec(hash_of(3)))
            eventually(lambda: there.accepted)
            files = list(site.state.glob("outbox.sqlite*"))
            assert {f.name for f in files} >= {"outbox.sqlite", "outbox.sqlite-wal"}
            assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}
            assert stat.S_IMODE((site.state / "deliveries.json").stat().st_mode) == 0o644


# -- without


def test_a_sync_notifies(site):
    with receiver() as there:
        configure(site, subscription(there.url, secret=site.root / "secret"))
        site.sync()
        assert not there.received
        site.page("develop", "zlib", spec(hash_of(3)))
        site.sync()
        assert told(there) == [hash_of(3)]
        site.sync()
        assert len(there.received) == 1


def test_a_sync_leaves_what_fails_for_the_next_time(site):
    status = 500
    with receiver(lambda _request, _id: status) as there:
        configure(site, subscription(there.url, secret=site.root / "secret"))
        site.sync()
        site.page("develop", "zlib", spec(hash_of(3)))
        site.sync()
        assert [r.status for r in there.received] == [500]
        (target,) = site.status()["notifications"]["subscriptions"][0]["targets"]
        assert (target["state"], target["pending"]) == ("failing", 1)
        status = 204
        assert site.run("deliveries", "retry", "--json").json["deliveries"] == 1
        assert [r.status for r in there.received] == [500, 204]
        assert len({r.id for r in there.received}) == 1
        (target,) = site.status()["notifications"]["subscriptions"][0]["targets"]
        assert (target["state"], target["pending"]) == ("ok", 0)


def test_a_backfill_and_a_summary(site):
    with receiver() as there:
        many = [spec(hash_of(number)) for number in range(100, 150)]
        site.page("develop", "many", *many)
        configure(site)
        site.configure("sources:\n" + site.directory_source())
        site.sync()
        extra = "    backfill: true\n    batch: {summary_above: 20}\n"
        few = subscription(
            there.url, name="few", query="hdf5", secret=site.root / "secret", extra=extra
        )
        lots = subscription(there.url + "/2", name="lots", query="many", secret=site.root / "secret",
                            extra=extra)  # fmt: skip
        configure(site, few, lots)
        site.sync()
        by_name = {r.data["subscription"]: r.data for r in there.accepted}
        assert len(there.accepted) == 2
        assert [c["hash"] for c in by_name["few"]["changes"]] == [hash_of(1), hash_of(2)]
        summary = by_name["lots"]
        assert summary["changes"] == []
        assert summary["total"] == summary["more"] == 50
        assert summary["counts"] == {"many": {"develop": 50}}
        assert " changes --subscription lots --since 0" in summary["command"]
        site.sync()
        assert len(there.accepted) == 2


def test_the_command_of_a_summary_lists_what_it_counts(site):
    with receiver() as there:
        extra = "    batch: {summary_above: 5}\n"
        configure(
            site, subscription(there.url, query="many", secret=site.root / "secret", extra=extra)
        )
        site.sync()
        site.page("develop", "many", *[spec(hash_of(number)) for number in range(100, 110)])
        site.page("develop", "other", spec(hash_of(200)))
        site.sync()
        (summary,) = there.accepted
        words = summary.data["command"].split()[1:]
        listed = site.run(*words, "--json").lines
        assert len(listed) == summary.data["total"] == 10
        assert {change["package"] for change in listed} == {"many"}


def test_a_page_of_messages(site):
    """100 at most in each, joined by their seqs; nothing is left out."""
    with receiver() as there:
        configure(site, subscription(there.url, query="many", secret=site.root / "secret"))
        site.sync()
        site.page("develop", "many", *[spec(hash_of(number)) for number in range(100, 350)])
        site.sync()
        assert len(there.changes()) == 250
        assert max(len(r.body) for r in there.accepted) < 20_000
        datas = [r.data for r in there.accepted]
        assert {d["total"] for d in datas} == {250}
        left = 250
        for before, data in zip([None, *datas], datas, strict=False):
            left -= len(data["changes"])
            assert data["more"] == left
            if before is not None:
                assert data["since_seq"] == before["until_seq"]


def test_a_damaged_outbox_is_an_error_with_a_remedy(site):
    with receiver() as there:
        configure(site, subscription(there.url, secret=site.root / "secret"))
        site.sync()
        (site.state / "outbox.sqlite").write_bytes(b"nonsense" * 1000)
        site.page("develop", "zlib", spec(hash_of(3)))
        failed = site.run("sync", status=1)
        assert "outbox.sqlite is damaged" in failed.err
        assert "move outbox.sqlite* away" in failed.err
        assert site.found("zlib") == [hash_of(3)]
        with daemon(site) as running:
            watched(running)
            assert "is damaged" in site.status()["notifications"]["error"]
            site.page("develop", "cmake", spec(hash_of(4)))
            eventually(lambda: site.found("cmake"))
            assert running.stop() == 0


def test_an_outbox_that_is_removed_under_the_daemon_is_begun_anew(site):
    """Which is said; what comes then is told."""
    with receiver() as there:
        configure(site, subscription(there.url, secret=site.root / "secret", extra=FAST))
        with daemon(site) as running:
            watched(running)
            site.page("develop", "zlib", spec(hash_of(3)))
            eventually(lambda: there.accepted)
            for file in site.state.glob("outbox.sqlite*"):
                file.unlink()
            eventually(lambda: "was removed" in (site.status()["notifications"]["error"] or ""))
            eventually((site.state / "outbox.sqlite").exists)
            eventually(lambda: site.status()["notifications"]["error"] is None)
            site.page("develop", "cmake", spec(hash_of(4)))
            eventually(lambda: len(there.accepted) == 2)
            assert running.stop() == 0
        assert told(there) == [hash_of(3), hash_of(4)]


def test_another_ledger_resends_nothing_and_says_so(site):
    with receiver() as there:
        configure(site, subscription(there.url, secret=site.root / "secret"))
        site.sync()
        backup = site.root / "backup.sqlite"
        site.run("backup", backup)
        for number in (3, 4):
            site.page("develop", f"p{number}", spec(hash_of(number)))
            site.sync()
        assert told(there) == [hash_of(3), hash_of(4)]
        for file in site.state.glob("ledger.sqlite*"):
            file.unlink()
        backup.rename(site.state / "ledger.sqlite")
        restored = site.run("sync")
        assert "the ledger is an older copy" in restored.err
        assert "older copy" in site.status()["notifications"]["note"]
        assert len(there.accepted) <= 3, "what is found anew after the restore, and no more"
        for file in site.state.glob("ledger.sqlite*"):
            file.unlink()
        other = site.run("sync")
        assert "the ledger is another one" in other.err
        assert len(there.accepted) <= 3


def test_what_is_not_subscribed_any_more_is_held(site):
    with receiver(lambda _request, _id: 500) as there:
        configure(site, subscription(there.url, secret=site.root / "secret"))
        site.sync()
        site.page("develop", "zlib", spec(hash_of(3)))
        site.sync()
        configure(site)
        site.configure("sources:\n" + site.directory_source())
        site.sync()
        (held,) = site.status()["notifications"]["subscriptions"]
        assert held["state"] == "removed"
        assert [(t["state"], t["pending"]) for t in held["targets"]] == [("held", 1)]
        assert "held" in site.run("status").out
        (line,) = site.run("deliveries", "list", "--state", "held", "--json").lines
        assert line["state"] == "held"
        there.answer = lambda _request, _id: 204
        configure(site, subscription(there.url, secret=site.root / "secret"))
        site.run("deliveries", "retry")
        assert told(there) == [hash_of(3)]


def test_a_secret_is_nowhere_else(site):
    with receiver(lambda _request, _id: 401) as there:
        configure(site, subscription(there.url, secret=site.root / "secret", extra=FAST))
        with daemon(site) as running:
            watched(running)
            site.page("develop", "zlib", spec(hash_of(3)))
            eventually(lambda: there.received)
            shown = site.run("status").out + site.run("status", "--json").out
            shown += site.run("deliveries", "list").out + site.run("subscriptions", "list").out
            shown += site.run("subscriptions", "test", "all", status=1).out
            shown += running.log
            processes = b"".join(
                (path / "cmdline").read_bytes() for path in _proc(running.process.pid)
            )
            running.stop()
        kept = b"".join(f.read_bytes() for f in site.state.rglob("*") if f.is_file())
        for secret in (SECRET, SECRET.removeprefix("whsec_")):
            assert secret not in shown
            assert secret.encode() not in kept
            assert secret.encode() not in processes


def _proc(pid):
    from pathlib import Path

    return [Path("/proc") / str(pid)]


def test_json_lines_of_deliveries(site):
    with receiver() as there:
        configure(site, subscription(there.url, secret=site.root / "secret"))
        site.sync()
        site.page("develop", "zlib", spec(hash_of(3)))
        site.sync()
        (line,) = site.run("deliveries", "list", "--json").lines
        assert line["state"] == "delivered"
        shown = site.run("deliveries", "show", line["id"][:12], "--json").json
        assert json.dumps(shown["body"]) == json.dumps(there.accepted[0].json)
        assert site.run("deliveries", "replay", "--since", "1h", "--json").json["deliveries"] == 1
        assert [r.id for r in there.accepted] == [line["id"]] * 2


# -- for those who watch over it


def test_health_and_metrics_tell_of_targets(site):
    pytest.importorskip("prometheus_client")
    with receiver() as there, receiver(lambda _request, _id: 500) as bad, Port() as port:
        configure(
            site,
            subscription(there.url, secret=site.root / "secret", extra=FAST),
            subscription(bad.url, name="bad", secret=site.root / "secret", extra=FAST),
        )
        text = site.config.read_text() + f'metrics: {{listen: "127.0.0.1:{port()}"}}\n'
        site.configure(text)
        with daemon(site) as running:
            watched(running)
            site.page("develop", "zlib", spec(hash_of(3)))

            def get(path):
                with urllib.request.urlopen(f"http://127.0.0.1:{port.number}{path}") as answer:
                    return answer.read().decode()

            def failing():
                return json.loads(get("/healthz"))["detail"]["notifications"]["targets"]

            (target,) = eventually(failing)
            assert (target["subscription"], target["state"], target["pending"]) == (
                "bad",
                "failing",
                1,
            )
            assert "500" in target["reason"]
            metrics = get("/metrics")
            assert 'cachesync_deliveries_pending{subscription="bad"' in metrics
            assert "cachesync_notifications_up 1.0" in metrics
            assert running.stop() == 0


class Port:
    """A port that is free: it is let go of only when somebody asks for its number."""

    def __enter__(self):
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.number = self._socket.getsockname()[1]
        return self

    def __call__(self) -> int:
        self._socket.close()
        return self.number

    def __exit__(self, *_failure) -> None:
        self._socket.close()
