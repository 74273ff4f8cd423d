"""A file on its way in: written to an unlinked temporary file, counted and hashed, and mapped at the end.

It is hashed by a thread beside the writing, which Python lets run: with two processors it costs nothing.

A mapped file of the mirror itself would end the process when somebody truncates it; this one is nobody
else's. It lies in $TMPDIR, else in /var/tmp, which is a disk where /tmp may be memory.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import mmap
import os
import tempfile
import threading
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Self

from ...buildcache.unpacking import unpacked
from ...errors import CacheIndexError, SourceError
from ...net.inflate import GZIP_MAGIC

__all__ = ["Spool", "unpack"]

_PIECE = 1 << 20
_COPIED = 8 << 20
_FIRST = 64
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_LARGE = "/var/tmp"  # noqa: S108 - the files have no name there


class Spool:
    """At most `most_bytes`; to be closed.

    Raises SourceError for more, where there is no room, and where what was written cannot be read.
    """

    def __init__(self, most_bytes: int, algorithm: str = "sha256") -> None:
        self._most = most_bytes
        self._algorithm = algorithm
        self.size = 0
        with _room():
            self._file = tempfile.TemporaryFile(  # noqa: SIM115 - closed by `close`
                dir=_directory(), prefix="cachesync-", buffering=0
            )
        self._hash = _Hash(algorithm, self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the room back."""
        self._hash.stop()
        self._file.close()

    def write(self, piece: bytes) -> None:
        """Add a piece."""
        self._check(self.size + len(piece))
        left = memoryview(piece)
        with _room():
            while left:
                left = left[self._file.write(left) :]
        self._grow(len(piece))

    def copy(self, descriptor: int) -> None:
        """Add what is left of an open file; raises what reading it raises."""
        while copied := self._by_kernel(descriptor):
            self._grow(copied)
            self._check(self.size)
        while piece := os.read(descriptor, _PIECE):
            self.write(piece)

    def _by_kernel(self, descriptor: int) -> int:
        """Bytes that the kernel has copied; none at the end, and where it does not between these two."""
        try:
            return os.copy_file_range(descriptor, self._file.fileno(), _COPIED)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                return 0
            with _room():
                raise

    def _check(self, size: int) -> None:
        if size > self._most:
            raise SourceError(f"larger than the limit of {self._most:,} bytes (`limits: download`)")

    def _grow(self, count: int) -> None:
        self.size += count
        self._hash.grown(self.size)

    def clear(self) -> None:
        """Begin again."""
        self._hash.stop()
        self.size = 0
        with _room():
            self._file.seek(0)
            self._file.truncate()
        self._hash = _Hash(self._algorithm, self._file.fileno())

    @property
    def checksum(self) -> str:
        """Of what was written, in hexadecimal digits."""
        return self._hash.of(self.size)

    def begins(self) -> bytes:
        """The first bytes behind blanks."""
        at = 0
        while at < self.size:
            piece = self._part(at, _PIECE if at else _FIRST)
            if found := piece.lstrip():
                return self._part(at + len(piece) - len(found), _FIRST)
            at += len(piece)
        return b""

    def is_packed(self) -> bool:
        """Whether this is gzip; no index begins so."""
        return self.size > 0 and self._part(0, _FIRST).startswith(GZIP_MAGIC)

    def pieces(self) -> Iterator[bytes]:
        """What was written."""
        at = 0
        while at < self.size:
            yield (piece := self._part(at, _PIECE))
            at += len(piece)

    def _part(self, at: int, count: int) -> bytes:
        return _read(self._file.fileno(), at, min(count, self.size - at))

    def mapped(self) -> mmap.mmap:
        """What was written, mapped; it stays when this is closed. Raises CacheIndexError for nothing."""
        if not self.size:
            raise CacheIndexError("the index is empty")
        with _kept():
            return mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)


class _Hash:
    """The checksum of a file that grows, made by a thread once there is much of it."""

    def __init__(self, algorithm: str, descriptor: int) -> None:
        self._hash = hashlib.new(algorithm)
        self._descriptor = descriptor
        self._at = 0
        self._sizes: SimpleQueue[int | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def grown(self, size: int) -> None:
        """Say that the file has so many bytes now."""
        if self._thread is None:
            if size < self._at + _PIECE:
                return
            self._thread = threading.Thread(target=self._follow, daemon=True, name="checksum")
            self._thread.start()
        self._sizes.put(size)

    def of(self, size: int) -> str:
        """The checksum of so many bytes, which is all there is."""
        self.stop()
        self._read(size)  # also where the thread failed: that is raised here
        return self._hash.hexdigest()

    def stop(self) -> None:
        """End the thread, when it has done what it was told of."""
        if self._thread is not None:
            self._sizes.put(None)
            self._thread.join()
            self._thread = None

    def _follow(self) -> None:
        with contextlib.suppress(SourceError):
            while (size := self._sizes.get()) is not None:
                self._read(size)

    def _read(self, size: int) -> None:
        while self._at < size:
            piece = _read(self._descriptor, self._at, min(_PIECE, size - self._at))
            self._hash.update(piece)
            self._at += len(piece)


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


def _read(descriptor: int, at: int, count: int) -> bytes:
    """A part of a file, which is there."""
    with _kept():
        if piece := os.pread(descriptor, count, at):
            return piece
        raise OSError(errno.EIO, os.strerror(errno.EIO))


@contextlib.contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = _directory() or tempfile.gettempdir()
        raise SourceError(
            f"no temporary file could be written in {where}: {_reason(error)}",
            hint="free some space there, or set TMPDIR",
        ) from error


@contextlib.contextmanager
def _kept() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = _directory() or tempfile.gettempdir()
        raise SourceError(
            f"a temporary file in {where} could not be read again: {_reason(error)}",
            hint="look whether that disk is in order, or set TMPDIR to a directory on another",
        ) from error


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
