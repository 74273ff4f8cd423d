"""The directory beside a configuration whose files hold more subscriptions.

`cachesync subscribe` writes there, so that nothing rewrites what the administrator wrote; whoever likes
puts files of their own in it. They are read after the configuration, in the order of their names.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import yaml

from ..errors import ConfigError
from .yamlnodes import Node
from .yamlschema import descend

__all__ = ["DIRECTORY", "MOST_FILES", "SUFFIX", "directory", "files", "names", "require_few"]

DIRECTORY = "subscriptions.d"
SUFFIX = ".yaml"
MOST_FILES = 1000


def directory(path: Path) -> Path:
    """Where the further subscriptions of the configuration in `path` are, whether or not it is there."""
    return path.parent / DIRECTORY


def files(path: Path) -> tuple[Path, ...]:
    """The files that go with the configuration in `path`, as they are read; hidden ones do not.

    Raises ConfigError where they cannot be listed, are too many, or one is no file: a link that leads
    nowhere, or a file in place of the directory, is not the same as no subscriptions.
    """
    folder = directory(path)
    try:
        listed = os.listdir(folder)
    except ValueError:  # NUL in the path
        return ()
    except OSError as error:
        is_none = isinstance(error, FileNotFoundError | NotADirectoryError)
        if is_none and not os.path.lexists(folder):
            return ()
        raise ConfigError(f"cannot read {folder}: {error.strerror}", ()) from error
    found = sorted(name for name in listed if name.endswith(SUFFIX) and not name.startswith("."))
    require_few(path, len(found))
    for name in found:
        if (folder / name).exists() and not (folder / name).is_file():
            raise ConfigError(f"cannot read {folder / name}: it is no file", ())
    return tuple(folder / name for name in found)


def require_few(path: Path, count: int) -> None:
    """Raise ConfigError where so many files beside the configuration in `path` are too many."""
    if count > MOST_FILES:
        folder = directory(path)
        raise ConfigError(f"{folder} holds {count:,} files; {MOST_FILES:,} are read", ())


def names(node: Node | None) -> Iterator[Node]:
    """The names of the subscriptions in a composed file, as far as they are texts."""
    listed = descend(node, ("subscriptions",))
    for entry in listed.value if isinstance(listed, yaml.SequenceNode) else ():
        name = descend(entry, ("name",))
        if isinstance(name, yaml.ScalarNode):
            yield name
