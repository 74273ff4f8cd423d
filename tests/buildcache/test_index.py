"""A cache index is split into records; what is wrong with one of them costs no other."""

import json
import mmap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.buildcache.frame import mended
from cachesync.buildcache.index import MAX_RECORDS, Refused, checksum, split
from cachesync.buildcache.nodes import nodes
from cachesync.errors import CacheIndexError
from tests.support.mirrors import document, record

ZLIB = record("zlib", "1.3.1")
HDF5 = record("hdf5", "1.14.3", ZLIB)
GOOD = document([HDF5], cached=[HDF5])


def _with(key: str, value: str) -> bytes:
    """The good index with one more record, written as it stands."""
    return GOOD[:-3] + f',"{key}":{value}}}}}}}'.encode()


def test_a_record_is_cached_where_it_says_so():
    """What only something depends on is a record too."""
    found = split(GOOD)
    assert {key: one.cached for key, one in found.records.items()} == {
        ZLIB.hash: False,
        HDF5.hash: True,
    }
    assert found.version == 8
    assert json.loads(bytes(found.records[ZLIB.hash].spec)) == ZLIB.spec


def test_a_record_that_does_not_say_is_not_cached():
    """As for Spack."""
    assert not split(_with("a" * 32, '{"spec":{}}')).records["a" * 32].cached


@pytest.mark.parametrize("behind", [b"\n", b" {}", b"}", b"\0\xff garbage", GOOD])
def test_bytes_behind_the_document_are_tolerated(behind):
    """Spack reads what the file begins with."""
    assert list(split(GOOD + behind).records) == list(split(GOOD).records)


def test_a_mapped_file_is_split(tmp_path):
    """Without copying it."""
    (tmp_path / "index").write_bytes(GOOD)
    with (tmp_path / "index").open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    found = split(mapped)
    assert [one.hash for one in nodes(found)] == [ZLIB.hash, HDF5.hash]
    del found
    mapped.close()


@pytest.mark.parametrize("version", ["6", "7", "8", "9"])
@pytest.mark.parametrize("form", ["{}", '"{}"'])
def test_these_versions_are_read(version, form):
    """As text, which Spack writes, and as a number."""
    said = form.format(version).encode()
    data = GOOD.replace(b'"version":"8"', b'"version":' + said, 1)
    assert split(data).version == int(version)


@pytest.mark.parametrize(
    ("version", "said", "hint"),
    [
        ('"5"', "the index has database version 5, which is older than 6", "rebuild it"),
        ('"0.9.3"', "the index has database version '0.9.3', which is older than 6", "rebuild it"),
        ('"10"', "the index has database version 10; this cachesync reads 6 to 9", "upgrade"),
        ("11", "the index has database version 11; this cachesync reads 6 to 9", "upgrade"),
        ('"\\u001bx"', "the index has database version '\\x1bx', which is older than 6", "rebuild"),
        ("null", "the index names no database version", None),
    ],
)
def test_other_versions_are_named(version, said, hint):
    """Also where the records of such a version are nothing that is known."""
    for installs in ("{}", '{"x":[]}'):
        text = f'{{"database":{{"installs":{installs},"version":{version}}}}}'
        with pytest.raises(CacheIndexError) as caught:
            split(text.encode())
        assert caught.value.message == said
        assert (caught.value.hint or "").startswith(hint or "")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the index is empty"),
        (b" \n", "the index is empty"),
        (
            b" <html>\x1b[31m",
            r"the index is no JSON: expected `{` (byte 1 of the index, which begins with '<html>\x1b[31m')",
        ),
        (GOOD[:-5], "the index is no JSON"),
        (b"[]", "this is no cache index: expected `object`, got `array`"),
        (b"{}", "this is no cache index: object missing required field `database`"),
        (b'{"database":{"version":"8"}}', "this is no cache index: database: object missing"),
        (
            b'{"database":{"version":"8","installs":[]}}',
            "this is no cache index: database.installs",
        ),
        (b'{"database":{"version":[],"installs":{}}}', "this is no cache index: database.version"),
        (b'{"x":' + b"[" * 100_000, "the index is nested too deeply"),
        (b"\n" * 5000, "the index is empty"),
        (
            b'{"database":{"version":NaN,"installs":{}}}',
            "the index is no JSON: invalid character (byte 23 of the index)",
        ),
        (
            b'{"a":"\\ud800","database":{}}',
            "the index is no JSON: half of a surrogate pair (byte 12 of the index)",
        ),
        (
            b'{"\xff":NaN,"database":{}}',
            "the index is no JSON: no UTF-8 (byte 2 of the index)",
        ),
        (
            GOOD[:-3] + b',"x"}}}',
            f"the index is no JSON: expected `:` (byte {len(GOOD) + 1:,} of the index)",
        ),
        (
            GOOD[:-2],
            f"the index is no JSON: expected `,` (byte {len(GOOD) - 2:,} of the index, which ends",
        ),
        (
            GOOD[:-3] + b',"%b":{"spec":{}' % (b"b" * 32),
            f"the index is no JSON: it ends (byte {len(GOOD) + 43:,}) within what begins at byte",
        ),
    ],
)
def test_what_is_no_index_is_one_error(data, said):
    """With what is wrong, and where."""
    with pytest.raises(CacheIndexError) as caught:
        split(data)
    assert caught.value.message.startswith(said)


