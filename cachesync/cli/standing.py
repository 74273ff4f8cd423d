"""How well a site is, for a command: what the daemon says of itself, and what is seen from outside."""

from __future__ import annotations

from pathlib import Path

from ..reports import health
from ..system.published import deliveries

__all__ = ["look"]


def look(state_dir: Path, *, index_error: str | None = None) -> health.Health:
    """The health of what lies in a state directory. Never raises CachesyncError."""
    from ..daemon import runtime, standing

    facts = standing.gather(
        state_dir, daemon=runtime.running(state_dir), deliveries=deliveries(state_dir)
    )
    facts = standing.from_outside(facts, state_dir)
    return health.judge(facts._replace(index_error=index_error))
