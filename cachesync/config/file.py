"""The configuration file: where it is found, and what it says, or every problem in it at once.

What may stand in it is in `schema`, the values it gives in `settings`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from ..errors import ConfigError
from . import reach
from .content import content
from .parts import files, names, require_few
from .schema import PART, SCHEMA
from .settings import Config
from .yamlnodes import (
    InvalidError,
    Node,
    Problem,
    compose,
    problem_after,
    problem_at,
    scalars,
)

__all__ = [
    "SYSTEM_FILE",
    "Found",
    "Text",
    "Why",
    "find",
    "load",
    "names_in",
    "parse",
    "place_of",
    "refuse_values",
]

MAX_BYTES = 2**20
FILE_NAME = "cachesync.yaml"
SYSTEM_FILE = Path("/etc/cachesync") / FILE_NAME

_TOO_LARGE = Problem(1, 1, (), f"larger than {MAX_BYTES // 2**20} MiB")
_TOO_LARGE_TOGETHER = _TOO_LARGE._replace(text=f"{_TOO_LARGE.text} with what is read before it")


class Text(NamedTuple):
    """A file as it was read."""

    name: str
    """What its problems call it."""
    text: str


def parse(text: str, *, name: str, parts: Sequence[Text] = ()) -> Config:
    """What a configuration says, `parts` of it in files of their own (`parts`). Pure.

    Raises ConfigError with every problem, in the order of files and lines, as `NAME:LINE:COLUMN: problem`.
    """
    wrong: dict[str, list[Problem]] = {}
    places: dict[str, str] = {}
    config, size = Config(), 0
    for number, (file, said) in enumerate([Text(name, text), *parts]):
        wrong[file] = []
        size += len(said)
        if size > MAX_BYTES:
            wrong[file].append(_TOO_LARGE if number == 0 else _TOO_LARGE_TOGETHER)
            break
        try:
            node = compose(said.removeprefix("\ufeff"))
            wrong[file] += _repeated(node, file, places)
            if node is not None:
                config = reach.joined(config, PART(node)) if number else SCHEMA(node)
        except InvalidError as error:
            wrong[file] += error.problems
    if any(wrong.values()):
        raise _config_error(wrong) from None
    return config


def _repeated(node: Node | None, file: str, places: dict[str, str]) -> Iterator[Problem]:
    """Names of subscriptions that another file has; `places` says where each stands first."""
    own: dict[str, str] = {}
    for found in names(node):
        if found.value in places:
            problem = problem_at(found, f"already stands in {places[found.value]}")
            yield problem._replace(keys=("subscriptions", "name"))
        own.setdefault(found.value, f"{file}:{found.start_mark.line + 1}")
    places |= {name: place for name, place in own.items() if name not in places}


def _config_error(wrong: Mapping[str, Iterable[Problem]]) -> ConfigError:
    lines: list[str] = []
    for name, problems in wrong.items():
        # A set: what an alias stands for is read more than once.
        lines += (f"{name}:{one.line}:{one.column}: {one}" for one in sorted(set(problems)))
    count = "1 problem" if len(lines) == 1 else f"{len(lines):,} problems"
    first, *others = [name for name, problems in wrong.items() if problems]
    more = f" and {others[0] if len(others) == 1 else f'{len(others):,} more files'}"
    return ConfigError(f"{count} in {first}{more if others else ''}", tuple(lines))


def load(path: Path, *, more: Sequence[Text] = ()) -> Config:
    """What the configuration in `path` says, with the files beside it, and `more` as if they were there too.

    Raises ConfigError: with every problem as `parse` does; without any when a file cannot be read.
    """
    main, *parts = _texts(path)
    require_few(path, len(parts) + len(more))
    return parse(main.text, name=main.name, parts=[*parts, *more])


def refuse_values(path: Path, wrong: Mapping[str, str]) -> None:
    """Raise ConfigError where values in the configuration in `path` say what is not so.

    `wrong` says of each value what is; it is told where the value first stands.
    """
    if not wrong:
        return
    left = dict(wrong)
    found: dict[str, list[Problem]] = {}
    for file, text in _texts(path):
        found[file] = []
        for mark, value in scalars(compose(text.removeprefix("\ufeff"))):
            if value in left:
                found[file].append(Problem(mark.line + 1, mark.column + 1, (), left.pop(value)))
    found[str(path)] += (Problem(1, 1, (), text) for text in left.values())
    raise _config_error(found)


def place_of(path: Path, name: str) -> tuple[Path, int] | None:
    """The file of the configuration in `path` in which a subscription stands, and the line; None: in none.

    A file that is no YAML is passed over. Raises ConfigError when one cannot be read.
    """
    for file, text in _texts(path):
        for found in _names(text):
            if found.value == name:
                return Path(file), found.start_mark.line + 1
    return None


def names_in(path: Path) -> tuple[str, list[str]]:
    """What is in a file, and the names of the subscriptions there. Raises ConfigError when it cannot be read."""
    text = _read(path)
    return text, [found.value for found in _names(text)]


def _names(text: str) -> list[Node]:
    try:
        return list(names(compose(text.removeprefix("\ufeff"))))
    except InvalidError:  # what is wrong is told by whoever loads it
        return []


def _texts(path: Path) -> Iterator[Text]:
    """The file itself, and those beside it. Raises ConfigError."""
    yield Text(str(path), _read(path))
    for file in files(path):
        try:
            yield Text(str(file), _read(file))
        except ConfigError as error:
            is_gone = isinstance(error.__cause__, FileNotFoundError) and not os.path.lexists(file)
            if not is_gone:  # removed in this moment
                raise


def _read(path: Path) -> str:
    try:
        data = content(path, most_bytes=MAX_BYTES)
    except (OSError, ValueError) as error:  # ValueError: NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"cannot read {path}: {reason}", ()) from error
    if len(data) > MAX_BYTES:
        raise _config_error({str(path): [_TOO_LARGE]})
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        problem = problem_after(data[: error.start].decode(), "not UTF-8")
        raise _config_error({str(path): [problem]}) from None
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
    except OSError:  # it may be there: reading it says what is wrong
        return True
    return True