def test_an_index_without_records_is_one():
    """An empty mirror has such an index; whether that is believed is for others."""
    assert split(b'{"database":{"version":"8","installs":{}}}').records == {}


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("b" * 32, "[]", "expected `object`, got `array`"),
        ("b" * 32, "{}", "object missing required field `spec`"),
        (
            "b" * 32,
            '{"spec":{},"in_buildcache":"yes"}',
            "in_buildcache: expected `bool`, got `str`",
        ),
        ("b" * 31, '{"spec":{}}', "the key is not a hash (32 characters of a-z, 2-7)"),
        ("b" * 31 + "1", '{"spec":{}}', "the key is not a hash (32 characters of a-z, 2-7)"),
        ("B" * 32, '{"spec":{}}', "the key is not a hash (32 characters of a-z, 2-7)"),
        (ZLIB.hash, '{"spec":{}}', "the key is there twice"),
        ("b" * 32, '{"spec":' + "[" * 200_000 + "]" * 200_000 + "}", "is nested too deeply"),
        (
            "b" * 32,
            '{"spec":{"a":' + '{"a":' * 200_000 + "1" + "}" * 200_002,
            "is nested too deeply",
        ),
    ],
)
def test_a_record_that_is_none_is_refused_alone(key, value, reason):
    """With its place; the others stand, but for the first of two with one key."""
    found = split(_with(key, value))
    place = f"installs.{key}"
    assert [(one.hash, one.reason) for one in found.refused] in (
        [(key, f"{place}: {reason}")],
        [(key, f"{place}.{reason}")],
    )
    assert set(found.records) == {ZLIB.hash, HDF5.hash} - {key}


@pytest.mark.parametrize(
    ("spec", "at", "reason"),
    [
        (b'{"name":"\\ud800"}', 15, "half of a surrogate pair"),
        (b'{"name":"\\udc00"}', 15, "half of a surrogate pair"),
        (b'{"\\ud800":1}', 8, "half of a surrogate pair"),
        (b'{"name":"\\x"}', 10, "invalid escaped character"),
        (b'{"name":"\\u12"}', 14, "invalid character in unicode escape"),
        (b'{"name":NaN}', 8, "invalid character"),
        (b'{"name":-Infinity}', 9, "invalid character"),
        (b'{"name":01}', 9, "invalid number"),
        (b'{"name":"\x01"}', 9, "invalid character"),
        (b'{"name":1,}', 10, "trailing comma in object"),
        (b'["{",]', 5, "trailing comma in array"),
        (b"NaN", 0, "invalid character"),
    ],
)
@pytest.mark.parametrize("wrap", [b"%b", b'{"in_buildcache":true,"spec":%b}'])
def test_a_record_that_is_no_json_is_refused_alone(spec, at, reason, wrap):
    """By its hash, with the byte of the whole index; what stands before and behind it is read."""
    before, _, behind = wrap.partition(b"%b")
    head = b'"installs":{'
    frame, _, rest = GOOD.partition(head)
    start = frame + head + b'"%b": ' % (b"b" * 32)
    data = start + before + spec + behind + b"," + rest
    for bytes_behind in (b"", b" {}", b"NaN"):
        found = split(data + bytes_behind)
        where = len(start) + len(before) + at
        said = f"installs.{'b' * 32}: is no JSON: {reason} (byte {where:,} of the index)"
        assert found.refused == (("b" * 32, said),)
        assert found.records.keys() == split(GOOD).records.keys()
        assert len(list(nodes(found))) == 2


def test_many_faulty_records_are_refused_each_with_its_own_reason():
    """And one that holds what stands in their place is no more than a text."""
    rest = b'"%b":NaN,"%b":"faulty record 7","%b":{"spec":{"a":[1,]}},"%b":{"spec":"\\x"}}}}'
    found = split(
        GOOD[:-3] + b"," + rest % tuple(letter * 32 for letter in (b"a", b"b", b"c", b"d"))
    )
    assert {
        one.hash[0]: one.reason.partition(": ")[2].partition(" (")[0] for one in found.refused
    } == {
        "a": "is no JSON: invalid character",
        "b": "expected `object`, got `str`",
        "c": "is no JSON: trailing comma in array",
        "d": "is no JSON: invalid escaped character",
    }
    assert set(found.records) == {ZLIB.hash, HDF5.hash}


