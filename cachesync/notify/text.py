"""A message for people: a title of one line and a short text. Pure.

Written for mail and chat, so it holds no control characters, whatever the pages said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..spack.printed import by_language

__all__ = ["MOST_LINES", "text", "title"]

MOST_LINES = 20
"""Changes that are told one by one."""
MOST_CHARACTERS = 300
_SAID = {
    "spec.cached": "cached",
    "spec.evicted": "evicted",
    "spec.restacked": "restacked",
    "spec.refined": "described more exactly",
    "spec.described": "known with dependencies",
}


def title(document: Mapping[str, Any]) -> str:
    """`hdf5-arm: 3 specs cached` of a body in the format `standard`."""
    data = document["data"]
    if data.get("test"):
        return _plain(f"{data['subscription']}: a test")
    kinds = sorted({str(change.get("kind", "")) for change in data.get("changes", ())})
    total = int(data.get("total", 0))
    what = _SAID.get(kinds[0] if len(kinds) == 1 else _of_type(document.get("type")))
    noun = "change" if what is None else "spec"
    said = f"{total:,} {noun}{'' if total == 1 else 's'}" + (f" {what}" if what else "")
    return _plain(f"{data['subscription']}: {said}")


def _of_type(name: object) -> str:
    """`spec.cached` of the type `specs.cached`: a summary holds no changes."""
    return str(name).replace("s.", ".", 1)


def text(document: Mapping[str, Any]) -> str:
    """The changes, one a line and not all of many; of a summary its counts."""
    data = document["data"]
    changes = list(data.get("changes", ()))
    lines = [_line(change) for change in changes[:MOST_LINES]]
    lines += [_plain(line) for line in _counts(data.get("counts"))][:MOST_LINES]
    untold = len(changes) - MOST_LINES
    if untold > 0:
        lines.append(f"and {untold:,} more in this message")
    if changes and data.get("more"):
        lines.append(f"{int(data['more']):,} more follow")
    lines.append(_plain(f"query: {data['query']}"))
    if data.get("command"):
        lines.append(_plain(f"all: {data['command']}"))
    return "\n".join(lines)


def _line(change: Mapping[str, Any]) -> str:
    build = change.get("build") or {}
    parts = [str(change.get("kind", ""))]
    if "hash" in change:
        parts.append(f"/{str(change['hash'])[:7]}")
    name = str(change.get("package", ""))
    if build:
        name = (
            f"{name}@{build.get('version')}"
            f" {by_language(str(build.get('compiler')), build.get('compilers') or {})}"
            f" {build.get('os')} {build.get('target')}"
        )
    parts += [name, f"in {change['tag']}" if "tag" in change else ""]
    parts += [f"({change.get('source')})", str(change.get("reason", ""))]
    return _plain(" ".join(part for part in parts if part))


def _counts(counts: Mapping[str, Mapping[str, int]] | None) -> Iterator[str]:
    """`hdf5: 12 in develop, 3 in v0.23.0` for each package of a summary."""
    for package, tags in (counts or {}).items():
        told = ", ".join(f"{count:,} in {tag}" for tag, count in tags.items())
        yield f"{package}: {told}"


def _plain(line: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in line)[:MOST_CHARACTERS]
