"""Which proxy an address is asked for through, and whose certificates are trusted."""

import os
import ssl
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.config.access import open_access
from cachesync.config.file import parse
from cachesync.config.reachvalues import ProxyKind, Secret, SecretKind
from cachesync.config.secrets import environment_names
from cachesync.config.settings import Proxy as Said
from cachesync.errors import CachesyncError, ConfigError
from cachesync.net import (
    Access,
    FetchError,
    ForbiddenError,
    Post,
    Request,
    open_fetcher,
    open_poster,
)
from cachesync.net.access import Authorities, Proxies, Proxy, named_variable, of_environment
from cachesync.net.address import refusal
from cachesync.net.trust import Trust, is_encrypted, read_authorities, trusted
from tests.support import stubserver as stub

A, B = "http://a.example:3128", "http://b.example"
PROXY = Proxy("http", "proxy.example", 3128)
SECRET = "hunter2verysecret"


def found(url, **variables):
    proxy = of_environment(variables).find(url)
    return None if proxy is None else proxy.place


@pytest.mark.parametrize(
    ("variables", "http", "https"),
    [
        ({}, None, None),
        ({"http_proxy": A}, "a.example:3128", None),
        ({"https_proxy": A}, None, "a.example:3128"),
        ({"HTTPS_PROXY": A}, None, "a.example:3128"),
        ({"HTTP_PROXY": A}, "a.example:3128", None),
        ({"HTTP_PROXY": A, "REQUEST_METHOD": "GET"}, None, None),
        ({"https_proxy": A, "HTTPS_PROXY": B}, None, "a.example:3128"),
        ({"https_proxy": "", "HTTPS_PROXY": B}, None, None),
        ({"all_proxy": A}, "a.example:3128", "a.example:3128"),
        ({"ALL_PROXY": A, "https_proxy": B}, "a.example:3128", "b.example:80"),
        ({"ALL_PROXY": A, "https_proxy": ""}, "a.example:3128", None),
        ({"https_proxy": "a.example:3128"}, None, "a.example:3128"),
        ({"https_proxy": "https://a.example"}, None, "a.example:443"),
        ({"https_proxy": "http://[2001:db8::1]:8080/"}, None, "[2001:db8::1]:8080"),
    ],
)
def test_the_usual_variables(variables, http, https):
    """The lower case wins, also when it is empty; a host alone is a proxy over http."""
    assert found("http://cache.example/x", **variables) == http
    assert found("https://cache.example/x", **variables) == https


def test_users_of_variables_are_decoded_and_not_shown():
    """A password may hold what an address may not."""
    proxy = of_environment({"https_proxy": f"http://me%40site:{SECRET}%3A@a.example:1"}).https
    assert (proxy.username, proxy.password) == ("me@site", f"{SECRET}:")
    access = Access(Proxies(proxy, proxy))
    assert SECRET not in repr(proxy) + repr(access) + str(proxy) + f"{access}"


@pytest.mark.parametrize(
    "value",
    [f"socks5://u:{SECRET}@h:1", f"ftp://u:{SECRET}@h", f"http://u:{SECRET}@:1",
     f"http://u:{SECRET}@h:99999", f"http://u:{SECRET}@[h", f"http://u:{SECRET}@h:0", f"http://{SECRET}\x01"],
)  # fmt: skip
def test_a_variable_that_names_no_proxy_is_named_without_its_value(value):
    """What is wrong in it may be a password."""
    with pytest.raises(CachesyncError) as caught:
        of_environment({"ALL_PROXY": value})
    assert "ALL_PROXY" in caught.value.message
    assert SECRET not in caught.value.message + (caught.value.hint or "")


