"""Fetching from a real server on loopback that lies: what comes back, what does not, and when."""

import gzip
import os
import shutil
import ssl
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import pytest

from cachesync.errors import SourceError
from cachesync.net import (
    FetchError,
    FetchStoppedError,
    Request,
    Response,
    TooLargeError,
    open_fetcher,
)
from cachesync.net.client import HttpFetcher
from cachesync.net.fake import FakeFetcher
from tests.support import stubserver as stub
from tests.support.fetching import MOST, PAGE, SECRET, both_ways, get, streamed

ROOT = Path(__file__).resolve().parents[2]


# -- what comes back


def test_an_answer_has_status_headers_and_body(server, fetcher):
    """Header names arrive in lower case; nothing is sent that was not asked for but the agent."""
    url = server.script("/page", stub.reply(PAGE, ETag='"one"'))
    answer = get(fetcher, url, headers={"If-None-Match": '"zero"'})
    assert (answer.status, answer.body, answer.headers["etag"]) == (200, PAGE, '"one"')
    sent = server.seen[0].headers
    assert sent["if-none-match"] == '"zero"'
    assert sent["accept-encoding"] == "gzip"
    assert sent["user-agent"].startswith("cachesync/")
    assert "authorization" not in sent


@pytest.mark.parametrize("code", [204, 304, 400, 401, 403, 404, 410, 451])
def test_other_answers_are_answers_and_asked_for_once(server, fetcher, code):
    """An answer that is final is returned, whatever its status."""
    assert get(fetcher, server.script("/page", stub.status(code))).status == code
    assert len(server.seen) == 1


def test_packed_bodies_are_unpacked(server, fetcher):
    """gzip, several members of it, and both kinds of deflate."""
    raw = zlib.compressobj(wbits=-15)
    packed = {
        "gzip": gzip.compress(PAGE),
        "x-gzip": gzip.compress(PAGE[:7]) + gzip.compress(PAGE[7:]),
        "deflate": zlib.compress(PAGE),
        "Deflate": raw.compress(PAGE) + raw.flush(),
    }
    for encoding, body in packed.items():
        url = server.script(f"/{encoding}", stub.reply(body, content_encoding=encoding))
        assert get(fetcher, url).body == PAGE
        assert streamed(fetcher, url) == PAGE


def test_connections_are_used_again(server, fetcher):
    """Two requests one after the other cost one connection, and cookies are not kept."""
    opened = []
    server.mount(
        "/",
        lambda talk: (opened.append(talk._connection), stub.reply(b"x", set_cookie="a=b")(talk)),
    )
    get(fetcher, server.url("/1"))
    get(fetcher, server.url("/2"))
    assert len(set(opened)) == 1
    assert "cookie" not in server.seen[1].headers


