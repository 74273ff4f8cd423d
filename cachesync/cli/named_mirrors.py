"""What `doctor` finds of a source whose mirrors are named elsewhere: in a mirrors.yaml, or a list."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .. import net
from ..config.settings import Config
from ..config.sourceconfigs import BuildcacheSourceConfig
from ..errors import CachesyncError
from ..sync.opening import Remotes

if TYPE_CHECKING:
    from ..sources.mirror.discovered import Statement
    from ..sources.mirror.source import MirrorSource

__all__ = ["asked", "look_at_file", "look_at_list"]

MOST_MIRRORS = 100
"""Of one source that are asked; of more, some that lie evenly among them."""
MOST_SECONDS = 20.0
"""For all of one source; whoever has not answered then is not waited for."""
MOST_TOLD = 10
"""Mirrors that are told of by themselves."""
AT_ONCE = 8

_Found = tuple[str, str, str, str | None]
"""As the fields of a finding: check, state, text, remedy."""
_Answer = tuple[str, str] | None
"""A state and a text of a mirror that does not answer as it should; None of one that does."""


def look_at_file(
    source: BuildcacheSourceConfig, config: Config, *, offline: bool
) -> Iterator[_Found]:
    """Which mirrors a mirrors.yaml has, which of them cannot be read, and which do not answer."""
    with closing(Remotes(config.limits)) as remotes:
        opened = _open(remotes, source)
        found = opened.discover({})
        if found.failure is not None:
            yield source.name, "error", found.failure, "check `mirrors:`"
            return
        told = opened.conclude()
        count = len(found.statements)
        urls = [one.url for one in found.statements]
        hosts = sorted({"this machine" if _is_local(url) else net.host(url) for url in urls})
        named = f": {', '.join(hosts[:5])}{' ...' if len(hosts) > 5 else ''}" if hosts else ""
        yield source.name, "ok", f"{told.place} has {count} mirrors with binaries{named}", None
        for warning in told.warnings:
            remedy = f"change it in {told.place}, or leave it as it is"
            yield source.name, "warning", warning, remedy
        yield from _answers(source.name, opened, found.statements, offline=offline)


def look_at_list(
    source: BuildcacheSourceConfig, config: Config, *, offline: bool
) -> Iterator[_Found]:
    """What no list shows; and which mirrors of this one do not answer."""
    if offline:
        yield source.name, "ok", _not_shown(source), None
        return
    with closing(Remotes(config.limits)) as remotes:
        opened = _open(remotes, source)
        found = opened.discover({})
        if found.failure is not None:
            yield source.name, "error", found.failure, "check `list:`"
            return
        yield source.name, "ok", _not_shown(source), None
        yield from _answers(source.name, opened, found.statements, offline=offline)


def _not_shown(source: BuildcacheSourceConfig) -> str:
    address = urlsplit(source.bucket_url or source.list or "")
    base = source.bucket_url or f"{address.scheme}://{address.netloc}"
    return (
        "its list shows neither views nor releases/*; each of these needs a source of its own, such as"
        f" `{{name: v2026.10.0, type: buildcache, url: {net.shown(base)}/releases/v2026.10,"
        " view: v2026.10.0}`"
    )


def _open(remotes: Remotes, source: BuildcacheSourceConfig) -> MirrorSource:
    from ..sources.mirror.source import MirrorSource

    opened = remotes.open(source)
    assert isinstance(opened, MirrorSource), (
        "mirrors that are named elsewhere are read by their index"
    )
    return opened


def _is_local(url: str) -> bool:
    return url.startswith("file:")


def _answers(
    name: str, source: MirrorSource, statements: Sequence[Statement], *, offline: bool
) -> Iterator[_Found]:
    """Which mirrors have no cache index, or do not answer; of many some are asked."""
    if not statements:
        yield name, "warning", "no mirror that it names is read", "check `tags:` and `stacks:`"
    allowed = [one for one in statements if not offline or _is_local(one.url)]
    chosen = allowed[:: -(-len(allowed) // MOST_MIRRORS) or 1]
    answers = asked(chosen, lambda one: _ask(source, one))
    good = sum(answer is None for answer in answers.values())
    of = f"{good} of {len(chosen)} mirrors" + (
        f" that were asked, of {len(statements)}," if len(chosen) < len(statements) else ""
    )
    if chosen:
        yield name, "ok" if good == len(chosen) else "warning", f"{of} have a cache index", None
    if len(allowed) < len(statements):
        yield name, "not asked", f"{len(statements) - len(allowed)} mirrors: --offline", None
    bad = [(one, answer) for one, answer in answers.items() if answer is not None]
    bad.sort(key=lambda row: row[1][0] == "not asked")
    for one, (state, text) in bad[:MOST_TOLD]:
        where = f"{name} ({one.tag}, {one.stack})"
        yield where, state, f"{net.shown(one.url)}: {text}", _REMEDIES.get(state)
    if len(bad) > MOST_TOLD:
        yield name, "warning", f"so it is with {len(bad) - MOST_TOLD} more", None


_REMEDIES = {
    "error": "check its address, the network and the secret",
    "warning": "check its address, or have an index made: spack buildcache update-index",
}


def asked(
    chosen: Sequence[Statement],
    ask: Callable[[Statement], _Answer],
    *,
    most_seconds: float = MOST_SECONDS,
) -> dict[Statement, _Answer]:
    """What each answers, some at a time; of those that take longer than all may, that it is not known."""
    todo: SimpleQueue[Statement] = SimpleQueue()
    done: SimpleQueue[tuple[Statement, _Answer]] = SimpleQueue()
    for one in chosen:
        todo.put(one)

    def work() -> None:
        with suppress(Empty):
            while True:
                one = todo.get_nowait()
                done.put((one, ask(one)))

    # Nobody waits for these threads at the end: one may hang with a file system that does.
    for _ in range(min(AT_ONCE, len(chosen))):
        Thread(target=work, name="doctor", daemon=True).start()
    late = "not asked", f"there was no answer within {most_seconds:.0f} s"
    answers: dict[Statement, _Answer] = dict.fromkeys(chosen, late)
    deadline = time.monotonic() + most_seconds
    with suppress(Empty):
        for _ in chosen:
            one, answer = done.get(timeout=max(0.0, deadline - time.monotonic()))
            answers[one] = answer
    with suppress(Empty):
        while True:
            todo.get_nowait()
    return answers


def _ask(source: MirrorSource, one: Statement) -> _Answer:
    """Ask a mirror for the index of each layout that it may have, until there is one."""
    from ..buildcache.layout import index_places
    from ..buildcache.manifest import MAX_BYTES
    from ..config import mirrors
    from ..sources.mirror.place import Absent, Small

    reasons = []
    try:
        place = source.open(one)
        for where in index_places(one.view, is_registry=mirrors.is_registry(one.url)):
            found = (
                place.head(where.first)  # it may be large
                if where.layout == 2
                else place.small(where.first, most_bytes=MAX_BYTES)
            )
            if isinstance(found, Small) and found.data.lstrip().startswith(b"<"):
                return "error", f"{where.first}: answered with a page, not with what was asked for"
            if not isinstance(found, Absent):
                return None
            reasons.append(f"{where.first} {found.reason}")
    except CachesyncError as error:
        return "error", f"{error.message} ({error.hint})" if error.hint else error.message
    return "warning", "no cache index: " + "; ".join(reasons)
