"""The mirrors of a source with `list:`, as they come into the list and leave it.

The list is asked for conditionally, and finds mirrors; what a mirror says is asked of itself. A mirror that
leaves the list is read on, since lists lose what is still there (BUILDCACHE, 4.1: the v0.x releases), until
its manifest answered 404 or 410 in three passes running.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from threading import Lock
from urllib.parse import urlsplit

from ...config.sourceconfigs import BuildcacheSourceConfig
from ...errors import CacheIndexError
from ...net import Fetcher, FetchError, Request, shown
from ...selection import Selection
from ..base import GONE, Gone, Missing
from ..remote import conditions, fingerprint, validators
from . import sitelist
from .discovered import Concluded, Discovered, Known, Statement

__all__ = ["PASSES_UNTIL_GONE", "Listed"]

PASSES_UNTIL_GONE = 3
_Key = tuple[str, str]


class Listed:
    """What a list names, and what it does not any more. One object is for one pass."""

    def __init__(self, config: BuildcacheSourceConfig, fetcher: Fetcher) -> None:
        assert config.list is not None
        self._url = config.list
        self._access = config.access
        self._fetcher = fetcher
        self._selection = config.selection
        self._stacks = Selection(tags=config.stacks)
        parts = urlsplit(config.list)
        self._bucket_url = config.bucket_url or f"{parts.scheme}://{parts.netloc}"
        self._site = fingerprint(self._url, self._bucket_url)
        self._of = fingerprint(self._site, config.selection.tags, config.stacks)
        self._memory: dict[str, str] = {}
        self._left: dict[_Key, int] = {}
        self._counts = True
        self._lock = Lock()
        self._warnings: Sequence[str] = ()
        self.retry_after_seconds: float | None = None

    def discover(
        self, memory: Mapping[str, str], known: Sequence[Known], *, counts: bool
    ) -> Discovered:
        """The mirrors of the list, and those that left it and may still be there."""
        self._counts = counts
        before = memory if memory.get("site") == self._site else {}
        there = [one for one in known if self._admits(one.tag, one.stack)] if before else []
        left = _counts_in(before.get("left", ""))
        self._warnings = _texts_in(before.get("warnings", ""))
        self._memory = {key: value for key, value in before.items() if key != "left"}
        try:
            entries = self._entries(before if before.get("of") == self._of else {})
        except (FetchError, CacheIndexError) as error:
            self.retry_after_seconds = getattr(error, "retry_after_seconds", None)
            self._left = {_key(one): left[_key(one)] for one in there if _key(one) in left}
            reason = f"{shown(self._url)}: {error.message}"
            return Discovered(self._statements({_key(one): one.url for one in there}), reason)
        if entries is None:
            mirrors = {_key(one): one.url for one in there if _key(one) not in left}
        else:
            mirrors = {key: url for key, url in entries.items() if self._admits(*key)}
        gone = [one for one in there if _key(one) not in mirrors and not one.is_new]
        self._left = {_key(one): left.get(_key(one), 0) for one in gone}
        return Discovered(
            self._statements(mirrors | {_key(one): one.url for one in gone}), stand_alone=True
        )

    def note(self, statement: Statement, *, is_gone: bool) -> Missing | Gone | None:
        """Take note of what a mirror answered: what that means where it left the list, else None."""
        key = (statement.tag, statement.stack)
        with self._lock:
            if key not in self._left:
                return None
            if not is_gone:
                self._left[key] = 0
                return None
            count = self._left[key] = self._left[key] + int(self._counts or not self._left[key])
        return GONE if count >= PASSES_UNTIL_GONE else Missing(count, PASSES_UNTIL_GONE)

    def conclude(self) -> Concluded:
        """What to remember, and to warn of."""
        told = [*self._warnings]
        for (tag, stack), count in sorted(self._left.items()):
            answers = "its mirror is read on"
            if count:
                answers = f"its mirror was not there in {count} of {PASSES_UNTIL_GONE} passes"
            told.append(f"{tag} {stack} left the list; {answers}")
        memory = self._memory
        if self._left:
            left = [[tag, stack, count] for (tag, stack), count in sorted(self._left.items())]
            memory = {**memory, "left": json.dumps(left)}
        return Concluded(memory, tuple(told), shown(self._url))

    def _entries(self, before: Mapping[str, str]) -> Mapping[_Key, str] | None:
        """What the list names; None where it is as before. Raises FetchError, CacheIndexError."""
        asked = conditions(before)
        answer = self._fetcher.fetch(Request(self._url, sitelist.MAX_BYTES, asked))
        if answer.status == 304 and asked:
            return None
        if answer.status != 200:
            raise FetchError(f"answered {answer.status}")
        found = sitelist.parse(answer.body, address=self._url, bucket_url=self._bucket_url)
        self._warnings = found.warnings
        self._memory = {"site": self._site, "of": self._of, **validators(answer.headers)}
        if found.warnings:
            self._memory["warnings"] = json.dumps(found.warnings)
        return found.mirrors

    def _admits(self, tag: str, stack: str) -> bool:
        return self._selection.admits_tag(tag) and self._stacks.admits_tag(stack)

    def _statements(self, mirrors: Mapping[_Key, str]) -> tuple[Statement, ...]:
        return tuple(
            Statement(url, None, tag, stack, self._access) for (tag, stack), url in mirrors.items()
        )


def _key(one: Known) -> _Key:
    return one.tag, one.stack


def _counts_in(text: str) -> dict[_Key, int]:
    """What left the list, as it was remembered."""
    try:
        return {(str(tag), str(stack)): int(count) for tag, stack, count in json.loads(text)}
    except (ValueError, TypeError):
        return {}


def _texts_in(text: str) -> tuple[str, ...]:
    try:
        return tuple(map(str, json.loads(text)))
    except (ValueError, TypeError):
        return ()
