"""What `check` prints of what it found: for people, and as JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ...model import Placement
from ...reports import coverage
from ...reports.coverage import Coverage, RootCoverage, Status
from ...spack import tags
from . import leftopen, output

if TYPE_CHECKING:
    from ... import query

__all__ = ["Entry", "Report"]

SHOWN = 20


class Entry(NamedTuple):
    """One spec of a lock, or one line of a list."""

    text: str
    target: str
    hash: str | None
    status: Status
    placements: tuple[Placement, ...]
    """Where it is, of the places that count."""
    line: int | None = None
    """In a list, counted from 1."""
    condition: query.Node | None = None
    """Of a line that is no hash."""
    specs: int | None = None
    """How many specs match such a line."""
    unjudged: int = 0
    """Where none does: builds that only a DAG that said more would decide of; see `search.leftout`."""
    undecided: int = 0
    unsigned: int = 0
    """The same of builds of which it is not known whether they are signed."""
    asks_pages: bool = False
    """Whether what pages cannot answer is asked of specs that only they tell of."""
    knows_dags: bool = False
    """Whether it asks of DAGs, and one is known."""
    systems: tuple[str, ...] = ()
    """Of what is cached and suits the machine that was named, where nothing asks for one of them."""
    read_as: str | None = None
    """What a line was read as, where that is not how it is written."""
    off: tuple[str, ...] = ()
    """Variants that a minus in it turned off."""
    excluded: tuple[str, ...] = ()
    """Words that a minus in it excludes."""
    hints: tuple[str, ...] = ()
    """Of a line that nothing matches: that no source has its package, or how a word of it is spelled here."""


class Report(NamedTuple):
    """How much of a file is cached."""

    kind: str
    """`lock` or `list`."""
    seq: int
    entries: list[Entry]
    roots: list[RootCoverage]
    """Of a lock, in its order."""
    within: tuple[query.Node, ...]
    """The conditions that held for each spec."""

    @property
    def total(self) -> Coverage:
        """Of everything together."""
        return coverage.count(entry.status for entry in self.entries)

    @property
    def systems(self) -> list[str]:
        """Of all that is cached, where a machine was named that may have one of them only."""
        return sorted({system for entry in self.entries for system in entry.systems})

    def talk(self) -> Iterator[str]:
        """What was made of the minuses of a list."""
        yield from _told("`-{0}` was read as `~{0}`: variant off", self.entries, "off")
        yield from _told(
            "`-{0}` excludes: it stands behind no package that is known to have such a variant",
            self.entries,
            "excluded",
        )

    def hints(self) -> Iterator[str]:
        """What helps with lines that nothing matches; the document has it at each."""
        yield from _told("{0}", self.entries, "hints")

    def missing_trees(self) -> tuple[list[str], list[query.Node]]:
        """The hashes that are cached nowhere, and the conditions that nothing matches."""
        missing = [entry for entry in self.entries if entry.status is Status.MISSING]
        hashes = [e.hash for e in missing if e.hash is not None]
        return hashes, [e.condition for e in missing if e.condition is not None]

    def unsaid(self) -> list[str]:
        """What to say of lines that ask what pages cannot answer, of the first `SHOWN`."""
        return _of_lines(self.entries, _unsaid)

    def order(self) -> list[str]:
        """What to say of lines of which the order of words decides, of the first `SHOWN`."""
        return _of_lines([entry for entry in self.entries if entry.knows_dags], _order)

    def document(self) -> dict[str, Any]:
        """`check --json`, without what only the caller knows."""
        return {
            "kind": self.kind,
            "as_of": {"seq": self.seq},
            "total": _coverage(self.total),
            "roots": [
                {
                    "spec": found.root.spec,
                    "hash": found.root.hash,
                    "status": found.status.value,
                    **_coverage(found.coverage),
                }
                for found in self.roots
            ],
            "tags": [{"tag": tag, "specs": specs} for tag, specs in self._tags()],
            "specs": [_entry(entry) for entry in self.entries],
        }

    def _tags(self) -> list[tuple[str, int]]:
        """How many of what is cached each tag has, the newest tag first."""
        counts: dict[str, int] = {}
        for entry in self.entries:
            if entry.status is Status.CACHED:
                for tag in {place.tag for place in entry.placements}:
                    counts[tag] = counts.get(tag, 0) + 1
        return sorted(counts.items(), key=lambda item: tags.order(item[0]), reverse=True)

    def print(self) -> None:
        """Roots, what is missing, and the total; in a pipe one line a spec."""
        if not sys.stdout.isatty():
            self._print_lines()
            return
        if self.roots:
            rows = [_root_row(found) for found in self.roots]
            output.print_table(("ROOT", "HASH", "CACHED", "MISSING", "TOTAL", "%"), rows)
            print()
        _print_entries("missing", self._with(Status.MISSING))
        _print_entries("cached, but not for this machine", self._with(Status.UNSUITABLE))
        if self._tags():
            output.print_table(("TAG", "CACHED"), self._tags()[:SHOWN])
            print()
        output.print_line(self._summary())

    def _with(self, status: Status) -> list[Entry]:
        return [entry for entry in self.entries if entry.status is status]

    def _print_lines(self) -> None:
        columns = ("STATUS", "SPEC", "TARGET", "HASH", "TAGS")
        rows = [
            (e.status.value, e.text, e.target, e.hash or "", ",".join(_tags_of(e)))
            for e in self.entries
        ]
        output.print_table(columns, rows)
        output.print_line(f"cachesync: {self._summary()}", to=sys.stderr)

    def _summary(self) -> str:
        total = self.total
        text = (
            f"{total.cached:,} of {output.number(total.cached + total.missing, 'spec')} cached"
            f" ({_percent(total)}%), {total.missing:,} missing"
        )
        external = len(self._with(Status.EXTERNAL))
        developed = len(self._with(Status.DEVELOPED))
        if external:
            text += f"; {external:,} external"
        if developed:
            text += f"; {developed:,} developed"
        return text


def _of_lines(
    entries: Sequence[Entry], say: Callable[[Entry, query.Node], Iterable[str]]
) -> list[str]:
    """What there is to say of each line, of the first `SHOWN`, and how much more there is."""
    found = [
        f"line {entry.line}: {said}"
        for entry in entries
        if entry.condition is not None
        for said in say(entry, entry.condition)
    ]
    more = len(found) - SHOWN
    return [*found[:SHOWN], *([f"{more:,} more such conditions"] if more > 0 else [])]


def _order(_entry: Entry, condition: query.Node) -> list[str]:
    return leftopen.order_of(condition)


def _unsaid(entry: Entry, condition: query.Node) -> Iterator[str]:
    if entry.asks_pages:
        yield from leftopen.unsaid_of(condition, dependencies=False).values()
    if entry.unjudged:
        yield leftopen.unjudged_text(condition, entry.unjudged, entry.undecided)
    if entry.unsigned:
        yield leftopen.unsigned_text(entry.unsigned)


def _told(text: str, entries: Sequence[Entry], names: str) -> Iterator[str]:
    """`text` of every name, with the lines that have it."""
    lines: dict[str, list[int | None]] = {}
    for entry in entries:
        for name in getattr(entry, names):
            lines.setdefault(name, []).append(entry.line)
    for name, found in list(lines.items())[:SHOWN]:
        more = ", ..." if len(found) > SHOWN else ""
        where = f"line{'s' * (len(found) > 1)} {', '.join(map(str, found[:SHOWN]))}{more}"
        yield f"{text.format(name)} ({where})"
    if len(lines) > SHOWN:
        yield f"... and {len(lines) - SHOWN:,} more such names"


def _percent(found: Coverage) -> str:
    """With one decimal, and 100.0 only for everything."""
    tenths = int(found.fraction * 1000)
    return f"{tenths / 10:.1f}"


def _root_row(found: RootCoverage) -> Sequence[object]:
    counts = found.coverage
    return (
        found.root.spec, f"/{found.root.hash[:7]}", counts.cached, counts.missing, counts.total,
        _percent(counts),
    )  # fmt: skip


def _print_entries(title: str, entries: Sequence[Entry]) -> None:
    if not entries:
        return
    print(output.heading(f"{title}: {len(entries):,}"))
    for entry in entries[:SHOWN]:
        named = f" /{entry.hash}" if entry.hash is not None and entry.hash not in entry.text else ""
        target = f" {entry.target}" if entry.target else ""
        line = f"line {entry.line}: " if entry.line is not None else ""
        output.print_line(f"  {line}{entry.text}{target}{named}")
    if len(entries) > SHOWN:
        output.print_line(f"  ... and {len(entries) - SHOWN:,} more (--json lists all)")
    print()


def _tags_of(entry: Entry) -> list[str]:
    return sorted({place.tag for place in entry.placements}, key=tags.order)


def _coverage(found: Coverage) -> dict[str, Any]:
    return {**found._asdict(), "coverage": round(found.fraction, 4)}


def _entry(entry: Entry) -> dict[str, Any]:
    found: dict[str, Any] = {
        "spec": entry.text,
        "hash": entry.hash,
        "status": entry.status.value,
        "placements": [place._asdict() for place in entry.placements],
    }
    if entry.target:
        found["target"] = entry.target
    if entry.line is not None:
        found["line"] = entry.line
    if entry.specs is not None:
        found["specs"] = entry.specs
    if entry.read_as is not None:
        found["read_as"] = entry.read_as
    if entry.hints:
        found["hints"] = list(entry.hints)
    if entry.condition is not None:
        found |= leftopen.unsaid_document(
            entry.condition, 0, entry.unjudged, asks_pages=entry.asks_pages,
            unsigned=entry.unsigned,
        )  # fmt: skip
        found |= leftopen.order_document(entry.condition) if entry.knows_dags else {}
    return found
