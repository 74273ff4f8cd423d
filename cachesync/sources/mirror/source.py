"""Build caches as a source: the cache indexes of a mirror, each read again only when it changed.

The layout is told by where an index lies: an index manifest (layout 3), `index.json` (layout 2). A mirror
that has both says what both say together, as for Spack, and that is one statement; a view lies in layout 3
only. What a mirror once had and has no longer is a failure, never an absence of specs.
"""

from __future__ import annotations

import mmap
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Self

from ...buildcache import layout
from ...config import mirrors
from ...config.settings import Limits
from ...config.sourceconfigs import BuildcacheSourceConfig
from ...errors import CacheIndexError, CachesyncError, SourceError
from ...net import shown
from ..base import Failed, Gone, Missing, Unchanged
from ..remote import fingerprint
from .configured import Configured
from .discovered import Concluded, Discovered, Known, Statement
from .listed import Listed
from .parts import Part, PartError, look
from .patience import Patience
from .place import Place
from .reaching import Reach, open_place
from .spool import Spool
from .union import union

__all__ = ["Got", "MirrorSource", "Statement"]

MIRRORS_AT_ONCE = 8
"""Of a list or a mirrors.yaml; each may be a download that waits on the disk to be recorded."""
LOOK_AGAIN_SECONDS = 86_400
"""After so long a mirror is asked for the layout that it did not have."""


class Got(NamedTuple):
    """A cache index with another content than before; to be closed."""

    data: mmap.mmap
    checksum: str
    """What tells this content from another."""
    memory: Mapping[str, str]
    """For the next pass, once this one is recorded."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the room back. Raises BufferError while something refers to the data."""
        self.data.close()


