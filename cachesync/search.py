"""Answering a query: the index where it can, the ledger where it must, the same answer either way.

Every answer belongs to one moment of the ledger. Builds that changed after the index's cursor are
looked up in the ledger, so an index that is behind costs time and never truth.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from . import candidates, query, ranges
from .errors import IndexUnusableError
from .ledger import connect, read
from .model import Build, Placement

if TYPE_CHECKING:
    from .index.reader import SearchIndex

__all__ = ["Answer", "Hit", "MatchedSpec", "Searcher"]

MAX_BEHIND = 4_000
"""Builds changed since the index's cursor beyond which the ledger answers the whole query."""

BY_TAG = 300
"""Builds from which their placements in a tag are found sooner through the tag's pages."""

FEW_VERSIONS = 2_000
"""Builds up to which their versions are looked up one by one; beyond, those of all are kept."""

EXACT, NAMED, OTHER = 8.0, 4.0, 1.0
"""What one wanted term adds to the score: the package's name, a part of it, anything else."""


class MatchedSpec(NamedTuple):
    """A spec that matches, with those of its placements that do."""

    hash: str
    placements: tuple[Placement, ...]


class Hit(NamedTuple):
    """A build that matches, with those of its specs that do."""

    build: Build
    score: float
    specs: tuple[MatchedSpec, ...]


class Answer(NamedTuple):
    """What a query found."""

    builds: int
    specs: int
    """All matches, not only those among `hits`."""
    hits: tuple[Hit, ...]
    facets: dict[str, dict[str, dict[str, int]]]
    seq: int
    """The last change that the answer takes into account."""
    sources: tuple[read.SourceAge, ...]
    note: str | None
    """Why the ledger answered instead of the index; None when the index did."""
    took_ms: float


