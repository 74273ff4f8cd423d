"""Mirrors that are written while they are read, behind real web servers: the log tells nothing that is not so."""

import hashlib
import itertools
import os
import time
from contextlib import ExitStack

import pytest

from cachesync.config.settings import Limits
from cachesync.config.sourceconfigs import BuildcacheSourceConfig
from cachesync.diff import Guard
from cachesync.ledger import log
from cachesync.model import ChangeKind, SourceState
from cachesync.selection import Selection
from cachesync.sources.mirror.reaching import Reach
from cachesync.sources.mirror.source import MirrorSource
from cachesync.sync.passes import run_pass
from tests.support import mirrors
from tests.support.passes import patient
from tests.support.relay import relaying
from tests.support.statements import placed
from tests.support.webservers import serving
from tests.support.writing import writing

KEPT = [mirrors.record(f"kept{number}") for number in range(5)]
ONE, TWO, THREE = (mirrors.record(name) for name in ("one", "two", "three"))
INDEX = "/v3/manifests/index/index.manifest.json"
OLD_INDEX = "/build_cache/index.json"
LARGE = 24 << 20
"""More than a server has on its way: the rest is read from the file while it is sent."""


class Site:
    """A mirror, a server over it, a relay before that, and the ledger of a source that settles at once."""

    def __init__(self, root, server, tmp_path, opened):
        self.root = root
        self.relay = opened.enter_context(relaying(server.origin))
        self._fetcher = opened.enter_context(patient(20.0))
        self._ticks = 0
        self.writer = opened.enter_context(writing(tmp_path / "state", self._clock))
        self._config = BuildcacheSourceConfig("m", self.relay.origin, tag="t", settle=1)

    def _clock(self):
        self._ticks += 1_000_000
        return self._ticks

    def sync(self):
        """A pass; returns how it ended, and the hashes that came and went in it."""
        before = self.writer.seq
        row = self.writer.source("m", "buildcache", "m", configured=True, interval=None)
        source = MirrorSource(self._config, Reach(Limits(download_bytes=64 << 20), self._fetcher))
        result = run_pass(self.writer, source, row, selection=Selection(), guard=Guard())
        told = {ChangeKind.SPEC_CACHED: set(), ChangeKind.SPEC_EVICTED: set()}
        for change in log.changes(self.writer.db, log.Filter(after=before, kinds=list(told))):
            told[change.kind].add(change.hash)
        return result.state, *told.values()

    def has(self, *records):
        """The ledger has these, beside what always is there, and a pass that finds no change says so."""
        assert {key[2] for key in placed(self.writer.db)} == hashes(*KEPT, *records)
        assert self.sync() == (SourceState.OK, set(), set())
        return True

    def write(self, *records, layout, size=None, at=None):
        """The mirror's next state, perhaps of a `size`, written some time ago or `at` a time."""
        made = mirrors.make_mirror(self.root, [*records, *KEPT], layout=layout)
        path = made.index
        if size is not None:
            data = path.read_bytes()
            data = data[:-1] + b" " * (size - len(data)) + data[-1:]
            checksum = hashlib.sha256(data).hexdigest()
            if layout == 2:
                made.manifest.write_text(checksum)
            else:
                path.unlink()
                path = self.root / "blobs/sha256" / checksum[:2] / checksum
                path.parent.mkdir(parents=True, exist_ok=True)
                entry = {
                    "contentLength": size, "mediaType": mirrors.INDEX_MEDIA.format(8),
                    "compression": "none", "checksumAlgorithm": "sha256", "checksum": checksum,
                }  # fmt: skip
                made.manifest.write_bytes(mirrors.manifest([entry]))
            path.write_bytes(data)
        for one in (path, made.manifest):
            age(one, at)
        return path


def hashes(*records):
    return {one.hash for one in records}


_times = itertools.count(int(time.time()) - 100_000, 60)


def age(path, at=None):
    """As if it had been written long ago, a minute after what was before; or `at` a time."""
    then = next(_times) if at is None else at
    os.utime(path, (then, then))


def replaced(path, data, at=None):
    """Another file in its place, as a rename does."""
    beside = path.with_name("beside")
    beside.write_bytes(data)
    age(beside, at)
    beside.replace(path)


@pytest.fixture(params=["nginx", "apache"])
def site(request, tmp_path):
    tmp_path.chmod(0o755)
    root = tmp_path / "mirror"
    root.mkdir()
    with ExitStack() as opened:
        server = opened.enter_context(serving(request.param, root, packed=False))
        yield Site(root, server, tmp_path, opened)


