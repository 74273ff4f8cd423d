"""A server on loopback that does what it is told, lies included, and one shaped like GitHub.

    with StubServer() as server:
        server.script("/page", reply(b"..."), status(404))   # one after the other, the last for ever
        server.url("/page"), server.seen

    github = GithubStub(server, {"develop": {"hdf5": b"..."}})
    github.pages["develop"]["hdf5"] = b"..."; github.counts["tree"]

A behaviour is a function of a `Talk`: the request it answers, and the connection.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import socket
import struct
import tarfile
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import unquote, urlsplit

MIB = 2**20


class Seen(NamedTuple):
    """A request as it arrived; header names in lower case."""

    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""
    method: str = "GET"


class Talk:
    """The request that is being answered, and ways to answer it."""

    def __init__(self, connection: socket.socket, seen: Seen, closing: threading.Event) -> None:
        self.seen = seen
        self.is_open = True
        self._connection = connection
        self._closing = closing

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def take(self) -> bytes:
        """Some of what was sent here and is not read yet; for a greeting."""
        return self._connection.recv(65536)

    def pause(self, seconds: float) -> None:
        """Sleep; raises ConnectionError when the server is to end."""
        if self._closing.wait(seconds):
            raise ConnectionError

    def head(self, status: int, headers: Mapping[str, str] | None = None) -> None:
        lines = [f"HTTP/1.1 {status} Stub", *(f"{k}: {v}" for k, v in (headers or {}).items())]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def hang_up(self) -> None:
        self.is_open = False

    def reset(self) -> None:
        """Close with RST."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.hang_up()


Behaviour = Callable[[Talk], None]


class StubServer:
    """Listens on a free port of 127.0.0.1 (or of `address`); a thread for each connection."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.seen: list[Seen] = []
        self.most_at_once = 0
        self.wrap: Callable[[socket.socket], socket.socket] = lambda connection: connection
        """Makes of a new connection what is spoken over."""
        self.greeting: Behaviour | None = None
        """What is done with a new connection before anything is read."""
        self._scripts: dict[str, list[Behaviour]] = {}
        self._prefixes: dict[str, Behaviour] = {}
        self._lock = threading.Lock()
        self._at_once = 0
        self._closing = threading.Event()
        self._connections: set[socket.socket] = set()
        self._listener = socket.create_server((address, 0), backlog=64)
        self.origin = f"http://{address}:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End every behaviour and connection."""
        self._closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def url(self, path: str) -> str:
        return self.origin + path

    def script(self, path: str, *behaviours: Behaviour) -> str:
        """From now on answer `path` so: one behaviour a request, the last one for ever."""
        self._scripts[path] = list(behaviours)
        return self.url(path)

    def mount(self, prefix: str, behaviour: Behaviour) -> None:
        """Answer what begins with `prefix` and has no script."""
        self._prefixes[prefix] = behaviour

    def mirror(self, root: Path) -> str:
        """The address of the files below a directory, as a server of files has them."""

        def answer(talk: Talk) -> None:
            file = root / talk.seen.path.removeprefix("/mirror/")
            (reply(file.read_bytes()) if file.is_file() else status(404))(talk)

        self.mount("/mirror/", answer)
        return self.url("/mirror")

    def paths(self) -> list[str]:
        return [seen.path for seen in self.seen]

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection:
                if self.greeting is not None:
                    self.greeting(Talk(connection, Seen("", "", {}), self._closing))
                with self.wrap(connection) as wrapped, wrapped.makefile("rb") as lines:
                    self._converse(wrapped, lines)
        except (OSError, ValueError):
            pass
        finally:
            with self._lock:
                self._connections.discard(connection)

    def _converse(self, connection: socket.socket, lines: io.BufferedIOBase) -> None:
        while not self._closing.is_set() and (seen := _request(lines)) is not None:
            talk = Talk(connection, seen, self._closing)
            self._answer(talk)
            if not talk.is_open:
                return

    def _answer(self, talk: Talk) -> None:
        with self._lock:
            self.seen.append(talk.seen)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            script = self._scripts.get(talk.seen.path)
            if script:
                behaviour = script.pop(0) if len(script) > 1 else script[0]
            else:
                mounted = [p for p in self._prefixes if talk.seen.path.startswith(p)]
                behaviour = self._prefixes[max(mounted, key=len)] if mounted else status(404)
        try:
            behaviour(talk)
        finally:
            with self._lock:
                self._at_once -= 1


def _request(lines: io.BufferedIOBase) -> Seen | None:
    first = lines.readline().decode("latin-1").split()
    if len(first) != 3:
        return None
    headers = {}
    while line := lines.readline().strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    parts = urlsplit(first[1])
    body = lines.read(int(headers.get("content-length", "0")))
    return Seen(parts.path, parts.query, headers, body, first[0])


