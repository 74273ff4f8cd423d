"""How long it takes to find the subscriptions that changes are about: `python tests/bench/matching.py`.

The worst case on purpose: no two changes are of the same build, so nothing that is remembered helps.
"""

import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from cachesync import query
from cachesync.model import Build, Change, ChangeKind
from cachesync.notify.matching import Matcher
from cachesync.notify.message import match
from cachesync.notify.subscription import Rule, matches

CHANGES, SUBSCRIPTIONS = 10_000, 200
PACKAGES = [f"{kind}-{n}" for kind in ("py", "r", "lib", "perl", "go") for n in range(240)]
_DIGITS = "abcdefghijklmnopqrstuvwxyz234567"


def changes_of(count: int, *, builds: int | None = None) -> Iterator[Change]:
    """Changes of `builds` builds, or of as many as there are changes."""
    chance = random.Random(1)
    for seq in range(1, count + 1):
        number = (seq - 1) % (builds or count)
        build = Build(
            PACKAGES[number * 7919 % len(PACKAGES)], f"1.{number % 13}.{number % 37}", "gcc@=13.2.0",
            "ubuntu24.04", "linux", ("aarch64", "x86_64_v3")[number % 2],
            ("+mpi", "build_system=cmake", f"patches={number}"),
        )  # fmt: skip
        spec_hash = "".join(chance.choices(_DIGITS, k=32))
        yield Change(
            seq, 1_700_000_000_000_000 + seq, ChangeKind.SPEC_CACHED, "site", "develop",
            build.package, spec_hash, flag=True, stacks=("e4s", "root"), build=build,
        )  # fmt: skip


def rules_of(count: int) -> list[Rule]:
    """Subscriptions as people write them: most to a package, some to very much."""
    chance = random.Random(2)

    def text(n: int) -> str:
        package = chance.choice(PACKAGES)
        return (
            f"{package} +mpi target:aarch64",
            f"package:{package}",
            f"target:aarch64 stack:e4s version:1.{n % 13}",
            f"py variant:patches={n}",
            f"{package} -target:aarch64 tag:develop*",
            f"1.{n % 13} lib* compiler:gcc@13.2.0",
        )[n % 6]

    events = frozenset((ChangeKind.SPEC_CACHED,))
    return [Rule(f"s{n}", query.parse(text(n)), events, first=True) for n in range(count)]


def main() -> None:
    """Print the times."""
    rules = rules_of(SUBSCRIPTIONS)
    for builds in (CHANGES, CHANGES // 10):
        changes = list(changes_of(CHANGES, builds=builds))
        matcher = Matcher(rules)
        started = time.perf_counter()
        found = [numbers for change in changes if (numbers := matcher.matching(change))]
        matching = time.perf_counter() - started
        documents = [match(change) for change in changes]
        writing = time.perf_counter() - started - matching
        assert len(documents) == len(changes)
        few = changes[: CHANGES // 50]
        started = time.perf_counter()
        alone = [[n for n, rule in enumerate(rules) if matches(rule, c)] for c in few]
        one_by_one = (time.perf_counter() - started) * CHANGES / len(few)
        assert alone == [matcher.matching(change) for change in few]
        print(
            f"{CHANGES:,} changes of {builds:,} builds, {SUBSCRIPTIONS} subscriptions,"
            f" {sum(map(len, found)):,} matches: {matching:.2f} s"
            f" (one by one {one_by_one:.1f} s); as JSON {writing:.2f} s"
        )


if __name__ == "__main__":
    main()
