"""What must hold between the parts of a subscription; each rule yields the problems there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..model import ChangeKind
from ..net import address
from . import settings
from .yamlnodes import Node, Problem, problem_at

if TYPE_CHECKING:
    from .yamlschema import Fields

__all__ = ["address_is_public", "backfill_is_subscribed", "repeated_targets"]


def address_is_public(fields: Fields) -> Iterator[Problem]:
    """An IP address is refused here already; those of a name only when it is connected to."""
    url = fields.values.get("url")
    if url is None or fields.values.get("allow_private"):
        return
    why = address.refusal_of_literal(url)
    if why is not None:
        place = fields.places["url"]
        yield problem_at(place, f"url leads to {why}; allow_private: true permits it")


def backfill_is_subscribed(fields: Fields) -> Iterator[Problem]:
    """What is cached already is told of as spec.cached."""
    events = fields.values.get("events")
    if events is None or ChangeKind.SPEC_CACHED in events:
        return
    if fields.values.get("backfill"):
        yield problem_at(fields.places["backfill"], "backfill needs spec.cached among the events")


def repeated_targets(
    nodes: Sequence[Node], targets: Sequence[settings.Target]
) -> Iterator[Problem]:
    """No target stands twice in a subscription: a message is sent to it once, in one order."""
    lines: dict[object, int] = {}
    for node, target in zip(nodes, targets, strict=True):
        same = _identity(target)
        if same in lines:
            yield problem_at(node, f"this target already stands in line {lines[same]}")
        lines.setdefault(same, node.start_mark.line + 1)


def _identity(target: settings.Target) -> object:
    if isinstance(target, settings.WebhookTarget):
        scheme, host, port, _ = address.endpoint(target.url)
        return scheme, host, port, address.path(target.url)
    return target.argv if isinstance(target, settings.CommandTarget) else target.url
