"""`cachesync deliveries`: what is to be sent and was sent, and sending it again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from ...errors import NotThereError, UsageError
from ...ledger import connect
from ...ledger.write import Writer
from ...notify import requests
from ...notify.once import clock, opened
from ...notify.outbox import report
from ...notify.outbox.connect import Connection, exists, open_outbox, outbox_errors
from .. import complete, paths, writing
from ..configuration import load_config
from ..display import output, talk
from ..display.answer import note
from ..options import Globals
from ..times import point

__all__ = ["deliveries"]

DEFAULT_LIMIT = 20
STATES = ("pending", "held", "dead", "delivered")


@click.group(short_help="What is to be sent, what was sent, and sending it again.")
def deliveries() -> None:
    """The outbox. It is for the user of the daemon only: it holds what is sent to others."""


@deliveries.command("list", short_help="The newest deliveries.")
@click.option(
    "--subscription", metavar="NAME", shell_complete=complete.subscriptions,
    help="Only of this subscription.",
)  # fmt: skip
@click.option(
    "--state", type=click.Choice(STATES), help="Only in this state; dead is given up.",
)  # fmt: skip
@click.option(
    "--limit", type=click.IntRange(0, connect.MOST_INTEGER), default=DEFAULT_LIMIT, metavar="N",
    help=f"The newest N ({DEFAULT_LIMIT}); 0 is all.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="JSON lines.")
@click.pass_obj
def list_(
    options: Globals, subscription: str | None, state: str | None, limit: int, as_json: bool
) -> int:
    """The newest deliveries, the newest last."""
    found = _read(
        options,
        lambda db: report.deliveries(db, subscription=subscription, state=state, limit=limit),
    )
    if as_json:
        for delivery in found:
            output.print_json(delivery)
        return 0
    rows = [
        (d["queued"], d["id"], d["subscription"], d["target"], d["state"], d["attempts"],
         d["changes"], d["detail"] or "")
        for d in found
    ]  # fmt: skip
    columns = ("QUEUED", "ID", "SUBSCRIPTION", "TARGET", "STATE", "ATTEMPTS", "CHANGES", "DETAIL")
    output.print_table(columns, rows, below=("DETAIL",))
    return 0


@deliveries.command(short_help="A message, and what became of it.")
@click.argument("id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def show(options: Globals, id: str, as_json: bool) -> int:  # noqa: A002 - click names it so
    """The message whose id begins with ID: its attempts, and its body as it is sent."""
    found = _read(options, lambda db: report.message(db, id))
    if len(found) != 1:
        what, kind = (
            ("several messages have", UsageError) if found else ("no message has", NotThereError)
        )
        raise kind(
            f"{what} an id that begins with {id}", hint="cachesync deliveries list --limit 0"
        )
    (message,) = found
    if as_json:
        output.print_json(message)
        return 0
    output.print_line(message["id"])
    for d in message["deliveries"]:
        attempts = output.number(d["attempts"], "attempt")
        again = f", again at {d['next_attempt']}" if d["next_attempt"] and d["attempts"] else ""
        text = f"  {d['target']}: {d['state']}, {attempts}{again}"
        output.print_line(text + (f": {d['detail']}" if d["detail"] else ""))
    for line in json.dumps(message["body"], indent=2).splitlines():
        output.print_line(line)
    return 0


@deliveries.command(short_help="Try again now what failed; enable what was disabled.")
@click.argument("id", required=False, metavar="[ID]")
@click.option(
    "--target", metavar="TARGET",
    help="Only to this target: its number or address in `status`, or a subscription's name.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def retry(options: Globals, id: str | None, target: str | None, as_json: bool) -> int:  # noqa: A002
    """Try now what is pending or was given up: one message, one target's, or everything.

    Disabled targets that this concerns are enabled.
    """
    return _ask(options, {"command": "retry", "id": id, "target": target}, as_json=as_json)


@deliveries.command(short_help="Send once more what was sent since a time.")
@click.option(
    "--since", required=True, metavar="TIME|AGE|WORDS|TAG", shell_complete=complete.since,
    help="A time, an age such as 2d, or what `changes --since` takes besides.",
)  # fmt: skip
@click.option(
    "--subscription", metavar="NAME", shell_complete=complete.subscriptions,
    help="Only of this subscription.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def replay(options: Globals, since: str, subscription: str | None, as_json: bool) -> int:
    """Send the messages made since a time once more, in order and under the same ids.

    For a receiver that lost what it was sent. Delivered messages are kept for 7 days, given up
    ones for 30.
    """
    begin = point(since, paths.state_dir(options), now=time.time())
    start = begin.at if begin.tag_at is None else begin.tag_at
    if start is None:
        raise UsageError("--since takes a time or an age here", hint="2d, or 2026-11-22T16:00:00Z")
    if begin.said is not None and not options.quiet:
        note(f"since {begin.said}")
    asked = {"command": "replay", "since": start, "subscription": subscription}
    return _ask(options, asked, as_json=as_json)


def _read(options: Globals, ask: Callable[[Connection], Any]) -> Any:
    paths.require_config(options)
    state_dir = paths.state_dir(options)
    _require_outbox(state_dir)
    with outbox_errors(state_dir), closing(open_outbox(state_dir)) as db:
        return ask(db)


def _require_outbox(state_dir: Path) -> None:
    if not exists(state_dir):
        raise NotThereError(
            f"there are no deliveries in {state_dir}",
            hint="`subscriptions:` in the configuration, then cachesync run or sync",
        )


def _ask(options: Globals, asked: Mapping[str, Any], *, as_json: bool) -> int:
    config = load_config(options)
    talk.set_up(config.log, options)
    state_dir = paths.state_dir(options)
    _require_outbox(state_dir)

    def here(db: connect.Connection, writer: Writer) -> Mapping[str, Any]:
        with opened(state_dir, config, db, writer) as once:
            assert once is not None, "there is an outbox"
            answer = once.committer.run(
                lambda outbox: requests.carry_out(outbox, asked, now=clock())
            )
            once.finish()
        return answer

    answer = writing.carry_out(options, state_dir, asked, here)
    held = answer.get("held", 0)  # a daemon from before an upgrade does not say it
    if as_json:
        shown = {name: answer[name] for name in ("deliveries", "enabled")}
        output.print_json({**shown, "held": held})
    elif not options.quiet:
        for target in answer["enabled"]:
            output.print_line(f"{target['subscription']}: {target['target']} is enabled")
        count = answer["deliveries"]
        print(f"{count:,} {'delivery' if count == 1 else 'deliveries'} queued")
        if held:
            what = "1 delivery is" if held == 1 else f"{held:,} deliveries are"
            print(f"{what} held: the configuration does not name their target any more")
    return 0
