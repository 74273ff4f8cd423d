"""What `doctor` finds of a source whose mirrors are named elsewhere: in a mirrors.yaml, or a list."""

from __future__ import annotations

from collections.abc import Iterator

from .. import net
from ..config.settings import Config
from ..config.sourceconfigs import BuildcacheSourceConfig

__all__ = ["look_at_file", "look_at_list"]

_Found = tuple[str, str, str, str | None]
"""As the fields of a finding: check, state, text, remedy."""


def look_at_file(source: BuildcacheSourceConfig, config: Config) -> Iterator[_Found]:
    """Which mirrors a mirrors.yaml has, and which of them cannot be read."""
    from ..sources.mirror.reaching import Reach
    from ..sources.mirror.source import MirrorSource

    opened = MirrorSource(source, Reach(config.limits))
    found = opened.discover({})
    if found.failure is not None:
        yield source.name, "error", found.failure, "check `mirrors:`"
        return
    told = opened.conclude()
    count = len(found.statements)
    urls = [one.url for one in found.statements]
    hosts = sorted({"this machine" if url.startswith("file:") else net.host(url) for url in urls})
    named = f": {', '.join(hosts[:5])}{' ...' if len(hosts) > 5 else ''}" if hosts else ""
    yield source.name, "ok", f"{told.place} has {count} mirrors with binaries{named}", None
    for warning in told.warnings:
        yield source.name, "warning", warning, f"change it in {told.place}, or leave it as it is"


def look_at_list(source: BuildcacheSourceConfig) -> _Found:
    """What no list shows."""
    text = "its list shows neither views nor releases/*; each of these needs a source of its own"
    return source.name, "ok", text, None
