"""A mirror in the file system: its files as they are now, and what tells that they were not written since."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from ...errors import SourceError
from ..base import UNCHANGED, Unchanged
from ..directory import is_settled, signature
from .place import NOTHING, Absent, Arrived, Small, There
from .spool import Spool

__all__ = ["Files"]

_PIECE = 1 << 20
_ABSENT = {errno.ENOENT, errno.ENOTDIR}
_SIGNATURE = "file"


class Files:
    """See `place.Place`. `root` is absolute; nothing is ever written there."""

    is_near = True

    def __init__(self, root: str, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._root = root.rstrip("/")
        self._clock_ns = clock_ns

    def where(self, path: str) -> str:
        """See `Place`."""
        return f"{self._root}/{path}" if path else self._root or "/"

    def small(
        self, path: str, before: Mapping[str, str] = NOTHING, *, most_bytes: int
    ) -> Small | Unchanged | Absent:
        """See `Place`."""
        found = self._changed(path, before)
        if found is not None:
            return found
        try:
            with self._opened(path) as (descriptor, status):
                data = b"".join(_pieces(descriptor, most_bytes + 1))
        except FileNotFoundError:
            return self._absent()
        if len(data) > most_bytes:
            raise SourceError(f"larger than {most_bytes:,} bytes")
        return Small(data, self._validators(status))

    def large(
        self,
        path: str,
        spool: Spool,
        before: Mapping[str, str] = NOTHING,
        *,
        may_resume: bool = True,
    ) -> Arrived | Unchanged | Absent:
        """See `Place`."""
        found = self._changed(path, before)
        if found is not None:
            return found
        try:
            with self._opened(path) as (descriptor, status):
                spool.copy(descriptor)
                after = os.fstat(descriptor)
        except FileNotFoundError:
            return self._absent()
        if signature(after) != signature(status):
            raise SourceError("was written while it was read; it is read again")
        return Arrived(self._validators(status))

    def head(self, path: str) -> There | Absent:
        """See `Place`. A file that may not be read is none that is there for anybody like us."""
        try:
            with self._opened(path) as (_, status):
                pass
        except FileNotFoundError:
            return self._absent()
        return There(status.st_size, status.st_mtime)

    def found(self, path: str) -> There | None:
        """A file that is not opened, so that whether it may be read is not said. Raises SourceError."""
        full = self.where(path)
        with self._reasons(full):
            try:
                status = os.stat(full)
            except OSError as error:
                if error.errno not in _ABSENT:
                    raise
                return None
        return There(status.st_size, status.st_mtime)

    def require_root(self) -> None:
        """Raise SourceError where the mirror is not there."""
        self._absent()

    def _changed(self, path: str, before: Mapping[str, str]) -> Unchanged | Absent | None:
        """None where the file is to be read, if it is there."""
        said = before.get(_SIGNATURE)
        if said is None:
            return None
        full = self.where(path)
        with self._reasons(full):
            try:
                status = os.stat(full)
            except OSError as error:
                if error.errno not in _ABSENT:
                    raise
                return self._absent()
        return UNCHANGED if said == signature(status) else None

    def _absent(self) -> Absent:
        """A file is not there; raises SourceError when nothing is."""
        root = self.where("")
        with self._reasons(root):
            try:
                os.stat(root)
            except OSError as error:
                if error.errno in _ABSENT:
                    raise SourceError(f"there is no directory {root}") from None
                raise
        return Absent("is not there")

    def _validators(self, status: os.stat_result) -> Mapping[str, str]:
        """None where the file was written so lately that it may be again without looking so."""
        is_told = is_settled(status, self._clock_ns())
        return {_SIGNATURE: signature(status)} if is_told else {}

    @contextmanager
    def _opened(self, path: str) -> Iterator[tuple[int, os.stat_result]]:
        """A descriptor to read from, and its status. Raises FileNotFoundError, SourceError for all else."""
        full = self.where(path)
        with self._reasons(full):
            try:  # O_NONBLOCK: a FIFO must not keep a pass waiting
                descriptor = os.open(full, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            except OSError as error:
                if error.errno in _ABSENT:
                    raise FileNotFoundError from None
                raise
            try:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode):
                    raise SourceError("is not a regular file")
                yield descriptor, status
            finally:
                os.close(descriptor)

    @contextmanager
    def _reasons(self, full: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            if error.errno not in (errno.EACCES, errno.EPERM):
                raise SourceError(f"cannot be read: {reason}") from error
            raise SourceError(
                f"{self._barrier(full)} cannot be read: {reason}",
                hint="chmod o+rX, or chmod g+rX for a group of the daemon's user",
            ) from error

    def _barrier(self, full: str) -> str:
        """The first directory on the way to a file that may not be passed, or the file itself."""
        parts = full.split("/")
        above = ("/".join(parts[:count]) or "/" for count in range(1, len(parts)))
        closed = (one for one in above if not os.access(one, os.X_OK, effective_ids=True))
        return next(closed, full)


def _pieces(descriptor: int, most_bytes: int) -> Iterator[bytes]:
    """What a file holds, at most so much."""
    left = most_bytes
    while left and (piece := os.read(descriptor, min(left, _PIECE))):
        yield piece
        left -= len(piece)
