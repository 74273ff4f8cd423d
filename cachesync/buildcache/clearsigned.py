"""The text inside a clear-signed OpenPGP message (RFC 9580, 7). Pure; nothing is verified."""

from __future__ import annotations

from ..errors import CacheIndexError

__all__ = ["is_signed", "opened"]

_BEGIN = b"-----BEGIN PGP SIGNED MESSAGE-----"
_SIGNATURE = b"-----BEGIN PGP SIGNATURE-----"
_END = b"-----END PGP SIGNATURE-----"
_ESCAPED = b"- "
MOST_LINE = 19_994
"""gpg 2.2 cuts lines of so many characters or more, and calls the signature good."""


def is_signed(data: bytes) -> bool:
    """Whether a document begins as a clear-signed message does."""
    return data.lstrip().startswith(_BEGIN)


def opened(data: bytes) -> bytes:
    """The text that is signed, without what escapes its dashes.

    Raises CacheIndexError where there is no signature block, or where lines may have been cut.
    """
    lines = data.lstrip().splitlines()
    if not lines or lines[0].rstrip() != _BEGIN:
        raise CacheIndexError("the document is no signed message")
    bare = [line.rstrip() for line in lines]
    if b"" not in bare or _SIGNATURE not in bare or _END not in bare[bare.index(_SIGNATURE) :]:
        raise CacheIndexError("the signed message has no whole signature block")
    text = lines[bare.index(b"") + 1 : bare.index(_SIGNATURE)]
    text = [line.removeprefix(_ESCAPED) for line in text]
    if any(len(line) >= MOST_LINE for line in text):
        raise CacheIndexError("the signed message has lines that gpg cuts")
    return b"\n".join(text)
