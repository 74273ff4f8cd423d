"""Real web servers: what did not change is not sent again, whatever the server does to its answers."""

import os
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

from cachesync.config.settings import Limits
from cachesync.config.sourceconfigs import HttpSourceConfig
from cachesync.net import open_fetcher
from cachesync.sources.base import UNCHANGED
from cachesync.sources.http import HttpSource
from tests.support import stubserver as stub
from tests.support.pagetext import Facts, as_generated, spec
from tests.support.webservers import PROGRAMS, serving
from tests.support.world import World, hash_of

NAMES = ("hdf5", "zlib", "cmake")


def page(package, *numbers):
    return as_generated(Facts(package, "develop", [spec(hash_of(n)) for n in numbers]))


@pytest.fixture
def tree():
    """A directory that every user may read, with pages that are an hour old."""
    root = Path(tempfile.mkdtemp(prefix="cachesync-pages-"))
    root.chmod(0o755)
    yield root
    shutil.rmtree(root)


def put(path, data, *, age_seconds=3600):
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(data)
    then = time.time() - age_seconds
    os.utime(beside, (then, then))
    beside.replace(path)


def put_page(tree, package, *numbers, **more):
    put(tree / "_cache" / "develop" / package / "specs.md", page(package, *numbers), **more)


def put_archive(tree, pages, **more):
    members = {f"top/_cache/develop/{name}/specs.md": data for name, data in pages.items()}
    put(tree / "all.tar", stub.tar_of(members), **more)
    packed = subprocess.run(["gzip", "-nc", tree / "all.tar"], capture_output=True, check=True)
    put(tree / "all.tar.gz", packed.stdout, **more)


def sync(world):
    (result,) = world.run("sync", "--json").json["sources"]
    assert result["state"] == "ok", result
    return result


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_pages_that_did_not_change_are_not_sent_again(tmp_path, tree, name, packed):
    """The first pass brings bodies, the second and third none; a page that changes is seen at once."""
    world = World(tmp_path)
    for number, package in enumerate(NAMES):
        put_page(tree, package, number)
    with serving(name, tree, packed=packed) as server:
        world.configure(
            "sources:\n"
            f"  - {{name: pages, type: http, url: '{server.origin}/_cache/{{tag}}/{{package}}/specs.md',"
            f" tags: [develop], packages: [{', '.join(NAMES)}]}}\n"
        )
        assert sync(world)["changed"] == 3
        first = server.answers(3)
        assert [sent.status for sent in first] == [200] * 3
        assert all(sent.body_bytes and sent.coding == ("gzip" if packed else "") for sent in first)
        for _ in range(2):
            assert sync(world)["unchanged"] == 3
            assert [(s.status, s.body_bytes) for s in server.answers(3)] == [(304, 0)] * 3
        put_page(tree, "zlib", 7, age_seconds=60)
        assert sync(world)["changed"] == 1
        assert sorted(sent.status for sent in server.answers(3)) == [200, 304, 304]
    assert world.run("status", "--json").json["notes"] == []


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("file", ["all.tar", "all.tar.gz"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_an_archive_that_did_not_change_is_not_sent_again(tmp_path, tree, name, file, packed):
    """Whether it is packed once, twice, or not at all."""
    world = World(tmp_path)
    put_archive(tree, {"hdf5": page("hdf5", 1), "zlib": page("zlib", 2)})
    with serving(name, tree, packed=packed) as server:
        world.configure(
            f"sources:\n  - {{name: all, type: archive, url: '{server.url('/' + file)}'}}\n"
        )
        assert sync(world)["changed"] == 2
        (first,) = server.answers(1)
        assert (first.status, first.coding) == (200, "gzip" if packed else "")
        for _ in range(2):
            assert sync(world)["unchanged"] == 2
            assert [(s.status, s.body_bytes) for s in server.answers(1)] == [(304, 0)]
        put_archive(tree, {"hdf5": page("hdf5", 1), "zlib": page("zlib", 3)}, age_seconds=60)
        assert sync(world)["changed"] == 1
        assert [sent.status for sent in server.answers(1)] == [200]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_change_of_equal_length_within_the_second_is_seen(tree, name):
    """What was written just now is asked for without conditions; soon after, it is not sent again."""
    one, other = page("hdf5", 1), page("hdf5", 2)
    assert len(one) == len(other)
    path = tree / "_cache" / "develop" / "hdf5" / "specs.md"
    with (
        serving(name, tree, packed=False) as server,
        open_fetcher(request_seconds=20, stop=threading.Event()) as fetcher,
    ):
        config = HttpSourceConfig("pages", urls=(server.url("/_cache/develop/hdf5/specs.md"),))
        source = HttpSource(config, Limits(), fetcher)
        (entry,) = source.listing().entries
        put(path, one, age_seconds=0)
        second = path.stat().st_mtime_ns // 10**9 * 10**9
        first = source.read(entry.path, "")
        put(path, other)
        os.utime(path, ns=(second, second))
        again = source.read(entry.path, "", first.signature)
        assert (first.data, again.data) == (one, other)
        os.utime(path, ns=(second - 10**10, second - 10**10))
        settled = source.read(entry.path, "", again.signature)
        assert settled.data == other
        assert source.read(entry.path, "", settled.signature) is UNCHANGED


def test_a_server_that_never_says_not_modified_is_noted_once(tmp_path):
    """After two passes that brought what was there; and the note goes when it does say so."""
    world = World(tmp_path)
    body = page("hdf5", 1)
    with stub.StubServer() as server:
        url = server.script("/specs.md", stub.reply(body, etag='"one"'))
        world.configure(f"sources:\n  - {{name: pages, type: http, urls: ['{url}']}}\n")
        said = []
        for _ in range(5):
            run = world.run("sync")
            said.append(run.err.count("never answers 304"))
        assert said == [0, 0, 1, 0, 0]
        (note,) = world.run("status", "--json").json["notes"]
        assert note["source"] == "pages"
        assert "never answers 304" in note["note"]
        assert "note: pages: its server never answers 304" in world.run("status").out
        server.script("/specs.md", stub.cached(body))
        world.run("sync")
        assert world.run("status", "--json").json["notes"] == []
