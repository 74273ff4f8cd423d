"""Opening sources that are fetched: their class, their secret, and what fetches for them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from .. import net
from ..buildcache.layout import index_places
from ..config import mirrors
from ..config.access import open_access
from ..config.secrets import reveal
from ..config.settings import Limits
from ..config.sourceconfigs import (
    ArchiveSourceConfig,
    BuildcacheSourceConfig,
    DirectorySourceConfig,
    GithubSourceConfig,
    HttpSourceConfig,
    ReadMode,
    SourceConfig,
)
from ..errors import CachesyncError
from ..sources.base import Source
from .mirrorsource import ManifestSource, MirrorSource

if TYPE_CHECKING:
    from ..sources.mirror.place import Place
    from ..sources.mirror.reaching import Reach

__all__ = ["Remotes", "address", "is_fetched", "is_watched", "watched_files", "watched_place"]

_ABSENT = (403, 404, 410)
"""What servers answer of what is not there (S3 the first)."""


class Remotes:
    """Opens remote sources; those that reach the network alike share a fetcher, and its limits."""

    def __init__(
        self,
        limits: Limits,
        *,
        stop: threading.Event | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._limits = limits
        self._stop = stop or threading.Event()
        self._environment = environment
        self._opened = ExitStack()
        self._fetchers: dict[net.Access, net.Fetcher] = {}
        self._opening = threading.Lock()

    def open(self, entry: SourceConfig) -> Source | MirrorSource | ManifestSource:
        """The source of an entry that is not a directory.

        Raises CachesyncError when a secret or a certificate is not where the config says.
        """
        if isinstance(entry, BuildcacheSourceConfig):
            from ..sources.mirror import manifests, source

            reach = self._reach_of(entry)
            if entry.read is ReadMode.MANIFESTS:
                return manifests.ManifestSource(entry, reach)
            return source.MirrorSource(entry, reach)
        fetcher = self._shared(entry)
        if isinstance(entry, GithubSourceConfig):
            from ..sources.github import GithubSource

            return GithubSource(entry, self._limits, fetcher, token=self._token(entry))
        if isinstance(entry, HttpSourceConfig):
            from ..sources.http import HttpSource

            return HttpSource(entry, self._limits, fetcher)
        assert isinstance(entry, ArchiveSourceConfig), "a directory is not fetched"
        from ..sources.archive import ArchiveSource

        return ArchiveSource(entry, self._limits, fetcher)

    def mirror(self, entry: BuildcacheSourceConfig, url: str) -> Place:
        """What lies under the address of a mirror of a source. Raises CachesyncError, as `open` does."""
        from ..sources.mirror.reaching import open_place

        if entry.list is None and entry.mirrors is None and net.shown(entry.url) != url:
            # Recorded before its address was another one: what is asked there is not told its secrets.
            entry = BuildcacheSourceConfig(
                entry.name, url, anonymous=True, proxy=entry.proxy, ca_file=entry.ca_file
            )
        reach = self._reach_of(entry)
        access = entry.access
        if entry.mirrors is not None:
            from ..sources.mirror.configured import access_of

            access = access_of(url, entry, reach)
        return open_place(url, access, reach)

    def opener(self, sources: Iterable[SourceConfig]) -> Callable[[str, str], Place]:
        """What opens a mirror by its source's name and its address; of no entry here, without secrets."""
        entries = {one.name: one for one in sources if isinstance(one, BuildcacheSourceConfig)}

        def opened(source: str, url: str) -> Place:
            return self.mirror(entries.get(source) or BuildcacheSourceConfig(source, url), url)

        return opened

    def _reach_of(self, entry: BuildcacheSourceConfig) -> Reach:
        from ..sources.mirror.reaching import Reach

        return Reach(
            self._limits,
            self._shared(entry) if is_fetched(entry) else None,
            lambda one: reveal(one, self._environment),
            self._environment,
        )

    def _shared(self, entry: SourceConfig) -> net.Fetcher:
        assert not isinstance(entry, DirectorySourceConfig), "a directory is not fetched"
        access = open_access(entry.proxy, entry.ca_file, self._environment)
        with self._opening:
            if access not in self._fetchers:
                self._fetchers[access] = self._opened.enter_context(
                    net.open_fetcher(
                        request_seconds=self._limits.request_seconds,
                        stop=self._stop,
                        access=access,
                    )
                )
            return self._fetchers[access]

    def _token(self, entry: GithubSourceConfig) -> str | None:
        return None if entry.token is None else reveal(entry.token, self._environment)

    def reach(self, entry: SourceConfig) -> int:
        """Ask for the address of a source, as who it is; the status it answers with. Raises CachesyncError.

        A mirror is asked for the cache index of each layout that it may have, until there is one; a registry
        of which the manifests are read for its tags.
        """
        if isinstance(entry, BuildcacheSourceConfig) and mirrors.is_registry(entry.url):
            return self._reach_registry(entry)
        token = self._token(entry) if isinstance(entry, GithubSourceConfig) else None
        fetcher = self._shared(entry)
        if isinstance(entry, BuildcacheSourceConfig) and entry.is_bucket:
            from ..sources.mirror.reaching import open_bucket

            fetcher = open_bucket(entry.url, entry.access, self._reach_of(entry)).fetcher
        status = 0
        for url in _addresses(entry, self._environment):
            request = net.Request(
                url,
                most_bytes=self._limits.page_bytes,
                authorization=None if token is None else f"Bearer {token}",
            )
            with fetcher.stream(request) as download:
                status = download.status
            if status not in _ABSENT:
                break
        return status

    def _reach_registry(self, entry: BuildcacheSourceConfig) -> int:
        from ..buildcache.manifest import MAX_BYTES
        from ..sources.mirror.images import TAGS
        from ..sources.mirror.place import Absent
        from ..sources.mirror.reaching import open_place
        from ..sources.mirror.registry import Registry

        place = open_place(entry.url, entry.access, self._reach_of(entry))
        if entry.read is ReadMode.MANIFESTS:
            assert isinstance(place, Registry)
            request = net.Request(f"{place.base}/{TAGS}?n=1", self._limits.page_bytes)
            return place.fetcher.fetch(request).status
        (index,) = index_places(is_registry=True)
        is_absent = isinstance(place.small(index.first, most_bytes=MAX_BYTES), Absent)
        return 404 if is_absent else 200

    def way(self, entry: SourceConfig) -> str:
        """What is to say of how the address of a source is reached; empty where it is directly."""
        assert not isinstance(entry, DirectorySourceConfig), "a directory is not fetched"
        access = open_access(entry.proxy, entry.ca_file, self._environment)
        proxy = access.proxies.find(address(entry, self._environment))
        return "" if proxy is None else f", through the proxy {proxy.place}"

    def close(self) -> None:
        """End every fetch."""
        self._stop.set()
        self._opened.close()


