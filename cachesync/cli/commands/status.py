"""`cachesync status`: sources, sizes, lag, and every page that is not as it should be."""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import click

from ...errors import AnswerError, CachesyncError, IndexUnusableError
from ...ledger import connect, log, read
from ...model import LocationState
from ...reports import health
from ...system.published import deliveries, probes
from .. import paths, standing
from ..display import notifications, output, samples, turns
from ..ending import CANNOT_TELL, ending
from ..options import Globals
from ..remedies import of_health, reaching

__all__ = ["cannot_tell", "status"]

MANY = 50
"""Cache indexes of one source; of more only those are listed that are not well."""
SHOWN = 20
STATUSES = {health.State.OK: 0, health.State.DEGRADED: 1, health.State.FAILING: 2}


@click.command(short_help="Sources, sizes, lag, rejected pages, held passes.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option(
    "--check", is_flag=True, help="One line; ends with 0 ok, 1 degraded, 2 failing, 3 cannot tell."
)
@click.pass_obj
def status(options: Globals, as_json: bool, check: bool) -> int:
    """What is known, how old it is, and what is wrong.

    --check makes it a monitoring plugin: one line, and the exit status says how well all is.
    """
    if not check:
        _told(options, as_json=as_json)
        return 0
    try:
        state = _told(options, as_json=True) if as_json else _check(options)
        with ending(STATUSES[state]):
            sys.stdout.flush()
        return STATUSES[state]
    except CachesyncError as error:
        cannot_tell(error, as_json=as_json)
        raise


def cannot_tell(error: CachesyncError, *, as_json: bool) -> None:
    """Have what is in the way of `--check` end with 3, and say it where a monitor reads.

    Of 1 and 2 it would say that the site is ill.
    """
    error.exit_status = CANNOT_TELL
    if not as_json and not isinstance(error, AnswerError):
        _print_check(f"cannot tell: {error.message}")
        error.is_said = True


def _told(options: Globals, *, as_json: bool) -> health.State:
    """Print everything; returns how the site is."""
    paths.require_config(options)
    state_dir = paths.state_dir(options)
    with connect.ledger_errors(state_dir):
        db = connect.open_reader(state_dir)
        try:
            document = {
                **_document(db, state_dir),
                "notifications": deliveries(state_dir),
                "daemon": _daemon(state_dir),
            }
            judged = standing.judged(state_dir, index_error=document["index"]["error"])
            found = of_health(judged, options)
            document = {"health": health.document(found), **document}
        finally:
            db.close()
    if as_json:
        output.print_json(document)
    else:
        _print(document, options)
    return found.state


def _check(options: Globals) -> health.State:
    """Print what a monitoring plugin says; returns how the site is."""
    paths.require_config(options)
    state_dir = paths.state_dir(options)
    with connect.ledger_errors(state_dir):
        connect.open_reader(state_dir).close()
    found = standing.look(state_dir)
    _print_check(health.line(found))
    return found.state


def _print_check(line: str) -> None:
    """The one line, of which `|` would end the text."""
    print(output.visible(f"cachesync {line}").replace("|", "/"))


def _document(db: Any, state_dir: Path) -> dict[str, Any]:
    index = _index(db, state_dir)
    with read.snapshot(db):
        return {
            "ledger": {**log.totals(db), "bytes": _size(state_dir)},
            "index": index,
            "sources": _sources(db, probes(state_dir)),
            "rejected": [_trouble(t) for t in log.troubles(db, LocationState.REJECTED)],
            "skipped": [_trouble(t) for t in log.troubles(db, LocationState.SKIPPED)],
            "warnings": [_trouble(t) for t in log.warnings(db)],
            "missing": _missing(db),
            "notes": _notes(db),
        }


def _daemon(state_dir: Path) -> dict[str, Any] | None:
    """What the daemon says of itself; None when none runs."""
    from ...daemon import runtime

    said = runtime.running(state_dir)
    if said is None:
        return None
    sources = {
        name: {**source, "next_run": output.timestamp(source["next_run"])}
        for name, source in said["sources"].items()
    }
    return {
        "pid": said["pid"],
        "since": output.timestamp(said["since"]),
        "stuck": said["stuck"],
        "sources": sources,
    }


