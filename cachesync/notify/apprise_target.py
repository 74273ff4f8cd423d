"""The target that is an Apprise address: mail, chat and a hundred others, as text for people.

Apprise has no deadline for a whole notification, and loads what may hang or crash. So it runs in
another process, which gets the address on its standard input and is ended when its time is over.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib.util import find_spec
from threading import Event
from typing import Any

from ..config.secrets import reveal
from ..config.settings import AppriseTarget as AppriseConfig
from ..errors import CachesyncError
from . import process, text
from .delivery import Delivery, Outcome, Result

__all__ = ["AppriseTarget", "open_apprise", "require"]

EXTRA = "pip install 'cachesync[apprise]', or pipx inject cachesync apprise"


def require() -> None:
    """Raises CachesyncError, with the remedy, when Apprise is not installed."""
    if find_spec("apprise") is None:
        raise CachesyncError("a target of type apprise needs Apprise", hint=EXTRA)


def open_apprise(
    config: AppriseConfig, *, hidden: Collection[str], environment: Mapping[str, str]
) -> AppriseTarget:
    """The target of an entry, its address read now. Raises CachesyncError."""
    require()
    address = reveal(config.url, environment)
    if "://" not in address:
        raise CachesyncError(
            f"the secret {config.url.kind.value} {config.url.name} is no Apprise address",
            hint="expected SERVICE://..., see https://github.com/caronc/apprise/wiki",
        )
    return AppriseTarget(config, address, hidden=hidden, environment=environment)


class AppriseTarget:
    """See `target.Target`."""

    def __init__(
        self,
        config: AppriseConfig,
        address: str,
        *,
        hidden: Collection[str],
        environment: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._address = address
        self._environment = process.inherited(environment, frozenset(hidden))
        self._clock = clock

    def describe(self) -> str:
        """The service, and where its address is: all else in it may be a secret."""
        service = self._address.partition("://")[0]
        shown = service if service.isascii() and service.isalnum() else "apprise"
        return f"{shown} ({self._config.url.kind.value} {self._config.url.name})"

    def lacks(self) -> Sequence[CachesyncError]:
        """See `target.Target`."""
        return ()

    def send(self, delivery: Delivery, *, stop: Event) -> Result:
        """See `target.Target`."""
        began = self._clock()
        document = json.loads(delivery.body)
        said = self._ask({"title": text.title(document), "body": text.text(document)}, stop)
        outcome = Outcome.DELIVERED if said.get("delivered") else Outcome.FAILED
        status = said.get("status")
        detail = f"{self.describe()}: {said['detail']}"
        return Result(outcome, status, detail, None, self._clock() - began)

    def _ask(self, message: dict[str, str], stop: Event) -> dict[str, Any]:
        code = f"import sys; sys.path[:] = {sys.path!r}; from {__package__}.apprise_child import main; main()"
        try:
            finished = process.run(
                (sys.executable, "-c", code),
                standard_input=json.dumps({"url": self._address, **message}).encode(),
                environment=self._environment,
                seconds=self._config.timeout_seconds,
                stop=stop,
                read=1,
            )
            if finished.was_stopped:
                return {"detail": "stopped"}
            if finished.status is None:
                seconds = f"{self._config.timeout_seconds:g}"
                return {"detail": f"not done within {seconds} s (`timeout:`)"}
            said: dict[str, Any] = json.loads(finished.output)
        except OSError as error:
            return {"detail": (error.strerror or "it cannot be started").lower()}
        except ValueError:
            return {"detail": f"Apprise ended unexpectedly (exit status {finished.status})"}
        return said
