"""Passes over sources that are fetched, as far as their listings and contents."""

import gzip
import json
import threading
from collections.abc import Mapping

from cachesync.config.settings import Limits
from cachesync.config.sourceconfigs import ArchiveSourceConfig, HttpSourceConfig
from cachesync.diff import page_order
from cachesync.net.client import HttpFetcher
from cachesync.sources import archive, http
from cachesync.sources.base import (
    GONE,
    NOTHING,
    Changed,
    Past,
)
from tests.support import stubserver as stub

LIMITS = Limits(page_bytes=100_000, download_bytes=1_000_000, request_seconds=1.0)

PAGE = b"---\ntitle: hdf5\n---\n"

OTHER = b"---\ntitle: zlib\n---\n"

ERROR_PAGE = b"<!doctype html><title>Unicorn!</title>"

SECRET = "ghp_verysecret"


def patient(seconds):
    return HttpFetcher(
        request_seconds=seconds, stop=threading.Event(), sleep=lambda _: None, chance=lambda: 0.0
    )


class Pass:
    """What one pass over a source came to, as the ledger would have it after it."""

    def __init__(self, source, past=NOTHING):
        self.found = []
        self.listing = source.listing(self.found.extend, past)
        assert self.found == list(self.listing.entries)
        assert self.found == sorted(self.found, key=lambda entry: page_order(entry.path))
        self.read = {}
        self.signatures = dict(past.signatures)
        for path, listed_as, *_ in self.listing.entries:
            before = past.signatures.get(path)
            if before == listed_as:
                continue
            content = self.read[path] = source.read(path, listed_as, before)
            if isinstance(content, Changed):
                self.signatures[path] = content.signature
            elif content is GONE:
                self.signatures.pop(path, None)
        known = (*self.paths(), *self.listing.unlisted, *self.listing.as_before)
        for path in list(self.signatures):
            if not any(
                path == k or ((k.endswith("/") or not k) and path.startswith(k)) for k in known
            ):
                del self.signatures[path]
        self.memory = source.memory()
        assert isinstance(self.memory, Mapping)
        assert all(isinstance(text, str) for item in self.memory.items() for text in item)

    def paths(self):
        return [entry.path for entry in self.listing.entries]

    def past(self):
        return Past(json.loads(json.dumps(dict(self.memory))), self.signatures)

    def data(self):
        return {path: c.data for path, c in self.read.items() if isinstance(c, Changed)}


def http_source(fetcher, *urls, url=None, **more):
    return http.HttpSource(HttpSourceConfig("pages", url=url, urls=urls, **more), LIMITS, fetcher)


def only(read):
    (content,) = read.values()
    return content


def archive_source(fetcher, url, *, limits=LIMITS, **more):
    return archive.ArchiveSource(ArchiveSourceConfig("snapshot", url, **more), limits, fetcher)


PAGES = {"develop": {"hdf5": PAGE, "zlib": OTHER}, "v1.0": {"zlib": OTHER}}

WHOLE = stub.tarball(PAGES)

TAR = gzip.decompress(WHOLE)
