"""`cachesync search`: everything after it that is no option is query text; see `request`."""

from __future__ import annotations

import sys
from typing import Any

from ... import query
from ...search import leftout
from ...search.answers import Answer
from ...search.searcher import Searcher
from .. import paths
from ..display import answer as answers
from ..display import output
from ..display.pager import paged
from ..ending import or_cannot_tell
from ..options import Globals
from ..request import Request, help_text, parse_arguments

__all__ = ["run"]

DEFAULT_LIMIT = 20
DEFAULT_SORT = "relevance"


def run(options: Globals, arguments: list[str]) -> int:
    """Answer on standard output; returns the exit status."""
    request = parse_arguments(arguments)
    if request.help:
        output.print_text(help_text())
        return 0
    paths.require_config(options)
    request, node = _parsed(request)
    if request.runs_on is not None:
        from ...query.machine import runnable

        node = runnable(node, request.runs_on)
    quiet = request.quiet or options.quiet
    with or_cannot_tell(asked=quiet):
        return _answer(options, request, node, quiet=quiet)


def _parsed(request: Request) -> tuple[Request, query.Node]:
    """The tree of a query, and the request with all of its text: options ask for fields beside it."""
    if not request.fields:
        return request, query.parse_in(request.spack, request.text)
    from ...query.narrowing import narrowed

    whole = narrowed(request.text, request.fields, request.spack)
    return request._replace(text=whole.text), whole.node


def _answer(options: Globals, request: Request, node: query.Node, *, quiet: bool) -> int:
    is_through = request.through is not None
    searcher = Searcher(paths.state_dir(options), through_build=is_through, is_lasting=False)
    try:
        minus = any(word.lstrip("(")[:1] == "-" for word in request.text.split())
        if minus and request.spack is None and not quiet:  # to Spack `-x` is `~x`
            from ..display import excluding
            from ..otheroptions import short_notes

            for said in short_notes(request.text):
                answers.note(said)
            excluding.say(searcher, request.text)
        if request.group_by and not quiet:
            return _run_by_package(options, searcher, node, request)
        answer = _search(searcher, request, node, quiet=quiet)
        no_hit = understood = None
        if not answer.builds and not quiet:
            understood = _understand(searcher, request)
            if understood is not None and understood.way is not None:
                node = understood.way.node
                answer = _search(searcher, request, node, quiet=quiet)
            if not answer.builds:
                no_hit = _explain(searcher, node, request, understood)
    finally:
        searcher.close()
    if answer.note is not None:
        answers.note_slower(options, why=answer.note)
    if not quiet:
        answers.warn_of_age(answer)
        answers.suggest_system(node, answer)
        left_open = answer.asks_pages, answer.unjudged, answer.unnamed, answer.unsigned
        if answer.knows_dags or any(left_open):
            from ..display import leftopen  # of words nothing is left open

            leftopen.say_all(
                node, (answer.unjudged, answer.undecided), answer.unnamed,
                asks_pages=answer.asks_pages, knows_dags=answer.knows_dags, unsigned=answer.unsigned,
            )  # fmt: skip
        _show(options, request, node, answer, no_hit, understood)
    return 1 if quiet and not answer.builds else 0


def _search(searcher: Searcher, request: Request, node: query.Node, *, quiet: bool) -> Answer:
    return searcher.search(
        node,
        limit=_limit(request),
        offset=request.offset,
        sort=request.sort,
        facets=request.facets,
        systems=request.runs_on is not None,
        unnamed=not quiet,
        why=request.why and not quiet,
        rank=getattr(_preferred(request, node), "rank", None),
    )


def _preferred(request: Request, node: query.Node) -> Any:
    """What `--install` prefers; None where that is nothing."""
    if not request.install:
        return None
    from ..installing import preferred

    return preferred(node, request.runs_on)


def _understand(searcher: Searcher, request: Request) -> Any:
    """The query read anew, which found nothing as it is; None of Spack's, which means what it says."""
    if request.spack is not None:
        return None
    from ...search.respelling import understand

    found = understand(searcher, request.text, request.runs_on)
    if found.way is not None and any(read_as[:1] == "-" for _, read_as in found.way.words):
        from ..display import excluding

        excluding.say(searcher, found.way.text)
    return found


def _limit(request: Request) -> int:
    if request.limit is not None:
        return request.limit
    if request.install:
        return 1
    return 0 if request.hashes else DEFAULT_LIMIT


