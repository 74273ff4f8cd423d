"""`cachesync diff`: what is in one tag and not in another."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import click

from ... import query as queries
from ...documents import build_document
from ...ledger import connect, read
from ...query.narrowing import narrowed
from ...reports import tagdiff
from ...search import leftout
from ...search.dags import Dags
from ...search.scan import matching_in
from ...spack import tags
from .. import complete, fields, paths
from ..display import brief, excluding, leftopen, output
from ..display.columns import compilers
from ..display.pager import paged
from ..options import Globals

__all__ = ["diff"]

DEFAULT_LIMIT = 20


class _Answer(NamedTuple):
    """The places that are compared, and their difference at one moment."""

    a: list[tags.Place]
    b: list[tags.Place]
    seq: int
    difference: tagdiff.TagDiff
    unjudged: int
    """Builds in either that only a DAG that said more would decide of; see `leftout`."""
    undecided: int
    unsigned: int
    """Builds in either of which it is not known whether they are signed, where that decides; see `leftout`."""
    asks_pages: bool
    """Whether what pages cannot answer is asked of specs that only they tell of."""
    knows_dags: bool
    """Whether the query asks of DAGs, and one is known."""


class _Places(NamedTuple):
    """Some tags to ask; see `leftout`."""

    db: connect.Connection
    dags: Dags
    tag_ids: frozenset[int]

    def matching(self, node: queries.Node) -> dict[int, int]:
        """The builds there that match, and how many of their specs do."""
        found = matching_in(self.db, self.dags.judged(node), self.tag_ids)
        return {build_id: len(hashes) for build_id, hashes in found.items()}


@click.command(
    cls=complete.QueryCommand,
    short_help="What is in one tag and not in another.",
    # -h would be taken out of -hdf5, which excludes
    context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]},
)
@click.argument("tag_a", shell_complete=complete.tags)
@click.argument("tag_b", shell_complete=complete.tags)
@click.argument("query", nargs=-1, type=click.UNPROCESSED, shell_complete=complete.query)
@click.option(
    "--limit", type=click.IntRange(min=0), metavar="N",
    help=f"Rows of each table (on a terminal {DEFAULT_LIMIT}; 0: all). JSON has everything.",
)  # fmt: skip
@click.option(
    "--long",
    "is_long",
    is_flag=True,
    help="Every variant of each build, in tables, on a terminal, too.",
)
@fields.options("os", "target", "compiler", "stack")
@click.option("--spack", metavar="0.23|1.x", help="QUERY is a spec of this Spack and nothing else.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--no-pager", is_flag=True, help="Never start a pager.")
@click.pass_obj
def diff(
    options: Globals,
    /,
    tag_a: str,
    tag_b: str,
    query: tuple[str, ...],
    limit: int | None,
    spack: str | None,
    is_long: bool,
    as_json: bool,
    no_pager: bool,
    **narrowing: tuple[str, ...],
) -> int:
    """What is only in TAG_A, only in TAG_B and in both, of what matches QUERY.

    A tag is a name, in whichever source, or SOURCE/TAG. Builds in both can have specs in one only.
    Newer are packages whose newest version for a platform, os and target is newer in TAG_B, in
    Spack's order and whatever the compiler and the variants; older the other way round.

    \b
    cachesync diff develop-2025-03-02 develop-2025-03-09 target:aarch64
    cachesync diff v0.23.0 develop hdf5 --json
    """
    if "-h" in query:
        print(click.get_current_context().get_help())
        return 0
    paths.require_config(options)
    text = " ".join(query)
    whole = narrowed(text, fields.given(**narrowing), spack if text else None)
    text, tree = whole.text, whole.node
    answer = _compare(options, tag_a, tag_b, tree)
    if not options.quiet:
        if answer.asks_pages:
            leftopen.say_unsaid(tree, dependencies=False)
        leftopen.say_unjudged(tree, answer.unjudged, answer.undecided)
        leftopen.say_unsigned(answer.unsigned)
        if answer.knows_dags:
            leftopen.say_order(tree)
        if spack is None:
            excluding.say_of(paths.state_dir(options), text)
    if as_json:
        said = leftopen.unsaid_document(
            tree, 0, answer.unjudged, asks_pages=answer.asks_pages, unsigned=answer.unsigned
        )
        said |= leftopen.order_document(tree) if answer.knows_dags else {}
        said |= {"fields": whole.fields} if spack is not None and whole.fields else {}
        output.print_json({"query": text, **_document(answer), **said})
    else:
        _show(answer.difference, (tag_a, tag_b), limit, is_long=is_long, paging=not no_pager)
    return 0


def _compare(options: Globals, tag_a: str, tag_b: str, node: queries.Node) -> _Answer:
    state_dir = paths.state_dir(options)
    with connect.ledger_errors(state_dir):
        db = connect.open_reader(state_dir)
        try:
            with read.snapshot(db):
                known = {place: tag_id for tag_id, place in read.Names(db).tags.items()}
                places = [tags.resolve(tag, known) for tag in (tag_a, tag_b)]
                dags = Dags(db, state_dir)
                judged = dags.judged(node)
                tag_ids = [[known[place] for place in found] for found in places]
                sides = [matching_in(db, judged, some) for some in tag_ids]
                there = _Places(db, dags, frozenset(chain.from_iterable(tag_ids)))
                asks_pages = leftout.asks_pages(there, db, node)
                is_of_dags = next(queries.each_dag(node), None) is not None
                knows_dags = is_of_dags and dags.is_any_known()
                described = read.builds(db, sides[0].keys() | sides[1].keys())
                unsigned = leftout.unsigned(there, node, described.keys())
                left_open = (*leftout.unjudged(there, node, described.keys()), unsigned)
                seq = read.last_seq(db)
        finally:
            db.close()
    difference = tagdiff.compare(described, *sides)
    return _Answer(places[0], places[1], seq, difference, *left_open, asks_pages, knows_dags)


def _show(
    difference: tagdiff.TagDiff,
    names: tuple[str, str],
    limit: int | None,
    *,
    is_long: bool,
    paging: bool,
) -> None:
    if not sys.stdout.isatty():
        _print_lines(difference, limit or 0)
        return
    with paged(wanted=paging):
        _print(difference, names, DEFAULT_LIMIT if limit is None else limit, is_long=is_long)


def _document(answer: _Answer) -> dict[str, Any]:
    difference = answer.difference
    return {
        "a": [{"source": source, "tag": tag} for source, tag in answer.a],
        "b": [{"source": source, "tag": tag} for source, tag in answer.b],
        "as_of": {"seq": answer.seq},
        "builds": {
            "only_a": len(difference.only_a),
            "only_b": len(difference.only_b),
            "both": len(difference.both),
        },
        "specs": difference.specs(),
        "only_a": [_build(found) for found in difference.only_a],
        "only_b": [_build(found) for found in difference.only_b],
        "changed": [_build(found) for found in difference.changed],
        "newer": [step._asdict() for step in difference.newer],
        "older": [step._asdict() for step in difference.older],
    }


def _build(found: tagdiff.BuildDiff) -> dict[str, Any]:
    return {
        **build_document(found.build),
        "only_a": found.only_a,
        "only_b": found.only_b,
        "both": found.both,
    }


_BUILD_COLUMNS = ("PACKAGE", "VERSION", "COMPILER", "OS", "TARGET", "SPECS", "VARIANTS")
_STEP_COLUMNS = ("PACKAGE", "PLATFORM", "OS", "TARGET", "VERSION")


def _print(
    difference: tagdiff.TagDiff, names: tuple[str, str], limit: int, *, is_long: bool
) -> None:
    a, b = names
    _print_builds(f"only in {a}", difference.only_a, limit, is_long=is_long)
    _print_builds(f"only in {b}", difference.only_b, limit, is_long=is_long)
    _print_builds("in both with other specs", difference.changed, limit, is_long=is_long)
    _print_steps(f"newer in {b}", difference.newer, limit)
    _print_steps(f"older in {b}", difference.older, limit)
    specs = difference.specs()
    builds = (len(difference.only_a), len(difference.only_b), len(difference.both))
    columns = (output.visible(f"ONLY IN {a}"), output.visible(f"ONLY IN {b}"), "IN BOTH")
    output.print_table(
        ("", *columns),
        [("builds", *(f"{n:,}" for n in builds)), ("specs", *(f"{n:,}" for n in specs.values()))],
        numbers=columns,
    )


def _print_builds(
    title: str, found: Sequence[tagdiff.BuildDiff], limit: int, *, is_long: bool
) -> None:
    heading = f"{title}: {output.number(len(found), 'build')}"
    shown = found[: limit or None]
    if is_long:
        _print_part(heading, _BUILD_COLUMNS, [_build_row(one) for one in shown], len(found))
    elif found:
        print(output.heading(heading))
        is_whole = brief.print_counted([(one.build, _specs(one)) for one in shown])
        _say_left_out(len(found) - len(shown), is_whole=is_whole)
        print()


def _specs(found: tagdiff.BuildDiff) -> int:
    """How many specs of a build are in one of the places only."""
    return len(found.only_a) + len(found.only_b)


def _say_left_out(count: int, *, is_whole: bool = True) -> None:
    ways = ["--limit 0 shows all"] * bool(count) + ["--long all variants"] * (not is_whole)
    if ways:
        more = f"... and {count:,} more " if count else ""
        output.print_line(f"{more}({', '.join(ways)})")


def _build_row(found: tagdiff.BuildDiff) -> tuple[object, ...]:
    build = found.build
    variants = " ".join(build.variants)
    return (
        build.package,
        build.version,
        compilers(build),
        build.os,
        build.target,
        _specs(found),
        variants,
    )


def _print_steps(title: str, found: Sequence[tagdiff.VersionStep], limit: int) -> None:
    rows = [
        (step.package, step.platform, step.os, step.target, f"{step.a} -> {step.b}")
        for step in found[: limit or None]
    ]
    _print_part(f"{title}: {len(found):,}", _STEP_COLUMNS, rows, len(found))


def _print_part(title: str, columns: Sequence[str], rows: list[Any], count: int) -> None:
    if not rows:
        return
    print(output.heading(title))
    output.print_table(columns, rows, below=("VARIANTS",))
    _say_left_out(count - len(rows))
    print()


def _print_lines(difference: tagdiff.TagDiff, limit: int) -> None:
    """For a pipe: one table, of which the first column says what the line is."""
    lines: list[tuple[object, ...]] = []
    for name in ("only_a", "only_b", "changed"):
        found = getattr(difference, name)[: limit or None]
        lines += [(name, *_build_row(one)) for one in found]
    for name in ("newer", "older"):
        for step in getattr(difference, name)[: limit or None]:
            version = f"{step.a} -> {step.b}"
            lines.append((name, step.package, version, "", step.os, step.target, "", ""))
    output.print_table(("CHANGE", *_BUILD_COLUMNS), lines)