class MirrorSource:
    """A source of type `buildcache`. It remembers nothing itself: that is given to `read`."""

    type = "buildcache"

    def __init__(
        self,
        config: BuildcacheSourceConfig,
        reach: Reach,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` gives Unix time."""
        self.name = config.name
        self.settle = config.settle
        self.concurrency = 0 if config.url else MIRRORS_AT_ONCE
        """How many `read` may run at one time."""
        self._waits: list[float] = []
        self._config = config
        self._reach = reach
        if not config.url and reach.fetcher is not None:
            self._reach = reach._replace(fetcher=Patience(reach.fetcher))
        self._clock = clock
        self._list: Listed | None = None
        self._configured: Configured | None = None

    @property
    def retry_after_seconds(self) -> float | None:
        """The longest wait that a server asked for."""
        said = None if self._list is None else self._list.retry_after_seconds
        return max([*self._waits, *([] if said is None else [said])], default=None)

    def discover(
        self, memory: Mapping[str, str], known: Sequence[Known] = (), *, counts: bool = True
    ) -> Discovered:
        """Its cache indexes as of now, at the start of a pass.

        `memory` is what `conclude` gave after the last one, `known` what the ledger has; a pass that
        does not count is none of those that believe that a mirror is gone.
        """
        config = self._config
        if config.list is not None:
            assert self._reach.fetcher is not None, "a list is fetched"
            self._list = Listed(config, self._reach.fetcher)
            return self._list.discover(memory, known, counts=counts)
        if config.mirrors is not None:
            self._configured = Configured(config, self._reach)
            return self._configured.discover(known)
        return Discovered(
            tuple(
                Statement(config.url, place.view, place.tag, place.stack, config.access)
                for place in mirrors.places(config)
            )
        )

    def conclude(self) -> Concluded:
        """At the end of a pass: what the next one is to be given, and what there is to warn of."""
        told = self._list or self._configured
        return Concluded() if told is None else told.conclude()

    def read(
        self, statement: Statement, memory: Mapping[str, str], /
    ) -> Got | Unchanged | Failed | Missing | Gone:
        """A cache index as it is now, unless it is as `memory` says."""
        is_gone = False
        found: Got | Unchanged | Failed
        try:
            place = self.open(statement)
            found = _Reading(
                place, statement, memory, self._reach.limits, is_listed=self._list is not None
            ).read(int(self._clock()))
        except PartError as error:
            is_gone = error.is_gone
            if error.retry_after_seconds is not None:
                self._waits.append(error.retry_after_seconds)
            # The last good index may come back just as it was: then it is to be read.
            again = None if error.is_passing else _without_validators(memory)
            found = Failed(error.message, is_passing=error.is_passing, memory=again)
        left = None if self._list is None else self._list.note(statement, is_gone=is_gone)
        return found if left is None else left

    def open(self, statement: Statement) -> Place:
        """The mirror of a cache index. Raises PartError where the secret that it is reached with is not there."""
        try:
            return open_place(statement.url, statement.access, self._reach)
        except CachesyncError as error:
            raise PartError(error.message, hint=error.hint) from None


def _without_validators(memory: Mapping[str, str]) -> Mapping[str, str]:
    """What is remembered of a mirror, but not of what lies in it."""
    return {key: value for key, value in memory.items() if "." not in key}


class _Reading:
    """Reading one cache index once."""

    def __init__(
        self,
        place: Place,
        statement: Statement,
        memory: Mapping[str, str],
        limits: Limits,
        *,
        is_listed: bool,
    ) -> None:
        """Of a mirror that `is_listed` one layout is asked for while that does not change.

        The layout that it did not have is not looked for by itself, and of one that has both layout 2, which
        Spack 1 does not write any more, once in `LOOK_AGAIN_SECONDS`.
        """
        self._place = place
        self._statement = statement
        self._of = fingerprint(statement.url, statement.view)
        self._before = memory if memory.get("of") == self._of else {}
        self._had = self._before.get("layouts", "")
        self._most = limits.download_bytes
        self._is_listed = is_listed
        self._has_both = is_listed and len(self._had) > 1
        self._absent: list[str] = []
        self._is_gone = True

    def read(self, now: int) -> Got | Unchanged:
        """Raises PartError."""
        every = layout.index_places(
            self._statement.view, is_registry=mirrors.is_registry(self._statement.url)
        )
        is_due = self._is_due(now)
        asked = tuple(one for one in every if str(one.layout) in self._had)
        if self._has_both:
            asked = asked[:1]
        if self._place.is_near or not self._had or is_due or len(every) == 1:
            asked = every
        parts = [part for one in asked for part in self._look(one)]
        try:
            is_new = any(part.is_changed for part in parts)
            if is_new and asked != every:
                parts += [part for one in every if one not in asked for part in self._look(one)]
                parts.sort(key=lambda part: every.index(part.place))
                asked = every
            if not parts:
                raise self._nothing()
            layouts = "".join(str(part.layout) for part in parts)
            memory = {"of": self._of, "looked": self._before.get("looked", "")}
            if asked == every:
                memory["looked"] = str(now)
            for part in parts:
                memory |= part.memory(self._before)
            if self._has_both and asked != every:  # the other one is taken to be as it was
                memory |= {key: value for key, value in self._before.items() if key[:2] == "2."}
                layouts = self._had
            memory["layouts"] = layouts
            if not is_new and layouts == self._had:
                is_told = {**memory, "looked": ""} != {**self._before, "looked": ""} or is_due
                return Unchanged(memory if is_told else None)
            return self._got(parts, memory)
        finally:
            for part in parts:
                part.close()

    def _is_due(self, now: int) -> bool:
        """Whether every layout is to be asked for, although nothing seems to have changed."""
        looked = self._before.get("looked", "")
        if not looked.isdigit():
            return True
        is_old = not 0 <= now - int(looked) < LOOK_AGAIN_SECONDS
        return is_old and (self._has_both or not self._is_listed)

    def _look(self, one: layout.IndexPlace) -> list[Part]:
        """The part of a layout, or none. Raises PartError where one is gone that was there."""
        part = look(self._place, one, self._before, self._most)
        if isinstance(part, Part):
            return [part]
        self._is_gone &= part.is_certain
        self._absent.append(f"{self._place.where(one.first)} {part.reason}")
        if str(one.layout) in self._had:
            raise PartError(
                f"{self._absent[-1]}, and was there before; what it said stands",
                hint="put it back, or `cachesync forget` the source if it is gone for good",
                is_gone=self._is_gone and not self._has_other(one),
            )
        return []

    def _has_other(self, one: layout.IndexPlace) -> bool:
        """Whether the mirror may still have its index in another layout that it had."""
        others = (
            other
            for other in layout.index_places(self._statement.view)
            if other != one and str(other.layout) in self._had
        )
        for other in others:
            try:
                part = look(self._place, other, self._before, self._most)
            except PartError:
                return True
            if isinstance(part, Part):
                part.close()
                return True
            if not part.is_certain:
                return True
        return False

    def _nothing(self) -> PartError:
        url, view = shown(self._statement.url), self._statement.view
        named = "" if view is None else f"--name {view} "
        return PartError(
            f"no cache index: {'; '.join(self._absent)}",
            hint=f"check the address{' and the view' if view else ''}, or have one made:"
            f" spack buildcache update-index {named}{url}",
            is_gone=self._is_gone,
        )

    def _got(self, parts: list[Part], memory: dict[str, str]) -> Got:
        documents: list[Spool] = []
        try:
            documents.extend(part.document(memory) for part in parts)
            checksum = "+".join(part.checksum for part in parts)
            if len(documents) > 1:
                try:
                    documents.append(
                        union([memoryview(one.mapped()) for one in documents], self._most)
                    )
                except (CacheIndexError, SourceError) as error:
                    raise PartError(
                        f"{self._place.where('')}: {error.message}",
                        hint=error.hint,
                        is_passing=isinstance(error, SourceError),
                    ) from None
            try:
                return Got(documents[-1].mapped(), checksum, memory)
            except (CacheIndexError, SourceError) as error:
                where = self._place.where(parts[-1].place.first)
                raise PartError(f"{where}: {error.message}", hint=error.hint) from None
        finally:
            for one in documents:
                one.close()
