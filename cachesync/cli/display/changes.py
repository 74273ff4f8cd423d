"""Changes for people: one on a line in a pipe, a table on a terminal, and how many there are."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from ...model import NO_COMPILER, Build, Change, ChangeKind
from ...spack.printed import by_language
from . import output, tables, terminal
from .wrapping import longest, width, wrap

__all__ = ["Table", "print_all", "print_count", "print_line", "wrapped"]

AT_ONCE = 200
"""Changes that a table is fitted to: there may be very many, and who looks at the first waits for no others."""
LEAST_BESIDE = 40
"""Columns that what a change is about has beside the others, or it stands below them."""
NARROW = 60
"""Columns below which there is room for lines only."""
INDENT = 4


def print_line(change: Change) -> None:
    """A change for people, on one line."""
    parts = [
        str(change.seq),
        output.timestamp(change.at) or "",
        change.kind.label + (f" ({flag})" if (flag := _flag(change)) else ""),
        change.source or change.subscription or "",
        f"{change.tag}/{change.package}" if change.tag is not None and change.package is not None
        else _elsewhere(change),
    ]  # fmt: skip
    if change.hash is not None and change.build is not None:
        build = change.build
        parts.append(
            f"/{change.hash[:7]} {build.package}@{build.version} {_compiler(build)} {build.os} {build.target}"
        )
    if change.stacks_before is not None:
        parts.append(_restacked(change))
    if change.reason is not None:
        parts.append(change.reason)
    output.print_line("  ".join(parts), hang=4)


def print_all(changes: Sequence[Change]) -> None:
    """A few changes: a table on a terminal, in a pipe one on a line."""
    if sys.stdout.isatty():
        table = Table(has_sources=len({change.source for change in changes}) > 1)
        for _ in table.draw(changes):
            pass
        return
    for change in changes:
        print_line(change)


def print_count(shown: int, of: int | None, *, newest: bool) -> None:
    """How many changes there are (None: nobody counted), and how those are seen that are not shown."""
    more = ""
    if of is None:
        more = f" shown, the {'newest' if newest else 'oldest'} (--limit 0 shows all)"
    elif newest and shown < of:
        more = f", the newest {shown:,} shown (--limit 0 shows all, --summary counts them)"
    elif shown < of:
        more = f", the oldest {shown:,} shown (--limit 0 shows all, the newest last)"
    print(wrapped(f"{output.number(shown if of is None else of, 'change')}{more}"))


class Table:
    """The changes on a terminal: a table of the first, then lines in its columns, however many come."""

    def __init__(self, *, has_sources: bool) -> None:
        self._columns = ["SEQ", "AT", "CHANGE", *(["SOURCE"] if has_sources else []), "TAG", "WHAT"]
        self._table: tables.Table | None = None
        self._fit: tables.Fit | None = None
        """None where the terminal is too narrow for a table."""
        self._is_over = False
        """Whether a source stands above its changes, since there is no room for a column of sources."""
        self._over = ""
        """What was said above the change before."""

    def draw(self, changes: Iterable[Change]) -> Iterator[Change]:
        """Draw them; each is given back once it is drawn."""
        changes = iter(changes)
        some = list(islice(changes, AT_ONCE))
        if some:
            self._begin(some)
        yield from some
        for change in changes:
            self.line(change)
            yield change

    def line(self, change: Change) -> None:
        """One more, below what was drawn."""
        if self._table is None:
            self._begin([change])
            return
        row = self._row(change)
        if over := self._said_over(change):
            print(terminal.paint(wrapped(over), "bold"))
        fit = None if self._fit is None else tables.draw_row(self._table, self._fit, row)
        if fit is None:
            _print_line(row)
        else:
            self._fit = fit

    def _begin(self, changes: Sequence[Change]) -> None:
        rows = [self._row(change) for change in changes]
        if "SOURCE" in self._columns and not _are_flat(self._columns, rows):
            self._columns.remove("SOURCE")
            self._is_over = True
            rows = [self._row(change) for change in changes]
        over = [self._said_over(change) for change in changes]
        self._table = tables.Table(
            self._columns, rows, numbers=output.NUMBERS, long=output.LONG, over=over
        )
        if terminal.width() < NARROW:
            for text, row in zip(over, rows, strict=True):
                if text:
                    print(terminal.paint(wrapped(text), "bold"))
                _print_line(row)
            return
        others = self._table._replace(cells=[[*row[:-1], ""] for row in rows])
        grid = tables.fitted(others, terminal.width()).grid
        beside = 0 if grid is None else sum(wide + tables.GAP for wide in grid.widths)
        least = max(LEAST_BESIDE, *(longest(row[-1]) for row in rows))
        is_beside = grid is not None and terminal.width() - beside >= least
        self._table = self._table._replace(below=() if is_beside else ("WHAT",))
        self._fit = tables.draw(self._table)

    def _said_over(self, change: Change) -> str:
        """What stands above a change: its source, where the change before is of another."""
        if not self._is_over:
            return ""
        name = "source" if change.source or not change.subscription else "subscription"
        over = f"{name}: {output.visible(change.source or change.subscription or 'none')}"
        if over == self._over:
            return ""
        self._over = over
        return over

    def _row(self, change: Change) -> list[str]:
        group, _, kind = change.kind.label.partition(".")
        row = [
            str(change.seq),
            output.timestamp(change.at) or "",
            f"{kind if group == 'spec' else change.kind.label} {_flag(change)}".strip(),
            *([change.source or change.subscription or ""] if "SOURCE" in self._columns else []),
            change.tag or "",
            _what(change),
        ]
        return list(map(output.visible, row))


def _are_flat(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the rows fit the terminal, and most of them on one line."""
    widest = [max(map(width, column)) for column in zip(columns, *rows, strict=True)]
    left = terminal.width() - sum(widest[:-1]) - tables.NARROW_GAP * (len(columns) - 1)
    fitting = sum(width(row[-1]) <= left for row in rows)
    return fitting >= tables.OFTEN * len(rows) and all(longest(row[-1]) <= left for row in rows)


