"""A mirror in a bucket (S3): its files by HTTP, each request signed where there is a key, and its listing.

Facts of a real server: NET, section 1. What is not there is told by a code of S3's; a 404 without one, of
a bucket that is not there, and every 400 say nothing of a file, and are failures. So is a file without
content: rclone answers so of one that was deleted while it remembers the directory. A 403 that may mean
that there is no such file, since it comes to who may not list the bucket, is an absence that is not certain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NamedTuple, TypeVar
from urllib.parse import quote, urlencode

from ...errors import SourceError
from ...net import Download, Fetcher, FetchError, Request, Response, Signer, host, shown
from ..base import Unchanged
from ..remote import hostile
from .bucketxml import fault, keys
from .heads import first_byte
from .place import NOTHING, Absent, Arrived, Small, There
from .spool import Spool
from .web import Web, error_body

__all__ = ["Bucket", "Listed", "web_address"]

DEFAULT_REGION = "us-east-1"
MOST_LIST_BYTES = 16 << 20
"""Of one page."""
MOST_LISTED = 2_000_000
"""Objects below one directory."""
MOST_EMPTY_PAGES = 100
"""One after the other."""
_UNRESERVED: Final = "/-_.~"
"""What a signature has as it is, besides letters and digits. Everything else is quoted, once."""
_HAS_CONTENT = (200, 206, 304, 416)
_KEY = "check `credentials:`, `region:`, and the clock of this machine"
_WHO = (
    "say `credentials:`, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; it was asked without a key"
)
_Found = TypeVar("_Found")


class Listed(NamedTuple):
    """A file of a mirror as its bucket lists it."""

    path: str
    """Relative to the mirror."""
    etag: str
    """Without quotes; it may be empty, and then tells nothing."""
    size: int
    """In bytes."""


class Bucket:
    """See `place.Place`."""

    is_near = False

    def __init__(
        self,
        url: str,
        fetcher: Fetcher,
        most_bytes: int,
        *,
        endpoint: str | None = None,
        region: str | None = None,
        sign: Signer | None = None,
    ) -> None:
        """`url` is `s3://BUCKET/PREFIX`. Without `sign` nobody is told who asks."""
        self.fetcher: Final[Fetcher] = _Spoken(fetcher, sign)
        """Gets what is in the bucket. Whatever says nothing of a file there is a FetchError."""
        self._url = url
        bucket, self._prefix = _parts(url)
        self._home = _home(bucket, endpoint, region)
        self._who = "without a key" if sign is None else "with this key"
        self._web = Web(
            web_address(url, endpoint, region), self.fetcher, most_bytes, unreserved=_UNRESERVED
        )

    def where(self, path: str) -> str:
        """See `Place`."""
        return f"{shown(self._url)}/{path}"

    def address(self, path: str) -> str:
        """Where a file is asked for."""
        return f"{self._home}/{quote(f'{self._prefix}{path}', safe=_UNRESERVED)}"

    def small(
        self, path: str, before: Mapping[str, str] = NOTHING, *, most_bytes: int
    ) -> Small | Unchanged | Absent:
        """See `Place`."""
        return self._told(self._web.small(path, before, most_bytes=most_bytes))

    def large(
        self,
        path: str,
        spool: Spool,
        before: Mapping[str, str] = NOTHING,
        *,
        may_resume: bool = True,
    ) -> Arrived | Unchanged | Absent:
        """See `Place`."""
        return self._told(self._web.large(path, spool, before, may_resume=may_resume))

    def head(self, path: str) -> There | Absent:
        """See `Place`. Not by HEAD: what a bucket says of an absence is in the body of its answer."""
        return self._told(first_byte(self.fetcher, self.address(path)))

    def listed(self, directory: str) -> tuple[Listed, ...]:
        """Every file below a directory, in the order of the server.

        Keys that are no paths of files (`a//b`, `a/`) are left out. Raises SourceError where the listing
        cannot be had as a whole.
        """
        under = f"{self._prefix}{directory.strip('/')}/"
        found: list[Listed] = []
        token: str | None = None
        seen: set[str] = set()
        empty = 0
        while True:
            page = keys(self._page(under, token))
            for one in page.found:
                if not one.key.startswith(under):
                    raise SourceError(
                        "answered with a listing of something else than was asked for"
                    )
                path = one.key.removeprefix(self._prefix)
                if hostile(path) is None:
                    found.append(Listed(path, one.etag, one.size))
            if page.next_token is None:
                return tuple(found)
            token, empty = page.next_token, 0 if page.found else empty + 1
            if token in seen or empty > MOST_EMPTY_PAGES:
                raise SourceError("answered with a listing that never ends")
            if len(found) > MOST_LISTED:
                raise SourceError(f"has more than {MOST_LISTED:,} objects in {directory}")
            seen.add(token)

    def _page(self, under: str, token: str | None) -> bytes:
        asked = {"encoding-type": "url", "list-type": "2", "prefix": under}
        if token is not None:
            asked["continuation-token"] = token
        query = urlencode(sorted(asked.items()), quote_via=quote, safe="-_.~")
        answer = self.fetcher.fetch(
            Request(f"{self._home}/?{query}", MOST_LIST_BYTES, {"Accept-Encoding": "identity"})
        )
        if answer.status != 200:
            raise SourceError(
                f"the listing of the bucket was answered {answer.status}",
                hint="it takes the right to list it (s3:ListBucket)",
            )
        return answer.body

    def _told(self, found: _Found) -> _Found | Absent:
        """What was found; with the reason for what is perhaps absent."""
        if isinstance(found, Absent) and not found.is_certain:
            reason = f"{found.reason} (AccessDenied: not there, or not to be read {self._who})"
            return found._replace(reason=reason)
        return found


class _Spoken:
    """See `net.Fetcher`: asks as somebody, and lets through what says whether a file is there."""

    def __init__(self, fetcher: Fetcher, sign: Signer | None) -> None:
        self._fetcher = fetcher
        self._sign = sign

    def fetch(self, request: Request) -> Response:
        """See `net.Fetcher`."""
        answer = self._fetcher.fetch(request._replace(sign=self._sign))
        if answer.status == 200 and not answer.body:
            raise _empty(request.url)
        if answer.status not in _HAS_CONTENT:
            self._require_of_file(request.url, answer.status, answer.body)
        return answer

    @contextmanager
    def stream(self, request: Request) -> Iterator[Download]:
        """See `net.Fetcher`."""
        with self._fetcher.stream(request._replace(sign=self._sign)) as download:
            if download.status == 200 and download.headers.get("content-length") == "0":
                raise _empty(request.url)
            if download.status not in _HAS_CONTENT:
                self._require_of_file(request.url, download.status, error_body(download))
            yield download

    def _require_of_file(self, url: str, status: int, body: bytes) -> None:
        """Raise FetchError for an answer that says nothing of the file that was asked for."""
        code, region = fault(body)
        if (status, code) in ((404, "NoSuchKey"), (403, "AccessDenied")):
            return
        said = f"{host(url)}: answered {status}{f' ({code})' if code else ''}"
        if code == "NoSuchBucket":
            raise FetchError(
                said, hint="check `url:`, which is s3://BUCKET/PREFIX, and `endpoint:`"
            )
        if region:
            raise FetchError(said, hint=f"the bucket is elsewhere: `region: {region}`")
        if status in (400, 401, 403):
            raise FetchError(said, hint=_WHO if self._sign is None else _KEY)
        if status in (404, 410):
            raise FetchError(
                f"{said}, and not as a bucket does: it cannot be told what is there",
                hint="check `endpoint:`, and whether the server is in order",
            )
        raise FetchError(said)


def web_address(url: str, endpoint: str | None, region: str | None) -> str:
    """Where the mirror `s3://BUCKET/PREFIX` is asked for, without a slash at the end."""
    bucket, prefix = _parts(url)
    return f"{_home(bucket, endpoint, region)}/{quote(prefix, safe=_UNRESERVED)}".rstrip("/")


def _parts(url: str) -> tuple[str, str]:
    """The bucket, and what every key in it begins with: nothing, or text with a slash at its end."""
    bucket, _, prefix = url.partition("://")[2].partition("/")
    return bucket, f"{prefix}/" if prefix else ""


def _home(bucket: str, endpoint: str | None, region: str | None) -> str:
    """The address of a bucket, without a slash at the end.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html: certificates are for names
    without a dot, and a name without a region leads to where the bucket is.
    """
    if endpoint is not None:
        return f"{endpoint}/{bucket}"
    domain = "amazonaws.com.cn" if (region or "").startswith("cn-") else "amazonaws.com"
    server = f"s3.{domain}" if region is None else f"s3.{region}.{domain}"
    is_name = "." not in bucket and "_" not in bucket and bucket.islower()
    return f"https://{bucket}.{server}" if is_name else f"https://{server}/{bucket}"


def _empty(url: str) -> FetchError:
    return FetchError(
        f"{host(url)}: answered with nothing",
        hint="rclone does for what was deleted while it remembers the directory; it is read again",
    )
