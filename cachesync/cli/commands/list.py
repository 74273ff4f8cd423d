"""`cachesync list`: what is cached, by kind, with counts and ages."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import Any

import click

from ...errors import NotThereError, UsageError
from ...ledger import connect, listing, read
from ...reports import lists
from ...reports.lists import Entry, Kind
from .. import complete, naming, paths
from ..display import output
from ..display.pager import paged
from ..options import Globals

__all__ = ["list_command"]

_KINDS = tuple(kind.value for kind in Kind)


def _kinds(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    return [kind for kind in _KINDS if kind.startswith(incomplete)]


@click.command("list", short_help="What is cached: packages, tags, compilers, ..., with counts.")
@click.argument("kind", required=False, metavar="|".join(_KINDS), shell_complete=_kinds)
@click.argument("package", required=False, shell_complete=complete.package_names)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--no-pager", is_flag=True, help="Never start a pager.")
@click.pass_obj
def list_command(
    options: Globals, kind: str | None, package: str | None, as_json: bool, no_pager: bool
) -> int:
    """What is cached now, by kind: of everything, or of a PACKAGE (its exact name, or a pattern).

    A row has how many packages, builds and specs there are of it, and when one of these was last cached
    in a tag. Names are in order, versions and tags from old to new.

    \b
    cachesync list tags
    cachesync list variants hdf5
    cachesync list packages 'py-*'
    """
    wanted = _kind(kind)
    paths.require_config(options)
    state_dir = paths.state_dir(options)
    entries, seq = _listed(state_dir, wanted, package)
    if as_json:
        output.print_json({
            "list": wanted.value,
            "package": package,
            "as_of": {"seq": seq},
            "results": [_document(wanted, entry) for entry in entries],
        })  # fmt: skip
        return 0
    with paged(wanted=not no_pager):
        _print(wanted, entries)
    return 0


def _kind(name: str | None) -> Kind:
    """The kind that is named, also in the singular. Raises UsageError for none."""
    known = ", ".join(_KINDS)
    if name is None:
        raise UsageError("list needs to know of what", hint=f"one of {known}")
    for kind in Kind:
        if name.lower() in (kind.value, _singular(kind)):
            return kind
    from difflib import get_close_matches

    near = get_close_matches(name.lower(), _KINDS, n=1)
    hint = f"did you mean {near[0]}? There are {known}" if near else f"one of {known}"
    raise UsageError(f"there is no list of {name}", hint=hint)


def _singular(kind: Kind) -> str:
    return kind.value.removesuffix("es" if kind is Kind.OSES else "s")


def _listed(state_dir: Path, kind: Kind, package: str | None) -> tuple[list[Entry], int]:
    """What there is. Raises NotThereError for a package of which nothing is cached."""
    with connect.ledger_errors(state_dir):
        db = connect.open_reader(state_dir)
        try:
            with read.snapshot(db):
                wanted = None if package is None else listing.packages_like(db, package.lower())
                entries = [] if wanted == [] else lists.listed(db, kind, wanted)
                # A build may be without variants, or without a compiler; without a package it is none.
                is_there = bool(entries) or wanted is None or bool(
                    wanted and lists.listed(db, Kind.PACKAGES, wanted)
                )  # fmt: skip
                seq = read.last_seq(db)
        finally:
            db.close()
    if package is None or is_there:
        return entries, seq
    if wanted and "*" not in package and "?" not in package:
        raise NotThereError(
            f"nothing of {package} is cached now", hint=f"cachesync history {package}"
        )
    if "*" in package or "?" in package:
        raise NotThereError(
            f"there is no package {package}", hint=f"cachesync search {shlex.quote(package)}"
        )
    raise naming.not_there(state_dir, package)


def _document(kind: Kind, entry: Entry) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": entry.name,
        "packages": entry.packages,
        "builds": entry.builds,
        "specs": entry.specs,
        "last_cached": output.timestamp(entry.last_cached),
    }
    if kind is Kind.PACKAGES:
        told["versions"] = entry.versions
    elif kind is Kind.TAGS:
        told["sources"] = entry.sources
    elif entry.source is not None:
        told["tags"] = entry.tags
        told["state"] = entry.source.state
        told["last_success"] = output.timestamp(entry.source.last_success)
    return told


def _print(kind: Kind, entries: list[Entry]) -> None:
    now = time.time() if sys.stdout.isatty() else None
    columns = [_singular(kind).upper(), "PACKAGES", "BUILDS", "SPECS", "LATEST"]
    rows: list[list[object]] = [
        [entry.name, entry.packages, entry.builds, entry.specs, _when(entry.last_cached, now)]
        for entry in entries
    ]
    # One and the same source in every row would tell nobody anything; a pipe has the same columns always.
    has_sources = kind is Kind.TAGS and (now is None or len({e.sources for e in entries}) > 1)
    if kind is Kind.PACKAGES:
        columns[1] = "NEWEST"
    elif has_sources:
        columns.append("SOURCES")
    elif kind is Kind.SOURCES:
        columns.insert(1, "STATE")
    for entry, row in zip(entries, rows, strict=True):
        if kind is Kind.PACKAGES:
            row[1] = entry.versions[-1]
        elif has_sources:
            row.append(", ".join(entry.sources))
        elif entry.source is not None:
            row.insert(1, entry.source.state)
    output.print_table(columns, rows)


def _when(at: int | None, now: float | None) -> str:
    """How long ago something was for people, and when it was for others."""
    if at is None:
        return "never"
    if now is None:
        return output.timestamp(at) or ""
    return f"{output.age(now - at / 1e6)} ago"
