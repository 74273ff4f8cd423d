"""The mirrors of a source with `mirrors:`: those that a mirrors.yaml of Spack's has when a pass begins.

What is written into a file that is there lies in it bit by bit, and the beginning of a mirrors.yaml mostly
is one, of fewer mirrors. So a mirror that the file does not have any more is not there once the file is at
rest.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from ...config.content import content
from ...config.mirrors import DEFAULT_STACK
from ...config.reachvalues import Secret, SecretKind
from ...config.sourceconfigs import BuildcacheSourceConfig, MirrorAccess
from ...errors import CachesyncError, SourceError
from ...net import shown
from . import mirrorsyaml
from .discovered import Concluded, Discovered, Known, Statement
from .reaching import Reach

__all__ = ["REST_SECONDS", "Configured", "access_of"]

REST_SECONDS = 2.0
"""A file that was not written for so long is whole."""
MOST_LOOKS = 4
"""At a file that goes on being written, in one pass."""


def access_of(url: str, config: BuildcacheSourceConfig, reach: Reach) -> MirrorAccess:
    """As who the mirror with an address, as it is shown, is reached by the file of a source.

    One that the file does not name any more is asked as nobody. Raises SourceError where it cannot be read.
    """
    found = Configured(config, reach).discover()
    if found.failure is not None:
        raise SourceError(found.failure)
    named = (one.access for one in found.statements if shown(one.url) == url)
    return next(named, MirrorAccess(is_anonymous=True))


class _Look(NamedTuple):
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


class Configured:
    """What the file says. One object is for one pass."""

    def __init__(
        self,
        config: BuildcacheSourceConfig,
        reach: Reach,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """`clock` gives Unix time."""
        assert config.mirrors is not None
        self._path = Path(config.mirrors)
        self._selection = config.selection
        self._reach = reach
        self._problems: dict[str, str] = {}
        self._clock = clock
        self._sleep = sleep

    def discover(self, known: Sequence[Known] = ()) -> Discovered:
        """The mirrors of the file; where it cannot be read, why, and nothing leaves.

        `known` is what the ledger has: where the file lacks some of it, and was only just written, it is waited
        for until it is at rest.
        """
        tags = {one.tag for one in known if self._selection.admits_tag(one.tag)}
        try:
            found = self._at_rest(tags)
        except SourceError as error:
            hint = f" ({error.hint})" if error.hint else ""
            return Discovered((), f"{self._path}: {error.message}{hint}")
        self._problems = {
            name: text for name, text in found.problems.items() if self._selection.admits_tag(name)
        }
        statements = tuple(
            Statement(one.url, one.view, one.name, DEFAULT_STACK, one.access)
            for one in found.mirrors
            if self._selection.admits_tag(one.name)
        )
        return Discovered(statements, kept=frozenset(self._problems), stand_alone=True)

    def conclude(self) -> Concluded:
        """What is not supported, of each mirror."""
        told = (f"{name}: not read: {text}" for name, text in self._problems.items())
        return Concluded(None, tuple(told), str(self._path))

    def _at_rest(self, tags: set[str]) -> mirrorsyaml.Found:
        """What the file says of its mirrors, at rest where it says less than is known. Raises SourceError."""
        for _ in range(MOST_LOOKS):
            look = self._look()
            found = self._found()
            if tags.issubset([*(one.name for one in found.mirrors), *found.problems]):
                return found
            seconds = self._young_seconds(look)
            if seconds > 0:
                self._sleep(seconds)
            if look == self._look():
                return found
        raise SourceError("is being written; it is read again")

    def _found(self) -> mirrorsyaml.Found:
        return mirrorsyaml.parse(self._text(), directory=self._path.parent, variable=self._variable)

    def _look(self) -> _Look | None:
        """What tells the file from a later one; None of what is none, or cannot be looked at: reading it tells why."""
        try:
            status = os.stat(self._path)
        except (OSError, ValueError):
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        return _Look(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    def _young_seconds(self, look: _Look | None) -> float:
        """For how long it may still be being written; 0 of what nobody knows."""
        if look is None:
            return 0.0
        age = self._clock() - look.mtime_ns / 1e9  # below 0 where another machine's clock is ahead
        return REST_SECONDS - max(age, 0.0)

    def _text(self) -> str:
        """What the file holds. Raises SourceError."""
        try:
            data = content(self._path, most_bytes=mirrorsyaml.MAX_BYTES)
            if len(data) > mirrorsyaml.MAX_BYTES:
                raise SourceError(f"larger than {mirrorsyaml.MAX_BYTES:,} bytes")
            return data.decode()
        except OSError as error:
            raise SourceError(
                f"cannot be read: {(error.strerror or str(error)).lower()}"
            ) from error
        except UnicodeDecodeError:
            raise SourceError("is not UTF-8") from None

    def _variable(self, name: str) -> str | None:
        try:
            return self._reach.reveal(Secret(SecretKind.ENV, name))
        except CachesyncError:  # the mirror that names it says so, when it is asked
            return None
