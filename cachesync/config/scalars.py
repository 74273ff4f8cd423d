"""The single values of a configuration: text to durations, sizes, addresses and the like. Pure.

Every function returns the value or raises ValueError with what was expected. A message never
holds the text itself: what stands in the wrong place may be a secret.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from ..model import First

__all__ = [
    "absolute_path",
    "base_url",
    "credential_name",
    "cron",
    "duration",
    "environment_name",
    "first",
    "glob",
    "inner_path",
    "is_template",
    "listen",
    "mirror",
    "name",
    "page_name",
    "positive_duration",
    "program_word",
    "proxy_url",
    "proxy_user",
    "repository",
    "schedule_interval",
    "size",
    "url",
    "url_template",
    "word",
]

_FIRST = {"hash": First.HASH, "build": First.BUILD}
_FIRST |= dict.fromkeys(("true", "yes", "on"), First.HASH)
_FIRST |= dict.fromkeys(("false", "no", "off"), First.EVERY)
_DURATION = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)")
_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
MAX_DURATION_SECONDS = 3650 * 86400
"""Ten years. Longer ones overflow what threads and sockets can wait."""

_SIZE = re.compile(r"([0-9]{1,16})(B|KiB|MiB|GiB|TiB|)")
_BYTES = {"": 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
MAX_SIZE_BYTES = 2**50

MIRROR_SCHEMES = ("https", "http", "file", "s3", "gs", "oci", "oci+http")
"""What Spack reads build caches through."""

_REPOSITORY = re.compile(r"[A-Za-z0-9_-]+/[A-Za-z0-9._-]+")
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LISTEN = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}|[{}]")
_GLOB_CHARACTER = re.compile(r"[*?\[\]!/]")


def first(text: str) -> First:
    """What is told of once: `hash`, which `true` is too, `build`, or nothing (`false`)."""
    found = _FIRST.get(text.lower())
    if found is None:
        raise ValueError("expected hash, build or false")
    return found


def duration(text: str) -> float:
    """Seconds of `300ms`, `90s`, `15m`, `6h` or `7d`; one number, one unit."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError("expected a duration such as 300ms, 90s, 15m, 6h or 7d")
    seconds = int(match[1]) * _MILLISECONDS[match[2]] / 1000
    if seconds > MAX_DURATION_SECONDS:
        raise ValueError("a duration is at most 3650d")
    return seconds


def positive_duration(text: str) -> float:
    """A duration that is not zero, in seconds."""
    seconds = duration(text)
    if seconds <= 0:
        raise ValueError("expected a duration above zero")
    return seconds


def schedule_interval(text: str) -> int:
    """The whole seconds, at least one, between two passes."""
    seconds = duration(text)
    if seconds < 1 or seconds != int(seconds):
        raise ValueError("expected whole seconds, at least 1s")
    return int(seconds)


LEAST_MESSAGE_BYTES = 5_000
"""The longest name and query of a subscription, and a shortened change, fit into so much."""


