"""`cachesync subscriptions`: what is subscribed, and trying it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ...config import settings
from ...documents import change_document
from ...ledger import connect, log, read
from ...model import Change
from ...system.published import deliveries
from .. import complete, paths
from ..configuration import load_config
from ..display import excluding, leftopen, output
from ..display.changes import print_all
from ..options import Globals
from ..times import instant

__all__ = ["subscriptions"]

SHOWN = 20
DAY_SECONDS = 86_400
MOST_DAYS = 36_525
"""A century: there was no cache before."""


@click.group(short_help="Saved queries, and who is told of what matches.")
def subscriptions() -> None:
    """The subscriptions of the configuration."""


@subscriptions.command("list", short_help="Every subscription with its query and its targets.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def list_(options: Globals, as_json: bool) -> int:
    """Every subscription of the configuration, and how its targets are."""
    from ...notify import naming

    config = load_config(options)
    said = deliveries(paths.state_dir(options)) or {}
    known = {s["name"]: s for s in said.get("subscriptions", ())}
    listed = [
        {
            "name": entry.name,
            "query": entry.query,
            "events": [kind.label for kind in entry.events],
            "first": entry.first.shown,
            "waiting": known.get(entry.name, {}).get("waiting", 0),
            "targets": [
                _target(naming.label(target), known.get(entry.name)) for target in entry.targets
            ],
        }
        for entry in config.subscriptions
    ]
    if as_json:
        output.print_json({"subscriptions": listed})
        return 0
    rows = [
        (s["name"], s["query"], " ".join(s["events"]), t["target"], t["state"])
        for s in listed for t in s["targets"]
    ]  # fmt: skip
    output.print_table(("SUBSCRIPTION", "QUERY", "EVENTS", "TARGET", "STATE"), rows)
    return 0


def _target(label: str, known: dict[str, Any] | None) -> dict[str, Any]:
    """What is published of a target; `new` before the daemon or a sync has seen it."""
    for target in (known or {}).get("targets", ()):
        if target["target"] == label:
            return dict(target)
    return {"target": label, "state": "new"}


@subscriptions.command(short_help="What would have matched; and a test message.")
@click.argument("name", shell_complete=complete.subscriptions)
@click.option("--dry-run", is_flag=True, help="Only show what would have matched; send nothing.")
@click.option(
    "--days", type=click.IntRange(1, MOST_DAYS), default=7, metavar="N",
    help="Look at the changes of the last N days (7).",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def test(options: Globals, name: str, dry_run: bool, days: int, as_json: bool) -> int:
    """Show what the subscription NAME would have matched in the last days, and send one message.

    The message says that it is a test, and goes to every target; the daemon sends it where one
    runs, since it has the secrets. Ends with 1 when a target did not take it.
    """
    from ...notify import trial

    config = load_config(options)
    entry = trial.named(config, name)
    state_dir = paths.state_dir(options)
    since = instant(time.time() - days * DAY_SECONDS)
    with connect.ledger_errors(state_dir):
        db = connect.open_reader(state_dir)
        try:
            found = list(
                log.changes(
                    db, log.Filter(since=since, about=trial.is_about(config, entry, db, state_dir))
                )
            )
            seq = read.last_seq(db)
        finally:
            db.close()
    if not options.quiet:
        excluding.say_of(state_dir, entry.query)
    said = leftopen.say_of(state_dir, entry.condition, quiet=options.quiet)
    results = None if dry_run else _send(state_dir, config, name, seq)
    if as_json:
        changes = [change_document(change) for change in found]
        output.print_json(
            {"subscription": name, "query": entry.query, "days": days, "matched": len(changes),
             "changes": changes, "sent": results, **said}
        )  # fmt: skip
    else:
        _show(found, days, results or ())
    return 0 if all(r["outcome"] == "delivered" for r in results or ()) else 1


def _show(found: Sequence[Change], days: int, results: Sequence[dict[str, Any]]) -> None:
    """Print what matched, and what came of the messages."""
    print_all(found[-SHOWN:])
    more = f", the newest {SHOWN} shown (--json lists all)" if len(found) > SHOWN else ""
    in_days = f"in the last {output.number(days, 'day')}"
    print(f"{output.number(len(found), 'change')} matched {in_days}{more}")
    for result in results:
        status = "" if result["status"] is None else f" ({result['status']})"
        print(output.visible(
            f"{result['target']}: {result['outcome']}{status}: {result['detail']}"
        ))  # fmt: skip


def _send(state_dir: Path, config: settings.Config, name: str, seq: int) -> list[dict[str, Any]]:
    """The daemon sends where one runs and may be asked; otherwise this process."""
    from ...daemon import calling
    from ...notify import trial

    answer = calling.request(state_dir, {"command": "test", "name": name})
    if answer is not None:
        results: list[dict[str, Any]] = answer["sent"]
        return results
    return trial.send_test(config, name, seq=seq)
