"""Posting to real sockets that answer, lie or hang."""

import json
import socket
import threading
import time
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from cachesync.config.reachvalues import Secret, SecretKind
from cachesync.config.settings import WebhookFormat
from cachesync.net import FetchError, Response, address, open_poster
from cachesync.net.fake import FakePoster
from cachesync.net.poster import HttpPoster
from cachesync.notify.target import Delivery, Outcome
from tests.support import stubserver as stub
from tests.support.examples import examples
from tests.support.messages import BODY
from tests.support.posting import RUNNING, SECRET, reached, send, target_at

# -- answers


@pytest.mark.parametrize(
    ("code", "outcome", "detail"),
    [
        (200, Outcome.DELIVERED, "answered 200"),
        (204, Outcome.DELIVERED, "answered 204"),
        (299, Outcome.DELIVERED, "answered 299"),
        (301, Outcome.FAILED, "answered 301, a redirect, which is never followed"),
        (304, Outcome.FAILED, "answered 304, a redirect, which is never followed"),
        (400, Outcome.FAILED, "answered 400"),
        (401, Outcome.FAILED, "answered 401"),
        (404, Outcome.FAILED, "answered 404"),
        (410, Outcome.GONE, "answered 410: it wants no more messages"),
        (429, Outcome.FAILED, "answered 429"),
        (500, Outcome.FAILED, "answered 500"),
        (503, Outcome.FAILED, "answered 503"),
    ],
)
def test_only_2xx_is_a_success(server, poster, code, outcome, detail):
    """410 is the end, all else is to be tried again."""
    server.script("/hook", stub.status(code, location=server.url("/elsewhere")))
    result = send(server.url("/hook"), poster)
    assert (result.outcome, result.status) == (outcome, code)
    assert result.detail == f"{server.origin.removeprefix('http://')}: {detail}"
    assert result.retry_after_seconds is None
    assert server.paths() == ["/hook"]