def _explain(searcher: Searcher, node: query.Node, request: Request, understood: Any) -> Any:
    from ..display import nohit

    runs_on = request.runs_on
    if understood is not None and understood.plain is not None:
        node, runs_on = understood.plain.node, understood.plain.runs_on or runs_on
    found = nohit.explain(searcher, node)
    if runs_on is not None and isinstance(node, query.And):
        found = found.saying(node.nodes[-1], f"--runs-on {runs_on}")
    if understood is None:
        return found
    from ..display.understood import told

    return found.without(told(understood))


def _show(
    options: Globals,
    request: Request,
    node: query.Node,
    answer: Answer,
    no_hit: Any,
    understood: Any,
) -> None:
    if request.json:
        from ..display import leftopen

        document = answers.document(request.text, answer)
        document |= leftopen.unsaid_document(
            node, answer.unnamed, answer.unjudged, asks_pages=answer.asks_pages,
            unsigned=answer.unsigned,
        )  # fmt: skip
        document |= leftopen.order_document(node) if answer.knows_dags else {}
        document |= _language(request) | _understood_document(understood)
        if request.install:
            from ..installing import installations

            prefer = _preferred(request, node)
            installed = installations(options, answer, prefer)
            for result, made in zip(document["results"], installed, strict=True):
                result["install"] = made.document()
            document |= {} if prefer is None else {"machine": str(prefer.machine)}
        if no_hit is not None:
            document |= no_hit.document()
        output.print_json(document)
        return
    _say_understood(understood, found=True)
    if request.hashes and not sys.stdout.isatty():
        answers.print_hashes(answer.hits)
    elif request.install:
        from ..installing import installations

        for made in installations(options, answer, _preferred(request, node)):
            for line in made.lines():
                answers.print_shell(line)
    else:
        with paged(wanted=not request.no_pager):
            answers.print_answer(
                answer, request.columns, with_hashes=request.hashes, offset=request.offset,
                is_long=request.long, is_sorted=request.sort != DEFAULT_SORT,
            )  # fmt: skip
    _say_understood(understood, found=False)
    if no_hit is not None:
        no_hit.say()


def _understood_document(understood: Any) -> dict[str, Any]:
    if understood is None:
        return {}
    from ..display.understood import document

    return document(understood)


def _say_understood(understood: Any, *, found: bool) -> None:
    """Say it before the answer that was found so, or behind that there is none."""
    if understood is not None and found is (understood.way is not None):
        from ..display.understood import say

        say(understood)


def _language(request: Request) -> dict[str, str]:
    """What says in JSON how the query was read: that it is Spack's, with which fields beside it, and how far `^` goes."""
    given = {"spack": request.spack, "through": request.through}
    if request.spack is not None and request.fields:
        from ...query.narrowing import narrowed

        given["fields"] = narrowed("", request.fields).fields
    return {name: value for name, value in given.items() if value is not None}


def _run_by_package(
    options: Globals, searcher: Searcher, node: query.Node, request: Request
) -> int:
    from ...search.packages import PackagesAnswer, by_package
    from ..display import leftopen

    def found_of(asked: query.Node) -> PackagesAnswer:
        return by_package(
            searcher, asked, limit=_limit(request), offset=request.offset, sort=request.sort
        )

    found, no_hit, understood = found_of(node), None, None
    if not found.packages:
        understood = _understand(searcher, request)
        if understood is not None and understood.way is not None:
            node = understood.way.node
            found = found_of(node)
        else:
            no_hit = _explain(searcher, node, request, understood)
    with searcher.moment() as db:
        unnamed = leftout.unnamed(searcher, db, node)
        unjudged, undecided = leftout.unjudged(searcher, node)
        unsigned = leftout.unsigned(searcher, node)
        asks_pages = leftout.asks_pages(searcher, db, node)
        knows_dags = searcher.knows_dags(node)
    leftopen.say_all(
        node, (unjudged, undecided), unnamed,
        asks_pages=asks_pages, knows_dags=knows_dags, unsigned=unsigned,
    )  # fmt: skip
    if not found.indexed:
        answers.note_slower(options)
    if request.json:
        more = {} if no_hit is None else no_hit.document()
        more |= leftopen.unsaid_document(
            node, unnamed, unjudged, asks_pages=asks_pages, unsigned=unsigned
        )
        more |= leftopen.order_document(node) if knows_dags else {}
        more |= _language(request) | _understood_document(understood)
        output.print_json({**answers.packages_document(request.text, found), **more})
        return 0
    _say_understood(understood, found=True)
    with paged(wanted=not request.no_pager):
        answers.print_packages(found, offset=request.offset)
    _say_understood(understood, found=False)
    if no_hit is not None:
        no_hit.say()
    return 0
