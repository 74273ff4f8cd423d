"""What a source of build caches is to a pass: cache indexes, each read with what is remembered of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..sources.base import Failed, Gone, Missing, Unchanged

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from ..buildcache.index import Refused

__all__ = [
    "Answer",
    "Concluded",
    "Discovered",
    "Got",
    "ManifestSource",
    "MirrorSource",
    "Seen",
    "Statement",
    "is_by_manifests",
    "is_of_mirrors",
]


class Statement(Protocol):
    """A cache index of a source: everything of one stack of one tag."""

    @property
    def url(self) -> str:
        """That of the mirror, without a trailing slash."""

    @property
    def view(self) -> str | None:
        """The view of the mirror, or None for the mirror's own index."""

    @property
    def tag(self) -> str:
        """The tag that its specs are placed in."""

    @property
    def stack(self) -> str:
        """The stack that carries them."""


class Got(Protocol):
    """A cache index that has another content than before. It may have a `close`, which is called."""

    @property
    def data(self) -> Any:
        """The document: bytes, or anything with a buffer."""

    @property
    def checksum(self) -> str:
        """What tells this content from another."""

    @property
    def memory(self) -> Mapping[str, str]:
        """What the next pass is to be given, once this content is recorded."""


Answer = Got | Unchanged | Failed | Missing | Gone
"""What comes of reading a cache index. Missing and Gone are told of one that no list names any more."""


class Discovered(Protocol):
    """The cache indexes of a source as of now."""

    @property
    def statements(self) -> Sequence[Statement]:
        """Each of another tag or stack."""

    @property
    def failure(self) -> str | None:
        """Why it is not known what else there is, or is not any more: then nothing leaves."""

    @property
    def kept(self) -> Collection[str]:
        """Tags of what is there and cannot be read: nothing of them leaves."""

    @property
    def stand_alone(self) -> bool:
        """Whether what leaves does so by itself, and nothing else comes in its place."""


class Concluded(Protocol):
    """What a source has to say when everything was read."""

    @property
    def memory(self) -> Mapping[str, str] | None:
        """What the next pass is to be given; None for what is remembered already."""

    @property
    def warnings(self) -> Sequence[str]:
        """What there is to warn of."""

    @property
    def place(self) -> str:
        """Under which that is told."""


class _Source(Protocol):
    """A place that is read as build caches are."""

    @property
    def name(self) -> str:
        """Its name in the config, or its URL."""

    @property
    def settle(self) -> int:
        """In how many passes running a spec has to be absent until it is evicted."""

    @property
    def retry_after_seconds(self) -> float | None:
        """How long it asked in this pass to be left alone."""

    def discover(
        self, memory: Mapping[str, str], known: Sequence[Any], /, *, counts: bool
    ) -> Discovered:
        """Its cache indexes, at the start of a pass: with its memory, and those that the ledger has."""

    def conclude(self) -> Concluded:
        """At the end of a pass: what there is to remember and to warn of."""


class MirrorSource(_Source, Protocol):
    """A place that cache indexes come from."""

    @property
    def concurrency(self) -> int:
        """How many `read` may run at one time, each in a thread of its own; 0: only in this one."""

    def read(self, statement: Any, memory: Mapping[str, str], /) -> Answer:
        """A cache index as it is now; `memory` is empty where it has to be read whatever it is."""


class Seen(Got, Protocol):
    """What the spec manifests of a mirror say. Its `data` has the specs that were read, and their nodes."""

    @property
    def read(self) -> Collection[str]:
        """The hashes that were read, which are cached."""

    @property
    def standing(self) -> Collection[str]:
        """Of those that were placed the ones that still are there."""

    @property
    def refused(self) -> Sequence[Refused]:
        """Manifests that are not accepted."""

    @property
    def notes(self) -> Sequence[str]:
        """What else there is to warn of."""

    @property
    def signed(self) -> Mapping[str, bool]:
        """Whether the manifests of some hashes say that they are signed."""

    @property
    def is_news(self) -> bool:
        """Whether anything was read or found out, or is gone."""

    @property
    def failure(self) -> str | None:
        """Why not everything that is new was read."""


class ManifestSource(_Source, Protocol):
    """A mirror whose specs are read one by one; `discover` finds one statement."""

    @property
    def scope(self) -> Collection[str] | None:
        """The packages that are looked at; None: all."""

    @property
    def root(self) -> Path | None:
        """Where it lies in the file system; None where it does not."""

    def part(self, scope: Collection[str], /) -> ManifestSource:
        """The same source, of which only some packages are looked at."""

    def read_manifests(
        self,
        statement: Any,
        placed: Mapping[str, str],
        memory: Mapping[str, str],
        come_forward: Callable[[], object],
        unsigned: Collection[str],
        /,
    ) -> Seen | Failed:
        """What is there now, where `placed` is: hash -> package, of the scope; see `MirrorSource.read`.

        Of `unsigned` nobody knows whether they are signed.
        """


def is_of_mirrors(source: object) -> TypeIs[MirrorSource | ManifestSource]:
    """Whether a source has cache indexes, and no pages."""
    return hasattr(source, "discover")


def is_by_manifests(source: object) -> TypeIs[ManifestSource]:
    """Whether the specs of a mirror are read one by one."""
    return hasattr(source, "read_manifests")
