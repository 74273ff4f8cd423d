"""Comparing ledger, change log, index and directory sources with each other; for mirrors see `verifymirror`.

Each function yields one line for each difference it finds; none repairs anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from .. import diff
from ..errors import PageError, PageSkipped, SourceError
from ..ledger import dag, log, read, whole
from ..ledger.connect import Connection
from ..ledger.documents import documents
from ..model import Build, Change, ChangeKind, Details, Edge, Page
from ..pages.parse import PageParser
from ..selection import Selection
from ..sources.base import Changed, Source

if TYPE_CHECKING:
    from ..index.reader import SearchIndex

__all__ = [
    "Key",
    "Known",
    "check_database",
    "check_index",
    "check_log",
    "check_source",
    "learning",
    "replay",
]

Key = tuple[str, str, str, str]
"""Source, tag, package and hash: what tells one placement from all others."""


def check_database(db: Connection) -> Iterator[str]:
    """What SQLite itself finds wrong with the database, and placements that nothing is there for."""
    for problem in whole.integrity_problems(db):
        yield f"ledger: {problem}"
    for source, tag, count in whole.unclaimed(db):
        yield f"ledger: {count} placements in {source}: {tag} are of no page and no cache index"


def replay(
    changes: Iterable[Change], start: Mapping[Key, tuple[str, ...]] | None = None
) -> dict[Key, tuple[str, ...]]:
    """The placements, with their stacks, that applying `changes` in order to `start` gives.

    Raises ValueError for a change that does not fit what came before it.
    """
    state = dict(start or {})
    for change in changes:
        if change.hash is None or change.kind in _OF_THE_SPEC:
            continue
        if change.tag is None or change.package is None:
            raise ValueError(f"seq {change.seq} ({change.kind.label}) names no page")
        key = (change.source, change.tag, change.package, change.hash)
        stacks = change.stacks or ()
        before = state.pop(key, None)
        expected = {
            ChangeKind.SPEC_CACHED: None,
            ChangeKind.SPEC_RESTACKED: change.stacks_before,
            ChangeKind.SPEC_EVICTED: stacks,
        }[change.kind]
        if before != expected:
            raise ValueError(
                f"seq {change.seq} ({change.kind.label}) finds {_list(before)}, not {_list(expected)}"
            )
        if change.kind is not ChangeKind.SPEC_EVICTED:
            state[key] = stacks
    return state


_OF_THE_SPEC = (ChangeKind.SPEC_REFINED, ChangeKind.SPEC_DESCRIBED)
"""What is told of a spec, wherever it is placed."""

Known = tuple[Build, tuple[Details, tuple[Edge, ...]] | None]
"""What is known of a spec: its build, and what cache indexes say of it."""


def learning(changes: Iterable[Change], known: dict[str, Known]) -> Iterator[Change]:
    """The same changes; behind each `known` has, by hash, what applying those so far gives."""
    for change in changes:
        if change.hash is not None and change.build is not None:
            told = known.get(change.hash, (None, None))[1]
            if change.details is not None and change.edges is not None:
                told = change.details, change.edges
            known[change.hash] = change.build, told
        yield change


def check_log(db: Connection) -> Iterator[str]:
    """Where replaying the change log does not give the ledger's placements and nodes."""
    known: dict[str, Known] = {}
    try:
        replayed = replay(learning(log.changes(db, log.Filter()), known))
    except ValueError as error:
        yield f"change log: {error}"
        return
    for spec_hash, build, told in dag.nodes(db):
        learnt = known.pop(spec_hash, None)
        if learnt is None or learnt[0] != build:
            yield f"change log: /{spec_hash} has another build in the log than in the ledger"
        elif learnt[1] != told:
            yield f"change log: /{spec_hash} is described otherwise in the log than in the ledger"
    for spec_hash in sorted(known):
        yield f"change log: /{spec_hash} is in the log and not in the ledger"
    placed = {(p.source, p.tag, p.package, p.hash): p.stacks for p in whole.all_placements(db)}
    for key in sorted(replayed.keys() | placed.keys()):
        said, held = replayed.get(key), placed.get(key)
        if said != held:
            source, tag, package, spec_hash = key
            yield (
                f"change log: /{spec_hash} in {source}: {tag}/{package} has stacks"
                f" {_list(said)} in the log and {_list(held)} in the ledger"
            )


