"""How it looks what mirrors really have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...reports import probing
from ...sources.mirror.probing import Found, State
from . import output

__all__ = ["Told", "address", "document", "found_document", "print_told", "size", "tarball"]

_ORDER = (State.MISSING, State.UNKNOWN, State.THERE)


class Told(NamedTuple):
    """What a probe found."""

    query: str
    seed: str
    matching: int
    """Pairs of a spec and a mirror, of which those asked are a sample."""
    only_pages: int
    """Specs that match, and of which no mirror is known."""
    asked: Sequence[probing.Asked]


def document(told: Told) -> dict[str, Any]:
    """It as JSON."""
    return {
        "query": told.query,
        "state": probing.worst(told.asked).value,
        "seed": told.seed,
        "matching": told.matching,
        "asked": len(told.asked),
        **{state.value: count for state, count in probing.counts(told.asked).items()},
        "only_pages": told.only_pages,
        "results": [
            {
                "hash": one.pair.hash,
                "package": one.pair.build.package,
                "version": one.pair.build.version,
                "source": one.pair.source,
                "mirror": one.pair.url,
                **found_document(one.found),
            }
            for one in _ordered(told.asked)
        ],
    }


def found_document(found: Found) -> dict[str, Any]:
    """What a mirror has of a spec, as JSON."""
    return {
        "state": found.state.value,
        "reason": found.reason,
        "layout": found.layout,
        "manifest": address(found.manifest),
        "tarball": address(found.tarball),
        "bytes": found.size,
        "bytes_by_manifest": found.said_size,
        "modified": _time(found),
        "signed": found.is_signed,
    }


def address(where: str | None) -> str | None:
    """The URL of what lies somewhere, which may be said as a path."""
    if where is None or not where.startswith("/"):
        return where
    from pathlib import Path

    return Path(where).as_uri()


def print_told(told: Told, *, quiet: bool) -> None:
    """It as a table, what is missing first, and a line that sums it up."""
    rows = [
        (
            f"/{one.pair.hash[:7]}", f"{one.pair.build.package}@{one.pair.build.version}",
            one.pair.url, one.found.state.value, size(one.found.size), _signed(one.found),
            one.found.reason or "",
        )
        for one in _ordered(told.asked)
    ]  # fmt: skip
    columns = ("HASH", "SPEC", "MIRROR", "STATE", "TARBALL", "SIGNED", "WHY")
    width = len(columns) if any(row[-1] for row in rows) else len(columns) - 1
    output.print_table(columns[:width], [row[:width] for row in rows], below=("WHY",))
    if quiet:
        return
    counts: Mapping[State, int] = probing.counts(told.asked)
    said = ", ".join(f"{counts[state]:,} {state}" for state in State if counts[state])
    output.print_line(
        f"{len(told.asked):,} of {told.matching:,} asked for (--seed {told.seed}): {said}"
    )
    if told.only_pages:
        print(f"{output.number(told.only_pages, 'spec')} more, of which only pages tell")


def tarball(found: Found, mirror: str | None = None) -> str:
    """What a mirror has of a spec, in a line: size, time, whether it is signed, and where.

    Of what is not there no address says in which `mirror`, so that is said.
    """
    if found.state is not State.THERE:
        return f"{found.state.value}: {found.reason}" + (f"  {mirror}" if mirror else "")
    signed = {None: "", True: ", signed", False: ", not signed"}[found.is_signed]
    time = _time(found)
    return f"{size(found.size)}{f', {time}' if time else ''}{signed}  {address(found.tarball)}"


def size(count: int | None) -> str:
    """A number of bytes for people: `1,632 B`, `10.2 MiB`; `-` for one that is not known."""
    if count is None:
        return "-"
    for unit, least in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= 10 * least or (count >= least and unit != "KiB"):
            return f"{count / least:,.1f} {unit}"
    return f"{count:,} B"


def _ordered(asked: Sequence[probing.Asked]) -> list[probing.Asked]:
    return sorted(
        asked,
        key=lambda one: (
            _ORDER.index(one.found.state), one.pair.build.package, one.pair.hash, one.pair.url,
        ),
    )  # fmt: skip


def _signed(found: Found) -> str:
    return {None: "-", True: "yes", False: "no"}[found.is_signed]


def _time(found: Found) -> str | None:
    return None if found.modified is None else output.timestamp(int(found.modified * 1e6))
