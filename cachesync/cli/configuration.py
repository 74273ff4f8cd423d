"""Finding and reading the config for a command."""

from __future__ import annotations

import os
from pathlib import Path

from ..config.file import Found, find, load, parse
from ..config.settings import Config
from ..errors import ConfigError, UsageError
from .options import Globals
from .paths import leading_somewhere

__all__ = ["find_config", "found_config", "load_config"]


def find_config(options: Globals) -> Path | None:
    """The config file that applies; None when there is none. Raises ConfigError."""
    found = found_config(options)
    return None if found is None else found.path


def found_config(options: Globals) -> Found | None:
    """The same, and why it is this one."""
    named = None if options.config is None else Path(options.config)
    found = find(named, os.environ)
    try:
        if found is not None:
            leading_somewhere("the config file", found.path)
    except UsageError as error:
        raise ConfigError(error.message, (), hint=error.hint) from None
    return found


def load_config(options: Globals) -> Config:
    """The config that applies; the defaults when there is no file. Raises ConfigError."""
    path = find_config(options)
    config = load(path) if path is not None else parse("", name="defaults")
    if options.config is None and options.state_dir is None:
        return config
    from .remedies import reaching

    command = reaching("cachesync changes", options).removesuffix(" changes")
    return config._replace(command=command)
