"""Trying a subscription: what it would have matched, and one marked message to its targets."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .. import net
from ..config import settings
from ..config.secrets import environment_names
from ..config.settings import Config
from ..errors import CachesyncError, UsageError
from ..ledger import connect, newbuilds
from ..model import Change, ChangeKind, First
from . import naming
from .follower import rule_of, sender_of
from .message import Message, message_of_test
from .subscription import Matcher
from .target import Delivery, Outcome, Result, open_target

__all__ = ["is_about", "named", "send_test"]

MOST_AT_ONCE = 32


def named(config: Config, name: str) -> settings.Subscription:
    """The subscription called `name`. Raises UsageError when there is none."""
    found = next((entry for entry in config.subscriptions if entry.name == name), None)
    if found is None:
        known = ", ".join(entry.name for entry in config.subscriptions) or "none"
        raise UsageError(f"no subscription is called {name}", hint=f"subscriptions: {known}")
    return found


def is_about(
    config: Config, entry: settings.Subscription, db: connect.Connection
) -> Callable[[Change], bool]:
    """What says whether a subscription is about a change of the ledger."""
    loud = [source.name for source in config.sources if source.notify_baseline]
    matcher = Matcher((rule_of(entry),), loud=loud)
    if entry.first is not First.BUILD:
        return lambda change: bool(matcher.matching(change))
    is_new = newbuilds.is_first_of_build(db)

    def is_told(change: Change) -> bool:
        if not matcher.matching(change):
            return False
        return change.kind is not ChangeKind.SPEC_CACHED or is_new(change)

    return is_told


def send_test(
    config: Config,
    name: str,
    *,
    seq: int,
    environment: Mapping[str, str] = os.environ,
    stop: threading.Event | None = None,
) -> list[dict[str, Any]]:
    """One message that says it is a test to each target of a subscription; what came of each.

    Raises UsageError when there is no such subscription.
    """
    entry = named(config, name)
    message = message_of_test(sender_of(entry), seq=seq, at=time.time_ns() // 1000)
    hidden = environment_names(config)
    ending = stop or threading.Event()

    with net.open_poster() as poster, ThreadPoolExecutor(MOST_AT_ONCE) as pool:

        def attempt(target: settings.Target) -> Result:
            try:
                opened = open_target(target, poster=poster, hidden=hidden, environment=environment)
            except CachesyncError as error:
                return Result(Outcome.FAILED, None, error.message, None, 0.0)
            return opened.send(_delivery(message), stop=ending)

        results = list(pool.map(attempt, entry.targets))
    return [
        {
            "target": naming.label(target), "outcome": result.outcome.value,
            "status": result.status, "detail": result.whole, "seconds": round(result.seconds, 3),
        }
        for target, result in zip(entry.targets, results, strict=True)
    ]  # fmt: skip


def _delivery(message: Message) -> Delivery:
    return Delivery(f"msg_{os.urandom(16).hex()}", message.type, message.body, int(time.time()))
