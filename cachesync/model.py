"""The values everything else speaks of: builds, specs, pages, placements, changes.

Plain immutable tuples, no behaviour beyond what their names promise, no I/O, no clock. They are
`NamedTuple`s rather than dataclasses because every `cachesync search` imports this module and
`dataclasses` alone costs as much as starting Python does.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, IntEnum
from typing import NamedTuple

__all__ = [
    "NO_COMPILER",
    "TOLD",
    "Build",
    "Change",
    "ChangeKind",
    "Compilers",
    "Details",
    "Doubt",
    "Edge",
    "EdgeKind",
    "First",
    "Listed",
    "LocationState",
    "Node",
    "Page",
    "Placement",
    "SourceState",
]

NO_COMPILER = "none"
"""What pages written since Spack 1.0 say instead of a compiler (FORMATS: the 2025-07 era)."""


Compilers = tuple[tuple[str, str], ...]
"""Language and compiler (`name@=version`), in the order of the languages: c, cxx, fortran."""


class Build(NamedTuple):
    """What specs that differ only by hash have in common.

    `compiler` is normalised (`name@=version`, a bare name, or `none`); `variants` is sorted and
    has no duplicates, so equal builds are equal tuples.
    """

    package: str
    version: str
    compiler: str
    os: str
    platform: str
    target: str
    variants: tuple[str, ...]
    compilers: Compilers = ()
    """Where the languages differ: all of them, of which `compiler` is the first; else empty."""


Listed = tuple[Build, tuple[str, ...]]
"""What a page says of one hash: its build, and the stacks that carry it (sorted, no duplicates)."""


class Page(NamedTuple):
    """A page that could be read: which tag and package it claims, and its specs by hash."""

    tag: str
    package: str
    specs: Mapping[str, Listed]
    """The order is that of the page and means nothing."""
    meta: bytes | None = None
    """The page's own summary as JSON, undecoded (`summary.disagreements` compares it)."""


class EdgeKind(NamedTuple):
    """What a dependency is for. Equal kinds are one object within one reading."""

    types: tuple[str, ...]
    """Of `build`, `link`, `run` and `test`, sorted."""
    virtuals: tuple[str, ...]
    """The virtual packages it provides on this edge, sorted."""


Edge = tuple[str, EdgeKind]
"""A dependency: its hash, and what it is for."""


class Details(NamedTuple):
    """What a cache index says of a spec beyond its build and its edges."""

    namespace: str | None
    package_hash: str | None
    flags: tuple[tuple[str, tuple[str, ...]], ...]
    """The compiler flags that are not empty, by name, as written."""
    patches: tuple[str, ...]
    """Whole checksums, in the order of application."""
    target: str | None
    """The target object as compact JSON; None where the target is a name only."""
    external: str | None
    """Where an external is, as compact JSON; None for what Spack installed itself."""
    build_spec: str | None
    """The hash of the spec that was built, where this one is spliced."""
    compilers: Compilers
    """Those of the build, as an index says them: empty where languages do not differ."""
    format: int
    """The version of the spec's document when it was made."""
    lists: tuple[str, ...] = ()
    """The variants whose value is a list, by name: Spack prints them `name:=a,b`."""
    provided_virtuals: tuple[str, ...] | None = None
    """The virtual packages it provides, sorted, with versions where they have some (`mpi@3.1`); None where
    the index does not say, as none before database 9 does."""


class Doubt(IntEnum):
    """Whether the hash of a spec follows from a record of it; less doubt is the smaller number."""

    NONE = 0
    """It does."""
    UNCHECKED = 1
    """That cannot be told: it is spliced, or Spack wrote it anew after it was hashed."""
    WRONG = 2
    """It does not, and should."""


class Node(NamedTuple):
    """A concrete spec in a DAG, as a cache index tells of it, cached or not."""

    hash: str
    build: Build
    """Equal builds are one object within one reading; so are equal details."""
    cached: bool
    details: Details
    edges: tuple[Edge, ...]
    checksum: bytes
    """The first eight bytes of the SHA-1 of the spec as it stands in the index."""
    doubt: Doubt = Doubt.NONE


class Placement(NamedTuple):
    """Where a spec is: a tag of a source, with the stacks that carry it there."""

    source: str
    tag: str
    stacks: tuple[str, ...]


class SourceState(Enum):
    """What the last pass over a source came to (CLI.md, `status`)."""

    NEVER = "never"
    OK = "ok"
    FAILED = "failed"
    HELD = "held"
    ORPHANED = "orphaned"


class LocationState(IntEnum):
    """What is known of the file or URL a page lies at."""

    GOOD = 0
    REJECTED = 1
    SKIPPED = 2


class ChangeKind(IntEnum):
    """The kinds of change; the numbers are stored in the ledger and never reused."""

    SPEC_CACHED = 1
    SPEC_EVICTED = 2
    SPEC_RESTACKED = 3
    SPEC_REFINED = 4
    SPEC_DESCRIBED = 5
    PAGE_ADDED = 10
    PAGE_REMOVED = 11
    PAGE_REJECTED = 12
    PAGE_RECOVERED = 13
    INDEX_READ = 14
    INDEX_REJECTED = 15
    INDEX_RECOVERED = 16
    SOURCE_FAILED = 20
    SOURCE_RECOVERED = 21
    SOURCE_HELD = 22
    SOURCE_OVERFLOWED = 23
    TARGET_DISABLED = 30
    TARGET_ENABLED = 31

    @property
    def label(self) -> str:
        """The name used on the command line and in JSON, such as `spec.cached`."""
        return self.name.lower().replace("_", ".", 1)


TOLD = tuple(kind for kind in ChangeKind if kind is not ChangeKind.SPEC_DESCRIBED)
"""The kinds that people and webhooks are told of: what a node is described by has too much to say."""


class First(IntEnum):
    """Which of the changes that cache a spec are told of; the numbers are stored in the outbox."""

    EVERY = 0
    HASH = 1
    """Only a hash that no source had."""
    BUILD = 2
    """Only a build that was never cached, whatever its hashes."""

    @property
    def shown(self) -> bool | str:
        """As the configuration has it, and JSON: `false`, `true` (which is `hash`), `build`."""
        return "build" if self is First.BUILD else bool(self)


class Change(NamedTuple):
    """One fact of the change log, with what is needed to understand it without the ledger."""

    seq: int
    at: int
    """Microseconds since the epoch, UTC."""
    kind: ChangeKind
    source: str
    """Empty for a change of a delivery target."""
    tag: str | None = None
    package: str | None = None
    hash: str | None = None
    flag: bool = False
    """`first` of spec.cached, `last` of spec.evicted."""
    baseline: bool = False
    stacks: tuple[str, ...] | None = None
    """The stacks after the change; of an evicted spec, those it had."""
    stacks_before: tuple[str, ...] | None = None
    build: Build | None = None
    build_before: Build | None = None
    path: str | None = None
    reason: str | None = None
    subscription: str | None = None
    target: str | None = None
    """Of the kinds `target.…`: what is disabled or enabled, as it may be shown."""
    details: Details | None = None
    """Of spec.described, as `edges`: everything that is known since."""
    edges: tuple[Edge, ...] | None = None
    checksum: str | None = None
    """Of index.read: what tells this content of a cache index from another."""
