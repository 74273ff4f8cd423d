"""The mirrors of a source with `mirrors:`: those that a mirrors.yaml of Spack's has when a pass begins."""

from __future__ import annotations

from pathlib import Path

from ...config.content import content
from ...config.mirrors import DEFAULT_STACK
from ...config.reachvalues import Secret, SecretKind
from ...config.sourceconfigs import BuildcacheSourceConfig, MirrorAccess
from ...errors import CachesyncError, SourceError
from ...net import shown
from . import mirrorsyaml
from .discovered import Concluded, Discovered, Statement
from .reaching import Reach

__all__ = ["Configured", "access_of"]


def access_of(url: str, config: BuildcacheSourceConfig, reach: Reach) -> MirrorAccess:
    """As who the mirror with an address, as it is shown, is reached by the file of a source.

    One that the file does not name any more is asked as nobody. Raises SourceError where it cannot be read.
    """
    found = Configured(config, reach).discover()
    if found.failure is not None:
        raise SourceError(found.failure)
    named = (one.access for one in found.statements if shown(one.url) == url)
    return next(named, MirrorAccess(is_anonymous=True))


class Configured:
    """What the file says. One object is for one pass."""

    def __init__(self, config: BuildcacheSourceConfig, reach: Reach) -> None:
        assert config.mirrors is not None
        self._path = Path(config.mirrors)
        self._selection = config.selection
        self._reach = reach
        self._problems: dict[str, str] = {}

    def discover(self) -> Discovered:
        """The mirrors of the file; where it cannot be read, why, and nothing leaves."""
        try:
            found = mirrorsyaml.parse(
                self._text(), directory=self._path.parent, variable=self._variable
            )
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