@pytest.mark.parametrize(
    ("entry", "url", "is_direct"),
    [
        ("*", "https://cache.example/", True),
        ("cache.example", "https://cache.example/", True),
        ("CACHE.example", "https://Cache.Example/", True),
        ("example", "https://cache.example/", True),
        (".example", "https://cache.example/", True),
        (".cache.example", "https://cache.example/", True),
        ("*.example", "https://cache.example/", True),
        ("ample", "https://cache.example/", False),
        ("cache.example.", "https://cache.example./", True),
        ("cache.example:8443", "https://cache.example:8443/", True),
        ("cache.example:8443", "https://cache.example/", False),
        ("cache.example:443", "https://cache.example/", True),
        ("10.0.0.0/8", "https://10.1.2.3/", True),
        ("10.0.0.0/8", "https://11.1.2.3/", False),
        ("10.1.2.9/8", "https://10.1.2.3/", True),
        ("10.0.0.0/8", "https://cache.example/", False),
        ("10.1.2.3", "https://10.1.2.3/", True),
        ("2.3", "https://10.1.2.3/", False),
        ("10.1.2.3:80", "http://10.1.2.3/", True),
        ("2001:db8::/32", "https://[2001:db8::1]/", True),
        ("[2001:db8::1]", "https://[2001:db8::1]/", True),
        ("2001:db8:0::1", "https://[2001:db8::1]/", True),
        ("[::1]:8080", "http://[::1]:8080/", True),
        ("[::1]:8080", "http://[::1]/", False),
        ("a.example, cache.example b.example", "https://cache.example/", True),
        ("", "https://cache.example/", False),
        ("./,,/8,:,[,]", "https://cache.example/", False),
    ],
)
def test_what_no_proxy_excepts(entry, url, is_direct):
    """Names with all that ends in them, addresses, networks, and any of them with a port."""
    assert (found(url, all_proxy=A, no_proxy=entry) is None) is is_direct
    assert (found(url, all_proxy=A, NO_PROXY=entry) is None) is is_direct


@given(
    st.text(max_size=40),
    st.sampled_from(["http://h.example/", "https://[::1]:4/", "http://10.0.0.1"]),
)
def test_no_text_in_no_proxy_is_an_error(text, url):
    """It is whatever somebody once wrote there: the proxy is used, or not."""
    assert found(url, all_proxy=A, no_proxy=text) in (None, found(url, all_proxy=A))


def test_the_variable_that_would_be_used_is_named():
    """As doctor says it; not where no_proxy excepts the address."""
    assert named_variable({"HTTPS_PROXY": A}, "https://c.example/") == "HTTPS_PROXY"
    assert named_variable({"all_proxy": A}, "http://c.example/") == "all_proxy"
    assert named_variable({"HTTPS_PROXY": A}, "http://c.example/") is None
    assert named_variable({"all_proxy": A, "no_proxy": "example"}, "http://c.example/") is None
    assert named_variable({"all_proxy": "socks5://h"}, "http://c.example/") == "all_proxy"


# -- what the configuration says


def config(text):
    return parse(text, name="x")


SOURCES = """
sources:
  - {name: far, type: http, urls: ["https://c.example/p"]}
  - {name: near, type: archive, url: "https://d.example/t", proxy: none, ca_file: /near.pem}
  - {name: hub, type: github, repository: a/b, proxy: environment}
  - {name: here, type: directory, path: /srv}
"""


def test_a_source_says_more_than_the_top():
    """What it says holds for it alone; what it does not say is said at the top."""
    text = SOURCES + "proxy: {url: 'http://p.example:3128'}\nca_file: /top.pem\n"
    far, near, hub, _ = config(text).sources
    assert (far.proxy.url, far.ca_file) == ("http://p.example:3128", "/top.pem")
    assert (near.proxy.kind, near.ca_file) == (ProxyKind.NONE, "/near.pem")
    assert (hub.proxy.kind, hub.ca_file) == (ProxyKind.ENVIRONMENT, "/top.pem")


def test_a_webhook_has_no_proxy_unless_it_inherits_one():
    """Whatever stands at the top; certificates are for it too."""
    text = """
proxy: environment
ca_file: /top.pem
subscriptions:
  - name: n
    query: a
    targets:
      - {type: webhook, url: "https://a.example/a"}
      - {type: webhook, url: "https://a.example/b", proxy: inherit}
      - {type: webhook, url: "https://a.example/c", proxy: none}
"""
    targets = config(text).subscriptions[0].targets
    assert [t.proxy.kind for t in targets] == [
        ProxyKind.NONE, ProxyKind.ENVIRONMENT, ProxyKind.NONE,
    ]  # fmt: skip
    assert {t.ca_file for t in targets} == {"/top.pem"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("proxy: inherit", "expected one of environment, none"),
        ("proxy: [a]", "expected environment, none, or {url, username, password}"),
        ("proxy: {}", "the key url is missing"),
        (f"proxy: {{url: 'http://u:{SECRET}@h:1'}}", "may not hold a user or password"),
        ("proxy: {url: 'socks5://h:1'}", "begins with http:// or https://"),
        ("proxy: {url: 'http://h:1/path'}", "the address of a proxy"),
        ("proxy: {url: 'http://h:1', username: me}", "username and password go together"),
        ("proxy: {url: 'http://h:1', password: {env: A}}", "username and password go together"),
        (
            f"proxy: {{url: 'http://h:1', username: me, password: {SECRET}}}",
            "a secret never stands",
        ),
        ("proxy: {url: 'http://h:1', username: 'a:b', password: {env: A}}", "without a colon"),
        ("ca_file: ca.pem", "expected an absolute path"),
        ("sources: [{name: d, type: directory, path: /s, proxy: none}]", "there is no key 'proxy'"),
    ],
)
def test_what_is_wrong_is_said_without_secrets(text, said):
    """As a problem with its place."""
    with pytest.raises(ConfigError) as caught:
        config(text)
    assert said in "".join(caught.value.problems)
    assert SECRET not in "".join(caught.value.problems)


