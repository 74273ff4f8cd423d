"""Commands that write notify, where no daemon does it for them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ..config.settings import Config
from ..errors import OutboxError
from ..ledger import connect
from ..ledger.write import Writer
from ..system.published import DELIVERIES, deliveries, publish

__all__ = ["notified"]

_log = logging.getLogger("cachesync")


@contextmanager
def notified(
    state_dir: Path, config: Config, db: connect.Connection, writer: Writer
) -> Iterator[None]:
    """What is written inside is matched afterwards, and everything due gets one attempt.

    An outbox that cannot be used keeps nothing from being written: OutboxError is raised at the end,
    and `status` says it until the outbox can be used.
    """
    from ..notify.once import opened

    failure: OutboxError | None = None
    with ExitStack() as stack:
        once = None
        try:
            once = stack.enter_context(opened(state_dir, config, db, writer))
        except OutboxError as error:
            _log.error("nobody is notified: %s", error.message)
            failure = error
        yield
        if once is not None:
            try:
                once.finish()
            except OutboxError as error:
                failure = error
    if failure is not None or once is None:
        _tell(state_dir, failure)
    if failure is not None:
        raise failure


def _tell(state_dir: Path, failure: OutboxError | None) -> None:
    """Have `status` say why nobody is notified; None: there is nobody to be notified any more."""
    said = deliveries(state_dir) or {}
    if failure is None and not said.get("error"):
        return
    message, remedy = (None, None) if failure is None else (failure.message, failure.hint)
    with suppress(OSError):  # who may not write there is told the error
        publish(state_dir / DELIVERIES, {**said, "error": message, "remedy": remedy})
