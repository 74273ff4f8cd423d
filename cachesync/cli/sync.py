"""`cachesync sync`: one pass over the sources."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from .. import projection
from .. import sync as passes
from ..config import Config
from ..diff import Selection
from ..errors import UsageError
from ..ledger import connect, log, read
from ..ledger.write import SourceRow, Writer
from ..model import SourceState
from ..sources.directory import DirectorySource
from . import output, paths, talk
from .configuration import load_config
from .entry import Globals

__all__ = ["sync"]

SHOWN_REJECTIONS = 10
_log = logging.getLogger("cachesync")


@click.command(short_help="One pass over the sources.")
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option(
    "--pages",
    metavar="DIR",
    help="Also read this directory (DIR/TAG/PACKAGE/specs.md); later syncs read it again.",
)
@click.option(
    "--allow-mass-removal",
    is_flag=True,
    help="Remove pages even when more than half of a source's pages would go.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def sync(
    options: Globals,
    sources: tuple[str, ...],
    pages: str | None,
    allow_mass_removal: bool,
    as_json: bool,
) -> int:
    """Read every source once and bring the ledger and the index up to date.

    Without SOURCE, every source of the configuration is read. Directories once given with --pages
    are read again too, unless --pages is given.
    """
    started = time.monotonic()
    config = load_config(options)
    talk.set_up(config.log, options)
    state_dir = paths.writer_state_dir(options)
    with connect.writer_lock(state_dir), connect.ledger_errors(state_dir):
        db = connect.open_writer(state_dir, now=_clock())
        try:
            first = read.last_seq(db)
            results = _passes(db, config, sources, pages, allow_mass_removal, options)
            why = projection.catch_up(db, state_dir)
            if why is not None and first:
                _log.info("the search index was built anew: %s", why)
            changed, seq = log.counts_since(db, first), read.last_seq(db)
            for result in results:
                if result.rejected:
                    _tell_rejections(db, result.name)
        finally:
            db.close()
    seconds = time.monotonic() - started
    if as_json:
        shown = [_document(result) for result in results]
        output.print_json(
            {"sources": shown, "changes": changed, "seq": seq, "seconds": round(seconds, 3)}
        )
    elif not options.quiet:
        _print(results, changed, seq, seconds)
    return 0 if all(result.state is SourceState.OK for result in results) else 1


def _clock() -> int:
    return time.time_ns() // 1000


def _passes(
    db: Any,
    config: Config,
    names: tuple[str, ...],
    pages: str | None,
    allow_mass_removal: bool,
    options: Globals,
) -> list[passes.PassResult]:
    writer = Writer(db, clock=_clock)
    wanted = _wanted(writer, config, names, pages)
    results = []
    with _progress(options) as progress:
        for row, source, selection in wanted:
            result = passes.run_pass(
                writer,
                source,
                row,
                selection=selection,
                guard=config.guard,
                allow_mass_removal=allow_mass_removal,
                progress=progress,
            )
            results.append(result)
            if result.error is not None:
                _log.error("%s: %s", result.name, result.error)
    return results


def _wanted(
    writer: Writer, config: Config, names: tuple[str, ...], pages: str | None
) -> list[tuple[SourceRow, DirectorySource, Selection]]:
    """The sources of this call, each with its row; the rows of all others are brought up to date."""
    configured = {source.name: source for source in config.sources}
    known = {row.name: row for row in writer.sources()}
    remembered = [row.name for row in known.values() if not row.configured]
    directory = None if pages is None else _directory_name(pages, known)
    missing = [n for n in names if n not in configured and n not in remembered]
    if missing:
        raise UsageError(
            f"no source is called {missing[0]}",
            hint="sources: " + (", ".join([*configured, *remembered]) or "none yet (--pages DIR)"),
        )
    for row in known.values():
        if row.configured and row.name not in configured and row.state is not SourceState.ORPHANED:
            writer.orphan(row)
            _log.warning("%s is not in the config any more; it is kept until "
                         "`cachesync forget %s`", row.name, row.name)  # fmt: skip
    chosen = list(names) or [*configured, *(remembered if directory is None else [])]
    if directory is not None and directory not in chosen:
        chosen.append(directory)
    if not chosen:
        raise UsageError("there is no source", hint="cachesync sync --pages DIR, or a config file")
    found = []
    for name in chosen:
        entry = configured.get(name)
        if entry is not None and entry.type != "directory":
            raise_unsupported(name, entry.type, named=name in names)
            continue
        root = Path(name) if entry is None else Path(entry.path)
        selection = Selection() if entry is None else entry.selection
        row = writer.source(name, "directory", os.fspath(root), configured=entry is not None)
        writer.set_interval(row, None if entry is None else entry.interval_seconds)
        limit = config.limits.page_bytes
        source = DirectorySource(name, root, page_limit=limit, selection=selection)
        found.append((row, source, selection))
    if not found:
        raise UsageError(
            "none of the sources can be read by this release",
            hint="sources of type directory are; cachesync sync --pages DIR",
        )
    return found


def raise_unsupported(name: str, kind: str, *, named: bool) -> None:
    """Say that a source cannot be read by this release; an error when it was asked for by name."""
    text = f"{name}: sources of type {kind} are not read by this release"
    if named:
        raise UsageError(text)
    _log.warning("%s", text)


def _directory_name(pages: str, known: Collection[str]) -> str:
    name = os.path.realpath(pages)
    if not pages or (name not in known and not os.path.isdir(name)):
        raise UsageError(f"--pages: {pages or 'it'} is not a directory")
    return name


@contextmanager
def _progress(options: Globals) -> Iterator[passes.Progress]:
    """A progress bar on a terminal; nothing elsewhere."""
    if options.quiet or not sys.stderr.isatty():
        yield lambda _name, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, Remaining(), console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, Any] = {}

        def show(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(output.visible(name), total=total)
            bar.update(tasks[name], completed=done, total=total)

        yield show


def _tell_rejections(db: Any, name: str) -> None:
    troubles = [t for t in log.troubles(db, 1) if t.source == name]
    for trouble in troubles[:SHOWN_REJECTIONS]:
        _log.warning("%s: rejected %s: %s", name, trouble.page, trouble.reason)
    if len(troubles) > SHOWN_REJECTIONS:
        _log.warning("%s: %d more are rejected (`cachesync status`)", name,
                     len(troubles) - SHOWN_REJECTIONS)  # fmt: skip


def _document(result: passes.PassResult) -> dict[str, Any]:
    document = {**result._asdict(), "state": result.state.value}
    if result.error is None:
        del document["error"]
    return document


def _print(
    results: list[passes.PassResult], changed: dict[str, int], seq: int, seconds: float
) -> None:
    for result in results:
        line = (
            f"{result.name}: {result.state.value}, {result.listed:,} listed,"
            f" {result.changed:,} changed, {result.unchanged:,} unchanged,"
            f" {result.removed:,} removed, {result.rejected:,} rejected"
        )
        print(output.visible(line + (f", {result.held:,} held" if result.held else "")))
    for kind, count in changed.items():
        print(f"  {kind:<18}{count:>9,}")
    print(f"{output.number(sum(changed.values()), 'change')}, seq {seq:,}, {seconds:.1f} s")
