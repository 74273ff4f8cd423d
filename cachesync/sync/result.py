"""What a pass came to, as values and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..model import SourceState
from ..sources.base import Missing

__all__ = ["PassResult", "document"]


class PassResult(NamedTuple):
    """What one pass over one source came to (CLI.md, `sync --json`)."""

    name: str
    state: SourceState
    listed: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    rejected: int = 0
    held: int = 0
    skipped: int = 0
    missing: Sequence[tuple[str, Missing]] = ()
    """Pages that are not there, which is not believed yet: neither changed nor unchanged."""
    error: str | None = None
    retry_after: float | None = None
    """Seconds the source asks to be left alone."""
    remark: str | None = None
    """What is to be said of the source since this pass, once; `status` notes it."""


def document(result: PassResult) -> dict[str, Any]:
    """A result as `sync --json` shows it."""
    missing = [{"page": path, **seen._asdict()} for path, seen in result.missing]
    shown = {**result._asdict(), "state": result.state.value, "missing": missing}
    del shown["retry_after"], shown["remark"]
    if result.error is None:
        del shown["error"]
    return shown
