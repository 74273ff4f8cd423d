"""What an answer is: builds that match, with their specs and placements, and all that is said beside. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from ..ledger import read
from ..model import Build, Placement

if TYPE_CHECKING:
    from .rows import Counts
    from .scan import Group
    from .why import Whys

__all__ = ["Answer", "Hit", "Matched", "MatchedSpec"]


class MatchedSpec(NamedTuple):
    """A spec that matches, with those of its placements that do."""

    hash: str
    placements: tuple[Placement, ...]


class Hit(NamedTuple):
    """A build that matches, with those of its specs that do."""

    build: Build
    score: float
    specs: tuple[MatchedSpec, ...]


class Matched(NamedTuple):
    """Which builds match."""

    counts: Mapping[int, int]
    """Every one, with how many of its specs do."""
    whole: dict[int, int]
    """Those known to match with all their placements, and their documents."""
    judged: set[int] | None
    """Those that the ledger was asked for; None: all."""
    groups: list[Group]
    """What it answered: their placements that match."""
    note: str | None
    """Why the ledger was asked instead of the index."""
    quick: Counts | None = None
    """The same as `counts`, where nobody has to count: of what the graph alone answered."""

    @property
    def specs(self) -> int:
        """How many specs match."""
        return sum(self.counts.values()) if self.quick is None else self.quick.specs


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
    systems: tuple[str, ...] = ()
    """The systems of all builds that match, where they were asked for."""
    unnamed: int = 0
    """Builds left out only because their pages name no compiler, where they were asked for."""
    why: Whys | None = None
    """Which dependencies of the specs among `hits` were found; None where it was not asked for."""
    unjudged: int = 0
    """Builds of which only a DAG would say whether they match, and none is known; where they were asked for."""
    undecided: int = 0
    """Of these builds those whose DAG is known, but not which version of a virtual package is provided."""
    unsigned: int = 0
    """Builds of which nobody knows whether they are signed, and which match otherwise; where they were asked for."""
    knows_dags: bool = False
    """Whether the DAG of any spec is known, where something was asked of DAGs."""
    asks_pages: bool = True
    """Whether what pages cannot answer may be asked of specs that only they tell of."""
