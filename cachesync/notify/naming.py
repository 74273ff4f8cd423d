"""What tells targets apart, and how they are shown. Pure; no secret is needed for either."""

from __future__ import annotations

from ..config import settings
from ..net.address import shown

__all__ = ["address", "label"]


def address(target: settings.Target) -> str:
    """What makes a target the one it is: with another address it is another target."""
    if isinstance(target, settings.WebhookTarget):
        return f"webhook {target.url}"
    if isinstance(target, settings.AppriseTarget):
        return f"apprise {target.url.kind.value} {target.url.name}"
    return "command " + "\0".join(target.argv)


def label(target: settings.Target) -> str:
    """A target for people; of an address without path and query, which may be secrets."""
    if isinstance(target, settings.WebhookTarget):
        return f"webhook {shown(target.url)}"
    if isinstance(target, settings.AppriseTarget):
        return f"apprise {target.url.name}"
    return f"command {target.argv[0]}"
