"""What commands ask of the outbox, whether the daemon carries it out or the command itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import NotThereError, UsageError
from .outbox import queue
from .outbox.again import ids, replay, retry, targets_of, unsent
from .outbox.connect import Connection

__all__ = ["carry_out"]


def carry_out(outbox: Connection, asked: Mapping[str, Any], *, now: int) -> dict[str, Any]:
    """Do what `deliveries retry` or `replay` asks; `held` is what the config names no target for.

    Raises NotThereError for what is not there, UsageError for an id that is several.
    """
    command = asked.get("command")
    if command == "retry":
        return _retry(outbox, asked, now)
    if command == "replay":
        since = int(asked.get("since") or 0)
        subscription = asked.get("subscription")
        if subscription is not None:
            known = {row.subscription for row in queue.targets(outbox)}
            if subscription not in known:
                raise NotThereError(
                    f"nothing was ever sent for {subscription}",
                    hint="subscriptions: " + (", ".join(sorted(known)) or "none"),
                )
        count = replay(outbox, since=since, subscription=subscription, now=now)
        return {"deliveries": count, "enabled": [], "held": 0}
    raise UsageError(f"{command!r} is nothing that is done with deliveries")


def _retry(outbox: Connection, asked: Mapping[str, Any], now: int) -> dict[str, Any]:
    rows = queue.targets(outbox)
    message, wanted = asked.get("id"), asked.get("target")
    if wanted is not None:
        rows = [
            row for row in rows
            if wanted in (str(row.id), row.label, f"{row.subscription}: {row.label}",
                          row.subscription)
        ]  # fmt: skip
        if not rows:
            raise NotThereError(
                f"no target is called {wanted}",
                hint="`cachesync status` lists them; name one by its number, address or subscription",
            )
    if message is not None:
        message = _whole_id(outbox, str(message))
        concerned = targets_of(outbox, message)
        rows = [row for row in rows if row.id in concerned]
    held = sum(unsent(outbox, r.id, message_id=message) for r in rows if not r.configured)
    rows = [row for row in rows if row.configured]
    enabled = [row for row in rows if queue.enable(outbox, row.id, now=now)]
    count = sum(retry(outbox, now=now, message_id=message, target=r.id) for r in rows)
    return {
        "deliveries": count,
        "enabled": [{"subscription": r.subscription, "target": r.label} for r in enabled],
        "held": held,
    }


def _whole_id(outbox: Connection, beginning: str) -> str:
    found = ids(outbox, beginning)
    if not found:
        raise NotThereError(
            f"no message has an id that begins with {beginning}", hint="cachesync deliveries list"
        )
    if len(found) > 1:
        raise UsageError(
            f"several messages have an id that begins with {beginning}",
            hint="cachesync deliveries list",
        )
    return found[0]
