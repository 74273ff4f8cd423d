"""`cachesync history`: when a package or a spec was in which tag."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from ...documents import build_document
from ...ledger import connect, log, read
from ...reports import history as presence
from .. import complete, naming, paths
from ..display import notcached, output
from ..display.pager import paged
from ..options import Globals

__all__ = ["history"]


@click.command(short_help="When a package or a spec was in which tag.")
@click.argument("what", metavar="PACKAGE|/HASH", shell_complete=complete.packages)
@click.option("--tag", metavar="TAG", help="Only in this tag.", shell_complete=complete.tags)
@click.option(
    "--source", metavar="SOURCE", help="Only in this source.", shell_complete=complete.sources
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--no-pager", is_flag=True, help="Never start a pager.")
@click.pass_obj
def history(
    options: Globals, what: str, tag: str | None, source: str | None, as_json: bool, no_pager: bool
) -> int:
    """When a PACKAGE (its exact name), or the spec with a /HASH or its beginning, was in which tag.

    A row is a version in a tag, or a spec in a tag, from when it appeared until it vanished. Of what was in
    none, and is known because something depends on it, is told what it is and what needs it.

    \b
    cachesync history hdf5 --tag develop
    cachesync history /bxjpbzp
    """
    paths.require_config(options)
    state_dir = paths.state_dir(options)
    spec_hash = naming.whole_hash(state_dir, what) if what.startswith("/") else None
    stays, seq = _stays(state_dir, what, spec_hash)
    stays = [
        stay for stay in stays if tag in (None, stay.tag) and source in (None, stay.source)
    ]  # fmt: skip
    nodes = (
        notcached.find(state_dir, what, spec_hash) if not stays and not tag and not source else []
    )
    if not stays and not nodes:
        raise naming.not_there(state_dir, what, tag, source)
    if as_json:
        told = {"not_cached": notcached.document(nodes)} if nodes else {}
        output.print_json({**_document(what, stays, seq), **told})
        return 0
    with paged(wanted=not no_pager):
        if nodes:
            notcached.show(what, nodes)
        else:
            _print(stays, of_one=spec_hash is not None)
    return 0


def _stays(state_dir: Path, what: str, spec_hash: str | None) -> tuple[list[presence.Stay], int]:
    with connect.ledger_errors(state_dir):
        db = connect.open_reader(state_dir)
        try:
            with read.snapshot(db):
                changes = (
                    log.package_history(db, what.lower()) if spec_hash is None
                    else log.history(db, spec_hash)
                )  # fmt: skip
                return presence.stays(changes), read.last_seq(db)
        finally:
            db.close()


def _document(what: str, stays: list[presence.Stay], seq: int) -> dict[str, Any]:
    return {
        "history": what,
        "as_of": {"seq": seq},
        "periods": [
            {
                **period._asdict(),
                "appeared": _moment(period.appeared),
                "vanished": _moment(period.vanished),
            }
            for period in presence.periods(stays)
        ],
        "stays": [
            {
                "source": stay.source,
                "tag": stay.tag,
                "package": stay.package,
                "hash": stay.hash,
                "build": build_document(stay.build),
                "appeared": _moment(stay.appeared),
                "vanished": _moment(stay.vanished),
                "stacks": stay.stacks,
                "restacked": [
                    {
                        **(_moment(changed.moment) or {}),
                        "before": changed.before,
                        "stacks": changed.stacks,
                    }
                    for changed in stay.restacked
                ],
            }
            for stay in stays
        ],
    }


def _moment(moment: presence.Moment | None) -> dict[str, Any] | None:
    if moment is None:
        return None
    at = output.timestamp(moment.at, fraction=True)
    return {"seq": moment.seq, "at": at, "baseline": moment.baseline}


def _print(stays: list[presence.Stay], *, of_one: bool) -> None:
    sources = len({stay.source for stay in stays}) > 1
    found: Iterable[Any] = stays if of_one else presence.periods(stays)
    columns = ["TAG", "VERSION", "SINCE", "UNTIL", "SPECS", "STACKS"]
    rows = [
        [
            f"{one.source}: {one.tag}" if sources else one.tag,
            one.build.version if of_one else one.version,
            _since(one.appeared),
            output.timestamp(one.vanished.at) if one.vanished is not None else "now",
            1 if of_one else one.specs,
            ", ".join(one.stacks),
        ]
        for one in found
    ]
    output.print_table(columns, rows, below=("STACKS",))
    for stay in stays if of_one else ():
        for changed in stay.restacked:
            _print_restacked(stay.tag, changed)


def _print_restacked(tag: str, changed: presence.Restacked) -> None:
    gained = sorted(set(changed.stacks) - set(changed.before))
    lost = sorted(set(changed.before) - set(changed.stacks))
    words = [*(f"+{stack}" for stack in gained), *(f"-{stack}" for stack in lost)]
    at = output.timestamp(changed.moment.at)
    output.print_line(f"{at}  stacks in {tag}: {' '.join(words)}")


def _since(moment: presence.Moment | None) -> str:
    if moment is None:
        return "before the log"
    at = output.timestamp(moment.at) or ""
    return f"first sync, {at}" if moment.baseline else at