class Searcher:
    """An open state directory to ask. Not for use by several threads."""

    def __init__(self, state_dir: Path) -> None:
        """Raises LedgerMissingError when nothing was ever synced, LedgerError when it is unusable."""
        self._state_dir = state_dir
        self._db = connect.open_reader(state_dir)
        if not read.is_anything_synced(self._db):
            self._db.close()
            raise connect.nothing_synced(state_dir)
        self._index: SearchIndex | None = None
        self._fault: str | None = None
        self._versions: dict[int, str] = {}

    def close(self) -> None:
        """Release the ledger and the index."""
        self._db.close()
        if self._index is not None:
            self._index.close()

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
    ) -> Answer:
        """What matches `node`, best first; `limit` 0 means all."""
        started = time.perf_counter()
        with connect.ledger_errors(self._state_dir):
            self._refresh()
            with read.snapshot(self._db) as db:
                seq = read.last_seq(db)
                counts, note = self._counts(node, seq)
                ordered = self._order(node, counts, sort, limit and offset + limit)
                shown = ordered[offset : offset + limit] if limit else ordered[offset:]
                hits = self._hits(node, shown)
                found = _facets(self._hits(node, [(b, 0.0) for b in counts])) if facets else {}
                sources = tuple(read.source_ages(db))
        took_ms = (time.perf_counter() - started) * 1000
        return Answer(len(counts), sum(counts.values()), hits, found, seq, sources, note, took_ms)

    @contextmanager
    def moment(self) -> Iterator[connect.Connection]:
        """The ledger at one moment, which the methods below that say so then ask too."""
        with connect.ledger_errors(self._state_dir):
            self._refresh()
            with read.snapshot(self._db) as db:
                yield db

    def matching(self, node: query.Node) -> dict[int, int]:
        """The builds that match, and how many of their specs do; inside of `moment`."""
        return self._counts(node, read.last_seq(self._db))[0]

    def ordered(self, node: query.Node, counts: dict[int, int], sort: str) -> list[int]:
        """All of some builds that match in an order of `search`; inside of `moment`."""
        return [build_id for build_id, _ in self._order(node, counts, sort, 0)]

    def hits(self, node: query.Node, build_ids: Collection[int]) -> tuple[Hit, ...]:
        """The hits of builds that match, without scores, in their order; inside of `moment`."""
        return self._hits(node, [(build_id, 0.0) for build_id in build_ids])

    def near_terms(self, word: str, field: str) -> list[str]:
        """Values of a field that are spelled much like `word`; inside of `moment`."""
        if self._index is None:
            return []
        try:
            return self._index.suggestions(word, field)
        except Exception:  # Whoosh raises anything on damaged files; a suggestion is no answer
            return []

    def _refresh(self) -> None:
        from .index.reader import SearchIndex

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

    def _counts(self, node: query.Node, seq: int) -> tuple[dict[int, int], str | None]:
        """Every build that matches, with how many of its specs do, and why the ledger was asked."""
        if self._index is None:
            return self._count(node, None), self._fault
        behind: set[int] = set()
        if self._index.seq != seq:
            behind = read.touched_since(self._db, self._index.seq)
        if len(behind) > MAX_BEHIND:
            return self._count(node, None), (
                f"the search index is {seq - self._index.seq:,} changes behind"
            )
        try:
            counts, unknown = self._from_index(self._index, node)
        except Exception as error:  # Whoosh raises anything on damaged files
            self._index.close()
            self._index = None
            self._fault = f"the search index cannot be read ({type(error).__name__})"
            return self._count(node, None), self._fault
        for build_id in behind:
            counts.pop(build_id, None)
        unknown |= behind
        if unknown:
            counts.update(self._count(node, unknown))
        return counts, None

    def _from_index(self, index: SearchIndex, node: query.Node) -> tuple[dict[int, int], set[int]]:
        """Builds with known numbers of matching specs, and builds the ledger has to count."""
        found = candidates.evaluate(node, index, _Records(self._db, index, self._versions))
        ids = index.build_ids(found.whole | found.part.keys())
        totals = index.spec_counts(found.whole)
        counts = {ids[document]: totals[document] for document in found.whole}
        unknown = set()
        for document, count in found.part.items():
            if count is None:
                unknown.add(ids[document])
            else:
                counts[ids[document]] = count
        return counts, unknown

    def _count(self, node: query.Node, build_ids: set[int] | None) -> dict[int, int]:
        """Count the matching specs of some builds, or of all, in the ledger."""
        described = (
            read.all_builds(self._db)
            if build_ids is None
            else read.builds(self._db, build_ids).items()
        )
        residues = {build_id: query.residue(node, build) for build_id, build in described}
        possible = [build_id for build_id, rest in residues.items() if rest is not False]
        names = read.Names(self._db)
        beginnings = [t.value for t, _ in query.terms(node) if query.may_be_hash(t)]
        by_hash = any(read.builds_with_hash(self._db, beginning) for beginning in beginnings)
        # Few residues, tags and sets of stacks make up the many placements: each is judged once.
        verdicts: dict[tuple[query.Node, int, int, str], bool] = {}
        matched: dict[int, set[str]] = {}
        for build_id, spec_hash, tag_id, stacks_id in self._placements(node, possible, names):
            rest = residues[build_id]
            if isinstance(rest, bool):
                matched.setdefault(build_id, set()).add(spec_hash)
                continue
            key = (rest, tag_id, stacks_id, spec_hash if by_hash else "")
            verdict = verdicts.get(key)
            if verdict is None:
                source, tag = names.tags[tag_id]
                verdict = verdicts[key] = query.matches_where(
                    rest, key[3], source=source, tag=tag, stacks=names.stacks[stacks_id]
                )
            if verdict:
                matched.setdefault(build_id, set()).add(spec_hash)
        return {build_id: len(found) for build_id, found in matched.items()}

    def _placements(
        self, node: query.Node, build_ids: list[int], names: read.Names
    ) -> Iterator[tuple[int, str, int, int]]:
        """Every placement of some builds that might match, by the way that meets fewer others."""
        tags = query.required(node, "tag")
        if not tags or len(build_ids) < BY_TAG:
            yield from read.placements_of(self._db, build_ids)
            return
        fitting = [
            tag_id
            for tag_id, (source, tag) in names.tags.items()
            if all(query.matches_placement(t, source=source, tag=tag, stacks=()) for t in tags)
        ]
        wanted = set(build_ids)
        for placement in read.placements_in(self._db, fitting):
            if placement[0] in wanted:
                yield placement

    def _order(
        self, node: query.Node, counts: dict[int, int], sort: str, enough: int
    ) -> list[tuple[int, float]]:
        """Builds with their scores in the order asked for; at least the first `enough` (0: all)."""
        scores, base = self._scores(node, counts)
        if sort != "relevance":
            return [(b, scores.get(b, base)) for b in read.in_order(self._db, counts, sort)]
        groups: dict[float, list[int]] = {}
        for build_id, score in scores.items():
            groups.setdefault(score, []).append(build_id)
        ordered: list[tuple[int, float]] = []
        for score in sorted(groups, reverse=True):
            tied = read.in_order(self._db, groups[score], "relevance")
            ordered += [(build_id, score) for build_id in tied]
            if enough and len(ordered) >= enough:
                return ordered
        rest = counts.keys() - scores.keys()
        left = enough - len(ordered) if enough else 0
        tied = read.first_in_order(self._db, rest, left)
        return ordered + [(build_id, base) for build_id in tied]

    def _scores(self, node: query.Node, counts: dict[int, int]) -> tuple[dict[int, float], float]:
        """The scores of the builds that a term names, and the lower score of all others."""
        wanted = [term for term, is_wanted in query.terms(node) if is_wanted]
        base = OTHER * len(wanted)
        extra: dict[int, float] = {}
        for term in wanted:
            if term.field not in (None, "package") or term.prefix:
                continue
            exact, named = self._named(term.value)
            for build_id in counts.keys() & named:
                gain = (EXACT if build_id in exact else NAMED) - OTHER
                extra[build_id] = extra.get(build_id, 0.0) + gain
        return {build_id: base + gain for build_id, gain in extra.items()}, base

    def _named(self, word: str) -> tuple[set[int], set[int]]:
        """The builds of the package called `word`, and those with it in their package's name."""
        index = self._index
        if index is not None and index.seq == read.last_seq(self._db):
            exact, named = index.documents("package", word), index.documents("name", word)
            return set(index.build_ids(exact).values()), set(index.build_ids(named).values())
        exact, named = set(), set()
        for package, build_ids in read.builds_named(self._db, word).items():
            if word in query.name_runs(package):
                named.update(build_ids)
                if word == package.lower():
                    exact.update(build_ids)
        return exact, named

    def _hits(self, node: query.Node, chosen: list[tuple[int, float]]) -> tuple[Hit, ...]:
        described = read.builds(self._db, [build_id for build_id, _ in chosen])
        residues = {build_id: query.residue(node, build) for build_id, build in described.items()}
        placed: dict[int, dict[str, list[Placement]]] = {}
        for spec in _matching(read.placed_specs(self._db, described), residues):
            of_build = placed.setdefault(spec.build_id, {})
            of_build.setdefault(spec.hash, []).append(Placement(spec.source, spec.tag, spec.stacks))
        return tuple(
            Hit(
                described[build_id],
                score,
                tuple(
                    MatchedSpec(spec_hash, tuple(sorted(placements)))
                    for spec_hash, placements in sorted(placed[build_id].items())
                ),
            )
            for build_id, score in chosen
        )