def test_a_password_is_read_when_it_is_needed(tmp_path):
    """And its absence said by the place where it should be."""
    file = tmp_path / "password"
    said = Said(ProxyKind.ADDRESS, "http://P.example", "me", Secret(SecretKind.FILE, str(file)))
    with pytest.raises(CachesyncError, match=r"the secret in .*password cannot be read"):
        open_access(said, None, {})
    file.write_text(SECRET + "\n")
    proxy = open_access(said, None, {}).proxies.https
    assert proxy == Proxy("http", "p.example", 80, "me", SECRET)
    assert SECRET not in repr(open_access(said, None, {}))


# -- certificates


@pytest.fixture(scope="module")
def authority():
    trustme = pytest.importorskip("trustme", reason="tests/requirements.lock has it")
    return trustme.CA()


@pytest.fixture
def ca_file(authority, tmp_path):
    path = tmp_path / "ca.pem"
    path.write_bytes("# né à Genève\n".encode("latin-1") + authority.cert_pem.bytes())
    return path


def test_a_file_of_certificates_that_cannot_be_used_is_named(tmp_path):
    """Not there, a directory, empty, something else, or cut off."""
    kinds = {"empty": b"", "other": b"hello\n", "cut": b"-----BEGIN CERTIFICATE-----\nMIIB\n"}
    for name, data in kinds.items():
        (tmp_path / name).write_bytes(data)
    for name in ("absent", "", *kinds):
        path = str(tmp_path / name)
        with pytest.raises(CachesyncError) as caught:
            read_authorities(path)
        assert caught.value.message.startswith(f"ca_file: {path} ")
        assert caught.value.hint


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"])
def test_variables_that_name_what_cannot_be_used_are_named(tmp_path, monkeypatch, name):
    """OpenSSL passes over the first two, and Python raises for the third without saying so."""
    path = str(tmp_path / "no" / "such")
    monkeypatch.setenv(name, path)
    with (
        pytest.raises(CachesyncError) as caught,
        open_fetcher(request_seconds=1, stop=threading.Event()),
    ):
        pass
    assert caught.value.message.startswith(f"{name}: {path} cannot be ")
    assert "\n" not in caught.value.message
    assert name in caught.value.hint


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE", "ca_file"])
def test_what_would_be_waited_for_is_not_opened(tmp_path, monkeypatch, name):
    """OpenSSL opens a pipe and waits for whoever is at its other end, for ever; a terminal as well."""
    pipe = tmp_path / "0123abcd.0"
    os.mkfifo(pipe)
    devices = ["/dev/zero", "/dev/ptmx"] if name != "SSL_CERT_DIR" else []
    for path in (str(pipe), *devices):
        if name == "ca_file":
            with pytest.raises(CachesyncError) as caught:
                read_authorities(path)
        else:
            monkeypatch.setenv(name, str(tmp_path) if name == "SSL_CERT_DIR" else path)
            with pytest.raises(CachesyncError) as caught:
                trusted()
        assert caught.value.message == f"{name}: {path} is no regular file"
        assert caught.value.hint


def test_variables_that_can_be_used_are(tmp_path, monkeypatch, ca_file):
    """And /dev/null is nobody besides."""
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    before = len(trusted().get_ca_certs())
    for name in ("SSL_CERT_FILE", "SSLKEYLOGFILE"):
        monkeypatch.setenv(name, "/dev/null")
    trusted()
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
    trusted()
    monkeypatch.delenv("SSL_CERT_FILE")
    assert len(trusted(read_authorities(str(ca_file))).get_ca_certs()) == before + 1


