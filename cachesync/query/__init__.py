"""The query language: text to a tree (`parse`), and what a tree means (`matches`). Pure.

In comes what people type, out go trees, verdicts and, where something is not understood, QueryError
with its position: nothing is ever ignored. A tree is a condition on *placements*: tag, stack and
source conditions must hold for the same placement. `matches` is that meaning, and the only
definition of it; an index may answer faster, never differently. Never known here: the ledger, the
index, the command line.

Reading Spack's spec syntax, judging it, and printing are modules of their own that a search for
words does not load.
"""

from __future__ import annotations

from .grammar import MAX_DEPTH, MAX_LENGTH, MAX_TERMS, MAX_WIDE, parse
from .languages import parse_in
from .meaning import (
    MIN_HASH_WORD,
    matches,
    matches_build,
    matches_hash,
    matches_placement,
    matches_where,
    may_be_hash,
    residue,
)
from .tree import (
    ALL_FIELDS,
    BUILD_FIELDS,
    FIELDS,
    OF_MIRRORS,
    PLACEMENT_FIELDS,
    UNJUDGED,
    VIRTUAL,
    And,
    Dag,
    Everything,
    Judged,
    Node,
    Not,
    Or,
    Term,
    Verdicts,
    as_pages,
    asks_mirrors,
    each_dag,
    each_judged,
    is_met_by_all,
    required,
    terms,
    wanted_variants,
    wants,
    with_dags,
    without_pages,
)
from .values import compiler_values, every_compiler, field_values, name_runs, plain_compiler

__all__ = [
    "ALL_FIELDS",
    "BUILD_FIELDS",
    "FIELDS",
    "MAX_DEPTH",
    "MAX_LENGTH",
    "MAX_TERMS",
    "MAX_WIDE",
    "MIN_HASH_WORD",
    "OF_MIRRORS",
    "PLACEMENT_FIELDS",
    "UNJUDGED",
    "VIRTUAL",
    "And",
    "Dag",
    "Everything",
    "Judged",
    "Node",
    "Not",
    "Or",
    "Term",
    "Verdicts",
    "as_pages",
    "asks_mirrors",
    "compiler_values",
    "each_dag",
    "each_judged",
    "every_compiler",
    "field_values",
    "is_met_by_all",
    "matches",
    "matches_build",
    "matches_hash",
    "matches_placement",
    "matches_where",
    "may_be_hash",
    "name_runs",
    "parse",
    "parse_in",
    "plain_compiler",
    "required",
    "residue",
    "terms",
    "wanted_variants",
    "wants",
    "with_dags",
    "without_pages",
]
