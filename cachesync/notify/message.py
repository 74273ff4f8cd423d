"""What a message says: the matches of a subscription, put into bodies that are not too large. Pure.

The form is that of CONFIG.md (`standard`). Messages of one subscription join: `since_seq` of each
is `until_seq` of the one before, so a receiver sees that none is missing. Where both are equal the
message stands beside this chain: it speaks of a target, or is a test.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ..documents import change_document, timestamp
from ..model import TOLD, Change, ChangeKind

__all__ = [
    "MOST_BYTES",
    "MOST_QUERY_BYTES",
    "Match",
    "Message",
    "Sender",
    "compose",
    "match",
    "message_of_test",
    "news_of_target",
    "type_of",
]

MOST_BYTES = 20_000
"""Of a body: Standard Webhooks recommends less than 20 kB."""
MIXED = "changes.matched"
"""The type of a message with changes of several kinds."""
TEST = "subscription.test"
MOST_QUERY_BYTES = 1_000
"""Of a query in a body; what is longer ends in an ellipsis."""
_SHORTENED = (200, 60, 20)
"""Characters that are left of a long text in a change that would not fit alone: the most that do."""


class Match(NamedTuple):
    """A change that a subscription is about, as far as messages need it."""

    seq: int
    kind: str
    package: str | None
    tag: str | None
    document: str | None
    """The change as JSON; None where it will only be counted."""


class Message(NamedTuple):
    """Something to be sent; the same bytes to every target, in every attempt."""

    type: str
    body: bytes
    since_seq: int
    """Exclusive."""
    until_seq: int
    changes: int
    """How many are in it, or counted by it."""


class Sender(NamedTuple):
    """What of a subscription goes into its messages."""

    name: str
    query: str
    most: int = 100
    summary_above: int = 1000
    most_bytes: int = MOST_BYTES
    envelope_bytes: int = 0
    """What the largest form in which bodies are sent adds to them."""
    command: str = "cachesync"
    """How a command begins that reaches this configuration and its state directory."""

    @property
    def room(self) -> int:
        """The most bytes of a body."""
        return self.most_bytes - self.envelope_bytes


def match(change: Change, *, counted_only: bool = False) -> Match:
    """What a message needs of a change."""
    text = None if counted_only else _json(change_document(change))
    return Match(change.seq, change.kind.label, change.package, change.tag, text)


def type_of(kinds: Iterable[str]) -> str:
    """`specs.cached` for changes of kind `spec.cached`, and so on; `changes.matched` for several."""
    different = set(kinds)
    if len(different) != 1:
        return MIXED
    subject, _, verb = different.pop().partition(".")
    return f"{subject}{'es' if subject == 'index' else 's'}.{verb}"


_LONGEST_TYPE = max((MIXED, *(type_of([kind.label]) for kind in TOLD)), key=len)


def compose(
    sender: Sender, matches: Sequence[Match], *, since_seq: int, until_seq: int, at: int
) -> Iterator[Message]:
    """The messages for some matches in the order of the log, at least one match.

    They stand for everything after `since_seq` up to `until_seq`; `at` is now, in microseconds.
    More than `summary_above` matches become one summary.
    """
    if len(matches) > sender.summary_above or any(m.document is None for m in matches):
        yield _summary(sender, matches, since_seq=since_seq, until_seq=until_seq, at=at)
        return
    left, start = len(matches), since_seq
    while left:
        rest = matches[len(matches) - left :][: sender.most]
        message = _fitting(sender, rest, left, len(matches), start, until_seq, at)
        yield message
        left -= message.changes
        start = message.until_seq


def _fitting(
    sender: Sender, rest: Sequence[Match], left: int, total: int, since: int, until: int, at: int
) -> Message:
    """The message with as many of `rest` from its beginning on as fit, and at least one."""
    texts = [m.document or "{}" for m in rest]
    fixed = _body(sender, _LONGEST_TYPE, at, (total, left, since, until), "[]")
    room = sender.room - len(fixed)
    if _size(texts[0]) > room:
        texts[0] = _shortened(texts[0], room)
    count, used = 0, 0
    for text in texts:
        used += _size(text) + 2
        if count and used > room + 2:
            break
        count += 1
    chosen = rest[:count]
    last = until if count == left else chosen[-1].seq
    kind = type_of(m.kind for m in chosen)
    numbers = (total, left - count, since, last)
    body = _body(sender, kind, at, numbers, f"[{', '.join(texts[:count])}]")
    return Message(kind, body, since, last, count)


def _body(
    sender: Sender, kind: str, at: int, numbers: tuple[int, int, int, int], changes: str,
    more: str = "",
) -> bytes:  # fmt: skip
    total, left_out, since, until = numbers
    data = {
        "subscription": sender.name, "query": _short(sender.query), "total": total, "more": left_out,
        "since_seq": since, "until_seq": until,
    }  # fmt: skip
    text = f'{_json(data)[:-1]}, "changes": {changes}{more}}}'
    return f"{_head(kind, at)}{text}}}".encode()


def _head(kind: str, at: int) -> str:
    head = {"schema": 1, "type": kind, "timestamp": timestamp(at)}
    return _json(head)[:-1] + ', "data": '


def _json(value: object) -> str:
    """JSON that is UTF-8 when it is encoded: half a surrogate pair, which is not, stays escaped."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _short(query: str) -> str:
    """A query, or as much of a long one as `MOST_QUERY_BYTES` hold as JSON."""
    beginning = query[:MOST_QUERY_BYTES]
    if beginning == query and _size(_json(query)) - 2 <= MOST_QUERY_BYTES:
        return query
    room, count = MOST_QUERY_BYTES - _size("…"), 0
    for character in beginning:
        room -= _size(_json(character)) - 2
        if room < 0:
            break
        count += 1
    return beginning[:count] + "…"


