"""What is known of the terminal: colours, width and height, characters, and how rich draws on it."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TextIO

__all__ = [
    "carries",
    "console",
    "height",
    "is_ascii",
    "is_colored",
    "is_dumb",
    "paint",
    "prepare",
    "width",
]

FALLBACK = 80
"""Columns, where a terminal does not say."""
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def is_dumb(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the terminal says it knows no escape sequences, or nothing says what it knows."""
    return environ.get("TERM", "") in ("", "dumb", "unknown")


def has_c_locale(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the user's locale is C, of which Python itself makes UTF-8 (PEP 538 and 540).

    Where LC_ALL is not set, Python leaves its LC_CTYPE=C.UTF-8 beside the LANG that said C.
    """
    names = [environ.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG")]
    if not names[0] and names[1] == "C.UTF-8":
        names[1] = ""
    return next(filter(None, names), "C") in ("C", "POSIX")


def prepare(stream: object, environ: Mapping[str, str] = os.environ) -> None:
    """Have a standard stream write what it cannot encode as an escape, instead of failing.

    A terminal in the C locale gets ASCII; in a pipe there data stays what it is.
    """
    if not isinstance(stream, io.TextIOWrapper):
        return
    ascii_only = stream.isatty() and has_c_locale(environ)
    stream.reconfigure(encoding="ascii" if ascii_only else None, errors="backslashreplace")


def carries(text: str) -> bool:
    """Whether standard output has every character of `text`."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def is_ascii() -> bool:
    """Whether standard output has no lines and boxes to draw with."""
    return not carries("\u2500")


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


def width(stream: TextIO | None = None) -> int:
    """Columns of the terminal, or of the one that a stream is; 80 where it does not say."""
    if stream is not None and not sys.stdout.isatty():
        with suppress(OSError, ValueError):
            return os.get_terminal_size(stream.fileno()).columns or FALLBACK
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
