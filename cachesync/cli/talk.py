"""Talk: log lines on standard error, for people or as JSON (CONFIG.md, `log`)."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Protocol

from .entry import Globals
from .output import timestamp, visible

__all__ = ["set_up"]


class LogSettings(Protocol):
    """What of the config this needs."""

    @property
    def format(self) -> str:
        """`text` or `json`."""

    @property
    def level(self) -> str:
        """`debug`, `info`, `warning` or `error`."""


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"cachesync: {record.levelname.lower()}: {visible(record.getMessage())}"


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = timestamp(int(time.time() * 1e6), fraction=True)
        level, message = record.levelname.lower(), record.getMessage()
        return json.dumps({"at": at, "level": level, "message": message})


def set_up(settings: LogSettings, options: Globals) -> None:
    """Send the log to standard error; `-v` and `-q` move the configured level."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if settings.format == "json" else _Text())
    logger = logging.getLogger("cachesync")
    logger.handlers[:] = [handler]
    logger.propagate = False
    level = getattr(logging, settings.level.upper())
    if options.verbose:
        level = logging.DEBUG
    if options.quiet:
        level = logging.ERROR
    logger.setLevel(level)