class _Records:
    """What the ledger knows of the documents of an index (see `candidates.Records`)."""

    def __init__(
        self, db: connect.Connection, index: SearchIndex, versions: dict[int, str]
    ) -> None:
        self._db = db
        self._index = index
        self._versions = versions
        """Version by build: of every build or of none. Builds do not change; there are only more."""

    def with_hash(self, beginning: str) -> dict[int, int]:
        found = read.builds_with_hash(self._db, beginning)
        known = self._index.builds() if found else {}
        return {known[build]: count for build, count in found.items() if build in known}

    def with_version(self, wanted: str, within: set[int] | None) -> set[int]:
        documents = self._index.documents("any", "") if within is None else within
        builds = self._index.build_ids(documents)
        if len(builds) < FEW_VERSIONS and not self._versions:
            versions = read.versions_of(self._db, builds.values())
        else:
            versions = self._versions
            if not versions.keys() >= set(builds.values()):
                versions.update(read.versions_of(self._db, None))
        verdicts: dict[str, bool] = {}
        found = set()
        for document, build in builds.items():
            version = versions[build]
            verdict = verdicts.get(version)
            if verdict is None:
                verdict = verdicts[version] = ranges.contains(wanted, version)
            if verdict:
                found.add(document)
        return found


def _matching(
    placed: Iterable[read.PlacedSpec], residues: dict[int, query.Node | bool]
) -> Iterator[read.PlacedSpec]:
    """The placements that satisfy what is left of the query once their build is known."""
    for spec in placed:
        rest = residues[spec.build_id]
        if rest is True or (
            not isinstance(rest, bool)
            and query.matches_where(
                rest, spec.hash, source=spec.source, tag=spec.tag, stacks=spec.stacks
            )
        ):
            yield spec


FACETS = ("target", "os", "compiler", "stack", "tag", "version", "package")


def _facets(hits: Iterable[Hit]) -> dict[str, dict[str, dict[str, int]]]:
    """How many specs and builds there are of each value of each facet, most specs first."""
    counts: dict[str, dict[str, dict[str, int]]] = {name: {} for name in FACETS}
    for hit in hits:
        of_build: dict[tuple[str, str], int] = {}
        for name in ("target", "os", "compiler", "version", "package"):
            of_build[name, getattr(hit.build, name)] = len(hit.specs)
        for spec in hit.specs:
            tags = {("tag", placement.tag) for placement in spec.placements}
            stacks = {("stack", stack) for p in spec.placements for stack in p.stacks}
            for key in tags | stacks:
                of_build[key] = of_build.get(key, 0) + 1
        for (name, value), specs in of_build.items():
            count = counts[name].setdefault(value, {"specs": 0, "builds": 0})
            count["specs"] += specs
            count["builds"] += 1
    return {
        name: dict(sorted(values.items(), key=lambda item: (-item[1]["specs"], item[0])))
        for name, values in counts.items()
    }
