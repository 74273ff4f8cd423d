"""A list of cache indexes by ref and stack, as https://binaries.spack.io/cache_spack_io_index.json is. Pure.

`{REF: [{"label": STACK, "url": URL}]}`, where the address is that of a blob (`s3://BUCKET/REF/STACK/blobs/sha256/xx/...`)
that a later run of the site removes: what stays is the mirror it lies in (BUILDCACHE, 4.1). Older lists name an
index by its place (`.../build_cache/index.json`), which leads to its mirror as well. Nobody vouches for a list:
what is in it is bounded, names nothing but web addresses, and none without TLS where the list came with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

from ...config import scalars
from ...errors import CacheIndexError
from ...net import shown
from ..remote import hostile

__all__ = ["MAX_BYTES", "MOST_MIRRORS", "Entries", "parse"]

MAX_BYTES = 16 << 20
"""Of a list; one with 900 mirrors has 150 kB."""
MOST_MIRRORS = 10_000
MOST_WARNINGS = 20
MOST_NAME_CHARACTERS = 200
MOST_ADDRESS_CHARACTERS = 2048
_INDEX = re.compile(
    r"(?P<mirror>.*[^/])/+(?:blobs/[a-z0-9]{1,16}/[0-9a-f]{2}/[0-9a-f]{8,128}/?"
    r"|build_cache/index\.json|v3/manifests/index/index\.manifest\.json)"
)
_BUCKET = re.compile(r"s3://[A-Za-z0-9._-]{1,255}/(?P<key>.+)")


class Entries(NamedTuple):
    """What a list names."""

    mirrors: dict[tuple[str, str], str]
    """Ref and stack -> the address of the mirror."""
    warnings: tuple[str, ...]
    """Of entries that are not used."""


def parse(data: bytes, *, address: str, bucket_url: str) -> Entries:
    """The mirrors of a list that came from `address`; `bucket_url` is what `s3://BUCKET` stands for.

    Raises CacheIndexError where this is no list, names nothing, or most of it is refused.
    """
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        raise CacheIndexError("it is no JSON, so no list of cache indexes") from None
    if not isinstance(said, dict):
        raise CacheIndexError("it is no list of cache indexes: not an object by refs")
    mirrors: dict[tuple[str, str], str] = {}
    refused: list[str] = []
    for ref, entry in _entries(said):
        try:
            stack, url = _mirror(ref, entry, address=address, bucket_url=bucket_url)
        except ValueError as error:
            refused.append(f"{_named(ref)}: not used: {error}")
            continue
        other = mirrors.setdefault((ref, stack), url)
        if other != url:
            refused.append(f"{ref} {stack}: named twice; {other} is used, {url} is not")
        if len(mirrors) > MOST_MIRRORS:
            raise CacheIndexError(f"it names more than {MOST_MIRRORS:,} mirrors")
    if not mirrors:
        raise CacheIndexError(refused[0] if refused else "it names no mirror at all")
    if len(refused) > len(mirrors):
        total = len(refused) + len(mirrors)
        raise CacheIndexError(
            f"{len(refused):,} of its {total:,} entries are refused; {refused[0]}"
        )
    more = len(refused) - MOST_WARNINGS
    told = (*refused[:MOST_WARNINGS], *([f"and {more:,} more"] if more > 0 else []))
    return Entries(mirrors, told)


def _entries(said: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every entry with its ref; what is no list of entries counts as one that is wrong."""
    for ref, entries in said.items():
        if isinstance(entries, list):
            for entry in entries:
                yield ref, entry
        else:
            yield ref, None


class _UnfitError(ValueError):
    """An entry that is not used."""


def _mirror(ref: str, entry: Any, *, address: str, bucket_url: str) -> tuple[str, str]:
    """The stack and the mirror of an entry. Raises ValueError with what is wrong with it."""
    label, url = (entry.get("label"), entry.get("url")) if isinstance(entry, dict) else (None, None)
    if not isinstance(label, str) or not isinstance(url, str):
        raise _UnfitError("no object with label and url")
    for name in (ref, label):
        if len(name) > MOST_NAME_CHARACTERS or not _is_word(name):
            raise _UnfitError("its name has white space, control characters, or is too long")
    if len(url) > MOST_ADDRESS_CHARACTERS:
        raise _UnfitError("its address is too long")
    index = _INDEX.fullmatch(url)
    if index is None:
        raise _UnfitError(f"{_place(url)} is no index of a mirror")
    found = scalars.base_url(_on_the_web(index["mirror"], address, bucket_url))
    if shown(found) != found:
        raise _UnfitError("its address holds more than a place")
    return label, found


def _on_the_web(mirror: str, address: str, bucket_url: str) -> str:
    """Where a mirror is that a list from `address` names. Raises ValueError."""
    bucket = _BUCKET.fullmatch(mirror)
    if bucket is not None:
        key = bucket["key"].strip("/")
        if hostile(key) is not None:
            raise _UnfitError(f"{_place(mirror)} is no place in a bucket")
        return f"{bucket_url}/{quote(key)}"
    is_plain = mirror.startswith("http://") and address.startswith("http://")
    if not mirror.startswith("https://") and not is_plain:
        raise _UnfitError(f"{_place(mirror)} is no address that a list from there may name")
    return mirror


def _is_word(text: str) -> bool:
    try:
        scalars.word(text)
    except ValueError:
        return False
    return True


def _place(text: str) -> str:
    """An address of a list, without what may be secret in it."""
    return _named(shown(text) if "://" in text else text.partition("?")[0].rpartition("@")[2])


def _named(text: str) -> str:
    """Something of a list, short and printable."""
    short = text if len(text) <= 100 else f"{text[:100]}..."
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in short)
