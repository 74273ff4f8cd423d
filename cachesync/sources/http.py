"""Pages at addresses that are known, as a source: nothing is listed, every page is asked for.

An address that answers 404 may do so because the server is being put in order. So a page leaves on
410, or on 404 in three passes running; every other answer leaves it as it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from threading import Lock
from urllib.parse import quote, urlsplit

from ..config.settings import Limits
from ..config.sourceconfigs import HttpSourceConfig
from ..diff import page_order
from ..net import Fetcher, Request, Response
from .base import (
    GONE,
    NOTHING,
    UNCHANGED,
    Changed,
    Entry,
    Failed,
    Found,
    Gone,
    Listing,
    Missing,
    Past,
    Unchanged,
    ignore,
)
from .directory import PAGE_NAME
from .remote import (
    Contact,
    begins_as_page,
    blob_sha,
    conditions,
    fingerprint,
    garbage,
    unheeded,
    validators,
)

__all__ = ["MISSING_PASSES", "HttpSource", "missing"]

MISSING_PASSES = 3
"""Passes running in which a known page has to answer 404 until it is gone."""
_MISSING = "missing:"
_UNKNOWN = ""
"""The signature of every entry: what it is now is not known before it is read."""


class HttpSource:
    """See `base.Source`. An entry's path is `<tag>/<package>/specs.md`, or made of its address."""

    type = "http"
    concurrency = 8

    def __init__(self, config: HttpSourceConfig, limits: Limits, fetcher: Fetcher) -> None:
        self.name = config.name
        self._urls = dict(sorted(_places(config), key=lambda place: page_order(place[0])))
        self._limits = limits
        self._fetcher = fetcher
        self._begin(NOTHING)

    @property
    def retry_after_seconds(self) -> float | None:
        """The longest wait that a server asked for in this pass."""
        return self._contact.retry_after_seconds

    def listing(self, found: Found = ignore, past: Past = NOTHING) -> Listing:
        """Every address that is configured; never fails, since nobody is asked."""
        self._begin(past)
        entries = [Entry(path, _UNKNOWN) for path in self._urls]
        found(entries)
        return Listing(entries)

    def read(
        self, path: str, listed_as: str, before: str | None = None
    ) -> Changed | Unchanged | Missing | Gone | Failed:
        """What the address answers now, asked for only if it changed since `before`."""
        url = self._urls[path]
        remembered = _remembered(url, before)
        asked = conditions(remembered)
        answer = self._contact.ask(Request(url, self._limits.page_bytes, asked))
        if isinstance(answer, Response) and answer.status == 404:
            return self._missing_once_more(path, is_known=before is not None or path in self._known)
        self._missing.pop(path, None)
        if isinstance(answer, Failed):
            return answer
        self._learn(remembered, answer, is_conditional=bool(asked))
        return _judged(url, answer, is_conditional=bool(asked))

    def memory(self) -> Mapping[str, str]:
        """How often running each page answered 404, and whether the server ever answers 304."""
        missing = {f"{_MISSING}{path}": str(count) for path, count in self._missing.items()}
        return missing | unheeded(self._before, heeded=self._heeded, resent=self._resent)

    def _begin(self, past: Past) -> None:
        self._contact = Contact(self._fetcher)
        self._before = past.memory
        self._learning = Lock()
        self._heeded = self._resent = False
        self._known = past.signatures.keys()
        self._missing = {
            path: passes for path, passes in _missing(past.memory) if path in self._urls
        }

    def _learn(self, before: Mapping[str, str], answer: Response, *, is_conditional: bool) -> None:
        """Take note of whether the server says that nothing changed, where nothing did."""
        headers = answer.headers
        with self._learning:
            if answer.status == 304 and is_conditional:
                self._heeded = True
            elif answer.status == 200 and before.get("sha") == blob_sha(answer.body):
                # Modified anew with the same content: that is for the server to send again.
                self._resent |= before.get("date", "") == headers.get("last-modified", "")

    def _missing_once_more(self, path: str, *, is_known: bool) -> Missing | Gone:
        if not is_known:
            self._missing.pop(path, None)
            return GONE
        count = min(self._missing.get(path, 0) + 1, MISSING_PASSES)
        # Kept when it is gone as well: should the removal be held, the next pass finds it gone.
        self._missing[path] = count
        return GONE if count == MISSING_PASSES else Missing(count, MISSING_PASSES)


def missing(memory: Mapping[str, str]) -> dict[str, Missing]:
    """The pages that a source of this type remembers as not there, and not yet as gone."""
    return {
        path: Missing(passes, MISSING_PASSES)
        for path, passes in sorted(_missing(memory))
        if passes < MISSING_PASSES
    }


def _missing(memory: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    for key, count in memory.items():
        if key.startswith(_MISSING) and count.isascii() and count.isdigit():
            yield key.removeprefix(_MISSING), int(count)


def _judged(
    url: str, answer: Response, *, is_conditional: bool
) -> Changed | Unchanged | Gone | Failed:
    if answer.status == 200:
        if not begins_as_page(answer.body):
            return Failed(garbage(answer.headers), is_garbage=True)
        return Changed(answer.body, _signature(url, answer))
    if answer.status == 410:
        return GONE
    if answer.status == 304:
        if is_conditional:
            return UNCHANGED
        return Failed("answered 304 (not modified) without being asked for that", is_passing=True)
    return Failed(f"answered {answer.status}", is_passing=True)


def _signature(url: str, answer: Response) -> str:
    """Never empty: that is the signature of what has to be asked for."""
    said = {
        "url": fingerprint(url),
        "sha": blob_sha(answer.body),
        "date": answer.headers.get("last-modified", ""),
    }
    return json.dumps({**said, **validators(answer.headers)})


def _remembered(url: str, signature: str | None) -> Mapping[str, str]:
    """The validators in `signature`; none when it is of another address, or of another making."""
    try:
        remembered = json.loads(signature or "{}")
    except ValueError:
        return {}
    if not isinstance(remembered, dict) or remembered.get("url") != fingerprint(url):
        return {}
    return {key: value for key, value in remembered.items() if isinstance(value, str)}


def _places(config: HttpSourceConfig) -> Iterator[tuple[str, str]]:
    """Path and address of every page."""
    if config.url is None or "{" not in config.url:
        for url in config.urls or (config.url or "",):
            yield _path(url), url
        return
    for tag in config.selection.tags:
        for package in config.selection.packages:
            values = {"{tag}": quote(tag, safe=""), "{package}": quote(package, safe="")}
            url = config.url
            for placeholder, value in values.items():
                url = url.replace(placeholder, value)
            yield f"{_component(tag)}/{_component(package)}/{PAGE_NAME}", url


def _path(url: str) -> str:
    """A path made of `url`, its own for every address, of harmless components."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2].lower()
    path = "/".join(_component(name) for name in parts.path.split("/") if name)
    is_plain = parts.path == f"/{path}" and f"{parts.scheme}://{place}/{path}" == url
    unique = "" if is_plain else f"~{fingerprint(url)}"
    return f"{parts.scheme}/{quote(place, safe=':[]')}{unique}/{path or PAGE_NAME}"


def _component(name: str) -> str:
    """One component of a path: no slash, neither `.` nor `..`."""
    return quote(name, safe="%@+=,:!") if name.strip(".") else name.replace(".", "%2E")
