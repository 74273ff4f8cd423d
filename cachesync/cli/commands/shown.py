"""What `show` tells people of a package or a spec."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence

from ...model import Build, Change, ChangeKind
from ...search.answers import Answer, Hit, MatchedSpec
from ...spack.printed import by_language
from ...spack.tags import order
from ..display import brief, output
from ..options import Globals
from ..remedies import reaching
from . import showing

__all__ = ["tell"]

SHOWN_HASHES = 5
SHOWN_PLACES = 3
SHOWN_CHANGES = 20
SHOWN_TIMES = 10
"""Lines of the history in its short form, which tells what happened to a package at one time."""

SECOND = 1_000_000


def tell(
    what: str,
    answer: Answer,
    known: showing.Facts,
    history: list[Change],
    options: Globals,
    *,
    spec: str | None,
    is_long: bool,
) -> None:
    """Print all that is known: of a package on a terminal in short, unless it `is_long`."""
    builds, specs = (
        output.number(n, noun) for n, noun in ((answer.builds, "build"), (answer.specs, "spec"))
    )
    is_short = sys.stdout.isatty() and spec is None and not is_long
    tags = brief.common_tags(answer.hits) if is_short else ()
    everywhere = f", all in {brief.shrunk(tags)}" if tags else ""
    output.print_line(f"{what}: {builds}, {specs} cached now{everywhere}")
    if is_short and answer.hits:
        placed = [one.hash for hit in answer.hits for one in hit.specs]
        leaving = {one for one in placed if showing.leaving(one, known)}
        below = {one: [*showing.tarballs_of(one, known)] for one in placed}
        brief.print_placed(answer.hits, leaving=leaving, below=below, has_tags=not tags)
    for hit in () if is_short else answer.hits:
        _print_hit(hit, known, is_long=is_long)
        if spec is None:
            showing.print_tarballs(hit, known)
    showing.print_not_cached(known)
    if spec is not None:
        showing.print_spec(spec, known, options)
    if history:
        print(output.heading("history:") if is_short else "history:")
        if is_short:
            _print_times(what, history, options)
        else:
            _print_history(what, history, options, is_long=is_long)


def _print_hit(hit: Hit, known: showing.Facts, *, is_long: bool) -> None:
    for form, specs in showing.forms(hit, known).items():
        print()
        output.print_line(_title(hit.build) if form is None else form)
        if form is None and hit.build.variants:
            output.print_line(f"  {' '.join(hit.build.variants)}")
        shown = specs if is_long else specs[:SHOWN_HASHES]
        for spec in shown:
            leaving = showing.leaving(spec.hash, known)
            output.print_line(f"  /{spec.hash}  {_places(spec, is_long=is_long)}{leaving}", hang=4)
        if len(specs) > len(shown):
            more = f"{len(specs) - len(shown):,} more hashes"
            output.print_line(f"  ... and {more} (--json lists all)")


def _places(spec: MatchedSpec, *, is_long: bool) -> str:
    places = sorted({f"{p.tag} ({', '.join(p.stacks)})" for p in spec.placements})
    shown = places if is_long else places[:SHOWN_PLACES]
    left = len(places) - len(shown)
    return "; ".join(shown) + (f" and {output.number(left, 'more tag')}" if left else "")


def _title(build: Build) -> str:
    where = f"{build.platform}-{build.os}-{build.target}"
    compilers = by_language(build.compiler, dict(build.compilers))
    return f"{build.package}@{build.version} {compilers} {where}"


def _print_history(
    what: str, history: Sequence[Change], options: Globals, *, is_long: bool
) -> None:
    """What was cached, by time and place, and then everything else."""
    others = [change for change in history if change.kind is not ChangeKind.SPEC_CACHED]
    cached = [change for change in history if change.kind is ChangeKind.SPEC_CACHED]
    most = len(history) if is_long else SHOWN_CHANGES
    for line in _cached_lines(cached, most):
        output.print_line(f"  {line}")
    for change in others[-most:]:
        flag = " (last)" if change.flag else ""
        spec = f" /{change.hash[:7]}" if change.hash is not None else ""
        line = f"{output.timestamp(change.at)}  {change.kind.label}{flag}{spec}  {_where(change)}"
        output.print_line(f"  {line}")
    if len(others) > most:
        _print_older(len(others) - most, others[-1].package or what, options)


def _cached_lines(cached: Iterable[Change], most: int) -> list[str]:
    """One line for each time and place at which specs were cached."""
    groups: dict[tuple[int, str], int] = {}
    for change in cached:
        key = (change.at, _where(change))
        groups[key] = groups.get(key, 0) + 1
    lines = [
        f"{output.timestamp(at)}  spec.cached {output.number(count, 'spec')}  {where}"
        for (at, where), count in groups.items()
    ]
    if len(lines) > most:
        return [f"... {len(lines) - most:,} older", *lines[-most:]]
    return lines


def _print_times(what: str, history: Sequence[Change], options: Globals) -> None:
    """What happened at each time, a kind and a source on a line, with all the tags in which it did."""
    groups: dict[tuple[int, str, str], list[Change]] = {}
    for change in sorted(history, key=lambda change: change.at):
        flag = " last" if change.flag and change.kind is ChangeKind.SPEC_EVICTED else ""
        kind = change.kind.label.removeprefix("spec.")  # as `changes` names them on a terminal
        key = (change.at // SECOND, f"{kind}{flag}", change.source or "")
        groups.setdefault(key, []).append(change)
    lines = list(_lines_of_times(groups))
    if len(lines) > SHOWN_TIMES:
        _print_older(len(lines) - SHOWN_TIMES, history[-1].package or what, options)
    for line in lines[-SHOWN_TIMES:]:
        output.print_line(f"  {line}")


def _lines_of_times(groups: dict[tuple[int, str, str], list[Change]]) -> Iterator[str]:
    for (_, kind, source), changes in groups.items():
        specs = {change.hash for change in changes if change.hash is not None}
        count = f" {output.number(len(specs), 'spec')}" if specs else ""
        tags = sorted({change.tag or "" for change in changes}, key=order, reverse=True)
        yield f"{output.timestamp(changes[0].at)}  {kind}{count}  {source}: {brief.shrunk(tags)}"


def _print_older(count: int, package: str, options: Globals) -> None:
    every = reaching("cachesync changes --limit 0 --package", options)
    output.print_line(f"  ... {count:,} older ({every} {shlex.quote(package)})")


def _where(change: Change) -> str:
    return f"{change.source}: {change.tag}/{change.package}"
