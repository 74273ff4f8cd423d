"""A mirror as a pass reads it: the first index of a source, and what it says is cached."""

import os
import re
import time
from pathlib import Path

from cachesync.buildcache import index
from cachesync.config.secrets import reveal
from cachesync.config.settings import Limits
from cachesync.config.sourceconfigs import BuildcacheSourceConfig
from cachesync.sources.mirror.reaching import Reach
from cachesync.sources.mirror.source import Got, MirrorSource
from tests.support import mirrors

ZLIB = mirrors.record("zlib", "1.3.1")
HDF5 = mirrors.record("hdf5", "1.14.6", ZLIB)
OLD = mirrors.record("bzip2", "1.0.8", spec_format=4, compiler="gcc@12.3.0")
LIMITS = Limits(download_bytes=1 << 20, request_seconds=5.0)
HOUR = 3600
INDEX = "v3/manifests/index/index.manifest.json"


def source(url, fetcher=None, *, limits=LIMITS, environment=None, **more):
    reach = Reach(limits, fetcher, lambda one: reveal(one, environment or {}), environment or {})
    return MirrorSource(BuildcacheSourceConfig("m", url, **more), reach)


def read(url, fetcher=None, memory=None, **more):
    """What a pass reads of the first index of a mirror."""
    made = source(url, fetcher, **more)
    return made.read(made.discover({}).statements[0], memory or {})


def placed(got):
    """The hashes that an index says are cached."""
    assert isinstance(got, Got), got
    with got:
        split = index.split(bytes(got.data))
    return {hash_ for hash_, record in split.records.items() if record.cached}


def hashes(*records):
    return {one.hash for one in records}


def settle(root):
    """Make everything as if it were written an hour ago, for servers that look at whole seconds."""
    then = time.time() - HOUR
    for path in Path(root).rglob("*"):
        os.utime(path, (then, then))


def lose_what_was_written(directory):
    """Cut the temporary files of this process in a directory, as a disk does that loses what it holds."""
    for descriptor in os.listdir("/proc/self/fd"):
        path = f"/proc/self/fd/{descriptor}"
        if os.path.islink(path) and re.match(f"{directory}/.* \\(deleted\\)", os.readlink(path)):
            os.truncate(path, 0)
