"""What anybody may know of the outbox: counts and states in a small file, replaced whole.

The outbox is for its owner only, since it holds what is sent to others; `status` is for everybody.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["FILE", "publish", "published"]

FILE = "deliveries.json"


def publish(state_dir: Path, summary: Mapping[str, Any]) -> None:
    """Replace what is said. Raises OSError."""
    path = state_dir / FILE
    beside = path.with_name(f".{FILE}.new")
    beside.write_text(json.dumps(dict(summary)), encoding="utf-8")
    beside.chmod(0o644)
    beside.replace(path)


def published(state_dir: Path) -> dict[str, Any] | None:
    """What was said last; None where nothing was ever subscribed."""
    try:
        document = json.loads((state_dir / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None
