"""`cachesync config check`."""

from __future__ import annotations

import click

from ..errors import UsageError
from . import answer as answers
from . import output
from .configuration import find_config, load_config
from .entry import Globals
from .targets import require_extras

__all__ = ["config"]


@click.group(short_help="Check the configuration.")
def config() -> None:
    """The configuration."""


@config.command()
@click.pass_obj
def check(options: Globals) -> int:
    """Read the configuration and print every problem, with line numbers."""
    path = find_config(options)
    if path is None:
        raise UsageError("there is no config file", hint="name one with --config FILE")
    loaded = load_config(options)
    require_extras(loaded)
    for entry in loaded.subscriptions:
        for said in answers.unsaid_of(entry.condition).values():
            answers.note(f"subscription {entry.name}: {said}")
    sources = output.number(len(loaded.sources), "source")
    subscriptions = output.number(len(loaded.subscriptions), "subscription")
    print(output.visible(f"{path}: ok, {sources}, {subscriptions}"))
    return 0
