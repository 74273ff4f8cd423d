"""Whether a file is on a web server, and how large it is, without its content.

By HEAD. Some servers refuse that, or say no length then; they are asked for the first byte of the file,
and what they say of the whole is taken (RFC 9110, 14.4).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

from ...errors import SourceError
from ...net import Fetcher, Request
from .place import Absent, There

__all__ = ["ABSENT", "AS_STORED", "first_byte", "head", "is_as_stored", "is_page"]

AS_STORED: Final = {"Accept-Encoding": "identity"}
_MOST_BYTES = 1 << 16
ABSENT = (403, 404, 410)
"""403 as well: S3 says so of what is not there, to those who may not list."""
_OF_PAGES = ("text/html", "application/xhtml+xml")
_RANGE = re.compile(r"bytes (?:0-0|\*)/([0-9]{1,18})")


def head(fetcher: Fetcher, url: str) -> There | Absent:
    """What lies at an address. Raises SourceError where that cannot be told."""
    answer = fetcher.fetch(Request(url, _MOST_BYTES, AS_STORED, method="HEAD"))
    if answer.status in (404, 410):
        return Absent(f"answered {answer.status}")
    if answer.status == 200 and (size := _length(answer.headers)) is not None:
        return There(size, _modified(answer.headers), is_page(answer.headers))
    return first_byte(fetcher, url)


def first_byte(fetcher: Fetcher, url: str) -> There | Absent:
    """The same without HEAD: where what is said of an absence stands in the body of an answer."""
    request = Request(url, _MOST_BYTES, {**AS_STORED, "Range": "bytes=0-0"})
    with fetcher.stream(request) as download:  # a whole file is not read, the connection given up
        status, headers = download.status, download.headers
    if status in ABSENT:
        return Absent(f"answered {status}", is_certain=status != 403)
    part = _RANGE.fullmatch(headers.get("content-range", "").strip())
    if status == 200 and part is None:
        return There(_length(headers), _modified(headers), is_page(headers))
    if status in (200, 206) or (status == 416 and part is not None and int(part[1]) == 0):
        return There(None if part is None else int(part[1]), _modified(headers), is_page(headers))
    raise SourceError(f"answered {status}")


def is_page(headers: Mapping[str, str]) -> bool:
    """Whether an answer says that it is a page for people: a portal, a login, a maintenance notice."""
    return headers.get("content-type", "").partition(";")[0].strip().lower() in _OF_PAGES


def is_as_stored(headers: Mapping[str, str]) -> bool:
    """Whether what came, or would come, is the file and not a packed form of it."""
    return headers.get("content-encoding", "").strip().lower() in ("", "identity")


def _length(headers: Mapping[str, str]) -> int | None:
    """The length of the file as it is stored; None where the headers do not say it."""
    text = headers.get("content-length", "").strip()
    is_number = text.isascii() and text.isdigit() and len(text) < 19
    return (
        int(text)
        if is_as_stored(headers) and is_number and "transfer-encoding" not in headers
        else None
    )


def _modified(headers: Mapping[str, str]) -> float | None:
    try:
        return parsedate_to_datetime(headers.get("last-modified", "")).timestamp()
    except (ValueError, OverflowError, TypeError):  # a date that is none is left out
        return None
