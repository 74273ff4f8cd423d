"""Registries with images as Spack pushes them: the real docker-registry, and one that does as it is told.

    images = Images(); images.index([ZLIB, HDF5]); images.spec(ZLIB)
    with docker_registry(storage) as origin:              # Debian: docker-registry
        images.push(origin)
    stub = RegistryStub(server, images)                   # of tests/support/stubserver.py

`TokenServer` gives tokens that the real one takes; it needs openssl.
"""

import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support import mirrors
from tests.support import stubserver as stub
from tests.support.webservers import await_port, free_port

NAME = "org/cache"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
"""Of all layers, also of the index, which is plain JSON."""
INDEX = "index.spack"
SERVICE = "tests"


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def tag_of(record: mirrors.Record) -> str:
    return f"{record.name}-{record.spec['version']}-{record.hash}.spack"


class Images:
    """What is in a repository: manifests by tag, and blobs by digest."""

    def __init__(self) -> None:
        self.tags: dict[str, bytes] = {}
        self.blobs: dict[str, bytes] = {}

    def index(self, records: Iterable[mirrors.Record]) -> bytes:
        """What update-index writes; the document."""
        document = mirrors.document(records, version="8")
        self.image(INDEX, b"{}", [document])
        return document

    def spec(self, record: mirrors.Record) -> str:
        """What a push of one spec writes; its tag."""
        tarball = f"tarball of {record.hash}".encode()
        config = {
            "architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []},
            "config": {"Env": ["PATH=/bin"]},
            "spec": {"_meta": {"version": 5}, "nodes": _nodes(record)},
            "buildcache_layout_version": 3,
            "binary_cache_checksum": {"hash_algorithm": "sha256", "hash": digest(tarball)[7:]},
            "archive_size": len(tarball), "archive_timestamp": "2026-11-27T23:22:23.821900+00:00",
            "archive_compression": "gzip",
        }  # fmt: skip
        needed = [f"tarball of {one['hash']}".encode() for one in _nodes(record)[1:]]
        self.image(tag_of(record), json.dumps(config).encode(), [*needed, tarball])
        return tag_of(record)

    def image(self, tag: str, config: bytes, layers: Iterable[bytes]) -> None:
        self.tags[tag] = json.dumps(
            {
                "mediaType": MANIFEST, "schemaVersion": 2,
                "config": self._blob(config, CONFIG),
                "layers": [self._blob(layer, LAYER) for layer in layers],
            },
            separators=(",", ":"),
        ).encode()  # fmt: skip

    def _blob(self, data: bytes, media: str) -> dict[str, Any]:
        self.blobs[digest(data)] = data
        return {"mediaType": media, "digest": digest(data), "size": len(data)}

    def push(self, origin: str, name: str = NAME) -> None:
        """Put everything into a registry that asks nobody who they are."""
        for key, data in self.blobs.items():
            where = _put(f"{origin}/v2/{name}/blobs/uploads/", b"", method="POST")
            _put(f"{where}{'&' if '?' in where else '?'}digest={key}", data)
        for tag, data in self.tags.items():
            _put(f"{origin}/v2/{name}/manifests/{tag}", data, **{"Content-Type": MANIFEST})


def _nodes(record: mirrors.Record) -> list[dict[str, Any]]:
    found = {record.hash: record.spec}
    for need in record.needs:
        found |= {node["hash"]: node for node in _nodes(need.to)}
    return list(found.values())


def _put(url: str, data: bytes, *, method: str = "PUT", **headers: str) -> str:
    """The `Location` of the answer."""
    headers.setdefault("Content-Type", "application/octet-stream")
    asked = urllib.request.Request(url, data, headers, method=method)
    with urllib.request.urlopen(asked, timeout=20) as answer:
        return answer.headers.get("Location", "")


# -- the real one


@contextmanager
def docker_registry(
    storage: Path, *, tls: tuple[Path, Path] | None = None, **auth: Mapping[str, str]
) -> Iterator[str]:
    """The origin of one over a directory; `auth` as in its configuration, `tls` certificate and key."""
    program = shutil.which("docker-registry", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if program is None:
        pytest.skip("needs docker-registry")
    folder = Path(tempfile.mkdtemp(prefix="cachesync-registry-"))
    port = free_port()
    config = {
        "version": 0.1,
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(storage)}},
        "http": {
            "addr": f"127.0.0.1:{port}",
            "secret": "throwaway",
            **({"tls": {"certificate": str(tls[0]), "key": str(tls[1])}} if tls else {}),
        },
        **({"auth": auth} if auth else {}),
    }
    (folder / "config.yml").write_text(json.dumps(config))  # JSON is YAML
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [program, "serve", str(folder / "config.yml")],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"OTEL_TRACES_EXPORTER": "none"},
        )  # fmt: skip
    origin = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        await_port(process, port, (folder / "log").read_text)
        yield origin
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


