"""Spec documents: the spec, and every node as it stands."""

import json

import pytest

from cachesync.buildcache import specfile
from cachesync.errors import CacheIndexError
from tests.support.mirrors import record

ZLIB = record("zlib")
HDF5 = record("hdf5", "1.14", ZLIB)


def written(nodes, version=5):
    spec = {"_meta": {"version": version}, "nodes": nodes}
    return json.dumps({"spec": spec}, separators=(",", ":")).encode()


@pytest.mark.parametrize(("version", "database"), [(3, 6), (4, 7), (5, 8), (6, 9)])
def test_the_first_node_is_the_spec_and_all_keep_their_bytes(version, database):
    found = specfile.parse(written([HDF5.spec, ZLIB.spec], version))
    assert (found.hash, found.name, found.database) == (HDF5.hash, "hdf5", database)
    assert [*found.nodes] == [HDF5.hash, ZLIB.hash]
    for one in (HDF5, ZLIB):
        said = json.dumps(one.spec, separators=(",", ":")).encode()
        assert bytes(found.nodes[one.hash]) == said


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no JSON"),
        (b"<html>", "no JSON"),
        (b'{"spec": {"nodes": []}}', "spec: object missing required field `_meta`"),
        (written([]), "has 0 nodes"),
        (written([HDF5.spec], 2), "has format 2; this cachesync reads 3 to 6"),
        (written([{"name": "x"}]), "missing required field `hash`"),
        (written([{"name": "x", "hash": "\x1b"}]), r"'\\x1b' in the spec is no hash"),
        (b'{"spec":' * 9_999, "no JSON|nested too deeply|not understood"),
    ],
)
def test_what_is_no_document_is_refused(data, reason):
    with pytest.raises(CacheIndexError, match=reason):
        specfile.parse(data)


def test_what_is_there_twice_is_as_it_was_first():
    found = specfile.parse(written([HDF5.spec, ZLIB.spec, {**ZLIB.spec, "version": "9"}]))
    assert [*found.nodes] == [HDF5.hash, ZLIB.hash]
    assert json.loads(bytes(found.nodes[ZLIB.hash])) == ZLIB.spec
