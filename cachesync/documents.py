"""What changes look like as JSON: on the command line and in messages alike. Pure; see CLI.md."""

from __future__ import annotations

from typing import Any

from .model import Build, Change, ChangeKind

__all__ = ["change_document", "timestamp"]


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
    if change.stacks is not None:
        found["stacks"] = list(change.stacks)
    if change.stacks_before is not None:
        found["stacks_before"] = list(change.stacks_before)
    if change.build is not None:
        found["build"] = _build(change.build)
    if change.build_before is not None:
        found["build_before"] = _build(change.build_before)
    return found


def _build(build: Build) -> dict[str, Any]:
    described = build._asdict()
    del described["package"]
    return described


def timestamp(microseconds: int, *, fraction: bool = False) -> str:
    """`2026-11-22T16:00:00Z` (UTC), with milliseconds if wanted."""
    from datetime import UTC, datetime

    text = datetime.fromtimestamp(microseconds / 1e6, UTC).isoformat(
        timespec="milliseconds" if fraction else "seconds"
    )
    return text.removesuffix("+00:00") + "Z"
