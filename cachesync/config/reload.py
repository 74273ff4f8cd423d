"""Whether a configuration takes the place of one that is in force. Pure."""

from __future__ import annotations

from .settings import Config

__all__ = ["refusal"]


def refusal(config: Config, *, before: int) -> str | None:
    """Why a daemon whose configuration names `before` sources goes on with it; None: it takes the new one."""
    if before and not config.sources:
        # An editor that empties the file before it writes it, sooner than a wish.
        return "it has no source"
    return None
