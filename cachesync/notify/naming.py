"""What tells targets apart, and how they are shown. Pure; no secret is needed for either."""

from __future__ import annotations

from .. import net
from ..config import settings

__all__ = ["address", "label"]


def address(target: settings.Target) -> str:
    """What makes a target the one it is: with another address it is another target."""
    if isinstance(target, settings.WebhookTarget):
        return f"webhook {target.url}"
    if isinstance(target, settings.AppriseTarget):
        return f"apprise {target.url.kind.value} {target.url.name}"
    return "command " + "\0".join(target.argv)


def label(target: settings.Target) -> str:
    """A target for people; of an address without user, password and query."""
    if isinstance(target, settings.WebhookTarget):
        return f"webhook {net.shown(target.url)}"
    if isinstance(target, settings.AppriseTarget):
        return f"apprise {target.url.name}"
    return f"command {target.argv[0]}"
