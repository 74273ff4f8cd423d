"""`cachesync changes`: the change log, and following it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from shlex import quote

import click

from ...documents import change_document
from ...errors import UsageError
from ...ledger import connect, log, read, tally
from ...model import TOLD, Change, ChangeKind
from ...reports import tallied
from .. import complete, kinds, paths
from ..configuration import load_config
from ..display import changes as display
from ..display import output
from ..display.answer import note
from ..display.pager import is_left, paged
from ..options import Globals
from ..times import parse, point

__all__ = ["changes"]

POLL_SECONDS = 0.5
DEFAULT_LIMIT = 100
LISTED = 20
"""Packages of a summary that a terminal lists, those with the most changes."""


@click.command(
    short_help="What changed, oldest first.", context_settings={"allow_extra_args": True}
)
@click.option(
    "--since", metavar="SEQ|TIME|AGE|WORDS|TAG", shell_complete=complete.since,
    help="After a seq, from a time, an age (2d) or words (yesterday, monday, 'last week') on, or since"
    " TAG was first seen.",
)  # fmt: skip
@click.option(
    "--kind", "named", multiple=True, metavar="KIND", shell_complete=kinds.complete,
    help="Only this kind, such as spec.cached, or cached for short; may be repeated.",
)  # fmt: skip
@click.option("--first", is_flag=True, help="Only specs that no source had before.")
@click.option("--last", is_flag=True, help="Only specs that left the last tag that had them.")
@click.option("--no-baseline", is_flag=True, help="Not what the first pass over a source found.")
@click.option(
    "--package", metavar="PACKAGE", help="Only of this package.", shell_complete=complete.packages
)
@click.option("--tag", metavar="TAG", help="Only of this tag.", shell_complete=complete.tags)
@click.option(
    "--source", metavar="SOURCE", help="Only of this source.", shell_complete=complete.sources
)
@click.option(
    "--limit", type=click.IntRange(0, connect.MOST_INTEGER), default=None, metavar="N",
    help=f"The oldest N; 0 is all. Default: all with --since or --summary, else the newest {DEFAULT_LIMIT}.",
)  # fmt: skip
@click.option(
    "--until", metavar="SEQ|TIME|AGE|WORDS|TAG", shell_complete=complete.since,
    help="Only up to this seq, or before what --since would begin with.",
)  # fmt: skip
@click.option(
    "--subscription", metavar="NAME", shell_complete=complete.subscriptions,
    help="Only what this subscription is about.",
)  # fmt: skip
@click.option("--summary", is_flag=True,
    help="Only how many there are, by tag and by package: NEW are specs that no source had before, GONE those"
    f" that left the last tag that had them. A terminal lists {LISTED} packages, with --limit 0 all.",
)  # fmt: skip
@click.option("--follow", is_flag=True, help="Go on printing changes as they are made.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines; with --summary one document.")
@click.option("--no-pager", is_flag=True, help="Never start a pager.")
@click.pass_obj
def changes(
    options: Globals,
    since: str | None,
    named: tuple[str, ...],
    first: bool,
    last: bool,
    no_baseline: bool,
    package: str | None,
    tag: str | None,
    source: str | None,
    limit: int | None,
    until: str | None,
    subscription: str | None,
    summary: bool,
    follow: bool,
    as_json: bool,
    no_pager: bool,
) -> int:
    """What changed, oldest first.

    `--first` and `--last` are judged as of the change: a spec that went may have come back since.

    \b
    cachesync changes --since yesterday --kind cached
    cachesync changes --since "last week" --until "this week" --summary
    cachesync changes --since v0.23.0 --first --no-baseline
    cachesync changes --follow --json --package hdf5
    """
    if summary and follow:
        raise UsageError(
            "--summary counts what there is: it follows nothing", hint="leave out --follow"
        )
    _refuse_words(click.get_current_context().args)
    chosen = _chosen(kinds.parse(named), first=first, last=last)
    paths.require_config(options)
    state_dir = paths.state_dir(options)
    now = time.time()
    begin = point(since, state_dir, now=now)
    end = point(until, state_dir, now=now, option="--until")
    for word, one in (("since", begin), ("until", end)):
        if one.said is not None and not options.quiet:
            note(f"{word} {one.said}")
    wanted = log.Filter(
        after=begin.after,
        since=begin.at,
        kinds=chosen or ([] if as_json and not summary else TOLD),
        package=package,
        tag=tag,
        source=source,
        until=end.after if until is not None and end.at is None else None,
        before=end.at,
        flagged=first or last,
        baseline=not no_baseline,
    )
    about = None if subscription is None else _about(options, subscription, state_dir)
    with connect.ledger_errors(state_dir):
        db = connect.open_reader(state_dir)
        try:
            wanted = _spelled(db, wanted, quiet=options.quiet)
            if about is not None:
                wanted = about(wanted, db)
            if summary:
                _summarise(db, wanted, limit, as_json=as_json, paging=not no_pager)
                return 0
            seen, show = _print(
                db, wanted, limit or 0, newest=limit is None and since is None,
                as_json=as_json, has_source=source is not None, paging=not no_pager and not follow,
            )  # fmt: skip
            if follow:
                _follow(db, wanted, seen, show)
        finally:
            db.close()
    return 0


def _print(
    db: connect.Connection, wanted: log.Filter, limit: int, *, newest: bool, as_json: bool,
    has_source: bool, paging: bool,
) -> tuple[int, Callable[[Change], None]]:  # fmt: skip
    """Print what there is; returns the last seq that was seen, and what prints the changes that come."""
    if as_json or not sys.stdout.isatty():
        show = _print_json if as_json else display.print_line
        return _print_some(db, wanted, limit, newest=newest, show=show), show
    table = display.Table(has_sources=not has_source and len(read.source_ages(db)) > 1)
    return _draw_some(db, wanted, limit, newest=newest, table=table, paging=paging), table.line


def _follow(
    db: connect.Connection, wanted: log.Filter, seen: int, show: Callable[[Change], None]
) -> None:
    """Print changes as they are made, until it is interrupted."""
    while True:
        sys.stdout.flush()
        time.sleep(POLL_SECONDS)
        for change in log.changes(db, wanted._replace(after=seen)):
            show(change)
            seen = change.seq


def _spelled(db: connect.Connection, wanted: log.Filter, *, quiet: bool) -> log.Filter:
    """The filter with a package in the letters that it has; what there never was is said, and finds nothing."""
    absent = []
    if wanted.package is not None:
        names = tally.spellings(db, wanted.package)
        if not names:
            absent.append(f"no package {wanted.package!r} was ever cached")
        elif wanted.package not in names:
            wanted = wanted._replace(package=names[0])
    if wanted.tag is not None and wanted.tag not in {tag for _, tag in tally.known_tags(db)}:
        absent.append(f"there never was a tag {wanted.tag!r}")
    for said in [] if quiet else absent:
        note(said)
    return wanted


def _chosen(named: list[ChangeKind], *, first: bool, last: bool) -> list[ChangeKind]:
    """The kinds that are wanted.

    Raises UsageError where `--kind` has none of those that `--first` and `--last` are about.
    """
    flagged = {ChangeKind.SPEC_CACHED: first, ChangeKind.SPEC_EVICTED: last}
    asked = [kind for kind, is_asked in flagged.items() if is_asked]
    if not asked or not named:
        return asked or named
    both = [kind for kind in asked if kind in named]
    if not both:
        raise UsageError(
            "--first is about spec.cached and --last about spec.evicted, and --kind names others",
            hint="leave out --kind",
        )
    return both


def _about(
    options: Globals, name: str, state_dir: Path
) -> Callable[[log.Filter, connect.Connection], log.Filter]:
    """What makes a filter one for what a subscription would tell of."""
    from ...notify import trial

    config = load_config(options)
    entry = trial.named(config, name)

    def about(wanted: log.Filter, db: connect.Connection) -> log.Filter:
        if wanted.kinds == TOLD and trial.asks_of_dags(entry):
            wanted = wanted._replace(kinds=tuple(ChangeKind))
        return wanted._replace(about=trial.is_about(config, entry, db, state_dir))

    return about


def _print_some(
    db: connect.Connection, wanted: log.Filter, limit: int, *, newest: bool,
    show: Callable[[Change], None],
) -> int:  # fmt: skip
    """Print what there is, a line each; returns the last seq that was looked at."""
    last = max(read.last_seq(db), wanted.after)
    for change in _found(db, wanted, limit, newest=newest):
        show(change)
        last = max(last, change.seq)
    return last


def _refuse_words(words: list[str]) -> None:
    """Raise UsageError for words behind the options, with the option that is meant by them."""
    if not words:
        return
    text = " ".join(words)
    option = "--since" if parse(text, now=time.time()) is not None else "--package"
    raise UsageError(f"changes takes options only, not {text}", hint=f"{option} {quote(text)}")


def _draw_some(
    db: connect.Connection, wanted: log.Filter, limit: int, *, newest: bool,
    table: display.Table, paging: bool,
) -> int:  # fmt: skip
    """Draw what there is, and say what there is besides; returns the last seq that was looked at."""
    last, shown = max(read.last_seq(db), wanted.after), 0
    with paged(wanted=paging):
        for change in table.draw(_found(db, wanted, limit, newest=newest)):
            last, shown = max(last, change.seq), shown + 1
            if is_left():
                return last
        # To count what a subscription is about is to look at everything.
        most = DEFAULT_LIMIT if newest else limit
        is_whole = not most or shown < most
        is_told = wanted.about is not None
        of = shown if is_whole else None if is_told else tally.count(db, wanted)
        display.print_count(shown, of, newest=newest)
    return last


def _found(
    db: connect.Connection, wanted: log.Filter, limit: int, *, newest: bool
) -> Iterator[Change]:
    if newest:
        wanted = wanted._replace(after=log.newest_after(db, wanted, DEFAULT_LIMIT))
    return log.changes(db, wanted, limit=limit)


def _summarise(
    db: connect.Connection, wanted: log.Filter, limit: int | None, *, as_json: bool, paging: bool
) -> None:
    """Print how many there are, of the oldest `limit` if that is said and not 0; with 0 of every package."""
    from ..display import changesummary

    with read.snapshot(db):
        if wanted.about is None:
            found = tallied.summary(tally.tallies(db, wanted, limit=limit or 0))
        else:
            found = tallied.summary(
                map(tallied.of_change, log.changes(db, wanted, limit=limit or 0))
            )
        seq = read.last_seq(db)
    if as_json:
        output.print_json({"as_of": {"seq": seq}, **changesummary.document(found)})
        return
    with paged(wanted=paging):
        changesummary.print_summary(
            found,
            packages=0 if limit == 0 else LISTED,
            more="--json has all" if limit else "--limit 0 shows all",
        )


def _print_json(change: Change) -> None:
    output.print_json(change_document(change))
