"""What changes look like as JSON: on the command line and in messages alike. Pure; see CLI.md."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from .model import Build, Change, ChangeKind, Details, Edge

__all__ = ["build_document", "change_document", "details_document", "edges_document", "timestamp"]


def change_document(change: Change) -> dict[str, Any]:
    """A change as JSON (CLI.md): what does not apply to its kind is absent.

    A change of a delivery target has no source: it is null.
    """
    kind = change.kind
    found: dict[str, Any] = {
        "seq": change.seq,
        "at": timestamp(change.at, fraction=True),
        "kind": kind.label,
        "source": change.source or None,
    }
    for key in ("tag", "package", "hash", "path", "subscription", "target", "reason"):
        value = getattr(change, key)
        if value is not None:
            found[key] = value
    if kind is ChangeKind.SPEC_CACHED:
        found["first"] = change.flag
    if kind is ChangeKind.SPEC_EVICTED:
        found["last"] = change.flag
    if change.baseline:
        found["baseline"] = True
    for key, shown in _SHOWN.items():
        value = getattr(change, key)
        if value is not None:
            found[key] = shown(value)
    return found


def details_document(details: Details) -> dict[str, Any]:
    """What cache indexes say of a spec as JSON; what they do not say is absent."""
    said = {name: value for name, value in details._asdict().items() if value not in (None, ())}
    for name in ("target", "external"):
        if name in said:
            said[name] = json.loads(said[name])
    for name in ("flags", "compilers"):
        if name in said:
            said[name] = dict(said[name])
    return said


def edges_document(edges: Iterable[Edge]) -> list[dict[str, Any]]:
    """Edges as JSON: the hash of the dependency, and what it is for."""
    return [
        {"hash": dependency, "types": list(kind.types), "virtuals": list(kind.virtuals)}
        for dependency, kind in edges
    ]


def build_document(build: Build) -> dict[str, Any]:
    """A build as JSON: `compilers` is there where the languages differ."""
    said = build._asdict()
    if build.compilers:
        said["compilers"] = dict(build.compilers)
    else:
        del said["compilers"]
    return said


def _build(build: Build) -> dict[str, Any]:
    described = build_document(build)
    del described["package"]
    return described


_SHOWN: dict[str, Callable[[Any], Any]] = {
    "stacks": list,
    "stacks_before": list,
    "build": _build,
    "build_before": _build,
    "checksum": str,
    "details": details_document,
    "edges": edges_document,
}
"""What else a change may carry, and how it is shown."""


def timestamp(microseconds: int, *, fraction: bool = False) -> str:
    """`2026-11-22T16:00:00Z` (UTC), with milliseconds if wanted."""
    from datetime import UTC, datetime

    text = datetime.fromtimestamp(microseconds / 1e6, UTC).isoformat(
        timespec="milliseconds" if fraction else "seconds"
    )
    return text.removesuffix("+00:00") + "Z"
