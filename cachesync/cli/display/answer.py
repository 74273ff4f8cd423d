"""What `search` prints of an answer: for people, for pipes, and as JSON."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import columns, output, terminal

if TYPE_CHECKING:
    from ... import query
    from ...search.answers import Answer, Hit
    from ...search.packages import PackagesAnswer
    from ..options import Globals

__all__ = [
    "document",
    "note",
    "note_slower",
    "note_systems",
    "packages_document",
    "print_answer",
    "print_facets",
    "print_hashes",
    "print_packages",
    "print_shell",
    "result",
    "suggest_system",
    "warn_of_age",
]

SHOWN_FACETS = 10
SHOWN_VERSIONS = 4


def note(text: str) -> None:
    """Talk: a line on standard error."""
    output.print_line(f"cachesync: note: {text}", to=sys.stderr)


def warn_of_age(answer: Answer) -> None:
    """Say how old the truth is where that matters: a source failed, or missed its schedule."""
    now = time.time()
    for source in answer.sources:
        if source.last_success is None:
            if source.state != "never":
                note(f"{source.name} was never read completely ({source.error})")
            continue
        seconds = now - source.last_success / 1e6
        late = source.interval is not None and seconds > 2 * source.interval
        if source.state in ("failed", "held"):
            note(f"{source.name} is {output.age(seconds)} old, {source.state}: {source.error}")
        elif late:
            note(f"{source.name} is {output.age(seconds)} old, older than its schedule")


def note_slower(options: Globals, *, why: str | None = None) -> None:
    """Say that the index could not answer, and why where that is known."""
    from ..remedies import reaching

    text = "the ledger answered, which is slower (`cachesync rebuild index`)"
    note(reaching(text if why is None else f"{why}; {text}", options))


def suggest_system(node: query.Node, answer: Answer) -> None:
    """Say that hits for one target are for several systems, where the query names none."""
    from ...query import required

    if not required(node, "os"):
        note_systems(answer.systems)


def note_systems(systems: Sequence[str], *, can_choose: bool = True) -> None:
    """Say that what was found for one target is for several systems, if it is.

    Of what is named by hash there is nothing to choose.
    """
    if len(systems) > 1:
        choice = f"add os={systems[0]} or another" if can_choose else "a machine has one of them"
        note(f"these are for several systems ({', '.join(systems)}): {choice}")


def print_answer(
    answer: Answer,
    names: Sequence[str] | None,
    *,
    with_hashes: bool,
    offset: int = 0,
    is_long: bool = False,
    is_sorted: bool = False,
) -> None:
    """The builds, and how many there are; `names` are the columns, None for the usual.

    On a terminal builds stand in groups unless columns are named or it `is_long`: then in a table, as elsewhere.
    What somebody has sorted (`is_sorted`) keeps its order there.
    """
    is_whole = True
    if answer.why is not None and answer.why.untold:
        from . import reasons

        note(reasons.untold(answer.why))
    if sys.stdout.isatty() and names is None and not is_long:
        from . import grouped

        is_whole = grouped.print_hits(
            answer.hits, answer.why, with_hashes=with_hashes, gather=not is_sorted
        )
    else:
        _print_table(answer, names, with_hashes=with_hashes)
    print_facets(answer.facets)
    print_count(
        f"{output.number(answer.builds, 'build')}, {output.number(answer.specs, 'spec')}",
        shown=len(answer.hits),
        of=answer.builds,
        offset=offset,
        is_whole=is_whole,
    )


def _print_table(answer: Answer, names: Sequence[str] | None, *, with_hashes: bool) -> None:
    shown = columns.DEFAULT if names is None else names
    rows = [
        columns.default_row(hit) if names is None else columns.row(hit, names)
        for hit in answer.hits
    ]
    if with_hashes and "hashes" not in shown:
        shown = (*shown, "hashes")
        for row, hit in zip(rows, answer.hits, strict=True):
            row.append(" ".join(f"/{spec.hash}" for spec in hit.specs))
    headers = columns.headers(shown)
    if answer.why is not None:
        from . import reasons

        headers = [*headers, reasons.add_cells(rows, answer.hits, answer.why)]
    if rows:
        output.print_table(
            headers,
            rows,
            below=("VARIANTS", "HASHES", "WHY"),
            always_below=with_hashes or answer.why is not None,
        )


def print_count(text: str, *, shown: int, of: int, offset: int = 0, is_whole: bool = True) -> None:
    """How much there is, below the table on a terminal, else as talk; and what shows what is not shown."""
    whole = "" if is_whole else "--long shows all variants"
    if shown >= of:
        more = f" ({whole})" if whole else ""
    elif offset >= of:
        more = f", none shown: --offset {offset} is past the end"
    else:
        if offset + shown >= of:
            ways = f"the last {shown} shown (--offset 0 begins with the first"
        else:
            ways = f"{shown} shown (--limit 0 shows all"
        more = f", {ways}{', --long all variants' if whole else ''})"
    if sys.stdout.isatty():
        output.print_line(f"{text}{more}")
    else:
        output.print_line(f"cachesync: {text}{more}", to=sys.stderr)


def print_hashes(hits: Iterable[Hit]) -> None:
    """Every hash of every hit, one a line, for scripts."""
    for hit in hits:
        for spec in hit.specs:
            print(output.visible(spec.hash))


def print_shell(line: str) -> None:
    """A line for a shell: a comment in prose goes on as comments on a terminal, a command is left whole."""
    is_prose = line.startswith("# ") and not line.startswith("# spack ")
    if is_prose and sys.stdout.isatty():
        from .wrapping import wrap

        line = "\n# ".join(wrap(line.removeprefix("# "), terminal.width() - len("# ")))
        line = f"# {line}"
    print(line)


def print_facets(facets: Mapping[str, Mapping[str, Mapping[str, int]]]) -> None:
    """A table for each facet: on a terminal its most frequent values, elsewhere all."""
    on_terminal = sys.stdout.isatty()
    for name, values in facets.items():
        rows = [
            (columns.compiler(value) if name == "compiler" else value, n["specs"], n["builds"])
            for value, n in values.items()
        ]
        if not rows:
            continue
        shown = rows[:SHOWN_FACETS] if on_terminal else rows
        print()
        output.print_table((name.upper(), "SPECS", "BUILDS"), shown)
        if len(shown) < len(rows):
            print(f"... and {len(rows) - len(shown):,} more (--json lists all)")
    if facets and on_terminal:
        print()


def print_packages(answer: PackagesAnswer, *, offset: int = 0) -> None:
    """A row a package, and how many there are."""
    rows = [
        (row.package, _some(row.versions), row.builds, row.specs, row.tags[-1])
        for row in answer.rows
    ]
    if rows:
        output.print_table(("PACKAGE", "VERSIONS", "BUILDS", "SPECS", "NEWEST TAG"), rows)
    counts = (
        output.number(answer.packages, "package"),
        output.number(answer.builds, "build"),
        output.number(answer.specs, "spec"),
    )
    print_count(", ".join(counts), shown=len(rows), of=answer.packages, offset=offset)


def _some(versions: Sequence[str]) -> str:
    more = f" +{len(versions) - SHOWN_VERSIONS}" if len(versions) > SHOWN_VERSIONS else ""
    return ", ".join(versions[:SHOWN_VERSIONS]) + more


def document(text: str, answer: Answer) -> dict[str, Any]:
    """`search --json` (CLI.md)."""
    found: dict[str, Any] = {
        "query": text,
        "builds": answer.builds,
        "specs": answer.specs,
        "took_ms": round(answer.took_ms, 3),
        "as_of": {
            "seq": answer.seq,
            "sources": [
                {
                    "name": source.name,
                    "state": source.state,
                    "last_success": output.timestamp(source.last_success),
                }
                for source in answer.sources
            ],
        },
        "results": [result(hit) for hit in answer.hits],
    }
    if answer.why is not None:
        from . import reasons

        found |= reasons.told_in(found["results"], answer.why)
    if answer.facets:
        found["facets"] = answer.facets
    return found


def result(hit: Hit) -> dict[str, Any]:
    """One of the `results`."""
    from ...documents import build_document  # with what JSON needs: a table does without

    build = hit.build
    several = {"compilers": dict(build.compilers)} if build.compilers else {}
    return {
        **build_document(build),
        "score": hit.score,
        "specs": [
            {
                "hash": spec.hash,
                **several,
                "placements": [p._asdict() for p in spec.placements],
            }
            for spec in hit.specs
        ],
    }


def packages_document(text: str, answer: PackagesAnswer) -> dict[str, Any]:
    """`search --group-by package --json`: `results` are packages."""
    return {
        "query": text,
        "group_by": "package",
        "packages": answer.packages,
        "builds": answer.builds,
        "specs": answer.specs,
        "as_of": {"seq": answer.seq},
        "results": [{**row._asdict(), "newest_tag": row.tags[-1]} for row in answer.rows],
    }
