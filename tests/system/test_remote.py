"""Remote sources through the commands and the daemon: what a server does wrong changes nothing."""

import hashlib
import re
import signal
import sqlite3
import time
from contextlib import closing

import pytest

from cachesync.ledger import connect, log
from tests.support.daemons import daemon, eventually
from tests.support.pagetext import Facts, as_generated, spec
from tests.support.stubserver import (
    GithubStub,
    StubServer,
    cached,
    cut,
    dripping,
    dripping_head,
    overlong,
    redirect,
    reply,
    silent,
    silent_body,
    slowly,
    status,
    tarball,
    zeros_gzipped,
)
from tests.support.world import World, hash_of


def page(package: str, tag: str = "develop", *numbers: int) -> bytes:
    """A page that lists some hashes."""
    return as_generated(Facts(package, tag, [spec(hash_of(n)) for n in numbers]))


@pytest.fixture
def server():
    with StubServer() as running:
        yield running


def http(name: str, *urls: str, every: str = "6h") -> str:
    """The lines of a config that name a source of type http."""
    listed = ", ".join(f'"{url}"' for url in urls)
    return f"  - {{name: {name}, type: http, urls: [{listed}], every: {every}}}\n"


LIMITS = "limits: {request: 1s, page: 1MiB}\n"


def states(world: World) -> dict[str, str]:
    return {source["name"]: source["state"] for source in world.status()["sources"]}


LIES = {
    "a byte a second": dripping(page("hdf5", "develop", 7)),
    "slow headers": dripping_head(),
    "no answer": silent(),
    "no body": silent_body(b"---"),
    "reset": cut(page("hdf5", "develop", 7), by_reset=True),
    "too short": cut(page("hdf5", "develop", 7), announced=100_000),
    "too long": overlong(page("hdf5", "develop", 7), 100),
    "server error": status(500, b"<html>sorry</html>"),
    "forbidden": status(403),
    "too many requests": status(429),
    "come back later": status(429, **{"Retry-After": "3600"}),
    "gzip bomb": reply(zeros_gzipped(64), **{"Content-Encoding": "gzip"}),
    "redirects for ever": None,
    "not modified since never": status(304),
}


@pytest.mark.parametrize("lie", list(LIES))
def test_a_server_that_lies_makes_no_change(world, server, lie):
    """The last good page stands, the source fails once, and others are on time."""
    good = server.script("/good", reply(page("zlib", "develop", 1)))
    told = LIES[lie] or redirect(server.url("/liar"))
    liar = server.script("/liar", reply(page("hdf5", "develop", 7)), told)
    world.configure("sources:\n" + http("liar", liar) + http("good", good) + LIMITS)
    assert world.sync()["sources"][0]["state"] == "ok"
    seq = world.seq()
    started = time.monotonic()
    for _ in range(2):
        done = world.run("sync", "--json", "liar", status=None)
        assert done.json["sources"][0]["state"] in ("failed", "ok"), done
    assert time.monotonic() - started < 40
    # A page that is too large is the page's fault: it is rejected, and its last good content stands.
    assert world.kinds(seq) == ["page.rejected" if lie == "gzip bomb" else "source.failed"]
    assert world.found("hdf5") == [hash_of(7)]
    assert world.sync("good")["sources"][0]["state"] == "ok"
    world.verify()


@pytest.mark.parametrize(
    "body", [b"", b"<html>404, in a way</html>"], ids=["nothing", "a web page"]
)
def test_what_is_no_page_is_rejected_and_the_last_good_one_stands(world, server, body):
    url = server.script("/page", reply(page("hdf5", "develop", 7)), reply(body))
    good = server.script("/good", reply(page("zlib", "develop", 8)))
    world.configure("sources:\n" + http("pages", url, good))
    world.sync()
    world.sync()
    assert world.found("hdf5") == [hash_of(7)]
    assert [t["page"] for t in world.status()["rejected"]]


