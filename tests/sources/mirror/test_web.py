"""A mirror behind a server that lies or breaks off: what is read is whole, or nothing is."""

import hashlib
import os
import re

import pytest

from cachesync.sources.base import Failed
from cachesync.sources.mirror.web import MOST_PARTS
from tests.support import mirrors
from tests.support import stubserver as stub
from tests.support.mirrorreading import (
    HDF5,
    INDEX,
    OLD,
    hashes,
    lose_what_was_written,
    placed,
    read,
)


def lying(server, root):
    """A server over a mirror that can be told to do otherwise for a path."""

    def honest(talk):
        file = root / talk.seen.path.lstrip("/")
        if not file.is_file():
            stub.status(404)(talk)
        else:
            data = file.read_bytes()
            stub.cached(data, f'"{hashlib.sha256(data).hexdigest()[:16]}"')(talk)

    server.mount("/", honest)
    return server.origin


HTML = b"<!doctype html><title>Please log in</title>"
LIES = {
    "a portal": (stub.reply(HTML, **{"Content-Type": "text/html"}), "answered with text/html"),
    "an error": (stub.status(500), "answered 500"),
    "gone": (stub.status(410), "answered 410"),
    "not allowed": (stub.status(401), "answered 401"),
    "a redirect to a file": (stub.redirect("file:///etc/passwd"), "a redirect to an address"),
    "a redirect in a circle": (stub.redirect("/" + INDEX), "round in a circle"),
    "nobody": (stub.hang_up(), "attempts"),
    "never modified": (stub.status(304), "answered 304"),
    "cut": (stub.cut(b'{"version":3', announced=300), "expected 300"),
    "endless": (stub.reply(b" " * (3 << 20)), "larger than"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_server_that_lies_is_a_failure(server, root, fetcher, lie):
    mirrors.make_mirror(root, [HDF5])
    url = lying(server, root)
    behaviour, reason = LIES[lie]
    server.script("/" + INDEX, behaviour)
    failed = read(url, fetcher, tag="t")
    assert isinstance(failed, Failed)
    assert failed.is_passing
    assert reason in failed.reason
    assert f"{url}/{INDEX}" in failed.reason


def test_a_server_that_is_silent_is_a_failure(server, root, hasty):
    mirrors.make_mirror(root, [HDF5])
    url = lying(server, root)
    server.script("/" + INDEX, stub.silent())
    failed = read(url, hasty, tag="t")
    assert isinstance(failed, Failed)
    assert failed.is_passing


def test_a_portal_in_the_place_of_an_old_index_is_a_failure(server, root, fetcher):
    mirrors.make_mirror(root, [OLD], layout=2)
    url = lying(server, root)
    server.script("/build_cache/index.json", stub.reply(HTML, **{"Content-Type": "text/html"}))
    failed = read(url, fetcher, tag="t")
    assert "answered with text/html, not with a cache index" in failed.reason


PORTALS = {
    "a page": (HTML, "text/html; charset=utf-8", "text/html, not"),
    "a page that says it is JSON": (HTML, "application/json", "no JSON, though it says 'application/json'"),
    "a page without a type": (HTML, "", "no content type, and not"),
    "a text that says it is a page": (b"\x1b[31mgo away", "text/html", "text/html, not"),
    "a page behind blanks": (b"\n" * 200 + HTML, "text/plain", "text/plain, not"),
}  # fmt: skip


@pytest.mark.parametrize("of", ["manifest", "blob", "old index"])
@pytest.mark.parametrize("portal", PORTALS)
def test_a_portal_is_told_by_what_came(server, root, fetcher, portal, of):
    """Its type and how it begins, every character printable, and the remedy."""
    body, kind, said = PORTALS[portal]
    made = mirrors.make_mirror(root, [OLD], layout=2 if of == "old index" else 3)
    url = lying(server, root)
    path = INDEX if of == "manifest" else made.index.relative_to(root).as_posix()
    server.script(f"/{path}", *[stub.reply(body, **{"Content-Type": kind} if kind else {})] * 2)
    failed = read(url, fetcher, tag="t")
    assert failed.reason.startswith(f"{url}/{path}: answered with {said}")
    assert failed.reason.isprintable()
    begins = "it begins with '\\x1b[31mgo away'" if b"\x1b" in body else "it begins with '<!doctype"
    assert begins in failed.reason
    assert "open the address in a browser" in failed.reason


def test_an_index_behind_blanks_is_read(server, root, fetcher):
    """And is not taken for empty."""
    made = mirrors.make_mirror(root, [OLD], layout=2)
    made.index.write_bytes(b" " * 64 + made.index.read_bytes())
    assert placed(read(lying(server, root), fetcher, tag="t")) == hashes(OLD)


def test_a_temporary_file_that_is_lost_is_a_failure(server, root, fetcher, tmp_path, monkeypatch):
    """With the address, the reason and the remedy; the next pass reads."""
    monkeypatch.setenv("TMPDIR", os.fspath(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    mirrors.make_mirror(root, [OLD], layout=2)
    url = lying(server, root)

    def losing(talk):
        lose_what_was_written(tmp_path)
        stub.status(404)(talk)

    server.script("/build_cache/index.json.hash", losing, stub.status(404))
    failed = read(url, fetcher, tag="t")
    assert failed.is_passing
    assert failed.reason.startswith(
        f"{url}/build_cache/index.json: a temporary file in {tmp_path} "
    )
    assert "could not be read again: input/output error (look whether" in failed.reason
    assert placed(read(url, fetcher, tag="t")) == hashes(OLD)


# -- going on where a download broke off


def parts(data, etag, *, cut_at, total=None, start=None, later_etag=None, status=206, says=None):
    """A server that breaks off, and answers a range with what the keywords say."""

    def answer(talk):
        wanted = talk.seen.headers.get("range", "")
        if not wanted:
            talk.head(200, {"Content-Length": str(len(data)), "ETag": etag})
            talk.send(data[:cut_at])
            talk.reset()
            return
        assert talk.seen.headers["if-range"] == etag
        first = int(wanted.removeprefix("bytes=").removesuffix("-"))
        rest = data[first:] if status == 206 else data
        said = start if start is not None else first
        headers = {"Content-Length": str(len(rest)), "ETag": later_etag or etag}
        if status == 206:
            headers["Content-Range"] = f"bytes {said}-{len(data) - 1}/{total or len(data)}"
        talk.head(says or status, headers)
        talk.send(rest)

    return answer


@pytest.fixture
def broken(server, root):
    """A server whose index blob is to be scripted: its path and content."""
    many = [mirrors.record(f"p{number}") for number in range(300)]
    made = mirrors.make_mirror(root, many)
    path = "/" + str(made.index.relative_to(root))
    return lying(server, root), path, made.index.read_bytes(), hashes(*many)


def ranges(server, path):
    return [seen.headers.get("range") for seen in server.seen if seen.path == path]


def test_a_download_that_breaks_off_goes_on(server, fetcher, broken):
    url, path, data, wanted = broken
    server.script(path, parts(data, '"one"', cut_at=100_000))
    assert placed(read(url, fetcher, tag="t")) == wanted
    first, second = ranges(server, path)
    assert first is None
    assert 0 < int(re.fullmatch(r"bytes=(\d+)-", second)[1]) <= 100_000


def test_a_part_is_told_by_its_range_and_not_by_206(server, fetcher, broken):
    """As rclone's S3 answers; and a part that nobody asked for is not taken for the whole."""
    url, path, data, wanted = broken
    server.script(path, parts(data, '"one"', cut_at=100_000, says=200))
    assert placed(read(url, fetcher, tag="t")) == wanted
    assert [one is None for one in ranges(server, path)] == [True, False]
    part = {"Content-Range": f"bytes 0-9/{len(data)}", "ETag": '"one"'}
    server.script(path, stub.reply(data[:10], **part))
    failed = read(url, fetcher, tag="t")
    assert isinstance(failed, Failed)
    assert failed.is_passing


@pytest.mark.parametrize(
    "lie",
    [
        {"later_etag": '"two"'}, {"total": 7}, {"start": 5}, {"status": 200}, {"status": 416},
    ],
    ids=str,
)  # fmt: skip
def test_a_part_of_something_else_is_never_taken(server, fetcher, broken, lie):
    """Another ETag, length or start: everything is asked for again, and nothing is mixed."""
    url, path, data, wanted = broken
    whole = stub.cached(data, '"two"')
    first = parts(data, '"one"', cut_at=100_000, **lie)
    server.script(path, first, first, whole)
    assert placed(read(url, fetcher, tag="t")) == wanted
    asked = ranges(server, path)
    assert asked[:2] == [None, asked[1]]
    if lie != {"status": 200}:
        assert asked[2:] == [None]


def test_without_a_strong_etag_nothing_is_resumed(server, fetcher, broken):
    url, path, data, wanted = broken
    server.script(path, parts(data, 'W/"one"', cut_at=100_000), stub.cached(data))
    assert placed(read(url, fetcher, tag="t")) == wanted
    assert ranges(server, path) == [None, None]


def test_parts_that_do_not_make_the_blob_are_thrown_away(server, fetcher, broken):
    """A file that is overwritten in place keeps its ETag while it is sent: only the checksum tells."""
    url, path, data, wanted = broken
    mixed = data[:-50] + b"x" * 50
    server.script(
        path,
        parts(data, '"one"', cut_at=100_000),
        parts(mixed, '"one"', cut_at=1),
        stub.cached(data),
    )
    assert placed(read(url, fetcher, tag="t")) == wanted
    assert len([one for one in ranges(server, path) if one is None]) == 2


def test_a_download_that_never_ends_well_is_given_up(server, fetcher, broken):
    url, path, data, _wanted = broken
    server.script(path, parts(data, 'W/"one"', cut_at=1000))
    failed = read(url, fetcher, tag="t")
    assert isinstance(failed, Failed)
    assert f"({MOST_PARTS} attempts)" in failed.reason
    assert len(ranges(server, path)) == MOST_PARTS
