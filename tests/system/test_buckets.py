"""The mirrors that real Spack wrote, in buckets that a real server of S3 has, by the command line."""

import shutil

import pytest

from tests.support import buckets, caches, mirrors
from tests.support.world import World

NAMES = ["v2-0.23", "v3-1.1", "v3-1.1-next", "v3-1.1-signed", "v3-1.2dev", "v3-migrated-from-v2"]
ZLIB = mirrors.record("zlib", "1.3.1")
SECRET_FILE = "s3-key"


class BucketWorld(World):
    """A world whose environment says what a site's would."""

    def __init__(self, root):
        super().__init__(root)
        self.more = {}

    @property
    def environment(self):
        return {**super().environment, **self.more}


def keyed(endpoint):
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": buckets.KEY,
        "AWS_SECRET_ACCESS_KEY": buckets.SECRET,
    }


def placed(world, source):
    found = set()
    for change in world.changes():
        if change.get("source") == source and change["kind"] == "spec.cached":
            found.add(change["hash"])
        elif change.get("source") == source and change["kind"] == "spec.evicted":
            found.discard(change["hash"])
    return found


@caches.needs_caches
@pytest.mark.parametrize("is_signed", [False, True], ids=["anonymous", "signed"])
def test_what_is_placed_is_what_the_bucket_has(tmp_path, is_signed):
    """Of every mirror; a second pass changes nothing."""
    world = BucketWorld(tmp_path)
    key = (buckets.KEY, buckets.SECRET) if is_signed else ()
    with buckets.serving(caches.mirror("").parent, *key) as endpoint:
        world.more = keyed(endpoint) if is_signed else {"AWS_ENDPOINT_URL": endpoint}
        for name in NAMES:
            url = f"s3://mirrors/{name}"
            (said,) = world.run("sync", "--mirror", url, "--json").json["sources"]
            assert said["state"] == "ok", said
            assert placed(world, url) == set(caches.contents()["mirrors"][name]["cached"]), name
        before = world.seq()
        results = world.run("sync", "--json").json["sources"]
        assert [one["unchanged"] for one in results] == [1] * len(NAMES)
        assert world.seq() == before
    world.verify()


@pytest.fixture
def configured(tmp_path):
    """A world with a bucket that wants a key, which lies in a file; and the directory of the bucket."""
    bucket = tmp_path / "served" / "bucket"
    mirrors.make_mirror(bucket / "m", [ZLIB])
    secret = tmp_path / SECRET_FILE
    secret.write_text(buckets.SECRET)
    secret.chmod(0o600)
    world = BucketWorld(tmp_path / "world")
    with buckets.serving(bucket.parent, buckets.KEY, buckets.SECRET) as endpoint:
        configure(world, endpoint, secret)
        yield world, bucket, endpoint, secret


def configure(world, endpoint, secret, more=""):
    world.configure(
        "sources:\n  - {name: ours, type: buildcache, url: 's3://bucket/m', tag: t,"
        f" endpoint: '{endpoint}', credentials: {{access_key: {buckets.KEY},"
        f" secret_key: {{file: '{secret}'}}}}{more}}}\n"
    )


def test_what_a_bucket_is_asked_with_is_never_shown(configured):
    """By sync, status, doctor and the configuration, right and wrong; and doctor says what is the matter."""
    world, _, endpoint, secret = configured
    assert world.run("-v", "sync", "--json").json["sources"][0]["state"] == "ok"
    told = [
        world.run(*words, status=None) for words in (["status"], ["config", "show"], ["doctor"])
    ]
    assert "127.0.0.1" in told[2].out
    assert "answers 200" in told[2].out
    assert f"file: {secret}" in told[1].out
    lines = world.run("search", "zlib", "--install").out.splitlines()
    assert f"spack mirror add --s3-endpoint-url {endpoint} t-cache s3://bucket/m" in lines
    assert any("wants a key" in line for line in lines)
    secret.write_text("never-to-be-seen")
    told += [
        world.run(*words, status=None) for words in (["-v", "sync"], ["status"], ["doctor"], ["sync", "--json"])
    ]  # fmt: skip
    assert "answered 403 (SignatureDoesNotMatch)" in told[-2].out
    assert "the clock of this machine" in told[-2].out
    assert "SignatureDoesNotMatch" in told[-1].out
    secret.unlink()
    told.append(world.run("sync", status=None))
    assert f"the secret in {secret} cannot be read" in told[-1].out + told[-1].err
    for result in told:
        for word in (buckets.SECRET, "never-to-be-seen", "Signature=", "AWS4-HMAC"):
            assert word not in result.out + result.err
    assert placed(world, "ours") == {ZLIB.hash}


def test_a_bucket_that_goes_and_comes_again_changes_nothing(configured):
    """Away, empty, or another one's key: what was placed stays, and a later state is taken."""
    world, bucket, endpoint, secret = configured
    world.run("sync")
    before = placed(world, "ours")
    shutil.move(bucket / "m", bucket / "elsewhere")
    for _ in range(3):
        world.run("sync", status=1)
    configure(world, endpoint, secret, ", anonymous: false, region: eu-central-1")
    assert placed(world, "ours") == before
    shutil.move(bucket / "elsewhere", bucket / "m")
    mirrors.make_mirror(bucket / "m", [ZLIB, mirrors.record("cmake", "3.31.6")])
    world.run("sync")
    assert len(placed(world, "ours")) == 2
