"""A message for people: a title of one line and a short text. Pure.

Written for mail and chat, so it holds no control characters, whatever the pages said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["MOST_LINES", "text", "title"]

MOST_LINES = 20
"""Changes that are told one by one."""
MOST_CHARACTERS = 300
_SAID = {
    "spec.cached": "cached",
    "spec.evicted": "evicted",
    "spec.restacked": "restacked",
    "spec.refined": "described more exactly",
}


def title(document: Mapping[str, Any]) -> str:
    """`hdf5-arm: 3 specs cached` of a body in the format `standard`."""
    data = document["data"]
    kinds = sorted({str(change.get("kind", "")) for change in data.get("changes", ())})
    total = int(data.get("total", 0))
    if len(kinds) == 1 and kinds[0] in _SAID:
        what = f"{total:,} spec{'' if total == 1 else 's'} {_SAID[kinds[0]]}"
    else:
        what = f"{total:,} change{'' if total == 1 else 's'}"
    return _plain(f"{data['subscription']}: {what}")


def text(document: Mapping[str, Any]) -> str:
    """The changes, one a line and not all of many; of a summary its counts."""
    data = document["data"]
    changes = list(data.get("changes", ()))
    lines = [_line(change) for change in changes[:MOST_LINES]]
    lines += [_plain(line) for line in _counts(data.get("counts"))][:MOST_LINES]
    untold = len(changes) - MOST_LINES
    if untold > 0:
        lines.append(f"and {untold:,} more in this message")
    if data.get("more"):
        lines.append(f"{int(data['more']):,} more follow")
    lines.append(_plain(f"query: {data['query']}"))
    if "since_seq" in data:
        lines.append(f"all: cachesync changes --since {int(data['since_seq'])}")
    return "\n".join(lines)


def _line(change: Mapping[str, Any]) -> str:
    build = change.get("build") or {}
    parts = [str(change.get("kind", ""))]
    if "hash" in change:
        parts.append(f"/{str(change['hash'])[:7]}")
    name = str(change.get("package", ""))
    if build:
        name = (
            f"{name}@{build.get('version')} %{build.get('compiler')}"
            f" {build.get('os')} {build.get('target')}"
        )
    parts += [name, f"in {change['tag']}" if "tag" in change else ""]
    parts += [f"({change.get('source')})", str(change.get("reason", ""))]
    return _plain(" ".join(part for part in parts if part))


def _counts(counts: Any, names: tuple[str, ...] = ()) -> Iterator[str]:
    """`package hdf5: 12` for each number in nested mappings and lists of a summary."""
    if isinstance(counts, Mapping):
        for name, inner in counts.items():
            yield from _counts(inner, (*names, str(name)))
    elif isinstance(counts, list):
        for inner in counts:
            if isinstance(inner, Mapping):
                yield ", ".join(f"{name}: {value}" for name, value in inner.items())
    elif counts is not None:
        yield f"{' '.join(names)}: {counts}"


def _plain(line: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in line)[:MOST_CHARACTERS]
