"""What is known of the terminal: whether to colour, how wide and high it is, and how rich draws on it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["console", "height", "is_colored", "is_dumb", "paint", "width"]

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def is_dumb(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the terminal says it knows no escape sequences."""
    return environ.get("TERM", "") in ("dumb", "unknown")


def is_colored(is_terminal: bool | None = None, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether to colour standard output, or a stream that `is_terminal`.

    `NO_COLOR` (no-color.org) beats `CLICOLOR_FORCE` beats `CLICOLOR=0` and a dumb terminal
    (bixense.com/clicolors); else a terminal is coloured, and nothing else.
    """
    if environ.get("NO_COLOR"):
        return False
    if environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    if environ.get("CLICOLOR") == "0" or is_dumb(environ):
        return False
    return sys.stdout.isatty() if is_terminal is None else is_terminal


def paint(text: str, style: str) -> str:
    """`text` in a style such as `bold` or `bold cyan`, where standard output is coloured."""
    if not text or not is_colored():
        return text
    codes = ";".join(_CODES[part] for part in style.split())
    return f"\x1b[{codes}m{text}\x1b[0m"


def width() -> int:
    """Columns of the terminal; 80 where it does not say."""
    return _size().columns


def height() -> int:
    """Lines of the terminal; 24 where it does not say."""
    return _size().lines


def _size() -> os.terminal_size:
    import shutil

    return shutil.get_terminal_size()


def console() -> Any:
    """A rich console that draws on standard output, whatever stands in for it, in these colours."""
    from rich.console import Console

    colored = is_colored()
    return Console(
        highlight=False,
        width=width(),
        force_terminal=colored,
        color_system="standard" if colored else None,
        no_color=not colored,
    )
