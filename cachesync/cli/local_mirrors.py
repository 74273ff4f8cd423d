"""What `doctor` finds of a build cache in the file system: its cache indexes, and how they are watched."""

from __future__ import annotations

from collections.abc import Iterator

from ..config import mirrors
from ..config.settings import Config
from ..config.sourceconfigs import BuildcacheSourceConfig, ReadMode
from ..errors import SourceError

__all__ = ["look_at"]

_Found = tuple[str, str, str, str | None]
"""As the fields of a finding: check, state, text, remedy."""

_REMEDY = "check `url:`, its permissions, and whether it is mounted"


def look_at(source: BuildcacheSourceConfig, config: Config) -> Iterator[_Found]:
    """Whether what is read of a mirror can be, and how its changes are noticed."""
    from ..system.filesystem import kind_of
    from ..watch.choice import choose

    if source.read is ReadMode.MANIFESTS:
        yield _manifests(source, config)
    else:
        yield from _indexes(source, config)
    chosen = choose(config.watch.mode, kind_of(mirrors.path(source.url)))
    how = "watched by events" if chosen is None else f"polled, since {chosen.reason}"
    yield source.name, "ok", how, None


def _indexes(source: BuildcacheSourceConfig, config: Config) -> Iterator[_Found]:
    from ..sources.base import Failed
    from ..sources.mirror.reaching import Reach
    from ..sources.mirror.source import Got, MirrorSource
    from ..sync import telling

    opened = MirrorSource(source, Reach(config.limits))
    for statement in opened.discover({}).statements:
        named = source.name if statement.view is None else f"{source.name} ({statement.view})"
        seen = opened.read(statement, {})
        if isinstance(seen, Got):
            size = len(seen.data)
            seen.close()
            yield named, "ok", f"its cache index can be read, {size:,} bytes", None
        elif isinstance(seen, Failed):
            yield (
                named,
                "error",
                telling.failure(statement.url, statement.url, seen.reason),
                _REMEDY,
            )


def _manifests(source: BuildcacheSourceConfig, config: Config) -> _Found:
    from ..sources.mirror.manifests import open_manifests
    from ..sources.mirror.reaching import Reach

    try:
        listed = open_manifests(source, Reach(config.limits)).listed(None)
    except SourceError as error:
        return source.name, "error", error.message, error.hint or _REMEDY
    if listed.unlisted:
        package, why = min(listed.unlisted.items())
        return source.name, "error", f"{package} cannot be looked into: {why}", _REMEDY
    if not listed.is_there:
        return source.name, "warning", "there are no spec manifests in it", _REMEDY
    return source.name, "ok", f"{len(listed.manifests):,} spec manifests can be listed", None
