"""The targets of a configuration, as the outbox numbers them."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from functools import partial

from .. import net
from ..config.secrets import environment_names
from ..config.settings import Config
from ..errors import CachesyncError
from . import naming
from .dispatch import Way
from .outbox import queue
from .outbox.connect import Run
from .target import open_target

__all__ = ["ways"]

_log = logging.getLogger("cachesync")


def ways(
    config: Config, run: Run, poster: net.Poster, *, environment: Mapping[str, str] = os.environ
) -> dict[int, Way]:
    """How to reach each target of the configuration, by its number in the outbox.

    Each is opened once to see whether it can be: what is missing is logged now, with its remedy,
    and not only when there is something to send.
    """
    hidden = environment_names(config)
    entries = {
        (subscription.name, naming.address(target)): target
        for subscription in config.subscriptions
        for target in subscription.targets
    }
    found = {}
    for row in run(queue.targets):
        entry = entries.get((row.subscription, row.address))
        if entry is not None and row.configured:
            opening = partial(
                open_target, entry, poster=poster, hidden=hidden, environment=environment
            )
            found[row.id] = Way(f"{row.subscription}: {row.label}", opening)
            _try(found[row.id])
    return found


def _try(way: Way) -> None:
    try:
        lacking = way.open().lacks()
    except CachesyncError as error:
        _log.error("%s: nothing can be sent: %s", way.name, _with_remedy(error))
        return
    for missing in lacking:
        _log.warning("%s: signed without one of its secrets: %s", way.name, _with_remedy(missing))


def _with_remedy(error: CachesyncError) -> str:
    return f"{error.message} (remedy: {error.hint})" if error.hint else error.message
