"""A proxy that is the only way out of a network: what goes through it, and what is said when it does not."""

import sys
import textwrap
import time

import pytest

from tests.support import proxies
from tests.support.pagetext import Facts, as_generated, spec
from tests.support.proxies import ORIGIN, OUTSIDE, PASSWORD, PROXIES, USER, network, proxying
from tests.support.world import World, hash_of

PAGE = as_generated(Facts("hdf5", "develop", [spec(hash_of(1))]))
ORIGIN_PROGRAM = textwrap.dedent(
    """
    import ssl, sys, threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    certificate, page, posted = sys.argv[1:]
    body = open(page, "rb").read()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def do_GET(self):
            self.answer(200, body)
        def do_POST(self):
            data = self.rfile.read(int(self.headers["content-length"]))
            with open(posted, "ab") as file:
                file.write(data + b"\\n")
            self.answer(204, b"")
        def answer(self, status, data):
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    for address in ("10.99.7.1", "10.231.7.1"):
        plain = ThreadingHTTPServer((address, 8080), Handler)
        secure = ThreadingHTTPServer((address, 8443), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        secure.socket = context.wrap_socket(secure.socket, server_side=True)
        for server in (plain, secure):
            threading.Thread(target=server.serve_forever).start()
    """
)


class Site:
    """The network, a server in it, and a world inside."""

    def __init__(self, there, root, posted):
        self.there, self.root, self.posted = there, root, posted
        self.world = None

    def run(self, world, *command, **variables):
        return self.there.inside(
            sys.executable, "-m", "cachesync", "--state-dir", str(world.state), *command,
            environment=world.environment | variables,
        )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    trustme = pytest.importorskip("trustme", reason="tests/requirements.lock has it")
    root = tmp_path_factory.mktemp("site")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(root / "ca.pem"))
    certificate = authority.issue_cert("cache.test", ORIGIN)
    certificate.private_key_and_cert_chain_pem.write_to_path(str(root / "server.pem"))
    (root / "page").write_bytes(PAGE)
    posted = root / "posted"
    posted.touch()
    with network() as there:
        server = there.outside(
            sys.executable, "-c", ORIGIN_PROGRAM,
            str(root / "server.pem"), str(root / "page"), str(posted),
        )  # fmt: skip
        try:
            until = time.monotonic() + 30
            while not proxies.wait_for(there, OUTSIDE, 8443):
                assert time.monotonic() < until
                assert server.poll() is None
                time.sleep(0.05)
            yield Site(there, root, posted)
        finally:
            proxies.stop(server)


@pytest.fixture(scope="module", params=PROXIES)
def guarded(request, site):
    """A proxy that asks who is there."""
    with proxying(request.param, site.there, users=True) as proxy:
        yield proxy


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def source(*urls, extra=""):
    listed = ", ".join(f"'{url}'" for url in urls)
    return f"sources:\n  - {{name: pages, type: http, urls: [{listed}]{extra}}}\n"


def user(proxy, world, password=PASSWORD):
    """`proxy:` with its user, whose password is in a file."""
    secret = world.root / "proxy-password"
    secret.write_text(f"{password}\n")
    return f"proxy: {{url: '{proxy.url}', username: {USER}, password: {{file: {secret}}}}}\n"


SECURE = "https://cache.test:8443/develop/hdf5/specs.md"
PLAIN = "http://cache.test:8080/develop/hdf5/specs.md"


def secret_is_nowhere(world, *said):
    """The password is in no output, and in no file of the state directory."""
    assert not any(PASSWORD in text for text in said)
    for path in world.state.rglob("*"):
        if path.is_file():
            assert PASSWORD.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("url", [SECURE, PLAIN], ids=["https", "http"])
def test_a_page_comes_through_the_only_way_out(site, guarded, world, url):
    """By CONNECT where it is https, with the site's certificate; its name is known outside only."""
    ca = f"ca_file: {site.root}/ca.pem\n"
    world.configure(source(url) + ca)
    assert "FAILED" in site.run(world, "sync").stdout.upper()
    world.configure(source(url) + ca + user(guarded, world))
    run = site.run(world, "-v", "sync")
    assert "1 changed" in run.stdout, run
    assert ("CONNECT cache.test:8443" in guarded.log()) or url == PLAIN
    assert "cache.test:80" in guarded.log()[-2000:] or url == SECURE
    secret_is_nowhere(world, run.stdout, run.stderr)


