"""`cachesync verify`: whether everything agrees with everything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from ...config.mirrors import places
from ...config.settings import Config
from ...config.sourceconfigs import BuildcacheSourceConfig, ReadMode, SourceConfig
from ...errors import IndexUnusableError
from ...ledger import connect, log, read
from ...reports import verify as checks
from ...selection import Selection
from ...sources.directory import DirectorySource
from .. import paths
from ..configuration import load_config
from ..display import output
from ..ending import ending
from ..options import Globals

__all__ = ["verify"]


@click.command(short_help="Compare ledger, change log, index, directories and mirrors.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def verify(options: Globals, as_json: bool) -> int:
    """Compare ledger, change log, index and what lies on disk; name each difference, mend none.

    On disk are directories of pages, and the cache indexes of mirrors at file: addresses. Exit status 1
    when there is a difference. An index that is merely behind is none.
    """
    config = load_config(options)
    state_dir = paths.state_dir(options)
    with connect.ledger_errors(state_dir):
        db = connect.open_reader(state_dir)
        try:
            with read.snapshot(db):
                index_state, differences = _index(db, state_dir)
                differences += checks.check_database(db)
                differences += checks.check_log(db)
                fetched = _sources(db, config, differences)
                totals = log.totals(db)
        finally:
            db.close()
    status = 1 if differences else 0
    with ending(status):
        if as_json:
            output.print_json(
                {"ok": not differences, "differences": differences, "index": index_state,
                 "not_compared": fetched, "ledger": totals}
            )  # fmt: skip
        else:
            for difference in differences:
                output.print_line(difference)
            if fetched:
                output.print_line(f"not compared, since fetched: {', '.join(fetched)}")
            if index_state["behind"]:
                print(f"index: {index_state['behind']:,} changes behind")
            print(
                f"{totals['pages']:,} pages, {totals['specs']:,} specs, {totals['placements']:,}"
                f" placements, {totals['seq']:,} changes compared:"
                f" {output.number(len(differences), 'difference')}"
            )
    return status


def _index(db: Any, state_dir: Path) -> tuple[dict[str, Any], list[str]]:
    from ...index.reader import SearchIndex

    try:
        index = SearchIndex(
            state_dir / connect.INDEX_DIRECTORY,
            ledger=read.identity(db),
            mark=partial(read.mark, db),
        )
    except IndexUnusableError as error:
        return {"seq": 0, "behind": 0}, [f"index: {error.message}"]
    try:
        found = list(checks.check_index(db, index))
    except Exception as error:  # Whoosh raises anything on damaged files
        found = [f"index: it cannot be read ({type(error).__name__})"]
    finally:
        index.close()
    return {"seq": index.seq, "behind": max(0, read.last_seq(db) - index.seq)}, found


def _sources(db: Any, config: Config, differences: list[str]) -> list[str]:
    """Compare the sources that lie on disk; returns the names of the others."""
    configured = {source.name: source for source in config.sources}
    indexes = log.mirrors(db)
    fetched = []
    for status in log.source_statuses(db):
        if status.state in ("orphaned", "never"):
            continue
        entry = configured.get(status.name)
        selection = entry.selection if entry is not None else Selection()
        if status.type == "directory":
            source = DirectorySource(
                status.name,
                Path(status.location),
                page_limit=config.limits.page_bytes,
                selection=selection,
            )
            differences += checks.check_source(db, source, selection)
        elif _are_on_disk(indexes.get(status.name, ())):
            read_now = _read_now(indexes[status.name], entry)
            differences += _on_disk(db, config, status, read_now, selection)
        else:
            fetched.append(status.name)
    return fetched


def _on_disk(
    db: Any,
    config: Config,
    status: log.SourceStatus,
    indexes: Sequence[log.Mirror],
    selection: Selection,
) -> Iterator[str]:
    """Compare a mirror on disk by what was read of it."""
    from ...reports.verifymirror import check_manifests, check_mirror
    from ...sources.mirror.manifests import ManifestSource
    from ...sources.mirror.reaching import Reach
    from ...sources.mirror.source import MirrorSource

    reach = Reach(config.limits)
    by_manifests = [one for one in indexes if one.read == ReadMode.MANIFESTS]
    for one in by_manifests:
        mirror = BuildcacheSourceConfig(
            status.name, one.url, tag=one.tag, stack=one.stack, selection=selection
        )
        yield from check_manifests(db, ManifestSource(mirror, reach), one, selection)
    others = [one for one in indexes if one.read != ReadMode.MANIFESTS]
    if others:
        opened = MirrorSource(BuildcacheSourceConfig(status.name, status.location), reach)
        yield from check_mirror(db, opened, others, selection)


def _read_now(indexes: Sequence[log.Mirror], entry: SourceConfig | None) -> list[log.Mirror]:
    """Those that are still read: what a former entry of the configuration had is perhaps held."""
    if not isinstance(entry, BuildcacheSourceConfig) or not entry.url:  # each mirror is where it is
        return list(indexes)
    read_now = {(place.tag, place.stack) for place in places(entry)}
    return [one for one in indexes if (one.tag, one.stack) in read_now]


def _are_on_disk(indexes: Sequence[log.Mirror]) -> bool:
    return bool(indexes) and all(one.url.startswith("file:") for one in indexes)
