"""Build caches as sources: what did not change costs one question, and what goes wrong changes nothing."""

import json
import os
import re
import time

import pytest

from cachesync.buildcache import index
from cachesync.config.sourceconfigs import BuildcacheSourceConfig
from cachesync.sources.base import Failed, Unchanged
from cachesync.sources.mirror.reaching import Reach
from cachesync.sources.mirror.source import LOOK_AGAIN_SECONDS, MirrorSource
from tests.support import mirrors
from tests.support.mirrorreading import (
    HDF5,
    INDEX,
    LIMITS,
    OLD,
    ZLIB,
    hashes,
    placed,
    read,
    settle,
)
from tests.support.webservers import serving


@pytest.mark.parametrize("layout", [2, 3])
def test_an_index_that_did_not_change_is_not_read_again(reached, root, layout):
    """One request, answered 304 without a body; the next state is seen at once."""
    url, fetcher, server = reached
    mirrors.make_mirror(root, [HDF5, ZLIB], layout=layout)
    settle(root)
    first = read(url, fetcher, tag="t")
    memory = dict(first.memory)
    assert placed(first) == hashes(HDF5, ZLIB)
    if server is not None:
        assert [one.coding for one in server.answers(3)] == [""] * 3
        assert read(url, fetcher, memory, tag="t") == Unchanged()
        (sent,) = server.answers(1)
        assert (sent.status, sent.body_bytes) == (304, 0)
    mirrors.make_mirror(root, [HDF5, ZLIB, OLD], layout=layout)
    assert placed(read(url, fetcher, memory, tag="t")) == hashes(HDF5, ZLIB, OLD)