def _index(db: Any, state_dir: Path) -> dict[str, Any]:
    from ...index.reader import SearchIndex

    try:
        opened = SearchIndex(
            state_dir / connect.INDEX_DIRECTORY,
            ledger=read.identity(db),
            mark=partial(read.mark, db),
        )
    except IndexUnusableError as error:
        return {"builds": 0, "seq": 0, "bytes": 0, "error": error.message}
    try:
        found = {"builds": len(opened.builds()), "seq": opened.seq, "bytes": opened.bytes}
    except Exception as error:  # Whoosh raises anything on damaged files
        return {"builds": 0, "seq": 0, "bytes": 0, "error": f"it cannot be read ({error!r})"}
    finally:
        opened.close()
    return {**found, "error": None}


def _size(state_dir: Path) -> int:
    names = (connect.LEDGER_FILE, f"{connect.LEDGER_FILE}-wal")
    return sum((state_dir / n).stat().st_size for n in names if (state_dir / n).exists())


def _sources(db: Any, sampled: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    mirrors, specs = log.mirrors(db), read.specs_of_sources(db)
    return [
        {
            **_source(source, specs.get(source.name, 0), mirrors.get(source.name)),
            **samples.document(sampled.get(source.name)),
        }
        for source in log.source_statuses(db)
    ]


def _source(
    source: log.SourceStatus, specs: int, mirrors: list[log.Mirror] | None
) -> dict[str, Any]:
    shown = {**source._asdict(), "specs": specs}
    del shown["places"]
    if mirrors is not None:
        shown["mirrors"] = [
            {**one._asdict(), "last_success": output.timestamp(one.last_success)} for one in mirrors
        ]
    return {
        **shown,
        "last_success": output.timestamp(source.last_success),
        "last_attempt": output.timestamp(source.last_attempt),
    }


def _trouble(trouble: log.Trouble) -> dict[str, Any]:
    return {**trouble._asdict(), "since": output.timestamp(trouble.since)}


def _missing(db: Any) -> list[dict[str, Any]]:
    """The pages that answered 404, but not often enough yet to be gone."""
    from ...sources.http import missing

    return [
        {
            "source": name,
            "page": page,
            "reason": f"not there, {seen.passes} of {seen.of}",
            **seen._asdict(),
        }
        for name, memory in log.memories(db, "http").items()
        for page, seen in missing(memory).items()
    ]


def _notes(db: Any) -> list[dict[str, str]]:
    """What is to be said of sources besides."""
    from ...sources.remote import remark

    kinds = ("archive", "http")
    memories = [item for kind in kinds for item in log.memories(db, kind).items()]
    return [
        {"source": name, "note": said}
        for name, memory in sorted(memories)
        if (said := remark(memory)) is not None
    ]


def _print(document: dict[str, Any], options: Globals) -> None:
    ledger, index = document["ledger"], document["index"]
    _print_health(document["health"])
    output.print_line(
        f"ledger: {ledger['pages']:,} pages, {ledger['specs']:,} specs, {ledger['builds']:,} builds,"
        f" {ledger['placements']:,} placements, seq {ledger['seq']:,},"
        f" {ledger['bytes'] / 2**20:.1f} MiB",
        hang=8,
    )
    if ledger["nodes"]:
        output.print_line(f"        {ledger['nodes']:,} nodes, {ledger['edges']:,} edges")
    if index["error"] is not None:
        remedy = reaching("`cachesync rebuild index`", options)
        output.print_line(f"index:  {index['error']} ({remedy}); searches ask the ledger", hang=8)
    else:
        behind = ledger["seq"] - index["seq"]
        lag = f"{output.number(behind, 'change')} behind" if behind else "up to date"
        size = f"{index['bytes'] / 2**20:.1f} MiB"
        output.print_line(f"index:  {index['builds']:,} builds, {lag}, {size}", hang=8)
    _print_daemon(document["daemon"])
    rows = [
        (
            s["name"], s["type"], s["state"], _pages(s), s["specs"], s["rejected"], _age(s),
            s["error"] or "",
        )
        for s in document["sources"]
    ]  # fmt: skip
    columns = ("SOURCE", "TYPE", "STATE", "PAGES", "SPECS", "REJECTED", "AGE", "ERROR")
    output.print_table(columns, rows, after=("ERROR",), seldom=("REJECTED",))
    _print_mirrors(document["sources"])
    samples.show(document["sources"])
    notifications.show(document["notifications"])
    for name in ("rejected", "skipped", "warnings"):
        _print_troubles(name, document[name])
    _print_troubles("not there", document["missing"])
    for note in document["notes"]:
        output.print_line(f"note: {note['source']}: {note['note']}")


def _pages(source: dict[str, Any]) -> str | int:
    """How many pages a source has; build caches have none, unless they were pages once."""
    return "-" if source["type"] == "buildcache" and not source["pages"] else int(source["pages"])


def _print_mirrors(sources: list[dict[str, Any]]) -> None:
    """The cache indexes there are, beside the pages; of very many those that something is to say of."""
    rows, well = [], {}
    for source in sources:
        every = source.get("mirrors", ())
        some = [m for m in every if len(every) <= MANY or m["state"] != "ok" or m["leaving"]]
        well[source["name"]] = len(every) - len(some)
        rows += [
            (source["name"], m["url"], m["view"] or "", m["tag"], m["stack"], _state_of(m), m["leaving"],
             _age(m))
            for m in some
        ]  # fmt: skip
    if rows:
        columns = ("SOURCE", "MIRROR", "VIEW", "TAG", "STACK", "STATE", "LEAVING", "AGE")
        output.print_table(columns, rows, seldom=("LEAVING",))
    for name, count in well.items():
        if count:
            output.print_line(f"{name}: {count:,} cache indexes, all ok (--json lists them)")


def _print_health(found: dict[str, Any]) -> None:
    """The state first, the worst reason beside it; each with what helps."""
    if not found["reasons"]:
        print(f"health: {found['state']}")
    for number, reason in enumerate(found["reasons"]):
        head = "  " if number else "health: "
        output.print_line(f"{head}{reason['state']}: {reason['thing']}: {reason['text']}")
        if reason["remedy"] is not None:
            output.print_line(f"    remedy: {reason['remedy']}")


def _print_daemon(daemon: dict[str, Any] | None) -> None:
    if daemon is None:
        return
    output.print_line(f"daemon: pid {daemon['pid']}, since {daemon['since']}")
    if daemon["stuck"] is not None:
        output.print_line(f"  {daemon['stuck']} shows no sign of life")
    for name, source in daemon["sources"].items():
        parts = [source["doing"]]
        if source["watch"] is not None:
            noun = "directory" if source["directories"] == 1 else "directories"
            parts.append(f"watch: {source['watch']} ({source['directories']:,} {noun})")
        if source.get("watch_every") is not None:
            parts.append(f"every {source['watch_every']:.0f} s, since {source['watch_detail']}"
                         if source["degraded"] is None else f"every {source['watch_every']:.0f} s")  # fmt: skip
        if source["next_run"] is not None:
            parts.append(f"next full pass {source['next_run']}")
        if source["failures"]:
            noun = "pass" if source["failures"] == 1 else "passes"
            parts.append(f"{source['failures']} failed {noun} in a row")
        if source["overflows"]:
            parts.append(f"{source['overflows']} overflows")
        output.print_line(f"  {name}: {', '.join(parts)}")
        if source["degraded"] is not None:
            output.print_line(f"    {source['degraded']}")


def _state_of(mirror: dict[str, Any]) -> str:
    by_manifests = " (manifests)" if mirror["read"] == "manifests" else ""
    return f"{mirror['state']}{by_manifests}"


def _age(source: dict[str, Any]) -> str:
    if source["last_success"] is None:
        return "never"
    from datetime import datetime

    return output.age(time.time() - datetime.fromisoformat(source["last_success"]).timestamp())


def _print_troubles(name: str, troubles: list[dict[str, Any]]) -> None:
    if not troubles:
        return
    print(f"{name}: {len(troubles):,}")
    for trouble in turns.chosen(troubles, SHOWN, lambda one: one["source"]):
        line = f"  {trouble['source']}: {trouble['page']}: {trouble['reason']}"
        output.print_line(line)
    if len(troubles) > SHOWN:
        output.print_line(f"  ... and {len(troubles) - SHOWN:,} more (--json lists all)")
