"""A mirror read by its spec manifests (`read: manifests`): what is really there, whatever its index says.

A hash that is placed already, and whose manifest is listed, is as before and not read again: a hash never
changes what it stands for. New ones are read, and put together as one index document. What is listed no
longer is gone, and on disk what its manifest names and is not there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...buildcache import places
from ...buildcache.index import Refused
from ...buildcache.specfile import SpecFile
from ...config import mirrors
from ...config.sourceconfigs import BuildcacheSourceConfig
from ...diff import Guard
from ...errors import CacheIndexError, SourceError
from ...net import FetchStoppedError, TooLargeError, shown
from ..base import Failed
from ..remote import FAILURES_IN_A_ROW
from .assembly import Assembly
from .bucket import Bucket
from .discovered import Concluded, Discovered, Known, Statement
from .files import Files
from .listing import Listed, Manifests, Named
from .manifestfiles import FileManifests
from .reaching import Reach, open_place
from .registry import Registry
from .remotemanifests import BucketManifests, Images

__all__ = ["MEMORY", "ManifestSource", "Seen", "open_manifests"]

MEMORY: Mapping[str, str] = {"read": "manifests"}
"""What is remembered of such a mirror: how it was read; and where it was so `_ELSEWHERE`."""
_ELSEWHERE: Mapping[str, str] = {"tarballs": "elsewhere"}
"""Most tarballs were never there. Then it is no mirror that lost some, and specs are placed without."""
_ASK_EVERY = 64


class Seen(NamedTuple):
    """What the manifests of a mirror say, or those of some packages; to be closed."""

    data: Any
    """An index document, mapped: the specs that were read, with all they depend on."""
    checksum: str
    """What tells these manifests from others."""
    memory: Mapping[str, str]
    read: frozenset[str]
    """The hashes that were read, which are cached."""
    standing: frozenset[str]
    """Those that were placed, and are as before."""
    refused: tuple[Refused, ...]
    """Manifests that are not accepted, each with its path and the reason."""
    notes: tuple[str, ...]
    """What else there is to warn of."""
    signed: Mapping[str, bool]
    """Whether the manifests say that they are, of hashes that were read or of which it was asked."""
    is_news: bool
    """Whether anything was read or found out, or is gone."""
    failure: str | None
    """Why not everything that is new was read; it is, in the next pass."""

    def close(self) -> None:
        """Give the room back. Raises BufferError while something refers to the data."""
        if not isinstance(self.data, bytes):
            self.data.close()


class ManifestSource:
    """A source of type `buildcache` whose spec manifests are read; it remembers nothing itself."""

    type = "buildcache"
    settle = 1
    """What is not there is gone."""

    def __init__(
        self,
        config: BuildcacheSourceConfig,
        reach: Reach,
        scope: Collection[str] | None = None,
    ) -> None:
        """`scope`: the packages that are looked at; None: all."""
        self.name = config.name
        self.scope = scope
        self.retry_after_seconds: float | None = None
        self.root = Path(mirrors.path(config.url)) if config.is_local else None
        """Where it lies in the file system, if it does: then parts of it may be looked at."""
        self._config = config
        self._reach = reach

    def part(self, scope: Collection[str]) -> ManifestSource:
        """The same source, of which only some packages are looked at."""
        return ManifestSource(self._config, self._reach, scope)

    def discover(
        self, _memory: Mapping[str, str], _known: Sequence[Known] = (), *, counts: bool = True
    ) -> Discovered:
        """Its one statement; see `MirrorSource`."""
        config = self._config
        (place,) = mirrors.places(config)
        return Discovered((Statement(config.url, None, place.tag, place.stack, config.access),))

    def conclude(self) -> Concluded:
        """Nothing."""
        return Concluded()

    def read_manifests(
        self,
        statement: Statement,
        placed: Mapping[str, str],
        memory: Mapping[str, str],
        come_forward: Callable[[], object] = lambda: None,
        unsigned: Collection[str] = (),
    ) -> Seen | Failed:
        """What is there, where `placed` is: hash -> package, of the scope.

        `memory` is what was remembered of it. Of those that are `unsigned`, nobody knows whether their
        manifests are signed. `come_forward` is called now and then, and may raise.
        """
        try:
            manifests = open_manifests(self._config, self._reach)
            listed = manifests.listed(self.scope)
            if not listed.is_there and (self.scope is not None or not placed):
                return Failed(_nothing(statement), is_passing=True)
            signed = self._signed(manifests, listed, unsigned, come_forward)
            without = self._without_tarballs(manifests, listed, memory, come_forward)
            return self._seen(manifests, listed, placed, signed, without, come_forward)
        except SourceError as error:
            self._note_wait(error)
            return Failed(_in_one_line(error), is_passing=True)

    def _signed(
        self,
        manifests: Manifests,
        listed: Listed,
        unsigned: Collection[str],
        come_forward: Callable[[], object],
    ) -> dict[str, bool]:
        """Of placed specs that came from an index, or before anybody asked."""
        signed: dict[str, bool] = {}
        if mirrors.is_registry(self._config.url):  # in which nothing is
            return signed
        for number, one in enumerate(sorted(unsigned)):
            if not number % _ASK_EVERY:
                come_forward()
            named = listed.manifests.get(one)
            try:
                said = None if named is None else manifests.is_signed(named)
            except TooLargeError:  # no manifest is so long: nobody knows
                continue
            except SourceError as error:  # what is there does not depend on it: the next pass asks
                if manifests.is_near:
                    continue
                self._note_wait(error)
                break
            if said is not None:
                signed[one] = said
        return signed

    def _without_tarballs(
        self,
        manifests: Manifests,
        listed: Listed,
        memory: Mapping[str, str],
        come_forward: Callable[[], object],
    ) -> int | None:
        """How many tarballs are not there, where they are `_ELSEWHERE` and none is needed; else None.

        Only of what was read for the first time, or was so before, it is believed: once they are there,
        what is away is gone, and the guard judges that.
        """
        if self.scope is not None:
            return 0 if _ELSEWHERE.items() <= memory.items() else None
        if memory and not _ELSEWHERE.items() <= memory.items():
            return None
        lacking = 0
        for number, one in enumerate(listed.manifests.values()):
            if not number % _ASK_EVERY:
                come_forward()
            lacking += manifests.lacks_tarball(one)
        return lacking if Guard().holds(retiring=lacking, pages=len(listed.manifests)) else None

    def _seen(
        self,
        manifests: Manifests,
        listed: Listed,
        placed: Mapping[str, str],
        signed: dict[str, bool],
        without: int | None,
        come_forward: Callable[[], object],
    ) -> Seen:
        selection = self._config.selection
        is_told = bool(signed)
        standing = {
            one
            for one, package in placed.items()
            if (_lies_under(listed.manifests.get(one), package) or package in listed.unlisted)
            and selection.admits_package(package)
        }
        refused = _lacking(manifests, listed, standing, come_forward, needs_tarball=without is None)
        standing -= refused.keys()
        new = sorted(one for one in listed.manifests if one not in placed)
        assembly = Assembly(self._reach.limits.download_bytes)
        failure = None
        in_a_row = 0
        notes = tuple(_notes(listed, without))
        try:
            for number, one in enumerate(new):
                if not number % _ASK_EVERY:
                    come_forward()
                named = listed.manifests[one]
                try:
                    spec = _spec(manifests, one, named, needs_tarball=without is None)
                except (CacheIndexError, SourceError) as error:
                    if manifests.is_near or isinstance(error, CacheIndexError | TooLargeError):
                        refused[one] = Refused(one, f"{named.path}: {error.message}")
                        continue
                    self._note_wait(error)
                    failure = failure or f"{named.path}: {_in_one_line(error)}"
                    in_a_row += 1
                    if _ends_a_pass(error) or in_a_row >= FAILURES_IN_A_ROW:
                        break
                    continue  # docker-registry has a 500 for each image that is damaged
                in_a_row = 0
                if spec is None:
                    continue
                assembly.add(spec)
                if spec.is_signed is not None:
                    signed[one] = spec.is_signed
            read = frozenset(assembly.read)
            reasons = [f"{one.hash} {one.reason}" for one in refused.values()]
            return Seen(
                assembly.document(), _checksum([*standing, *read], [*reasons, *notes]),
                MEMORY if without is None else {**MEMORY, **_ELSEWHERE}, read,
                frozenset(standing), tuple(refused.values()), notes, signed,
                is_news=bool(read) or is_told or len(standing) < len(placed), failure=failure,
            )  # fmt: skip
        finally:
            assembly.close()

    def _note_wait(self, error: SourceError) -> None:
        if error.retry_after_seconds is not None:
            waits = (self.retry_after_seconds or 0.0, error.retry_after_seconds)
            self.retry_after_seconds = max(waits)


def open_manifests(config: BuildcacheSourceConfig, reach: Reach) -> Manifests:
    """The manifests under the address of a mirror. Raises SourceError where it has no way to list them."""
    place = open_place(config.url, config.access, reach)
    if isinstance(place, Files):
        return FileManifests(place, config.selection)
    if isinstance(place, Bucket):
        return BucketManifests(place, config.selection)
    if isinstance(place, Registry):
        return Images(place, config.selection)
    raise SourceError(
        f"{shown(config.url)} cannot be listed, as reading its manifests needs",
        hint="say read: index",
    )


def _spec(
    manifests: Manifests, spec_hash: str, named: Named, *, needs_tarball: bool
) -> SpecFile | None:
    """What a manifest leads to, which is what its name says. Raises CacheIndexError, SourceError."""
    spec = manifests.spec(named, needs_tarball=needs_tarball)
    if spec is None:
        return None
    if spec.hash != spec_hash:
        raise CacheIndexError(f"is of another spec than its name says: {spec.hash}")
    if named.package is not None and spec.name != named.package:
        raise CacheIndexError(
            f"is of the package {places.shown(spec.name)}, and lies under {named.package}"
        )
    return spec


def _ends_a_pass(error: SourceError) -> bool:
    """Whether nothing else is to be asked for now."""
    return error.retry_after_seconds is not None or isinstance(error, FetchStoppedError)


def _lacking(
    manifests: Manifests,
    listed: Listed,
    standing: Collection[str],
    come_forward: Callable[[], object],
    *,
    needs_tarball: bool,
) -> dict[str, Refused]:
    """Of those whose manifests stand the ones that are not whole any more."""
    found = {}
    for number, one in enumerate(sorted(standing)):
        if not number % _ASK_EVERY:
            come_forward()
        named = listed.manifests.get(one)
        if named is None:
            continue
        if (lack := manifests.lack(named, needs_tarball=needs_tarball)) is not None:
            found[one] = Refused(one, f"{named.path}: {lack}")
    return found


def _notes(listed: Listed, without: int | None) -> Iterator[str]:
    """What is to be warned of that is not of one spec."""
    for package, why in sorted(listed.unlisted.items()):
        yield f"{package}: cannot be looked into: {why}"
    if without:
        yield (
            f"{without:,} of the tarballs that {len(listed.manifests):,} manifests name are not there:"
            " they seem to be elsewhere, and their specs are placed all the same"
        )


def _lies_under(named: Named | None, package: str) -> bool:
    """Whether there is a manifest where one of this package belongs."""
    return named is not None and named.package in (None, package)


def _checksum(hashes: Collection[str], said: Collection[str]) -> str:
    digest = hashlib.sha256()
    for one in (*sorted(hashes), *sorted(said)):
        digest.update(one.encode() + b"\n")
    return f"manifests:{digest.hexdigest()}"


def _nothing(statement: Statement) -> str:
    url = shown(statement.url)
    if mirrors.is_registry(statement.url):
        return f"{url} has no specs (check the address, or push to it: spack buildcache push {url})"
    return (
        f"{url}/v3/manifests/spec is not there (check the address, or push to it: spack buildcache push"
        f" {url}; a mirror of layout 2 has no spec manifests: read: index)"
    )


def _in_one_line(error: SourceError) -> str:
    return f"{error.message} ({error.hint})" if error.hint else error.message
