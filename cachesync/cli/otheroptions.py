"""Options that a command does not have: which one is meant, and what is said of `-n 3`, which to `search` is query text."""

from __future__ import annotations

import re
from collections.abc import Collection

from ..errors import UsageError
from ..query import ALL_FIELDS

__all__ = ["meant_by", "short_notes", "unknown_option"]

_MEANT = {
    "--limit": ("n", "num", "number", "count", "max", "max-results", "head", "top", "first", "rows", "size", "all"),
    "--offset": ("skip", "start", "from", "page"),
    "--sort": ("order", "order-by", "sort-by", "by"),
    "--target": ("arch", "architecture", "march", "cpu", "microarchitecture"),
    "--runs-on": ("machine", "host", "for"),
    "--os": ("operating-system", "system", "distro"),
    "--tag": ("release", "branch"),
    "--columns": ("fields", "format", "show"),
    "--group-by": ("group", "packages"),
    "--hashes": ("hash", "hash-only", "l"),
    "--json": ("output", "o", "j"),
    "--spack": ("exact", "spec"),
    "--timeout": ("time-out", "max-wait", "wait-for", "for", "deadline"),
    "--webhook": ("url", "hook", "http", "post"),
    "--apprise": ("mail", "email", "e-mail", "chat", "slack", "notify"),
    "--command": ("exec", "run", "program", "script"),
}  # fmt: skip
"""What options of other programs are called here."""
_COUNT = re.compile(r'"[^"]*"|(?<!\S)-[nNl](?:\s+|=)?(\d{1,9})(?!\S)')


def meant_by(name: str, known: Collection[str]) -> list[str]:
    """The options of those known that are called so elsewhere: `-n` is `--limit`."""
    word = name.lstrip("-")
    return [one for one, others in _MEANT.items() if one in known and word in others]


def unknown_option(name: str, known: Collection[str], command: str = "search") -> UsageError:
    """The error for an option that is none of those known, with the one that is meant."""
    word = name.removeprefix("--")
    meant = meant_by(name, known)
    if not meant and word.lower() in ALL_FIELDS:
        hint = f"a field is a part of the query: {word.lower()}:VALUE"
    else:
        if not meant:
            from difflib import get_close_matches

            meant = get_close_matches(name, known, n=1, cutoff=0.75)
        hint = f"did you mean {meant[0]}?" if meant else "options: " + " ".join(known)
    return UsageError(f"{command} has no option {name}", hint=hint)


def short_notes(text: str) -> list[str]:
    """What to say of a query that has `-n 3`."""
    return [
        f"`{found[0]}` is query text, as all with one dash is: `--limit {found[1]}` shows so many builds"
        for found in _COUNT.finditer(text)
        if found[1] is not None
    ][:1]
