"""What the daemon says of itself to everybody: small JSON files in the state directory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["DELIVERIES", "publish", "published"]

DELIVERIES = "deliveries.json"
"""States and counts of the outbox, which itself is for its owner only."""


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
