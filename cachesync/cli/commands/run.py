"""`cachesync run`: the daemon."""

from __future__ import annotations

import click

from ...config.settings import Config
from .. import paths, rights
from ..configuration import load_config
from ..display import talk
from ..options import Globals

__all__ = ["run"]


@click.command(short_help="The daemon: watch, fetch, keep everything up to date.")
@click.option("--pages", metavar="DIR", help="Also watch this directory; later runs do so too.")
@talk.log_format
@click.pass_obj
def run(options: Globals, pages: str | None, log_format: str | None) -> int:
    """Watch directories, fetch what is remote on schedule, and keep ledger and index up to date.

    SIGHUP reads the configuration again and passes over everything; SIGTERM ends it.
    """
    from ...daemon.service import serve

    def load() -> Config:
        config = load_config(options)
        talk.set_up(config.log, options, log_format)
        return config

    load()
    named = [] if pages is None else [paths.pages_directory(pages)]
    state_dir = paths.state_dir(options)
    rights.act_as_owner(state_dir)
    rights.require_writable(state_dir, may_be_own=True)
    return serve(state_dir, load, pages=named)
