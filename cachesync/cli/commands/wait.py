"""`cachesync wait`: return as soon as something matches."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import click

from ... import query as queries
from ...config import scalars
from ...errors import LedgerBusyError, LedgerError, LedgerMissingError, UsageError
from ...query.narrowing import narrowed
from ...search.answers import Answer
from ...search.searcher import Searcher
from .. import complete, fields, paths
from ..display import answer as answers
from ..display import excluding, leftopen, output
from ..ending import or_cannot_tell
from ..options import Globals
from . import waiting

__all__ = ["wait"]

POLL_SECONDS = 0.5


@click.command(
    cls=complete.QueryCommand,
    short_help="Return as soon as something matches, for CI jobs.",
    # -h would be taken out of -hdf5, which excludes
    context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]},
)
@click.argument(
    "query", nargs=-1, required=True, type=click.UNPROCESSED, shell_complete=complete.query
)
@click.option("--timeout", metavar="DURATION", help="Give up with 1 after so long, such as 2h.")
@click.option(
    "--specs", type=click.IntRange(min=1), default=1, metavar="N",
    help="Wait until so many specs match (1).",
)  # fmt: skip
@fields.options("tag", "os", "target", "compiler", "stack")
@click.option("--spack", metavar="0.23|1.x", help="QUERY is a spec of this Spack and nothing else.")
@click.option(
    "--through", type=click.Choice(["build"]), help="^ goes on through what only building needs."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document, when it ends.")
@click.pass_obj
def wait(
    options: Globals,
    /,
    query: tuple[str, ...],
    timeout: str | None,
    specs: int,
    spack: str | None,
    through: str | None,
    as_json: bool,
    **narrowing: tuple[str, ...],
) -> int:
    """Wait until QUERY, as `cachesync search` takes it, matches something that is cached.

    \b
    cachesync wait --timeout 2h "hdf5 +mpi target:aarch64" && spack install hdf5+mpi

    Ends with 1 when it is not cached at the time-out, with 3 when nobody can tell: there is no ledger
    yet, or it is locked; at once when it is damaged.
    """
    if "-h" in query:
        print(click.get_current_context().get_help())
        return 0
    paths.require_config(options)
    whole = narrowed(" ".join(query), fields.given(**narrowing), spack)
    text, tree = whole.text, whole.node
    if queries.is_met_by_all(tree):
        raise UsageError("there is nothing to wait for: everything matches this query")
    seconds = None if timeout is None else _duration(timeout)
    named = f"{text} {whole.fields}" if spack is not None and whole.fields else text
    wish = waiting.Wish(named, tree, specs, seconds)
    with or_cannot_tell():
        answer = _wait(
            options,
            wish,
            minus=None if options.quiet or spack is not None else text,
            counting=not options.quiet or as_json,
            through_build=through is not None,
        )
    found = answer.specs >= specs
    if not found and not options.quiet:
        waiting.say_over(wish, answer)
    if as_json:
        told = {"query": text, "found": found, "builds": answer.builds, "specs": answer.specs}
        told |= {} if through is None else {"through": through}
        told |= {"fields": whole.fields} if spack is not None and whole.fields else {}
        told |= leftopen.unsaid_document(
            tree, 0, answer.unjudged, asks_pages=answer.asks_pages, unsigned=answer.unsigned
        )
        told |= leftopen.order_document(tree) if answer.knows_dags else {}
        output.print_json(told)
    elif found and not options.quiet:
        print(f"{output.number(answer.builds, 'build')}, {output.number(answer.specs, 'spec')}")
    return 0 if found else 1


def _duration(text: str) -> float:
    try:
        return float(scalars.duration(text))
    except ValueError as error:
        raise UsageError(f"--timeout: {error}") from error


class _Look:
    """The ledger, opened again where it has become another; None is answered as long as it is away."""

    def __init__(
        self,
        state_dir: Path,
        minus: str | None,
        *,
        counting: bool,
        quiet: bool,
        through_build: bool,
    ) -> None:
        """`minus` is the query of which is said what its `-x` do: now, or when a package comes.

        With `counting` answers have how many builds could not be judged, which is said once unless `quiet`,
        as is what the order of words decides.
        """
        self._state_dir = state_dir
        self._minus = minus
        self._counting = counting
        self._is_counted = self._is_order_said = self._is_unsigned_said = quiet
        self._through_build = through_build
        self._told: set[str] = set()
        self.searcher: Searcher | None = None
        self.answer: Answer | None = None
        self.fault: LedgerError | None = None
        """Why there is no answer."""

    def again(self, node: queries.Node) -> None:
        """Ask what is there now. Raises LedgerError for what waiting does not mend."""
        try:
            if self.searcher is not None and not self.searcher.is_current:
                self.close()
            if self.searcher is None:
                self.searcher = Searcher(
                    self._state_dir,
                    patience_seconds=POLL_SECONDS,
                    through_build=self._through_build,
                )
            if self.answer is None or self.searcher.seq != self.answer.seq:
                self.answer = self.searcher.search(node, limit=1, unnamed=self._counting)
                self._say_excluding(self.searcher)
                self._say_left_open(node, self.answer)
            self.fault = None
        except (LedgerMissingError, LedgerBusyError) as error:
            self.fault = error

    def _say_excluding(self, searcher: Searcher) -> None:
        for text in () if self._minus is None else excluding.notes(searcher, self._minus):
            if text not in self._told:
                answers.note(text)
            self._told.add(text)

    def _say_left_open(self, node: queries.Node, answer: Answer) -> None:
        if answer.unjudged and not self._is_counted:
            leftopen.say_unjudged(node, answer.unjudged, answer.undecided)
            self._is_counted = True
        if answer.unsigned and not self._is_unsigned_said:
            leftopen.say_unsigned(answer.unsigned)
            self._is_unsigned_said = True
        if answer.knows_dags and not self._is_order_said:
            leftopen.say_order(node)
            self._is_order_said = True

    def close(self) -> None:
        """Release the ledger, and forget what it answered."""
        if self.searcher is not None:
            self.searcher.close()
        self.searcher = self.answer = None


def _wait(
    options: Globals,
    wish: waiting.Wish,
    *,
    minus: str | None,
    counting: bool,
    through_build: bool,
) -> Answer:
    """The answer that is enough, or the last one when the time is over.

    Raises LedgerError when there is none then.
    """
    until = None if wish.seconds is None else time.monotonic() + wish.seconds
    is_told = options.quiet
    look = _Look(
        paths.state_dir(options), minus, counting=counting, quiet=options.quiet,
        through_build=through_build,
    )  # fmt: skip
    with closing(look):
        while True:
            look.again(wish.node)
            if look.answer is not None and look.answer.specs >= wish.specs:
                return look.answer
            if not is_told:
                waiting.say_start(wish, look.searcher, look.answer, look.fault, options)
                is_told = True
            left = POLL_SECONDS if until is None else min(POLL_SECONDS, until - time.monotonic())
            if left > 0:
                time.sleep(left)
            elif look.fault is not None:
                raise look.fault
            elif look.answer is not None:
                return look.answer
