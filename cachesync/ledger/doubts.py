"""How much there is to doubt of the record that told of a spec, stored with its checksum. Pure.

A checksum has eight bytes; behind it stands a byte for each degree of doubt (`model.Doubt`). So a record
that is wrong is known by no checksum: it is read again, and warned of, wherever it is met.
"""

from __future__ import annotations

from ..model import Doubt

__all__ = ["AS_KNOWN", "bare", "doubt_of", "marked"]

_BYTES = 8
AS_KNOWN = f"CASE length(checksum) WHEN {_BYTES + Doubt.UNCHECKED} THEN substr(checksum, 1, {_BYTES}) ELSE checksum END"
"""In SQL: the checksum of a record that need not be read again; of a wrong one what is nobody's."""


def marked(checksum: bytes, doubt: Doubt) -> bytes:
    """A checksum with the doubt there is, as `spec.checksum` has it."""
    return checksum + bytes(doubt) if doubt else checksum


def doubt_of(stored: bytes) -> Doubt:
    """The doubt that a stored checksum has with it."""
    return Doubt(len(stored) - _BYTES) if len(stored) > _BYTES else Doubt.NONE


def bare(stored: bytes) -> bytes:
    """The checksum without it."""
    return stored[:_BYTES]
