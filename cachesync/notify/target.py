"""What messages are sent to: opened from the configuration, and asked to make one attempt.

Nothing here knows of queues or schedules: `retry` says when to try again, and who sends keeps count.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from threading import Event
from typing import Protocol

from .. import net
from ..config import settings
from ..errors import CachesyncError
from .delivery import Delivery, Outcome, Result

__all__ = ["Delivery", "Outcome", "Result", "Target", "open_target"]


class Target(Protocol):
    """Takes messages. One may be used by one thread at a time."""

    def send(self, delivery: Delivery, *, stop: Event) -> Result:
        """One attempt. Raises nothing for what a receiver or the network does.

        When `stop` is set the attempt is abandoned: FAILED, and nobody knows whether it arrived.
        """

    def describe(self) -> str:
        """The target as it may be shown, without secrets."""

    def lacks(self) -> Sequence[CachesyncError]:
        """What is missing although it can be sent to: of several secrets those that are not there."""


def open_target(
    config: settings.Target,
    *,
    poster: net.Poster,
    hidden: Collection[str] = (),
    environment: Mapping[str, str] = os.environ,
) -> Target:
    """The target of an entry of the configuration, its secrets read now.

    `poster` sends webhooks and may be shared by all targets. `hidden` are names of environment
    variables that a command does not get: `secrets.environment_names` of the whole configuration.
    Raises CachesyncError when a secret is not where the configuration says, is none, or when
    Apprise is not installed.
    """
    if isinstance(config, settings.WebhookTarget):
        from .webhook_target import open_webhook

        return open_webhook(config, poster=poster, environment=environment)
    if isinstance(config, settings.AppriseTarget):
        from .apprise_target import open_apprise

        return open_apprise(config, hidden=hidden, environment=environment)
    from .command_target import CommandTarget

    return CommandTarget(config, hidden=hidden, environment=environment)
