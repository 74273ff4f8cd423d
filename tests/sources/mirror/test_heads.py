"""Whether a file is there and how large it is, without reading it: on disk and on real servers."""

import os
import tempfile
from pathlib import Path

import pytest

from cachesync.config.mirrors import path
from cachesync.errors import SourceError
from cachesync.net import FetchError
from cachesync.sources.mirror.files import Files
from cachesync.sources.mirror.place import Absent, There
from cachesync.sources.mirror.web import Web
from tests.support import stubserver as stub
from tests.support.nobody import nobody

THEN = 1_700_000_000


def test_a_file_is_there_with_its_size_and_time(reached, root):
    """Whatever packs what it sends; a name that has to be quoted, an empty file, none at all."""
    url, fetcher, _ = reached
    for name, size in (("blob", 70_000), ("a+b ü%", 7), ("empty", 0)):
        (root / name).write_bytes(b"a" * size)
        os.utime(root / name, (THEN, THEN))
    place = Files(path(url)) if fetcher is None else Web(url, fetcher, 1 << 20)
    assert place.head("blob") == There(70_000, THEN)
    assert place.head("a+b ü%") == There(7, THEN)
    assert place.head("empty") == There(0, THEN)
    assert isinstance(place.head("no"), Absent)


def by_method(head, get):
    return lambda talk: (head if talk.seen.method == "HEAD" else get)(talk)


def part(total, *, status=206):
    return stub.status(status, b"a", content_range=f"bytes 0-0/{total}")


def without_body(status, **headers):
    return lambda talk: talk.head(status, headers)


def chunked(talk):
    talk.head(200, {"Transfer-Encoding": "chunked"})


SERVERS = {
    "refuses HEAD": (without_body(405), part(7), There(7)),
    "does not know HEAD": (without_body(501), part(7), There(7)),
    "allows no HEAD": (without_body(403), part(7), There(7)),
    "says no length": (chunked, part(7), There(7)),
    "says a length of something packed": (
        without_body(200, **{"Content-Length": "3", "Content-Encoding": "gzip"}), part(7), There(7),
    ),
    "and no total": (without_body(405), part("*"), There(None)),
    "and says of a part that it is 200": (without_body(405), part(7, status=200), There(7)),
    "and ranges": (without_body(405), stub.reply(b"abc"), There(3)),
    "and ranges, and has much": (without_body(405), stub.reply(b"a" * (1 << 20)), There(1 << 20)),
    "of an empty file": (
        without_body(405), stub.status(416, content_range="bytes */0"), There(0),
    ),
    "of what is not there": (without_body(405), stub.status(404), Absent("answered 404")),
    "of what S3 does not have": (
        without_body(403), stub.status(403), Absent("answered 403", is_certain=False),
    ),
    "has it no longer": (without_body(410), stub.status(500), Absent("answered 410")),
}  # fmt: skip


@pytest.mark.parametrize("kind", SERVERS)
def test_what_refuses_head_is_asked_for_a_byte(server, fetcher, kind):
    head, get, expected = SERVERS[kind]
    server.script("/blob", by_method(head, get))
    assert Web(server.origin, fetcher, 1 << 20).head("blob") == expected


@pytest.mark.parametrize("status", [401, 400, 416])
def test_what_cannot_be_told_is_a_failure(server, fetcher, status):
    server.script("/blob", by_method(without_body(status), stub.status(status)))
    with pytest.raises(SourceError, match=f"answered {status}"):
        Web(server.origin, fetcher, 1 << 20).head("blob")


def test_a_server_that_is_not_there_is_a_failure(server, fetcher):
    server.script("/blob", stub.hang_up())
    with pytest.raises(FetchError):
        Web(server.origin, fetcher, 1 << 20).head("blob")


def test_a_file_that_nobody_may_read_is_a_failure():
    """It is there for others, perhaps; a directory and a FIFO are no files."""
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        root.chmod(0o755)
        (root / "blob").write_bytes(b"a")
        (root / "blob").chmod(0)
        (root / "directory").mkdir()
        os.mkfifo(root / "fifo")
        place = Files(made)
        with nobody(), pytest.raises(SourceError, match=f"{root}/blob cannot be read"):
            place.head("blob")
        for name in ("directory", "fifo"):
            with pytest.raises(SourceError, match="not a regular file"):
                place.head(name)
        with pytest.raises(SourceError, match="there is no directory"):
            Files(f"{made}/away").head("blob")
