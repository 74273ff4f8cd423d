"""`cachesync rebuild index`: the search index, anew."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import click

from ...errors import LedgerBusyError
from ...index import catchup
from ...ledger import connect
from ...ledger.write import Writer
from .. import paths, writing
from ..display import output
from ..options import Globals

__all__ = ["rebuild"]


@click.group(short_help="Build the search index anew.")
def rebuild() -> None:
    """Build something that is derived from the ledger anew."""


@rebuild.command(short_help="Build the search index anew; searches go on.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def index(options: Globals, as_json: bool) -> int:
    """Build the search index anew beside the old one and swap it in; searches go on meanwhile."""
    paths.require_config(options)
    state_dir = paths.state_dir(options)
    with suppress(LedgerBusyError):  # nobody is waited for here: a locked one was synced
        connect.open_reader(state_dir, patience_seconds=0).close()

    def here(db: connect.Connection, _writer: Writer) -> dict[str, Any]:
        catchup.rebuild(db, state_dir)
        return {}

    started = time.monotonic()
    writing.carry_out(options, state_dir, {"command": "rebuild"}, here)
    if as_json:
        output.print_json({"rebuilt": "index", "seconds": round(time.monotonic() - started, 3)})
    elif not options.quiet:
        print("the search index was built anew")
    return 0
