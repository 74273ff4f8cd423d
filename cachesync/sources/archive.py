"""A directory in a tarball that is downloaded as a whole, as a source. Never unpacked to disk.

The archive is read once, as it arrives. Pages whose content the ledger has are dropped at once,
the others are kept compressed until they are read. Nothing is told of an archive that was not
read to its end, with its checksums right.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from itertools import chain

from ..config.settings import Limits
from ..config.sourceconfigs import ArchiveSourceConfig
from ..diff import page_order
from ..errors import SourceError
from ..net import Download, Fetcher, FetchError, Request, host
from ..net.inflate import GZIP_MAGIC, InflateError, Inflater
from .base import NOTHING, Changed, Entry, Failed, Fault, Found, Listing, Note, Past, ignore
from .remote import (
    UNHEEDED,
    blob_sha,
    conditions,
    fingerprint,
    garbage,
    hostile,
    is_wanted,
    refused,
    too_large,
    unheeded,
    validators,
)
from .tarstream import TarError, TarStream

__all__ = ["ArchiveSource"]

MOST_EXPANSION = 20
"""How many times `limits: download` the unpacked archive may be."""
LEAST_BYTES_PER_SECOND = 128 * 1024
"""A download at this rate never meets the deadline."""
_MAGIC_AT = 257
_MAGIC = b"ustar"


class ArchiveSource:
    """See `base.Source`. Between the listing and the last read it holds what is new, compressed."""

    type = "archive"
    concurrency = 1  # the content is here: no process beside this one could read it
    retry_after_seconds: float | None = None  # a refused download raises, with the time

    def __init__(self, config: ArchiveSourceConfig, limits: Limits, fetcher: Fetcher) -> None:
        self.name = config.name
        self._config = config
        self._limits = limits
        self._fetcher = fetcher
        self._settings = fingerprint(config.url, config.path, config.selection)
        self._begin(NOTHING)

    def _begin(self, past: Past) -> None:
        remembers = past.memory.get("settings") == self._settings
        self._before: Mapping[str, str] = past.memory if remembers else {}
        self._signatures = past.signatures
        self._again = any(sha is None for sha in past.signatures.values())
        # Under other settings the ledger may want pages again that it passed over.
        self._drops_known = remembers
        self._kept: dict[str, bytes] = {}
        self._awaited: set[str] = set()
        self._memory: Mapping[str, str] = {}

    def listing(self, found: Found = ignore, past: Past = NOTHING) -> Listing:
        """Every page in the archive, or everything `as_before` when it is the one that was read.

        Raises SourceError when it cannot be had or read to its end, or holds no page at all.
        """
        self._begin(past)
        asked = {} if self._again else conditions(self._before)
        request = Request(
            self._config.url,
            self._limits.download_bytes,
            asked,
            least_bytes_per_second=LEAST_BYTES_PER_SECOND,
        )
        with self._fetcher.stream(request) as download:
            if download.status == 304:
                return self._as_before(is_asked_for=bool(asked))
            if download.status != 200:
                raise FetchError(f"{host(self._config.url)}: answered {download.status}")
            try:
                pages = self._pages(download)
            except NoArchiveError as error:
                why = garbage(download.headers, expected="an archive")
                raise SourceError(f"the archive {error}: {why}; nothing is taken from it") from None
            except (TarError, InflateError) as error:
                raise SourceError(f"the archive {error}; nothing is taken from it") from None
        listing = pages.listing()
        if not listing.entries:
            where = self._config.path or "its root"
            raise SourceError(f"the archive holds no selected page in {where} (check `path:`)")
        self._kept = pages.kept
        self._awaited = {path for path in pages.kept if not self._is_known(path, pages.shas[path])}
        date = download.headers.get("last-modified", "")
        is_as_before = all(self._is_known(path, sha) for path, sha in pages.shas.items())
        is_resent = not self._again and is_as_before and date == self._before.get("date")
        self._memory = {
            "settings": self._settings,
            "date": date,
            **validators(download.headers),
            **unheeded(self._before, heeded=False, resent=is_resent),
        }
        found(listing.entries)
        return listing

    def read(self, path: str, listed_as: str, before: str | None = None) -> Changed | Failed:
        """The content that was kept when the archive was read; it is forgotten with this."""
        kept = self._kept.pop(path, None)
        if kept is None:
            return Failed("its content was not kept; it comes with the next pass", is_passing=True)
        self._awaited.discard(path)
        return Changed(zlib.decompress(kept), listed_as)

    def memory(self) -> Mapping[str, str]:
        """What names the archive, when all of it was delivered; the rest of the pass is over."""
        self._kept.clear()
        return {} if self._awaited else self._memory

    def _as_before(self, *, is_asked_for: bool) -> Listing:
        if not is_asked_for:
            raise SourceError("answered 304 (not modified) without being asked for that")
        past = {key: value for key, value in self._before.items() if key != UNHEEDED}
        self._memory = past | unheeded(self._before, heeded=True, resent=False)
        return Listing((), as_before=("",))

    def _is_known(self, path: str, sha: str) -> bool:
        return self._signatures.get(path) == sha

    # -- the archive

    def _pages(self, download: Download) -> _Pages:
        """What the archive holds. Raises TarError, InflateError, SourceError."""
        limits = self._limits
        most = MOST_EXPANSION * limits.download_bytes
        stream = TarStream(_bounded(_unpacked(download.chunks), most))
        pages = _Pages()
        for member in stream:
            path = None if member.is_directory else self._inside(member.name)
            if path is None or not is_wanted(self._config.selection, path):
                continue
            reason = hostile(path) or _hostile_root(member.name.partition("/")[0])
            if reason is not None:
                pages.fault(refused("", path, reason))
            elif not member.is_file:
                pages.note(Note(path, f"{member.kind}; it is not followed"))
            elif member.size > limits.page_bytes:
                pages.fault(Fault(path, too_large(member.size, limits.page_bytes)))
            else:
                data = stream.read(member.size)
                sha = blob_sha(data)
                is_dropped = self._drops_known and self._is_known(path, sha)
                pages.page(path, sha, None if is_dropped else zlib.compress(data, 6))
        stream.drain()
        return pages

    def _inside(self, name: str) -> str | None:
        """The path of a member below the configured directory; None where it is not below."""
        inner = name.partition("/")[2]
        directory = f"{self._config.path}/" if self._config.path else ""
        return inner.removeprefix(directory) if inner.startswith(directory) else None


class NoArchiveError(TarError):
    """It does not even begin as an archive."""


class _Pages:
    """What an archive holds so far; of several members of one name the last counts, as for tar."""

    def __init__(self) -> None:
        self.shas: dict[str, str] = {}
        self.kept: dict[str, bytes] = {}
        self._faults: dict[str, Fault] = {}
        self._notes: dict[str, Note] = {}

    def page(self, path: str, sha: str, kept: bytes | None) -> None:
        self._forget(path)
        self.shas[path] = sha
        if kept is not None:
            self.kept[path] = kept

    def fault(self, fault: Fault) -> None:
        self._forget(fault.path)
        self._faults[fault.path] = fault

    def note(self, note: Note) -> None:
        self._forget(note.path)
        self._notes[note.path] = note

    def listing(self) -> Listing:
        entries = [Entry(path, sha) for path, sha in self.shas.items()]
        entries.sort(key=lambda entry: page_order(entry.path))
        return Listing(entries, list(self._faults.values()), list(self._notes.values()))

    def _forget(self, path: str) -> None:
        self.shas.pop(path, None)
        self.kept.pop(path, None)
        self._faults.pop(path, None)
        self._notes.pop(path, None)


def _hostile_root(name: str) -> str | None:
    """Why the directory around everything, which is dropped, makes a name hostile."""
    return None if name == "." else hostile(name)


def _unpacked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The tar archive in `chunks`, which may be packed with gzip or not."""
    start = b""
    for chunk in chunks:
        start += chunk
        if len(start) >= _MAGIC_AT + len(_MAGIC) or (
            len(start) >= len(GZIP_MAGIC) and start.startswith(GZIP_MAGIC)
        ):
            break
    data = chain((start,), chunks)
    if start.startswith(GZIP_MAGIC):
        return _inflated(data)
    if start[_MAGIC_AT:].startswith(_MAGIC):
        return data
    raise NoArchiveError("is neither gzip nor tar" if start else "is empty")


def _inflated(chunks: Iterator[bytes]) -> Iterator[bytes]:
    inflater = Inflater()
    for chunk in chunks:
        yield from inflater.feed(chunk)
    yield from inflater.finish()


def _bounded(chunks: Iterator[bytes], most_bytes: int) -> Iterator[bytes]:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > most_bytes:
            raise SourceError(f"the archive unpacks to more than {most_bytes:,} bytes")
        yield chunk
