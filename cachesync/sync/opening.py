"""Opening sources that are fetched: their class, their secret, and what fetches for them."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from contextlib import ExitStack

from .. import net
from ..config.secrets import reveal
from ..config.settings import (
    ArchiveSourceConfig,
    GithubSourceConfig,
    HttpSourceConfig,
    Limits,
    SourceConfig,
)
from ..sources.base import Source

__all__ = ["Remotes", "address"]


class Remotes:
    """Opens remote sources, which share one fetcher and its limits for each host."""

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
        self._fetcher: net.Fetcher | None = None
        self._opening = threading.Lock()

    def open(self, entry: SourceConfig) -> Source:
        """The source of an entry that is not a directory.

        Raises CachesyncError when its secret is not where the config says.
        """
        fetcher = self._shared()
        if isinstance(entry, GithubSourceConfig):
            from ..sources.github import GithubSource

            token = None if entry.token is None else reveal(entry.token, self._environment)
            return GithubSource(entry, self._limits, fetcher, token=token)
        if isinstance(entry, HttpSourceConfig):
            from ..sources.http import HttpSource

            return HttpSource(entry, self._limits, fetcher)
        assert isinstance(entry, ArchiveSourceConfig), "a directory is not fetched"
        from ..sources.archive import ArchiveSource

        return ArchiveSource(entry, self._limits, fetcher)

    def _shared(self) -> net.Fetcher:
        with self._opening:
            if self._fetcher is None:
                self._fetcher = self._opened.enter_context(
                    net.open_fetcher(request_seconds=self._limits.request_seconds, stop=self._stop)
                )
            return self._fetcher

    def reach(self, url: str) -> int:
        """Ask for an address; the status it answers with. Raises FetchError."""
        request = net.Request(url, most_bytes=self._limits.page_bytes)
        with self._shared().stream(request) as download:
            return download.status

    def close(self) -> None:
        """End every fetch."""
        self._stop.set()
        self._opened.close()


def address(entry: SourceConfig) -> str:
    """Where to ask whether a source can be reached."""
    if isinstance(entry, GithubSourceConfig):
        return f"{entry.api_url}/repos/{entry.repository}"
    if isinstance(entry, HttpSourceConfig):
        url = entry.url or next(iter(entry.urls), "")
        tag = next(iter(entry.selection.tags), "")
        return url.replace("{tag}", tag).replace(
            "{package}", next(iter(entry.selection.packages), "")
        )
    assert isinstance(entry, ArchiveSourceConfig), "a directory is not fetched"
    return entry.url