def test_the_environment_is_not_asked_for_a_proxy(server, fetcher, monkeypatch):
    """Neither proxies nor netrc of whoever started the daemon."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with open_fetcher(request_seconds=1, stop=threading.Event()) as other:
        assert get(other, server.script("/page", stub.reply(PAGE))).body == PAGE


# -- deadlines


@pytest.mark.parametrize(
    "behaviour",
    [
        stub.silent(),
        stub.dripping_head(),
        stub.dripping(PAGE, every=0.1),
        stub.dripping(PAGE, every=1.0),
        stub.silent_body(PAGE),
    ],
    ids=["silent", "dripping-head", "dripping", "dripping-slowly", "silent-body"],
)
def test_a_slow_answer_is_cut_off_at_the_deadline(server, behaviour):
    """However often a byte arrives: the whole exchange has one deadline, and no second chance."""
    url = server.script("/slow", behaviour)
    with HttpFetcher(request_seconds=0.5, stop=threading.Event()) as fetcher:
        for way in (get, streamed):
            began = time.monotonic()
            with pytest.raises(FetchError, match=r"no complete answer within 0\.5 s"):
                way(fetcher, url)
            assert time.monotonic() - began < 4
    assert len(server.seen) == 2


def test_a_connection_that_nobody_takes_is_cut_off(sleep):
    """A full backlog: the connection is never made, and the deadline holds."""
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            fillers.append(filler)
        with HttpFetcher(request_seconds=0.5, stop=threading.Event(), sleep=sleep) as fetcher:
            began = time.monotonic()
            with pytest.raises(FetchError):
                get(fetcher, f"http://127.0.0.1:{listener.getsockname()[1]}/")
            assert 0.3 < time.monotonic() - began < 4
        for filler in fillers:
            filler.close()


def test_a_large_body_may_take_longer_at_a_fair_rate(server):
    """With a least rate the deadline moves with what arrives; a drip is still cut off."""
    body = bytes(30)
    server.script("/steady", stub.dripping(body, every=0.03))
    with HttpFetcher(request_seconds=0.4, stop=threading.Event()) as fetcher:
        assert streamed(fetcher, server.url("/steady"), least_bytes_per_second=10) == body
        began = time.monotonic()
        with pytest.raises(FetchError, match="no complete answer"):
            streamed(fetcher, server.url("/steady"), least_bytes_per_second=1000)
        assert time.monotonic() - began < 4


@pytest.mark.parametrize("behaviour", [stub.silent(), stub.dripping(PAGE, every=0.05)])
def test_a_stop_ends_a_fetch_within_a_second(server, behaviour):
    """SIGTERM need not wait for a deadline."""
    stop = threading.Event()
    url = server.script("/slow", behaviour)
    with HttpFetcher(request_seconds=60, stop=stop) as fetcher:
        threading.Timer(0.3, stop.set).start()
        began = time.monotonic()
        with pytest.raises(FetchStoppedError):
            get(fetcher, url)
        assert time.monotonic() - began < 4


def test_a_stop_ends_a_wait(server):
    """Nor for a back-off, or what a server asks to wait."""
    stop = threading.Event()
    url = server.script("/busy", stub.status(503, retry_after="30"))
    with HttpFetcher(request_seconds=60, stop=stop) as fetcher:
        threading.Timer(0.3, stop.set).start()
        began = time.monotonic()
        with pytest.raises(FetchStoppedError):
            get(fetcher, url)
        assert time.monotonic() - began < 4


# -- bodies that are not what they seem


def test_broken_answers_are_asked_for_again(server, fetcher, sleep):
    """Reset, cut off, hung up, wrong length, damaged gzip: four attempts, and then the page."""
    broken = [
        stub.cut(PAGE),
        stub.cut(PAGE, by_reset=True),
        stub.hang_up(),
        stub.overlong(PAGE, len(PAGE) - 5),
        stub.reply(gzip.compress(PAGE)[:-9], content_encoding="gzip"),
        stub.reply(gzip.compress(PAGE)[:-8] + bytes(8), content_encoding="gzip"),
        stub.reply(PAGE, content_encoding="gzip"),
        stub.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n"),
        stub.raw(b"\x15\x03\x01\0\x02\x02\x46"),
    ]
    for number, behaviour in enumerate(broken):
        path = f"/{number}"
        url = server.script(path, behaviour, behaviour, stub.reply(PAGE))
        assert get(fetcher, url).body == PAGE, number
        assert server.paths().count(path) == 3
        url = server.script(f"/for-ever/{number}", behaviour)
        with pytest.raises(FetchError, match="4 attempts"):
            get(fetcher, url)
    assert len(sleep.slept) == len(broken) * 5
    assert set(sleep.slept) == {0.25, 0.5, 1.0}


def test_what_is_left_over_is_not_taken_for_the_next_answer(server, fetcher):
    """A body longer than announced, that looks like another answer: its connection is given up."""
    smuggled = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong"
    url = server.script("/overlong", stub.overlong(PAGE + smuggled, len(PAGE)))
    other = server.script("/page", stub.reply(PAGE))
    for _ in range(3):
        with pytest.raises(FetchError, match="4 attempts"):
            get(fetcher, url)
        assert get(fetcher, other).body == PAGE
    assert server.paths() == (["/overlong"] * 4 + ["/page"]) * 3


def test_a_stream_that_breaks_is_no_complete_stream(server, fetcher):
    """What a stream delivered before it broke is known to be incomplete."""
    for number, behaviour in enumerate((stub.cut(PAGE), stub.cut(PAGE, by_reset=True))):
        url = server.script(f"/{number}", behaviour)
        with fetcher.stream(Request(url, MOST)) as download, pytest.raises(FetchError):
            b"".join(download.chunks)


def test_a_body_larger_than_allowed_is_refused(server, fetcher):
    """Announced or not, packed or not: and not asked for again."""
    body = bytes(5000)
    answers = [
        stub.reply(body),
        stub.reply(gzip.compress(body), content_encoding="gzip"),
        stub.raw(b"HTTP/1.1 200 OK\r\n\r\n" + body),
        stub.reply(os.urandom(5000)),
    ]
    for number, answer in enumerate(answers):
        url = server.script(f"/{number}", answer)
        for error in both_ways(fetcher, url, most_bytes=4999):
            assert isinstance(error, TooLargeError)
        assert len(get(fetcher, url, most_bytes=5000).body) == 5000
    assert len(server.seen) == 3 * len(answers)


def test_a_body_that_unpacks_to_nothing_is_bounded_as_well(server, fetcher):
    """Empty gzip members without end: what counts is also what arrives."""
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
    url = server.script("/page", stub.raw(head + gzip.compress(b"") * 1000))
    for error in both_ways(fetcher, url, most_bytes=10_000):
        assert isinstance(error, TooLargeError)


def test_an_encoding_nobody_asked_for_is_refused(server, fetcher):
    """Rather than taken for the page."""
    url = server.script("/page", stub.reply(PAGE, content_encoding="br"))
    for error in both_ways(fetcher, url):
        assert "'br', which nobody asked for" in error.message


BOMB = """
import sys, threading
from cachesync.net import Request, TooLargeError, open_fetcher
def kib(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field))
with open_fetcher(request_seconds=20, stop=threading.Event()) as fetcher:
    fetcher.fetch(Request(sys.argv[1] + "/small", 1000))
    before = kib("VmRSS")
    most = int(sys.argv[2])
    for way in ("fetch", "stream"):
        try:
            if way == "fetch":
                fetcher.fetch(Request(sys.argv[1] + "/bomb", most))
            else:
                with fetcher.stream(Request(sys.argv[1] + "/bomb", most)) as download:
                    for chunk in download.chunks:
                        assert len(chunk) <= 1 << 18
        except TooLargeError as error:
            print(error)
    print((kib("VmHWM") - before) // 1024)
"""


def test_a_bomb_is_stopped_at_the_limit(server):
    """512 MiB in 500 kB cost less than 32 MiB, whatever is allowed, in a process of its own."""
    bomb = stub.zeros_gzipped(512)
    assert len(bomb) < 600_000
    server.script("/bomb", stub.reply(bomb, content_encoding="gzip"))
    server.script("/small", stub.reply(b"x"))
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", BOMB, server.origin, str(512 * stub.MIB)],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    first, second, grown = done.stdout.splitlines()
    assert "packed more than 200 times smaller" in first
    assert "packed more than 200 times smaller" in second
    assert int(grown) < 32
    assert time.monotonic() - began < 5


# -- TLS


@pytest.fixture
def certificate(tmp_path):
    """A certificate for localhost that nobody signed, with its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificate, is not installed")
    paths = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
               "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
               "-out", paths[0], "-keyout", paths[1]]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return paths


