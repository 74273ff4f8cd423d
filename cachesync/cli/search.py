"""`cachesync search`: everything after it that is no option is query text.

No click here (see `entry`); `OPTIONS` is what both the parser below and click's help know.
"""

from __future__ import annotations

import sys
import time
from typing import Any, NamedTuple

from .. import query
from ..errors import UsageError
from ..search import Answer, Hit, Searcher
from . import output, paths
from .entry import Globals

__all__ = ["HELP", "OPTIONS", "Request", "parse_arguments", "run"]

SHORT = {"-q": "--quiet", "-h": "--help"}
SORTS = ("relevance", "package", "version", "newest")


class Option(NamedTuple):
    """A long option of `search`."""

    name: str
    value: str | None
    help: str


OPTIONS = (
    Option("--limit", "N", "builds to show (default 20; 0: all)"),
    Option("--offset", "N", "builds to pass over first"),
    Option("--sort", "|".join(SORTS), "the order (default relevance)"),
    Option("--facets", None, "count specs and builds by target, os, compiler, stack, tag, ..."),
    Option("--json", None, "one JSON document"),
    Option("--quiet", None, "print nothing; exit 1 when nothing matches (also -q)"),
    Option("--help", None, "this text (also -h)"),
)

HELP = """\
Usage: cachesync search [OPTIONS] [QUERY...]

  Builds that match the query, best first. Without a query: every build.

  filelock aarch64           words, all of them, in any field
  package:hdf5 +mpi          a field; +mpi is variant:+mpi
  compiler:gcc@12.3.0        this compiler (compiler:gcc: every gcc)
  version:3.12               3.12 and 3.12.4, as Spack's @3.12
  tag:develop stack:e4s      where it is placed
  hash:bxjp, py-*            beginnings
  -cuda -target:aarch64      excluded
  "OR"                       quoted: no operators inside

  Fields: {fields}

Options:
{options}

Exit status: 0 also without a hit; with -q 1 without one; 1 before anything was
ever synced; 2 for a query that is not understood.
"""


class Request(NamedTuple):
    """What the arguments of `search` ask for."""

    text: str = ""
    limit: int = 20
    offset: int = 0
    sort: str = "relevance"
    facets: bool = False
    json: bool = False
    quiet: bool = False
    help: bool = False


def parse_arguments(arguments: list[str]) -> Request:
    """The request in the arguments after `search`.

    Raises UsageError for an unknown long option or a value that does not fit.
    """
    by_name = {option.name: option for option in OPTIONS}
    given: dict[str, Any] = {}
    words: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            words.extend(rest)
            break
        name, equals, value = SHORT.get(argument, argument).partition("=")
        if not name.startswith("--"):
            words.append(argument)
            continue
        option = by_name.get(name)
        if option is None:
            raise UsageError(f"search has no option {name}", hint="options: " + " ".join(by_name))
        if option.value is None:
            if equals:
                raise UsageError(f"{name} takes no value")
            given[name[2:]] = True
            continue
        if not equals:
            value = next(rest, "")
        given[name[2:]] = _value(option, value)
    return Request(" ".join(words), **given)


def _value(option: Option, value: str) -> int | str:
    if option.name == "--sort":
        if value not in SORTS:
            raise UsageError(f"--sort takes one of {', '.join(SORTS)}")
        return value
    if not (value.isdecimal() and value.isascii() and len(value) < 10):
        raise UsageError(f"{option.name} takes a number from 0 on")
    return int(value)


def run(options: Globals, arguments: list[str]) -> int:
    """Answer on standard output; returns the exit status."""
    request = parse_arguments(arguments)
    if request.help:
        print(help_text(), end="")
        return 0
    paths.require_config(options)
    node = query.parse(request.text)
    searcher = Searcher(paths.reader_state_dir(options))
    try:
        answer = searcher.search(
            node,
            limit=request.limit,
            offset=request.offset,
            sort=request.sort,
            facets=request.facets,
        )
    finally:
        searcher.close()
    if answer.note is not None:
        _note(f"{answer.note}; the ledger answered, which is slower (`cachesync rebuild index`)")
    quiet = request.quiet or options.quiet
    if not quiet:
        _warn_of_age(answer)
        if request.json:
            output.print_json(_document(request.text, answer))
        else:
            _print(answer)
    return 1 if quiet and not answer.builds else 0


def help_text() -> str:
    """The help of `search`."""
    lines = [f"  {f'{o.name} {o.value or str()}':<44}{o.help}" for o in OPTIONS]
    return HELP.format(fields=", ".join(query.FIELDS), options="\n".join(lines))


def _note(text: str) -> None:
    print(f"cachesync: note: {output.visible(text)}", file=sys.stderr)


def _warn_of_age(answer: Answer) -> None:
    """Say how old the truth is where that matters: a source failed, or missed its schedule."""
    now = time.time()
    for source in answer.sources:
        if source.last_success is None:
            if source.state != "never":
                _note(f"{source.name} was never read completely ({source.error})")
            continue
        seconds = now - source.last_success / 1e6
        late = source.interval is not None and seconds > 2 * source.interval
        if source.state in ("failed", "held"):
            _note(f"{source.name} is {output.age(seconds)} old, {source.state}: {source.error}")
        elif late:
            _note(f"{source.name} is {output.age(seconds)} old, older than its schedule")


def _print(answer: Answer) -> None:
    columns = ("PACKAGE", "VERSION", "COMPILER", "OS", "TARGET", "SPECS", "TAGS", "VARIANTS")
    if answer.hits:
        output.print_table(columns, map(_row, answer.hits), below="VARIANTS")
    for name, values in answer.facets.items():
        rows = [(value, count["specs"], count["builds"]) for value, count in values.items()]
        if rows:
            output.print_table((name.upper(), "SPECS", "BUILDS"), rows[:20])
    shown = len(answer.hits)
    more = "" if shown >= answer.builds else f", {shown} shown (--limit 0 shows all)"
    text = f"{output.number(answer.builds, 'build')}, {output.number(answer.specs, 'spec')}{more}"
    print(text if sys.stdout.isatty() else f"cachesync: {text}", file=_talk())


def _talk() -> Any:
    return sys.stdout if sys.stdout.isatty() else sys.stderr


def _row(hit: Hit) -> tuple[object, ...]:
    build = hit.build
    tags = sorted({placement.tag for spec in hit.specs for placement in spec.placements})
    shown = ", ".join(tags[:2]) + (f" +{len(tags) - 2}" if len(tags) > 2 else "")
    return (
        build.package, build.version, build.compiler, build.os, build.target, len(hit.specs),
        shown, " ".join(build.variants),
    )  # fmt: skip


def _document(text: str, answer: Answer) -> dict[str, Any]:
    document: dict[str, Any] = {
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
        "results": [_result(hit) for hit in answer.hits],
    }
    if answer.facets:
        document["facets"] = answer.facets
    return document


def _result(hit: Hit) -> dict[str, Any]:
    return {
        **hit.build._asdict(),
        "score": hit.score,
        "specs": [
            {"hash": spec.hash, "placements": [p._asdict() for p in spec.placements]}
            for spec in hit.specs
        ],
    }
