"""The cache index of one layout in a mirror: whether it changed, and the document when it did."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from ...buildcache import image, layout, manifest
from ...buildcache.places import shown
from ...errors import CacheIndexError, SourceError
from ...net import host
from ..base import Unchanged
from ..remote import garbage
from .heads import is_page
from .place import Absent, Place, Small
from .spool import Spool, unpack

__all__ = ["Part", "PartError", "look"]

CHECKSUM_BYTES = 4096
"""Of a file that holds a checksum."""


class PartError(SourceError):
    """A cache index that cannot be had, with its address and the remedy in one line."""

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        is_passing: bool = True,
        is_gone: bool = False,
        retry_after_seconds: float | None = None,
    ) -> None:
        """`is_passing`: the mirror does not deliver; else it does, and what it says is not accepted.

        `is_gone`: it says that it has no cache index.
        """
        super().__init__(
            f"{message} ({hint})" if hint else message, retry_after_seconds=retry_after_seconds
        )
        self.is_passing = is_passing
        self.is_gone = is_gone


class Part:
    """What was seen of one layout. It may hold a file, so it is to be closed."""

    def __init__(
        self,
        place: layout.IndexPlace,
        mirror: Place,
        most_bytes: int,
        validators: Mapping[str, str] | None,
        checksum: str,
    ) -> None:
        self.place = place
        self.layout = place.layout
        self.checksum = checksum
        """Of the document as it is stored."""
        self.is_changed = True
        self._mirror = mirror
        self._most = most_bytes
        self._validators = validators
        self._blob: manifest.Blob | None = None
        self._spool: Spool | None = None

    def close(self) -> None:
        """Let go of what it holds."""
        if self._spool is not None:
            self._spool.close()

    def memory(self, before: Mapping[str, str]) -> dict[str, str]:
        """What to remember of it: what was remembered, where it is as before."""
        prefix = f"{self.layout}."
        if self._validators is None:
            return {key: value for key, value in before.items() if key.startswith(prefix)}
        found = {f"{prefix}{key}": value for key, value in self._validators.items()}
        return {**found, f"{prefix}checksum": self.checksum}

    def take(self, blob: manifest.Blob) -> None:
        """Note the blob that a manifest names."""
        self._blob = blob
        self.checksum = f"{blob.checksum_algorithm}:{blob.checksum}"

    def hold(self, spool: Spool) -> None:
        """Note the document itself."""
        self._spool = spool
        self.checksum = f"sha256:{spool.checksum}"

    def document(self, memory: dict[str, str]) -> Spool:
        """The whole document, checked; to be closed. `memory` learns what it was read under."""
        if self._blob is None and self._spool is None:  # as before, and needed all the same
            again = look(self._mirror, self.place, {}, self._most)
            if isinstance(again, Absent):
                raise PartError(f"{self._mirror.where(self.place.first)} {again.reason}")
            self.checksum = again.checksum
            memory |= again.memory({})
            return again.document(memory)
        if self._blob is not None:
            where = layout.blob_path(
                self._blob.checksum_algorithm, self._blob.checksum, is_registry=self.layout == "oci"
            )
            with _said(self._mirror, where):
                stored = _blob(self._mirror, where, self._blob, self._most)
        else:
            assert self._spool is not None
            stored, self._spool = self._spool, None
            where = self.place.first
        with ExitStack() as opened:
            opened.callback(stored.close)
            with _said(self._mirror, where):
                if stored.is_packed():
                    return unpack(stored, self._most)
            opened.pop_all()
        return stored


def look(
    mirror: Place, place: layout.IndexPlace, before: Mapping[str, str], most_bytes: int
) -> Part | Absent:
    """The part of a layout. `before` is what is remembered of the mirror. Raises PartError."""
    prefix = f"{place.layout}."
    known = {
        key.removeprefix(prefix): value for key, value in before.items() if key.startswith(prefix)
    }
    checksum = known.pop("checksum", "")
    with _said(mirror, place.first):
        seen = _manifest(mirror, place, known, most_bytes) if place.checksum is None else _index(
            mirror, place, known, most_bytes, checksum
        )  # fmt: skip
    if isinstance(seen, Unchanged):
        seen = Part(place, mirror, most_bytes, None, checksum)
    if isinstance(seen, Part):
        seen.is_changed = seen.checksum != checksum
    return seen


def _manifest(
    mirror: Place, place: layout.IndexPlace, known: Mapping[str, str], most_bytes: int
) -> Part | Unchanged | Absent:
    small = mirror.small(place.first, known, most_bytes=manifest.MAX_BYTES)
    if not isinstance(small, Small):
        return small
    _require_content(small.data, small.kind, "an index manifest")
    part = Part(place, mirror, most_bytes, small.validators, "")
    blob = (
        image.index_layer(small.data) if place.layout == "oci"
        else manifest.choose(manifest.parse(small.data))
    )  # fmt: skip
    if blob.content_length > most_bytes:
        raise CacheIndexError(
            f"its index has {blob.content_length:,} bytes, more than the limit of {most_bytes:,}",
            hint="raise `limits: download`",
        )
    part.take(blob)
    return part


def _index(
    mirror: Place, place: layout.IndexPlace, known: Mapping[str, str], most_bytes: int, before: str
) -> Part | Unchanged | Absent:
    """Layout 2, whose checksum lies beside the index and may be of another moment.

    Where they disagree both are asked for once more; if they go on to, the index is taken as it is, and
    parsed whole. So is one that came in parts where no checksum lies: a server may give two files one ETag.
    """
    spool = Spool(most_bytes)
    try:
        arrived = mirror.large(place.first, spool, known)
        if not isinstance(arrived, Unchanged | Absent) and (
            f"sha256:{spool.checksum}" != before
            and not _agrees(mirror, place, spool, otherwise=not arrived.is_joined)
        ):
            spool.clear()
            arrived = mirror.large(place.first, spool, may_resume=False)
        if isinstance(arrived, Unchanged | Absent):
            spool.close()
            return arrived
        _require_content(spool.begins(), arrived.kind, "a cache index")
    except BaseException:
        spool.close()
        raise
    part = Part(place, mirror, most_bytes, arrived.validators, "")
    part.hold(spool)
    return part


def _agrees(mirror: Place, place: layout.IndexPlace, spool: Spool, *, otherwise: bool) -> bool:
    """Whether the checksum beside an index is that of what was read; `otherwise` where there is none."""
    assert place.checksum is not None
    try:
        said = mirror.small(place.checksum, most_bytes=CHECKSUM_BYTES)
    except SourceError:
        return otherwise
    if not isinstance(said, Small):
        return otherwise
    text = said.data.strip().lower()
    if len(text) != hashlib.sha256().digest_size * 2:
        return otherwise
    return text == spool.checksum.encode()


def _blob(mirror: Place, path: str, blob: manifest.Blob, most_bytes: int) -> Spool:
    """A blob, its length and checksum as its manifest says; once more from its start if it came in parts."""
    spool = Spool(most_bytes, blob.checksum_algorithm)
    try:
        arrived = mirror.large(path, spool)
        if getattr(arrived, "is_joined", False) and spool.checksum != blob.checksum:
            spool.clear()
            arrived = mirror.large(path, spool, may_resume=False)
        if not isinstance(arrived, Unchanged | Absent) and arrived.kind:
            _require_content(spool.begins(), arrived.kind, "the index that its manifest names")
        _verify(spool, arrived, blob, f"{mirror.where(path)}, which the index manifest names,")
    except BaseException:
        spool.close()
        raise
    return spool


def _verify(spool: Spool, arrived: object, blob: manifest.Blob, named: str) -> None:
    """Raise SourceError where a blob is not the one of its manifest."""
    again = "it is read again; if it stays so: spack buildcache update-index"
    if isinstance(arrived, Absent):
        remedy = "it was pruned, or the mirror is being written: spack buildcache update-index"
        raise PartError(f"{named} {arrived.reason}", hint=remedy)
    if spool.size != blob.content_length:
        said = f"{blob.content_length:,} by its manifest"
        raise SourceError(f"has {spool.size:,} bytes, and {said}", hint=again)
    if spool.checksum != blob.checksum:
        raise SourceError(f"has not the checksum in its manifest, but {spool.checksum}", hint=again)


def _require_content(begin: bytes, kind: Mapping[str, str], expected: str) -> None:
    """Raise SourceError for an answer that is a portal, a maintenance notice or the like, or nothing."""
    start = begin.lstrip()
    if not start:
        raise SourceError("is empty", hint="it is read again; perhaps it is just being written")
    said = kind.get("content-type", "").partition(";")[0].strip().lower()
    if kind and (start.startswith(b"<") or (is_page(kind) and not start.startswith(b"{"))):
        what = garbage(kind, expected=expected)
        if said.endswith("json"):
            what = f"answered with no JSON, though it says {shown(said)}, and not with {expected}"
        raise SourceError(
            f"{what}: it begins with {shown(start.decode(errors='replace'))}",
            hint="open the address in a browser: a portal, a login or a proxy may answer in the"
            " place of the mirror",
        )


@contextmanager
def _said(mirror: Place, path: str) -> Iterator[None]:
    """Say of what goes wrong where it did."""
    try:
        yield
    except PartError:
        raise
    except CacheIndexError as error:
        raise PartError(
            f"{mirror.where(path)}: {error.message}", hint=error.hint, is_passing=False
        ) from None
    except SourceError as error:
        where = mirror.where(path)
        raise PartError(
            f"{where}: {error.message.removeprefix(f'{host(where)}: ')}",
            hint=error.hint,
            retry_after_seconds=error.retry_after_seconds,
        ) from None
