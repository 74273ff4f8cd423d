"""Standing samples: taken when they are due, kept for everybody, and what was missing is asked for again."""

import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.config.mirrors import path
from cachesync.config.sourceconfigs import Probe
from cachesync.daemon.probes import AGAIN_SECONDS, Probes, is_due
from cachesync.daemon.schedule import Schedule
from cachesync.sources.mirror.files import Files
from cachesync.system import published
from tests.support.daemons import eventually
from tests.support.mirrors import make_mirror, record
from tests.support.world import World

MANY = [record(f"many{number}") for number in range(30)]
DAY = 86_400


@given(st.integers(1, 7 * DAY), st.integers(0, 8 * DAY), st.booleans())
def test_a_sample_is_due_after_its_interval(interval, age, missing):
    """What was missing sooner, and never so much as twice too early."""
    seconds = min(interval, AGAIN_SECONDS) if missing else interval
    due = is_due({"at": 0, "missing": int(missing)}, interval, age * 1_000_000)
    assert due or age < seconds
    assert not due or age >= seconds * 0.9


def test_a_sample_of_a_clock_that_was_wrong_is_due():
    assert is_due(None, DAY, 0)
    assert is_due({"at": 1_000_000, "missing": 0}, DAY, 0)


@pytest.fixture
def mirror(tmp_path):
    root = tmp_path / "mirror"
    make_mirror(root, MANY)
    return root


@pytest.fixture
def world(tmp_path, mirror) -> World:
    made = World(tmp_path / "world")
    made.configure(f"sources: [{{name: m, type: buildcache, url: '{mirror.as_uri()}'}}]\n")
    made.run("sync")
    return made


@pytest.fixture
def taking(world):
    """Takes samples each second, until the test ends."""
    rang = threading.Event()
    probes = Probes(world.state, lambda _source, url: Files(path(url)), on_change=rang.set)
    schedule = Schedule()
    schedule.start()

    def start(**wanted):
        probes.start(wanted)
        for name, one in wanted.items():
            probes.plan(schedule, name, one)
        return probes, rang

    yield start
    schedule.stop()
    probes.stop()


def said(world):
    return published.probes(world.state).get("m")


def blobs_of(mirror):
    for manifest in sorted((mirror / "v3/manifests/spec").rglob("*.json")):
        checksum = json.loads(manifest.read_bytes())["data"][0]["checksum"]
        yield mirror / "blobs/sha256" / checksum[:2] / checksum


def test_a_sample_is_taken_and_kept(world, taking):
    """For everybody to read; another each time, and who wants to know is told."""
    _, rang = taking(m=Probe(1, 5))
    first = eventually(lambda: said(world))
    assert (first["asked"], first["matching"], first["there"]) == (5, 30, 5)
    assert first["failed"] == []
    assert rang.wait(10)
    assert (world.state / published.PROBES).stat().st_mode & 0o777 == 0o644
    eventually(lambda: said(world)["seed"] != first["seed"])


def test_what_is_missing_is_asked_for_again_until_it_is_there(world, mirror, taking):
    """Whatever the sample is of: no luck makes a mirror well."""
    lost = list(blobs_of(mirror))
    kept = {file: file.read_bytes() for file in lost}
    for file in lost[:15]:
        file.unlink()
    taking(m=Probe(1, 3))
    before = eventually(lambda: (one := said(world)) and one["missing"] and one)
    eventually(lambda: said(world)["seed"] != before["seed"])
    again = {one["hash"] for one in said(world)["failed"]}
    assert {one["hash"] for one in before["failed"]} <= again
    for file, data in kept.items():
        file.write_bytes(data)
    eventually(lambda: said(world)["missing"] == 0)


def test_of_a_source_without_one_nothing_is_kept(world, taking):
    probes, _ = taking(m=Probe(1, 5))
    eventually(lambda: said(world))
    probes.keep({})
    assert said(world) is None
    assert json.loads((world.state / published.PROBES).read_bytes()) == {"sources": {}}


def test_a_source_of_which_nothing_is_cached_has_no_sample(world, taking):
    _, rang = taking(other=Probe(1, 5))
    assert rang.wait(20)
    assert published.probes(world.state) == {}


@pytest.mark.parametrize("text", ["", "[]", '{"sources": 1}', '{"sources": {"m": {"at": "x"}}}'])
def test_a_file_of_another_shape_says_nothing(world, text):
    (world.state / published.PROBES).write_text(text)
    assert published.probes(world.state) == {}
    world.run("status")


def test_status_says_what_was_found(world, mirror, taking):
    """And that a mirror which lacks something is degraded, with what and where; 1 for a monitor."""
    taking(m=Probe(1, 30))
    eventually(lambda: said(world))
    assert "sample of m: 30 of 30, " in world.run("status").out
    assert world.run("status", "--check").out == "cachesync ok\n"
    next(blobs_of(mirror)).unlink()
    eventually(lambda: said(world)["missing"])
    told = world.run("status").out
    assert told.startswith("health: degraded: m: 1 of 30 sampled specs are missing: /")
    assert "29 there, 1 missing\n  missing: /" in told
    assert "its tarball is not there" in told
    (source,) = world.run("status", "--json").json["sources"]
    assert source["probe"]["missing"] == len(source["probe"]["failed"]) == 1
    assert source["probe"]["at"].startswith("20")
    assert world.run("status", "--check", status=1).out.startswith("cachesync degraded: m: 1 of 30")