# -- behaviours


def status(code: int, body: bytes = b"", **headers: str) -> Behaviour:
    """Answer `code`; `retry_after="3"` is the header `retry-after`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(talk: Talk) -> None:
        talk.head(code, {"Content-Length": str(len(body)), **named})
        talk.send(body)

    return answer


def reply(body: bytes, **headers: str) -> Behaviour:
    """Answer 200."""
    return status(200, body, **headers)


def cached(body: bytes, etag: str = '"one"', modified: str = "") -> Behaviour:
    """Answer 200, or 304 to those who have it."""

    def answer(talk: Talk) -> None:
        headers = {"etag": etag} | ({"last_modified": modified} if modified else {})
        has_it = talk.seen.headers.get("if-none-match") == etag
        (status(304, **headers) if has_it else reply(body, **headers))(talk)

    return answer


def redirect(location: str, code: int = 302) -> Behaviour:
    return status(code, b"elsewhere", location=location)


def dripping(body: bytes, *, every: float = 1.0) -> Behaviour:
    """A byte at a time of the body."""

    def answer(talk: Talk) -> None:
        talk.head(200, {"Content-Length": str(len(body))})
        for byte in body:
            talk.send(bytes([byte]))
            talk.pause(every)

    return answer


def dripping_head(*, every: float = 0.05) -> Behaviour:
    """A byte at a time of headers that never end."""

    def answer(talk: Talk) -> None:
        talk.send(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while True:
            talk.send(b"x")
            talk.pause(every)

    return answer


def silent() -> Behaviour:
    """Never answer."""

    def answer(talk: Talk) -> None:
        talk.pause(3600)

    return answer


def silent_body(body: bytes) -> Behaviour:
    """Headers and half of the body, and then nothing."""

    def answer(talk: Talk) -> None:
        talk.head(200, {"Content-Length": str(len(body))})
        talk.send(body[: len(body) // 2])
        talk.pause(3600)

    return answer


def cut(body: bytes, *, announced: int | None = None, by_reset: bool = False) -> Behaviour:
    """Announce more than is sent, then hang up."""

    def answer(talk: Talk) -> None:
        talk.head(200, {"Content-Length": str(announced or 2 * len(body) + 1)})
        talk.send(body)
        if by_reset:
            talk.pause(0.05)
            talk.reset()
        talk.hang_up()

    return answer


def overlong(body: bytes, announced: int) -> Behaviour:
    """Announce less than is sent."""

    def answer(talk: Talk) -> None:
        talk.send(f"HTTP/1.1 200 OK\r\nContent-Length: {announced}\r\n\r\n".encode() + body)

    return answer


def hang_up() -> Behaviour:
    """Close without an answer."""
    return lambda talk: talk.hang_up()


def slowly(behaviour: Behaviour, seconds: float) -> Behaviour:
    def answer(talk: Talk) -> None:
        talk.pause(seconds)
        behaviour(talk)

    return answer


def raw(data: bytes) -> Behaviour:
    """Send this, whatever it is, and hang up."""

    def answer(talk: Talk) -> None:
        talk.send(data)
        talk.hang_up()

    return answer


# -- archives and bombs


def zeros_gzipped(mebibytes: int, before: bytes = b"") -> bytes:
    """`before` and so many MiB of zeros, as gzip of about 1 kB a MiB; its checksum is wrong."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = packer.compress(before) + packer.flush(zlib.Z_FULL_FLUSH)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + start + block * mebibytes + b"\x03\0" + bytes(8)


