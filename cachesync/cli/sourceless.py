"""A configuration without a source: `run`, `doctor` and `config check` judge it as the daemon does.

To start, the daemon needs a source, of the configuration or one that the ledger remembers. While it
runs it refuses a configuration without any, when its own has some.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from ..config import parts, reload
from ..config.settings import Config
from ..errors import CachesyncError, LedgerMissingError, UsageError
from ..ledger import connect, read
from ..sync import belonging
from . import paths
from .configuration import find_config
from .display import output
from .options import Globals

__all__ = ["REMEDY", "lacking", "look_at", "refused", "remembers"]

REMEDY = "name one below `sources:` (config/cachesync.yaml shows how), or cachesync run --pages DIR"


def remembers(state_dir: Path) -> bool:
    """Whether a directory was once named by `--pages`; also where the ledger cannot be asked.

    What is wrong with it is then said by whoever opens it to write.
    """
    try:
        with connect.ledger_errors(state_dir), closing(connect.open_reader(state_dir)) as db:
            return read.has_remembered(db)
    except LedgerMissingError:
        return False
    except CachesyncError:
        return True


def refused(options: Globals, config: Config) -> str | None:
    """Why the daemon that runs by this configuration goes on with an older one; None: it does not, or none runs."""
    from ..daemon import runtime

    try:
        state_dir = paths.state_dir(options)
        belonging.require(state_dir, find_config(options))
    except UsageError:  # there is none, or it runs by another file
        return None
    said = runtime.running(state_dir) or {}
    why = reload.refusal(config, before=int(said.get("configured") or 0))
    return why and f"{why}: the daemon (pid {said['pid']}), which has some, refuses it"


def lacking(options: Globals, config: Config) -> str | None:
    """What is to say where a daemon could not start for want of a source."""
    try:
        if config.sources or remembers(paths.state_dir(options)):
            return None
    except UsageError:  # it is told where the state directory is looked at
        return None
    return "it names no source, and `run` needs one"


def look_at(options: Globals, config: Config) -> tuple[str, str, str, str | None]:
    """What `doctor` finds of a configuration that can be read: check, state, text and remedy."""
    path = find_config(options)
    why = refused(options, config)
    if why is not None:
        return "config", "error", f"{path}: {why}", REMEDY.partition(",")[0]
    missing = lacking(options, config)
    if path is None:
        more = "" if missing is None else ", and `run` needs a source"
        return "config", "ok", f"none; the defaults apply{more}", missing and REMEDY
    if missing is not None:
        return "config", "warning", f"{path}: {missing}", REMEDY
    beside = len(parts.files(path))
    more = f"; with {output.number(beside, 'file')} of {parts.directory(path)}" if beside else ""
    return "config", "ok", f"{path}{more}", None