def _list(stacks: tuple[str, ...] | None) -> str:
    return "nothing" if stacks is None else f"[{' '.join(stacks)}]"


def check_index(db: Connection, index: SearchIndex) -> Iterator[str]:
    """Where the index says something else than the ledger did at the index's cursor.

    Builds that changed since are passed over: an index that is behind is no difference.
    """
    behind = read.touched_since(db, index.seq) if index.seq < read.last_seq(db) else set()
    if index.seq > read.last_seq(db):
        yield "index: it is ahead of the ledger"
    held = index.builds()
    expected: set[int] = set()
    totals = index.spec_counts(held.values())
    wanted: dict[tuple[str, str], dict[int, int]] = {}
    for document in documents(db):
        expected.add(document.build_id)
        number = held.get(document.build_id)
        if document.build_id in behind:
            continue
        if number is None:
            yield f"index: build {document.build_id} ({document.build.package}) is missing"
            continue
        if totals[number] != document.specs:
            yield f"index: build {document.build_id} has {totals[number]}, not {document.specs} specs"
        for field, terms in index.postings_of(document).items():
            for term, weight in terms.items():
                wanted.setdefault((field, term), {})[number] = weight
    fresh = {held[b] for b in behind if b in held}
    for build_id in sorted(held.keys() - expected - behind):
        yield f"index: build {build_id} has no placement in the ledger"
    yield from _check_postings(index, wanted, fresh)


def _check_postings(
    index: SearchIndex, wanted: dict[tuple[str, str], dict[int, int]], fresh: set[int]
) -> Iterator[str]:
    for field in index.fields():
        for term in index.terms(field, ""):
            found = index.weights(field, term)
            for number in found.keys() & fresh:
                del found[number]
            if found != wanted.pop((field, term), {}):
                yield f"index: {field}:{term} is in other documents than the ledger says"
    for (field, term), numbers in sorted(wanted.items()):
        if numbers:
            yield f"index: {field}:{term} is missing"


def check_source(db: Connection, source: Source, selection: Selection) -> Iterator[str]:
    """Where a source's pages say something else than the ledger."""
    try:
        listing = source.listing()
    except SourceError as error:
        yield f"{source.name}: cannot be compared: {error.message}"
        return
    held = whole.placements_by_page(db, source.name)
    located = whole.located_pages(db, source.name)
    rejected = {t.page for t in log.troubles(db, 1) if t.source == source.name}
    parser = PageParser()
    for entry in sorted(listing.entries, key=lambda entry: diff.page_order(entry.path)):
        known = located.pop(entry.path, None)
        content = source.read(entry.path, entry.signature)
        if entry.path in rejected or not isinstance(content, Changed):
            continue
        try:
            page = parser.parse(content.data)
        except PageSkipped:  # nor does a pass take it
            continue
        except PageError as error:
            yield f"{source.name}: {entry.path} is broken since the last pass: {error.message}"
            continue
        if selection.admits(page.tag, page.package):
            placed = {} if known is None else held.get(known, {})
            yield from _compare(f"{source.name}: {entry.path}", page, known, placed)
    for path in sorted(located):
        if not diff.covers(listing.unlisted, path) and path not in rejected:
            yield f"{source.name}: {path} is in the ledger and not in the source"


def _compare(
    where: str, page: Page, known: tuple[str, str] | None, placed: Mapping[str, tuple[str, ...]]
) -> Iterator[str]:
    """What a page says that the ledger does not, which has `placed` of the `known` page."""
    if known != (page.tag, page.package):
        yield f"{where} is not in the ledger as it is now"
        return
    observed = {spec_hash: stacks for spec_hash, (_, stacks) in page.specs.items()}
    if placed != observed:
        difference = diff.compare(placed, observed)
        yield (
            f"{where} lists {len(difference.added)} specs that the ledger does not, lacks"
            f" {len(difference.removed)}, has other stacks for {len(difference.restacked)}"
        )
