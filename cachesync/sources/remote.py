"""What the sources that are fetched have in common: names nobody vouches for, and failing hosts."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Final
from urllib.parse import quote

from ..errors import SourceError
from ..net import Fetcher, FetchError, FetchStoppedError, Request, Response, TooLargeError
from ..selection import Selection
from .base import Failed, Fault
from .directory import MAX_DEPTH, PAGE_NAME

__all__ = [
    "CONDITIONS",
    "FAILURES_IN_A_ROW",
    "UNHEEDED",
    "Contact",
    "begins_as_page",
    "blob_sha",
    "conditions",
    "fingerprint",
    "garbage",
    "hostile",
    "is_wanted",
    "refused",
    "remark",
    "too_large",
    "unheeded",
    "validators",
]

FAILURES_IN_A_ROW = 16
"""After so many a source is not asked any more in this pass."""
MOST_PATH_BYTES = 4096
MOST_NAME_CHARACTERS = 300
"""Of a path that is refused."""
MOST_VALIDATOR_CHARACTERS = 512
MOST_TYPE_CHARACTERS = 80

CONDITIONS: Final = {"etag": "If-None-Match", "modified": "If-Modified-Since"}
_VALIDATORS: Final = {"etag": "etag", "modified": "last-modified"}
_COMPRESSED = re.compile(r'(?:W/)?"(.*)-gzip"')
"""What Apache's mod_deflate makes of the ETag "...", which it does not know again (its bug 45023)."""
SETTLED_SECONDS = 2
"""So old is what cannot change again without its validators changing: they count whole seconds."""
UNHEEDED_PASSES = 2
UNHEEDED = "unheeded"
"""In the memory of a source: passes running in which the server answered 200 where 304 was due."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_VALIDATOR = re.compile(r"[\x20-\x7e]*")


class Contact:
    """How asking goes in one pass; after many failures in a row nobody is asked any more."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._lock = Lock()
        self._failures = 0
        self._last = ""
        self.retry_after_seconds: float | None = None
        """The longest wait a server asked for."""

    def ask(self, request: Request) -> Response | Failed:
        """The answer. A page that is too large is refused; any other failure may pass."""
        with self._lock:
            if self._failures >= FAILURES_IN_A_ROW:
                reason = f"not asked for after {self._failures} failures in a row ({self._last})"
                return Failed(reason, is_passing=True)
        try:
            response = self._fetcher.fetch(request)
        except TooLargeError as error:
            return Failed(error.message)
        except FetchStoppedError as error:
            return Failed(error.message, is_passing=True)
        except FetchError as error:
            self.failed(error)
            return Failed(error.message, is_passing=True)
        with self._lock:
            self._failures = 0
        return response

    def failed(self, error: SourceError) -> None:
        """Count a failure."""
        with self._lock:
            self._failures += 1
            self._last = error.message
            if error.retry_after_seconds is not None:
                waits = (self.retry_after_seconds or 0.0, error.retry_after_seconds)
                self.retry_after_seconds = max(waits)


# -- names


def hostile(path: str) -> str | None:
    """Why `path` is not the relative path of a page; None when it is one."""
    parts = path.split("/")
    encoded = path.encode("utf-8", "surrogatepass")
    objections = {
        "an absolute path": path.startswith("/"),
        "a path that leads upwards (..)": ".." in parts,
        "a path with empty components": "" in parts or "." in parts,
        "a name with control characters": _CONTROL.search(path) is not None,
        "its name is not UTF-8": encoded.decode("utf-8", "replace") != path,
        f"a path longer than {MOST_PATH_BYTES} bytes": len(encoded) > MOST_PATH_BYTES,
        f"nested deeper than {MAX_DEPTH} directories": len(parts) - 1 > MAX_DEPTH,
    }
    return next((reason for reason, is_so in objections.items() if is_so), None)


def refused(prefix: str, path: str, reason: str) -> Fault:
    """The fault at a path that is not to be trusted, below `prefix` under a harmless name."""
    name = quote(path.encode("utf-8", "backslashreplace"), safe=" +=,:@")
    if not name.strip("."):
        name = name.replace(".", "%2E")
    if len(name) > MOST_NAME_CHARACTERS:
        name = f"{name[:MOST_NAME_CHARACTERS]}~{fingerprint(path)}"
    return Fault(prefix + name, reason)