@pytest.mark.parametrize("key", [b"\xff", b"\\ud800", b"\\x", b"\x01"])
def test_a_key_that_is_no_text_is_refused_alone(key):
    """Shown as it stands, without its control characters."""
    found = split(GOOD[:-3] + b',"%b":{"spec":{}}}}}' % key)
    (refused,) = found.refused
    assert refused.reason.endswith("the key is not a hash (32 characters of a-z, 2-7)")
    assert refused.reason.isprintable()
    assert set(found.records) == {ZLIB.hash, HDF5.hash}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (b'"\xff"', "is no JSON: no UTF-8 (byte 9 of the spec)"),
        (b"1e999", "name: number out of range"),
        (b"9" * 5000, "name: number out of range"),
    ],
)
def test_a_value_that_no_text_and_no_number_is_costs_its_record(name, reason):
    """Where it is not seen before the record is decoded."""
    data = GOOD[:-3] + b',"%b":{"spec":{"name":%b,"version":"1","arch":{}}}}}}' % (b"b" * 32, name)
    found = list(nodes(split(data)))
    place = f"installs.{'b' * 32}.spec"
    (refused,) = [one for one in found if isinstance(one, Refused)]
    assert refused.reason.startswith((f"{place}: {reason}", f"{place}.{reason}"))
    assert len(found) == 3


def test_a_walk_counts_the_members():
    """Of the records and of what is around them; as many as are allowed are walked."""
    some = b'{"database":{"version":"8","installs":{"a":NaN%b}}}'
    for most in (10, 500):
        with pytest.raises(CacheIndexError, match=f"more than {most} records"):
            mended(some % (b',"a":1' * most), most)
    mended(some % (b',"a":1' * 10), 20)


@pytest.mark.soak
def test_no_more_members_are_walked_than_records_are_read():
    """Also where one of them is faulty."""
    many = b'{"database":{"version":"8","installs":{"a":NaN%b}}}' % (b',"a":1' * MAX_RECORDS)
    with pytest.raises(CacheIndexError, match="more than 1,000,000 records"):
        split(many)


@given(st.data())
def test_a_fault_in_one_record_costs_at_most_that_record(data):
    """Whatever bytes stand in a text of it: the other is read as ever."""
    text = data.draw(st.binary(max_size=12)).replace(b'"', b"").rstrip(b"\\")
    found = split(GOOD[:-3] + b',"%b":{"spec":{"name":"%b"}}}}}' % (b"b" * 32, text))
    good = [one for one in nodes(found) if not isinstance(one, Refused)]
    assert {one.hash for one in good} == {ZLIB.hash, HDF5.hash}


def test_a_key_is_shown_without_its_control_characters():
    """It may hold anything."""
    (refused,) = split(_with("\\u001b[31m", '{"spec":{}}')).refused
    assert refused.reason.startswith("installs['\\x1b[31m']: the key is not a hash")
    (refused,) = split(_with("a" * 1000, '{"spec":{}}')).refused
    assert len(refused.reason) < 150


def test_no_index_has_more_records_than_are_read():
    """Counted while it is decoded, so that it costs no memory to say so."""
    data = b'{"database":{"version":"8","installs":{%b}}}'
    many = b",".join([b'"a":{"spec":1}'] * (MAX_RECORDS + 1))
    with pytest.raises(CacheIndexError, match="more than 1,000,000 records"):
        split(data % many)


def test_a_checksum_is_of_the_spec_alone():
    """How many depend on it and whether it is cached say nothing of the spec."""
    other = document([HDF5, record("netcdf-c", "4.9", HDF5)], cached=[ZLIB])
    before, after = split(GOOD).records, split(other).records
    for spec_hash in (ZLIB.hash, HDF5.hash):
        assert before[spec_hash].cached is not after[spec_hash].cached
        assert checksum(before[spec_hash]) == checksum(after[spec_hash])
    assert checksum(before[ZLIB.hash]) != checksum(before[HDF5.hash])


@given(order=st.permutations([ZLIB.hash, HDF5.hash]), count=st.integers(0, 2**70))
def test_neither_order_nor_counts_say_anything(order, count):
    """The same nodes, with the same checksums."""
    data = document([HDF5], cached=[HDF5], order=order).replace(
        b'"ref_count":1', b'"ref_count":%d' % count
    )
    assert {one.hash: one for one in nodes(split(data))} == {
        one.hash: one for one in nodes(split(GOOD))
    }


@given(st.binary(max_size=60))
def test_any_bytes_are_an_index_or_an_error(data):
    """Nothing else is raised."""
    said = []
    for text in (data, GOOD[:40] + data, GOOD + data):
        try:
            split(text)
        except CacheIndexError as error:
            said.append(error.message)
    assert all(map(str.isprintable, said))
