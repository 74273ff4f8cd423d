"""How well results are ordered: nDCG@10 over judged queries (`python tests/bench/relevance.py STATE JUDGED`).

The judgements are by package: a result list counts as the packages of its builds, each where it
comes first. The gain of a grade g is 2**g - 1, discounted by log2 of the rank plus one
(Järvelin and Kekäläinen 2002); 1 is the best order there is.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cachesync.search.searcher import Searcher

AT = 10


def gain(grades: list[int]) -> float:
    """The discounted gain of grades in the order of the results."""
    return sum((2**grade - 1) / math.log2(rank + 2) for rank, grade in enumerate(grades[:AT]))


def ndcg(packages: list[str], judged: dict[str, int]) -> float:
    """Between 0 and 1: the gain of a list of packages over that of the best list."""
    return gain([judged.get(p, 0) for p in packages]) / gain(sorted(judged.values(), reverse=True))


def found_packages(searcher: Searcher, text: str) -> list[str]:
    """The packages of a result list, each where it comes first."""
    from cachesync import query

    hits = searcher.search(query.parse(text)).hits
    return list(dict.fromkeys(hit.build.package for hit in hits))


def measure(state: Path, judged: Path) -> dict[str, float]:
    """nDCG@10 of each judged query over a state directory."""
    from cachesync.search.searcher import Searcher

    cases = json.loads(judged.read_text(encoding="utf-8"))["queries"]
    searcher = Searcher(state)
    try:
        return {
            case["query"]: ndcg(found_packages(searcher, case["query"]), case["judgments"])
            for case in cases
        }
    finally:
        searcher.close()


def main() -> None:
    """Print the figure of each query and their mean."""
    measured = measure(Path(sys.argv[1]), Path(sys.argv[2]))
    for text, figure in measured.items():
        print(f"{figure:.3f}  {text}")
    print(f"{sum(measured.values()) / len(measured):.3f}  mean nDCG@{AT} of {len(measured)}")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
