"""Mirrors in buckets: what a real server of S3 says, signed and not, and what becomes of every lie."""

import hashlib
import json
import re
import shutil
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from cachesync.config.reachvalues import Secret, SecretKind
from cachesync.config.sourceconfigs import Credentials, MirrorAccess
from cachesync.errors import CacheIndexError, SourceError
from cachesync.model import Build
from cachesync.net import FetchError
from cachesync.selection import Selection
from cachesync.sources.base import Failed, Unchanged
from cachesync.sources.mirror.bucket import Bucket, web_address
from cachesync.sources.mirror.listing import spec_file
from cachesync.sources.mirror.place import Absent, Small
from cachesync.sources.mirror.probing import State, probe
from cachesync.sources.mirror.reaching import Reach, open_bucket
from cachesync.sources.mirror.remotemanifests import BucketManifests
from cachesync.sources.mirror.spool import Spool
from tests.support import buckets, mirrors
from tests.support import stubserver as stub
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

OLD_INDEX = "build_cache/index.json"
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": buckets.KEY, "AWS_SECRET_ACCESS_KEY": buckets.SECRET}
SIGNED = {
    "environment": {"S3_SECRET": buckets.SECRET},
    "credentials": Credentials(
        access_key=buckets.KEY, secret_key=Secret(SecretKind.ENV, "S3_SECRET")
    ),
}
MOST = 1 << 20


