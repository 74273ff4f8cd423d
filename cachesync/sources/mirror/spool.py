"""A file on its way in: written to an unlinked temporary file, counted and hashed, and mapped at the end.

A mapped file of the mirror itself would end the process when somebody truncates it; this one is nobody
else's. It lies in $TMPDIR, else in /var/tmp, which is a disk where /tmp may be memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import tempfile
from collections.abc import Iterator
from typing import Self

from ...buildcache.unpacking import unpacked
from ...errors import CacheIndexError, SourceError
from ...net.inflate import GZIP_MAGIC

__all__ = ["Spool", "is_packed", "unpack"]

_PIECE = 1 << 20
_LARGE = "/var/tmp"  # noqa: S108 - the files have no name there


class Spool:
    """At most `most_bytes`; to be closed. Raises SourceError for more, and where there is no room."""

    def __init__(self, most_bytes: int, algorithm: str = "sha256") -> None:
        self._most = most_bytes
        self._algorithm = algorithm
        self._hash = hashlib.new(algorithm)
        self.size = 0
        with _room():
            self._file = tempfile.TemporaryFile(  # noqa: SIM115 - closed by `close`
                dir=_directory(), prefix="cachesync-", buffering=0
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the room back."""
        self._file.close()

    def write(self, piece: bytes) -> None:
        """Add a piece."""
        self.size += len(piece)
        if self.size > self._most:
            raise SourceError(f"larger than the limit of {self._most:,} bytes (`limits: download`)")
        self._hash.update(piece)
        left = memoryview(piece)
        with _room():
            while left:
                left = left[self._file.write(left) :]

    def clear(self) -> None:
        """Begin again."""
        self.size = 0
        self._hash = hashlib.new(self._algorithm)
        with _room():
            self._file.seek(0)
            self._file.truncate()

    @property
    def checksum(self) -> str:
        """Of what was written, in hexadecimal digits."""
        return self._hash.hexdigest()

    def begins(self) -> bytes:
        """The first bytes."""
        return os.pread(self._file.fileno(), 64, 0)

    def pieces(self) -> Iterator[bytes]:
        """What was written."""
        at = 0
        while piece := os.pread(self._file.fileno(), _PIECE, at):
            yield piece
            at += len(piece)

    def mapped(self) -> mmap.mmap:
        """What was written, mapped; it stays when this is closed. Raises CacheIndexError for nothing."""
        if not self.size:
            raise CacheIndexError("the index is empty")
        return mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)


def is_packed(spool: Spool) -> bool:
    """Whether this is gzip; no index begins so."""
    return spool.begins().startswith(GZIP_MAGIC)


def unpack(packed: Spool, most_bytes: int) -> Spool:
    """The document inside. Raises CacheIndexError where it is damaged or more than `most_bytes`."""
    whole = Spool(most_bytes)
    try:
        for piece in unpacked(packed.pieces(), most_bytes=most_bytes):
            whole.write(piece)
    except BaseException:
        whole.close()
        raise
    return whole


def _directory() -> str | None:
    """Where temporary files go; None for the system's own choice."""
    if os.environ.get("TMPDIR") or not os.access(_LARGE, os.W_OK | os.X_OK, effective_ids=True):
        return None
    return _LARGE


@contextlib.contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = _directory() or tempfile.gettempdir()
        reason = (error.strerror or str(error)).lower()
        raise SourceError(
            f"no temporary file could be written in {where}: {reason}",
            hint="free some space there, or set TMPDIR",
        ) from error
