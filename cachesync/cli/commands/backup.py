"""`cachesync backup`: a consistent copy of the ledger."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ...errors import UsageError
from ...ledger import connect, copying
from .. import paths
from ..display import output
from ..options import Globals

__all__ = ["backup"]


@click.command(short_help="A consistent copy of the ledger, while writers run.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def backup(options: Globals, file: Path, as_json: bool) -> int:
    """Copy the ledger to FILE, which must not exist; writers need not stop.

    To restore, put FILE in place of ledger.sqlite in an otherwise empty state directory.
    """
    paths.require_config(options)
    state_dir = paths.state_dir(options)
    paths.leading_somewhere("the backup", file)
    if os.path.lexists(file):  # a link that leads nowhere, too
        raise UsageError(f"{file} exists", hint="name a file that does not exist yet")
    db = connect.open_reader(state_dir)
    try:
        with connect.ledger_errors(state_dir):
            copying.copy(db, file)
    finally:
        db.close()
    size = file.stat().st_size
    if as_json:
        output.print_json({"backup": str(file.absolute()), "bytes": size})
    elif not options.quiet:
        output.print_line(f"{file}: {size / 2**20:.1f} MiB")
    return 0
