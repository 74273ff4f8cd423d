"""What helps, made to reach what the command reached that says it: its --config and --state-dir.

A remedy is made where the fault is known, and names a command alone. Where it is told, the options
of the command that tells it are put in: who copies it asks the same ledger. Pure.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

from ..reports.facts import Health
from .options import Globals

__all__ = ["ELSEWHERE", "HERE", "of_health", "reaching"]

HERE = frozenset({
    "backup", "changes", "check", "config", "deliveries", "diff", "doctor", "forget", "history", "list", "probe",
    "rebuild", "run", "search", "show", "status", "subscribe", "subscriptions", "sync", "unsubscribe", "verify", "wait",
})  # fmt: skip
"""The commands that look at a configuration or a state directory."""
ELSEWHERE = frozenset({"completion", "help", "listen", "webhook"})
"""Those that do not."""
_COMMAND = re.compile(rf"\bcachesync (?=(?:{'|'.join(sorted(HERE))})\b(?![a-z ]* --help))")


def reaching(text: str, options: Globals) -> str:
    """`text`, in which every command has the global options that lead where `options` lead."""
    given = [("--config", options.config), ("--state-dir", options.state_dir)]
    words = [f"{name} {shlex.quote(_whole(value))} " for name, value in given if value]
    return _COMMAND.sub(lambda found: found[0] + "".join(words), text) if words else text


def of_health(found: Health, options: Globals) -> Health:
    """The same, and its remedies reach what `options` reach."""
    reasons = tuple(
        reason._replace(remedy=reason.remedy and reaching(reason.remedy, options))
        for reason in found.reasons
    )
    return found._replace(reasons=reasons)


def _whole(path: str) -> str:
    """A path that is the same wherever the remedy is copied to."""
    return path if Path(path).is_absolute() else os.path.abspath(path)
