"""Hits in groups on a terminal: what `compact` makes of them, printed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ...model import Build
from . import columns, output, terminal
from .compact import Entry, compact

if TYPE_CHECKING:
    from ...search.answers import Hit
    from ...search.why import Whys

__all__ = ["draw", "entry", "print_hits"]


def print_hits(hits: Sequence[Hit], why: Whys | None, *, with_hashes: bool, gather: bool) -> bool:
    """Print what the terminal has room for; returns whether that is every variant."""
    entries = [_entry(hit, why, with_hashes=with_hashes) for hit in hits]
    return draw(entries, gather=gather, height=terminal.height())


def draw(entries: Sequence[Entry], *, gather: bool, height: int) -> bool:
    """Print builds, best on a terminal of that many lines; returns whether that is every variant."""
    shown = compact(
        entries,
        width=terminal.width(),
        height=height,
        gather=gather,
        dots="\u2026" if terminal.carries("\u2026") else "...",
    )
    for line in shown.lines:
        text = "".join(terminal.paint(*piece) if piece.style else piece.text for piece in line)
        sys.stdout.write(f"{text.rstrip()}\n")
    return shown.is_whole


def entry(
    build: Build,
    *,
    specs: int,
    tags: Iterable[str] = (),
    below: Iterable[str] = (),
    place: str = "",
) -> Entry:
    """A build and what is shown of it, all of it fit for a terminal."""
    return Entry(
        Build(
            package=output.visible(build.package),
            version=output.visible(build.version),
            compiler=build.compiler,
            os=output.visible(build.os),
            platform=build.platform,
            target=output.visible(build.target),
            variants=_visible(build.variants),
        ),
        output.visible(columns.compilers(build)),
        specs,
        _visible(tags),
        _visible(below),
        output.visible(place),
    )


def _entry(hit: Hit, why: Whys | None, *, with_hashes: bool) -> Entry:
    below = []
    if with_hashes:
        below.append(" ".join(f"/{spec.hash}" for spec in hit.specs))
    if why is not None:
        from . import reasons

        below += reasons.paragraphs(hit, why)
    return entry(hit.build, specs=len(hit.specs), tags=columns.tags(hit), below=below)


def _visible(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(output.visible, texts))