def size(text: str) -> int:
    """Bytes of `32MiB`, `2GiB`, `512KiB` or a plain number; above zero."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError("expected a size such as 32MiB, 2GiB or a number of bytes")
    count = int(match[1]) * _BYTES[match[2]]
    if not 0 < count <= MAX_SIZE_BYTES:
        raise ValueError("a size is above zero and at most 1024TiB")
    return count


def word(text: str) -> str:
    """Text that people can read and tell apart: printable, not empty, without white space."""
    if not text:
        raise ValueError("is empty")
    if not text.isprintable() or " " in text:
        raise ValueError("may not hold white space or control characters")
    return text


def name(text: str) -> str:
    """The name of a source; one that begins with `/` is a directory of `sync --pages`."""
    if word(text).startswith("/"):
        raise ValueError("may not begin with / (reserved for `cachesync sync --pages`)")
    return text


def subscription_name(text: str) -> str:
    """The name of a subscription, which stands in every message."""
    if len(word(text)) > 64:
        raise ValueError("has at most 64 characters")
    return text


def message_size(text: str) -> int:
    """A bound on the bytes of a message, as `size`."""
    bound = size(text)
    if bound < LEAST_MESSAGE_BYTES:
        raise ValueError(f"expected a size of at least {LEAST_MESSAGE_BYTES:,} bytes")
    return bound


def glob(text: str) -> str:
    """A glob over names; `!` before it excludes."""
    if not word(text).removeprefix("!"):
        raise ValueError("expected a glob after !")
    return text


def page_name(text: str) -> str:
    """A tag or package by its plain name, as a template of addresses needs it."""
    if _GLOB_CHARACTER.search(word(text)):
        raise ValueError(
            "a url template takes plain names; globs are for sources that can be listed"
        )
    return text


def program_word(text: str) -> str:
    """A word of a command line; it may be empty."""
    if "\0" in text:
        raise ValueError("may not hold the character NUL")
    return text


def absolute_path(text: str) -> str:
    """The path of a file or directory, from the root."""
    if not text.startswith("/") or not text.isprintable():
        raise ValueError("expected an absolute path, one that begins with /")
    return text


def inner_path(text: str) -> str:
    """A directory inside a repository, without slashes around it; empty for `.`, its root."""
    parts = text.removesuffix("/").split("/")
    if not text.isprintable() or ".." in parts or "" in parts:
        raise ValueError("expected a path inside the repository, such as _cache, or . for its root")
    return "/".join(part for part in parts if part != ".")


def repository(text: str) -> str:
    """A repository as `owner/name`."""
    if not _REPOSITORY.fullmatch(text) or text.split("/")[1].strip(".") == "":
        raise ValueError("expected a repository as owner/name")
    return text


def environment_name(text: str) -> str:
    """The name of an environment variable."""
    if not _ENVIRONMENT_NAME.fullmatch(text):
        raise ValueError("expected the name of an environment variable")
    return text


def credential_name(text: str) -> str:
    """The name of a systemd credential, which is the name of a file."""
    if "/" in word(text) or text in (".", ".."):
        raise ValueError("expected the name of a systemd credential, without a slash")
    return text


# -- addresses


def _split_url(text: str) -> SplitResult:
    expected = ValueError("expected an address that begins with http:// or https://")
    if not text.isprintable() or " " in text:
        raise expected
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:  # what it says holds the address, and an address may hold a password
        raise expected from None
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise expected
    if "@" in parts.netloc:
        raise ValueError("an address may not hold a user or password")
    if "#" in text:
        raise ValueError("an address may not have a fragment (#)")
    return parts


def url(text: str) -> str:
    """An http or https address."""
    _split_url(text)
    return text


def base_url(text: str) -> str:
    """An http or https address that paths are appended to; without its slash at the end."""
    if "?" in text:
        raise ValueError("an address that paths are appended to may not have a query (?)")
    _split_url(text)
    return text.rstrip("/")


def proxy_url(text: str) -> str:
    """The address of a proxy, without user and password; it has no path, and perhaps a port."""
    parts = _split_url(text)
    if parts.path not in ("", "/") or "?" in text:
        raise ValueError("expected the address of a proxy, such as http://proxy.example.org:3128")
    return text.rstrip("/")


def proxy_user(text: str) -> str:
    """The user of a proxy (RFC 7617: without a colon)."""
    if not text or not text.isprintable() or ":" in text:
        raise ValueError("expected a user, without a colon or control characters")
    return text


def url_template(text: str) -> str:
    """The address of a page, or a template with both `{tag}` and `{package}`."""
    found = [match[1] for match in _PLACEHOLDER.finditer(text)]
    if not set(found) <= {"tag", "package"}:
        raise ValueError("only {tag} and {package} can stand in braces")
    if found and set(found) != {"tag", "package"}:
        raise ValueError("a template needs both {tag} and {package}")
    return url(text)


def mirror(text: str) -> str:
    """The address that `spack mirror add` takes for a cache; `{tag}` in it stands for the tag."""
    found = [match[0] for match in _PLACEHOLDER.finditer(text)]
    if not set(found) <= {"{tag}"}:
        raise ValueError("only {tag} can stand in braces")
    scheme, _, rest = text.partition("://")
    if scheme not in MIRROR_SCHEMES or not rest or not text.isprintable() or " " in text:
        raise ValueError("expected an address that begins with " + ", ".join(
            f"{name}://" for name in MIRROR_SCHEMES
        ))  # fmt: skip
    if "@" in rest.partition("/")[0]:
        raise ValueError("an address may not hold a user or password")
    return text


def is_template(text: str) -> bool:
    """Whether a valid `url_template` has placeholders."""
    return "{" in text


def listen(text: str) -> tuple[str, int]:
    """Host and port of `127.0.0.1:9517`, `localhost:9517` or `[::1]:9517`; port 0 is any free one."""
    match = _LISTEN.fullmatch(text)
    if match is None or int(match[3]) > 65535:
        raise ValueError("expected host:port, such as 127.0.0.1:9517 or [::1]:9517")
    if match[1] is not None:
        from ipaddress import AddressValueError, IPv6Address

        try:
            IPv6Address(match[1])
        except AddressValueError:
            raise ValueError("expected an IPv6 address in the brackets") from None
    return match[1] or match[2], int(match[3])


# -- cron

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_CRON_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {month: number for number, month in enumerate(_MONTHS, 1)}),
    ("day of the week", 0, 7, {day: number for number, day in enumerate(_DAYS)}),
)
_CRON_ITEM = re.compile(r"(?:\*|(\w+)(?:-(\w+))?)(?:/([0-9]{1,3}))?", re.ASCII)


def cron(text: str) -> str:
    """A schedule in the five fields of crontab(5), separated by single spaces; Sunday is 0 or 7."""
    fields = text.split()
    if len(fields) != len(_CRON_FIELDS):
        raise ValueError(
            'expected five fields: minute, hour, day, month, day of the week, such as "5 4 * * *"'
        )
    for field, (what, low, high, names) in zip(fields, _CRON_FIELDS, strict=True):
        if not all(_cron_item(item, low, high, names) for item in field.lower().split(",")):
            raise ValueError(
                f"the {what} is not understood: expected *, */5 or numbers from {low} to {high},"
                " such as 1,15 or 1-5"
            )
    return " ".join(fields)


def _cron_item(item: str, low: int, high: int, names: dict[str, int]) -> bool:
    match = _CRON_ITEM.fullmatch(item)
    if match is None:
        return False
    first, last, step = match.groups()
    if step is not None and (not 0 < int(step) <= high or (first is not None and last is None)):
        return False
    ends = [_cron_number(end, names) for end in (first, last) if end is not None]
    return all(low <= end <= high for end in ends) and ends == sorted(ends)


def _cron_number(text: str, names: dict[str, int]) -> int:
    if text.isdigit() and len(text) <= 2:
        return int(text)
    return names.get(text, -1)
