"""What `doctor` finds of a build cache in the file system: its cache indexes, and how they are watched."""

from __future__ import annotations

from collections.abc import Iterator

from ..config import mirrors
from ..config.settings import Config
from ..config.sourceconfigs import BuildcacheSourceConfig

__all__ = ["look_at"]

_Found = tuple[str, str, str, str | None]
"""As the fields of a finding: check, state, text, remedy."""


def look_at(source: BuildcacheSourceConfig, config: Config) -> Iterator[_Found]:
    """Whether each cache index of a mirror can be read, and how its changes are noticed."""
    from ..sources.base import Failed
    from ..sources.mirror.reaching import Reach
    from ..sources.mirror.source import Got, MirrorSource
    from ..sync import telling
    from ..system.filesystem import kind_of
    from ..watch.choice import choose

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
                "check `url:`, its permissions, and whether it is mounted",
            )
    chosen = choose(config.watch.mode, kind_of(mirrors.path(source.url)))
    how = "watched by events" if chosen is None else f"polled, since {chosen.reason}"
    yield source.name, "ok", how, None
