"""What a person names on the command line: a package, or a spec by the beginning of its hash."""

from __future__ import annotations

import re
from pathlib import Path

from .. import query
from ..errors import NotThereError, UsageError
from ..ledger import connect, read

__all__ = ["nearest_package", "whole_hash"]

_HASH = re.compile(r"/?([a-z2-7]{1,32})")


def nearest_package(state_dir: Path, what: str) -> str:
    """A hint where to look when no package is called `what`."""
    from difflib import get_close_matches

    with connect.ledger_errors(state_dir):
        db = connect.open_reader(state_dir)
        try:
            packages = read.all_packages(db)
        finally:
            db.close()
    parts = [package for package in packages if what.lower() in query.name_runs(package)]
    near = parts[:3] or get_close_matches(what.lower(), packages, n=3)
    if near:
        return "did you mean " + ", ".join(near) + "?"
    return f"cachesync search {what}"


def whole_hash(state_dir: Path, what: str) -> str:
    """The hash that `/HASH` or its beginning names.

    Raises NotThereError when there is none, UsageError when there is more than one.
    """
    beginning = _HASH.fullmatch(what)
    if beginning is None:
        raise UsageError(f"{what} is not a hash", hint="a hash is 32 characters of a-z and 2-7")
    with connect.ledger_errors(state_dir):
        db = connect.open_reader(state_dir)
        try:
            found = read.hashes(db, beginning[1], limit=6)
        finally:
            db.close()
    if not found:
        raise NotThereError(
            f"no spec has a hash that begins with {beginning[1]}",
            hint="cachesync show PACKAGE, or cachesync search WORDS",
        )
    if len(found) > 1:
        raise UsageError(
            f"{what} is the beginning of more than one hash",
            hint="among them " + " ".join(f"/{spec_hash}" for spec_hash in found[:5]),
        )
    return found[0]