def test_the_environment_is_heeded_where_the_configuration_says_so(site, guarded, world):
    """And nowhere else: doctor then says that it is set and not used."""
    value = f"http://{USER}:{PASSWORD}@{guarded.place}"
    ca = f"ca_file: {site.root}/ca.pem\n"
    names = ("https_proxy", "HTTPS_PROXY", "ALL_PROXY")
    world.configure(source(SECURE) + ca)
    assert site.run(world, "sync", **dict.fromkeys(names, value)).returncode == 1
    for name in names:
        world.configure(source(SECURE) + ca)
        doctor = site.run(world, "doctor", **{name: value})
        assert f"{name} is set and not used" in doctor.stdout
        assert "proxy: environment" in doctor.stdout
        world.configure(source(SECURE) + ca + "proxy: environment\n")
        run = site.run(world, "sync", **{name: value})
        assert run.returncode == 0, run
        doctor = site.run(world, "doctor", **{name: value})
        assert f"answers 200, through the proxy {guarded.place}" in doctor.stdout
        secret_is_nowhere(world, run.stdout, run.stderr, doctor.stdout, doctor.stderr)


@pytest.mark.parametrize("url", [SECURE, PLAIN], ids=["https", "http"])
def test_a_proxy_that_refuses_is_told_apart_from_the_server(site, guarded, world, url):
    """No user, a wrong password, and nobody there: each is said, and none with the password."""
    ca = f"ca_file: {site.root}/ca.pem\n"
    place = url.split("/")[2]
    world.configure(source(url) + ca + f"proxy: {{url: '{guarded.url}'}}\n")
    run = site.run(world, "sync")
    wanted = f"the proxy {guarded.place} wants a user and password (407)"
    assert f"{place}: {wanted}" in run.stderr, run
    world.configure(source(url) + ca + user(guarded, world, "wrong"))
    run = site.run(world, "sync")
    refused = f"{place}: the proxy {guarded.place} refuses the user and password"
    if guarded.name == "tinyproxy" and url == PLAIN:
        refused = "answered 401"  # as a server would: nobody can tell who said it
    assert refused in run.stderr, run
    world.configure(source(url) + ca + f"proxy: {{url: 'http://{OUTSIDE}:3999'}}\n")
    run = site.run(world, "sync")
    assert f"{place}: the proxy {OUTSIDE}:3999: connection refused" in run.stderr, run
    assert "wrong" not in run.stderr


def test_no_proxy_with_a_network_is_heeded(site, world):
    """What is in the network is reached directly, whatever the proxy, which is not there."""
    url = f"http://{OUTSIDE}:8080/develop/hdf5/specs.md"
    world.configure(source(url) + "proxy: environment\n")
    dead = f"http://{OUTSIDE}:3999"
    assert site.run(world, "sync", http_proxy=dead).returncode == 1
    run = site.run(world, "sync", http_proxy=dead, no_proxy="localhost,10.231.0.0/16")
    assert run.returncode == 0, run


def test_a_source_has_its_own_way(site, guarded, world):
    """`proxy: none` for one that is near, the proxy at the top for the rest."""
    near = f"http://{OUTSIDE}:8080/develop/hdf5/specs.md"
    world.configure(
        source(near, extra=", proxy: none")
        + f"  - {{name: far, type: http, urls: ['{SECURE}'], ca_file: {site.root}/ca.pem}}\n"
        + user(guarded, world)
    )
    before = guarded.log().count(f"{OUTSIDE}:8080")
    run = site.run(world, "sync")
    assert run.returncode == 0, run
    assert guarded.log().count(f"{OUTSIDE}:8080") == before


def test_a_webhook_goes_through_the_proxy_only_where_its_target_says_so(site, guarded, world):
    """Otherwise it has no way; the name is the proxy's to look up."""
    ca = f"ca_file: {site.root}/ca.pem\n"

    def subscribed(extra):
        return (
            "subscriptions:\n  - name: all\n    query: 'hdf5'\n    backfill: true\n    targets:\n"
            f"      - {{type: webhook, url: 'https://cache.test:8443/hook'{extra}}}\n"
        )

    before = site.posted.read_text().count("\n")
    world.configure(source(SECURE) + ca + user(guarded, world) + subscribed(""))
    assert site.run(world, "sync").returncode == 0
    run = site.run(world, "subscriptions", "test", "all")
    assert site.posted.read_text().count("\n") == before
    world.configure(source(SECURE) + ca + user(guarded, world) + subscribed(", proxy: inherit"))
    run = site.run(world, "subscriptions", "test", "all")
    assert site.posted.read_text().count("\n") == before + 1, run
    secret_is_nowhere(world, run.stdout, run.stderr)