def secured(server, certificate):
    """Let `server` speak TLS from now on; its https origin."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server.wrap = lambda connection: context.wrap_socket(connection, server_side=True)
    return server.origin.replace("http://127.0.0.1", "https://localhost")


def test_a_certificate_nobody_signed_is_refused(server, certificate, fetcher, sleep):
    """At the first attempt, before anything is sent; a variable of the environment changes nothing."""
    origin = secured(server, certificate)
    with pytest.raises(FetchError, match="its certificate is refused: self"):
        get(fetcher, f"{origin}/page", authorization=f"Bearer {SECRET}")
    assert (server.seen, sleep.slept) == ([], [])


def test_a_server_without_tls_is_told_as_one(server, fetcher):
    """And not in the words of OpenSSL."""

    def in_the_clear(connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        return connection

    server.wrap = in_the_clear
    with pytest.raises(
        FetchError, match="it answers without TLS, as http: and oci\\+http: addresses"
    ):
        get(fetcher, f"{server.origin.replace('http:', 'https:')}/page")


def test_a_certificate_that_is_trusted_is_accepted(server, certificate, fetcher, monkeypatch):
    """What this machine trusts is trusted, for the name in it."""
    origin = secured(server, certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with HttpFetcher(request_seconds=1, stop=threading.Event(), sleep=lambda _: None) as trusting:
        server.script("/page", stub.reply(PAGE))
        assert get(trusting, f"{origin}/page").body == PAGE
        with pytest.raises(FetchError, match="its certificate is refused: IP address mismatch"):
            get(trusting, f"{origin.replace('localhost', '127.0.0.1')}/page")


def dripping_record(talk):
    """The start of a long TLS record, a byte at a time."""
    talk.send(b"\x16\x03\x03\x40\0")
    while True:
        talk.pause(0.05)
        talk.send(b"\x02")


@pytest.mark.parametrize("greeting", [stub.silent(), dripping_record])
def test_a_slow_handshake_is_cut_off(server, greeting):
    """A server that never answers the hello, or takes its time."""
    server.greeting = greeting
    with HttpFetcher(request_seconds=0.5, stop=threading.Event()) as fetcher:
        began = time.monotonic()
        with pytest.raises(FetchError):
            get(fetcher, server.origin.replace("http:", "https:"))
        assert time.monotonic() - began < 4


# -- secrets


@pytest.mark.parametrize("token", [f"{SECRET}\n", f"{SECRET}\r\nX: y", f"{SECRET}é", f"\0{SECRET}"])
def test_a_token_that_cannot_be_sent_is_not_quoted(server, fetcher, token):
    """httpx quotes a header it refuses; nothing of that gets out, nor is anything sent."""
    for error in both_ways(fetcher, server.url("/"), authorization=f"Bearer {token}"):
        texts = [str(error), repr(error), str(error.__cause__), str(error.__context__)]
        assert not any(SECRET in text for text in texts)
    assert server.seen == []


def test_a_request_shows_no_secret(fetcher):
    """Neither in its repr nor in an error: token, password, query."""
    url = f"http://user:{SECRET}@127.0.0.1:1/x?token={SECRET}"
    request = Request(url, 10, authorization=f"Bearer {SECRET}")
    assert SECRET not in repr(request)
    with pytest.raises(FetchError) as caught:
        fetcher.fetch(request)
    assert SECRET not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"


@pytest.mark.parametrize(
    "url", ["", "x", "http://", "ftp://a/", "http://[::1", "http://a b/", "http://\u2603.\x00/"]
)
def test_what_is_no_address_is_an_error_like_others(fetcher, url):
    """httpx raises half a dozen kinds for these."""
    with pytest.raises(FetchError):
        get(fetcher, url)


# -- the seam


def test_the_seam_loads_no_http_library():
    """`import cachesync.net` costs next to nothing."""
    code = "import sys, cachesync.net, cachesync.sources.github; sys.exit(bool({'httpx', 'httpcore'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.fixture(params=["real", "fake"])
def seam(request, server, fetcher):
    """A fetcher, its origin, and a way to say what it is answered."""
    if request.param == "real":
        return (
            fetcher,
            server.origin,
            lambda path, answer: server.script(
                path, stub.status(answer.status, answer.body, **answer.headers)
            ),
        )
    fake = FakeFetcher({})
    return (
        fake,
        "http://fake.example",
        lambda path, answer: fake.answer(f"http://fake.example{path}", answer),
    )


def test_both_fetchers_keep_the_contract(seam):
    """What the sources rely on holds for the fake as well."""
    fetcher, origin, answer = seam
    answer("/page", Response(200, {"etag": '"one"'}, bytes(100)))
    request = Request(f"{origin}/page", 100)
    response = fetcher.fetch(request)
    assert (response.status, response.headers["etag"], len(response.body)) == (200, '"one"', 100)
    with fetcher.stream(request) as download:
        assert (download.status, b"".join(download.chunks)) == (200, bytes(100))
    too_small = request._replace(most_bytes=99)
    with pytest.raises(TooLargeError):
        fetcher.fetch(too_small)
    with fetcher.stream(too_small) as download, pytest.raises(TooLargeError):
        b"".join(download.chunks)
    assert fetcher.fetch(Request(f"{origin}/nowhere", 100)).status == 404
    assert issubclass(TooLargeError, FetchError)
    assert issubclass(FetchError, SourceError)
