"""Posting to real sockets that answer, lie, hang, or must never be reached."""

import json
import os
import select
import socket
import ssl
import threading
import time
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cachesync.config.settings import Secret, SecretKind, WebhookFormat, WebhookTarget
from cachesync.net import FetchError, ForbiddenError, Post, Response, address, open_poster
from cachesync.net.fake import FakePoster
from cachesync.net.poster import HttpPoster
from cachesync.notify.target import Delivery, Outcome, open_target
from tests.support import stubserver as stub
from tests.support.messages import BODY, REFUSED_FORMS

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
RUNNING = threading.Event()


@pytest.fixture
def server():
    with stub.StubServer() as running:
        yield running


@pytest.fixture
def poster():
    with open_poster() as running:
        yield running


def target_at(url, poster, **more):
    config = WebhookTarget(url, **{"allow_private": True, "timeout_seconds": 10.0} | more)
    return open_target(config, poster=poster, environment={"HOOK": SECRET})


def send(url, poster, **more):
    delivery = Delivery("msg_1", "specs.cached", BODY, int(time.time()))
    return target_at(url, poster, **more).send(delivery, stop=RUNNING)


def at(*addresses):
    """A resolver that knows one name."""
    return lambda _name: addresses


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
@settings(max_examples=300, suppress_health_check=list(HealthCheck))
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
    assert time.monotonic() - began < 2


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


# -- where nothing is sent


def reached(listener):
    """Whether anybody has connected."""
    return bool(select.select([listener], [], [], 0.02)[0])


@pytest.fixture
def listeners():
    """The same port on 127.0.0.1 and on ::1."""
    with (
        socket.create_server(("127.0.0.1", 0)) as four,
        socket.create_server(("::1", four.getsockname()[1]), family=socket.AF_INET6) as six,
    ):
        yield four, six


LEADS_HERE = [
    "http://127.0.0.1:{}/", "http://localhost:{}/", "http://2130706433:{}/", "http://0x7f000001:{}/",
    "http://017700000001:{}/", "http://127.1:{}/", "http://0x7f.1:{}/", "http://0177.0.0.1:{}/",
    "http://0.0.0.0:{}/", "http://0:{}/", "http://127.0.0.1.:{}/", "http://[::1]:{}/", "http://[::]:{}/",
    "http://[::ffff:127.0.0.1]:{}/", "http://[::ffff:7f00:1]:{}/", "http://[0:0:0:0:0:0:0:1]:{}/",
    "http://user:password@127.0.0.1:{}/", "http://example.org@127.0.0.1:{}/",
    "http://127.0.0.1:{}\\@example.org/", "http:\\\\127.0.0.1:{}\\", "http://\uff11\uff12\uff17.0.0.1:{}/",
    "http://127\u30020\u30020\u30021:{}/", "http://127.0.0.1:{}#@example.org/", " http://127.0.0.1:{}/",
    "http://127.0.0.1:{}/\r\nHost: x", "ftp://127.0.0.1:{}/", "gopher://127.0.0.1:{}/", "//127.0.0.1:{}/",
    "http:127.0.0.1:{}/", "http://%31%32%37.0.0.1:{}/",
]  # fmt: skip


def outcome_of(url, poster, **more):
    """What became of sending to `url`: said when it is opened, or when it is sent to."""
    from cachesync.errors import CachesyncError

    try:
        return send(url, poster, **more).detail
    except CachesyncError as error:
        return error.message


@pytest.mark.parametrize("form", LEADS_HERE)
def test_no_way_to_write_this_machine_reaches_it(form, listeners, poster):
    """A listening socket hears nothing, though some of these forms would lead to it."""
    port = listeners[0].getsockname()[1]
    said = outcome_of(form.format(port), poster, allow_private=False)
    assert not any(map(reached, listeners))
    assert "nothing is sent there" in said or said.startswith("the url of a webhook")


def test_the_sockets_would_have_heard(listeners, poster):
    """The same with the check off."""
    port = listeners[0].getsockname()[1]
    for url, listener in zip(("http://127.0.0.1:{}/", "http://[::1]:{}/"), listeners, strict=True):
        outcome_of(url.format(port), poster, timeout_seconds=0.2)
        assert reached(listener)


@pytest.mark.parametrize("form", REFUSED_FORMS.values(), ids=REFUSED_FORMS)
def test_with_the_check_of_addresses_off_the_forms_are_refused_still(form, poster):
    """`allow_private` permits addresses, not ways to hide them."""
    assert outcome_of(form, poster, allow_private=True).startswith("the url of a webhook")


INSIDE = [
    "127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "192.168.1.1", "224.0.0.1", "0.0.0.0",
    "::1", "::", "::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "2002:7f00:1::1",
    "2001:0:7f00:1::1", "::127.0.0.1", "fec0::1", "fe80::1", "fd00:ec2::254", "ff02::1",
]  # fmt: skip


@pytest.mark.parametrize("inside", INSIDE)
@pytest.mark.parametrize("others", [(), ("2606:4700::1111", "1.1.1.1")], ids=["alone", "the last"])
def test_a_name_is_refused_when_one_of_its_addresses_is(inside, others, monkeypatch):
    """Before a packet leaves: nothing is connected to at all."""
    with open_poster(resolver=at(*others, inside)) as poster:
        made = []
        monkeypatch.setattr(socket.socket, "connect_ex", lambda _self, to: made.append(to) or 113)
        result = send("http://hook.example/", poster, allow_private=False)
    assert made == []
    assert "nothing is sent there" in result.detail
    assert "allow_private" in result.detail