class TokenServer:
    """Gives tokens for pulling; `seconds` is how long they hold from now, and may be negative."""

    def __init__(self, server: stub.StubServer, folder: Path, path: str = "/token") -> None:
        if shutil.which("openssl") is None:
            pytest.skip("needs openssl")
        self.realm = server.url(path)
        self.seconds = 300
        self.login: str | None = None
        """The value of Authorization that is asked for; None: everybody is given a token."""
        self.key, self.certificate = folder / "token.key", folder / "token.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
             "/CN=tokens", "-keyout", self.key, "-out", self.certificate],
            check=True, capture_output=True,
        )  # fmt: skip
        self.asked: list[dict[str, list[str]]] = []
        self.given: list[str] = []
        server.mount(path, self._answer)

    @property
    def auth(self) -> dict[str, str]:
        """What the registry's configuration says of it."""
        return {
            "realm": self.realm, "service": SERVICE, "issuer": "tests",
            "rootcertbundle": str(self.certificate),
        }  # fmt: skip

    def _answer(self, talk: stub.Talk) -> None:
        asked = parse_qs(talk.seen.query)
        self.asked.append(asked)
        if self.login is not None and talk.seen.headers.get("authorization") != self.login:
            stub.status(401, b'{"details": "hunter2verysecret is wrong"}')(talk)
            return
        now = int(time.time())
        access = []
        for scope in asked.get("scope", []):
            kind, name, actions = scope.split(":")
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
        token = self._signed(
            {
                "iss": "tests", "sub": "", "aud": SERVICE, "jti": str(len(self.asked)),
                "iat": now, "nbf": now - 3600, "exp": now + self.seconds, "access": access,
            }
        )  # fmt: skip
        self.given.append(token)
        stub.reply(json.dumps({"token": token, "expires_in": self.seconds}).encode())(talk)

    def _signed(self, claims: Mapping[str, Any]) -> str:
        pem = self.certificate.read_text().split("-----")[2]
        head = {"typ": "JWT", "alg": "RS256", "x5c": ["".join(pem.split())]}
        text = f"{_web64(json.dumps(head).encode())}.{_web64(json.dumps(claims).encode())}"
        signature = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", self.key], input=text.encode(), check=True,
            capture_output=True,
        ).stdout  # fmt: skip
        return f"{text}.{_web64(signature)}"


def _web64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


# -- one that does as it is told


Guard = Callable[[stub.Talk], bool]


def tokens_of_one_use(
    registry: "RegistryStub", server: stub.StubServer
) -> tuple[list[str], set[str]]:
    """Let a registry take each token for one request; those given so far, and those used."""
    given: list[str] = []
    used: set[str] = set()

    def give(talk: stub.Talk) -> None:
        given.append(f"t{len(given)}")
        stub.reply(json.dumps({"token": given[-1]}).encode())(talk)

    def guard(talk: stub.Talk) -> bool:
        proof = talk.seen.headers.get("authorization", "").removeprefix("Bearer ")
        if proof in given and proof not in used:
            used.add(proof)
            return True
        asked = f'Bearer realm="{server.url("/token")}",scope="repository:{NAME}:pull"'
        stub.status(401, www_authenticate=asked)(talk)
        return False

    server.script("/token", give)
    registry.guard = guard
    return given, used


class RegistryStub:
    """Serves images as a registry does. What is public of it may be changed at any time."""

    def __init__(self, server: stub.StubServer, images: Images, name: str = NAME) -> None:
        self.images = images
        self.url = f"oci+http://{urlsplit(server.origin).netloc}/{name}"
        self.page: int | None = None
        """How many tags a page has; None: all are on one."""
        self.links = '</v2/{name}/tags/list?last={last}&n={n}>; rel="next"'
        self.guard: Guard = lambda _talk: True
        """Whether a request is let in; else it has answered."""
        self.paths: list[str] = []
        """What was asked for, below the repository."""
        self._name = name
        self._base = f"/v2/{name}/"
        server.mount("/v2/", self._answer)

    def _answer(self, talk: stub.Talk) -> None:
        inner = talk.seen.path.removeprefix(self._base)
        self.paths.append(inner)
        if not self.guard(talk):
            return
        if talk.seen.path == inner:
            error("NAME_UNKNOWN")(talk)
            return
        kind, _, key = inner.partition("/")
        {"manifests": self._manifest, "blobs": self._blob, "tags": self._tags}[kind](talk, key)

    def _manifest(self, talk: stub.Talk, tag: str) -> None:
        data = self.images.tags.get(tag)
        if data is None or talk.seen.headers.get("accept") != MANIFEST:
            error("MANIFEST_UNKNOWN")(talk)
        elif talk.seen.headers.get("if-none-match") == f'"{digest(data)}"':
            stub.status(304)(talk)
        else:
            stub.reply(data, content_type=MANIFEST, docker_content_digest=digest(data))(talk)

    def _blob(self, talk: stub.Talk, key: str) -> None:
        data = self.images.blobs.get(key)
        if data is None:
            error("BLOB_UNKNOWN")(talk)
        else:
            stub.cached(data, f'"{key}"')(talk)

    def _tags(self, talk: stub.Talk, _key: str) -> None:
        asked = parse_qs(talk.seen.query)
        left = [tag for tag in sorted(self.images.tags) if tag > asked.get("last", [""])[0]]
        shown = left[: self.page]
        headers = {}
        if len(shown) < len(left):
            headers["Link"] = self.links.format(name=self._name, last=shown[-1], n=self.page)
        body = json.dumps({"name": self._name, "tags": shown or None}).encode()
        stub.reply(body, content_type="application/json", **headers)(talk)


def error(code: str, status: int = 404) -> stub.Behaviour:
    """What a registry answers where something is not there, or not allowed."""
    body = json.dumps({"errors": [{"code": code, "message": "of a test", "detail": {}}]})
    return stub.status(status, body.encode(), content_type="application/json")