def _print_line(cells: list[str]) -> None:
    """A change on a line, which goes on set in where the terminal is narrow."""
    text = wrapped("  ".join(filter(None, cells)))
    print(text.replace(cells[0], terminal.paint(cells[0], "cyan"), 1))


def wrapped(text: str) -> str:
    """A line as lines that fit the terminal, broken between words."""
    return "\n".join(wrap(text, max(terminal.width(), 2 * INDENT), hang=INDENT))


def _what(change: Change) -> str:
    """What a change is about, beside its source and tag, and what it is."""
    build = change.build
    if change.hash is not None and build is not None:
        compiler = "" if build.compiler == NO_COMPILER and not build.compilers else _compiler(build)
        words = [
            f"/{change.hash[:7]}",
            f"{build.package}@{build.version}",
            compiler,
            build.os,
            build.target,
        ]
    else:
        words = [change.package or ""]
    if change.tag is None or change.package is None:
        words.append(_elsewhere(change))
    if change.stacks_before is not None:
        words.append(_restacked(change))
    return " ".join(filter(None, [*words, change.reason]))


def _compiler(build: Build) -> str:
    return by_language(build.compiler, dict(build.compilers))


def _flag(change: Change) -> str:
    """`first` or `last`, where it is said of the change."""
    if not change.flag:
        return ""
    return {ChangeKind.SPEC_CACHED: "first", ChangeKind.SPEC_EVICTED: "last"}.get(change.kind, "")


def _elsewhere(change: Change) -> str:
    """Where something is that is no package in a tag."""
    return change.path or change.target or _needs(change)


def _restacked(change: Change) -> str:
    before, now = set(change.stacks_before or ()), set(change.stacks or ())
    return " ".join(
        [f"+{one}" for one in sorted(now - before)] + [f"-{one}" for one in sorted(before - now)]
    )


def _needs(change: Change) -> str:
    """Of a spec that is described: how many it depends on."""
    if change.edges is None:
        return ""
    return output.number(len(change.edges), "edge")
