"""A tar archive read once from front to back, in bounded memory, whatever its headers claim. Pure.

`tarfile` reads the long name or the extended header of a member whole, however long it says it is;
so it parses the 512 bytes of each header here, and nothing else. Formats: POSIX.1-2001 (pax) and
GNU, as git, GNU tar, bsdtar and Python write them.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["BLOCK_BYTES", "Member", "TarError", "TarStream"]

BLOCK_BYTES = 512
MOST_HEADER_BYTES = 1 << 20
"""Of a long name or an extended header."""

_PAX = tarfile.XHDTYPE
_PAX_OF_ALL = tarfile.XGLTYPE
_LONG_NAME = tarfile.GNUTYPE_LONGNAME
_LONG_LINK = tarfile.GNUTYPE_LONGLINK
_HEADERS = (_PAX, _PAX_OF_ALL, tarfile.SOLARIS_XHDTYPE, _LONG_NAME, _LONG_LINK)
_KINDS = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
}


class TarError(Exception):
    """The data is no tar archive, is damaged, or ends early."""


class Member(NamedTuple):
    """Something in the archive; its content is to be read before the next member."""

    name: str
    """As it stands there: it may be anything. Bytes that are not UTF-8 are surrogates."""
    size: int
    is_file: bool
    is_directory: bool
    kind: str
    """What it is, where it is neither file nor directory."""


class TarStream:
    """Iterates over the members in `chunks`, up to the end mark. Raises TarError."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = b""
        self._at = 0
        self._left = 0
        """Of the content of the current member, with its padding."""

    def __iter__(self) -> Iterator[Member]:
        while (header := self._header()) is not None:
            yield header

    def read(self, size: int) -> bytes:
        """The content of the current member, which is `size` bytes. Raises TarError."""
        self._left -= size
        return b"".join(self._take(size))

    def drain(self) -> None:
        """Read to the end of the data, so that all that checks it has seen it."""
        self._buffer = b""
        for _ in self._chunks:
            pass

    def _header(self) -> Member | None:
        """The next member, with what the headers before it say of it; None at the end mark."""
        extended: dict[str, str] = {}
        while True:
            for _ in self._take(self._left):
                pass
            self._left = 0
            block = b"".join(self._take(BLOCK_BYTES))
            if not any(block):
                return None
            try:
                header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
            except tarfile.HeaderError as error:
                raise TarError(f"is not a tar archive, or damaged ({error})") from None
            if header.type not in _HEADERS:
                return self._member(header, extended)
            if not 0 <= header.size <= MOST_HEADER_BYTES:
                raise TarError(f"has a header of {header.size:,} bytes")
            self._left = _padded(header.size)
            extended |= _extension(header.type, self.read(header.size))

    def _member(self, header: tarfile.TarInfo, extended: dict[str, str]) -> Member:
        size = header.size
        if "size" in extended:
            if not extended["size"].isdecimal() or len(extended["size"]) > 18:
                raise TarError("has a size that is no number")
            size = int(extended["size"])
        if size < 0 or header.type == tarfile.GNUTYPE_SPARSE:
            raise TarError("holds a sparse file" if size >= 0 else "has a negative size")
        is_sparse = any(key.startswith("GNU.sparse.") for key in extended)
        has_content = header.type not in _KINDS and header.type != tarfile.DIRTYPE
        self._left = _padded(size) if has_content else 0
        return Member(
            extended.get("path", header.name),
            size if has_content else 0,
            is_file=header.type in tarfile.REGULAR_TYPES and not is_sparse and header.isreg(),
            is_directory=header.isdir(),
            kind="a sparse file" if is_sparse else _KINDS.get(header.type, "of an unknown type"),
        )

    def _take(self, size: int) -> Iterator[bytes]:
        """The next `size` bytes of the data, in pieces. Raises TarError when they are not there."""
        while size > 0:
            if self._at == len(self._buffer):
                self._buffer, self._at = next(self._chunks, b""), 0
                if not self._buffer:
                    raise TarError("ends early")
                continue
            piece = self._buffer[self._at : self._at + size]
            self._at += len(piece)
            size -= len(piece)
            yield piece


def _padded(size: int) -> int:
    return -(-size // BLOCK_BYTES) * BLOCK_BYTES


def _extension(kind: bytes, content: bytes) -> dict[str, str]:
    """What a header of its own says of the next member."""
    if kind == _LONG_NAME:
        return {"path": content.partition(b"\0")[0].decode("utf-8", "surrogateescape")}
    if kind in (_LONG_LINK, _PAX_OF_ALL):
        return {}
    return dict(_records(content))


def _records(content: bytes) -> Iterator[tuple[str, str]]:
    """The records of a pax header: `<length> <key>=<value>` and a line feed, all counted."""
    at = 0
    while at < len(content) and content[at]:
        blank = content.find(b" ", at, at + 20)
        digits = content[at:blank] if blank > 0 else b""
        end = at + int(digits) if digits.isdigit() else 0
        key, equals, value = content[blank + 1 : end].partition(b"=")
        if end <= blank or end > len(content) or not equals or not value.endswith(b"\n"):
            raise TarError("has a damaged extended header")
        yield key.decode("utf-8", "replace"), value[:-1].decode("utf-8", "surrogateescape")
        at = end
