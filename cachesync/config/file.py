"""The configuration file: where it is found, and what it says, or every problem in it at once.

What may stand in it is in `schema`, the values it gives in `settings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from ..errors import ConfigError
from .content import content
from .schema import SCHEMA
from .settings import Config
from .yamlnodes import InvalidError, Problem, compose, problem_after, scalars

__all__ = ["SYSTEM_FILE", "Found", "Why", "find", "load", "parse", "refuse_values"]

MAX_BYTES = 2**20
FILE_NAME = "cachesync.yaml"
SYSTEM_FILE = Path("/etc/cachesync") / FILE_NAME

_TOO_LARGE = Problem(1, 1, (), f"larger than {MAX_BYTES // 2**20} MiB")


def parse(text: str, *, name: str) -> Config:
    """What a configuration says; `name` is what its problems call it. Pure.

    Raises ConfigError with every problem, in the order of the lines, as `NAME:LINE:COLUMN: problem`.
    """
    if len(text) > MAX_BYTES:
        raise _config_error(name, [_TOO_LARGE])
    try:
        node = compose(text.removeprefix("\ufeff"))
        return SCHEMA(node) if node is not None else Config()
    except InvalidError as error:
        raise _config_error(name, error.problems) from None


def _config_error(name: str, problems: Iterable[Problem]) -> ConfigError:
    found = sorted(set(problems))  # what an alias stands for is read more than once
    count = "1 problem" if len(found) == 1 else f"{len(found):,} problems"
    lines = tuple(f"{name}:{problem.line}:{problem.column}: {problem}" for problem in found)
    return ConfigError(f"{count} in {name}", lines)


def load(path: Path) -> Config:
    """What the configuration in `path` says.

    Raises ConfigError: with every problem as `parse` does; without any when `path` cannot be read.
    """
    return parse(_read(path), name=str(path))


def refuse_values(path: Path, wrong: Mapping[str, str]) -> None:
    """Raise ConfigError where values in the configuration in `path` say what is not so.

    `wrong` says of each value what is; it is told where the value first stands.
    """
    if not wrong:
        return
    places: dict[str, tuple[int, int]] = {}
    for mark, value in scalars(compose(_read(path).removeprefix("\ufeff"))):
        places.setdefault(value, (mark.line + 1, mark.column + 1))
    problems = [Problem(*places.get(value, (1, 1)), (), text) for value, text in wrong.items()]
    raise _config_error(str(path), problems)


def _read(path: Path) -> str:
    try:
        data = content(path, most_bytes=MAX_BYTES)
    except (OSError, ValueError) as error:  # ValueError: NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"cannot read {path}: {reason}", ()) from error
    if len(data) > MAX_BYTES:
        raise _config_error(str(path), [_TOO_LARGE])
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        problem = problem_after(data[: error.start].decode(), "not UTF-8")
        raise _config_error(str(path), [problem]) from None
    return text


class Why(StrEnum):
    """Why a file is the one that applies."""

    OPTION = "--config"
    UNIT = "CONFIGURATION_DIRECTORY"
    OWN = "user"
    """The user's own, below $XDG_CONFIG_HOME or ~/.config."""
    SYSTEM = "system"
    """This machine's, since the user has none."""


class Found(NamedTuple):
    """The configuration file that applies."""

    path: Path
    why: Why


def find(
    explicit: Path | None, environ: Mapping[str, str], *, system_file: Path = SYSTEM_FILE
) -> Found | None:
    """The file that applies: `explicit`, else the first there is of DESIGN.md's places, or None.

    A file that is there and cannot be read is found; `load` then says why.
    Raises ConfigError when `explicit` does not exist.
    """
    if explicit is None:
        places = (*_own_places(environ), Found(system_file, Why.SYSTEM))
        return next((found for found in places if _is_there(found.path)), None)
    if not _is_there(explicit):
        raise ConfigError(f"there is no config file {explicit}", ())
    return Found(explicit, Why.OPTION)


def _own_places(environ: Mapping[str, str]) -> Iterator[Found]:
    for directory in environ.get("CONFIGURATION_DIRECTORY", "").split(":"):  # systemd's list
        if directory:
            yield Found(Path(directory) / FILE_NAME, Why.UNIT)
    own = environ.get("XDG_CONFIG_HOME", "")
    if not own.startswith("/"):  # the XDG specification has relative ones ignored
        own = environ.get("HOME", "") + "/.config"
    if own.startswith("/") and own != "/.config":
        yield Found(Path(own) / "cachesync" / FILE_NAME, Why.OWN)


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError:
        return True
    return True
