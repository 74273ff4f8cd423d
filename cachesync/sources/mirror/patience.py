"""How long a host is asked in one pass: until many requests in a row failed.

A site with hundreds of mirrors that is down would hold up a pass for hours, and be asked thousands of times.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock

from ...net import (
    Download,
    Fetcher,
    FetchError,
    FetchStoppedError,
    Request,
    Response,
    TooLargeError,
    host,
)
from ..remote import FAILURES_IN_A_ROW

__all__ = ["Patience"]


class Patience:
    """See `net.Fetcher`. One object is for one pass; any thread may use it."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._lock = Lock()
        self._failures: dict[str, int] = {}

    def fetch(self, request: Request) -> Response:
        """See `net.Fetcher`."""
        self._require(request)
        try:
            answer = self._fetcher.fetch(request)
        except FetchError as error:
            self._note(request, error)
            raise
        self._note(request, None)
        return answer

    @contextmanager
    def stream(self, request: Request) -> Iterator[Download]:
        """See `net.Fetcher`. A host that begins to answer is one that answers."""
        self._require(request)
        with ExitStack() as opened:
            try:
                download = opened.enter_context(self._fetcher.stream(request))
            except FetchError as error:
                self._note(request, error)
                raise
            self._note(request, None)
            yield download

    def _require(self, request: Request) -> None:
        """Raise FetchError where a host is not asked any more."""
        name = host(request.url)
        with self._lock:
            count = self._failures.get(name, 0)
        if count >= FAILURES_IN_A_ROW:
            raise FetchError(f"{name}: not asked any more after {count} failures in a row")

    def _note(self, request: Request, error: FetchError | None) -> None:
        if isinstance(error, FetchStoppedError):
            return
        name, has_answered = host(request.url), error is None or isinstance(error, TooLargeError)
        with self._lock:
            self._failures[name] = 0 if has_answered else self._failures.get(name, 0) + 1
