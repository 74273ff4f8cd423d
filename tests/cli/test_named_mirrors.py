"""What `doctor` finds of mirrors that a list or a mirrors.yaml names: which have no index, and which do not answer."""

import json
import threading

import pytest

from cachesync.cli.named_mirrors import MOST_MIRRORS, asked
from cachesync.sources.mirror.discovered import Statement
from tests.support import mirrors
from tests.support import stubserver as stub
from tests.support.stubserver import StubServer
from tests.support.world import World

LIST = "/cache_spack_io_index.json"
INDEX = "/v3/manifests/index/index.manifest.json"


@pytest.fixture
def server():
    with StubServer() as running:
        yield running


def findings(world, *arguments):
    """Those of the sources: check, state, text."""
    every = world.run("doctor", "--json", *arguments, status=None).json["findings"]
    return [
        (one["check"], one["state"], one["text"])
        for one in every
        if one["check"].split(" ")[0] == "site"
    ]


def listed(server, entries):
    """A list of mirrors, served: {ref: [stack]}."""
    body = {
        ref: [
            {"label": one, "url": f"s3://b/{ref}/{one}/blobs/sha256/ab/{'ab' * 32}"}
            for one in stacks
        ]
        for ref, stacks in entries.items()
    }
    server.mount(LIST, stub.reply(json.dumps(body).encode()))


def test_each_mirror_of_a_list_is_asked(tmp_path, server):
    """One line says how many have an index, and one of each that has none or does not answer why."""
    world = World(tmp_path)
    world.configure(
        f"sources:\n  - {{name: site, type: buildcache, list: '{server.url(LIST)}', bucket_url: '{server.origin}'}}\n"
    )
    listed(server, {"develop": ["good", "old", "none", "ill", "portal"]})
    server.mount(f"/develop/good{INDEX}", stub.reply(b'{"version":3,"data":[]}'))
    server.mount("/develop/old/build_cache/index.json", stub.reply(b"x" * 9))
    server.mount(f"/develop/ill{INDEX}", stub.status(500))
    server.mount(f"/develop/portal{INDEX}", stub.reply(b"<html>please log in"))
    first, shows, count, *bad = findings(world)
    assert first[1:] == ("ok", f"{server.origin.removeprefix('http://')} answers 200")
    assert "shows neither views nor releases/*" in shows[2]
    assert f"url: {server.origin}/releases/v2026.10, view: v2026.10.0}}`" in shows[2]
    assert count == ("site", "warning", "2 of 5 mirrors have a cache index")
    assert [(check, state) for check, state, _ in bad] == [
        ("site (develop, none)", "warning"),
        ("site (develop, ill)", "error"),
        ("site (develop, portal)", "error"),
    ]
    assert bad[0][2] == (
        f"{server.origin}/develop/none: no cache index: v3/manifests/index/index.manifest.json answered 404;"
        " build_cache/index.json answered 404"
    )
    assert "answered 500" in bad[1][2]
    before = len(server.paths())
    assert [state for _, state, _ in findings(world, "--offline")] == ["not asked", "ok"]
    assert len(server.paths()) == before


def test_a_list_that_does_not_come_is_told_once(tmp_path, server):
    """By its key; nothing is said of what such a list shows. One of which no mirror is read is a warning."""
    world = World(tmp_path)
    entry = f"  - {{name: site, type: buildcache, tags: [v1], list: '{server.url(LIST)}'}}\n"
    world.configure(f"sources:\n{entry}")
    server.mount(LIST, stub.status(404))
    told = world.run("doctor", status=None).out
    assert "remedy: check `list:`" in told
    assert [one[1] for one in findings(world)] == ["warning"]
    server.mount(LIST, stub.reply(b'{"signing": {}}'))
    assert [one[1] for one in findings(world)] == ["ok", "error"]
    listed(server, {"v2": ["e4s"]})
    assert findings(world)[2:] == [("site", "warning", "no mirror that it names is read")]


def test_of_many_mirrors_some_are_asked(tmp_path, server):
    """From the first to the last; a line says of how many, and of the failing ones a few are told."""
    world = World(tmp_path)
    world.configure(
        f"sources:\n  - {{name: site, type: buildcache, list: '{server.url(LIST)}', bucket_url: '{server.origin}'}}\n"
    )
    listed(server, {f"v1.{ref}.0": [f"s{one}" for one in range(25)] for ref in range(10)})
    *_, count, _ = [one for one in findings(world) if one[0] == "site"]
    assert count[1:] == (
        "warning", "0 of 84 mirrors that were asked, of 250, have a cache index",
    )  # fmt: skip
    paths = [path for path in server.paths() if path.endswith(INDEX)]
    assert len(set(paths)) == 84 <= MOST_MIRRORS
    assert {path.split("/")[1] for path in paths} == {f"v1.{ref}.0" for ref in range(10)}


def test_each_mirror_of_a_mirrors_yaml_is_asked(tmp_path):
    """Those on disk also with --offline, which says how many others it leaves out."""
    world = World(tmp_path)
    path = tmp_path / "mirrors.yaml"
    path.write_text("mirrors: {a: a, b: b, c: c, far: 'http://127.0.0.1:1/x'}")
    mirrors.make_mirror(tmp_path / "a", [mirrors.record("zlib")])
    (tmp_path / "b").mkdir()
    world.configure(f"sources:\n  - {{name: site, type: buildcache, mirrors: {path}}}\n")
    said = {check: (state, text) for check, state, text in findings(world, "--offline")[1:]}
    assert said["site"] == ("not asked", "1 mirrors: --offline")
    assert said["site (b, root)"][0] == "warning"
    assert said["site (c, root)"][1].endswith(f"there is no directory {tmp_path}/c")
    every = findings(world)
    assert every[1] == ("site", "warning", "1 of 4 mirrors have a cache index")
    assert [one[:2] for one in every if one[0] == "site (far, root)"] == [
        ("site (far, root)", "error")
    ]


def test_who_does_not_answer_in_time_is_not_waited_for():
    """What the others said is told."""
    every = [Statement(f"https://h/{name}", None, name, "root") for name in "abc"]
    hold = threading.Event()
    found = asked(
        every, lambda one: hold.wait() and None if one.tag == "b" else None, most_seconds=0.3
    )
    hold.set()
    assert [found[one] for one in every] == [
        None, ("not asked", "there was no answer within 0 s"), None,
    ]  # fmt: skip
