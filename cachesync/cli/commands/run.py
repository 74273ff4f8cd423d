"""`cachesync run`: the daemon."""

from __future__ import annotations

from functools import partial

import click

from ...config.settings import Config
from ...errors import UsageError
from ...sync import belonging
from .. import paths, rights, sourceless
from ..configuration import find_config, load_config
from ..display import talk
from ..options import Globals
from ..remedies import of_health

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

    def take_over() -> Config:
        config = load()
        belonging.take(state_dir, path)
        return config

    config = load()
    path = find_config(options)
    named = [] if pages is None else [paths.pages_directory(pages)]
    state_dir = paths.state_dir(options)
    rights.act_as_owner(state_dir)
    rights.require_writable(state_dir, may_be_own=True)
    if not config.sources and not named and not sourceless.remembers(state_dir):
        where = "there is no config file" if path is None else f"{path} names none"
        raise UsageError(
            f"there is no source to watch or to fetch: {where}", hint=sourceless.REMEDY
        )
    retold = partial(of_health, options=options)
    return serve(state_dir, take_over, pages=named, retold=retold)