def test_a_redirect_is_never_followed(server, poster):
    """Neither to another path nor to another machine."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        elsewhere = f"http://127.0.0.1:{other.getsockname()[1]}/"
        for code in (301, 302, 303, 307, 308):
            server.script("/hook", stub.redirect(elsewhere, code))
            assert send(server.url("/hook"), poster).outcome is Outcome.FAILED
        assert not reached(other)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("7", 7.0), ("0", 0.0), ("99999999", 86_400.0), ("soon", None), ("-1", None)],
)
def test_retry_after_is_passed_on(server, poster, value, expected):
    """In seconds, bounded to a day, and only where it is understood."""
    server.script("/hook", stub.status(429, retry_after=value))
    assert send(server.url("/hook"), poster).retry_after_seconds == expected


def test_retry_after_may_be_a_date(server, poster):
    """Counted from the end of the attempt."""
    at = datetime.fromtimestamp(time.time() + 120, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    server.script("/hook", stub.status(503, retry_after=at))
    assert 115 < send(server.url("/hook"), poster).retry_after_seconds <= 121


def huge(talk):
    """A gigabyte, for whoever takes it."""
    talk.head(200, {"Content-Length": str(1 << 30)})
    for _ in range(1 << 10):
        talk.send(b"x" * (1 << 20))


def endless(talk):
    """Chunks without an end."""
    talk.head(200, {"Transfer-Encoding": "chunked"})
    while True:
        talk.send(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")


def continuing(talk):
    """`100 Continue`, for ever."""
    while True:
        talk.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
        talk.pause(0.01)


@pytest.mark.parametrize("behaviour", [huge, endless], ids=["a gigabyte", "without an end"])
def test_a_large_answer_is_not_read(server, poster, behaviour):
    """The receiver has said 2xx: the message is delivered, and the connection given up."""
    server.script("/hook", behaviour)
    result = send(server.url("/hook"), poster)
    assert result.outcome is Outcome.DELIVERED
    assert result.seconds < 5.0
    server.script("/hook", stub.status(204))
    assert send(server.url("/hook"), poster).status == 204


@pytest.mark.parametrize(
    "behaviour",
    [
        stub.silent(),
        stub.dripping(b"x" * 100, every=0.1),
        stub.dripping_head(),
        stub.silent_body(b"half of it"),
        continuing,
    ],
    ids=["never", "a byte at a time", "a head at a time", "half, then silence", "100 for ever"],
)
def test_an_answer_that_does_not_end_in_time_is_a_failure(server, poster, behaviour):
    """The time is for everything together, not for each byte."""
    server.script("/hook", behaviour)
    result = send(server.url("/hook"), poster, timeout_seconds=1.0)
    assert (result.outcome, result.status) == (Outcome.FAILED, None)
    assert "no complete answer within 1 s (`timeout:`)" in result.detail
    assert 0.9 < result.seconds < 5


@pytest.mark.parametrize(
    "behaviour",
    [
        stub.cut(b"half"),
        stub.cut(b"half", by_reset=True),
        stub.hang_up(),
        lambda talk: talk.reset(),
        lambda talk: talk.send(b"\x1b[31mSSH-2.0-OpenSSH_9\r\n\r\n"),
        lambda talk: (talk.send(b"HTTP/1.1 200"), talk.hang_up()),
        lambda talk: talk.send(b"HTTP/1.1 200 OK\r\nX: " + b"x" * (1 << 20) + b"\r\n\r\n"),
    ],
    ids=["half", "half and a reset", "nothing", "a reset", "no HTTP", "half a head", "a huge head"],
)
def test_a_broken_answer_is_a_failure(server, poster, behaviour):
    """It is one line, and holds no bytes of the receiver that could reach a terminal."""
    server.script("/hook", behaviour)
    result = send(server.url("/hook"), poster)
    assert (result.outcome, result.status) == (Outcome.FAILED, None)
    assert result.detail.isprintable()
    assert len(result.detail) < 300
    server.script("/hook", stub.status(200))
    assert send(server.url("/hook"), poster).outcome is Outcome.DELIVERED


PIECES = [
    b"HTTP/1.1 ", b"HTTP/1.0 ", b"HTTP/9 ", b"200", b"204", b"101", b"100", b"-1", b"99999", b" OK",
    b"\r\n", b"\n", b"\r\n\r\n", b"Content-Length: ", b"0", b"5", b"-5", b"5, 6", b"1e9", b"9" * 30,
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip", b"Content-Encoding: gzip", b"ffffffff",
    b"Retry-After: ", b"Connection: upgrade", b"Location: //x", b"\0", b"\xff", b"\x1b[31m", b": ", b" ",
]  # fmt: skip


@given(
    pieces=st.lists(st.sampled_from(PIECES) | st.binary(max_size=4), max_size=12),
    is_begun=st.booleans(),
)
@examples(80, 1_500, suppress_health_check=list(HealthCheck))
def test_nothing_that_a_receiver_says_makes_it_raise(server, poster, pieces, is_begun):
    """An outcome and one printable line, in time."""
    data = (b"HTTP/1.1 200 OK\r\n" if is_begun else b"") + b"".join(pieces)
    server.script("/", lambda talk: (talk.send(data), talk.hang_up()))
    result = send(server.origin + "/", poster, timeout_seconds=2.0)
    assert isinstance(result.outcome, Outcome)
    assert result.detail.isprintable()
    assert result.seconds < 4.0


def test_what_follows_an_answer_is_not_taken_for_the_next(server, poster):
    """A receiver cannot answer a message before it is sent."""
    forged = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    for first in (b"Content-Length: 2\r\n\r\nno", b"Content-Length: 0\r\n\r\n"):
        behind = b"HTTP/1.1 500 No\r\n" + first + forged
        server.script("/hook", lambda talk, data=behind: talk.send(data), stub.status(500))
        for _ in range(2):
            assert send(server.url("/hook"), poster).status == 500


def test_nobody_listens(poster):
    """A refused connection is a failure that says so."""
    with socket.socket() as deaf:  # bound, so that nobody else takes the port meanwhile
        deaf.bind(("127.0.0.1", 0))
        port = deaf.getsockname()[1]
        result = send(f"http://127.0.0.1:{port}/", poster)
    assert result.outcome is Outcome.FAILED
    assert result.detail == f"127.0.0.1:{port}: connection refused"


def test_stopping_abandons_the_attempt(server, poster):
    """Within a moment, whatever the receiver does."""
    server.script("/hook", stub.silent())
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    began = time.monotonic()
    target = target_at(server.url("/hook"), poster, timeout_seconds=30.0)
    result = target.send(Delivery("a", "specs.cached", BODY, 0), stop=stop)
    assert result.outcome is Outcome.FAILED
    assert time.monotonic() - began < 5


# -- what is sent


def test_the_published_library_verifies_what_arrives(server, poster):
    """Signed by both secrets, with the bytes that were signed."""
    library = pytest.importorskip("standardwebhooks", reason="tests/requirements.lock has it")
    server.script("/hook", stub.status(204))
    secrets = (Secret(SecretKind.ENV, "HOOK"),)
    for kind in WebhookFormat:
        assert send(server.url("/hook?token=t"), poster, secrets=secrets, format=kind).status == 204
    plain, event = server.seen
    assert library.Webhook(SECRET).verify(plain.body, plain.headers) == json.loads(BODY)
    assert library.Webhook(SECRET).verify(event.body, event.headers)["id"] == "msg_1"
    assert plain.headers["content-type"] == "application/json"
    assert event.headers["content-type"] == "application/cloudevents+json"
    assert plain.headers["host"] == server.origin.removeprefix("http://")
    assert plain.headers["user-agent"].startswith("cachesync/")
    assert (plain.body, plain.query) == (BODY, "token=t")


def test_a_proxy_of_the_environment_is_not_used(server, monkeypatch):
    """It would connect to addresses that nobody checked."""
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        server.script("/hook", stub.status(204))
        with open_poster() as poster:
            assert send(server.url("/hook"), poster).status == 204
        assert not reached(proxy)


def test_connections_are_used_again(server, poster):
    """A burst of messages to one receiver needs one connection."""
    accepted = []
    server.greeting = accepted.append
    server.script("/hook", stub.reply(b"thanks"))
    target = target_at(server.url("/hook"), poster)
    for number in range(5):
        target.send(Delivery(f"msg_{number}", "specs.cached", BODY, 1), stop=RUNNING)
    assert len(accepted) == 1
    assert [seen.headers["webhook-id"] for seen in server.seen] == [f"msg_{n}" for n in range(5)]


def test_connections_that_nobody_uses_are_closed(server):
    """As soon as something else is posted."""
    now = [1000.0]
    ended = threading.Event()
    server.script("/quiet", stub.status(204))
    server.script("/busy", stub.status(204))
    server.wrap = lambda connection: Watched(connection, ended)
    with HttpPoster(clock=lambda: now[0]) as poster:
        send(server.url("/quiet"), poster)
        for now[0] in (1001.0, 1002.0):
            send(server.url("/busy"), poster)
            assert not ended.is_set()
        now[0] = 1010.0
        send(server.url("/busy"), poster)
        assert ended.wait(5)


class Watched:
    """A connection that says when it is over."""

    def __init__(self, connection, ended):
        self._connection, self._ended = connection, ended

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self._connection.close()
        self._ended.set()

    def __getattr__(self, name):
        return getattr(self._connection, name)


# -- the fake


def test_the_fake_answers_as_the_real_one_does():
    """It records what was posted, and applies no check."""
    fake = FakePoster(
        Response(500, {"retry-after": "9"}, b""), FetchError("no route"), Response(204, {}, b"")
    )
    results = [send("http://hook.example/", fake, allow_private=False) for _ in range(4)]
    assert [result.status for result in results] == [500, None, 204, 204]
    assert results[0].retry_after_seconds == 9
    assert {post.refusal for post in fake.posts} == {address.refusal}
    assert "msg_1" not in repr(fake.posts[0])


def test_a_header_that_cannot_be_sent_is_not(server, poster):
    """A line break in an id would be another header."""
    target = target_at(server.url("/hook"), poster)
    result = target.send(Delivery("msg\r\nX: y", "specs.cached", BODY, 1), stop=RUNNING)
    assert "a header that cannot be sent" in result.detail
    assert server.seen == []
