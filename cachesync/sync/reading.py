"""From listed entries to outcomes: reading, digesting, parsing."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from ..errors import PageError, PageSkipped
from ..ledger.outcomes import Good, Outcome, Rejected, Same, Skipped
from ..pages import summary
from ..pages.parse import PageParser
from ..selection import Selection
from ..sources.base import Changed, Failed, Gone, Missing, Source, Unchanged

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["DIGEST_BYTES", "Look", "Place", "looks"]

DIGEST_BYTES = 16


class Look(NamedTuple):
    """What one look at an entry came to."""

    path: str
    outcome: Outcome | None
    """None when nothing at all is new there, or when it is gone."""
    gone: bool = False
    same: bool = False
    """Whether the content is what it was."""
    failure: str | None = None
    """Why the source did not deliver it."""
    missing: Missing | None = None
    """That it is not there, where that is not believed yet."""
    garbage: bool = False
    """Whether what was delivered is no page at all, and perhaps the source that fails."""


class Place(NamedTuple):
    """An entry to look at, with what is known of it."""

    path: str
    listed_as: str
    signature: str | None
    digest: bytes | None


def looks(source: Source, selection: Selection, places: Iterable[Place]) -> Iterator[Look]:
    """Look at every place, in order."""
    parser = PageParser()
    reads = _reads if source.concurrency == 0 else _reads_at_once
    for place, content in reads(source, places):
        seen = _see(parser, selection, place, content)
        del content  # it may be large, and what was seen in it is recorded before the next is read
        yield seen


_Content = Changed | Unchanged | Missing | Gone | Failed


def _read(source: Source, place: Place) -> _Content:
    return source.read(place.path, place.listed_as, place.signature)


def _reads(source: Source, places: Iterable[Place]) -> Iterator[tuple[Place, _Content]]:
    for place in places:
        yield place, _read(source, place)


def _taken(under_way: deque[tuple[Place, Future[_Content]]]) -> tuple[Place, _Content]:
    place, reading = under_way.popleft()
    return place, reading.result()


def _reads_at_once(source: Source, places: Iterable[Place]) -> Iterator[tuple[Place, _Content]]:
    """Some reads at a time, their results in order; few wait to be taken."""
    from concurrent.futures import ThreadPoolExecutor

    under_way: deque[tuple[Place, Future[_Content]]] = deque()
    with ThreadPoolExecutor(source.concurrency, thread_name_prefix="read") as pool:
        try:
            for place in places:
                under_way.append((place, pool.submit(_read, source, place)))
                if len(under_way) > 2 * source.concurrency:
                    yield _taken(under_way)
            while under_way:
                yield _taken(under_way)
        finally:
            for _, future in under_way:
                future.cancel()


def _see(
    parser: PageParser,
    selection: Selection,
    place: Place,
    content: _Content,
) -> Look:
    path = place.path
    if isinstance(content, Unchanged | Gone):
        is_gone = isinstance(content, Gone)
        return Look(path, None, gone=is_gone, same=not is_gone)
    if isinstance(content, Missing):
        return Look(path, None, missing=content)
    if isinstance(content, Failed) and content.is_passing:
        return Look(path, None, failure=content.reason)
    if isinstance(content, Failed):
        rejected = Rejected(path, f"fault: {content.reason}", None, content.reason)
        return Look(path, rejected, garbage=content.is_garbage)
    signature = content.signature if content.settled else None
    digest = hashlib.blake2b(content.data, digest_size=DIGEST_BYTES).digest()
    if place.digest == digest:
        news = Same(path, signature) if signature != place.signature else None
        return Look(path, news, same=True)
    outcome: Outcome | None = _parse(parser, selection, path, content, signature, digest)
    # Nobody may have written what is torn: what was known stands, until it is read again.
    is_believed = not (content.torn and place.digest is not None and isinstance(outcome, Rejected))
    return Look(path, outcome if is_believed else None, same=not is_believed)


def _parse(
    parser: PageParser,
    selection: Selection,
    path: str,
    content: Changed,
    signature: str | None,
    digest: bytes,
) -> Outcome:
    try:
        page = parser.parse(content.data)
    except PageSkipped as skipped:
        return Skipped(path, signature, digest, skipped.message)
    except PageError as error:
        return Rejected(path, signature, digest, error.message)
    if not selection.admits(page.tag, page.package):
        reason = f"the page of {page.package} in {page.tag} is not selected by the config"
        return Skipped(path, signature, digest, reason)
    warnings = (*_misplaced(path, page.tag, page.package), *summary.disagreements(page))
    return Good(path, signature, digest, page._replace(meta=None), warnings)


def _misplaced(path: str, tag: str, package: str) -> tuple[str, ...]:
    parts = path.split("/")
    if len(parts) >= 3 and parts[-3:-1] == [tag, package]:
        return ()
    return (f"the page says tag {tag} and package {package}, its path says otherwise",)
