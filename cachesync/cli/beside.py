"""Files of `subscriptions.d`, written and removed by a command: whose they are, and who may.

The file of a subscription belongs to whom the configuration belongs to, with its mode, so that whoever
can read the one can read the other. A secret is the daemon's user's alone. What is there is never
replaced: each file appears whole, or not at all.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ..config import parts
from ..config.file import SYSTEM_FILE
from ..errors import CachesyncError, UsageError
from . import rights

__all__ = ["SECRET_SUFFIX", "Place", "acting", "lacking", "remove", "taken", "write"]

SECRET_SUFFIX = ".secret"  # noqa: S105 - the end of a file's name


class Place(NamedTuple):
    """Where the files of subscriptions go, and whose they are to be."""

    folder: Path
    is_there: bool
    owner: int
    group: int
    mode: int
    """Of the configuration."""
    reader: int
    """The user that the daemon runs as."""
    is_roots: bool
    """Whether root asks for it, to whom nobody can be named who could do more."""

    def file(self, name: str) -> Path:
        """That of a subscription."""
        return self.folder / f"{name}{parts.SUFFIX}"

    def secret(self, name: str) -> Path:
        """The secret of its webhook."""
        return self.folder / f"{name}{SECRET_SUFFIX}"


def acting(config: Path, state_dir: Path) -> Place:
    """The place beside a configuration; root is from here on the owner of it.

    Raises UsageError where the configuration is no file, and CachesyncError as `rights.act_as_owner`.
    """
    config = Path(os.path.abspath(config))
    folder, is_roots = parts.directory(config), os.geteuid() == 0
    try:
        status = config.stat()
    except PermissionError:  # in a directory that is closed: who asks is told what to ask for
        return Place(folder, False, 0, 0, 0o600, _reader(state_dir, config), is_roots)
    except OSError as error:
        raise UsageError(f"cannot read {config}: {error.strerror}") from None
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(
            f"{config} is no file, and nothing lies beside it", hint="name one with --config FILE"
        )
    is_there = folder.is_dir()
    reader = _reader(state_dir, config)  # while who asks may still see it
    rights.act_as_owner(folder if is_there else folder.parent)
    mode = stat.S_IMODE(status.st_mode)
    return Place(folder, is_there, status.st_uid, status.st_gid, mode, reader, is_roots)


def _reader(state_dir: Path, config: Path) -> int:
    try:
        return os.stat(state_dir).st_uid
    except OSError:  # there is none yet
        of_unit = rights.user_of_unit() if config == SYSTEM_FILE else None
        return os.geteuid() if of_unit is None else of_unit


def lacking(place: Place, *, has_secret: bool) -> str | None:
    """Why this user cannot write there; None: they can."""
    folder = place.folder if place.is_there else place.folder.parent
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"you may not write in {folder}"
    if has_secret and os.geteuid() not in (0, place.reader):
        return f"a secret is to belong to {rights.name_of(place.reader)}, as whom the daemon runs"
    return None


def taken(place: Place) -> set[str]:
    """The names that files there have already."""
    try:
        return {file.stem for file in place.folder.iterdir()}
    except OSError:  # no folder yet: nothing is taken
        return set()


def write(place: Place, name: str, text: str, secret: str | None) -> None:
    """Write the file of a subscription, and before it the secret that it names.

    Raises UsageError where one of them is there, CachesyncError where it cannot be written; then neither is.
    """
    try:
        if not place.is_there:
            _make_folder(place)
        if secret is not None:
            _appear(place.secret(name), secret + "\n", mode=0o600, owner=place.reader, group=-1)
        try:
            mode = place.mode & 0o644 | 0o600
            _appear(place.file(name), text, mode=mode, owner=place.owner, group=place.group)
        except BaseException:
            if secret is not None:
                place.secret(name).unlink()
            raise
        _settle(place.folder)
    except FileExistsError as error:
        raise UsageError(
            f"there is a file {error.filename2 or error.filename} already",
            hint="choose another name with --name, or move it away",
        ) from None
    except OSError as error:
        where = error.filename or place.folder
        raise CachesyncError(f"cannot write {where}: {error.strerror}") from None


def remove(place: Place, name: str) -> None:
    """Remove the file of a subscription, and then its secret. Raises CachesyncError."""
    try:
        place.file(name).unlink()
        place.secret(name).unlink(missing_ok=True)
        _settle(place.folder)
    except OSError as error:
        raise CachesyncError(f"cannot remove {error.filename}: {error.strerror}") from None


def _make_folder(place: Place) -> None:
    """As open as the directory of the configuration is."""
    with suppress(FileExistsError):  # another command was quicker
        os.mkdir(place.folder, 0o700)
        around = os.stat(place.folder.parent)
        if os.geteuid() == 0:
            os.chown(place.folder, around.st_uid, around.st_gid)
        os.chmod(place.folder, stat.S_IMODE(around.st_mode) & 0o755 | 0o700)


def _appear(path: Path, text: str, *, mode: int, owner: int, group: int) -> None:
    """A file that is there whole, or not at all. Raises FileExistsError, OSError."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            if os.geteuid() == 0:
                os.fchown(file.fileno(), owner, group)
            elif group != -1:
                with suppress(OSError):  # a group that this user is not in
                    os.fchown(file.fileno(), -1, group)
            os.fchmod(file.fileno(), mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(new, path)  # which replaces nothing
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            if os.path.lexists(path):
                raise FileExistsError(0, "", os.fspath(path)) from None
            new.rename(path)
    finally:
        new.unlink(missing_ok=True)


def _settle(folder: Path) -> None:
    """Have what was made and removed outlast a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # some network file systems know no such thing
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