def test_a_manifest_of_the_same_second_is_not_believed_to_be_the_same(reached, root):
    """Written within two seconds it gives no validator: nginx would answer 304 to another for ever."""
    url, fetcher, _server = reached
    mirrors.make_mirror(root, [ZLIB])
    first = read(url, fetcher, tag="t")
    assert not any(key.endswith(("etag", "modified", "file")) for key in first.memory)
    manifest = root / INDEX
    was = manifest.stat()
    mirrors.make_mirror(root, [OLD])
    os.utime(manifest, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert manifest.stat().st_size == was.st_size
    assert placed(first) == hashes(ZLIB)
    assert placed(read(url, fetcher, first.memory, tag="t")) == hashes(OLD)


def test_a_manifest_that_says_the_same_brings_no_blob_and_is_remembered(reached, root):
    """Written anew with the same content: unchanged, and asked for conditionally from then on."""
    url, fetcher, server = reached
    mirrors.make_mirror(root, [ZLIB])
    first = read(url, fetcher, tag="t")
    first.close()
    settle(root)
    if server is None:
        return  # the time of the inode cannot be set back
    server.answers(3)
    again = read(url, fetcher, first.memory, tag="t")
    assert isinstance(again, Unchanged)
    assert again.memory is not None
    assert [sent.status for sent in server.answers(1)] == [200]
    assert read(url, fetcher, again.memory, tag="t") == Unchanged()
    assert [sent.status for sent in server.answers(1)] == [304]


def test_views_are_read_from_layout_3_only(reached, root):
    url, fetcher, _server = reached
    mirrors.make_mirror(root, [OLD], layout=2)
    mirrors.make_mirror(root, [HDF5, ZLIB])
    mirrors.make_mirror(root, [ZLIB], view="team/x86+a")
    assert placed(read(url, fetcher, view="team/x86+a")) == hashes(ZLIB)
    missing = read(url, fetcher, view="no")
    assert isinstance(missing, Failed)
    assert "v3/manifests/index/no/index.manifest.json" in missing.reason
    assert "spack buildcache update-index --name no " in missing.reason


def test_a_mirror_of_both_layouts_says_what_both_say(reached, root):
    """The union, as for Spack; when one of them changes both are read."""
    url, fetcher, server = reached
    mirrors.make_mirror(root, [OLD, ZLIB], layout=2)
    mirrors.make_mirror(root, [HDF5], cached=[HDF5])
    settle(root)
    both = read(url, fetcher, tag="t")
    assert both.memory["layouts"] == "32"
    with both:
        split = index.split(bytes(both.data))
    assert split.version == 7
    assert {h for h, one in split.records.items() if one.cached} == hashes(OLD, ZLIB, HDF5)
    if server is not None:
        server.answers(4)
        assert read(url, fetcher, both.memory, tag="t") == Unchanged()
        assert [sent.status for sent in server.answers(2)] == [304, 304]
    mirrors.make_mirror(root, [HDF5, ZLIB])
    assert placed(read(url, fetcher, both.memory, tag="t")) == hashes(OLD, ZLIB, HDF5)
    mirrors.make_mirror(root, [], layout=2)
    assert placed(read(url, fetcher, both.memory, tag="t")) == hashes(HDF5, ZLIB)


def test_of_a_listed_mirror_of_both_layouts_the_old_one_is_looked_at_once_a_day(root, fetcher):
    """Any other pass asks for the manifest of layout 3 alone, and remembers what it knew of the other."""
    mirrors.make_mirror(root / "m", [OLD], layout=2)
    mirrors.make_mirror(root / "m", [HDF5], cached=[HDF5])
    said = {"m": [{"label": "root", "url": f"s3://b/m/blobs/sha256/aa/{'a' * 64}"}]}
    (root / "list.json").write_text(json.dumps(said))
    settle(root)
    now = [1_000_000_000]
    with serving("nginx", root, packed=False) as server:

        def passed(memory):
            """What a pass reads, and how many requests that took beside the one for the list."""
            config = BuildcacheSourceConfig("m", "", list=server.url("/list.json"))
            made = MirrorSource(config, Reach(LIMITS, fetcher), clock=lambda: now[0])
            (one,) = made.discover({}).statements
            found = made.read(one, memory)
            return found, len(server.answers(2)) - 1

        first, _ = passed({})
        assert placed(first) == hashes(OLD, HDF5)
        now[0] += LOOK_AGAIN_SECONDS - 1
        assert passed(first.memory) == (Unchanged(), 1)
        os.utime(root / "m" / INDEX, (time.time() - 60,) * 2)
        touched, asked = passed(first.memory)
        assert (type(touched), asked) == (Unchanged, 1)
        assert passed(touched.memory) == (Unchanged(), 1)
        mirrors.make_mirror(root / "m", [OLD, ZLIB], layout=2)
        assert passed(touched.memory) == (Unchanged(), 1)
        now[0] += 1
        found, _ = passed(touched.memory)
        assert placed(found) == hashes(OLD, ZLIB, HDF5)


def test_a_layout_that_was_there_is_missed(reached, root):
    """What it said is not taken for gone."""
    url, fetcher, _server = reached
    mirrors.make_mirror(root, [OLD], layout=2)
    mirrors.make_mirror(root, [HDF5])
    both = read(url, fetcher, tag="t")
    both.close()
    (root / "build_cache/index.json").unlink()
    missing = read(url, fetcher, both.memory, tag="t")
    assert missing.is_passing
    assert "build_cache/index.json" in missing.reason
    assert "was there before" in missing.reason


def test_a_layout_that_appears_is_found_within_a_day(root, fetcher):
    """A mirror that is migrated goes on to have its old index, which does not change any more."""
    mirrors.make_mirror(root, [OLD], layout=2)
    settle(root)
    with serving("nginx", root, packed=False) as server:
        now = [1_000_000_000]
        made = MirrorSource(
            BuildcacheSourceConfig("m", server.origin, tag="t"),
            Reach(LIMITS, fetcher),
            clock=lambda: now[0],
        )
        first = made.read(made.discover({}).statements[0], {})
        first.close()
        mirrors.make_mirror(root, [HDF5])
        now[0] += LOOK_AGAIN_SECONDS - 1
        assert made.read(made.discover({}).statements[0], first.memory) == Unchanged()
        now[0] += 1
        assert placed(made.read(made.discover({}).statements[0], first.memory)) == hashes(OLD, HDF5)


def test_a_packed_index_is_unpacked(reached, root):
    url, fetcher, _server = reached
    mirrors.make_mirror(root, [HDF5, ZLIB], compression="gzip")
    assert placed(read(url, fetcher, tag="t")) == hashes(HDF5, ZLIB)


def test_the_checksum_beside_an_old_index_may_disagree(reached, root):
    """It is asked for once more, and then taken as it is."""
    url, fetcher, server = reached
    mirrors.make_mirror(root, [OLD], layout=2)
    (root / "build_cache/index.json.hash").write_text("0" * 64)
    assert placed(read(url, fetcher, tag="t")) == hashes(OLD)
    if server is not None:
        assert [sent.status for sent in server.answers(4)] == [404, 200, 200, 200]


# -- what goes wrong

BLOB = re.compile(rb'"checksum":\s*"([0-9a-f]{64})"')


def manifest_of(root):
    return (root / INDEX).read_bytes()


def blob_of(root):
    checksum = BLOB.search(manifest_of(root))[1].decode()
    return root / "blobs/sha256" / checksum[:2] / checksum


def as_version(root, version):
    (root / INDEX).write_bytes(manifest_of(root).replace(b"db.v8", b"db.v%d" % version))


FAULTS = {
    "no index": (lambda root: (root / INDEX).unlink(), "no cache index|was there before", True),
    "an empty manifest": (lambda root: (root / INDEX).write_bytes(b""), "is empty", True),
    "half a manifest": (
        lambda root: (root / INDEX).write_bytes(manifest_of(root)[:100]), "is no JSON", False,
    ),
    "a newer database": (lambda root: as_version(root, 12), "database version 12", False),
    "an older database": (lambda root: as_version(root, 5), "older than 6", False),
    "a pruned blob": (lambda root: blob_of(root).unlink(), "which the index manifest names", True),
    "a blob cut short": (
        lambda root: blob_of(root).write_bytes(blob_of(root).read_bytes()[:-9]), "by its manifest", True,
    ),
    "a blob of another content": (
        lambda root: blob_of(root).write_bytes(b"x" * blob_of(root).stat().st_size),
        "has not the checksum in its manifest", True,
    ),
    "a blob longer than allowed": (
        lambda root: (root / INDEX).write_bytes(
            re.sub(rb'("contentLength":\s*)\d+', rb"\g<1>2000000", manifest_of(root))
        ),
        "more than the limit of 1,048,576", False,
    ),
    "a directory": (
        lambda root: ((root / INDEX).unlink(), (root / INDEX).mkdir()),
        "is not a regular file|answered 301|answered 30|no cache index|was there before|is to nowhere", True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_a_failure_with_its_reason(reached, root, fault):
    """Whether something is remembered or not; it names the address, and passes when the fault does."""
    url, fetcher, _server = reached
    mirrors.make_mirror(root, [HDF5, ZLIB])
    good = read(url, fetcher, tag="t")
    good.close()
    mirrors.make_mirror(root, [HDF5])
    inject, reason, is_passing = FAULTS[fault]
    inject(root)
    for memory in ({}, good.memory):
        failed = read(url, fetcher, memory, tag="t")
        assert isinstance(failed, Failed), failed
        assert re.search(reason, failed.reason), failed.reason
        assert str(root) in failed.reason or url in failed.reason
        assert failed.is_passing is is_passing
    if fault == "a directory":
        (root / INDEX).rmdir()
    mirrors.make_mirror(root, [OLD])
    assert placed(read(url, fetcher, good.memory, tag="t")) == hashes(OLD)


def test_an_index_that_was_refused_and_comes_back_as_it_was_is_read(reached, root):
    """What is remembered with the refusal has no validator, and still knows the layouts there were."""
    url, fetcher, _server = reached
    mirrors.make_mirror(root, [OLD], layout=2)
    mirrors.make_mirror(root, [HDF5])
    settle(root)
    first = read(url, fetcher, tag="t")
    first.close()
    good = (root / INDEX).rename(root / "good")
    good_bytes = good.read_bytes()
    (root / INDEX).write_bytes(good_bytes.replace(b"db.v8", b"db.v12"))
    refused = read(url, fetcher, first.memory, tag="t")
    (root / INDEX).unlink()
    assert "was there before" in read(url, fetcher, refused.memory, tag="t").reason
    good.rename(root / INDEX)
    assert placed(read(url, fetcher, refused.memory, tag="t")) == hashes(OLD, HDF5)


def test_memory_of_another_mirror_is_none(tmp_path):
    """The address and the view are part of what is remembered."""
    one, two = (mirrors.make_mirror(tmp_path / name, [ZLIB]) for name in "ab")
    first = read(one.url)
    first.close()
    assert isinstance(read(one.url, memory=json.loads(json.dumps(first.memory))), Unchanged)
    assert placed(read(two.url, memory=first.memory)) == hashes(ZLIB)


def test_no_temporary_file_stays(root, tmp_path, monkeypatch):
    """Not even a name: they are unlinked before they are written."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", os.fspath(scratch))
    monkeypatch.setattr("tempfile.tempdir", None)
    mirrors.make_mirror(root, [ZLIB], compression="gzip")
    got = read(root.as_uri())
    assert list(scratch.iterdir()) == []
    assert placed(got) == hashes(ZLIB)


def test_a_fault_in_one_record_refuses_one_record_of_a_union(root):
    mirrors.make_mirror(root, [OLD], layout=2)
    made = mirrors.make_mirror(root, [HDF5, ZLIB])
    document = json.loads(made.index.read_bytes())
    document["database"]["installs"][ZLIB.hash] = 7
    data = json.dumps(document).encode()
    old = root / "build_cache/index.json"
    (root / INDEX).unlink()
    old.write_bytes(data)
    mirrors.make_mirror(root, [OLD])
    got = read(root.as_uri())
    with got:
        split = index.split(bytes(got.data))
    assert set(split.records) == hashes(OLD, HDF5)
    assert [one.hash for one in split.refused] == [ZLIB.hash]
