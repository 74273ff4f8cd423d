"""Subscriptions and their targets in `status`: nothing where all is well but a line each."""

from __future__ import annotations

from typing import Any

from . import output

__all__ = ["show"]


def show(said: dict[str, Any] | None) -> None:
    """Print what is published of the outbox; None where nothing was ever subscribed."""
    if said is None:
        return
    if said.get("error"):
        output.print_line(f"notifications: nobody is notified: {said['error']}")
    if said.get("note"):
        output.print_line(f"notifications: {said['noted']}: {said['note']}")
    rows = [
        (s["name"], t["target"], t["state"], t["pending"], t["dead"], _news(t))
        for s in said.get("subscriptions", ())
        for t in s["targets"]
    ]
    if rows:
        columns = ("SUBSCRIPTION", "TARGET", "STATE", "PENDING", "DEAD", "NEWS")
        output.print_table(columns, rows, below=("NEWS",))


def _news(target: dict[str, Any]) -> str:
    """What is wrong with a target."""
    parts = []
    if target["since"] is not None:
        parts.append(f"since {target['since']}")
    if target["reason"]:
        parts.append(target["reason"])
    if target["next_attempt"] and target["state"] == "failing":
        parts.append(f"again at {target['next_attempt']}")
    return ", ".join(parts)
