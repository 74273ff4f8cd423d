"""Whether a mirror really has what its cache index says: a spec's manifest, its tarball, its document.

Layout 3 is asked first and then layout 2, as Spack does. Nothing is downloaded but the manifest, and no
signature is verified: whether there is one is said.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from ...buildcache import clearsigned, image, layout, specmanifest, specplaces
from ...buildcache.manifest import MAX_BYTES, Blob
from ...errors import CacheIndexError, SourceError
from ...model import Build
from ...net import FetchError, FetchStoppedError
from ..base import Unchanged
from .place import Absent, Place, Small, There

__all__ = ["Found", "State", "probe"]

MOST_DOCUMENT_BYTES = 32 << 20
"""Of a spec in layout 2, which is read where it may be signed only."""


class State(StrEnum):
    """What was found of a spec in a mirror."""

    THERE = "there"
    """All that is needed to install it."""
    MISSING = "missing"
    """Something of it is not there, or is not what its manifest says."""
    UNKNOWN = "unknown"
    """The mirror did not answer, or what it has cannot be read."""


class Found(NamedTuple):
    """What a mirror has of a spec. What is not known is None."""

    state: State
    reason: str | None = None
    """Of a state other than THERE."""
    layout: int | str | None = None
    """3, 2, or `oci` of a registry."""
    manifest: str | None = None
    """The address of the manifest; of layout 2 that of the spec's document."""
    tarball: str | None = None
    """The address of the tarball."""
    size: int | None = None
    """Bytes of the tarball, as it lies there."""
    said_size: int | None = None
    """Bytes of it, as its manifest says."""
    modified: float | None = None
    """When the tarball was written, Unix time."""
    is_signed: bool | None = None
    is_unreachable: bool = False
    """Whether the mirror gave no usable answer at all."""


_Lack = tuple[State, str]
"""MISSING, or UNKNOWN where that cannot be told, and why."""


def probe(place: Place, build: Build, spec_hash: str, layouts: str) -> Found:
    """Look for a spec in a mirror which is known to have these `layouts` (a digit each, `o` for a registry).

    Raises FetchStoppedError when the process is to end, and no other SourceError.
    """
    absent: Found | None = None
    try:
        for digit, look in (("3", _new), ("2", _old), ("o", _image)):
            if digit not in layouts:
                continue
            found = look(place, build, spec_hash)
            if found.layout is not None:
                return found
            if absent is None or found.state is State.UNKNOWN:
                absent = found
    except FetchStoppedError:
        raise
    except SourceError as error:
        hint = f" ({error.hint})" if error.hint else ""
        return Found(
            State.UNKNOWN, f"{error.message}{hint}", is_unreachable=isinstance(error, FetchError)
        )
    assert absent is not None, "a mirror has a layout"
    return absent


def _absent(place: Place, path: str, absent: Absent | Unchanged) -> Found:
    where, reason = place.where(path), "is not there"
    if isinstance(absent, Absent):
        reason = absent.reason
        if not absent.is_certain:
            return Found(State.UNKNOWN, f"its manifest {reason}", manifest=where)
    return Found(State.MISSING, f"its manifest {reason}", manifest=where)


def _new(place: Place, build: Build, spec_hash: str) -> Found:
    """What layout 3 has of a spec; no `layout` where it has no manifest. Raises SourceError."""
    path = specplaces.manifest_path(build.package, build.version, spec_hash)
    where = place.where(path)
    small = place.small(path, most_bytes=MAX_BYTES)
    if not isinstance(small, Small):
        return _absent(place, path, small)
    _require_no_page(small, where)
    try:
        said = specmanifest.parse(small.data)
    except CacheIndexError as error:
        return Found(State.MISSING, f"{where}: {error.message}", 3, where)
    if said.tarball is None:
        return Found(State.MISSING, f"{where}: the manifest names no tarball", 3, where)
    tarball, document = _blob_path(said.tarball), _blob_path(said.spec)
    at = place.head(tarball)
    found = Found(
        State.THERE, None, 3, where, place.where(tarball),
        None if isinstance(at, Absent) else at.size, said.tarball.content_length,
        None if isinstance(at, Absent) else at.modified, said.is_signed,
    )  # fmt: skip
    return _judged(
        found,
        _lacking("tarball", at, said.tarball),
        _lacking("document", place.head(document), said.spec),
    )


