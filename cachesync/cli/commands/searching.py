"""What click knows of `search`: its help and its completion. It is run by `search` itself."""

from __future__ import annotations

from typing import Any

import click

from .. import complete, request
from ..display import columns
from ..options import Globals
from . import search as implementation

__all__ = ["search"]


class _Search(complete.QueryCommand):
    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The help of `cachesync search`, which has its own arguments."""
        formatter.write(request.help_text())


@click.command(
    cls=_Search,
    context_settings={"ignore_unknown_options": True},
    short_help="Builds that match a query, best first.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, shell_complete=complete.query)
@click.pass_obj
def search(options: Globals, arguments: tuple[str, ...]) -> int:
    """Builds that match a query, best first."""
    return implementation.run(options, list(arguments))


def _columns(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The columns that a list does not have yet."""
    before, comma, last = incomplete.rpartition(",")
    there = before.split(",")
    found = [name for name in columns.COLUMNS if name.startswith(last) and name not in there]
    return [f"{before}{comma}{name}" for name in found]


def _words(*words: str) -> Any:
    return lambda _ctx, _param, incomplete: [word for word in words if word.startswith(incomplete)]


def _sorts(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The orders; by an old name one that is typed so."""
    found = [name for name in request.SORTS if name.startswith(incomplete)]
    return found or [name for name in request.OLD_NAMES if name.startswith(incomplete)]


_VALUES = {
    **{f"--{field}": complete.of_field(field) for field in request.FIELDS},
    "--sort": _sorts,
    "--runs-on": complete.machines,
    "--group-by": _words("package"),
    "--through": _words(request.THROUGH),
    "--columns": _columns,
}


def _declare(option: request.Option) -> Any:
    return click.Option(
        [option.name],
        help=option.help,
        is_flag=option.value is None,
        multiple=option.name[2:] in request.FIELDS,
        shell_complete=_VALUES.get(option.name),
    )


search.params.extend(_declare(option) for option in request.OPTIONS if option.name != "--help")