def test_what_the_environment_named_and_took_away_fails_the_fetch(tmp_path, monkeypatch, ca_file):
    """It is looked at when a fetcher is made, and read when the first connection over TLS is."""
    path = tmp_path / "authorities"
    path.write_bytes(ca_file.read_bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with open_fetcher(request_seconds=1, stop=threading.Event()) as fetcher:
        path.unlink()
        with pytest.raises(FetchError, match=r"SSL_CERT_FILE: .* cannot be read"):
            fetcher.fetch(Request("https://127.0.0.1:9/", 1))


def test_authorities_are_read_for_what_is_encrypted_and_once():
    """To read them takes longer than many exchanges; a connection without TLS trusts nobody."""
    trust = Trust()
    nobody = trust.context(is_encrypted=False)
    assert nobody.verify_mode is ssl.CERT_REQUIRED
    assert nobody.check_hostname
    assert nobody.get_ca_certs() == []
    found = trust.context(is_encrypted=True)
    assert len(found.get_ca_certs()) == len(trusted().get_ca_certs()) > 0
    assert trust.context(is_encrypted=True) is found
    over_tls = Proxy("https", "proxy.example", 443)
    in_clear = over_tls._replace(scheme="http")
    for url, proxy, expected in (
        ("http://a.example/", None, False), ("https://a.example/", None, True),
        ("HTTPS://a.example/", None, True), ("http://a.example/", over_tls, True),
        ("http://a.example/", in_clear, False), ("https://a.example/", in_clear, True),
    ):  # fmt: skip
        assert is_encrypted(url, proxy) is expected


# -- a proxy over TLS


class TlsProxy(stub.StubServer):
    """A proxy over TLS that connects to one server, whatever is asked for."""

    def __init__(self, authority, target):
        super().__init__()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(self._context)
        self._target = target
        self.asked = []

    def _serve(self, connection):
        import socket

        try:
            with self._context.wrap_socket(connection, server_side=True) as outer:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += outer.recv(1)
                self.asked.append(head)
                with socket.create_connection(self._target) as inner:
                    outer.sendall(b"HTTP/1.1 200 go ahead\r\nX-Long: yes\r\n\r\n")
                    back = threading.Thread(target=_copy, args=(inner, outer), daemon=True)
                    back.start()
                    _copy(outer, inner)
                    back.join(10)
        except OSError:
            pass


def _copy(source, target):
    import socket

    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@pytest.mark.parametrize("size", [1, 3_000_000])
def test_tls_through_a_proxy_over_tls(authority, ca_file, size):
    """Both certificates are verified; what comes is what was sent, however long it is."""
    with stub.StubServer() as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("cache.test").configure_cert(context)
        server.wrap = lambda connection: context.wrap_socket(connection, server_side=True)
        body = bytes(range(256)) * (size // 256) or b"x"
        server.script("/page", stub.reply(body))
        host, _, port = server.origin.removeprefix("http://").partition(":")
        with TlsProxy(authority, (host, int(port))) as there:
            place = there.origin.removeprefix("http://")
            proxy = Proxy("https", "127.0.0.1", int(place.partition(":")[2]), "me", SECRET)
            access = Access(Proxies(proxy, proxy), read_authorities(str(ca_file)))
            with open_fetcher(request_seconds=20, stop=threading.Event(), access=access) as fetcher:
                for _ in range(2):
                    answer = fetcher.fetch(Request("https://cache.test/page", 10_000_000))
                    assert answer.body == body
            assert len(there.asked) == 1  # a connection is used again
            assert b"CONNECT cache.test:443 HTTP/1.1\r\nHost: cache.test:443\r\n" in there.asked[0]
            distrusting = Access(Proxies(proxy, proxy))
            with (
                open_fetcher(request_seconds=20, stop=threading.Event(), access=distrusting) as f,
                pytest.raises(FetchError) as caught,
            ):
                f.fetch(Request("https://cache.test/page", 1000))
            assert "cache.test: the proxy 127.0.0.1:" in caught.value.message
            assert "its certificate is refused" in caught.value.message


def saying(answer, heard=None):
    """Read a request, answer with these bytes, and hang up."""

    def greet(talk):
        head = b""
        while b"\r\n\r\n" not in head:
            head += talk.take()
        (heard if heard is not None else []).append(head)
        talk.send(answer)
        raise ConnectionError  # hangs up

    return greet


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "does not connect to it: answered 403 Forbidden"),
        (
            b"HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\n\r\n",
            "by negotiate; only basic is",
        ),
        (b"HTTP/1.1 503 \x1b[31mred\r\n\r\n", "answered 503 ?[31mred (4 attempts)"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "answers something else than HTTP (4 attempts)"),
        (b"", "it hung up (4 attempts)"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 12_000, "its answer does not end (4 attempts)"),
    ],
    ids=["403", "negotiate", "503", "ssh", "nothing", "endless"],
)
def test_what_a_proxy_answers_to_connect_is_told(answer, said):
    """As the proxy's, with nothing of it that a terminal would obey."""
    from cachesync.net.client import HttpFetcher

    with stub.StubServer() as server:
        server.greeting = saying(answer)
        place = server.origin.removeprefix("http://")
        proxy = Proxy("http", "127.0.0.1", int(place.partition(":")[2]))
        access = Access(Proxies(proxy, proxy), None)
        with (
            HttpFetcher(
                request_seconds=20, stop=threading.Event(), access=access, sleep=lambda _: None
            ) as fetcher,
            pytest.raises(FetchError) as caught,
        ):
            fetcher.fetch(Request("https://cache.test/page", 1000))
        assert caught.value.message.startswith(f"cache.test: the proxy {place}")
        assert said in caught.value.message


