"""The text of a clear-signed OpenPGP message (RFC 9580, 7). Pure; no signature is verified.

gpg 2.2.40 cuts lines of 19,994 characters or more to 19,993, and calls the signature of what is left good
(seen by running it). So a text with a line of that length may not be what was signed, and is refused.
"""

from __future__ import annotations

from ..errors import CacheIndexError
from .places import shown

__all__ = ["CUT_AT", "is_signed", "text"]

CUT_AT = 19_993
"""Characters of a line that gpg has cut."""

_BEGIN = b"-----BEGIN PGP SIGNED MESSAGE-----"
_SIGNATURE = b"-----BEGIN PGP SIGNATURE-----"
_END = b"-----END PGP SIGNATURE-----"


def is_signed(data: bytes) -> bool:
    """Whether this begins as a clear-signed message does."""
    return data.lstrip().startswith(_BEGIN)


def text(data: bytes) -> bytes:
    """What is signed, its dash-escapes undone. Raises CacheIndexError for what is no such message."""
    lines = [line.rstrip() for line in data.lstrip().split(b"\n")]
    if lines[0] != _BEGIN or b"" not in lines:
        raise CacheIndexError("the signed message has no text")
    headers = lines.index(b"")
    for header in lines[1:headers]:
        if not header.startswith(b"Hash: "):
            said = shown(header.decode(errors="replace"))
            raise CacheIndexError(f"the signed message has a header that is not understood: {said}")
    if _SIGNATURE not in lines[headers:] or _END not in lines[headers:]:
        raise CacheIndexError("the signed message ends before its signature does")
    body = [_plain(line) for line in lines[headers + 1 : lines.index(_SIGNATURE, headers)]]
    if any(len(line) >= CUT_AT for line in body):
        raise CacheIndexError(
            f"the signed message has a line of {CUT_AT:,} characters or more, which gpg cuts: what is"
            " left is not what was signed"
        )
    return b"\n".join(body)


def _plain(line: bytes) -> bytes:
    if line.startswith(b"- "):
        return line[2:]
    if line.startswith(b"-"):
        said = shown(line[:32].decode(errors="replace"))
        raise CacheIndexError(f"the signed message has a line that is not escaped: {said}")
    return line
