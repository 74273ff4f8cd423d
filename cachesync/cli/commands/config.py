"""`cachesync config check`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from ...errors import CachesyncError, UsageError
from ..configuration import find_config, load_config
from ..display import answer as answers
from ..display import output
from ..options import Globals
from ..targets import require_extras

__all__ = ["config"]


@click.group(short_help="Check the configuration.")
def config() -> None:
    """The configuration."""


@config.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def check(options: Globals, as_json: bool) -> int:
    """Read the configuration and print every problem, with line numbers. Ends with 2 for a problem."""
    path = find_config(options)
    if path is None:
        raise UsageError("there is no config file", hint="name one with --config FILE")
    try:
        loaded = load_config(options)
        require_extras(loaded)
    except CachesyncError as error:
        if as_json:
            _print_json(path, problems=error.problems or (error.message,))
        raise
    for entry in loaded.subscriptions:
        for said in answers.unsaid_of(entry.condition).values():
            answers.note(f"subscription {entry.name}: {said}")
    if as_json:
        _print_json(path, sources=len(loaded.sources), subscriptions=len(loaded.subscriptions))
        return 0
    if not loaded.sources and not loaded.subscriptions:
        print(
            output.visible(f"{path}: it names no source and no subscription; `run` needs a source")
        )
        return 0
    sources = output.number(len(loaded.sources), "source")
    subscriptions = output.number(len(loaded.subscriptions), "subscription")
    print(output.visible(f"{path}: ok, {sources}, {subscriptions}"))
    return 0


def _print_json(path: Path, *, problems: Sequence[str] = (), **counts: int) -> None:
    told = {"config": str(path), "ok": not problems, "problems": list(problems)}
    output.print_json({**told, **counts})
