"""`cachesync search`: everything after it that is no option is query text.

No click here (see `entry`); `OPTIONS` is what both the parser below and click's help know.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

from ... import query
from ...errors import UsageError
from ...search import leftout
from ...search.answers import Answer
from ...search.searcher import Searcher
from .. import paths
from ..display import answer as answers
from ..display import columns, output
from ..display.pager import paged
from ..ending import or_cannot_tell
from ..options import Globals

__all__ = ["HELP", "OPTIONS", "SORTS", "Request", "parse_arguments", "run"]

SHORT = {"-q": "--quiet", "-h": "--help"}
DEFAULT_LIMIT = 20
SORTS = ("relevance", "package", "version", "newest")
THROUGH = "build"


class Option(NamedTuple):
    """A long option of `search`."""

    name: str
    value: str | None
    help: str


OPTIONS = (
    Option("--limit", "N", "builds to show (default 20; 0: all)"),
    Option("--offset", "N", "builds to pass over first"),
    Option("--sort", "|".join(SORTS), "the order (default relevance)"),
    Option("--runs-on", "TARGET|host", "only what a machine of this target, or this one, can run"),
    Option("--columns", "LIST", "the table's columns, such as package,version,tags"),
    Option("--group-by", "package", "one row a package instead of one a build"),
    Option("--spack", "0.23|1.x", "the query is a spec of this Spack and nothing else"),
    Option("--through", THROUGH, "^ goes on through what only building needs, to any depth"),
    Option("--why", None, "which dependencies matched: the way from each spec to them"),
    Option(
        "--facets", None, "count specs and builds by target, os, compiler, stack, tag, virtual, ..."
    ),
    Option("--hashes", None, "all hashes of each build; in a pipe nothing else, one a line"),
    Option("--install", None, "the commands that install the best hit from its cache"),
    Option("--json", None, "one JSON document"),
    Option("--no-pager", None, "never start a pager"),
    Option("--quiet", None, "print nothing; exit 1 when nothing matches (also -q)"),
    Option("--help", None, "this text (also -h)"),
)

_ONLY = {"--group-by": "package", "--through": THROUGH}
_NEEDED = {"--runs-on": "the name of a target, or host", "--spack": "0.23 or 1.x"}

HELP = """\
Usage: cachesync search [OPTIONS] [QUERY...]

  Builds that match the query, best first. Without a query: every build.

  filelock aarch64           words, all of them, in any field
  package:hdf5 +mpi          a field; +mpi is variant:+mpi
  compiler:gcc@12.3.0        this compiler (compiler:gcc: every gcc)
  version:3.12               3.12 and 3.12.4, as Spack's @3.12
  tag:develop stack:e4s      where it is placed
  hash:bxjp, py-*            beginnings
  virtual:mpi                something it depends on provides mpi
  -cuda -target:aarch64      excluded
  "OR"                       quoted: no operators inside
  a OR (b c)                 alternatives
  numpi~1                    one letter may be wrong; ~2: two
  hdf5@1.14: +mpi %gcc@12:   Spack's spec syntax; the first word is a package
  target=x86_64_v2:          what these targets and their descendants run

  All of it: cachesync help query

  Fields: {fields}
  Columns: {columns}

Options:
{options}

