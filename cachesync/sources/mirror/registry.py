"""A mirror in a registry (OCI): one repository of it, whose tags are specs, and one the index of all.

Facts of real registries: NET, section 2. What comes is checked against its digest; a tag is asked for
again with the digest it had, and once a day without, since a 304 proves the tag and not what it names.
A 404 is the registry's word only where it comes with a code of a registry's: servers in between, and
registries that are just being set up, have other ones.

Form: https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final
from urllib.parse import quote

import msgspec

from ...buildcache import image
from ...config.mirrors import web_address
from ...errors import SourceError
from ...net import Download, Fetcher, FetchError, Login, Request, Response, authorized, host, shown
from ..base import UNCHANGED, Unchanged
from .heads import first_byte
from .place import NOTHING, Absent, Arrived, Small, There
from .spool import Spool
from .web import Web, error_body

__all__ = ["DigestError", "Registry"]

TRUST_SECONDS = 86_400
"""So long a 304 is enough."""
_CODE = re.compile(r"[A-Z][A-Z_]{1,39}")
_HAS_CONTENT = (200, 206, 304, 416)


class DigestError(SourceError):
    """What came is not what was asked for, or not what it is said to be."""


class Registry:
    """See `place.Place`. Paths are `manifests/TAG` and `blobs/ALGORITHM:DIGITS`."""

    is_near = False

    def __init__(
        self,
        url: str,
        fetcher: Fetcher,
        most_bytes: int,
        login: Login | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`url` is `oci://HOST/NAME` or `oci+http://HOST/NAME`; `clock` gives Unix time."""
        self.base = web_address(url)
        """Where the repository is, without a slash at the end."""
        self.fetcher: Final[Fetcher] = _Spoken(authorized(fetcher, login))
        """Gets what is below `base`. Whatever is no answer of a registry's is a FetchError."""
        self._web = Web(self.base, self.fetcher, most_bytes)
        self._clock = clock

    def where(self, path: str) -> str:
        """See `Place`."""
        return shown(self._address(path))

    def small(
        self, path: str, before: Mapping[str, str] = NOTHING, *, most_bytes: int
    ) -> Small | Unchanged | Absent:
        """See `Place`. The validators are the `digest`, and when it was `read` (Unix time)."""
        now = int(self._clock())
        known = _trusted(before, now)
        headers = {"Accept-Encoding": "identity"}
        if path.startswith("manifests/"):
            headers["Accept"] = image.MEDIA_TYPE  # without, docker-registry answers 404
        if known is not None:
            headers["If-None-Match"] = f'"{known}"'
        answer = self.fetcher.fetch(Request(self._address(path), most_bytes, headers))
        if answer.status == 304 and known is not None:
            return UNCHANGED
        if answer.status == 404:
            return Absent(f"answered 404 ({_code(answer.body)})")
        if answer.status != 200:
            raise SourceError(f"answered {answer.status}")
        digest = _checked(path, answer)
        return Small(answer.body, {"digest": digest, "read": str(now)}, answer.headers)

    def large(
        self,
        path: str,
        spool: Spool,
        before: Mapping[str, str] = NOTHING,
        *,
        may_resume: bool = True,
    ) -> Arrived | Unchanged | Absent:
        """See `Place`."""
        return self._web.large(path, spool, before, may_resume=may_resume)

    def head(self, path: str) -> There | Absent:
        """See `Place`. Not by HEAD: a registry's own word is in the body of its answer."""
        return first_byte(self.fetcher, self._address(path))

    def _address(self, path: str) -> str:
        return f"{self.base}/{quote(path, safe='/:')}"


class _Spoken:
    """See `net.Fetcher`: lets through what a registry says of content that is there, or is not."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher

    def fetch(self, request: Request) -> Response:
        """See `net.Fetcher`."""
        answer = self._fetcher.fetch(request)
        if answer.status not in _HAS_CONTENT:
            _require_own_word(request.url, answer.status, answer.body, answer.is_elsewhere)
        return answer

    @contextmanager
    def stream(self, request: Request) -> Iterator[Download]:
        """See `net.Fetcher`."""
        with self._fetcher.stream(request) as download:
            if download.status not in _HAS_CONTENT:
                body = error_body(download)
                _require_own_word(request.url, download.status, body, download.is_elsewhere)
            yield download


def _require_own_word(url: str, status: int, body: bytes, is_elsewhere: bool) -> None:  # noqa: FBT001
    """Raise FetchError for what says nothing of whether the content is there."""
    code = _code(body)
    said = f"{host(url)}: answered {status}{f' ({code})' if code else ''}"
    if status == 404 and not code:
        raise FetchError(
            f"{said}, and not as a registry does: it cannot be told what is there",
            hint="check `url:`, which is oci://HOST/NAME, and whether the registry is in order",
        )
    if status in (401, 403) and is_elsewhere:
        raise FetchError(
            f"{said} where it redirects to, which is not told who asks",
            hint="if the registry itself is there, name it in `url:`; oci:// where it speaks TLS",
        )
    if status in (401, 403):
        raise FetchError(said, hint="check `credentials:`, and what they may read")
    if status != 404:
        raise FetchError(said)


class _Error(msgspec.Struct):
    code: str


class _Errors(msgspec.Struct):
    errors: list[_Error]


_errors = msgspec.json.Decoder(_Errors)


def _code(body: bytes) -> str:
    """The code of an error that a registry answers with; empty where it is none."""
    try:
        found = _errors.decode(body).errors
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    code = found[0].code if found else ""
    return code if _CODE.fullmatch(code) else ""


def _trusted(before: Mapping[str, str], now: int) -> str | None:
    """The digest to ask with; None where it is time to ask without."""
    read = before.get("read", "")
    is_recent = read.isascii() and read.isdigit() and 0 <= now - int(read) < TRUST_SECONDS
    return before.get("digest") if is_recent else None


def _checked(path: str, answer: Response) -> str:
    """The digest of an answer. Raises DigestError where it is not the one that is asked for, or said."""
    said = [answer.headers.get("docker-content-digest", "").strip()]
    if path.startswith("blobs/"):
        said.append(path.removeprefix("blobs/"))
    for digest in said:
        if image.matches(answer.body, digest) is False:
            raise DigestError(
                "has not the digest that its registry says",
                hint="it is read again; if it stays so, what the registry stores is damaged",
            )
    return image.digest(answer.body)