def tar_of(
    members: Mapping[str, bytes] | Sequence[tuple[str, bytes]], *extra: tarfile.TarInfo
) -> bytes:
    """A tar archive of files, and of members without content after them."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in members.items() if isinstance(members, Mapping) else members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in extra:
            archive.addfile(info)
    return file.getvalue()


def tarball(pages: Mapping[str, Mapping[str, bytes]], *, root: str = "repo-1a2b/_cache") -> bytes:
    """What GitHub serves of a repository with these pages: {tag: {package: content}}."""
    files = {
        f"{root}/{tag}/{package}/specs.md": content
        for tag, packages in pages.items()
        for package, content in packages.items()
    }
    return gzip.compress(tar_of(files), mtime=0)


# -- GitHub


_Shape = tuple[str, dict[str, list[dict[str, object]]]]


class GithubStub:
    """The API and the raw files of one repository that holds `pages`: {tag: {package: content}}.

    `pages` may be changed at any time: the commit, its ETag and every sha follow. `counts` counts
    requests by `commit`, `tree` and `blob`. With a `token` nothing is shown without it.
    """

    def __init__(
        self,
        server: StubServer,
        pages: dict[str, dict[str, bytes]],
        *,
        repository: str = "spack/cache.spack.io",
        path: str = "_cache",
        token: str | None = None,
    ) -> None:
        self.pages = pages
        self.repository = repository
        self.counts: Counter[str] = Counter()
        self.truncated: set[str] = set()
        """Tags whose recursive listing is cut in half."""
        self.extra: dict[str, list[dict[str, object]]] = {}
        """More lines for the recursive listing of a tag."""
        self.tampered: set[str] = set()
        """`tag/package` whose raw file is not what is listed."""
        self.api_url = f"{server.origin}/api"
        self.raw_url = f"{server.origin}/raw"
        self._path = [part for part in path.split("/") if part]
        self._token = token
        self._blobs: dict[bytes, str] = {}
        self._known: tuple[object, _Shape] | None = None
        server.mount(f"/api/repos/{repository}/commits/", self._commit)
        server.mount(f"/api/repos/{repository}/git/trees/", self._tree)
        server.mount(f"/raw/{repository}/", self._raw)

    def requests(self) -> int:
        """All requests since the last `counts.clear()`."""
        return self.counts.total()

    def commit(self) -> str:
        """The sha of the commit that holds what `pages` is now."""
        return _sha("commit", f"tree {self._shape()[0]}".encode())

    def _shape(self) -> _Shape:
        """The sha of the root tree, and the lines of every tree by sha."""
        now = {
            tag: (dict(packages), list(self.extra.get(tag, ())))
            for tag, packages in self.pages.items()
        }
        known = self._known
        if known is None or known[0] != now:
            known = self._known = (now, self._shaped())
        return known[1]

    def _shaped(self) -> _Shape:
        trees: dict[str, list[dict[str, object]]] = {}

        def tree(lines: list[dict[str, object]]) -> dict[str, object]:
            content = "".join(f"{line['mode']} {line['path']}\0{line['sha']}" for line in lines)
            sha = _sha("tree", content.encode("utf-8", "surrogatepass"))
            trees[sha] = lines
            return {"mode": "040000", "type": "tree", "sha": sha}

        tags = []
        for tag, packages in sorted(self.pages.items()):
            lines = [
                {"path": f"{package}/specs.md", **self._blob(content)}
                for package, content in sorted(packages.items())
            ]
            lines += self.extra.get(tag, [])
            tags.append({"path": tag, **tree(lines)})
        below = tree(tags)
        readme = {"path": "README.md", **self._blob(b"A cache\n")}
        for name in reversed(self._path):
            below = tree([readme, {"path": name, **below}])
        return str(below["sha"]), trees

    def _blob(self, content: bytes) -> dict[str, object]:
        sha = self._blobs.get(content)
        if sha is None:
            sha = self._blobs[content] = _sha("blob", content)
        return {"mode": "100644", "type": "blob", "sha": sha, "size": len(content)}

    def _is_let_in(self, talk: Talk) -> bool:
        if self._token is None or talk.seen.headers.get("authorization") == f"Bearer {self._token}":
            return True
        status(404)(talk)
        return False

    def _commit(self, talk: Talk) -> None:
        self.counts["commit"] += 1
        if self._is_let_in(talk):
            cached(self.commit().encode(), etag=f'"{self.commit()}"')(talk)

    def _tree(self, talk: Talk) -> None:
        self.counts["tree"] += 1
        if not self._is_let_in(talk):
            return
        root, trees = self._shape()
        sha = talk.seen.path.rpartition("/")[2]
        lines = trees.get(root if sha == self.commit() else sha)
        if lines is None:
            status(404)(talk)
            return
        tags = {line["sha"]: line["path"] for line in trees[self._tags_sha(root, trees)]}
        is_truncated = tags.get(sha) in self.truncated
        shown = lines[: len(lines) // 2] if is_truncated else lines
        body = json.dumps({"sha": sha, "tree": shown, "truncated": is_truncated}).encode()
        if "gzip" in talk.seen.headers.get("accept-encoding", ""):
            reply(gzip.compress(body, 1), content_encoding="gzip")(talk)
        else:
            reply(body)(talk)

    def _tags_sha(self, root: str, trees: dict[str, list[dict[str, object]]]) -> str:
        for name in self._path:
            root = str(next(line["sha"] for line in trees[root] if line["path"] == name))
        return root

    def _raw(self, talk: Talk) -> None:
        self.counts["blob"] += 1
        if not self._is_let_in(talk):
            return
        inside = unquote(talk.seen.path).removeprefix(f"/raw/{self.repository}/")
        commit, *place = inside.split("/")
        *above, tag, package, _name = place
        content = self.pages.get(tag, {}).get(package)
        if commit != self.commit() or above != self._path or content is None:
            status(404)(talk)
        elif f"{tag}/{package}" in self.tampered:
            reply(b"<html>Unicorn!</html>")(talk)
        else:
            reply(content)(talk)


def _sha(kind: str, content: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content).hexdigest()
