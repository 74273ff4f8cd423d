"""`cachesync show`: everything known of a package or a spec, with its history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ... import query
from ...documents import build_document, change_document
from ...errors import UsageError
from ...ledger import connect, log
from ...model import TOLD, Change
from ...search.answers import Answer
from ...search.searcher import Searcher
from .. import complete, naming, paths
from ..display import dependencies, output
from ..display.pager import paged
from ..options import Globals
from . import showing, shown

__all__ = ["show"]


@click.command(short_help="Everything known of a package or a spec.")
@click.argument("what", metavar="PACKAGE|/HASH", shell_complete=complete.packages)
@click.option(
    "--tag", metavar="TAG", help="Only what is placed in this tag.", shell_complete=complete.tags
)
@click.option("--tree", is_flag=True, help="What the spec depends on, as a tree.")
@click.option("--dependents", is_flag=True, help="What depends directly on the spec.")
@click.option(
    "--depth", type=click.IntRange(1, showing.DEEPEST), metavar="N",
    help="With --tree: only what is at most N edges away.",
)  # fmt: skip
@click.option(
    "--size", is_flag=True, help="Ask mirrors that are fetched, too, for size and time of tarballs."
)
@click.option("--long", "is_long", is_flag=True, help="Every variant, hash, tag and stack.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--no-pager", is_flag=True, help="Never start a pager.")
@click.pass_obj
def show(
    options: Globals,
    what: str,
    tag: str | None,
    tree: bool,
    dependents: bool,
    depth: int | None,
    size: bool,
    is_long: bool,
    as_json: bool,
    no_pager: bool,
) -> int:
    """Everything known of a PACKAGE (its exact name), or of the spec with a /HASH or its beginning.

    On a terminal a package's builds stand on a line each: what they have in common once, the beginnings of
    their hashes, and behind them the tags; --long tells all of each.

    \b
    cachesync show hdf5
    cachesync show /bxjpbzp --json
    cachesync show /bxjpbzp --tree
    """
    paths.require_config(options)
    state_dir = paths.state_dir(options)
    if tree or dependents or depth is not None:
        if size:
            raise UsageError(
                "--size says nothing of a DAG: --tree, --depth and --dependents exclude it"
            )
        _refuse(what, tree=tree, dependents=dependents, depth=depth, tag=tag)
        return _show_graph(state_dir, what, depth, dependents, as_json=as_json, no_pager=no_pager)
    of_tag = (query.Term("tag", tag.lower()),) if tag is not None else ()
    spec_hash = naming.whole_hash(state_dir, what) if what.startswith("/") else None
    term = query.Term("package", what.lower()) if spec_hash is None else (
        query.Term("hash", spec_hash)
    )  # fmt: skip
    searcher = Searcher(state_dir)
    try:
        answer = searcher.search(query.And((term, *of_tag)), sort="version")
    finally:
        searcher.close()
    name = answer.hits[0].build.package if answer.hits else what
    history = _history(state_dir, name, spec_hash, tag)
    known = showing.facts(
        state_dir, answer.hits,
        spec=spec_hash if tag is None else None,
        package=name if spec_hash is None and tag is None else None,
    )  # fmt: skip
    if not answer.hits and not history and not known.not_cached:
        raise naming.not_there(state_dir, what, tag)
    if size or as_json or spec_hash is not None:
        known = _with_tarballs(
            options, state_dir, answer, known, pages=size or spec_hash is not None, asks=size
        )
    if as_json:
        output.print_json(_document(what, answer, known, history))
    else:
        with paged(wanted=not no_pager):
            shown.tell(what, answer, known, history, options, spec=spec_hash, is_long=is_long)
    return 0


def _with_tarballs(
    options: Globals,
    state_dir: Path,
    answer: Answer,
    known: showing.Facts,
    *,
    pages: bool,
    asks: bool,
) -> showing.Facts:
    """With where tarballs lie, those that only pages tell of too with `pages`; with `asks` mirrors are asked."""
    from .. import tarballs

    known = known._replace(tarballs=tarballs.look(options, state_dir, known.carried, asks=asks))
    if not pages:
        return known
    from .. import pagetarballs

    placed = [spec.hash for hit in answer.hits for spec in hit.specs]
    return known._replace(on_pages=pagetarballs.look(options, state_dir, placed, asks=asks))


def _refuse(what: str, *, tree: bool, dependents: bool, depth: int | None, tag: str | None) -> None:
    """Raise UsageError for what no DAG can be asked."""
    if tree and dependents:
        raise UsageError("--tree and --dependents exclude each other")
    if depth is not None and not tree:
        raise UsageError("--depth is of --tree")
    name = "--tree" if tree else "--dependents"
    if tag is not None:
        raise UsageError(f"{name} and --tag exclude each other")
    if not what.startswith("/"):
        raise UsageError(f"{name} is of one spec", hint=f"cachesync show {what} tells the hashes")


def _show_graph(
    state_dir: Path,
    what: str,
    depth: int | None,
    dependents: bool,
    *,
    as_json: bool,
    no_pager: bool,
) -> int:
    """What a spec depends on, or what depends on it."""
    graph = showing.graph(
        state_dir, naming.whole_hash(state_dir, what), depth=depth, dependents=dependents
    )
    if as_json:
        output.print_json({"show": what, **dependencies.document(graph)})
        return 0
    with paged(wanted=not no_pager):
        (dependencies.print_dependents if dependents else dependencies.print_tree)(graph)
    return 0


def _history(state_dir: Path, what: str, spec_hash: str | None, tag: str | None) -> list[Change]:
    with connect.ledger_errors(state_dir):
        db = connect.open_reader(state_dir)
        try:
            if spec_hash is not None:
                found = list(log.history(db, spec_hash))
            else:
                found = list(log.changes(db, log.Filter(package=what, tag=tag, kinds=TOLD)))
        finally:
            db.close()
    return [change for change in found if tag is None or change.tag == tag]


def _document(
    what: str, answer: Answer, known: showing.Facts, history: list[Change]
) -> dict[str, Any]:
    nodes = [{"hash": spec, **showing.document(spec, known)} for spec in known.not_cached]
    return {
        "show": what,
        "builds": answer.builds,
        "specs": answer.specs,
        "results": [
            {
                **build_document(hit.build),
                "specs": [
                    {
                        "hash": s.hash,
                        "placements": [p._asdict() for p in s.placements],
                        **showing.document(s.hash, known),
                    }
                    for s in hit.specs
                ],
            }
            for hit in answer.hits
        ],
        **({"not_cached": nodes} if nodes else {}),
        "history": [change_document(change) for change in history],
    }
