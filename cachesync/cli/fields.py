"""Options that narrow a query by fields of its language, as commands of click take them; see `query.narrowing`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click

from . import complete
from .request import FIELDS, OPTIONS

__all__ = ["given", "options"]


def options(*names: str) -> Callable[[Any], Any]:
    """A decorator for a command that takes these fields as options, each as often as one likes."""

    def declared(command: Any) -> Any:
        for option in reversed(OPTIONS):
            name = option.name.removeprefix("--")
            if name in names:
                command = click.option(
                    option.name, metavar=option.value, multiple=True,
                    help=f"As {name}: in QUERY; once more: any of these.",
                    shell_complete=complete.of_field(name),
                )(command)  # fmt: skip
        return command

    return declared


def given(**values: Iterable[str]) -> list[tuple[str, str]]:
    """What the options of a command gave, in the order of the fields."""
    return [(name, value) for name in FIELDS for value in values.get(name, ())]
