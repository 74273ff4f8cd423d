"""Changes for people: one on a line in a pipe, a table on a terminal, and how many there are."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from itertools import islice

from ...model import NO_COMPILER, Build, Change, ChangeKind
from ...spack.printed import by_language
from . import output, terminal

__all__ = ["Table", "print_count", "print_line"]

AT_ONCE = 200
"""Rows of a table: there may be very many changes, and who looks at the first waits for no others."""
BESIDE = 100
"""Columns of a terminal from which on everything stands in one row."""
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
    print("  ".join(output.visible(part) for part in parts))


def print_count(shown: int, of: int, *, newest: bool) -> None:
    """How many changes there are, below those that are shown, and how the others are seen."""
    more = ""
    if newest and shown < of:
        more = f", the newest {shown:,} shown (--limit 0 shows all, --summary counts them)"
    elif shown < of:
        more = f", the oldest {shown:,} shown (--limit 0 shows all, the newest last)"
    print(f"{output.number(of, 'change')}{more}")


class Table:
    """The changes on a terminal: tables of what there is, then aligned lines as more comes."""

    def __init__(self, *, has_sources: bool) -> None:
        self._columns = ["SEQ", "AT", "CHANGE", *(["SOURCE"] if has_sources else []), "TAG", "WHAT"]
        self._widths = [0] * len(self._columns)

    def draw(self, changes: Iterable[Change]) -> Iterator[Change]:
        """Draw them, so many at once as fit one table; each is given back once it is drawn."""
        changes = iter(changes)
        below = () if terminal.width() >= BESIDE else ("WHAT",)
        while some := list(islice(changes, AT_ONCE)):
            output.print_table(self._columns, [self._row(change) for change in some], below=below)
            yield from some

    def line(self, change: Change) -> None:
        """One more, below what was drawn; it goes on set in where the terminal is narrow."""
        *cells, what = map(output.visible, self._row(change))
        padded = [cell.ljust(width) for cell, width in zip(cells, self._widths, strict=False)]
        text = "  ".join([padded[0].strip().rjust(self._widths[0]), *padded[1:], what])
        first, *rest = textwrap.wrap(
            text, max(terminal.width(), 2 * INDENT), subsequent_indent=" " * INDENT,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
        seq = first.split()[0]
        print(first.replace(seq, terminal.paint(seq, "cyan"), 1), *rest, sep="\n")

    def _row(self, change: Change) -> list[str]:
        spec = change.kind.label.partition(".")
        row = [
            str(change.seq),
            output.timestamp(change.at) or "",
            f"{spec[2] if spec[0] == 'spec' else change.kind.label} {_flag(change)}".strip(),
            *([change.source or change.subscription or ""] if "SOURCE" in self._columns else []),
            change.tag or "",
            _what(change),
        ]
        self._widths = [
            max(width, len(cell)) for width, cell in zip(self._widths, row, strict=True)
        ]
        return row


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
