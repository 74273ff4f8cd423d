"""`cachesync show`: everything known of a package or a spec, with its history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ... import query
from ...documents import change_document
from ...errors import NotThereError
from ...ledger import connect, log
from ...model import TOLD, Change, ChangeKind
from ...search.searcher import Answer, Hit, Searcher
from .. import complete, naming, paths
from ..display import output
from ..display.pager import paged
from ..options import Globals

__all__ = ["show"]

SHOWN_HASHES = 5
SHOWN_CHANGES = 20


@click.command(short_help="Everything known of a package or a spec.")
@click.argument("what", metavar="PACKAGE|/HASH", shell_complete=complete.packages)
@click.option(
    "--tag", metavar="TAG", help="Only what is placed in this tag.", shell_complete=complete.tags
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--no-pager", is_flag=True, help="Never start a pager.")
@click.pass_obj
def show(options: Globals, what: str, tag: str | None, as_json: bool, no_pager: bool) -> int:
    """Everything known of a PACKAGE (its exact name), or of the spec with a /HASH or its beginning.

    \b
    cachesync show hdf5
    cachesync show /bxjpbzp --json
    """
    paths.require_config(options)
    state_dir = paths.state_dir(options)
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
    if not answer.hits and not history:
        raise NotThereError(
            f"nothing is known of {what}" + (f" in {tag}" if tag is not None else ""),
            hint=naming.nearest_package(state_dir, what),
        )
    if as_json:
        output.print_json(_document(what, answer, history))
    else:
        with paged(wanted=not no_pager):
            _print(what, answer, history)
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


def _document(what: str, answer: Answer, history: list[Change]) -> dict[str, Any]:
    return {
        "show": what,
        "builds": answer.builds,
        "specs": answer.specs,
        "results": [
            {
                **hit.build._asdict(),
                "specs": [
                    {"hash": s.hash, "placements": [p._asdict() for p in s.placements]}
                    for s in hit.specs
                ],
            }
            for hit in answer.hits
        ],
        "history": [change_document(change) for change in history],
    }


def _print(what: str, answer: Answer, history: list[Change]) -> None:
    print(
        output.visible(
            f"{what}: {output.number(answer.builds, 'build')}, {output.number(answer.specs, 'spec')} cached now"
        )
    )
    for hit in answer.hits:
        _print_hit(hit)
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
        print(f"  ... {len(shown) - SHOWN_CHANGES:,} older (cachesync changes --package)")


def _print_hit(hit: Hit) -> None:
    build = hit.build
    print()
    print(output.visible(f"{build.package}@{build.version} %{build.compiler}"
                         f" {build.platform}-{build.os}-{build.target}"))  # fmt: skip
    if build.variants:
        print(output.visible(f"  {' '.join(build.variants)}"))
    for spec in hit.specs[:SHOWN_HASHES]:
        places = sorted({f"{p.tag} ({', '.join(p.stacks)})" for p in spec.placements})
        more = f" and {output.number(len(places) - 3, 'more tag')}" if len(places) > 3 else ""
        print(output.visible(f"  /{spec.hash}  {'; '.join(places[:3])}{more}"))
    if len(hit.specs) > SHOWN_HASHES:
        print(f"  ... and {len(hit.specs) - SHOWN_HASHES:,} more hashes (--json lists all)")


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
