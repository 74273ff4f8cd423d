"""Which changes a subscription is about: the query of `search`, applied to the change log. Pure.

- A change of a spec matches as its placement does in a search (`query.matches`). A restacked or
  refined spec matches by what it was or by what it is.
- What is asked of DAGs is judged by what was known at the change. Where the DAG of a cached spec becomes
  known (`spec.described`) and only that makes it match, a subscription on `spec.cached` is about it.
- A change of a page matches by package, tag and source: bare words and the fields of these three
  decide. What else the query says of builds, stacks and hashes is no condition on a page.
- A change of a source matches by `source:` terms, and otherwise because it was asked for.
- A change of a delivery target matches because it was asked for; of the subscription's own targets
  the others are told anyway.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from .. import query
from ..model import Build, Change, ChangeKind, First
from ..query.fuzzy import is_near

__all__ = ["SPECS", "TARGETS", "Rule", "is_asked_for", "matches", "states"]

SPECS = frozenset(kind for kind in ChangeKind if kind.label.startswith("spec."))
_PAGES = frozenset(kind for kind in ChangeKind if kind.label.startswith("page."))
TARGETS = frozenset((ChangeKind.TARGET_DISABLED, ChangeKind.TARGET_ENABLED))


class Rule(NamedTuple):
    """What of a subscription decides which changes it is about."""

    name: str
    condition: query.Node
    events: frozenset[ChangeKind]
    first: First
    """Of `spec.cached`. Whether a change is of a new build is not decided here: more than it says decides."""
    baseline: bool = False
    """Of `spec.cached` also what the first pass over a source brings."""


def matches(rule: Rule, change: Change, *, loud: Collection[str] = ()) -> bool:
    """Whether a subscription is about a change; `loud` names sources whose baseline is news."""
    if not is_asked_for(rule, change, loud):
        return False
    if change.kind in SPECS:
        return _matches_spec(rule.condition, change)
    return _matches_other(rule, change)


def is_asked_for(rule: Rule, change: Change, loud: Collection[str]) -> bool:
    """Whether its kind is, and it is news; what the query says is not looked at."""
    is_cached = change.kind is ChangeKind.SPEC_CACHED
    is_news = not change.baseline or change.source in loud or (rule.baseline and is_cached)
    if change.kind not in rule.events or not is_news:
        return False
    return change.flag or not rule.first or not is_cached


def states(change: Change) -> Iterator[tuple[Build, tuple[str, ...]]]:
    """The build and the stacks of a spec's placement: as they are, and as they were."""
    assert change.build is not None, "a change of a spec has its build"
    stacks = change.stacks or ()
    yield change.build, stacks
    if change.build_before is not None:
        yield change.build_before, stacks
    if change.stacks_before is not None:
        yield change.build, change.stacks_before


def _matches_spec(node: query.Node, change: Change) -> bool:
    return any(
        query.matches(
            node,
            build,
            change.hash or "",
            source=change.source,
            tag=change.tag or "",
            stacks=stacks,
        )
        for build, stacks in states(change)
    )


def _matches_other(rule: Rule, change: Change) -> bool:
    if change.kind in TARGETS:
        return change.subscription != rule.name
    about = _Page.of(change) if change.kind in _PAGES else None
    return _verdict(rule.condition, change.source, about) is not False


class _Page(NamedTuple):
    """What is known of a page; a rejected one may be known by its path only."""

    tag: str | None
    package: str | None

    @classmethod
    def of(cls, change: Change) -> _Page:
        parts = (change.path or "").split("/")
        tag, package = parts[-3:-1] if len(parts) >= 3 else (None, None)
        return cls(change.tag or tag, change.package or package)


def _verdict(node: query.Node, source: str, page: _Page | None) -> bool | None:
    """Whether a query holds where no build is known; None where that cannot be said."""
    if isinstance(node, query.Term):
        return _verdict_of_term(node, source, page)
    if isinstance(node, query.Not):
        inner = _verdict(node.node, source, page)
        return None if inner is None else not inner
    if not isinstance(node, (query.And, query.Or)):
        return None
    verdicts = {_verdict(child, source, page) for child in node.nodes}
    decisive = isinstance(node, query.Or)
    if decisive in verdicts:
        return decisive
    return None if None in verdicts else not decisive


def _verdict_of_term(term: query.Term, source: str, page: _Page | None) -> bool | None:
    if term.field == "source":
        return query.matches_placement(term, source=source, tag="", stacks=())
    if page is None or term.field not in (None, "package", "tag"):
        return None
    if page.tag is None or page.package is None:
        return None
    if term.field != "package" and query.matches_placement(
        term, source=source, tag=page.tag, stacks=()
    ):
        return True
    if term.field == "tag":
        return False
    names = query.name_runs(page.package) if term.field is None else {page.package.lower()}
    return any(_is_called(term, name) for name in names)


def _is_called(term: query.Term, name: str) -> bool:
    if term.distance:
        return is_near(term.value, name, term.distance)
    return name.startswith(term.value) if term.prefix else name == term.value
