"""What a person names on the command line: a package, or a spec by the beginning of its hash."""

from __future__ import annotations

import re
from contextlib import closing
from difflib import get_close_matches
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from ..errors import NotThereError, UsageError
from ..ledger import connect, read

if TYPE_CHECKING:
    from ..search.unknown import Unknown

__all__ = ["not_there", "whole_hash"]

MOST_TAGS = 5
"""Tags that are named."""
_OF_A_QUERY = re.compile(r"[@%^~+=:()\"\s]")
_HASH = re.compile(r"/?([a-z2-7]{1,32})")


def not_there(state_dir: Path, what: str, *places: str | None) -> NotThereError:
    """The error for a package, or a spec by its /HASH, of which nothing is known, or not in these tags or sources."""
    where = "".join(f" in {place or quote(place)}" for place in places if place is not None)
    no_name = _no_name(state_dir, what)
    if no_name is not None:
        return no_name
    elsewhere = _tags(state_dir, what) if where else []
    if elsewhere:
        near = get_close_matches(str(places[0]), elsewhere, n=MOST_TAGS)
        shown = list(dict.fromkeys([*near, *reversed(elsewhere)]))[:MOST_TAGS]
        more = len(elsewhere) - len(shown)
        also = f" and {more:,} more (cachesync list tags {what})" if more else ""
        return NotThereError(
            f"nothing is known of {what}{where}", hint=f"{what} is in {', '.join(shown)}{also}"
        )
    if what.startswith("/"):
        return NotThereError(f"nothing is known of {what}{where}", hint=f"cachesync history {what}")
    found = _unknown(state_dir, what)
    if found is None:
        hint = f"cachesync history {what}"
        return NotThereError(f"nothing is known of {what}{where}", hint=hint)
    return NotThereError(
        found.fault, hint=found.remedy or f"`cachesync wait {quote(what)}` ends when it is cached"
    )


def _no_name(state_dir: Path, what: str) -> NotThereError | None:
    """The error for what is no name of a package and no /HASH, but something else."""
    if not what:
        return NotThereError("'' is no package's name", hint="cachesync list packages")
    if not what.startswith("/") and _OF_A_QUERY.search(what):
        return NotThereError(
            f"{what} is no package's name, but a query", hint=f"cachesync search {quote(what)}"
        )
    if _is_bare_hash(state_dir, what):
        return NotThereError(
            f"{what} is no package's name, but a hash", hint=f"cachesync show /{what.lower()}"
        )
    return None


def _is_bare_hash(state_dir: Path, what: str) -> bool:
    """Whether a word is no package, and the beginning of a spec's hash: as long as `search` takes for one."""
    from ..query.meaning import MIN_HASH_WORD

    low = what.lower()
    if len(low) < MIN_HASH_WORD or what.startswith("/") or not _HASH.fullmatch(low):
        return False
    with connect.ledger_errors(state_dir), closing(connect.open_reader(state_dir)) as db:
        return low not in read.all_packages(db) and bool(read.hashes(db, low, limit=1))


def _unknown(state_dir: Path, name: str) -> Unknown | None:
    """What there is to say of a name that no package has; None of one that something is called."""
    from ..search.searcher import Searcher
    from ..search.unknown import unknown

    with closing(Searcher(state_dir, is_lasting=False)) as searcher, searcher.moment() as db:
        return None if name.lower() in read.all_packages(db) else unknown(searcher, db, name)


def _tags(state_dir: Path, what: str) -> list[str]:
    """The tags in which a package or a spec is now, from old to new."""
    from ..ledger.where import placements
    from ..reports import lists
    from ..spack import tags

    with connect.ledger_errors(state_dir), closing(connect.open_reader(state_dir)) as db:
        if not what.startswith("/"):
            found = lists.listed(db, lists.Kind.TAGS, [what.lower()])
            return [entry.name for entry in found]
        hashes = read.hashes(db, what[1:], limit=1)
        placed = {place.tag for some in placements(db, hashes).values() for place in some}
        return sorted(placed, key=tags.order)


def whole_hash(state_dir: Path, what: str) -> str:
    """The hash that `/HASH` or its beginning names, in whichever case: Spack's are in lower case.

    Raises NotThereError when there is none, UsageError when there is more than one.
    """
    beginning = _HASH.fullmatch(what.lower())
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
