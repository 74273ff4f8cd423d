"""Talk: log lines on standard error, for people or as JSON (CONFIG.md, `log`)."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

import click

from ..options import Globals
from ..remedies import reaching
from .output import timestamp, visible

__all__ = ["log_format", "set_up", "spoken_to"]


class LogSettings(Protocol):
    """What of the config this needs."""

    @property
    def format(self) -> str:
        """`text` or `json`."""

    @property
    def level(self) -> str:
        """`debug`, `info`, `warning` or `error`."""


class _Told(logging.Formatter):
    """What commands it names reach what this one does."""

    def __init__(self, options: Globals) -> None:
        super().__init__()
        self._options = options

    def message(self, record: logging.LogRecord) -> str:
        return reaching(record.getMessage(), self._options)


class _Text(_Told):
    def format(self, record: logging.LogRecord) -> str:
        return f"cachesync: {record.levelname.lower()}: {visible(self.message(record))}"


class _Journal(_Told):
    """The journal knows who speaks and when; it takes the priority from the line (sd-daemon(3))."""

    def __init__(self, inner: logging.Formatter | None, options: Globals) -> None:
        super().__init__(options)
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        text = visible(self.message(record)) if self._inner is None else self._inner.format(record)
        return f"<{_priority(record.levelno)}>{text}"


def _priority(level: int) -> int:
    """syslog(3)'s number of a level."""
    for least, priority in ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4)):
        if level >= least:
            return priority
    return 6 if level >= logging.INFO else 7


def _is_journal() -> bool:
    """Whether standard error is the journal (systemd.exec(5), $JOURNAL_STREAM)."""
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


class _Json(_Told):
    def format(self, record: logging.LogRecord) -> str:
        at = timestamp(int(time.time() * 1e6), fraction=True)
        level, message = record.levelname.lower(), self.message(record)
        return json.dumps({"at": at, "level": level, "message": message})


log_format = click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    help="Instead of the config's `log: format`.",
)


@contextmanager
def spoken_to(stream: TextIO) -> Iterator[None]:
    """Send the log there meanwhile: what draws on the terminal lets lines go above what it draws."""
    handlers = [
        one
        for one in logging.getLogger("cachesync").handlers
        if isinstance(one, logging.StreamHandler)
    ]
    before = [one.setStream(stream) for one in handlers]
    try:
        yield
    finally:
        for one, former in zip(handlers, before, strict=True):
            one.setStream(former or sys.stderr)


def set_up(settings: LogSettings, options: Globals, form: str | None = None) -> None:
    """Send the log to standard error; `-v` and `-q` move the configured level, `form` the format."""
    handler = logging.StreamHandler(sys.stderr)
    as_json = _Json(options) if (form or settings.format) == "json" else None
    handler.setFormatter(_Journal(as_json, options) if _is_journal() else as_json or _Text(options))
    logger = logging.getLogger("cachesync")
    logger.handlers[:] = [handler]
    logger.propagate = False
    level = getattr(logging, settings.level.upper())
    if options.verbose:
        level = logging.DEBUG
    if options.quiet:
        # With --json what ends the command is told once, in the form for programs.
        level = logging.CRITICAL if options.json else logging.ERROR
    logger.setLevel(level)
    for library in ("apscheduler", "watchdog", "httpx"):  # what matters of theirs is said here
        logging.getLogger(library).setLevel(logging.CRITICAL)
