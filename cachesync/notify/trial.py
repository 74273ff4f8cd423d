"""Trying a subscription: what it would have matched, and one marked message to its targets."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .. import net, query
from ..config import settings
from ..config.secrets import environment_names
from ..config.settings import Config
from ..errors import CachesyncError, UsageError
from ..ledger import connect, newbuilds
from ..model import Change, First
from . import naming
from .follower import rule_of, sender_of
from .judging import Judge, ask_mirrors, is_told
from .matching import Matcher
from .message import Message, message_of_test
from .target import Delivery, Outcome, Result, open_target

__all__ = ["asks_of_dags", "is_about", "named", "send_test"]

MOST_AT_ONCE = 32


def named(config: Config, name: str) -> settings.Subscription:
    """The subscription called `name`. Raises UsageError when there is none."""
    found = next((entry for entry in config.subscriptions if entry.name == name), None)
    if found is None:
        known = ", ".join(entry.name for entry in config.subscriptions) or "none"
        raise UsageError(f"no subscription is called {name}", hint=f"subscriptions: {known}")
    return found


def asks_of_dags(entry: settings.Subscription) -> bool:
    """Whether a subscription may be about what a spec is described by."""
    return next(query.each_dag(entry.condition), None) is not None


def is_about(
    config: Config, entry: settings.Subscription, db: connect.Connection, state_dir: Path
) -> Callable[[Change], bool]:
    """What says whether a subscription is about a change of the ledger; they come in the order of the log."""
    loud = [source.name for source in config.sources if source.notify_baseline]
    judge = Judge(db, state_dir)
    rules = [rule_of(entry)]
    known = judge.mirrors() if ask_mirrors(rules) else None
    matcher = Matcher(judge.resolved(rules, known), loud=loud, judge=judge.verdict)
    is_new = newbuilds.is_first_of_build(db) if entry.first is First.BUILD else None
    return is_told(matcher, judge, is_new)


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
    message = message_of_test(sender_of(entry, config.command), seq=seq, at=time.time_ns() // 1000)
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
