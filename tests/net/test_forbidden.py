"""Posting where nobody may be reached, and to names that are not whose they seem."""

import os
import socket
import ssl
import threading

import pytest

from cachesync.net import ForbiddenError, Post, open_poster
from cachesync.notify.target import Outcome
from tests.support import stubserver as stub
from tests.support.messages import BODY, REFUSED_FORMS
from tests.support.posting import RUNNING, at, reached, send

# -- where nothing is sent


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
