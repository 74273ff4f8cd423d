"""What the daemon says of itself to everybody: small JSON files in the state directory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["DELIVERIES", "PROBES", "deliveries", "probes", "publish", "published"]

DELIVERIES = "deliveries.json"
"""States and counts of the outbox, which itself is for its owner only."""


PROBES = "probes.json"
"""What was found by the last sample of each source that has a standing one."""


def publish(path: Path, document: Mapping[str, Any]) -> None:
    """Replace what a file says, whole, for everybody to read. Raises OSError."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(json.dumps(dict(document)), encoding="utf-8")
    beside.chmod(0o644)
    beside.replace(path)


def published(path: Path) -> dict[str, Any] | None:
    """What a file says; None where it is not there, or says nothing of the kind."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def deliveries(state_dir: Path) -> dict[str, Any] | None:
    """States and counts of the outbox; None where nothing is said, or something of another shape."""
    document = published(state_dir / DELIVERIES)
    return document if document is not None and _has_shape(document, _DELIVERIES) else None


def probes(state_dir: Path) -> dict[str, dict[str, Any]]:
    """The last sample of sources, by their name; nothing where nothing is said, or of another shape."""
    said = (published(state_dir / PROBES) or {}).get("sources")
    if not isinstance(said, dict):
        return {}
    return {name: one for name, one in said.items() if _has_shape(one, _SAMPLE)}


_TEXT = (str, type(None))
_TARGET = {
    "target": str, "state": str, "pending": int, "dead": int, "since": _TEXT, "reason": _TEXT,
    "next_attempt": _TEXT,
}  # fmt: skip
_DELIVERIES = {
    "note?": _TEXT, "noted?": _TEXT, "error?": _TEXT, "remedy?": _TEXT,
    "subscriptions?": [{"name": str, "waiting?": int, "targets": [_TARGET]}],
}  # fmt: skip
_SAMPLE = {
    "at": int, "seed": str, "matching": int, "asked": int, "there": int, "missing": int, "unknown": int,
    "failed": [
        {"hash": str, "package": str, "version": str, "mirror": str, "state": str, "reason": _TEXT}
    ],
}  # fmt: skip
"""What is read of them: a key that ends in `?` may be missing, others that are there do not matter."""


def _has_shape(value: object, shape: Any) -> bool:
    if isinstance(shape, list):
        return isinstance(value, list) and all(_has_shape(item, shape[0]) for item in value)
    if not isinstance(shape, dict):
        return isinstance(value, shape) and not isinstance(value, bool)
    if not isinstance(value, dict):
        return False
    return all(
        _has_shape(value[name], inner) if (name := key.rstrip("?")) in value else key != name
        for key, inner in shape.items()
    )
