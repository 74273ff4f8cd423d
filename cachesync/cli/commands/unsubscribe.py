"""`cachesync unsubscribe`: remove what `cachesync subscribe` wrote."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ...config import file, parts
from ...config.written import is_written
from ...errors import CachesyncError, ConfigError, UsageError
from ...sync import belonging
from .. import asking, beside, complete, paths, reloading
from ..configuration import find_config
from ..display import output
from ..options import Globals
from ..remedies import reaching

__all__ = ["unsubscribe"]


@click.command(short_help="End a subscription that `subscribe` wrote.")
@click.argument("name", shell_complete=complete.own_subscriptions)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def unsubscribe(options: Globals, name: str, as_json: bool) -> int:
    """Remove the subscription NAME with the secret of its webhook, and have the daemon take it over.

    Only what `cachesync subscribe` wrote is removed. Of a subscription that stands elsewhere it is said
    where.
    """
    path = find_config(options)
    if path is None:
        raise UsageError(f"no subscription is called {name}: there is no configuration")
    unreadable = None
    try:
        _require_written(path, name)
    except ConfigError as error:
        if not isinstance(error.__cause__, PermissionError):  # others may read it, and are asked
            raise
        unreadable = error
    state_dir = paths.state_dir(options)
    belonging.require(state_dir, path)
    place = beside.acting(path, state_dir)
    lacking = beside.lacking(place, has_secret=False)
    if lacking is not None:
        words = ["unsubscribe", name]
        command = None if place.is_roots else asking.command(words, path, options)
        wanted = asking.Wanted(name, command, str(place.file(name)), None)
        asking.tell(wanted, as_json=as_json)
        raise asking.refused(lacking)
    if unreadable is not None:  # what the file is cannot be told
        raise unreadable
    beside.remove(place, name)
    done = reloading.reload(state_dir)
    if as_json:
        removed = str(place.file(name))
        output.print_json(
            {"subscription": name, "removed": removed, **asking.document(done)}
        )  # fmt: skip
    else:
        output.print_line(f"{name}: {place.file(name)} is removed")
        output.print_line(reaching(done.said(), options))
    if done.refusal is not None:
        raise CachesyncError(
            "the daemon goes on with what it had", hint="cachesync config check, as its user"
        )
    return 0


def _require_written(path: Path, name: str) -> None:
    """Raise UsageError where a subscription stands in a file that no command wrote for it, or nowhere.

    ConfigError where that cannot be read.
    """
    found = file.place_of(path, name)
    if found is None:
        raise UsageError(
            f"no subscription is called {name}", hint="cachesync subscriptions list names all"
        )
    where, line = found
    expected = parts.directory(path) / f"{name}{parts.SUFFIX}"
    if os.path.abspath(where) == os.path.abspath(expected) and is_written(
        *file.names_in(where), name
    ):
        return
    raise UsageError(
        f"{name} stands in {where}:{line}, and not in a file that `subscribe` wrote",
        hint="remove it there, and then: systemctl reload cachesync",
    )