def test_a_page_leaves_on_410_or_on_404_three_times_running(world, server):
    three = server.script(
        "/three", reply(page("hdf5", "develop", 7)), status(404), status(404),
        reply(page("hdf5", "develop", 7)), status(404), status(404), status(404),
    )  # fmt: skip
    once = server.script("/once", reply(page("zlib", "develop", 8)), status(410))
    world.configure("sources:\n" + http("pages", three, once))
    world.sync()
    where = re.sub("^http://", "http/", three)
    for number, missing in enumerate((1, 2, 0, 1, 2)):
        (source,) = world.sync()["sources"]
        assert source["missing"] == (
            [{"page": where, "passes": missing, "of": 3}] if missing else []
        )
        assert (source["changed"], source["unchanged"]) == (0, 0 if missing else 1)
        told = world.status()["missing"]
        assert [(m["source"], m["page"], m["reason"]) for m in told] == (
            [("pages", where, f"not there, {missing} of 3")] if missing else []
        )
        assert world.found("hdf5"), number
        assert not world.found("zlib")
    (source,) = world.sync()["sources"]
    assert (source["removed"], source["missing"]) == (1, [])
    assert not world.found("hdf5")
    assert world.status()["missing"] == []
    world.verify()


def test_a_page_that_is_not_there_is_told(world, server):
    """On a 404 that is not believed yet, in the lines for people too, of `sync` and of `status`."""
    url = server.script("/three", reply(page("hdf5", "develop", 7)), status(404))
    world.configure("sources:\n" + http("pages", url))
    world.sync()
    out = world.run("sync").out
    assert (
        "pages: ok, 1 listed, 0 changed, 0 unchanged, 0 removed, 0 rejected, 1 not there\n" in out
    )
    assert re.search(r"^  http/127.0.0.1:\d+/three: not there, 1 of 3$", out, re.MULTILINE)
    out = world.run("status").out
    assert re.search(r"not there: 1\n  pages: http/127.0.0.1:\d+/three: not there, 1 of 3\n", out)


def test_an_unchanged_page_is_not_sent_again(world, server):
    url = server.script("/page", cached(page("hdf5", "develop", 7)))
    world.configure("sources:\n" + http("pages", url))
    world.sync()
    seq = world.seq()
    assert world.sync()["sources"][0]["unchanged"] == 1
    assert world.seq() == seq
    assert "if-none-match" in server.seen[-1].headers


def github(stub: GithubStub, extra: str = "") -> str:
    """The config for a repository."""
    return (
        f"sources:\n  - {{name: hub, type: github, repository: {stub.repository}, path: _cache,"
        f' api_url: "{stub.api_url}", raw_url: "{stub.raw_url}"{extra}}}\n'
    )


def test_github_costs_few_requests(world, server):
    """1,200 packages in 3 tags: at most 10 tree requests, then 1, then at most 6 for one change."""
    tags = ("develop", "v0.22.0", "v0.23.0")
    pages = {
        tag: {f"p{n}": page(f"p{n}", tag, n + 10_000 * at) for n in range(1200)}
        for at, tag in enumerate(tags)
    }
    stub = GithubStub(server, pages)
    world.configure(github(stub))
    done = world.sync()
    assert done["sources"][0]["changed"] == 3600
    assert stub.counts["tree"] <= 10
    before = stub.requests()
    seq = world.seq()
    assert world.sync()["sources"][0]["unchanged"] == 3600
    assert stub.requests() - before == 1
    assert world.seq() == seq
    stub.pages["develop"]["p7"] = page("p7", "develop", 7, 99_999)
    before = stub.requests()
    assert world.sync()["sources"][0]["changed"] == 1
    assert stub.requests() - before <= 6
    assert world.kinds(seq) == ["spec.cached"]
    world.verify()


def test_an_archive_is_read_and_not_sent_again(world, server):
    first = tarball(
        {"develop": {"hdf5": page("hdf5", "develop", 1), "zlib": page("zlib", "develop", 2)}}
    )
    second = tarball({"develop": {"hdf5": page("hdf5", "develop", 1)}})
    server.script("/a.tar.gz", cached(first), cached(first), cached(second, etag='"two"'))
    url = server.url("/a.tar.gz")
    world.configure(
        f'sources:\n  - {{name: all, type: archive, url: "{url}", path: _cache, every: 1d}}\n'
    )
    assert world.sync()["sources"][0]["changed"] == 2
    assert world.sync()["sources"][0]["unchanged"] == 2
    assert world.sync()["sources"][0]["removed"] == 1
    assert world.found("") == [hash_of(1)]
    world.verify()


