"""A list of cache indexes: which mirrors it names, and that nothing hostile in it is followed."""

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.errors import CacheIndexError
from cachesync.sources.mirror import sitelist
from tests.support import caches

SITE = "https://binaries.example.org"
LIST = f"{SITE}/index.json"
SHA = "24744e26f1f418a311c0782c1e255dbf6017a2406c1b083d04941ad014850f19"


def blob(mirror, checksum=SHA):
    return f"{mirror}/blobs/sha256/{checksum[:2]}/{checksum}"


def parse(said, address=LIST, bucket_url=SITE):
    data = said if isinstance(said, bytes) else json.dumps(said).encode()
    return sitelist.parse(data, address=address, bucket_url=bucket_url)


def entry(label, mirror):
    return {"label": label, "url": blob(mirror)}


def test_the_blob_of_an_index_stands_for_its_mirror():
    """A bucket's mirror lies below what the bucket stands for; a web address stays where it is."""
    found = parse(
        {
            "develop": [
                entry("root", "s3://spack-binaries/develop"),
                entry("e4s", "s3://spack-binaries/develop/e4s"),
                entry("other", "https://else.example.org/a%20b/m"),
            ],
            "v1.0.0": [],
        }
    )
    assert found.mirrors == {
        ("develop", "root"): f"{SITE}/develop",
        ("develop", "e4s"): f"{SITE}/develop/e4s",
        ("develop", "other"): "https://else.example.org/a%20b/m",
    }
    assert found.warnings == ()


@pytest.mark.parametrize(
    "index", ["build_cache/index.json", "v3/manifests/index/index.manifest.json"]
)
def test_an_index_by_its_place_stands_for_its_mirror(index):
    """As in lists of 2023, which have layout 2; a view or anything else of a mirror is no index of it."""
    some = [{"label": "e4s", "url": f"s3://b/v0.23.2/e4s/{index}"}, entry("root", "s3://b/v0.23.2")]
    other = index.replace("index.", "x/index.", 1)
    found = parse({"v0.23.2": [*some, {"label": "x", "url": f"s3://b/v0.23.2/{other}"}]})
    assert found.mirrors == {
        ("v0.23.2", "e4s"): f"{SITE}/v0.23.2/e4s", ("v0.23.2", "root"): f"{SITE}/v0.23.2",
    }  # fmt: skip
    assert len(found.warnings) == 1


@caches.needs_caches
def test_the_list_of_2023_is_read():
    """The one that the site's program of that time writes."""
    data = caches.mirror("cache_spack_io_index.2023-form.json").read_bytes()
    assert parse(data) == ({("v0.23.2", "e4s"): f"{SITE}/v0.23.2/e4s"}, ())


def test_what_a_bucket_stands_for_may_be_elsewhere():
    """Below another path of another host than the list's."""
    found = parse(
        {"a": [entry("root", "s3://b/a"), entry("x", "s3://b/a/x+y")]},
        bucket_url="https://m.example.org/b",
    )
    assert set(found.mirrors.values()) == {
        "https://m.example.org/b/a",
        "https://m.example.org/b/a/x%2By",
    }


NAMES = st.text(string.ascii_lowercase + string.digits + "-._+", min_size=1, max_size=20).filter(
    lambda name: name.strip(".")
)


@given(st.dictionaries(NAMES, st.lists(NAMES, unique=True, max_size=5), min_size=1, max_size=5))
def test_every_entry_of_a_list_is_one_mirror(stacks):
    """Whatever refs and stacks there are: each pair is named, once, by its place in the bucket."""
    said = {
        ref: [entry(stack, f"s3://bucket/{ref}/{stack}") for stack in some]
        for ref, some in stacks.items()
    }
    expected = {(ref, stack) for ref, some in stacks.items() for stack in some}
    if not expected:
        with pytest.raises(CacheIndexError, match="names no mirror"):
            parse(said)
    else:
        found = parse(said).mirrors
        assert set(found) == expected
        assert all(url.startswith(f"{SITE}/") for url in found.values())


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"<html>not found</html>",
        b"[]",
        b"{}",
        b'{"develop": []}',
        b'{"develop": {"label": "root"}}',
        b"[" * 100_000,
        b'{"develop": [{"label": "root"}, 7, null]}',
        b"\xff\xfe",
    ],
)
def test_what_names_no_mirror_is_no_list(said):
    """Empty, torn and foreign answers are failures, so nothing can leave by them."""
    with pytest.raises(CacheIndexError):
        parse(said)


@pytest.mark.parametrize(
    "url",
    [
        blob("file:///etc"),
        blob("http://169.254.169.254/latest"),
        blob("https://user:secret@host.example.org/m"),
        blob("https://host.example.org/m?x=1"),
        blob("s3://bucket/../../etc"),
        blob("s3://bucket/a//b"),
        blob("s3://bucket/a\x1b[31m"),
        blob("oci://host.example.org/m"),
        blob("ftp://user:secret@host.example.org/m"),
        "https://host.example.org/m/index.json",
        "https://host.example.org/m/index.json?X-Amz-Signature=secret",
        "user:secret@host.example.org/m?secret",
        "https://host.example.org/" + "x" * 4000 + blob("/m"),
        "",
    ],
)
def test_an_address_that_is_no_place_on_the_web_is_not_followed(url):
    """The other entries count, and a warning says which does not, without what is raw or secret in it."""
    good = [entry("root", "s3://bucket/a"), entry("e4s", "s3://bucket/a/e4s")]
    found = parse({"a": [*good, {"label": "bad", "url": url}]})
    assert set(found.mirrors) == {("a", "root"), ("a", "e4s")}
    (warning,) = found.warnings
    assert warning.isprintable()
    assert "secret" not in warning
    assert len(warning) < 300


def test_a_list_without_tls_may_name_its_like():
    """`http` is followed from a list that came by `http`, as from a server on a loopback address."""
    found = parse({"a": [entry("root", "http://127.0.0.1:8/a")]}, "http://127.0.0.1:8/list.json")
    assert found.mirrors == {("a", "root"): "http://127.0.0.1:8/a"}


@pytest.mark.parametrize("name", ["a b", "", "x" * 300, "\x1b]0;x\x07"])
def test_names_that_could_not_be_told_are_refused(name):
    """A ref or a stack is a word, as tags and stacks are everywhere."""
    some = [entry("root", "s3://bucket/a"), entry("e4s", "s3://bucket/a/e4s")]
    found = parse(
        {"a": [*some, entry(name, "s3://bucket/a/x")], name: [entry("r", "s3://bucket/q")]}
    )
    assert set(found.mirrors) == {("a", "root"), ("a", "e4s")}


def test_most_of_a_list_has_to_be_good():
    """Where more is refused than not, it is the list that is wrong."""
    with pytest.raises(CacheIndexError, match="2 of its 3 entries are refused"):
        parse({"a": [entry("root", "s3://bucket/a"), 1, 2]})


def test_a_list_is_bounded():
    """No list makes a source ask for more mirrors than there are anywhere."""
    many = {"a": [entry(f"s{number}", f"s3://b/a/{number}") for number in range(10_001)]}
    with pytest.raises(CacheIndexError, match="more than 10,000"):
        parse(many)


def test_a_pair_that_is_named_twice_is_the_first():
    """Two addresses for one ref and stack: one is read, the other is warned of."""
    found = parse({"a": [entry("root", "s3://bucket/a"), entry("root", "s3://bucket/b")]})
    assert found.mirrors == {("a", "root"): f"{SITE}/a"}
    assert "named twice" in found.warnings[0]