def only(permitted):
    """A check that permits one address."""
    return lambda found: None if found == permitted else "another address"


def test_a_resolver_that_changes_its_answer_does_not_get_through():
    """A name is resolved once for a connection, and the second answer gets none."""
    with (
        stub.StubServer("127.0.0.2") as first,
        socket.create_server(("127.0.0.1", int(first.origin.rpartition(":")[2]))) as second,
    ):
        first.script("/", stub.status(204, connection="close"))
        answers = [["127.0.0.2"], ["127.0.0.1"]]
        asked = []

        def resolver(name):
            asked.append(name)
            return answers[min(len(asked), 2) - 1]

        port = second.getsockname()[1]
        post = Post(f"http://hook.example:{port}/", BODY, {}, 10.0, only("127.0.0.2"))
        with open_poster(resolver=resolver) as poster:
            assert poster.post(post, stop=RUNNING).status == 204
            assert asked == ["hook.example"]
            for _ in range(3):
                with pytest.raises(ForbiddenError, match=r"it is at 127\.0\.0\.1, another address"):
                    poster.post(post, stop=RUNNING)
        assert not reached(second)
        assert [seen.headers["host"] for seen in first.seen] == [f"hook.example:{port}"]


def test_a_connection_made_without_the_check_is_not_used_with_it(server):
    """Two targets with the same address, of which one may reach private ones."""
    server.script("/", stub.status(204))
    with open_poster() as poster:
        assert send(server.origin + "/", poster).status == 204
        result = send(server.origin + "/", poster, allow_private=False)
        assert "nothing is sent there" in result.detail
    assert len(server.seen) == 1


def test_a_resolver_that_hangs_counts(server):
    """The deadline is for the name too."""
    hang = threading.Event()
    try:
        with open_poster(resolver=lambda _name: hang.wait(30) and []) as poster:
            result = send("http://hook.example/", poster, timeout_seconds=0.5)
    finally:
        hang.set()
    assert "no complete answer within 0.5 s" in result.detail
    assert result.seconds < 4


@pytest.mark.parametrize(
    ("resolver", "said"),
    [
        (at(), "no address"),
        (
            lambda _name: (_ for _ in ()).throw(OSError(-2, "Name or service not known")),
            "not known",
        ),
        (at("localhost"), "nothing is sent there|not known|hook.example"),
        (at("not an address"), "hook.example"),
    ],
)
def test_a_resolver_that_does_not_answer_well_is_a_failure(resolver, said):
    """An answer that is no number is not resolved in its turn."""
    import re

    with open_poster(resolver=resolver) as poster:
        result = send("http://hook.example/", poster, allow_private=False)
    assert result.outcome is Outcome.FAILED
    assert re.search(said, result.detail)


# -- TLS


@pytest.fixture(scope="module")
def authority():
    trustme = pytest.importorskip("trustme", reason="tests/requirements.lock has it")
    return trustme.CA()


def serve_tls(server, authority, *names):
    """Speak TLS with a certificate for these names; the names that were asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    asked = []
    context.sni_callback = lambda _connection, name, _context: asked.append(name)
    server.wrap = lambda connection: context.wrap_socket(connection, server_side=True)
    return asked


@pytest.fixture
def tls(server, authority, monkeypatch, tmp_path):
    """A server on 127.0.0.1 that is called hook.example; the machine trusts its authority."""
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    server.script("/hook", stub.status(204))
    port = server.origin.rpartition(":")[2]
    return f"https://hook.example:{port}/hook"


def test_the_certificate_is_that_of_the_name_not_of_the_address(server, authority, tls):
    """The connection goes to the address that was checked; SNI, Host and certificate are the name's."""
    asked = serve_tls(server, authority, "hook.example")
    with open_poster(resolver=at("127.0.0.1")) as poster:
        assert send(tls, poster).status == 204
    assert asked == ["hook.example"]
    assert server.seen[0].headers["host"] == tls.split("/")[2]


@pytest.mark.parametrize(
    "names", [("other.example",), ("127.0.0.1",)], ids=["other", "the address"]
)
def test_a_certificate_for_something_else_is_refused(server, authority, tls, names):
    """Also one for the address that was connected to: nothing is sent."""
    serve_tls(server, authority, *names)
    with open_poster(resolver=at("127.0.0.1")) as poster:
        result = send(tls, poster)
    assert result.outcome is Outcome.FAILED
    assert "its certificate is refused" in result.detail
    assert server.seen == []


def test_a_certificate_of_an_unknown_authority_is_refused(server, authority, tls, monkeypatch):
    """As for any https."""
    serve_tls(server, authority, "hook.example")
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)
    with open_poster(resolver=at("127.0.0.1")) as poster:
        assert "its certificate is refused" in send(tls, poster).detail
    assert server.seen == []


def test_a_server_without_tls_is_a_failure(server, tls):
    """Nothing is sent in the clear."""
    with open_poster(resolver=at("127.0.0.1")) as poster:
        assert send(tls, poster, timeout_seconds=2.0).outcome is Outcome.FAILED
    assert server.seen == []


def test_a_handshake_that_hangs_counts(server, tls):
    """The time is for that too."""
    server.wrap = lambda connection: RUNNING.wait(3) or connection
    with open_poster(resolver=at("127.0.0.1")) as poster:
        result = send(tls, poster, timeout_seconds=0.5)
    assert "no complete answer within 0.5 s" in result.detail
    assert result.seconds < 4


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
