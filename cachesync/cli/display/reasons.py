"""Which dependencies matched, as `search --why` tells: for people, for pipes, and as JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from . import output

if TYPE_CHECKING:
    from ...search.answers import Hit
    from ...search.why import Step, Why, Whys

__all__ = ["add_cells", "paragraphs", "told_in", "untold"]

HEADER = "WHY"
SHORT_HASH = 7
SHOWN_SPECS = 4
"""So many specs of a build have their ways shown on a terminal."""


def add_cells(rows: Iterable[list[object]], hits: Iterable[Hit], whys: Whys) -> str:
    """Put a cell at the end of each row of a table; returns its header."""
    for row, hit in zip(rows, hits, strict=True):
        row.append(_cell(hit, whys.of))
    return HEADER


def _cell(hit: Hit, why: Mapping[str, tuple[Why, ...]]) -> str:
    """The same with `; ` between."""
    return "; ".join(_found(hit, why))


def paragraphs(hit: Hit, whys: Whys) -> list[str]:
    """What of the query was found below the specs of a build."""
    return _found(hit, whys.of)


def _found(hit: Hit, why: Mapping[str, tuple[Why, ...]]) -> list[str]:
    told = [its for spec in hit.specs if (its := why.get(spec.hash))]
    shown = told[:SHOWN_SPECS] if sys.stdout.isatty() else told
    found = [_line(one) for its in shown for one in its]
    if len(shown) < len(told):
        found.append(f"... and of {len(told) - len(shown):,} more (--json has all)")
    return found


def untold(whys: Whys) -> str:
    """The sentence that says of how many specs the dependencies are not told; empty where of all they are."""
    if not whys.untold:
        return ""
    return (
        f"the dependencies of {output.number(whys.untold, 'spec')} more are not shown: finding them would"
        " take too long; ask for less, such as one package"
    )


def told_in(results: Iterable[dict[str, Any]], whys: Whys) -> dict[str, int]:
    """Put a `why` into each spec of the results of a JSON document; returns more keys of that."""
    steps = _Steps()
    for one in results:
        for spec in one["specs"]:
            spec["why"] = _document(whys.of.get(spec["hash"], ()), steps)
    return {"why_untold": whys.untold} if whys.untold else {}


def _line(why: Why) -> str:
    return f"{why.asked}  {' > '.join(map(_step, why.path))}"


def _step(step: Step) -> str:
    version = "" if step.version is None else f"@{step.version}"
    return f"{step.name or ''}{version}/{step.hash[:SHORT_HASH]}"


def _document(why: Iterable[Why], steps: _Steps) -> list[dict[str, Any]]:
    """The same of one spec, hashes whole; a name and version that are not known are left out."""
    return [{"asked": one.asked, "path": [steps[step] for step in one.path]} for one in why]


class _Steps(dict["Step", dict[str, str]]):
    """What is said of each step: the same ones are on the ways of many specs."""

    def __missing__(self, step: Step) -> dict[str, str]:
        known = {name: value for name, value in step._asdict().items() if value is not None}
        self[step] = known
        return known
