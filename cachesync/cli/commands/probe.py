"""`cachesync probe`: whether mirrors really have what their cache indexes say."""

from __future__ import annotations

import os
from contextlib import closing

import click

from ... import query as queries
from ...errors import NotThereError
from ...ledger import connect
from ...ledger.carrying import carrying
from ...reports import probing
from ...search.answers import Answer
from ...search.searcher import Searcher
from ...sources.mirror.probing import State
from ...sync.opening import Remotes
from .. import complete, paths
from ..configuration import load_config
from ..display import output, probed
from ..ending import CANNOT_TELL, ending, or_cannot_tell
from ..options import Globals

__all__ = ["probe"]

SAMPLE = 50
STATUSES = {State.THERE: 0, State.MISSING: 1, State.UNKNOWN: CANNOT_TELL}


@click.command(
    cls=complete.QueryCommand,
    short_help="Ask the mirrors whether they really have what their indexes name.",
    # -h would be taken out of -hdf5, which excludes
    context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]},
)
@click.argument("query", nargs=-1, type=click.UNPROCESSED, shell_complete=complete.query)
@click.option(
    "--sample", type=click.IntRange(min=0), default=SAMPLE, metavar="N",
    help=f"At most so many specs, each in a mirror ({SAMPLE}); 0: all.",
)  # fmt: skip
@click.option("--seed", metavar="TEXT", help="Choose the same sample as a run that said this seed.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def probe(
    options: Globals, query: tuple[str, ...], sample: int, seed: str | None, as_json: bool
) -> int:
    """Ask the mirrors for what matches QUERY, as `cachesync search` takes it: a /HASH, words, all.

    \b
    cachesync probe /bxjpbzp
    cachesync probe --sample 200 tag:develop

    Of each spec its manifest is read, and the mirror asked whether the tarball that it names is there,
    with the length that it says. Nothing is downloaded, and no signature is verified. Ends with 0 when
    all that was asked for is there, with 1 when something is missing, with 3 when nobody can tell: a
    mirror does not answer, only pages tell of the specs, or there is no ledger.
    """
    if "-h" in query:
        print(click.get_current_context().get_help())
        return 0
    config = load_config(options)
    text = " ".join(query)
    with or_cannot_tell():
        matching, only_pages = _matching(options, text)
    chosen = probing.sample(matching, sample, seed := seed or os.urandom(4).hex())
    with closing(Remotes(config.limits)) as remotes:
        asked = probing.ask(chosen, remotes.opener(config.sources))
    status = STATUSES[probing.worst(asked)]
    told = probed.Told(text, seed, len(matching), only_pages, asked)
    with ending(status):
        if as_json:
            output.print_json(probed.document(told))
        else:
            probed.print_told(told, quiet=options.quiet)
    return status


def _matching(options: Globals, text: str) -> tuple[list[probing.Pair], int]:
    """What may be asked for, and how many specs that match are known from pages only."""
    state_dir = paths.state_dir(options)
    searcher = Searcher(state_dir)
    try:
        answer = searcher.search(queries.parse(text))
    finally:
        searcher.close()
    if not answer.builds:
        raise NotThereError(
            f"nothing matches {text}" if text else "nothing is cached",
            hint="cachesync search tells what comes near",
        )
    with (
        connect.ledger_errors(state_dir),
        closing(connect.open_reader(state_dir)) as db,
    ):
        found = _of_mirrors(db, answer)
    lacking = answer.specs - len({one.hash for one in found})
    if not found:
        error = NotThereError(
            "no mirror is known to have what matches: only pages tell of it",
            hint="name the mirror as a source, type: buildcache, or sync --mirror URL",
        )
        error.exit_status = CANNOT_TELL
        raise error
    return found, lacking


def _of_mirrors(db: connect.Connection, answer: Answer) -> list[probing.Pair]:
    """Which mirrors have the specs of an answer, where its placements are."""
    wanted = {
        (spec.hash, place.source, place.tag)
        for hit in answer.hits
        for spec in hit.specs
        for place in spec.placements
    }
    carried = carrying(db, hashes={spec_hash for spec_hash, _, _ in wanted})
    return probing.pairs(db, (c for c in carried if (c.hash, c.source, c.tag) in wanted))
