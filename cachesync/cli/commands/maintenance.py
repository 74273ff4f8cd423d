"""`cachesync rebuild index`, `forget` and `backup`."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import click

from ...errors import UsageError
from ...index import catchup
from ...ledger import connect
from ...ledger.write import Writer
from ...sync import catalog
from .. import complete, notifying, paths, writing
from ..configuration import load_config
from ..display import output
from ..options import Globals

__all__ = ["backup", "forget", "rebuild"]


@click.group(short_help="Build the search index anew.")
def rebuild() -> None:
    """Build something that is derived from the ledger anew."""


@rebuild.command(short_help="Build the search index anew; searches go on.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def index(options: Globals, as_json: bool) -> int:
    """Build the search index anew beside the old one and swap it in; searches go on meanwhile."""
    paths.require_config(options)
    state_dir = paths.writer_state_dir(options)
    connect.open_reader(state_dir).close()  # says so when nothing was ever synced

    def here(db: connect.Connection, _writer: Writer) -> dict[str, Any]:
        catchup.rebuild(db, state_dir)
        return {}

    started = time.monotonic()
    writing.carry_out(state_dir, {"command": "rebuild"}, here)
    if as_json:
        output.print_json({"rebuilt": "index", "seconds": round(time.monotonic() - started, 3)})
    elif not options.quiet:
        print("the search index was built anew")
    return 0


@click.command(short_help="Drop a source and everything only it held.")
@click.argument("name", shell_complete=complete.sources)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def forget(options: Globals, name: str, as_json: bool) -> int:
    """Drop the source NAME and all its placements; the change log keeps what happened.

    A source that the config names is refused: it would come back with the next pass.
    """
    config = load_config(options)
    if any(source.name == name for source in config.sources):
        raise UsageError(f"{name} is in the config", hint="remove it there first")
    state_dir = paths.writer_state_dir(options)
    connect.open_reader(state_dir).close()

    def here(db: connect.Connection, writer: Writer) -> dict[str, Any]:
        with notifying.notified(state_dir, config, db, writer):
            forgotten = catalog.forget(writer, name)
            catchup.catch_up(db, state_dir)
        return forgotten

    answer = writing.carry_out(state_dir, {"command": "forget", "name": name}, here)
    if as_json:
        output.print_json({"forgotten": answer["name"], "changes": answer["changes"]})
    elif not options.quiet:
        made = output.number(answer["changes"], "change")
        print(output.visible(f"{answer['name']} is forgotten: {made}"))
    return 0


@click.command(short_help="A consistent copy of the ledger, while writers run.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def backup(options: Globals, file: Path, as_json: bool) -> int:
    """Copy the ledger to FILE, which must not exist; writers need not stop.

    To restore, put FILE in place of ledger.sqlite in an otherwise empty state directory.
    """
    paths.require_config(options)
    state_dir = paths.reader_state_dir(options)
    paths.leading_somewhere("the backup", file.parent)
    if os.path.lexists(file):  # a link that leads nowhere, too
        raise UsageError(f"{file} exists", hint="name a file that does not exist yet")
    db = connect.open_reader(state_dir)
    try:
        with connect.ledger_errors(state_dir):
            connect.copy(db, file)
    finally:
        db.close()
    size = file.stat().st_size
    if as_json:
        output.print_json({"backup": str(file.absolute()), "bytes": size})
    elif not options.quiet:
        print(output.visible(f"{file}: {size / 2**20:.1f} MiB"))
    return 0
