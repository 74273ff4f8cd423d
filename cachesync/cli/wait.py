"""`cachesync wait`: return as soon as something matches."""

from __future__ import annotations

import time
from pathlib import Path

import click

from .. import query as queries
from ..config import scalars
from ..errors import LedgerMissingError, UsageError
from ..search import Answer, Searcher
from . import complete, output, paths
from .entry import Globals

__all__ = ["wait"]

POLL_SECONDS = 0.5


@click.command(
    cls=complete.QueryCommand,
    short_help="Return as soon as something matches, for CI jobs.",
    context_settings={"ignore_unknown_options": True},
)
@click.argument(
    "query", nargs=-1, required=True, type=click.UNPROCESSED, shell_complete=complete.query
)
@click.option("--timeout", metavar="DURATION", help="Give up with 1 after so long, such as 2h.")
@click.option(
    "--specs", type=click.IntRange(min=1), default=1, metavar="N",
    help="Wait until so many specs match (1).",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON document, when it ends.")
@click.pass_obj
def wait(
    options: Globals, query: tuple[str, ...], timeout: str | None, specs: int, as_json: bool
) -> int:
    """Wait until QUERY, as `cachesync search` takes it, matches something that is cached.

    \b
    cachesync wait --timeout 2h "hdf5 +mpi target:aarch64" && spack install hdf5+mpi
    """
    paths.require_config(options)
    text = " ".join(query)
    tree = queries.parse(text)
    if queries.is_met_by_all(tree):
        raise UsageError("there is nothing to wait for: everything matches this query")
    seconds = None if timeout is None else _duration(timeout)
    until = None if seconds is None else time.monotonic() + seconds
    answer = _wait(paths.reader_state_dir(options), tree, specs, until)
    found = answer is not None and answer.specs >= specs
    if as_json:
        counts = (0, 0) if answer is None else (answer.builds, answer.specs)
        output.print_json({"query": text, "found": found, "builds": counts[0], "specs": counts[1]})
    elif found and answer is not None and not options.quiet:
        print(f"{output.number(answer.builds, 'build')}, {output.number(answer.specs, 'spec')}")
    return 0 if found else 1


def _duration(text: str) -> float:
    try:
        return float(scalars.duration(text))
    except ValueError as error:
        raise UsageError(f"--timeout: {error}") from error


def _wait(state_dir: Path, tree: queries.Node, specs: int, until: float | None) -> Answer | None:
    """The answer that is enough, or the last one when the time is over; None without a ledger."""
    searcher: Searcher | None = None
    answer: Answer | None = None
    try:
        while True:
            try:
                if searcher is not None and not searcher.is_current:
                    searcher.close()
                    searcher = answer = None
                searcher = searcher or Searcher(state_dir)
                if answer is None or searcher.seq != answer.seq:
                    answer = searcher.search(tree, limit=1)
            except LedgerMissingError:
                pass  # nothing was synced yet: that is worth waiting for
            if answer is not None and answer.specs >= specs:
                return answer
            left = POLL_SECONDS if until is None else min(POLL_SECONDS, until - time.monotonic())
            if left <= 0:
                return answer
            time.sleep(left)
    finally:
        if searcher is not None:
            searcher.close()
