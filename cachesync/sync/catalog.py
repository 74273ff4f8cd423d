"""The sources there are: those of the config, and those once named by `sync --pages` or `--mirror`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from .. import net
from ..config.settings import Config
from ..config.sourceconfigs import (
    ArchiveSourceConfig,
    BuildcacheSourceConfig,
    DirectorySourceConfig,
    GithubSourceConfig,
    SourceConfig,
)
from ..errors import CachesyncError, UsageError
from ..ledger.outcomes import SourceRow
from ..ledger.write import Writer
from ..model import SourceState
from ..selection import Selection
from ..sources.base import Source, Unopened
from ..sources.directory import DirectorySource
from . import telling
from .mirrorsource import ManifestSource, MirrorSource

__all__ = [
    "Job",
    "Remote",
    "choose",
    "forget",
    "forget_unread",
    "job",
    "named_entry",
    "orphan_missing",
    "remembered",
]

Remote = Callable[[SourceConfig], Source | MirrorSource | ManifestSource]
"""Opens a source that is not a directory; raises CachesyncError when that cannot be."""


class Job(NamedTuple):
    """A source to be passed over, with what the ledger knows of it."""

    row: SourceRow
    source: Source | MirrorSource | ManifestSource
    selection: Selection


def orphan_missing(writer: Writer, config: Config) -> list[str]:
    """Mark the sources that the config names no more; returns those that were not marked before."""
    configured = {source.name for source in config.sources}
    missing = [
        row
        for row in writer.sources()
        if row.configured and row.name not in configured and row.state is not SourceState.ORPHANED
    ]
    for row in missing:
        writer.orphan(row)
    return [row.name for row in missing]


def remembered(writer: Writer) -> list[str]:
    """The directories and mirrors that were named by `sync --pages` and `sync --mirror`."""
    return [row.name for row in writer.sources() if not row.configured]


def choose(writer: Writer, config: Config, names: Sequence[str]) -> list[str]:
    """`names`, or all there are. Raises UsageError for one that is not there."""
    every = [*(source.name for source in config.sources), *remembered(writer)]
    for name in names:
        if name not in every:
            raise UsageError(
                f"no source is called {name}",
                hint="sources: " + (", ".join(every) or "none yet (--pages DIR)"),
            )
    return list(names) or every


def named_entry(writer: Writer, name: str) -> SourceConfig:
    """The source that no config mentions: a directory by its path, a mirror by its address.

    The views of a mirror are those that were read last.
    """
    if "://" not in name:
        return DirectorySourceConfig(name, name)
    row = next((row for row in writer.sources() if row.name == name), None)
    known = [] if row is None else writer.statements(row)
    views = tuple(one.view for one in known if one.view is not None)
    return BuildcacheSourceConfig(name, name, views=views)


def job(
    writer: Writer, config: Config, name: str, remote: Remote, *, named: SourceConfig | None = None
) -> Job:
    """The source called `name`, its row made or brought up to date.

    `named` is one that the config does not have; without it that is `named_entry`.
    """
    entry = next((source for source in config.sources if source.name == name), None)
    if entry is None:
        entry = named or named_entry(writer, name)
        row = writer.source(name, entry.type, _location(entry), configured=False, interval=None)
    else:
        row = writer.source(
            name, entry.type, _location(entry), configured=True, interval=entry.interval_seconds
        )
    if not isinstance(entry, DirectorySourceConfig):
        try:
            source: Source | MirrorSource | ManifestSource = remote(entry)
        except CachesyncError as error:
            source = Unopened(name, entry.type, error)
        return Job(row, source, entry.selection)
    limit = config.limits.page_bytes
    source = DirectorySource(name, Path(entry.path), page_limit=limit, selection=entry.selection)
    return Job(row, source, entry.selection)


def forget_unread(writer: Writer, row: SourceRow) -> str | None:
    """Forget what never could be read of a mirror that no config has; what is to be said of that.

    Who mistypes the address of a mirror or a view has no source that fails for ever.
    """
    every = writer.statements(row)
    unread = [one for one in every if one.checksum is None]
    if row.configured or not unread:
        return None
    if len(unread) == len(every):
        writer.forget(row)
        return "nothing of it could be read, so it is not remembered"
    for one in unread:
        writer.drop_statement(row, one)
    names = ", ".join(telling.index_name(one.view, one.tag) for one in unread)
    return f"{names} could not be read, and is not remembered"


def _location(entry: SourceConfig) -> str:
    """Where a source is, for people; without credentials."""
    if isinstance(entry, DirectorySourceConfig):
        return os.fspath(entry.path)
    if isinstance(entry, GithubSourceConfig):
        host = net.host(entry.api_url)
        where = "" if host == "api.github.com" else f"{host} "
        return f"{where}{entry.repository} at {entry.ref}, {entry.path or 'its root'}"
    if isinstance(entry, BuildcacheSourceConfig):
        if not entry.url:
            return entry.mirrors or net.shown(entry.list or "")
        views = entry.views or ((entry.view,) if entry.view else ())
        return net.shown(entry.url) + (f", {', '.join(views)}" if views else "")
    if isinstance(entry, ArchiveSourceConfig) or not entry.urls:
        return net.shown(entry.url or "")
    more = len(entry.urls) - 1
    return net.shown(entry.urls[0]) + (f" and {more} more" if more else "")


def forget(writer: Writer, name: str) -> dict[str, object]:
    """Drop a source and all its placements; says its name and how many changes that made.

    Raises UsageError when there is none.
    """
    rows = {row.name: row for row in writer.sources()}
    row = rows.get(name) or rows.get(os.path.realpath(name))
    if row is None:
        raise UsageError(
            f"no source is called {name}", hint="sources: " + (", ".join(rows) or "none")
        )
    first = writer.seq
    writer.forget(row)
    return {"name": row.name, "changes": writer.seq - first}