def test_a_source_that_hangs_delays_no_other(world, server):
    """One source never answers, one is fetched every second, one is a directory."""
    hangs = server.script("/hangs", silent())
    steady = server.script("/steady", reply(page("zlib", "develop", 1)))
    world.configure(
        "sources:\n" + world.directory_source() + http("hangs", hangs)
        + http("steady", steady, every="10s") + "limits: {request: 60s}\n"
    )  # fmt: skip
    world.page("develop", "hdf5", spec(hash_of(5)))
    with daemon(world) as running:
        running.says("watching")
        eventually(lambda: world.found("zlib") and world.found("hdf5"))
        world.page("develop", "new", spec(hash_of(6)))
        eventually(lambda: world.found("new"), 10)
        eventually(lambda: running.state()["sources"]["hangs"]["doing"] != "idle")
        eventually(lambda: server.paths().count("/steady") >= 2, 30, every=0.5)
        started = time.monotonic()
        assert running.stop() == 0
        assert time.monotonic() - started < 10
    assert "source.failed" not in {change["kind"] for change in world.changes()}


def test_hung_sources_delay_neither_a_reload_nor_the_end(world, server):
    names = [f"w{number}" for number in range(6)]
    sources = [http(name, server.script(f"/{name}", silent())) for name in names]
    world.configure("sources:\n" + "".join(sources) + "limits: {request: 58s}\n")
    with daemon(world) as running:
        eventually(lambda: len(server.seen) >= 6)
        world.configure("sources:\n" + "".join(sources) + "limits: {request: 59s}\n")
        started = time.monotonic()
        running.signal(signal.SIGHUP)
        running.says("the config was read again")
        assert time.monotonic() - started < 5
        assert running.stop() == 0
        assert time.monotonic() - started < 15
    assert "source.failed" not in {change["kind"] for change in world.changes()}


def test_what_arrives_for_a_source_that_was_let_go_is_not_written(world, server):
    slow = server.script("/slow", slowly(reply(page("hdf5", "develop", 7)), 3))
    world.page("develop", "zlib", spec(hash_of(1)))
    world.configure("sources:\n" + world.directory_source() + http("slow", slow))
    with daemon(world) as running:
        eventually(lambda: server.seen)
        eventually(lambda: world.found("zlib"))
        world.configure("sources:\n" + world.directory_source())
        running.signal(signal.SIGHUP)
        running.says("the config was read again")
        world.run("forget", "slow")
        seq = world.seq()
        time.sleep(4)  # it arrives after 3
        assert world.seq() == seq
        assert not world.found("hdf5")
        assert running.stop() == 0
        assert "Traceback" not in running.log


def test_an_address_that_changed_is_asked_after_a_restart(world, server):
    first = server.script("/first", reply(page("hdf5", "develop", 7)))
    second = server.script("/second", reply(page("hdf5", "develop", 8)))
    world.configure("sources:\n" + http("up", first))
    world.sync()
    world.configure("sources:\n" + http("up", second))
    with daemon(world):
        eventually(lambda: world.found("hdf5") == [hash_of(8)])


def test_a_pass_of_the_future_keeps_nobody_waiting(world, server):
    """The clock was wrong when the last pass was made, or a machine boots before it is set."""
    url = server.script("/page", reply(page("hdf5", "develop", 7)))
    world.configure("sources:\n" + http("up", url))
    world.sync()
    with closing(sqlite3.connect(world.state / "ledger.sqlite")) as db, db:
        db.execute("UPDATE source SET last_attempt = last_attempt + 1e6 * 86400 * 365")
    before = len(server.seen)
    with daemon(world):
        eventually(lambda: len(server.seen) > before)


def test_a_source_that_comes_back_is_said_once(world, server):
    url = server.script(
        "/page", reply(page("hdf5", "develop", 7)), status(503), status(503),
        reply(page("hdf5", "develop", 7)),
    )  # fmt: skip
    world.configure("sources:\n" + http("pages", url) + LIMITS)
    world.sync()
    seq = world.seq()
    while states(world)["pages"] == "ok" and len(server.seen) < 20:
        world.run("sync", status=None)
    while states(world)["pages"] != "ok" and len(server.seen) < 20:
        world.run("sync", status=None)
    assert [k for k in world.kinds(seq) if k.startswith("source.")] in (
        ["source.failed", "source.recovered"],
        [],  # retried within the pass, nobody had to know
    )


