"""Ledgers written before variants had one normal form: what of them is put into it.

A build's row is rewritten in place, so the change log goes on referring to it. Where the normal form
is there already, the specs of the two become those of one build; the other row stays as it was, for
the log only. Nothing is a change, and nobody is told.
"""

from __future__ import annotations

import ast
import re
import sqlite3

from ..spack import variants
from .ids import pack, unpack

__all__ = ["normalise_variants"]

_OTHERS = "package, version, compiler, os, platform, target"
_TUPLE = r"""\((?:[, ]|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")*\)"""
_SAID = re.compile(
    rf"(?P<before>.*?)(?:: |; )variants: this page says (?P<seen>{_TUPLE}),"
    rf" another says (?P<known>{_TUPLE}); {_TUPLE} is kept"
)
"""A warning about one spec that two pages describe differently, as `pages._difference` words it."""


def normalise_variants(db: sqlite3.Connection) -> None:
    """Put what builds say of variants into normal form; within the caller's transaction."""
    merged = []
    stale = [
        (build_id, normal)
        for build_id, text in db.execute("SELECT id, variants FROM build ORDER BY id")
        if (normal := pack(variants.normal_set(unpack(text)))) != text
    ]
    for build_id, normal in stale:
        twin = db.execute(
            f"SELECT other.id FROM build mine JOIN build other USING ({_OTHERS})"
            " WHERE mine.id = ? AND other.variants = ?",
            (build_id, normal),
        ).fetchone()
        if twin is None:
            db.execute("UPDATE build SET variants = ? WHERE id = ?", (normal, build_id))
        else:
            merged.append((twin[0], build_id))
    db.executemany("UPDATE spec SET build_id = ? WHERE build_id = ?", merged)
    _drop_warnings(db)


def _drop_warnings(db: sqlite3.Connection) -> None:
    """Withdraw the warnings that two forms of one variant are different."""
    rows = db.execute(
        "SELECT source_id, path, warnings FROM location WHERE warnings LIKE '%variants: this page says%'"
    ).fetchall()
    db.executemany(
        "UPDATE location SET warnings = ? WHERE source_id = ? AND path = ?",
        [("\n".join(filter(None, map(_still_true, text.split("\n")))) or None, source_id, path)
         for source_id, path, text in rows],
    )  # fmt: skip


def _still_true(warning: str) -> str:
    """What is left of a warning; nothing where it was about the form of variants only."""
    said = _SAID.fullmatch(warning)
    if said is None:
        return warning
    try:
        seen, known = (ast.literal_eval(said[side]) for side in ("seen", "known"))
    except (SyntaxError, ValueError):  # a page may say anything, also what looks like a warning
        return warning
    if variants.normal_set(seen) != variants.normal_set(known):
        return warning
    return said["before"] if ": " in said["before"] else ""
