"""Whether everything in the state directory belongs to whom it should: what `doctor` says of owners."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ..paths import SYSTEM_STATE
from ..rights import UNIT, name_of, user_of_unit

__all__ = ["owners"]

Found = tuple[str, str, str, str | None]
"""Check, state, text and remedy of a finding."""


def owners(state_dir: Path) -> Iterator[Found]:
    """What is wrong with owners; nothing where there is no state directory.

    They are compared with the unit's `User=` in the service's directory, else with the owner of the
    directory. What cannot be looked at is left out.
    """
    try:
        owner = os.stat(state_dir).st_uid
    except OSError:
        return
    user = user_of_unit() if _is_same(state_dir, SYSTEM_STATE) else None
    wanted = owner if user is None else user
    remedy = f"chown -R {_for_chown(wanted)}: {state_dir}"
    of_unit = f", and {UNIT} runs as {name_of(wanted)}" if user is not None else ""
    if owner != wanted:
        yield ("owners", "error", f"{state_dir} belongs to {name_of(owner)}{of_unit}", remedy)
        return
    strange = sorted((path, uid) for path, uid in _below(state_dir) if uid != wanted)
    if not strange:
        yield ("owners", "ok", f"everything belongs to {name_of(wanted)}{of_unit}", None)
        return
    path, uid = strange[0]
    count = "1 file belongs" if len(strange) == 1 else f"{len(strange):,} files belong"
    belongs = f"{count} to others than {name_of(wanted)}{of_unit}; {path} to {name_of(uid)}"
    yield ("owners", "error", belongs, remedy)


def _for_chown(user: int) -> str:
    name = name_of(user)
    return str(user) if " " in name else name


def _below(state_dir: Path) -> Iterator[tuple[str, int]]:
    """Every file, link and directory, with its owner."""
    for folder, folders, files in os.walk(state_dir):
        for name in (*folders, *files):
            path = os.path.join(folder, name)
            try:
                yield path, os.lstat(path).st_uid
            except OSError:  # it is gone by now
                continue


def _is_same(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:  # one of them is not there
        return False
