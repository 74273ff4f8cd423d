"""What lies where in the directory of an index, and what proves it whole. No Whoosh here."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

from ..errors import IndexUnusableError

__all__ = [
    "CURRENT",
    "MISMATCH",
    "NAME",
    "POSTING_FIELDS",
    "SCHEMA",
    "checksum",
    "latest_generation",
    "manifest_name",
    "read_manifest",
    "toc_name",
    "with_checksum",
]

SCHEMA = 4
"""Raised when what is indexed changes: an index with another number is rebuilt."""

MISMATCH = "the search index is damaged (a checksum does not match)"

NAME = "MAIN"
CURRENT = "current"

POSTING_FIELDS = (
    "cursor", "any", "package", "name", "version", "version_text", "compiler", "os",
    "platform", "target", "variant", "cased", "stack", "tag", "source",
)  # fmt: skip


def toc_name(generation: int) -> str:
    """The file that names the segments of a generation (Whoosh: `TOC._filename`)."""
    return f"_{NAME}_{generation}.toc"


def latest_generation(folder: str | Path) -> int:
    """The newest generation in a directory; -1 where there is none. Raises OSError."""
    first = f"_{NAME}_"
    numbers = (
        name[len(first) : -len(".toc")]
        for name in os.listdir(folder)
        if name.startswith(first) and name.endswith(".toc")
    )
    return max((int(number) for number in numbers if number.isdecimal()), default=-1)


def manifest_name(toc: str) -> str:
    """The file with the checksums of a generation."""
    return f"{toc}-checksums"


def with_checksum(lines: str) -> str:
    """A manifest's lines, and one with their own checksum."""
    return f"{lines}{zlib.crc32(lines.encode())}\n"


def checksum(path: Path) -> int:
    """The CRC-32 of a file."""
    return zlib.crc32(path.read_bytes())


def read_manifest(path: Path) -> dict[str, int]:
    """Checksum by file. Raises IndexUnusableError where there is none to trust, and OSError."""
    try:
        whole = path.read_bytes().decode("utf-8")
        lines = whole.removesuffix("\n").rpartition("\n")[0]
        if whole != with_checksum(lines + "\n"):
            raise IndexUnusableError("the search index is damaged (its checksums are)")
        parts = (line.partition(" ") for line in lines.split("\n"))
        return {name: int(value) for value, _, name in parts}
    except (FileNotFoundError, ValueError) as error:
        raise IndexUnusableError("the search index has no checksums") from error
