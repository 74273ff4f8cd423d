"""What an answer leaves open, or takes otherwise than it may be meant: as notes, and as keys of JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import answer, output

if TYPE_CHECKING:
    from ... import query
    from ...query.order import Misplaced

__all__ = [
    "order_document",
    "order_of",
    "say_all",
    "say_of",
    "say_order",
    "say_unjudged",
    "say_unnamed",
    "say_unsaid",
    "say_unsigned",
    "unjudged_text",
    "unsaid_document",
    "unsaid_of",
    "unsigned_text",
]


def unsaid_of(node: query.Node, *, dependencies: bool = True) -> dict[str, str]:
    """The conditions of a query that pages cannot answer, as they are typed, and why.

    Without `dependencies` those are left out that DAGs answer: who asks a ledger counts what they leave open.
    """
    from ...query import UNJUDGED, terms

    if not any(term.field in ("variant", UNJUDGED) for term, _ in terms(node)):
        return {}
    from ...query.unsaid import sentence, unsaid
    from ...search.nearest import text_of

    typed = [
        (text_of(found.condition), found)
        for found in unsaid(node)
        if dependencies or found.condition.field != UNJUDGED
    ]
    return {text: sentence(found, text) for text, found in typed}


def say_unsaid(node: query.Node, *, dependencies: bool = True) -> None:
    """Say which conditions of a query pages cannot answer."""
    for text in unsaid_of(node, dependencies=dependencies).values():
        answer.note(text)


def say_all(
    node: query.Node,
    unjudged: tuple[int, int],
    unnamed: int,
    *,
    asks_pages: bool,
    knows_dags: bool,
    unsigned: int,
) -> None:
    """Say all of that of an answer; `unjudged` are the builds that could not be judged, see `say_unjudged`."""
    if asks_pages:
        say_unsaid(node, dependencies=False)
    say_unjudged(node, *unjudged)
    say_unnamed(unnamed)
    say_unsigned(unsigned)
    if knows_dags:
        say_order(node)


def say_unjudged(node: query.Node, builds: int, undecided: int = 0) -> None:
    """Say how many builds could not be judged, by which conditions, and why; see `query.unjudged`."""
    if builds:
        answer.note(unjudged_text(node, builds, undecided))


def unjudged_text(node: query.Node, builds: int, undecided: int = 0) -> str:
    """How many builds could not be judged, by which conditions, and why, as a sentence."""
    from ...query.unjudged import questions, reason

    asked = ", ".join(f"`{text}`" for text in questions(node))
    many = output.number(builds, "build")
    return f"{many} could not be judged by {asked}: {reason(builds, undecided)}"


def say_of(state_dir: Path, node: query.Node, *, quiet: bool) -> dict[str, Any]:
    """Say what pages cannot answer and what the order of words decides, for who has nothing open to ask.

    Returns it as keys of a JSON document, and says it unless `quiet`. Nothing where nothing was ever synced.
    """
    from contextlib import closing

    from ...errors import LedgerMissingError
    from ...search.leftout import asks_pages
    from ...search.searcher import Searcher

    try:
        with closing(Searcher(state_dir)) as searcher, searcher.moment() as db:
            is_of_pages = asks_pages(searcher, db, node, dependencies=True)
            knows_dags = searcher.knows_dags(node)
    except LedgerMissingError:
        return {}
    if is_of_pages and not quiet:
        say_unsaid(node)
    if knows_dags and not quiet:
        say_order(node)
    found = unsaid_document(node, 0, asks_pages=is_of_pages)
    return found | (order_document(node) if knows_dags else {})


def say_order(node: query.Node) -> None:
    """Say what is asked of a compiler although the package may be meant, and how that is asked."""
    for text in order_of(node):
        answer.note(text)


def order_of(node: query.Node) -> list[str]:
    """What there is to say of it, a sentence each; for where a DAG is known."""
    return [
        f"`{one.text}` asks {one.asked} for it; `{one.instead}` asks"
        f" {one.root or 'the package itself'}"
        for one in _misplaced(node)
    ]


def _misplaced(node: query.Node) -> Sequence[Misplaced]:
    from ...query import each_dag

    if next(each_dag(node), None) is None:
        return ()
    from ...query.order import misplaced

    return misplaced(node)


def order_document(node: query.Node) -> dict[str, Any]:
    """What that says, as a key of a JSON document; none where there is nothing to say."""
    found = [{"text": o.text, "asks": o.asked, "instead": o.instead} for o in _misplaced(node)]
    return {"order": found} if found else {}


def say_unnamed(builds: int) -> None:
    """Say how many builds are left out because their pages name no compiler."""
    if builds:
        verb, pages = ("is", "its pages name") if builds == 1 else ("are", "their pages name")
        answer.note(
            f"{output.number(builds, 'build')} {verb} left out: {pages} no compiler (`%none` finds"
            f" {'it' if builds == 1 else 'them'})"
        )


def say_unsigned(builds: int) -> None:
    """Say how many builds are left out because nobody knows whether they are signed."""
    if builds:
        answer.note(unsigned_text(builds))


def unsigned_text(builds: int) -> str:
    """How many builds these are, and why, as a sentence."""
    return (
        f"{output.number(builds, 'build')} could not be judged by `signed:`: known are registries, and mirrors"
        " that are read by their manifests (`read: manifests`)"
    )


def unsaid_document(
    node: query.Node, unnamed: int, unjudged: int | None = None, *, asks_pages: bool = True,
    unsigned: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """What the notes above say, as keys of a JSON document; none where there is nothing to say.

    `unjudged` is how many builds could not be judged, None where nobody counted them.
    """
    said = unsaid_of(node, dependencies=unjudged is None) if asks_pages else {}
    found = [{"condition": text, "note": why} for text, why in said.items()]
    return {
        **({"unsaid": found} if found else {}),
        **({"unjudged": _unjudged(node, unjudged)} if unjudged else {}),
        **({"without_compiler": {"builds": unnamed}} if unnamed else {}),
        **({"signature_unknown": {"builds": unsigned}} if unsigned else {}),
    }


def _unjudged(node: query.Node, builds: int) -> dict[str, Any]:
    from ...query.unjudged import questions

    return {"builds": builds, "conditions": [*questions(node)]}
