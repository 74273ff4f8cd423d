"""Finding and reading the config for a command."""

from __future__ import annotations

import os
from pathlib import Path

from ..config.file import find, load, parse
from ..config.settings import Config
from .options import Globals

__all__ = ["find_config", "load_config"]


def find_config(options: Globals) -> Path | None:
    """The config file that applies; None when there is none. Raises ConfigError."""
    named = None if options.config is None else Path(options.config)
    return find(named, os.environ)


def load_config(options: Globals) -> Config:
    """The config that applies; the defaults when there is no file. Raises ConfigError."""
    path = find_config(options)
    return load(path) if path is not None else parse("", name="defaults")