def is_wanted(selection: Selection, path: str) -> bool:
    """Whether `path` is that of a page, and in a tag and package that are selected."""
    *above, name = path.split("/")
    return (
        name == PAGE_NAME
        and not any(part.startswith(".") and part not in (".", "..") for part in above)
        and (not above or selection.admits_tag(above[0]))
        and (len(above) < 2 or selection.admits_package(above[1]))
    )


def too_large(size: int, limit: int) -> str:
    """The reason to refuse a page of `size` bytes."""
    return f"larger than the limit of {limit:,} bytes (`limits: page`): {size:,}"


# -- what is no content


def begins_as_page(body: bytes) -> bool:
    """Whether `body` begins as every package page does, with `---` (pages/frontmatter.py)."""
    return body.removeprefix(b"\xef\xbb\xbf").startswith(b"---")


def garbage(headers: Mapping[str, str], *, expected: str = "a page") -> str:
    """The reason to refuse an answer that is a portal, a maintenance notice or the like."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if not kind:
        return f"answered with no content type, and not with {expected}"
    shown = quote(kind[:MOST_TYPE_CHARACTERS], safe="/+-. ")
    return f"answered with {shown}, not with {expected}"


# -- what names content


def blob_sha(data: bytes) -> str:
    """The name git gives to a file with this content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def fingerprint(*parts: object) -> str:
    """A short name for settings: equal for equal parts."""
    text = json.dumps(parts, default=str)
    return hashlib.blake2b(text.encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()


def validators(headers: Mapping[str, str]) -> dict[str, str]:
    """`etag` and `modified`, as far as an answer has them, they can be sent back, and tell.

    Content that was modified less than two seconds before the answer may change once more without
    either changing, as nginx makes them; it has none. Neither has an empty ETag a meaning.
    """
    modified, answered = (_instant(headers.get(name, "")) for name in ("last-modified", "date"))
    if modified and answered and (answered - modified).total_seconds() < SETTLED_SECONDS:
        return {}
    found = {key: headers.get(name, "").strip() for key, name in _VALIDATORS.items()}
    return {
        key: value
        for key, value in found.items()
        if value.removeprefix("W/") not in ("", '""')
        and len(value) <= MOST_VALIDATOR_CHARACTERS
        and _VALIDATOR.fullmatch(value)
    }


def conditions(before: Mapping[str, str]) -> dict[str, str]:
    """The headers that ask for what changed since an answer with these validators.

    An ETag is sent back as it came, since some servers understand nothing else; one of mod_deflate
    is sent in both forms, the one that came and the one that the server compares with.
    """
    asked = {name: before[key] for key, name in CONDITIONS.items() if before.get(key)}
    etag = asked.get("If-None-Match", "")
    compressed = _COMPRESSED.fullmatch(etag)
    if compressed and '"' not in compressed[1]:
        asked["If-None-Match"] = f'{etag}, "{compressed[1]}"'
    return asked


def _instant(text: str) -> datetime | None:
    """The instant of a header; None where it has none."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


# -- servers that do not heed it


def unheeded(before: Mapping[str, str], *, heeded: bool, resent: bool) -> dict[str, str]:
    """What to remember of whether a server heeds conditions, after a pass.

    `heeded`: it answered 304. `resent`: it answered with what it had answered before, and that was
    not modified since. A pass in which it did neither says nothing.
    """
    passes = before.get(UNHEEDED, "")
    count = int(passes) if passes.isascii() and passes.isdigit() else 0
    if heeded:
        count = 0
    elif resent:
        count = min(count + 1, UNHEEDED_PASSES)
    return {UNHEEDED: str(count)} if count else {}


def remark(memory: Mapping[str, str]) -> str | None:
    """What is to be said of a source with this memory; None where nothing is."""
    if memory.get(UNHEEDED) != str(UNHEEDED_PASSES):
        return None
    return "its server never answers 304 (not modified): every pass downloads everything"
