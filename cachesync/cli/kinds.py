"""The kinds of change as people type them: `spec.cached`, or `cached` for short."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import UsageError
from ..model import ChangeKind

if TYPE_CHECKING:
    import click

__all__ = ["complete", "parse"]

_NAMED = {kind.label: [kind] for kind in ChangeKind}
for _kind in ChangeKind:
    _NAMED.setdefault(_kind.label.partition(".")[2], []).append(_kind)


_SHORT = [name for name in _NAMED if "." not in name]


def parse(texts: tuple[str, ...]) -> list[ChangeKind]:
    """The kinds that are named, each by its whole name or what stands behind its dot, also as lists `a,b`.

    What several kinds are called (`rejected`) is all of them. Raises UsageError for what none is called.
    """
    names = [name.strip().lower() for text in texts for name in text.split(",")]
    return list(dict.fromkeys(kind for name in names for kind in _kinds(name)))


def _kinds(name: str) -> list[ChangeKind]:
    if name in _NAMED:
        return _NAMED[name]
    from difflib import get_close_matches

    near = get_close_matches(name, _NAMED, n=1)
    meant = f"did you mean {near[0]}? " if near else ""
    raise UsageError(
        f"there is no kind {name!r} of change", hint=f"{meant}kinds: {', '.join(_SHORT)}"
    )


def complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Whole names and short ones, behind a comma too."""
    before, comma, start = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in _NAMED if name.startswith(start)]