def test_a_token_is_read_from_its_place_and_shown_nowhere(world, server, tmp_path):
    secret = hashlib.sha256(b"secret").hexdigest()
    stub = GithubStub(server, {"develop": {"zlib": page("zlib", "develop", 3)}}, token=secret)
    (tmp_path / "token").write_text(secret + "\n")
    world.configure(github(stub, f", token: {{file: {tmp_path / 'token'}}}"))
    done = world.run("-v", "sync")
    assert world.found("zlib")
    told = done.out + done.err + world.run("status", "--json").out
    (tmp_path / "token").write_text("not the one\n")
    refused = world.run("-v", "sync", status=1)
    (tmp_path / "token").unlink()
    missing = world.run("sync", status=1)
    assert str(tmp_path / "token") in missing.err
    for text in (told, refused.out + refused.err, missing.err):
        assert secret not in text
        assert "not the one" not in text
    for path in world.state.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes()


def test_a_source_without_its_secret_fails_and_stops_no_other(world, server, tmp_path):
    stub = GithubStub(server, {"develop": {"zlib": page("zlib", "develop", 3)}})
    secret = tmp_path / "token"
    world.page("develop", "hdf5", spec(hash_of(1)))
    world.configure(github(stub, f", token: {{file: {secret}}}") + world.directory_source())
    done = world.run("sync", "--json", status=1)
    assert {source["name"]: source["state"] for source in done.json["sources"]} == {
        "hub": "failed", "site": "ok",
    }  # fmt: skip
    assert world.found("hdf5")
    (status,) = (s for s in world.status()["sources"] if s["name"] == "hub")
    assert status["state"] == "failed"
    assert str(secret) in status["error"]
    with daemon(world) as running:
        running.says(f"hub: failed: the secret in {secret} cannot be read")
        assert running.state()["sources"]["site"]["failures"] == 0
        secret.write_text("there now\n")
        world.sync("hub")
        assert world.found("zlib")
    assert "source.recovered" in world.kinds(0)


def test_the_daemon_fetches_on_schedule_and_survives_a_restart(world, server):
    url = server.script("/page", cached(page("hdf5", "develop", 7)))
    world.configure("sources:\n" + http("pages", url, every="1h"))
    with daemon(world) as running:
        eventually(lambda: world.found("hdf5"))
        assert running.state()["sources"]["pages"]["next_run"]
        assert running.stop() == 0
    fetched = len(server.seen)
    with daemon(world) as running:
        time.sleep(1)
        assert len(server.seen) == fetched, "it is not due yet"
        world.sync("pages")
        assert len(server.seen) == fetched + 1


PORTAL = reply(b"<html>Please sign in</html>", content_type="text/html; charset=utf-8")


def test_a_portal_in_front_of_every_page_is_a_failed_source(world, server):
    """No page is rejected for it, and its content type is the reason; one page alone is rejected."""
    urls = [
        server.script(f"/{name}", reply(page(name, "develop", number)))
        for number, name in enumerate(("one", "two", "three"), 1)
    ]
    world.configure("sources:\n" + http("pages", *urls))
    world.sync()
    for name in ("one", "two", "three"):
        server.script(f"/{name}", PORTAL)
    seq = world.seq()
    (source,) = world.sync(status=1)["sources"]
    assert source["state"] == "failed"
    assert "3 of 3 pages" in source["error"]
    assert "answered with text/html, not with a page" in source["error"]
    assert world.kinds(seq) == ["source.failed"]
    server.script("/one", reply(page("one", "develop", 1)))
    seq = world.seq()
    (source,) = world.sync()["sources"]
    assert (source["state"], source["rejected"]) == ("ok", 2)
    assert sorted(world.kinds(seq)) == ["page.rejected", "page.rejected", "source.recovered"]
    assert world.found("") == sorted(hash_of(n) for n in (1, 2, 3))
    with closing(connect.open_reader(world.state)) as db:
        (status,) = log.source_statuses(db)
    assert (status.rejected, status.places) == (2, 3)


def test_an_archive_that_is_a_portal_is_named_as_one(world, server):
    """What came instead is the reason."""
    url = server.script("/pages.tar.gz", PORTAL)
    world.configure(f"sources:\n  - {{name: tar, type: archive, url: '{url}', every: 6h}}\n")
    (source,) = world.sync(status=1)["sources"]
    assert source["state"] == "failed"
    assert "answered with text/html, not with an archive" in source["error"]
