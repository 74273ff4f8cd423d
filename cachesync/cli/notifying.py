"""Commands that write notify, where no daemon does it for them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..config.settings import Config
from ..errors import OutboxError
from ..ledger import connect
from ..ledger.write import Writer

__all__ = ["notified"]

_log = logging.getLogger("cachesync")


@contextmanager
def notified(
    state_dir: Path, config: Config, db: connect.Connection, writer: Writer
) -> Iterator[None]:
    """What is written inside is matched afterwards, and everything due gets one attempt.

    An outbox that cannot be used keeps nothing from being written: OutboxError is raised at the end.
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
            once.finish()
    if failure is not None:
        raise failure
