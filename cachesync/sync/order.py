"""Nodes in an order in which nothing refers to what comes later. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..buildcache.index import Refused
from ..model import Node

__all__ = ["dependencies_first"]


class _Waiting:
    """A node some of whose dependencies did not come yet."""

    __slots__ = ("missing", "node")

    def __init__(self, node: Node, missing: int) -> None:
        self.node = node
        self.missing = missing


def dependencies_first(
    found: Iterable[Node | Refused], coming: Iterable[str]
) -> Iterator[Node | Refused]:
    """Everything that is found, dependencies before dependents.

    `coming` are the hashes of all that will be found; what is not among them is not waited for. A node
    on a circle of dependencies is refused: it would need itself.
    """
    ahead = set(coming)
    blocked: dict[str, list[_Waiting]] = {}
    for one in found:
        if isinstance(one, Node):
            missing = [dependency for dependency, _ in one.edges if dependency in ahead]
            if missing:
                waiting = _Waiting(one, len(missing))
                for dependency in missing:
                    blocked.setdefault(dependency, []).append(waiting)
                continue
        yield one
        ahead.discard(one.hash)
        if one.hash in blocked:
            yield from _released(one.hash, blocked, ahead)
    if blocked:
        yield from _untangled(blocked, ahead)


def _released(
    spec_hash: str, blocked: dict[str, list[_Waiting]], ahead: set[str]
) -> Iterator[Node]:
    """What need not wait any longer, now that one thing came."""
    came = [spec_hash]
    while came:
        for waiting in blocked.pop(came.pop(), ()):
            waiting.missing -= 1
            if not waiting.missing:
                yield waiting.node
                ahead.discard(waiting.node.hash)
                came.append(waiting.node.hash)


def _untangled(blocked: dict[str, list[_Waiting]], ahead: set[str]) -> Iterator[Node | Refused]:
    """What waits for itself, refused; then what only waited for that."""
    left = {waiting.node.hash: waiting.node for some in blocked.values() for waiting in some}
    needed_by = {
        spec_hash: sum(waiting.node.hash in left for waiting in blocked.get(spec_hash, ()))
        for spec_hash in left
    }
    free = [spec_hash for spec_hash, number in needed_by.items() if not number]
    circling = set(left)
    while free:  # what nothing needs is on no circle
        spec_hash = free.pop()
        circling.discard(spec_hash)
        for dependency, _ in left[spec_hash].edges:
            if dependency in circling:
                needed_by[dependency] -= 1
                if not needed_by[dependency]:
                    free.append(dependency)
    for spec_hash in sorted(circling):
        ahead.discard(spec_hash)
        yield Refused(spec_hash, f"installs.{spec_hash}.spec.dependencies: it depends on itself")
    for spec_hash in sorted(circling):
        for node in _released(spec_hash, blocked, ahead):
            if node.hash not in circling:
                yield node
