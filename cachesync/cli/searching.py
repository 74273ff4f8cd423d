"""What click knows of `search`: its help and its completion. It is run by `search` itself."""

from __future__ import annotations

from typing import Any

import click

from . import search as implementation
from .entry import Globals

__all__ = ["search"]


class _Search(click.Command):
    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The help of `cachesync search`, which has its own arguments."""
        formatter.write(implementation.help_text())


@click.command(
    cls=_Search,
    context_settings={"ignore_unknown_options": True},
    short_help="Builds that match a query, best first.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def search(options: Globals, arguments: tuple[str, ...]) -> int:
    """Builds that match a query, best first."""
    return implementation.run(options, list(arguments))


def _declare(option: implementation.Option) -> Any:
    return click.Option([option.name], help=option.help, is_flag=option.value is None)


search.params.extend(
    _declare(option) for option in implementation.OPTIONS if option.name != "--help"
)
