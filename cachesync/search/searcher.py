"""Answering a query: the index where it can, the ledger where it must, the same answer either way.

Every answer belongs to one moment of the ledger. Builds that changed after the index's cursor are
looked up in the ledger, so an index that is behind costs time and never truth.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .. import query
from ..errors import IndexUnusableError
from ..ledger import connect, read
from . import candidates, leftout, ranking, scan
from .answers import Answer, Hit, Matched
from .hits import hits as found_hits
from .records import KnownBuilds, LedgerRecords

if TYPE_CHECKING:
    from ..index.reader import SearchIndex
    from ..ledger.ordering import Rank
    from .dags import Dags
    from .standing import Standing
    from .why import Whys

__all__ = ["Searcher"]

MAX_BEHIND = 4_000
"""Builds changed since the index's cursor beyond which the ledger answers the whole query."""


class Searcher:
    """An open state directory to ask. Not for use by several threads."""

    def __init__(
        self,
        state_dir: Path,
        *,
        patience_seconds: float = connect.BUSY_SECONDS,
        through_build: bool = False,
        is_lasting: bool = True,
    ) -> None:
        """Raises LedgerMissingError when nothing was ever synced, LedgerError when it is unusable.

        A ledger that another process has locked is tried for so long. With `through_build` `^` goes on
        through what only building needs. One that is not `is_lasting` is asked little: it prepares nothing.
        """
        self._state_dir = state_dir
        self._file = connect.file_identity(state_dir)
        self._db = connect.open_reader(state_dir, patience_seconds=patience_seconds)
        try:
            self._require_anything()
        except BaseException:
            self._db.close()
            raise
        self._index: SearchIndex | None = None
        self._fault: str | None = None
        self._known = KnownBuilds(self._db)
        self._dags: Dags | None = None
        self._through_build = through_build
        self._is_lasting = is_lasting
        self._standing: Standing | None = None
        self._is_by_graph = False
        """Whether the graph answered the last search alone: the next one mostly needs no newer index either."""

    def _require_anything(self) -> None:
        with connect.ledger_errors(self._state_dir):
            if not read.is_anything_synced(self._db):
                ages = read.source_ages(self._db)
                tried = any(source.last_attempt is not None for source in ages)
                raise connect.nothing_synced(self._state_dir, tried=tried)

    def close(self) -> None:
        """Release the ledger and the index."""
        self._db.close()
        if self._index is not None:
            self._index.close()

    @property
    def is_current(self) -> bool:
        """Whether the ledger that is open is the one that lies there: it may have been replaced."""
        return connect.file_identity(self._state_dir) == self._file

    @property
    def seq(self) -> int:
        """The last change there is now."""
        with connect.ledger_errors(self._state_dir):
            return read.last_seq(self._db)

    def search(
        self,
        node: query.Node,
        *,
        limit: int = 0,
        offset: int = 0,
        sort: str = "relevance",
        facets: bool = False,
        systems: bool = False,
        unnamed: bool = False,
        why: bool = False,
        rank: Rank | None = None,
    ) -> Answer:
        """What matches `node`, best first; `limit` 0 means all. `rank` goes before all but the score."""
        started = time.perf_counter()
        with connect.ledger_errors(self._state_dir):
            if not (self._is_by_graph and isinstance(node, query.Dag)):
                self._refresh()
            with read.snapshot(self._db) as db:
                seq = read.last_seq(db)
                asked, node = node, self.judged(node)
                is_first_few = self._is_lasting and limit > 0 and sort == "relevance"
                matched = self._match(node, seq, documents=facets, quickly=is_first_few)
                counts, self._is_by_graph = matched.counts, matched.quick is not None
                enough = 0 if rank is not None else limit and offset + limit
                ordered = self._ranked(asked, matched, sort, enough)
                if rank is not None:
                    from ..ledger.ordering import by_rank

                    ordered = by_rank(db, ordered, rank, within_score=sort == "relevance")
                shown = ordered[offset : offset + limit] if limit else ordered[offset:]
                hits = (
                    found_hits(db, node, shown)
                    if matched.quick is None
                    else self._stands().hits(matched.quick, shown)
                )
                found = self._facets(node, matched) if facets else {}
                named = self.systems(counts) if systems else ()
                left_out = leftout.unnamed(self, db, asked) if unnamed else 0
                unjudged = leftout.unjudged(self, asked, counts) if unnamed else (0, 0)
                unsigned = leftout.unsigned(self, asked, counts) if unnamed else 0
                asks_pages = not unnamed or leftout.asks_pages(self, db, asked)
                knows_dags = self.knows_dags(asked)
                sources = tuple(read.source_ages(db))
                reasons = self._why(asked, hits) if why else None
        took_ms = (time.perf_counter() - started) * 1000
        return Answer(
            len(counts), matched.specs, hits, found, seq, sources, matched.note, took_ms, named,
            left_out, reasons, *unjudged, unsigned, knows_dags, asks_pages,
        )  # fmt: skip

    @property
    def is_indexed(self) -> bool:
        """Whether the index answers, and not the ledger; inside of `moment`."""
        return self._index is not None and read.last_seq(self._db) - self._index.seq < MAX_BEHIND

    @contextmanager
    def moment(self) -> Iterator[connect.Connection]:
        """The ledger at one moment, which the methods below that say so then ask too."""
        with connect.ledger_errors(self._state_dir):
            self._refresh()
            with read.snapshot(self._db) as db:
                yield db

    def matching(self, node: query.Node) -> Mapping[int, int]:
        """The builds that match, and how many of their specs do; inside of `moment`."""
        return self._match(self.judged(node), read.last_seq(self._db)).counts

    def judged(self, node: query.Node) -> query.Node:
        """A tree with what it asks of DAGs and mirrors answered; inside of `moment`.

        Raises UnsaidError for what no cache index can answer.
        """
        if next(query.each_dag(node), None) is None and not query.asks_mirrors(node):
            return node
        return self.dags.judged(node)

    @property
    def dags(self) -> Dags:
        """What answers about DAGs; inside of `moment`."""
        if self._dags is None:
            from .dags import Dags

            self._dags = Dags(
                self._db, self._state_dir,
                through_build=self._through_build, is_lasting=self._is_lasting,
            )  # fmt: skip
        return self._dags

    def knows_dags(self, node: query.Node) -> bool:
        """Whether a query asks of DAGs, and one is known; inside of `moment`."""
        is_asked = next(query.each_dag(node), None) is not None
        return is_asked and self.dags.is_any_known()

    def _why(self, node: query.Node, hits: Collection[Hit]) -> Whys:
        from .why import reasons

        hashes = dict.fromkeys(spec.hash for hit in hits for spec in hit.specs)
        return reasons(self._dags, self._db, node, hashes)

    def ordered(self, node: query.Node, counts: Mapping[int, int], sort: str) -> list[int]:
        """All of some builds that match in an order of `search`; inside of `moment`."""
        return [build_id for build_id, _ in self._order(node, counts, sort, 0)]

    def hits(self, node: query.Node, build_ids: Collection[int]) -> tuple[Hit, ...]:
        """The hits of builds that match, without scores, in their order; inside of `moment`."""
        return found_hits(self._db, self.judged(node), [(build_id, 0.0) for build_id in build_ids])

    def near_terms(self, word: str, field: str, *, spelled: bool = False) -> list[str]:
        """Values of a field that are spelled much like `word`; inside of `moment`.

        They are in lower case, or `spelled` as the pages do: a condition of Spack heeds that.
        """
        with suppress(Exception):  # it only suggests, and what is damaged raises anything
            return (
                [] if self._index is None else self._index.suggestions(word, field, spelled=spelled)
            )
        return []

    def spellings(self, field: str, beginning: str) -> list[str]:
        """Values of a field that begin so, as they are spelled and in lower case; inside of `moment`."""
        with suppress(Exception):  # as above
            return [] if self._index is None else self._index.spellings(field, beginning)
        return []

    def _refresh(self) -> None:
        from ..index.reader import SearchIndex

        if self._index is not None and self._index.is_current:
            return
        if self._index is not None:
            self._index.close()
        self._index = None
        root = self._state_dir / connect.INDEX_DIRECTORY
        # Where there is no index at all there is nothing to wait for.
        for attempt in range(5 if os.path.lexists(root / "current") else 1):
            try:
                self._index = SearchIndex(
                    root, ledger=read.identity(self._db), mark=partial(read.mark, self._db)
                )
            except IndexUnusableError as error:
                # A commit or a swap between two of our reads looks like damage: look again.
                self._fault = error.message
                time.sleep(0.01 * attempt)
            else:
                self._fault = None
                return

    def _match(
        self, node: query.Node, seq: int, *, documents: bool = False, quickly: bool = False
    ) -> Matched:
        """What matches; its `documents` too where they are wanted, as far as that is quick.

        With `quickly` builds are counted, and it is seen which they are, where somebody asks.
        """
        if isinstance(node, query.Judged) and not documents and not read.has_pages(self._db):
            told = self.dags.decided(node)  # the graph knows whatever there is
            if told is not None:
                note = None if self._index is not None else self._fault
                quick = self._stands().counts(told, seq) if quickly else None
                counts = told.met() if quick is None else quick
                return Matched(counts, {}, set(), [], note, quick)
        if self._index is None:
            return self._scan(node, self._fault)
        behind: set[int] = set()
        if self._index.seq != seq:
            behind = read.touched_since(self._db, self._index.seq)
        if len(behind) > MAX_BEHIND:
            return self._scan(node, f"the search index is {seq - self._index.seq:,} changes behind")
        try:
            counts, whole, unknown = self._from_index(self._index, node)
        except Exception as error:  # what is damaged raises anything
            self._index.close()
            self._index = None
            self._fault = f"the search index cannot be read ({type(error).__name__})"
            return self._scan(node, self._fault)
        for build_id in behind:
            counts.pop(build_id, None)
            whole.pop(build_id, None)
        unknown |= behind
        groups = []
        if unknown:
            groups = list(scan.matching_groups(self._db, node, unknown, read.Names(self._db)))
            counts.update(scan.count_specs(groups))
        return Matched(counts, whole, unknown, groups, None)

    def _scan(self, node: query.Node, note: str | None) -> Matched:
        groups = list(scan.matching_groups(self._db, node, None, read.Names(self._db)))
        return Matched(scan.count_specs(groups), {}, None, groups, note)

    def _from_index(
        self, index: SearchIndex, node: query.Node
    ) -> tuple[dict[int, int], dict[int, int], set[int]]:
        """Counts of builds, documents of those that match whole, builds the ledger must count."""
        found = candidates.evaluate(node, index, LedgerRecords(self._db, index, self._known))
        ids = index.build_ids(found.whole | found.part.keys())
        totals = index.spec_counts(found.whole)
        counts = {ids[document]: totals[document] for document in found.whole}
        whole = {ids[document]: document for document in found.whole}
        unknown = set()
        for document, count in found.part.items():
            if count is None:
                unknown.add(ids[document])
            else:
                counts[ids[document]] = count
        return counts, whole, unknown

    def systems(self, counts: Mapping[int, int]) -> tuple[str, ...]:
        """The systems of some builds, in order; inside of `moment`."""
        known = self._known.of(counts.keys())
        return tuple(sorted({known[build_id][2][1] for build_id in counts}))

    def _facets(self, node: query.Node, matched: Matched) -> dict[str, dict[str, dict[str, int]]]:
        from .facets import counted

        attributes = self._known.of(matched.counts.keys())
        return counted(self._db, self._index, lambda: self.dags, node, matched, attributes)

    def _stands(self) -> Standing:
        if self._standing is None:
            from .standing import Standing  # who asks once has no use for it

            self._standing = Standing(self._db, partial(ranking.tied, self._db, by_name=True))
        return self._standing

    def _ranked(
        self, node: query.Node, matched: Matched, sort: str, enough: int
    ) -> list[tuple[int, float]]:
        quick = matched.quick
        if quick is None:
            return self._order(node, matched.counts, sort, enough)
        score = ranking.even_score(node, quick.are_called)
        if score is None:
            return self._order(node, quick.all, sort, enough) if quick else []
        return [(build_id, score) for build_id in self._stands().first(quick, enough)]

    def _order(
        self, node: query.Node, counts: Mapping[int, int], sort: str, enough: int
    ) -> list[tuple[int, float]]:
        """Builds with their scores in the order asked for; at least the first `enough` (0: all)."""
        index = self._index
        if index is not None and index.seq != read.last_seq(self._db):
            index = None
        scored = scores, base = ranking.scores(self._db, index, node, counts, self._known)
        if sort != "relevance":
            from ..ledger.ordering import in_order

            found = in_order(self._db, counts, sort, enough)
            return [(build_id, scores.get(build_id, base)) for build_id in found]
        return ranking.order(self._db, node, scored, counts, enough)
