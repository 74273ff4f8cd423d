"""What a page says of tarballs: where one lies, and how large it is (FORMATS, section 1). Pure.

Pages of 2023 and 2024 have the address; the size has always been `-`. Neither is part of what a page means,
so the ledger does not keep it: who wants to know reads the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from ..errors import PageError

__all__ = ["Tarball", "told"]

MOST_CHARACTERS = 4096
"""Of an address; real ones have some 250."""
_URL = re.compile(r"(?:file|https?|oci(?:\+http)?|s3)://\S+")
_GENERATED = re.compile(rb"^spec_details: (\[.*\])$", re.MULTILINE)
"""The line of the site's generator."""


class Tarball(NamedTuple):
    """What a page says of the tarball of a spec."""

    url: str | None
    size: int | None
    """In bytes."""


class _Row(msgspec.Struct, gc=False):
    hash: str
    tarball: Any = None
    size: Any = None


_decode = msgspec.json.Decoder(list[_Row]).decode


def told(data: bytes) -> dict[str, Tarball]:
    """Hash -> tarball, of the specs of which a page says something. Raises PageError for what is no page."""
    found = {}
    for row in _rows(data):
        one = Tarball(_url(row.tarball), _size(row.size))
        if one != (None, None):
            found[row.hash] = one
    return found


def _rows(data: bytes) -> Iterable[_Row]:
    line = _GENERATED.search(data, 0, max(0, data.find(b"\n---", 3) + 1))
    if line is not None:
        try:
            return _decode(line[1])
        except (msgspec.MsgspecError, RecursionError):
            pass  # it may be YAML that is no JSON
    from . import frontmatter

    try:
        rows = frontmatter.load(frontmatter.split(data.decode())).get("spec_details")
        return msgspec.convert(rows, list[_Row])
    except (UnicodeDecodeError, msgspec.MsgspecError, RecursionError) as error:
        raise PageError(f"it has no list of specs: {error}") from None


def _url(said: Any) -> str | None:
    if not isinstance(said, str) or len(said) > MOST_CHARACTERS or not said.isprintable():
        return None
    return said if _URL.fullmatch(said) else None


def _size(said: Any) -> int | None:
    if isinstance(said, str) and said.isascii() and said.isdigit() and len(said) < 19:
        said = int(said)
    is_number = isinstance(said, int) and not isinstance(said, bool)
    return said if is_number and 0 < said < 1 << 60 else None