@pytest.fixture(scope="module")
def everybodys(tmp_path_factory):
    """A server that asks nobody who they are: its directory, and its endpoint."""
    root = tmp_path_factory.mktemp("everybodys")
    with buckets.serving(root) as endpoint:
        yield root, endpoint


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A server that wants a signature."""
    root = tmp_path_factory.mktemp("guarded")
    with buckets.serving(root, buckets.KEY, buckets.SECRET) as endpoint:
        yield root, endpoint


@contextmanager
def made(server):
    """A new bucket, and the endpoint."""
    root, endpoint = server
    (root / "bucket").mkdir()
    yield root / "bucket", endpoint
    for path in root.iterdir():
        shutil.rmtree(path)


@pytest.fixture(params=["anonymous", "configured", "environment"])
def served(request):
    """A bucket that rclone serves: its directory, and how it is asked."""
    ways = {
        "anonymous": {"environment": {}},
        "configured": SIGNED,
        "environment": {"environment": ENVIRONMENT},
    }
    server = "everybodys" if request.param == "anonymous" else "guarded"
    with made(request.getfixturevalue(server)) as (bucket, endpoint):
        yield bucket, {**ways[request.param], "endpoint": endpoint, "tag": "t"}


@pytest.fixture
def signed(guarded):
    """The directory of a bucket that wants a signature, and its endpoint."""
    with made(guarded) as found:
        yield found


def opened(fetcher, endpoint, *, environment=None, url="s3://bucket/m", **access):
    reach = Reach(LIMITS, fetcher, lambda one: (environment or {})[one.name], environment or {})
    return open_bucket(url, MirrorAccess(endpoint=endpoint, **access), reach)


# -- a real server


def test_a_file_is_asked_for_and_not_read(served, fetcher):
    """It is there with its size, or is not."""
    bucket, how = served
    (bucket / "m").mkdir()
    (bucket / "m" / "a+b").write_bytes(b"1234567")
    said = {key: value for key, value in how.items() if key in ("endpoint", "credentials")}
    reach = Reach(LIMITS, fetcher, lambda one: how["environment"][one.name], how["environment"])
    place = open_bucket("s3://bucket/m", MirrorAccess(**said), reach)
    assert place.head("a+b").size == 7
    assert isinstance(place.head("no"), Absent)


@pytest.mark.parametrize("layout", [2, 3])
def test_a_bucket_is_read_and_once_more_with_one_question(served, fetcher, layout):
    bucket, how = served
    mirrors.make_mirror(bucket / "deep" / "m+ p", [HDF5, OLD], layout=layout)
    settle(bucket)
    url = "s3://bucket/deep/m+ p"
    got = read(url, fetcher, **how)
    memory = dict(got.memory)
    assert placed(got) == hashes(HDF5, OLD)
    assert isinstance(read(url, fetcher, memory, **how), Unchanged)


def test_a_bucket_alone_is_a_mirror(served, fetcher):
    bucket, how = served
    mirrors.make_mirror(bucket, [HDF5])
    assert placed(read("s3://bucket", fetcher, **how)) == hashes(HDF5)


def test_a_file_that_is_replaced_in_place_is_seen(served, fetcher):
    bucket, how = served
    mirrors.make_mirror(bucket / "m", [ZLIB])
    settle(bucket)
    got = read("s3://bucket/m", fetcher, **how)
    memory = dict(got.memory)
    assert placed(got) == hashes(ZLIB)
    mirrors.make_mirror(bucket / "m", [HDF5])
    settle(bucket)
    assert placed(read("s3://bucket/m", fetcher, memory, **how)) == hashes(HDF5)


@pytest.mark.parametrize("lost", [INDEX, "blob", "bucket"])
def test_what_was_deleted_is_a_failure(served, fetcher, lost):
    """An index that is gone, its blob, and the whole bucket: none of them is an absence of specs."""
    bucket, how = served
    mirror = mirrors.make_mirror(bucket / "m", [HDF5])
    settle(bucket)
    got = read("s3://bucket/m", fetcher, **how)
    memory = dict(got.memory)
    got.close()
    if lost == "bucket":
        bucket.rename(bucket.with_name("elsewhere"))
        memory = {"of": memory["of"], "layouts": memory["layouts"]}
    elif lost == "blob":
        mirror.index.unlink()
        memory = {key: value for key, value in memory.items() if "." not in key}
    else:
        (bucket / "m" / INDEX).unlink()
    failed = read("s3://bucket/m", fetcher, memory, **how)
    assert isinstance(failed, Failed)
    assert failed.is_passing
    said = {
        INDEX: "answered 404, and was there before",
        "blob": "it was pruned, or the mirror is being written",
        "bucket": "answered 404 (NoSuchBucket)",
    }
    assert said[lost] in failed.reason


def test_a_missing_bucket_is_no_empty_one(served, fetcher):
    _, how = served
    failed = read("s3://nobucket/m", fetcher, **how)
    assert "answered 404 (NoSuchBucket) (check `url:`, which is s3://BUCKET/PREFIX" in failed.reason
    assert "s3://nobucket/m/v3/manifests/index/index.manifest.json: 127.0.0.1:" in failed.reason


def test_a_bucket_without_a_mirror_has_no_index(served, fetcher):
    _, how = served
    failed = read("s3://bucket/m", fetcher, **how)
    assert failed.reason == (
        "no cache index: s3://bucket/m/v3/manifests/index/index.manifest.json answered 404;"
        " s3://bucket/m/build_cache/index.json answered 404 (check the address, or have one made:"
        " spack buildcache update-index s3://bucket/m)"
    )


WRONG = {
    "no key": ({}, "answered 400 (", "it was asked without a key"),
    "a wrong secret": (
        {"AWS_ACCESS_KEY_ID": buckets.KEY, "AWS_SECRET_ACCESS_KEY": "wrong"},
        "answered 403 (SignatureDoesNotMatch)",
        "check `credentials:`, `region:`, and the clock of this machine",
    ),
    "an unknown key": (
        {"AWS_ACCESS_KEY_ID": "AKIDNOBODY", "AWS_SECRET_ACCESS_KEY": "wrong"},
        "answered 403 (InvalidAccessKeyId)",
        "check `credentials:`",
    ),
    "half a key": (
        {"AWS_ACCESS_KEY_ID": buckets.KEY},
        "the environment has AWS_ACCESS_KEY_ID and no AWS_SECRET_ACCESS_KEY",
        "set both, or none of them",
    ),
    "no such secret": (None, "environment variable S3_SECRET is not set", "set it"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_who_may_not_read_learns_why(signed, fetcher, wrong):
    """And nothing is gone, whatever was there."""
    bucket, endpoint = signed
    mirrors.make_mirror(bucket / "m", [HDF5])
    settle(bucket)
    how = {"endpoint": endpoint, "tag": "t"}
    got = read("s3://bucket/m", fetcher, environment=ENVIRONMENT, **how)
    memory = dict(got.memory)
    got.close()
    environment, reason, remedy = WRONG[wrong]
    if environment is None:
        how["credentials"] = SIGNED["credentials"]
    for before in (memory, {}):
        failed = read("s3://bucket/m", fetcher, before, environment=environment, **how)
        assert isinstance(failed, Failed)
        assert failed.is_passing
        assert reason in failed.reason
        assert remedy in failed.reason
        assert "wrong" not in failed.reason


def test_a_clock_that_is_wrong_is_a_failure(signed, fetcher, monkeypatch):
    bucket, endpoint = signed
    mirrors.make_mirror(bucket / "m", [HDF5])
    late = datetime.now(UTC) - timedelta(minutes=20)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: late)
    how = {"environment": ENVIRONMENT, "endpoint": endpoint, "tag": "t"}
    failed = read("s3://bucket/m", fetcher, **how)
    assert re.search(r"answered 40[03] \(AccessDenied", failed.reason), failed.reason
    assert "the clock of this machine" in failed.reason


def test_what_signs_is_an_extra(server, fetcher, monkeypatch):
    """Where it is not installed that is a failure with its remedy; without a key nothing of it is needed."""
    monkeypatch.setitem(sys.modules, "botocore", None)
    server.script("/bucket/m/" + INDEX, error(404, "NoSuchKey"))
    server.script("/bucket/m/" + OLD_INDEX, error(404, "NoSuchKey"))
    how = {"endpoint": server.origin, "tag": "t"}
    failed = read("s3://bucket/m", fetcher, **SIGNED, **how)
    assert failed.is_passing
    assert failed.reason == (
        "signed requests to a bucket need botocore (pip install 'cachesync[s3]',"
        " or `anonymous: true` for what everybody may read)"
    )
    assert server.seen == []
    assert "no cache index" in read("s3://bucket/m", fetcher, **how).reason


def test_a_key_of_the_environment_is_not_used_where_nobody_is_to_be_told(signed, fetcher):
    _, endpoint = signed
    for more in ({"anonymous": True}, {"credentials": SIGNED["credentials"]}):
        failed = read(
            "s3://bucket/m", fetcher, environment=ENVIRONMENT, endpoint=endpoint, tag="t", **more
        )
        said = "answered 400 (" if "anonymous" in more else "S3_SECRET"
        assert said in failed.reason


def test_the_environment_says_where_buckets_are(served, fetcher):
    bucket, how = served
    mirrors.make_mirror(bucket / "m", [HDF5])
    how = {key: value for key, value in how.items() if key != "credentials"}
    environment = {
        **(ENVIRONMENT if how["environment"] else {}),
        "AWS_ENDPOINT_URL": f"{how['endpoint']}/",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    assert placed(read("s3://bucket/m", fetcher, environment=environment, tag="t")) == hashes(HDF5)


def test_a_download_from_a_real_server_goes_on(signed, fetcher):
    """Its part is answered 200, with Content-Range; each request has a signature of its own."""
    bucket, endpoint = signed
    data = bytes(range(256)) * 4096
    (bucket / "m").mkdir()
    (bucket / "m" / "big~+").write_bytes(data)
    settle(bucket)
    asked = []

    @contextmanager
    def cut(streamed):
        with streamed as download:
            chunks = download.chunks
            yield download._replace(chunks=chunks if len(asked) > 1 else _broken(chunks))

    class Cutting:
        """A fetcher whose first download breaks off."""

        fetch = fetcher.fetch

        def stream(self, request):
            asked.append(request)
            return cut(fetcher.stream(request))

    spool = Spool(2 << 20)
    with spool:
        place = opened(Cutting(), endpoint, environment=ENVIRONMENT)
        arrived = place.large("big~+", spool)
        assert spool.checksum == hashlib.sha256(data).hexdigest()
        assert arrived.is_joined
    assert [("Range" in request.headers) for request in asked] == [False, True]
    assert all(request.sign is not None for request in asked)


def _broken(chunks):
    yield next(chunks)
    raise FetchError("broke off")


# -- listing


ODD = ["a", "a+b", "sp ace", "k=v", "t~1", "c:d", "per%25cent", "am&p", "q?m", "ha#sh", "é", "%2B", "ü/ö"]  # fmt: skip


def test_a_listing_is_every_file_below_a_directory(served, fetcher):
    """Whatever characters are in its name; each is read again by it, and has the ETag it comes with."""
    bucket, how = served
    for name in ODD:
        path = bucket / "m" / "v3" / "spec" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    for beside in ("v3/spectrum", "v3/other/x"):
        path = bucket / "m" / beside
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    place = place_of(fetcher, how)
    found = {one.path: one for one in place.listed("v3/spec")}
    assert set(found) == {f"v3/spec/{name}" for name in ODD}
    for name in ODD:
        one = found[f"v3/spec/{name}"]
        small = place.small(one.path, most_bytes=MOST)
        assert small.data == name.encode()
        assert one.size == len(small.data)
        assert one.etag == hashlib.md5(small.data).hexdigest()
    assert place.listed("nothing") == ()


def test_a_listing_has_as_many_pages_as_it_needs(signed, fetcher):
    bucket, endpoint = signed
    directory = bucket / "m" / "v3"
    directory.mkdir(parents=True)
    names = {f"{number:04}" for number in range(2345)}
    for name in names:
        (directory / name).write_bytes(b"")
    found = opened(fetcher, endpoint, environment=ENVIRONMENT).listed("v3")
    assert len(found) == len(names)
    assert {one.path for one in found} == {f"v3/{name}" for name in names}


def test_what_cannot_be_listed_is_a_failure(signed, fetcher):
    _, endpoint = signed
    with pytest.raises(SourceError, match=r"answered 400"):
        opened(fetcher, endpoint).listed("v3")
    place = opened(fetcher, endpoint, environment=ENVIRONMENT, url="s3://nobucket/m")
    with pytest.raises(SourceError, match="NoSuchBucket"):
        place.listed("v3")


def place_of(fetcher, how):
    environment = dict(how["environment"])
    more = {"credentials": how["credentials"]} if "credentials" in how else {}
    return opened(fetcher, how["endpoint"], environment=environment, **more)


# -- servers that lie


def listing(*names, token=None, prefix="m/v3/"):
    contents = "".join(f"<Contents><Key>{prefix}{n}</Key><Size>1</Size></Contents>" for n in names)
    more = "" if token is None else f"<NextContinuationToken>{token}</NextContinuationToken>"
    truncated = "false" if token is None else "true"
    text = f"<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{more}{contents}</ListBucketResult>"
    return stub.reply(text.encode(), **{"Content-Type": "application/xml"})


def error(status, code, more=""):
    return stub.status(status, f"<Error><Code>{code}</Code>{more}</Error>".encode())


@pytest.fixture
def lying(server, fetcher):
    """A server that says what it is told, and a bucket of it that nobody signs for."""
    return server, opened(fetcher, server.origin)


def test_pages_are_asked_for_as_they_say(lying):
    server, place = lying
    server.script("/bucket/", listing("a", token="+/="), listing(token="2"), listing("b"))
    assert [one.path for one in place.listed("v3")] == ["v3/a", "v3/b"]
    queries = [seen.query for seen in server.seen]
    assert queries == [
        "encoding-type=url&list-type=2&prefix=m%2Fv3%2F",
        "continuation-token=%2B%2F%3D&encoding-type=url&list-type=2&prefix=m%2Fv3%2F",
        "continuation-token=2&encoding-type=url&list-type=2&prefix=m%2Fv3%2F",
    ]


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([listing("a", token="1"), listing("b", token="1")], "never ends"),
        ([listing("a", prefix="m/")], "something else"),
        ([listing("a", token="1"), error(503, "SlowDown")], "answered 503"),
        ([listing("a", token="1"), stub.reply(b"<!doctype html>")], "no XML"),
        ([listing("a", token="1"), stub.reply(b"")], "answered with nothing"),
        ([listing("a", token="1"), error(404, "NoSuchKey")], "answered 404"),
        ([error(403, "AccessDenied")], "answered 403"),
    ],
)
def test_a_listing_is_whole_or_a_failure(lying, answers, reason):
    server, place = lying
    server.script("/bucket/", *answers, *answers[-1:] * 5)
    with pytest.raises(SourceError, match=reason):
        place.listed("v3")


def test_what_is_no_path_of_a_file_is_left_out(lying):
    server, place = lying
    server.script("/bucket/", listing("", "x/", "a//b", "../c", "./d", "&#x7f;e", "f"))
    assert [one.path for one in place.listed("v3")] == ["v3/f"]


ANSWERS = {
    "not there": (error(404, "NoSuchKey"), Absent("answered 404")),
    "may not be listed": (
        error(403, "AccessDenied"),
        Absent("answered 403 (AccessDenied: not there, or not to be read without a key)", False),
    ),
    "not as a bucket does": (stub.status(404), "cannot be told what is there"),
    "a page of somebody's": (stub.status(404, b"<!doctype html>"), "cannot be told"),
    "gone": (error(410, "NoSuchKey"), "cannot be told"),
    "no bucket": (error(404, "NoSuchBucket"), r"answered 404 \(NoSuchBucket\)"),
    "elsewhere": (
        error(400, "AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>"),
        r"answered 400 \(AuthorizationHeaderMalformed\)",
    ),
    "a redirect to nowhere": (error(301, "PermanentRedirect"), "a redirect to nowhere"),
    "expired": (error(400, "ExpiredToken"), "ExpiredToken"),
    "too late": (error(403, "RequestTimeTooSkewed"), "RequestTimeTooSkewed"),
    "nothing": (stub.reply(b"", ETag='""'), "answered with nothing"),
    "slow down": (error(503, "SlowDown"), "answered 503"),
    "entities": (stub.status(404, b'<!DOCTYPE a [<!ENTITY b "NoSuchKey">]><Error><Code>&b;</Code></Error>'), "cannot be told"),
}  # fmt: skip


@pytest.mark.parametrize("way", ["small", "large", "head"])
@pytest.mark.parametrize("answer", ANSWERS)
def test_only_what_says_so_is_absent(lying, answer, way):
    """A file that is not there has a code; everything else says nothing of it."""
    server, place = lying
    behaviour, expected = ANSWERS[answer]
    server.script("/bucket/m/x", behaviour)

    def ask():
        if way == "small":
            return place.small("x", most_bytes=MOST)
        if way == "head":
            return place.head("x")
        with Spool(MOST) as spool:
            return place.large("x", spool)

    if isinstance(expected, Absent):
        assert ask() == expected
    else:
        with pytest.raises(SourceError, match=expected):
            ask()


def test_what_may_not_be_read_is_no_absence_of_a_spec(lying):
    """To a probe it is unknown; to who reads manifests neither gone nor the end of all others."""
    server, place = lying
    server.mount("/bucket/m/", error(403, "AccessDenied"))
    build = Build("zlib", "1.3.1", "none", "os", "platform", "target", ())
    for layouts in ("3", "2", "32"):
        found = probe(place, build, ZLIB.hash, layouts)
        assert (found.state, found.is_unreachable) == (State.UNKNOWN, False)
        assert "not to be read without a key" in found.reason
    with pytest.raises(CacheIndexError, match="cannot be read: answered 403"):
        spec_file(place, "v3/manifests/spec/zlib/x.spec.manifest.json")
    server.script("/bucket/", listing())
    with pytest.raises(SourceError, match=r"layout\.json answered 403"):
        BucketManifests(place, Selection()).listed(None)


@pytest.mark.parametrize("lost", ["tarball", "document"])
def test_what_certainly_lacks_is_missing_whatever_else_may_not_be_read(lying, root, lost):
    """Either way; where nothing certainly lacks it is unknown."""
    server, place = lying
    mirrors.make_mirror(root, [ZLIB])
    (manifest,) = (root / "v3/manifests/spec").rglob("*.json")
    said = {
        "document" if "spec" in one["mediaType"] else "tarball": one["checksum"]
        for one in json.loads(manifest.read_bytes())["data"]
    }
    missing = said.pop(lost)
    (refused,) = said.values()

    def answer(talk):
        file = root / talk.seen.path.removeprefix("/bucket/m/")
        if refused in talk.seen.path:
            error(403, "AccessDenied")(talk)
        elif missing in talk.seen.path and is_lost:
            error(404, "NoSuchKey")(talk)
        else:
            (stub.reply(file.read_bytes()) if file.is_file() else error(404, "NoSuchKey"))(talk)

    server.mount("/bucket/m/", answer)
    spec, arch = ZLIB.spec, ZLIB.spec["arch"]
    build = Build(
        spec["name"], spec["version"], "none", arch["platform_os"], arch["platform"], "x", ()
    )
    is_lost = True
    found = probe(place, build, ZLIB.hash, "3")
    assert (found.state, found.reason) == (State.MISSING, f"its {lost} answered 404")
    is_lost = False
    assert probe(place, build, ZLIB.hash, "3").state is State.UNKNOWN


def test_an_empty_etag_is_not_kept(lying):
    server, place = lying
    server.script("/bucket/m/x", stub.reply(b"{}", ETag='""'))
    small = place.small("x", most_bytes=MOST)
    assert isinstance(small, Small)
    assert small.validators == {}


def test_a_mirror_in_a_bucket_that_may_not_be_listed_is_read(server, fetcher, root):
    """Then S3 says 403 of the layout that it has not; and of one that it had, that is a failure."""
    mirrors.make_mirror(root, [HDF5])
    settle(root)

    def bucket(talk):
        file = root / talk.seen.path.removeprefix("/bucket/m/")
        if file.is_file():
            data = file.read_bytes()
            stub.cached(data, f'"{hashlib.md5(data).hexdigest()}"')(talk)
        else:
            error(403, "AccessDenied")(talk)

    server.mount("/", bucket)
    got = read("s3://bucket/m", fetcher, endpoint=server.origin, tag="t")
    memory = dict(got.memory)
    assert placed(got) == hashes(HDF5)
    (root / INDEX).unlink()
    failed = read("s3://bucket/m", fetcher, memory, endpoint=server.origin, tag="t")
    assert "not to be read without a key), and was there before" in failed.reason


@pytest.mark.parametrize(
    ("url", "endpoint", "region", "address"),
    [
        ("s3://b1/p/q", None, None, "https://b1.s3.amazonaws.com/p/q"),
        ("s3://b1", None, "eu-west-1", "https://b1.s3.eu-west-1.amazonaws.com"),
        ("s3://b.c/p", None, "eu-west-1", "https://s3.eu-west-1.amazonaws.com/b.c/p"),
        ("s3://Old_One/p", None, None, "https://s3.amazonaws.com/Old_One/p"),
        ("s3://b1/p", None, "cn-north-1", "https://b1.s3.cn-north-1.amazonaws.com.cn/p"),
        ("s3://b/p+q%2B~é", "http://s:9000/s3", None, "http://s:9000/s3/b/p%2Bq%252B~%C3%A9"),
        ("s3://b", "https://s", "r", "https://s/b"),
    ],
)
def test_where_a_bucket_is(url, endpoint, region, address):
    """Keys are as they are written, and quoted once."""
    assert web_address(url, endpoint, region) == address
    assert Bucket(url, None, 1, endpoint=endpoint, region=region).where("a") == f"{url}/a"
