"""`cachesync rebuild index`, `forget` and `backup`."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from .. import catalog, projection
from ..errors import UsageError
from ..ledger import connect
from ..ledger.write import Writer
from . import complete, notifying, output, paths, writing
from .configuration import load_config
from .entry import Globals

__all__ = ["backup", "forget", "rebuild"]


@click.group(short_help="Build the search index anew.")
def rebuild() -> None:
    """Build something that is derived from the ledger anew."""


@rebuild.command(short_help="Build the search index anew; searches go on.")
@click.pass_obj
def index(options: Globals) -> int:
    """Build the search index anew beside the old one and swap it in; searches go on meanwhile."""
    paths.require_config(options)
    state_dir = paths.writer_state_dir(options)
    connect.open_reader(state_dir).close()  # says so when nothing was ever synced

    def here(db: connect.Connection, _writer: Writer) -> dict[str, Any]:
        projection.rebuild(db, state_dir)
        return {}

    writing.carry_out(state_dir, {"command": "rebuild"}, here)
    if not options.quiet:
        print("the search index was built anew")
    return 0


@click.command(short_help="Drop a source and everything only it held.")
@click.argument("name", shell_complete=complete.sources)
@click.pass_obj
def forget(options: Globals, name: str) -> int:
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
            projection.catch_up(db, state_dir)
        return forgotten

    answer = writing.carry_out(state_dir, {"command": "forget", "name": name}, here)
    if not options.quiet:
        made = output.number(answer["changes"], "change")
        print(output.visible(f"{answer['name']} is forgotten: {made}"))
    return 0


@click.command(short_help="A consistent copy of the ledger, while writers run.")
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def backup(options: Globals, file: Path) -> int:
    """Copy the ledger to FILE, which must not exist; writers need not stop.

    To restore, put FILE in place of ledger.sqlite in an otherwise empty state directory.
    """
    paths.require_config(options)
    state_dir = paths.reader_state_dir(options)
    paths.leading_somewhere("the backup", file.parent)
    if os.path.lexists(file):  # a link that leads nowhere, too
        raise UsageError(f"{file} exists", hint="name a file that does not exist yet")
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    db = connect.open_reader(state_dir)
    try:
        with connect.ledger_errors(file.parent):
            connect.copy(db, partial)
            os.link(partial, file)
    finally:
        db.close()
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    if not options.quiet:
        print(output.visible(f"{file}: {file.stat().st_size / 2**20:.1f} MiB"))
    return 0
