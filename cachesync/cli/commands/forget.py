"""`cachesync forget`: a source and everything only it held."""

from __future__ import annotations

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

__all__ = ["forget"]


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
    state_dir = paths.state_dir(options)
    connect.open_reader(state_dir).close()

    def here(db: connect.Connection, writer: Writer) -> dict[str, Any]:
        with notifying.notified(state_dir, config, db, writer):
            forgotten = catalog.forget(writer, name)
            catchup.catch_up(db, state_dir)
        return forgotten

    answer = writing.carry_out(options, state_dir, {"command": "forget", "name": name}, here)
    if as_json:
        output.print_json({"forgotten": answer["name"], "changes": answer["changes"]})
    elif not options.quiet:
        made = output.number(answer["changes"], "change")
        output.print_line(f"{answer['name']} is forgotten: {made}")
    return 0
