"""`cachesync show`: everything known of a package or a spec, with its history."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from ... import query
from ...documents import build_document, change_document
from ...errors import UsageError
from ...ledger import connect, log
from ...model import TOLD, Build, Change, ChangeKind
from ...search.answers import Answer, Hit
from ...search.searcher import Searcher
from ...spack.printed import by_language
from .. import complete, naming, paths
from ..display import dependencies, output
from ..display.pager import paged
from ..options import Globals
from ..remedies import reaching
from . import showing

__all__ = ["show"]

SHOWN_HASHES = 5
SHOWN_CHANGES = 20


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
    as_json: bool,
    no_pager: bool,
) -> int:
    """Everything known of a PACKAGE (its exact name), or of the spec with a /HASH or its beginning.

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
    history = _history(state_dir, what, spec_hash, tag)
    known = showing.facts(
        state_dir, answer.hits,
        spec=spec_hash if tag is None else None,
        package=what if spec_hash is None and tag is None else None,
    )  # fmt: skip
    if not answer.hits and not history and not known.not_cached:
        raise naming.not_there(state_dir, what, tag)
    if size or as_json or spec_hash is not None:
        from .. import tarballs

        known = known._replace(tarballs=tarballs.look(options, state_dir, known.carried, asks=size))
    if size or spec_hash is not None:
        from .. import pagetarballs

        placed = [spec.hash for hit in answer.hits for spec in hit.specs]
        known = known._replace(on_pages=pagetarballs.look(options, state_dir, placed, asks=size))
    if as_json:
        output.print_json(_document(what, answer, known, history))
    else:
        with paged(wanted=not no_pager):
            _print(what, answer, known, history, options, spec=spec_hash)
    return 0


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


def _print(
    what: str,
    answer: Answer,
    known: showing.Facts,
    history: list[Change],
    options: Globals,
    *,
    spec: str | None,
) -> None:
    print(
        output.visible(
            f"{what}: {output.number(answer.builds, 'build')}, {output.number(answer.specs, 'spec')} cached now"
        )
    )
    for hit in answer.hits:
        _print_hit(hit, known)
        if spec is None:
            showing.print_tarballs(hit, known)
    showing.print_not_cached(known)
    if spec is not None:
        showing.print_spec(spec, known, options)
    if not history:
        return
    shown = [change for change in history if change.kind is not ChangeKind.SPEC_CACHED]
    cached = [change for change in history if change.kind is ChangeKind.SPEC_CACHED]
    print("history:")
    for line in _cached_lines(cached):
        print(output.visible(f"  {line}"))
    for change in shown[-SHOWN_CHANGES:]:
        flag = " (last)" if change.flag else ""
        spec = f" /{change.hash[:7]}" if change.hash is not None else ""
        line = f"{output.timestamp(change.at)}  {change.kind.label}{flag}{spec}  {_where(change)}"
        print(output.visible(f"  {line}"))
    if len(shown) > SHOWN_CHANGES:
        every = reaching("cachesync changes --limit 0 --package", options)
        package = shlex.quote(shown[-1].package or what)
        print(output.visible(f"  ... {len(shown) - SHOWN_CHANGES:,} older ({every} {package})"))


def _print_hit(hit: Hit, known: showing.Facts) -> None:
    for form, specs in showing.forms(hit, known).items():
        print()
        print(output.visible(_title(hit.build) if form is None else form))
        if form is None and hit.build.variants:
            print(output.visible(f"  {' '.join(hit.build.variants)}"))
        for spec in specs[:SHOWN_HASHES]:
            places = sorted({f"{p.tag} ({', '.join(p.stacks)})" for p in spec.placements})
            more = f" and {output.number(len(places) - 3, 'more tag')}" if len(places) > 3 else ""
            leaving = showing.leaving(spec.hash, known)
            print(output.visible(f"  /{spec.hash}  {'; '.join(places[:3])}{more}{leaving}"))
        if len(specs) > SHOWN_HASHES:
            print(f"  ... and {len(specs) - SHOWN_HASHES:,} more hashes (--json lists all)")


def _title(build: Build) -> str:
    where = f"{build.platform}-{build.os}-{build.target}"
    compilers = by_language(build.compiler, dict(build.compilers))
    return f"{build.package}@{build.version} {compilers} {where}"


def _cached_lines(cached: list[Change]) -> list[str]:
    """One line for each time and place at which specs were cached."""
    groups: dict[tuple[int, str], int] = {}
    for change in cached:
        key = (change.at, _where(change))
        groups[key] = groups.get(key, 0) + 1
    lines = [
        f"{output.timestamp(at)}  spec.cached {output.number(count, 'spec')}  {where}"
        for (at, where), count in groups.items()
    ]
    if len(lines) > SHOWN_CHANGES:
        return [f"... {len(lines) - SHOWN_CHANGES:,} older", *lines[-SHOWN_CHANGES:]]
    return lines


def _where(change: Change) -> str:
    return f"{change.source}: {change.tag}/{change.package}"
