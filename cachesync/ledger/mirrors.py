"""The mirrors that specs are placed by, what they are called, and what is known of their signatures.

Functions of a connection. A mirror here is one cache index of a source: a stack of a tag.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

__all__ = [
    "Mirror",
    "is_registry",
    "known_signatures",
    "mirrors",
    "names",
    "signature",
    "signed_hashes",
    "signed_ids",
]


class Mirror(NamedTuple):
    """A mirror, as what it places is placed."""

    id: int
    source: str
    tag: str
    stack: str
    url: str
    """As it may be shown."""
    name: str
    """That of its source, or its own where the source is a mirrors.yaml of Spack's."""
    is_alone: bool
    """Whether all that the source has comes from its mirrors, and not from pages that are leaving."""

    @property
    def is_registry(self) -> bool:
        """Whether it is one, in which nothing is signed (BUILDCACHE, 2.4)."""
        return is_registry(self.url)


def is_registry(url: str) -> bool:
    """Whether the address of a mirror is that of a registry."""
    return url.startswith(("oci://", "oci+http://"))


def mirrors(db: sqlite3.Connection) -> list[Mirror]:
    """Those of all sources, in the order of source, tag and stack."""
    paged = {
        source
        for (source,) in db.execute(
            "SELECT source_id FROM (SELECT DISTINCT source_id FROM statement) o WHERE EXISTS (SELECT 1"
            " FROM tag t JOIN page g ON g.tag_id = t.id WHERE t.source_id = o.source_id AND g.present)"
        )
    }
    rows = db.execute(
        "SELECT o.id, s.name, o.tag, o.stack, o.url, s.location LIKE '/%', s.id FROM statement o JOIN source s ON s.id = o.source_id"
        " WHERE NOT s.forgotten ORDER BY s.name, o.tag, o.stack"
    )
    return [
        Mirror(id_, source, tag, stack, url, tag if is_file else source, source_id not in paged)
        for id_, source, tag, stack, url, is_file, source_id in rows
    ]


def names(db: sqlite3.Connection) -> set[str]:
    """What mirrors are called, and where they are."""
    return {text for one in mirrors(db) for text in (one.name, one.url)}


def known_signatures(db: sqlite3.Connection) -> dict[int, set[bool]]:
    """By the id of a mirror, of whose manifests it is known, whether some are signed and some are not."""
    found: dict[int, set[bool]] = {}
    for mirror_id, signed in db.execute("SELECT DISTINCT statement_id, signed FROM signature"):
        found.setdefault(mirror_id, set()).add(bool(signed))
    return found


def signed_ids(db: sqlite3.Connection, mirror_id: int) -> dict[int, bool]:
    """Whether the manifests of specs, by the ids of these, are signed; of those of which it is known."""
    rows = db.execute("SELECT spec_id, signed FROM signature WHERE statement_id = ?", (mirror_id,))
    return {spec_id: bool(signed) for spec_id, signed in rows}


def signed_hashes(db: sqlite3.Connection, mirror_id: int) -> Iterator[tuple[str, bool]]:
    """The same, by the hashes of these specs."""
    rows = db.execute(
        "SELECT s.hash, k.signed FROM signature k JOIN spec s ON s.id = k.spec_id"
        " WHERE k.statement_id = ?",
        (mirror_id,),
    )
    return ((spec_hash, bool(signed)) for spec_hash, signed in rows)


def signature(db: sqlite3.Connection, mirror_id: int, spec_id: int) -> bool | None:
    """Whether the manifest of a spec is signed in a mirror; None where that is not known."""
    row = db.execute(
        "SELECT signed FROM signature WHERE statement_id = ? AND spec_id = ?", (mirror_id, spec_id)
    ).fetchone()
    return None if row is None else bool(row[0])
