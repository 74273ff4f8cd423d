"""Opening mirrors by the name of their source: each is reached as who its entry, or its mirrors.yaml, says."""

from contextlib import closing

import pytest

from cachesync.config.settings import Limits
from cachesync.config.sourceconfigs import BuildcacheSourceConfig
from cachesync.errors import CachesyncError
from cachesync.net import FetchError
from cachesync.sources.mirror.place import Absent, There
from cachesync.sync.opening import Remotes
from tests.support import buckets

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


def test_a_mirror_of_a_source_that_is_no_entry_is_opened(tmp_path):
    """One that was named once."""
    (tmp_path / "x").write_bytes(b"1")
    with closing(Remotes(Limits(), environment={})) as remotes:
        there = remotes.opener([])("gone", tmp_path.as_uri()).head("x")
    assert isinstance(there, There)
