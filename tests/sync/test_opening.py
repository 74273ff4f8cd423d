"""Opening mirrors by the name of their source: each is reached as who its entry, or its mirrors.yaml, says."""

from contextlib import closing

import pytest

from cachesync.config.reachvalues import Secret, SecretKind
from cachesync.config.settings import Limits
from cachesync.config.sourceconfigs import BuildcacheSourceConfig, Credentials
from cachesync.errors import CachesyncError
from cachesync.net import FetchError
from cachesync.sources.mirror.place import Absent, There
from cachesync.sync.opening import Remotes
from tests.support import buckets
from tests.support import stubserver as stub

FILE = """\
mirrors:
  open: {{url: 's3://bucket/open', endpoint_url: '{endpoint}'}}
  ours:
    url: s3://bucket/m
    endpoint_url: {endpoint}
    access_pair: {{id: {key}, secret_variable: OURS}}
"""


def test_a_mirror_of_a_mirrors_yaml_is_reached_as_who_it_says(tmp_path):
    """Each of them; one that the file does not name any more as nobody, and none where it cannot be read."""
    served = tmp_path / "served"
    (served / "bucket" / "m").mkdir(parents=True)
    (served / "bucket" / "m" / "x").write_bytes(b"1234567")
    file = tmp_path / "mirrors.yaml"
    entry = BuildcacheSourceConfig("spack", mirrors=str(file))
    remotes = Remotes(Limits(), environment={"OURS": buckets.SECRET})
    with closing(remotes), buckets.serving(served, buckets.KEY, buckets.SECRET) as endpoint:
        file.write_text(FILE.format(endpoint=endpoint, key=buckets.KEY))
        opener = remotes.opener([entry])
        ours = opener("spack", "s3://bucket/m")
        assert ours.head("x").size == 7
        assert isinstance(ours.head("no"), Absent)
        with pytest.raises(FetchError, match="answered 400"):
            opener("spack", "s3://bucket/open").head("x")
        file.write_text(
            f"mirrors: {{open: {{url: 's3://bucket/open', endpoint_url: '{endpoint}'}}}}\n"
        )
        assert opener("spack", "s3://bucket/m").where("x") == "s3://bucket/m/x"
        file.write_text("mirrors: [")
        with pytest.raises(CachesyncError, match=r"mirrors\.yaml"):
            opener("spack", "s3://bucket/m")


def test_a_mirror_that_was_recorded_under_another_address_is_told_no_secret(tmp_path):
    """Until the next pass the ledger has the address of before, wherever the source's is now."""
    credentials = Credentials(username="bot", password=Secret(SecretKind.ENV, "OURS"))
    entry = BuildcacheSourceConfig("ours", "oci://new.example/a", credentials=credentials)
    remotes = Remotes(Limits(), environment={"OURS": "hunter2"})
    with closing(remotes), stub.StubServer() as server:
        server.mount("/v2/", stub.status(401, www_authenticate='Basic realm="x"'))
        before = f"oci+http://{server.origin.removeprefix('http://')}/a"
        for now in (entry, entry._replace(url=tmp_path.as_uri(), credentials=Credentials())):
            with pytest.raises(FetchError, match="wants to know who asks"):
                remotes.opener([now])("ours", before).head("manifests/x")
        assert all("authorization" not in seen.headers for seen in server.seen)
        assert len(server.seen) == 2


def test_a_mirror_of_a_source_that_is_no_entry_is_opened(tmp_path):
    """One that was named once."""
    (tmp_path / "x").write_bytes(b"1")
    with closing(Remotes(Limits(), environment={})) as remotes:
        there = remotes.opener([])("gone", tmp_path.as_uri()).head("x")
    assert isinstance(there, There)
