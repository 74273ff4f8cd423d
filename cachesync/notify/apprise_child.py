"""The process in which Apprise runs: one message from standard input, one answer to standard output.

What Apprise logs may hold parts of the address, which is a secret, or bytes of a server. Only the
number of an HTTP status is taken from it.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from typing import Any

__all__ = ["main"]

_STATUS = re.compile(r"\berror=([1-5][0-9]{2})\b")


class _Statuses(logging.Handler):
    """Remembers the last status that a warning named."""

    status: int | None = None

    def emit(self, record: logging.LogRecord) -> None:
        found = _STATUS.findall(record.getMessage())
        if found:
            self.status = int(found[-1])


def main() -> None:
    """Send what standard input says and print what became of it, as JSON."""
    asked = json.load(sys.stdin)
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what plugins print is no answer
    try:
        answer = _send(asked)
    except Exception as error:  # a plugin can raise anything, and say anything in it
        answer = {"delivered": False, "detail": f"Apprise failed ({type(error).__name__})"}
    json.dump(answer, answers)
    answers.close()


def _send(asked: dict[str, str]) -> dict[str, Any]:
    import apprise

    statuses = _Statuses(logging.WARNING)
    logger = logging.getLogger("apprise")
    logger.handlers[:] = [statuses]
    logger.propagate = False
    asset = apprise.AppriseAsset(storage_mode=apprise.PersistentStoreMode.MEMORY)
    service = apprise.Apprise(asset=asset)
    if not service.add(asked["url"]):
        return {"delivered": False, "detail": "Apprise does not understand the address"}
    delivered = service.notify(
        body=asked["body"], title=asked["title"], body_format=apprise.NotifyFormat.TEXT
    )
    if delivered:
        return {"delivered": True, "detail": "delivered"}
    status = statuses.status
    detail = "Apprise could not deliver it" + (f" (status {status})" if status else "")
    return {"delivered": False, "detail": detail, "status": status}
