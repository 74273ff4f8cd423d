"""`cachesync changes`: the change log, and following it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ...documents import change_document
from ...ledger import connect, log, read
from ...model import TOLD, Change, ChangeKind
from .. import complete, paths
from ..configuration import load_config
from ..display import output
from ..display.changes import print_line
from ..options import Globals
from ..times import parse_since

__all__ = ["changes"]

POLL_SECONDS = 0.5
DEFAULT_LIMIT = 100
_KINDS = {kind.label: kind for kind in ChangeKind}


@click.command(short_help="What changed, oldest first.")
@click.option("--since", metavar="SEQ|TIME|AGE", help="After a seq, or from a time or age (2d) on.")
@click.option(
    "--kind", "kinds", multiple=True, type=click.Choice(list(_KINDS)), metavar="KIND",
    help="Only this kind, such as spec.cached; may be repeated.",
)  # fmt: skip
@click.option(
    "--package", metavar="PACKAGE", help="Only of this package.", shell_complete=complete.packages
)
@click.option("--tag", metavar="TAG", help="Only of this tag.", shell_complete=complete.tags)
@click.option(
    "--source", metavar="SOURCE", help="Only of this source.", shell_complete=complete.sources
)
@click.option(
    "--limit", type=click.IntRange(0, connect.MOST_INTEGER), default=None,
    metavar="N",
    help=f"The oldest N; 0 is all. Default: all with --since, else the newest {DEFAULT_LIMIT}.",
)  # fmt: skip
@click.option(
    "--until", type=click.IntRange(0, connect.MOST_INTEGER), default=None, metavar="SEQ",
    help="Only up to this seq, inclusive.",
)  # fmt: skip
@click.option(
    "--subscription", metavar="NAME", shell_complete=complete.subscriptions,
    help="Only what this subscription is about.",
)  # fmt: skip
@click.option("--follow", is_flag=True, help="Go on printing changes as they are made.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines.")
@click.pass_obj
def changes(
    options: Globals,
    since: str | None,
    kinds: tuple[str, ...],
    package: str | None,
    tag: str | None,
    source: str | None,
    limit: int | None,
    until: int | None,
    subscription: str | None,
    follow: bool,
    as_json: bool,
) -> int:
    """What changed, oldest first.

    \b
    cachesync changes --since 2d --kind spec.cached
    cachesync changes --follow --json --package hdf5
    """
    paths.require_config(options)
    after, start = parse_since(since, now=time.time())
    wanted = log.Filter(
        after=after,
        since=start,
        kinds=[_KINDS[kind] for kind in kinds] or ([] if as_json else TOLD),
        package=package,
        tag=tag,
        source=source,
        until=until,
    )
    state_dir = paths.state_dir(options)
    show = _print_json if as_json else print_line
    about = None if subscription is None else _about(options, subscription, state_dir)
    with connect.ledger_errors(state_dir):
        db = connect.open_reader(state_dir)
        try:
            if about is not None:
                wanted = about(wanted, db)
            last = _print_some(db, wanted, since=since, limit=limit, show=show)
            while follow:
                sys.stdout.flush()
                time.sleep(POLL_SECONDS)
                for change in log.changes(db, wanted._replace(after=last)):
                    show(change)
                    last = change.seq
        finally:
            db.close()
    return 0


def _about(
    options: Globals, name: str, state_dir: Path
) -> Callable[[log.Filter, connect.Connection], log.Filter]:
    """What makes a filter one for what a subscription would tell of."""
    from ...notify import trial

    config = load_config(options)
    entry = trial.named(config, name)

    def about(wanted: log.Filter, db: connect.Connection) -> log.Filter:
        if wanted.kinds == TOLD and trial.asks_of_dags(entry):
            wanted = wanted._replace(kinds=tuple(ChangeKind))
        return wanted._replace(about=trial.is_about(config, entry, db, state_dir))

    return about


def _print_some(
    db: connect.Connection, wanted: log.Filter, *, since: str | None, limit: int | None, show: Any
) -> int:
    """Print what there is; returns the last seq that was looked at."""
    last = max(read.last_seq(db), wanted.after)
    if limit is None and since is None:
        wanted = wanted._replace(after=log.newest_after(db, wanted, DEFAULT_LIMIT))
    for change in log.changes(db, wanted, limit=limit or 0):
        show(change)
        last = max(last, change.seq)
    return last


def _print_json(change: Change) -> None:
    output.print_json(change_document(change))
