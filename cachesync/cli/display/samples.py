"""How the standing samples of sources look in `status`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from . import output

__all__ = ["document", "show"]

SHOWN = 5
"""Of what a mirror does not have; `--json` has all."""


def document(said: Mapping[str, Any] | None) -> dict[str, Any]:
    """The last sample of a source as a key of JSON; nothing where there was none."""
    if said is None:
        return {}
    return {"probe": {**said, "at": output.timestamp(said["at"])}}


def show(sources: Iterable[Mapping[str, Any]]) -> None:
    """A line for each source with a standing sample, and what was not found."""
    for source in sources:
        said = source.get("probe")
        if said is None:
            continue
        counts = ", ".join(
            f"{said[state]:,} {state}" for state in ("there", "missing", "unknown") if said[state]
        )
        of = f"{said['asked']:,} of {said['matching']:,}"
        output.print_line(f"sample of {source['name']}: {of}, {_age(said)} ago: {counts}")
        for one in said["failed"][:SHOWN]:
            name = f"/{one['hash'][:7]} {one['package']}@{one['version']}"
            output.print_line(f"  {one['state']}: {name} in {one['mirror']}: {one['reason'] or ''}")
        if len(said["failed"]) > SHOWN:
            output.print_line(f"  ... and {len(said['failed']) - SHOWN:,} more (--json lists all)")


def _age(said: Mapping[str, Any]) -> str:
    from datetime import datetime

    return output.age(time.time() - datetime.fromisoformat(said["at"]).timestamp())