def test_ipv6_hosts_are_asked_for_in_brackets():
    """As CONNECT wants them."""
    asked = []
    with stub.StubServer() as server:
        server.greeting = saying(b"", asked)
        proxy = Proxy("http", "127.0.0.1", int(server.origin.rpartition(":")[2]))
        with (
            open_fetcher(
                request_seconds=1, stop=threading.Event(), access=Access(Proxies(proxy, proxy))
            ) as fetcher,
            pytest.raises(FetchError),
        ):
            fetcher.fetch(Request("https://[2001:db8::1]/page", 1000))
    assert asked[0].startswith(b"CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n")


def test_authorities_say_only_where_they_are_from():
    """In a list of what differs, for example."""
    assert repr(Authorities("/x.pem", "pem")) == "Authorities('/x.pem')"
    assert repr(PROXY) == "Proxy(http://proxy.example:3128)"


# -- posting through a proxy


def posted(server, resolver, *, refusal=refusal, url="http://hook.example/x"):
    """Post by way of `server` as a proxy; the answer."""
    proxy = Proxy("http", "127.0.0.1", int(server.origin.rpartition(":")[2]), "me", SECRET)
    with open_poster(resolver=resolver) as poster:
        post = Post(url, b"{}", {}, 20.0, refusal, access=Access(Proxies(proxy, proxy)))
        return poster.post(post, stop=threading.Event())


@pytest.mark.parametrize("url", ["http://hook.example/x", "https://hook.example/x"])
def test_a_name_that_this_machine_knows_for_private_is_not_asked_for(url):
    """The proxy would connect, from where it stands: it is not even asked; nor for such an address."""
    with stub.StubServer() as server:
        heard = []
        server.greeting = saying(b"HTTP/1.1 204 ok\r\nContent-Length: 0\r\n\r\n", heard)
        with pytest.raises(
            ForbiddenError, match=r"^hook.example: it is at 10.0.0.7, a private address"
        ):
            posted(server, lambda _name: ["93.184.216.34", "10.0.0.7"], url=url)
        with pytest.raises(ForbiddenError, match="this machine"):
            posted(server, lambda name: [name], url=url.replace("hook.example", "127.0.0.1"))
        assert heard == []


def test_a_name_that_this_machine_does_not_know_is_the_proxys():
    """There is no such name, or nobody answers; with allow_private nobody is asked."""
    hang = threading.Event()

    def unknown(_name):
        raise OSError(2, "no such name")

    def silent(_name):
        hang.wait(30)
        return []

    def never(_name):
        raise AssertionError

    with stub.StubServer() as server:
        server.script("/x", stub.status(204))
        assert posted(server, unknown).status == 204
        assert posted(server, silent).status == 204
        assert posted(server, never, refusal=None).status == 204
        hang.set()
        assert {seen.headers["host"] for seen in server.seen} == {"hook.example"}
        assert all(seen.headers["proxy-authorization"].startswith("Basic ") for seen in server.seen)


def test_a_proxy_that_does_not_take_a_post_is_told():
    """As what it is: no answer of the receiver."""
    with stub.StubServer() as server:
        server.script("/x", stub.status(407))
        with pytest.raises(FetchError, match="refuses the user and password") as caught:
            posted(server, lambda _name: ["93.184.216.34"])
        assert SECRET not in caught.value.message


def test_commands_do_not_inherit_the_variable_of_a_password():
    """Of the proxy at the top, and of a source's own."""
    proxy = "{{url: 'http://p:1', username: me, password: {{env: {}}}}}"
    text = f"proxy: {proxy.format('TOP')}\nsources:\n  - {{name: a, type: archive, url: 'http://a/', proxy: {proxy.format('OWN')}}}\n"
    assert {"TOP", "OWN"} <= environment_names(config(text))
