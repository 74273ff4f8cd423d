"""What `doctor` finds, and `config check` beside it: what the daemon would say, once, and no more than is known."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cachesync import net
from cachesync.cli import remote_sources
from cachesync.config.reachvalues import Secret, SecretKind
from cachesync.config.sourceconfigs import BuildcacheSourceConfig, Credentials
from cachesync.net.challenges import basic
from tests.support import stubserver as stub
from tests.support.daemons import daemon
from tests.support.registries import Images, RegistryStub
from tests.support.world import World, spec

Finding = tuple[str, str, str, str | None]


def found(world: World, *arguments: object) -> list[Finding]:
    """Every finding: check, state, text, remedy."""
    findings = world.run("doctor", "--json", *arguments, status=None).json["findings"]
    return [(f["check"], f["state"], f["text"], f["remedy"]) for f in findings]


def of(check: str, findings: list[Finding]) -> Finding:
    """The only finding of a check."""
    (one,) = [finding for finding in findings if finding[0] == check]
    return one


# -- a configuration that lost its sources


def test_a_configuration_that_became_empty_is_judged_as_the_daemon_judges_it(world):
    """It goes on with the old one, so the new one is in no order, before it is reloaded and after."""
    world.page("develop", "hdf5", spec("a"))
    text = f"sources:\n{world.directory_source()}"
    world.configure(text)
    with daemon(world) as running:
        for emptied in ("", "sources: []\n", "log: {level: info}\n"):
            world.configure(emptied)
            said = world.run("config", "check", status=2).err
            why = f"it has no source: the daemon (pid {running.process.pid}), which has some, refuses it"
            assert f"  {world.config}:1:1: {why}\n" in said
            document = world.run("config", "check", "--json", status=2).json
            assert (document["ok"], document["problems"]) == (False, [f"{world.config}:1:1: {why}"])
            check = of("config", found(world))
            assert check[1:3] == ("error", f"{world.config}: {why}")
            assert check[3].startswith("name one below `sources:`")
        running.signal(1)
        running.says("the new config is refused, the old one goes on: it has no source")
        assert world.run("doctor", status=1).out.startswith("error   config: ")
        other = world.root / "other.yaml"  # none that the daemon would ever read
        other.write_text("log: {level: info}\n")
        world.run("--config", other, "config", "check")
        world.configure(text)
        world.run("config", "check")
        assert of("config", found(world))[1] == "ok"


def test_what_the_daemon_could_not_start_with_is_told(world):
    """Without one that runs: a source has to be named, or remembered."""
    world.configure("subscriptions: []\n")
    check = of("config", found(world))
    assert check[1:3] == ("warning", f"{world.config}: it names no source, and `run` needs one")
    (note,) = world.run("config", "check", "--json").json["notes"]
    assert note == "it names no source, and `run` needs one"
    assert world.run("config", "check").out.endswith("; `run` needs a source\n")
    world.page("develop", "hdf5", spec("a"))
    world.run("sync", "--pages", world.pages)
    assert of("config", found(world))[1:3] == ("ok", str(world.config))
    assert world.run("config", "check", "--json").json["notes"] == []


# -- sources that are fetched


@pytest.fixture
def server() -> Iterator[stub.StubServer]:
    with stub.StubServer() as running:
        yield running


def test_what_is_wrong_with_a_certificate_or_a_secret_is_told_once(world):
    """However many sources it keeps from being asked; those are not asked, and say so."""
    token = world.root / "token"
    token.mkdir()
    ca_file = world.root / "ca.pem"
    ca_file.write_text("no certificate\n")
    world.configure(
        f"ca_file: {ca_file}\nsources:\n"
        "  - {name: one, type: http, urls: ['https://127.0.0.1:9/x']}\n"
        "  - {name: two, type: archive, url: 'https://127.0.0.1:9/y'}\n"
    )
    findings = found(world)
    said = [f for f in findings if str(ca_file) in f[2]]
    assert [f[:2] for f in said] == [("ca_file", "error")]
    for name in ("one", "two"):
        assert of(name, findings)[1] == "not asked"
    world.configure(
        "sources:\n"
        "  - {name: hub, type: github, repository: a/b, path: c,"
        f" api_url: 'http://127.0.0.1:9', raw_url: 'http://127.0.0.1:9', token: {{file: {token}}}}}\n"
    )
    findings = found(world)
    assert [f[:2] for f in findings if str(token) in f[2]] == [("secret", "error")]
    assert of("hub", findings)[1] == "not asked"


def test_a_variable_that_keeps_every_source_from_being_asked_is_told_once(world):
    """SSL_CERT_FILE is of nobody's configuration."""
    world.configure(
        "sources:\n"
        "  - {name: one, type: http, urls: ['https://127.0.0.1:9/x']}\n"
        "  - {name: two, type: archive, url: 'https://127.0.0.1:9/y'}\n"
    )

    class Elsewhere(World):
        @property
        def environment(self) -> dict[str, str]:
            return {**super().environment, "SSL_CERT_FILE": "/nonexistent"}

    findings = found(Elsewhere(world.root))
    assert of("one", findings)[1:3] == (
        "error",
        "SSL_CERT_FILE: /nonexistent cannot be read: No such file or directory",
    )
    assert of("two", findings)[1] == "not asked"