def watched_place(entry: BuildcacheSourceConfig) -> tuple[str, frozenset[str]]:
    """A directory, and the files in it that are written when something of a source changes.

    Those of a mirror's cache indexes, or the file that names mirrors.
    """
    if entry.mirrors is not None:
        directory, _, name = entry.mirrors.rpartition("/")
        return directory or "/", frozenset({name})
    return mirrors.path(entry.url), watched_files(entry)


def is_watched(entry: SourceConfig) -> bool:
    """Whether changes of a source can be noticed, as it or what names its mirrors is a file."""
    names = isinstance(entry, BuildcacheSourceConfig) and entry.mirrors is not None
    return names or not is_fetched(entry)


def watched_files(entry: BuildcacheSourceConfig) -> frozenset[str]:
    """The files of a mirror that are written when one of its cache indexes is, relative to it."""
    views: tuple[str | None, ...] = entry.views or (entry.view,)
    places = [place for view in views for place in index_places(view)]
    return frozenset(
        file for place in places for file in (place.first, place.checksum) if file is not None
    )


def is_fetched(entry: SourceConfig) -> bool:
    """Whether a source is reached over the network, and does not lie in the file system."""
    is_local = isinstance(entry, BuildcacheSourceConfig) and entry.is_local
    return not is_local and not isinstance(entry, DirectorySourceConfig)


def address(entry: SourceConfig, environment: Mapping[str, str] = os.environ) -> str:
    """Where to ask whether a source can be reached."""
    if isinstance(entry, GithubSourceConfig):
        return f"{entry.api_url}/repos/{entry.repository}"
    if isinstance(entry, HttpSourceConfig):
        url = entry.url or next(iter(entry.urls), "")
        tag = next(iter(entry.selection.tags), "")
        return url.replace("{tag}", tag).replace(
            "{package}", next(iter(entry.selection.packages), "")
        )
    if isinstance(entry, BuildcacheSourceConfig):
        return _addresses(entry, environment)[0]
    assert isinstance(entry, ArchiveSourceConfig), "a directory is not fetched"
    return entry.url


def _addresses(entry: SourceConfig, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Where to ask, one after the other."""
    if not isinstance(entry, BuildcacheSourceConfig):
        return (address(entry),)
    if entry.list is not None:
        return (entry.list,)
    if mirrors.is_registry(entry.url):
        (index,) = index_places(is_registry=True)
        return (f"{mirrors.web_address(entry.url)}/{index.first}",)
    view = entry.view or next(iter(entry.views), None)
    base = _of_bucket(entry, environment) if entry.is_bucket else entry.url
    return tuple(f"{base}/{place.first}" for place in index_places(view))


def _of_bucket(entry: BuildcacheSourceConfig, environment: Mapping[str, str]) -> str:
    """The address of a mirror in a bucket; what is wrong with the environment is told where it is opened."""
    from ..config import awsvariables
    from ..sources.mirror.bucket import web_address

    access = entry.access
    with suppress(CachesyncError):
        access = awsvariables.settled(access, environment)
    return web_address(entry.url, access.endpoint, access.region)