@pytest.mark.parametrize("is_pruned", [False, True])
def test_an_index_is_replaced_between_its_manifest_and_its_blob(site, is_pruned):
    """What the manifest named is read, or if that was pruned nothing is; the next pass has the new one."""
    site.write(ONE, layout=3)
    assert site.sync() == (SourceState.OK, hashes(*KEPT, ONE), set())
    blob = site.write(ONE, TWO, layout=3)

    def again():
        site.write(TWO, THREE, layout=3)
        if is_pruned:
            blob.unlink()

    site.relay.at(INDEX, after=10, do=again, cut=False)
    if is_pruned:
        assert site.sync() == (SourceState.FAILED, set(), set())
        assert site.sync() == (SourceState.OK, hashes(TWO, THREE), hashes(ONE))
    else:
        assert site.sync() == (SourceState.OK, hashes(TWO), set())
        assert site.sync() == (SourceState.OK, hashes(THREE), hashes(ONE))
    assert site.has(TWO, THREE)


@pytest.mark.parametrize("layout", [2, 3])
def test_a_download_that_broke_off_goes_on(site, layout):
    """The server sends the rest of the same file, and nothing else."""
    path = site.write(ONE, layout=layout)
    where = f"/{path.relative_to(site.root)}"
    site.relay.at(where, after=700, do=lambda: None, cut=True)
    assert site.sync() == (SourceState.OK, hashes(*KEPT, ONE), set())
    first, second = site.relay.asked(where)
    assert (first.status, second.status) == (200, 206)
    assert 0 < int(second.range.removeprefix("bytes=").removesuffix("-")) <= 700
    assert site.has(ONE)


@pytest.mark.parametrize("has_checksum", [True, False])
@pytest.mark.parametrize("is_alike", [False, True], ids=["other", "alike"])
def test_an_index_that_is_replaced_where_its_download_broke_off(site, is_alike, has_checksum):
    """Of layout 2, whose name stays. Of another time it is begun anew; one of the same length and time has the
    same ETag, so that the rest of another file is sent, and both make an index that never was: the checksum
    beside it tells, or none does, and all is asked for again.
    """
    at = time.time() - 3600
    site.write(ONE, layout=2, size=8000, at=at)
    assert site.sync() == (SourceState.OK, hashes(*KEPT, ONE), set())
    site.write(TWO, layout=2, size=8000, at=at + 60)

    def replace():
        site.write(THREE, layout=2, size=8000, at=at + (60 if is_alike else 120))
        if not has_checksum:
            (site.root / f"{OLD_INDEX[1:]}.hash").unlink()

    site.relay.asked(OLD_INDEX)
    site.relay.at(OLD_INDEX, after=700, do=replace, cut=True)
    assert site.sync() == (SourceState.OK, hashes(THREE), hashes(ONE))
    statuses = [one.status for one in site.relay.asked(OLD_INDEX)]
    assert statuses == ([200, 206, 200] if is_alike else [200, 200])
    assert site.has(THREE)


def test_a_blob_that_was_damaged_where_its_download_broke_off(site):
    """It has the length and the time of the right one: nothing is taken of it, and it is right again later."""
    at = time.time() - 3600
    site.write(ONE, layout=3)
    assert site.sync()[0] is SourceState.OK
    path = site.write(TWO, layout=3, size=8000, at=at)
    whole = path.read_bytes()
    where = f"/{path.relative_to(site.root)}"
    site.relay.at(where, after=700, do=lambda: replaced(path, b"x" * 8000, at), cut=True)
    assert site.sync() == (SourceState.FAILED, set(), set())
    assert [one.status for one in site.relay.asked(where)] == [200, 206, 200]
    replaced(path, whole)
    assert site.sync() == (SourceState.OK, hashes(TWO), hashes(ONE))
    assert site.has(TWO)


DAMAGES = {
    "overwritten": lambda file: (file.seek(0), file.write(b"x" * LARGE)),
    "cut": lambda file: file.truncate(LARGE // 8),
    "emptied": lambda file: file.truncate(0),
}


@pytest.mark.slow
@pytest.mark.parametrize("layout", [2, 3])
@pytest.mark.parametrize("damage", DAMAGES)
def test_an_index_that_is_written_in_place_while_it_is_sent(site, layout, damage):
    """Servers send what is in the file by then, perhaps whole by its length: nothing of it is told."""
    site.write(ONE, layout=layout)
    assert site.sync()[0] is SourceState.OK
    path = site.write(TWO, layout=layout, size=LARGE)
    whole = path.read_bytes()

    def write():
        with open(path, "r+b") as file:
            DAMAGES[damage](file)

    where = f"/{path.relative_to(site.root)}"
    site.relay.at(where, after=100_000, do=write, cut=False)
    state, *told = site.sync()
    assert told == [set(), set()]
    assert state is SourceState.FAILED or log.troubles(site.writer.db, 1)
    replaced(path, whole)
    assert site.sync() == (SourceState.OK, hashes(TWO), hashes(ONE))
    assert site.has(TWO)