Exit status: 0 also without a hit; with -q 1 without one; 1 before anything was
ever synced, with -q 3: nobody can tell; 2 for a query that is not understood.
"""


class Request(NamedTuple):
    """What the arguments of `search` ask for."""

    text: str = ""
    limit: int | None = None
    offset: int = 0
    sort: str = "relevance"
    runs_on: str | None = None
    columns: tuple[str, ...] | None = None
    group_by: str | None = None
    spack: str | None = None
    through: str | None = None
    why: bool = False
    facets: bool = False
    hashes: bool = False
    install: bool = False
    json: bool = False
    no_pager: bool = False
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
            given[_key(name)] = True
            continue
        if not equals:
            value = next(rest, "")
        given[_key(name)] = _value(option, value)
    request = Request(" ".join(words), **given)
    _refuse_contradictions(request)
    return request


def _key(name: str) -> str:
    return name[2:].replace("-", "_")


def _refuse_contradictions(request: Request) -> None:
    """Raise UsageError for options of which one would have to be ignored."""
    if request.help:
        return
    for one, others in {
        "columns": ("json", "hashes", "install", "group_by"),
        "group_by": ("hashes", "install", "facets"),
        "why": ("hashes", "install", "group_by"),
        "install": ("hashes", "facets"),
    }.items():
        for other in others:
            if getattr(request, one) and getattr(request, other):
                both = (f"--{name.replace('_', '-')}" for name in (one, other))
                raise UsageError("{} and {} exclude each other".format(*both))


def _value(option: Option, value: str) -> int | str | tuple[str, ...]:
    if option.name == "--columns":
        return columns.chosen(value)
    if option.name in _ONLY:
        if value != _ONLY[option.name]:
            raise UsageError(f"{option.name} takes {_ONLY[option.name]}")
        return value
    if option.name in _NEEDED:
        if not value:
            raise UsageError(f"{option.name} takes {_NEEDED[option.name]}")
        return value
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
    node = query.parse_in(request.spack, request.text)
    if request.runs_on is not None:
        from ...query.machine import runnable

        node = runnable(node, request.runs_on)
    quiet = request.quiet or options.quiet
    with or_cannot_tell(asked=quiet):
        return _answer(options, request, node, quiet=quiet)


def _answer(options: Globals, request: Request, node: query.Node, *, quiet: bool) -> int:
    searcher = Searcher(paths.state_dir(options), through_build=request.through is not None)
    try:
        minus = any(word.lstrip("(")[:1] == "-" for word in request.text.split())
        if minus and request.spack is None and not quiet:  # to Spack `-x` is `~x`
            from ..display import excluding

            excluding.say(searcher, request.text)
        if request.group_by and not quiet:
            return _run_by_package(options, searcher, node, request)
        answer = searcher.search(
            node,
            limit=_limit(request),
            offset=request.offset,
            sort=request.sort,
            facets=request.facets,
            systems=request.runs_on is not None,
            unnamed=not quiet,
            why=request.why and not quiet,
        )
        no_hit = _explain(searcher, node, request) if not answer.builds and not quiet else None
    finally:
        searcher.close()
    if answer.note is not None:
        answers.note_slower(options, why=answer.note)
    if not quiet:
        answers.warn_of_age(answer)
        answers.suggest_system(node, answer)
        if answer.asks_pages or answer.unjudged or answer.unnamed or answer.knows_dags:
            from ..display import leftopen  # of words nothing is left open

            leftopen.say_all(
                node, (answer.unjudged, answer.undecided), answer.unnamed,
                asks_pages=answer.asks_pages, knows_dags=answer.knows_dags,
            )  # fmt: skip
        _show(options, request, node, answer, no_hit)
    return 1 if quiet and not answer.builds else 0


def _limit(request: Request) -> int:
    if request.limit is not None:
        return request.limit
    if request.install:
        return 1
    return 0 if request.hashes else DEFAULT_LIMIT


def _explain(searcher: Searcher, node: query.Node, request: Request) -> Any:
    from ..display import nohit

    found = nohit.explain(searcher, node)
    if request.runs_on is None or not isinstance(node, query.And):
        return found
    return found.saying(node.nodes[-1], f"--runs-on {request.runs_on}")


def _show(
    options: Globals, request: Request, node: query.Node, answer: Answer, no_hit: Any
) -> None:
    if request.json:
        from ..display import leftopen

        document = answers.document(request.text, answer)
        document |= leftopen.unsaid_document(
            node, answer.unnamed, answer.unjudged, asks_pages=answer.asks_pages
        )
        document |= leftopen.order_document(node) if answer.knows_dags else {}
        document |= _language(request)
        if request.install:
            from ..installing import installations

            for result, made in zip(
                document["results"], installations(options, answer), strict=True
            ):
                result["install"] = made.document()
        if no_hit is not None:
            document |= no_hit.document()
        output.print_json(document)
        return
    if request.hashes and not sys.stdout.isatty():
        answers.print_hashes(answer.hits)
    elif request.install:
        from ..installing import installations

        for made in installations(options, answer):
            print("\n".join(made.lines()))
    else:
        with paged(wanted=not request.no_pager):
            answers.print_answer(
                answer, request.columns, with_hashes=request.hashes, offset=request.offset
            )
    if no_hit is not None:
        no_hit.say()


def _language(request: Request) -> dict[str, str]:
    """What says in JSON how the query was read: that it is Spack's, and how far `^` goes."""
    given = {"spack": request.spack, "through": request.through}
    return {name: value for name, value in given.items() if value is not None}


def _run_by_package(
    options: Globals, searcher: Searcher, node: query.Node, request: Request
) -> int:
    from ...search.packages import by_package
    from ..display import leftopen

    found = by_package(
        searcher, node, limit=_limit(request), offset=request.offset, sort=request.sort
    )
    no_hit = _explain(searcher, node, request) if not found.packages else None
    with searcher.moment() as db:
        unnamed = leftout.unnamed(searcher, db, node)
        unjudged, undecided = leftout.unjudged(searcher, node)
        asks_pages = leftout.asks_pages(searcher, db, node)
        knows_dags = searcher.knows_dags(node)
    leftopen.say_all(
        node, (unjudged, undecided), unnamed, asks_pages=asks_pages, knows_dags=knows_dags
    )
    if not found.indexed:
        answers.note_slower(options)
    if request.json:
        more = {} if no_hit is None else no_hit.document()
        more |= leftopen.unsaid_document(node, unnamed, unjudged, asks_pages=asks_pages)
        more |= leftopen.order_document(node) if knows_dags else {}
        more |= _language(request)
        output.print_json({**answers.packages_document(request.text, found), **more})
        return 0
    with paged(wanted=not request.no_pager):
        answers.print_packages(found, offset=request.offset)
    if no_hit is not None:
        no_hit.say()
    return 0


def help_text() -> str:
    """The help of `search`."""
    lines = [f"  {f'{o.name} {o.value or str()}':<44}{o.help}" for o in OPTIONS]
    return HELP.format(
        fields=", ".join(query.ALL_FIELDS),
        columns=", ".join(columns.COLUMNS),
        options="\n".join(lines),
    )