def _old(place: Place, build: Build, spec_hash: str) -> Found:
    """What layout 2 has of a spec, which does not say how large the tarball is; as `_new`."""
    paths = specplaces.old_places(build, spec_hash)
    signed = place.small(paths.signed, most_bytes=MOST_DOCUMENT_BYTES)
    is_signed = isinstance(signed, Small)
    if isinstance(signed, Small):
        _require_no_page(signed, place.where(paths.signed))
        try:
            clearsigned.text(signed.data)
        except CacheIndexError as error:
            where = place.where(paths.signed)
            return Found(State.MISSING, f"{where}: {error.message}", 2, where)
    elif isinstance(document := place.head(paths.unsigned), Absent):
        return _absent(place, paths.unsigned, document)
    elif document.is_page:
        return Found(*_hidden("document"), 2, place.where(paths.unsigned))
    at = place.head(paths.tarball)
    found = Found(
        State.THERE, None, 2, place.where(paths.signed if is_signed else paths.unsigned),
        place.where(paths.tarball), is_signed=is_signed,
    )  # fmt: skip
    if isinstance(at, Absent):
        return _judged(found, _without("tarball", at))
    if at.is_page:
        return _judged(found, _hidden("tarball"))
    return found._replace(size=at.size, modified=at.modified)


def _image(place: Place, build: Build, spec_hash: str) -> Found:
    """What a registry has of a spec, as `_new`; its config, which holds the document, says the time."""
    tag = specplaces.tag(build.package, build.version, spec_hash)
    path = layout.manifest_path(tag)
    where = place.where(path)
    small = place.small(path, most_bytes=image.MAX_BYTES)
    if not isinstance(small, Small):
        return _absent(place, path, small)
    _require_no_page(small, where)
    try:
        said = image.parse(small.data)
    except CacheIndexError as error:
        return Found(State.MISSING, f"{where}: {error.message}", "oci", where)
    if not said.layers:
        return Found(State.MISSING, f"{where}: the image manifest names no tarball", "oci", where)
    last = said.layers[-1]
    tarball, document = (
        layout.blob_path(one.checksum_algorithm, one.checksum, is_registry=True)
        for one in (last, said.config)
    )
    at = place.head(tarball)
    config = place.small(document, most_bytes=image.MAX_CONFIG_BYTES)
    found = Found(
        State.THERE, None, "oci", where, place.where(tarball),
        None if isinstance(at, Absent) else at.size, last.content_length,
        _archived(config.data) if isinstance(config, Small) else None, is_signed=False,
    )  # fmt: skip
    return _judged(
        found,
        _lacking("tarball", at, last),
        _without("document", config) if isinstance(config, Absent) else None,
    )


def _archived(config: bytes) -> float | None:
    """When a tarball was made, as the config of its image says: Unix time."""
    try:
        said = image.config(config).archived_at
        return None if said is None else datetime.fromisoformat(said).timestamp()
    except (CacheIndexError, ValueError, OverflowError):
        return None


def _blob_path(blob: Blob) -> str:
    return layout.blob_path(blob.checksum_algorithm, blob.checksum)


def _lacking(what: str, at: There | Absent, said: Blob) -> _Lack | None:
    """Why a blob is not the one that is named; None where it is, as far as its length tells."""
    if isinstance(at, Absent):
        return _without(what, at)
    if at.is_page and at.size != said.content_length:
        return _hidden(what)
    if at.size is not None and at.size != said.content_length:
        return State.MISSING, (
            f"its {what} has {at.size:,} bytes, and {said.content_length:,} by its manifest"
        )
    return None


def _hidden(what: str) -> _Lack:
    return State.UNKNOWN, f"its {what} was answered with a page, not with what was asked for"


def _without(what: str, absent: Absent) -> _Lack:
    state = State.MISSING if absent.is_certain else State.UNKNOWN
    return state, f"its {what} {absent.reason}"


def _judged(found: Found, *lacks: _Lack | None) -> Found:
    """What is to be said where something may lack: first of what certainly does."""
    some = [one for one in lacks if one is not None]
    if not some:
        return found
    state, reason = min(some, key=lambda one: one[0] is not State.MISSING)
    return found._replace(state=state, reason=reason)


def _require_no_page(small: Small, where: str) -> None:
    """Raise SourceError for a portal or a maintenance notice, which tells nothing of the mirror."""
    if small.data.lstrip().startswith(b"<"):
        raise SourceError(f"{where}: answered with a page, not with what was asked for")
