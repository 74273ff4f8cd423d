"""A mirror on a web server: conditional requests, and downloads that go on where they broke off.

A download is resumed only where nothing can be mixed (NET, rules 23 and 24): fetched as it is stored, with
a strong ETag, and the part that follows says the same start, length and ETag. Everything else starts over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import quote

from ...errors import SourceError
from ...net import (
    Download,
    Fetcher,
    FetchError,
    FetchStoppedError,
    Request,
    TooLargeError,
    shown,
)
from ..base import UNCHANGED, Unchanged
from ..remote import conditions, validators
from .heads import ABSENT, AS_STORED, head, is_as_stored
from .place import NOTHING, Absent, Arrived, Small, There
from .spool import Spool

__all__ = ["Web", "error_body"]

LEAST_BYTES_PER_SECOND = 128 * 1024
"""A download at this rate never meets the deadline."""
MOST_ERROR_BYTES = 1 << 16
MOST_PARTS = 8
"""In which a file may come, or attempts at it."""
_PART = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")
_STRONG = re.compile(r'"[\x21\x23-\x7e]+"')


class _Begun(NamedTuple):
    """The file that a download began with."""

    etag: str | None
    """None where it cannot be resumed."""
    total: int | None
    headers: Mapping[str, str]


class Web:
    """See `place.Place`."""

    is_near = False

    def __init__(
        self, url: str, fetcher: Fetcher, most_bytes: int, *, unreserved: str = "/:"
    ) -> None:
        """`url` has no slash at its end; of paths what is `unreserved` is sent as it is."""
        self._unreserved = unreserved
        self._url = url
        self._fetcher = fetcher
        self._most = most_bytes

    def where(self, path: str) -> str:
        """See `Place`."""
        return shown(self._address(path))

    def small(
        self, path: str, before: Mapping[str, str] = NOTHING, *, most_bytes: int
    ) -> Small | Unchanged | Absent:
        """See `Place`."""
        asked = conditions(before)
        answer = self._fetcher.fetch(
            Request(self._address(path), most_bytes, {**AS_STORED, **asked})
        )
        if answer.status == 304 and asked:
            return UNCHANGED
        if answer.status in ABSENT:
            return _absent(answer.status)
        if answer.status != 200:
            raise SourceError(f"answered {answer.status}")
        return Small(answer.body, validators(answer.headers), answer.headers)

    def large(
        self,
        path: str,
        spool: Spool,
        before: Mapping[str, str] = NOTHING,
        *,
        may_resume: bool = True,
    ) -> Arrived | Unchanged | Absent:
        """See `Place`."""
        asked = conditions(before)
        begun: _Begun | None = None
        why = "no part of it fits"
        for _ in range(MOST_PARTS):
            if begun is None or begun.etag is None or not may_resume:
                spool.clear()
            headers = {**AS_STORED, **(_rest_of(begun, spool.size) if spool.size else asked)}
            with self._stream(path, headers) as download:
                past, begun = begun, _begun_with(download, begun, spool)
                if begun is None:  # not with this; the next one is asked for everything
                    found = _without(download, is_conditional=bool(asked)) if past is None else None
                    if found is not None:
                        return found
                    continue
                try:
                    for piece in download.chunks:
                        spool.write(piece)
                except (FetchStoppedError, TooLargeError):
                    raise
                except FetchError as error:
                    why = error.message
                else:
                    return Arrived(validators(begun.headers), begun.headers, begun is past)
        raise FetchError(f"{why} ({MOST_PARTS} attempts)")

    def head(self, path: str) -> There | Absent:
        """See `Place`."""
        return head(self._fetcher, self._address(path))

    @contextmanager
    def _stream(self, path: str, headers: Mapping[str, str]) -> Iterator[Download]:
        request = Request(
            self._address(path),
            self._most,
            headers,
            least_bytes_per_second=LEAST_BYTES_PER_SECOND,
        )
        with self._fetcher.stream(request) as download:
            yield download

    def _address(self, path: str) -> str:
        return f"{self._url}/{quote(path, safe=self._unreserved)}"  # + as %2B, without which S3 means a blank


def _begun_with(download: Download, begun: _Begun | None, spool: Spool) -> _Begun | None:
    """The file that an answer is of, or is the rest of; None where it is neither."""
    is_part = download.status == 206 or "content-range" in download.headers
    if is_part and spool.size and _continues(download, begun, spool.size):
        return begun
    spool.clear()
    if download.status != 200 or is_part:
        return None
    headers = download.headers
    etag, length = headers.get("etag", "").strip(), headers.get("content-length", "")
    is_plain = is_as_stored(headers) and length.isascii() and length.isdigit()
    can_resume = is_plain and _STRONG.fullmatch(etag) is not None
    return _Begun(etag if can_resume else None, int(length[:18]) if is_plain else None, headers)


def _without(download: Download, *, is_conditional: bool) -> Unchanged | Absent:
    """What the answer to the first request says, which has no content. Raises SourceError."""
    if download.status == 304 and is_conditional:
        return UNCHANGED
    if download.status in ABSENT:
        return _absent(download.status)
    raise SourceError(f"answered {download.status}")


def _absent(status: int) -> Absent:
    return Absent(f"answered {status}", is_certain=status != 403)


def _rest_of(begun: _Begun | None, size: int) -> Mapping[str, str]:
    """The headers that ask for what follows the first `size` bytes."""
    assert begun is not None
    assert begun.etag is not None
    return {"Range": f"bytes={size}-", "If-Range": begun.etag}


def _continues(download: Download, begun: _Begun | None, size: int) -> bool:
    """Whether an answer is the rest of the same file, and nothing else; rclone answers so with 200."""
    if download.status not in (200, 206):
        return False
    part = _PART.fullmatch(download.headers.get("content-range", "").strip())
    if part is None or begun is None or not is_as_stored(download.headers):
        return False
    start, end, total = (int(number) for number in part.groups())
    is_same = download.headers.get("etag", "").strip() == begun.etag
    return is_same and start == size and total == begun.total and end == total - 1


def error_body(download: Download) -> bytes:
    """What comes easily of the body of an error; nothing of one that is long, or breaks off."""
    found = b""
    try:
        for piece in download.chunks:
            found += piece
            if len(found) > MOST_ERROR_BYTES:
                return b""
    except FetchError:
        return b""
    return found