def test_a_repository_is_asked_for_with_its_token(world, server):
    """Without one a private repository is not there: what is to be done is to set it."""
    hub = stub.GithubStub(server, {}, token="t0ken")

    def private(talk: stub.Talk) -> None:
        is_let_in = talk.seen.headers.get("authorization") == "Bearer t0ken"
        stub.status(200 if is_let_in else 401, b"{}")(talk)

    server.mount(f"/api/repos/{hub.repository}", private)
    (world.root / "token").write_text("t0ken\n")
    config = (
        f"sources:\n  - {{name: hub, type: github, repository: {hub.repository}, path: _cache,"
        f" api_url: '{hub.api_url}', raw_url: '{hub.raw_url}'%s}}\n"
    )
    world.configure(config % "")
    check = of("hub", found(world))
    assert check[1] == "warning"
    assert check[2].endswith("answers 401")
    assert check[3] == "check `repository:`; a private one needs a `token:`"
    world.configure(config % f", token: {{file: {world.root}/token}}")
    check = of("hub", found(world))
    assert check[1] == "ok"
    assert check[2].endswith("answers 200")


def test_a_registry_is_asked_as_a_pass_asks_it(world, server):
    """By its manifest and with its password, which is said to go in the clear where it does."""
    images = Images()
    registry = RegistryStub(server, images)
    (world.root / "password").write_text("hunter2verysecret\n")
    entry = f"  - {{name: reg, type: buildcache, url: '{registry.url}'%s}}\n"
    config = f"sources:\n{entry}"
    login = f", credentials: {{username: bot, password: {{file: {world.root}/password}}}}"
    world.configure(config % "")
    check = of("reg", found(world))
    assert check[1:] == (
        "warning",
        f"{net.host(server.origin)} answers 404: there is no cache index",
        "check `url:`, or have an index made: spack buildcache update-index",
    )
    world.configure(config % ", read: manifests")
    assert of("reg", found(world))[1] == "ok"
    world.configure((config % ", read: manifests").replace(registry.url, f"{registry.url}-2"))
    check = of("reg", found(world))
    assert (check[1], check[3]) == ("warning", "check `url:`, and whether anything was pushed")
    world.configure(config % "")
    images.index([])
    assert of("reg", found(world))[1] == "ok"

    def guard(talk):
        if talk.seen.headers.get("authorization") == basic("bot", "hunter2verysecret"):
            return True
        stub.status(401, www_authenticate='Basic realm="r"')(talk)
        return False

    registry.guard = guard
    check = of("reg", found(world))
    assert check[1] == "error"
    assert "wants to know who asks (answered 401)" in check[2]
    assert check[3] == "`credentials: {username, password}` of somebody who may read it"
    world.configure(config % login)
    assert of("reg", found(world))[1:] == ("ok", f"{net.host(server.origin)} answers 200", None)
    (world.root / "password").write_text("hunter3\n")
    check = of("reg", found(world))
    assert "answered 401 to the password" in check[2]
    assert "hunter" not in f"{check}"
    (world.root / "password").unlink()
    findings = found(world)
    assert sum(f"{world.root}/password" in one[2] for one in findings) == 1
    assert any(one[0] == "reg" and one[1] in ("not asked", "error") for one in findings)
    world.configure(config % ", credentials: {username: bot, password: {credential: reg}}")
    check = of("reg", found(world))
    assert check[1] == "not asked"
    assert check[2].endswith("only the service has the credential reg")


@pytest.mark.parametrize(
    ("url", "is_overheard"),
    [
        ("oci+http://registry.example.org:5000/a", True),
        ("oci://registry.example.org/a", False),
        ("oci+http://127.0.0.1:5000/a", False),
        ("oci+http://localhost/a", False),
    ],
)
def test_which_registries_are_told_a_password_that_others_can_hear(url, is_overheard):
    secret = Secret(SecretKind.ENV, "PASSWORD")
    entry = BuildcacheSourceConfig("m", url, credentials=Credentials("bot", secret))
    assert remote_sources.is_overheard(entry) is is_overheard
    assert not remote_sources.is_overheard(entry._replace(credentials=Credentials()))


# -- the port for metrics


@contextmanager
def listening(answer: bytes | None) -> Iterator[int]:
    """A port that is taken by who says one thing to everybody, or nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            try:
                while answer is not None:
                    with server.accept()[0] as asked:
                        asked.recv(1 << 16)
                        asked.sendall(answer)
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.mark.parametrize(("answer", "state", "said"), [
    (None, "warning", "is taken, and what has it does not answer: by a daemon or not is not known"),
    (b"HTTP/1.0 200 OK\r\n\r\n{}", "error", "is taken by a program that is no daemon of cachesync"),
    (b"SSH-2.0-x\r\n", "error", "is taken by a program that is no daemon of cachesync"),
])  # fmt: skip
def test_whose_the_metrics_port_is_is_asked(world, answer, state, said):
    """And where nobody answers it is not claimed to be somebody else's."""
    pytest.importorskip("prometheus_client", reason="the extra is not installed")
    with listening(answer) as port:
        world.configure(
            f"metrics: {{listen: '127.0.0.1:{port}'}}\nsources:\n{world.directory_source()}"
        )
        check = of("metrics", found(world))
        assert check[1:3] == (state, f"127.0.0.1:{port} {said}")
        assert check[3]


def test_a_daemon_that_cannot_be_seen_has_its_own_port(world, tmp_path):
    """Of another state directory, for example another user's: nothing is wrong."""
    pytest.importorskip("prometheus_client", reason="the extra is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    world.configure(
        f"metrics: {{listen: '127.0.0.1:{port}'}}\nsources:\n{world.directory_source()}"
    )
    with daemon(world):
        other = World(tmp_path / "other")
        other.config = world.config
        state, text = of("metrics", found(other, "--config", world.config))[1:3]
        assert (state, text) == (
            "ok",
            f"127.0.0.1:{port}: a daemon answers there, which cannot be seen from here",
        )
