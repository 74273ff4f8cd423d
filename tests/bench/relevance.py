"""How well results are ordered: nDCG@10 over judged queries (`python tests/bench/relevance.py STATE JUDGED [SET]`).

Two forms of judgements are read. `judgments` of the one is the grade of each package, and a result list counts as the
packages of its builds, each where it comes first. Those of the other (`tests/fixtures/judged.json`, which
says how it was judged) are conditions on builds, each with its grade, and a list counts as its builds; SET is
`fixtures` or `shared`, by the pages that the judgements are about.
The gain of a grade g is 2**g - 1, discounted by log2 of the rank plus one
(Järvelin and Kekäläinen 2002); 1 is the best order there is.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cachesync.model import Build
    from cachesync.search.searcher import Searcher

AT = 10

Conditions = list[dict[str, Any]]
"""A grade, and what a build must be to have it; the first whose conditions hold counts."""


def gain(grades: list[int]) -> float:
    """The discounted gain of grades in the order of the results."""
    return sum((2**grade - 1) / math.log2(rank + 2) for rank, grade in enumerate(grades[:AT]))


def normalized(grades: list[int], every: Iterable[int]) -> float:
    """Between 0 and 1: the gain of the grades of a list over that of the best order of every grade there is."""
    return gain(grades) / gain(sorted(every, reverse=True))


def ndcg(packages: list[str], judged: dict[str, int]) -> float:
    """Between 0 and 1: the gain of a list of packages over that of the best list."""
    return normalized([judged.get(p, 0) for p in packages], judged.values())


def grade(build: Build, judged: Conditions) -> int:
    """What a build is worth by conditions; 0 where none fits."""
    return next((one["grade"] for one in judged if _fits(build, one)), 0)


def _fits(build: Build, judged: dict[str, Any]) -> bool:
    if build.package != judged["package"]:
        return False
    if "version" in judged and not f"{build.version}.".startswith(f"{judged['version']}."):
        return False
    for field in ("compiler", "os", "target"):
        if field in judged and not getattr(build, field).startswith(tuple(judged[field])):
            return False
    return all(_has(build.variants, wanted) for wanted in judged.get("variants", ()))


def _has(variants: Iterable[str], wanted: str) -> bool:
    name, equals, value = wanted.partition("=")
    if not equals:
        return wanted in variants
    told = (variant.partition("=") for variant in variants)
    return any(name == called and value in values.split(",") for called, _, values in told)


def found(searcher: Searcher, text: str) -> list[Build]:
    """The builds that `search` shows: of the query, of its reading, or of what it proposes instead."""
    from cachesync import query
    from cachesync.cli.display import nohit
    from cachesync.search.understanding import understand

    def builds(node: query.Node) -> list[Build]:
        return [hit.build for hit in searcher.search(node).hits]

    node = query.parse(text)
    shown = builds(node)
    if shown:
        return shown
    understood = understand(searcher, text)
    if understood.way is not None:
        return builds(understood.way.node)
    for proposed in nohit.explain(searcher, node).suggestions:
        if proposed.candidates:
            corrected = text.lower().replace(proposed.term.value.lower(), proposed.candidates[0])
            return found(searcher, corrected) if corrected != text.lower() else []
    return []


def measure(state: Path, judged: Path, pages: str | None = None) -> dict[str, float]:
    """nDCG@10 of each judged query over a state directory; of those about some pages where the file has several."""
    from cachesync import query
    from cachesync.search.searcher import Searcher

    document = json.loads(judged.read_text(encoding="utf-8"))
    searcher = Searcher(state)
    try:
        figures = {}
        every = [hit.build for hit in searcher.search(query.Everything).hits]
        for case in document[pages or "queries"]:
            builds, judgments = found(searcher, case["query"]), case["judgments"]
            figures[case["query"]] = (
                ndcg(list(dict.fromkeys(build.package for build in builds)), judgments)
                if isinstance(judgments, dict)
                else normalized(
                    [grade(build, judgments) for build in builds],
                    [grade(build, judgments) for build in every],
                )
            )
        return figures
    finally:
        searcher.close()


def main() -> None:
    """Print the figure of each query and their mean."""
    measured = measure(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
    for text, figure in measured.items():
        print(f"{figure:.3f}  {text}")
    print(f"{sum(measured.values()) / len(measured):.3f}  mean nDCG@{AT} of {len(measured)}")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
