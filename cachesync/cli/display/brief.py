"""Builds of `show` and `diff` on a terminal: a line a build, and what a package's builds have in common once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from ...spack import tags as names
from . import output

if TYPE_CHECKING:
    from ...model import Build
    from ...search.answers import Hit, MatchedSpec

__all__ = ["SHOWN_BUILDS", "common_tags", "places", "print_counted", "print_placed", "shrunk"]

SHOWN_BUILDS = 60
SHOWN_HASHES = 3
BEGINNING = 7
"""Digits of a hash, as Spack shows it."""
ALL_LINES = 1 << 20
"""A terminal so high that nothing is left out for the sake of its lines."""


def print_placed(
    hits: Sequence[Hit],
    *,
    leaving: Collection[str],
    below: Mapping[str, Sequence[str]],
    has_tags: bool,
) -> None:
    """Print builds, each with the beginnings of its hashes and (`has_tags`) the tags they are in.

    Specs whose hash is in `leaving` are marked; `below` are lines about specs, by hash.
    """
    from . import grouped

    entries = [
        grouped.entry(
            hit.build,
            specs=len(hit.specs),
            below=[line for spec in hit.specs for line in below.get(spec.hash, ())],
            place=places(hit.specs, leaving, has_tags=has_tags),
        )
        for hit in hits[:SHOWN_BUILDS]
    ]
    is_whole = grouped.draw(entries, gather=True, height=ALL_LINES)
    left = len(hits) - len(entries)
    more = f"... and {output.number(left, 'more build')} " if left else ""
    if left or not is_whole or any(len(hit.specs) > SHOWN_HASHES for hit in hits):
        output.print_line(f"{more}(--long shows all)")


def print_counted(builds: Sequence[tuple[Build, int]]) -> bool:
    """Print builds, each with how many specs of it are meant; returns whether that is every variant."""
    from . import grouped

    entries = [
        grouped.entry(build, specs=specs, place=output.number(specs, "spec"))
        for build, specs in builds
    ]
    return grouped.draw(entries, gather=True, height=ALL_LINES)


def common_tags(hits: Sequence[Hit]) -> Sequence[str]:
    """The tags of all specs, the newest first; none where they differ."""
    found = {_tags(spec) for hit in hits for spec in hit.specs}
    return found.pop() if len(found) == 1 else ()


def places(specs: Sequence[MatchedSpec], leaving: Collection[str], *, has_tags: bool) -> str:
    """Beginnings of hashes and behind them their tags, of which one is named: `/abcdefg develop +3`."""
    together: dict[tuple[str, ...], list[str]] = {}
    for spec in specs:
        marked = " (leaving)" if spec.hash in leaving else ""
        tags = _tags(spec) if has_tags else ()
        together.setdefault(tags, []).append(f"/{spec.hash[:BEGINNING]}{marked}")
    parts: list[str] = []
    left = len(specs)
    for tags, hashes in together.items():
        shown = hashes[: max(0, SHOWN_HASHES - (len(specs) - left))]
        if not shown:
            return f"{', '.join(parts)}, +{left:,}"
        more = f" +{len(hashes) - len(shown):,}" if len(hashes) > len(shown) else ""
        parts.append(f"{' '.join(shown)}{more} {shrunk(tags)}".rstrip())
        left -= len(hashes)
    return ", ".join(parts)


def _tags(spec: MatchedSpec) -> tuple[str, ...]:
    return tuple(sorted({p.tag for p in spec.placements}, key=names.order, reverse=True))


def shrunk(tags: Sequence[str]) -> str:
    """The first of some tags, and how many there are besides: `develop +3`."""
    return f"{tags[0]} +{len(tags) - 1}" if len(tags) > 1 else "".join(tags)
