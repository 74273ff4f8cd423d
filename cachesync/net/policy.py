"""What to do with an answer: wait, go elsewhere, or take it. Pure: time and chance are passed in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from .request import FetchError, host

__all__ = [
    "ATTEMPTS",
    "MAX_REDIRECTS",
    "REDIRECTS",
    "Wait",
    "backoff_seconds",
    "demanded_wait",
    "instant",
    "is_sendable",
    "origin",
    "redirected",
    "wait_before_retry",
]

ATTEMPTS = 4
MAX_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
FIRST_BACKOFF_SECONDS = 0.5
MOST_BACKOFF_SECONDS = 8.0
MOST_WAIT_SECONDS = 86_400.0
"""No server can silence a source for longer than a day."""

_PASSING = frozenset({408, 500, 502, 504})
_LIMITING = frozenset({429, 503})
_PORTS = {"http": 80, "https": 443}
_SENDABLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


class Wait(NamedTuple):
    """An answer that is not to be taken but asked for again."""

    seconds: float | None
    """What the server demands; None: back off."""


def backoff_seconds(attempt: int, chance: float) -> float:
    """How long to wait after the failed `attempt` (from 0): full jitter, `chance` in [0, 1).

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    return chance * min(MOST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2.0 ** min(attempt, 30))


def wait_before_retry(status: int, headers: Mapping[str, str], now: float) -> Wait | None:
    """Whether, and after how long, to ask again; None when the answer is final.

    A 403 is final unless it says when to come back: only rate limits do that. `now` is Unix time.
    """
    if status in _PASSING:
        return Wait(None)
    if status == 403 or status in _LIMITING:
        seconds = demanded_wait(headers, now)
        if seconds is not None or status in _LIMITING:
            return Wait(seconds)
    return None


def demanded_wait(headers: Mapping[str, str], now: float) -> float | None:
    """The seconds that `Retry-After`, or an exhausted `X-RateLimit`, asks to wait; never negative."""
    seconds = _retry_after(headers.get("retry-after", ""), now)
    if seconds is None and headers.get("x-ratelimit-remaining", "").strip() == "0":
        reset = _number(headers.get("x-ratelimit-reset", ""))
        seconds = None if reset is None else reset - now
    return None if seconds is None else min(max(seconds, 0.0), MOST_WAIT_SECONDS)


def _retry_after(text: str, now: float) -> float | None:
    number = _number(text)
    if number is not None or not text:
        return number
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # not a date either: as if it had not been said
        return None
    if date.tzinfo is None:  # "-0000": UTC without saying where
        date = date.replace(tzinfo=UTC)
    return date.timestamp() - now


def _number(text: str) -> float | None:
    """A whole number; infinite where it is too large for one."""
    text = text.strip()
    return float(text) if text.isascii() and text.isdigit() else None


def instant(seconds: float) -> str:
    """Unix time as people read it."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=round(seconds))
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: what a credential belongs to. Raises FetchError for no http address."""
    try:
        parts = urlsplit(url)
        name, port = parts.hostname, parts.port
    except ValueError:
        raise FetchError("an invalid address") from None
    if parts.scheme not in _PORTS or not name:
        raise FetchError(f"an address that is neither http nor https ({parts.scheme or 'none'})")
    return parts.scheme, name, port or _PORTS[parts.scheme]


def redirected(url: str, location: str | None) -> str:
    """Where a redirect from `url` leads. Raises FetchError for where nobody may be sent."""
    if not location:
        raise FetchError(
            f"{host(url)}: a redirect to nowhere",
            hint="of a bucket it means that it is in another region: say which, `region:`",
        )
    try:
        target = urljoin(url, location).partition("#")[0]
    except ValueError:
        raise FetchError(f"{host(url)}: a redirect to an invalid address") from None
    try:
        scheme, _, _ = origin(target)
    except FetchError as error:
        raise FetchError(f"{host(url)}: a redirect to {error.message}") from None
    if "@" in urlsplit(target).netloc:
        raise FetchError(f"{host(url)}: a redirect to an address with a user or password")
    if scheme == "http" and origin(url)[0] == "https":
        raise FetchError(f"{host(url)}: a redirect from https to http")
    return target


def is_sendable(value: str) -> bool:
    """Whether `value` can stand in a header: printable ASCII without blanks around it."""
    return _SENDABLE.fullmatch(value) is not None
