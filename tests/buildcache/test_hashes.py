"""The hash of a native spec follows from its record; where it does not, that is a warning."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.buildcache.hashes import dag_hash, examine, loaded
from cachesync.buildcache.index import checksum, split
from cachesync.buildcache.nodes import nodes
from cachesync.model import Node
from tests.support.mirrors import document, record

ZLIB = record("zlib", "1.3.1")


def _doubts(spec: dict, version: str = "8", **json_options) -> list[tuple[str, str]]:
    installs = {spec["hash"]: {"spec": spec}}
    text = json.dumps({"database": {"version": version, "installs": installs}}, **json_options)
    doubts: list[tuple[str, str]] = []
    (node,) = nodes(split(text.encode()), doubt=lambda *doubt: doubts.append(doubt))
    assert isinstance(node, Node)  # a doubt refuses nothing
    return doubts


@given(name=st.sampled_from(["zlib", "hdf5"]), text=st.text(max_size=5))
def test_the_bytes_as_they_stand_have_the_hash(name, text):
    """What Spack writes needs no closer look, not even text outside ASCII; the checksum comes beside it."""
    one = record(name, "1", more=text)
    found = split(document([one])).records[one.hash]
    assert examine(found, one.hash) == (checksum(found), True)
    assert examine(found, ZLIB.hash) == (checksum(found), False)
    assert dag_hash(loaded(bytes(found.spec))) == one.hash


@pytest.mark.parametrize(
    "options", [{"indent": 1}, {"separators": (", ", ": ")}, {"ensure_ascii": False}]
)
def test_white_space_is_no_part_of_it(options):
    """Nor how text outside ASCII is written."""
    assert _doubts(record("zlib", "1.3.1", more="é").spec, **options) == []


def test_the_hash_may_stand_anywhere():
    """Or nowhere: then the key is the hash."""
    spec = {"hash": ZLIB.hash, **ZLIB.spec}
    assert _doubts(spec) == []
    text = document([ZLIB]).replace(f',"hash":"{ZLIB.hash}"'.encode(), b"", 1)
    (node,) = nodes(split(text))
    assert node.hash == ZLIB.hash


def test_a_changed_record_is_warned_of():
    """With the place, and the hash that it would have."""
    spec = {**ZLIB.spec, "version": "1.3.2"}
    ((spec_hash, reason),) = _doubts(spec)
    assert spec_hash == ZLIB.hash
    would = record("zlib", "1.3.2").hash
    assert reason == (
        f"installs.{ZLIB.hash}.spec: its hash does not follow from it (that would be {would})"
    )


def test_the_order_of_keys_is_a_part_of_it():
    """As Spack hashes."""
    assert _doubts(dict(reversed(ZLIB.spec.items()))) != []


@pytest.mark.parametrize(
    ("changes", "version"),
    [
        ({"build_spec": {"name": "zlib", "hash": "a" * 32}}, "8"),
        ({"annotations": {"original_specfile_version": 4, "compiler": "gcc@=12"}}, "8"),
        ({}, "9"),
        ({"annotations": {"original_specfile_version": 6}}, "9"),
        ({}, "7"),
        ({"annotations": {}}, "6"),
    ],
)
def test_a_spec_of_which_it_is_not_so_is_not_warned_of(changes, version):
    """Spliced, migrated, or of a format of which it is not known."""
    spec = {**ZLIB.spec, "version": "other", **changes}
    assert _doubts(spec, version) == []