def _shortened(text: str, room: int) -> str:
    """A change that is too large alone: what is long in it is cut, and it says so."""
    document: dict[str, Any] = json.loads(text)
    document["shortened"] = True
    for most in _SHORTENED:
        _cut(document, most)
        for key in ("stacks_before", "stacks", "build_before", "build"):
            if _size(_json(document)) > room:
                document.pop(key, None)
        if _size(_json(document)) <= room:
            break
    return _json(document)


def _cut(document: dict[str, Any], most: int) -> None:
    for key, value in document.items():
        if isinstance(value, str) and key not in ("at", "kind", "hash"):
            document[key] = value[:most]
        elif isinstance(value, list):
            document[key] = [item[:most] for item in value]
        elif isinstance(value, dict):
            _cut(value, most)


def _summary(
    sender: Sender, matches: Sequence[Match], *, since_seq: int, until_seq: int, at: int
) -> Message:
    """Counts by package and tag, the most frequent packages first, and the command for the rest."""
    kind, total = type_of(m.kind for m in matches), len(matches)
    numbers = (total, total, since_seq, until_seq)
    command = (
        f"{sender.command} changes --subscription {shlex.quote(sender.name)}"
        f" --since {since_seq} --until {until_seq}"
    )
    counts: dict[str, dict[str, int]] = {}
    for found in matches:
        of_package = counts.setdefault(found.package or "", {})
        of_package[found.tag or ""] = of_package.get(found.tag or "", 0) + 1
    ordered = sorted(counts.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    rest: dict[str, Any] = {"counts": {}, "uncounted": {"packages": len(counts), "changes": total}}
    fixed = _body(sender, kind, at, numbers, "[]", _more(command, rest))
    room, listed, counted = sender.room - len(fixed), 0, 0
    for package, tags in ordered:
        room -= _size(_json({package: tags}))
        if room < 0:
            break
        listed += 1
        counted += sum(tags.values())
    rest = {
        "counts": dict(ordered[:listed]),
        "uncounted": {"packages": len(counts) - listed, "changes": total - counted},
    }
    body = _body(sender, kind, at, numbers, "[]", _more(command, rest))
    return Message(kind, body, since_seq, until_seq, total)


def _more(command: str, rest: dict[str, Any]) -> str:
    return ", " + _json({"command": command, **rest})[1:-1]


def news_of_target(sender: Sender, change: Change, *, at: int) -> Message:
    """What the other targets of a subscription are told when one is disabled or enabled."""
    assert change.kind in (ChangeKind.TARGET_DISABLED, ChangeKind.TARGET_ENABLED)
    kind = type_of([change.kind.label])
    numbers = (1, 0, change.seq, change.seq)
    text = _json(change_document(change))
    room = sender.room - len(_body(sender, kind, at, numbers, "[]"))
    if _size(text) > room:
        text = _shortened(text, room)
    body = _body(sender, kind, at, numbers, f"[{text}]")
    return Message(kind, body, change.seq, change.seq, 1)


def message_of_test(sender: Sender, *, seq: int, at: int) -> Message:
    """A message that says it is none: for `subscriptions test`."""
    body = _body(sender, TEST, at, (0, 0, seq, seq), "[]", ', "test": true')
    return Message(TEST, body, seq, seq, 0)
