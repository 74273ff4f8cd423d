"""`cachesync check`: how much of a spack.lock, or of a list of specs, is cached."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ...errors import UsageError
from ...spack import lockfile
from .. import complete, paths
from ..display import answer as answers
from ..display import output
from ..display.pager import paged
from ..display.report import Report
from ..ending import ending, or_cannot_tell
from ..options import Globals
from . import checking

__all__ = ["check"]


@click.command(short_help="How much of a spack.lock or a list of specs is cached.")
@click.argument("file", type=click.Path(), metavar="FILE")
@click.option("--tag", metavar="TAG", help="Only in this tag.", shell_complete=complete.tags)
@click.option(
    "--source", metavar="SOURCE", help="Only in this source.", shell_complete=complete.sources
)
@click.option(
    "--runs-on", metavar="TARGET|host", shell_complete=complete.machines,
    help="Only what a machine of this target can run, or this machine.",
)  # fmt: skip
@click.option(
    "--no-build-deps", is_flag=True, help="Leave out what only building needs (of a spack.lock)."
)
@click.option(
    "--subscription", is_flag=True,
    help="Print the configuration of subscriptions for what is missing, and nothing else.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--no-pager", is_flag=True, help="Never start a pager.")
@click.pass_obj
def check(
    options: Globals,
    file: str,
    tag: str | None,
    source: str | None,
    runs_on: str | None,
    no_build_deps: bool,
    subscription: bool,
    as_json: bool,
    no_pager: bool,
) -> int:
    """How much of FILE is cached: a spack.lock, or a list of specs and hashes; - is standard input.

    A list has a spec or a /hash on each line; # begins a comment. A line is what a query is, and its
    first word is always the exact name of a package; items of the lists in a spack.yaml may be
    pasted as they are, and -x behind a spec is ~x where the package has that variant. Exit status 1
    when something is missing, 2 when there is nothing to check, 3 when the ledger cannot be asked.
    External and developed specs of a spack.lock are in no build cache and are counted apart.

    \b
    cachesync check --tag develop --runs-on zen4 spack.lock
    spack find --format '/{hash}' | cachesync check -
    """
    paths.require_config(options)
    data = _read(file)
    within = checking.Within(tag, source, runs_on)
    state_dir = paths.state_dir(options)
    name = "standard input" if file == "-" else file
    with or_cannot_tell():
        if _is_lock(data, name):
            lock = lockfile.parse(data, name=name)
            report = checking.check_lock(state_dir, lock, within, builds=not no_build_deps)
        else:
            from ...reports import wanted
            from .checklist import check_list

            report = check_list(state_dir, wanted.parse(data, name=name), within)
    if report.total.unexpected == report.total.total:
        raise UsageError(
            f"{name} has nothing to check: every spec in it is external or developed",
            hint="no build cache ever has those",
        )
    status = 1 if report.total.missing else 0
    if not options.quiet:
        for said in (*report.unsaid(), *report.order()):
            answers.note(said)
    with ending(status):
        if not options.quiet:
            _say(report)
            for text in () if as_json else report.hints():
                answers.note(text)
        if subscription:
            _print_subscriptions(report, within, name=Path(file).name if file != "-" else "list")
        elif as_json:
            output.print_json({"file": file, **report.document()})
        else:
            with paged(wanted=not no_pager):
                report.print()
    return status


def _read(file: str) -> bytes:
    """The bytes of a file, as far as they can be anything that is read.

    Raises UsageError when it cannot be read.
    """
    most = lockfile.MAX_BYTES + 1  # the larger bound of both
    try:
        if file == "-":
            return sys.stdin.buffer.read(most)
        paths.leading_somewhere("the file", Path(file))
        with open(file, "rb") as opened:
            return opened.read(most)
    except (OSError, ValueError) as error:  # ValueError: NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot read {file}: {reason}") from error


def _is_lock(data: bytes, name: str) -> bool:
    """Whether a file is to be read as a lock, not as a list.

    Raises UsageError for the spack.yaml of an environment, whatever the file is called.
    """
    called = Path(name).name
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"{"):
        return True
    from ...reports import wanted

    is_manifest = wanted.is_spack_yaml(data) or (start and called == "spack.yaml")
    if is_manifest or (called == "spack.lock" and wanted.is_yaml(start)):
        raise UsageError(f"{name}: this is a spack.yaml; give its spack.lock")
    return called == "spack.lock" or (not start and called.endswith(".lock"))


def _say(report: Report) -> None:
    for text in report.talk():
        answers.note(text)
    answers.note_systems(report.systems, can_choose=report.kind == "list")


def _print_subscriptions(report: Report, within: checking.Within, *, name: str) -> None:
    from ...reports import subscribing

    hashes, conditions = report.missing_trees()
    queries = list(subscribing.queries_for(hashes, conditions, report.within))
    # Of a place that was named, what other places have already is news as well.
    print(subscribing.yaml_of(queries, name=name, first=within[:2] == (None, None)), end="")
