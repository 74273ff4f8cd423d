"""`cachesync sync`: one pass over the sources."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

import click

from ...config import mirrors
from ...config.settings import Config
from ...config.sourceconfigs import BuildcacheSourceConfig
from ...errors import OutboxError, SourceError, UsageError
from ...index import catchup
from ...ledger import connect, log, read
from ...ledger.write import Writer
from ...model import SourceState
from ...sync import catalog, passes
from ...sync.opening import Remotes
from .. import complete, notifying, paths, writing
from ..configuration import load_config
from ..display import output, talk, terminal
from ..options import Globals
from ..remedies import reaching

__all__ = ["sync"]

SHOWN_REJECTIONS = 10
_log = logging.getLogger("cachesync")


@click.command(short_help="One pass over the sources.")
@click.argument("sources", nargs=-1, metavar="[SOURCE]...", shell_complete=complete.sources)
@click.option(
    "--pages",
    metavar="DIR",
    help="Also read this directory (DIR/TAG/PACKAGE/specs.md); later syncs read it again.",
)
@click.option(
    "--mirror",
    "urls",
    metavar="URL",
    multiple=True,
    help="Also read this build cache (file:///..., http://, https://, s3://, oci://); later syncs read it again.",
)
@click.option(
    "--view",
    "views",
    metavar="VIEW",
    multiple=True,
    help="With --mirror: a view of it instead of its own index; may be repeated.",
)
@click.option(
    "--allow-mass-removal",
    is_flag=True,
    help="Remove pages even when more than half of a source's pages would go.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@talk.log_format
@click.pass_obj
def sync(
    options: Globals,
    sources: tuple[str, ...],
    pages: str | None,
    urls: tuple[str, ...],
    views: tuple[str, ...],
    allow_mass_removal: bool,
    as_json: bool,
    log_format: str | None,
) -> int:
    """Read every source once and bring the ledger and the index up to date.

    Without SOURCE, every source of the configuration is read. What was once given with --pages or
    --mirror is read again too, unless one of them is given.
    """
    started = time.monotonic()
    config = load_config(options)
    talk.set_up(config.log, options, log_format)
    state_dir = paths.state_dir(options)
    named = _mirror(urls, views)
    if connect.file_identity(state_dir) is None:
        _require_sources(config, pages, named)  # for nothing, no ledger is begun
    failures: list[OutboxError] = []
    asked = {"command": "sync", "sources": sources, "allow_mass_removal": allow_mass_removal}

    def here(db: connect.Connection, writer: Writer) -> dict[str, Any]:
        first = read.last_seq(db)
        try:
            with notifying.notified(state_dir, config, db, writer):
                results = _passes(
                    writer, config, sources, pages, named, allow_mass_removal, options
                )
                why = catchup.catch_up(db, state_dir)
        except OutboxError as error:  # what was read is committed, and is told
            failures.append(error)
        if why is not None and first:
            _log.info("the search index was built anew: %s", why)
        for result in results:
            if result.rejected:
                _tell_rejections(db, result.name, result.error or "")
        return {
            "sources": [passes.document(result) for result in results],
            "changes": log.counts_since(db, first),
            "seq": read.last_seq(db),
        }

    # A source that is named for this call only is none of a daemon's.
    is_known = pages is None and named is None
    answer = writing.carry_out(options, state_dir, asked if is_known else None, here)
    _tell_errors(answer)
    seconds = time.monotonic() - started
    if as_json:
        shown = {name: answer[name] for name in ("sources", "changes", "seq")}
        output.print_json({**shown, "seconds": round(seconds, 3)})
    elif not options.quiet:
        _print(answer, seconds, options)
    if failures:
        raise failures[0]
    _require_all(answer["sources"])
    return 0


def _mirror(urls: tuple[str, ...], views: tuple[str, ...]) -> BuildcacheSourceConfig | None:
    """The source that --mirror names. Raises UsageError."""
    if not urls:
        if views:
            raise UsageError("--view goes with --mirror URL")
        return None
    if len(set(urls)) > 1:
        raise UsageError(
            "--mirror names one build cache at a time",
            hint="sync each on its own: later syncs read all of them; or name them in a config",
        )
    try:
        url = mirrors.url(urls[-1])
    except ValueError as error:
        raise UsageError(f"--mirror: {error}") from None
    try:
        views = tuple(dict.fromkeys(mirrors.view(view) for view in views))
    except ValueError as error:
        raise UsageError(f"--view: {error}") from None
    if views and mirrors.is_registry(url):
        raise UsageError("--view: a registry has no views")
    if not views and not mirrors.last_part(url):
        raise UsageError(
            f"--mirror: no tag follows from {url}", hint="name it in a config, with `tag:`"
        )
    return BuildcacheSourceConfig(url, url, views=views)


def _require_sources(
    config: Config, pages: str | None, named: BuildcacheSourceConfig | None
) -> None:
    """Raise UsageError where there is nothing to read, and no ledger that remembers more."""
    if pages is not None:
        paths.pages_directory(pages)
    elif not config.sources and named is None:
        raise UsageError("there is no source", hint="cachesync sync --pages DIR, or a config file")


def _require_all(results: Sequence[Mapping[str, Any]]) -> None:
    """Raise SourceError when a source failed or its pass was held, which people were told already."""
    bad = [result for result in results if result["state"] != SourceState.OK.value]
    if bad:
        error = SourceError(
            ", ".join(f"{result['name']}: {result['state']}" for result in bad),
            hint="cachesync status",
        )
        error.is_said = True
        raise error


def _passes(
    writer: Writer,
    config: Config,
    names: tuple[str, ...],
    pages: str | None,
    named: BuildcacheSourceConfig | None,
    allow_mass_removal: bool,
    options: Globals,
) -> list[passes.PassResult]:
    directory = None if pages is None else paths.pages_directory(pages, catalog.remembered(writer))
    for name in catalog.orphan_missing(writer, config):
        _log.warning("%s is not in the config any more; it is kept until "
                     "`cachesync forget %s`", name, name)  # fmt: skip
    given = [name for name in (directory, named and named.name) if name is not None]
    if not given:
        chosen = catalog.choose(writer, config, names)
    else:
        configured = [source.name for source in config.sources]
        chosen = catalog.choose(writer, config, names) if names else configured
        chosen = list(dict.fromkeys([*chosen, *given]))
    if not chosen:
        raise UsageError("there is no source", hint="cachesync sync --pages DIR, or a config file")
    results = []
    with closing(Remotes(config.limits)) as remotes, _progress(options) as progress:
        for name in chosen:
            is_named = named is not None and name == named.name
            job = catalog.job(writer, config, name, remotes.open, named=named if is_named else None)
            result = passes.run_pass(
                writer,
                job.source,
                job.row,
                selection=job.selection,
                guard=config.guard,
                allow_mass_removal=allow_mass_removal,
                progress=progress,
            )
            results.append(result)
            if result.error is not None:
                _log.error("%s: %s", result.name, result.error)
            is_failed = is_named and result.state is SourceState.FAILED
            if is_failed and (said := catalog.forget_unread(writer, job.row)) is not None:
                _log.warning("%s: %s", result.name, said)
            if result.remark is not None:
                _log.warning("%s: %s", result.name, result.remark)
    return results


@contextmanager
def _progress(options: Globals) -> Iterator[passes.Progress]:
    """A progress bar on a terminal; nothing elsewhere."""
    if options.quiet or terminal.is_dumb() or not sys.stderr.isatty():
        yield lambda _name, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining
    from rich.table import Column

    # rich would shorten a long name with a character that not every terminal has.
    named = TextColumn("{task.description}", markup=False, table_column=Column(overflow="fold"))
    columns = (named, BarColumn(), MofNCompleteColumn(), Remaining())
    console = Console(stderr=True, no_color=not terminal.is_colored(is_terminal=True))
    # It puts a stream of its own in the place of standard error, which keeps lines apart from the bars.
    with Progress(*columns, console=console, transient=True) as bar, talk.spoken_to(sys.stderr):
        tasks: dict[str, Any] = {}

        def show(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(output.visible(name), total=total)
            bar.update(tasks[name], completed=done, total=total)

        yield show


def _tell_errors(answer: Mapping[str, Any]) -> None:
    """Why sources failed in a daemon; those that were read here were told as they came."""
    for name, error in answer.get("errors", {}).items():
        _log.error("%s: %s", name, error)


def _tell_rejections(db: Any, name: str, error: str) -> None:
    """What was rejected, but for what the `error` of the source has told."""
    troubles = [t for t in log.troubles(db, 1) if t.source == name and t.reason not in error]
    for trouble in troubles[:SHOWN_REJECTIONS]:
        _log.warning("%s: rejected %s: %s", name, trouble.page, trouble.reason)
    if len(troubles) > SHOWN_REJECTIONS:
        _log.warning("%s: %d more are rejected (`cachesync status`)", name,
                     len(troubles) - SHOWN_REJECTIONS)  # fmt: skip


def _print(answer: Mapping[str, Any], seconds: float, options: Globals) -> None:
    for result in answer["sources"]:
        line = (
            f"{result['name']}: {result['state']}, {result['listed']:,} listed,"
            f" {result['changed']:,} changed, {result['unchanged']:,} unchanged,"
            f" {result['removed']:,} removed, {result['rejected']:,} rejected"
        )
        # A daemon may be older than this, and not say all of it.
        missing = result.get("missing") or ()
        for count, what in (
            (result["held"], "held"),
            (result.get("skipped", 0), "skipped"),
            (len(missing), "not there"),
        ):
            line += f", {count:,} {what}" if count else ""
        output.print_line(line)
        for page in missing[:SHOWN_REJECTIONS]:
            where = f"{page['page']}: not there, {page['passes']} of {page['of']}"
            output.print_line(f"  {where}")
        if len(missing) > SHOWN_REJECTIONS:
            remedy = reaching("`cachesync status`", options)
            output.print_line(f"  ... and {len(missing) - SHOWN_REJECTIONS:,} more ({remedy})")
    changed = answer["changes"]
    for kind, count in changed.items():
        print(f"  {kind:<18}{count:>9,}")
    total = output.number(sum(changed.values()), "change")
    output.print_line(f"{total}, seq {answer['seq']:,}, {seconds:.1f} s")
