"""No query takes long: what would is refused, and what many terms ask is judged in one go."""

import time

import pytest

from cachesync import query
from cachesync.errors import QueryError, UsageError
from cachesync.ledger import connect, read
from cachesync.search import scan
from cachesync.search.searcher import Searcher
from tests.support.world import World, hash_of, spec

LETTERS = "abcdefghijklmnopqrstuvwxyz"
HEAVY = {
    "everything": "",
    "a prefix of one letter": "a*",
    "as many prefixes as there may be": " OR ".join(f"{c}*" for c in LETTERS[: query.MAX_WIDE]),
    "as many fuzzy words": " OR ".join(f"hdf{c}{c}~2" for c in LETTERS[: query.MAX_WIDE]),
    "200 alternatives": " OR ".join(f"w{n}" for n in range(200)),
    "200 times the same": " OR ".join(["develop", "root"] * 100),
    "199 exclusions": " ".join(f"-w{n}" for n in range(199)),
    "50 parentheses": "(" * 50 + "root" + ")" * 50,
    "200 ranges of versions": " OR ".join(f"@{n}:" for n in range(200)),
    "200 ranges of compilers": " OR ".join(f"%gcc@{n}:" for n in range(200)),
    "200 ranges of targets": " OR ".join(f"target=x86_64:,m{n}" for n in range(200)),
    "200 variants": " OR ".join(f"x{n}=*" for n in range(200)),
    "what only placements tell": " ".join(f"(tag:develop OR stack:s{n} OR -hash:{c})"
                                          for n, c in enumerate(LETTERS[:9])),
}  # fmt: skip


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """A state directory with 2,000 builds."""
    world = World(tmp_path_factory.mktemp("heavy"))
    for number in range(40):
        rows = [
            spec(hash_of(number * 50 + n), versions=[f"{n % 17}.{n}"], stacks=["root", f"s{n % 7}"],
                 target=("x86_64_v3", "aarch64", "zen4")[n % 3], compiler=f"gcc@=1{n % 4}.{n}.0",
                 variants=[f"x{n}=a", "+mpi", "build_system=cmake"])
            for n in range(50)
        ]  # fmt: skip
        world.page("develop" if number % 2 else "v1", f"package-{number}-hdf5", *rows)
    world.configure(f"sources:\n{world.directory_source()}")
    world.sync()
    return world.state


@pytest.mark.parametrize("text", HEAVY.values(), ids=HEAVY)
def test_a_heavy_query_is_answered_soon(state, text):
    """In a second of a processor over 2,000 builds, and as the ledger alone answers it."""
    searcher = Searcher(state)
    node = query.parse(text)
    try:
        seconds = []
        for _ in range(3):
            started = time.process_time()
            answer = searcher.search(node, limit=20)
            seconds.append(time.process_time() - started)
        assert min(seconds) < 1
        assert answer.note is None
        if len(set(query.terms(node))) <= scan.MANY_TERMS:
            with searcher.moment() as db:
                assert searcher.matching(node) == scan.count_specs(
                    scan.matching_groups(db, node, None, read.Names(db))
                )
    finally:
        searcher.close()


@pytest.mark.parametrize(
    "text",
    ["-*", "package:*", "a OR " * 10_000 + "a", "(" * 51 + "a" + ")" * 51, "a " * 201, "ab~2",
     "abcd~2 " * 11],
    ids=["no star", "field star", "10,000 OR", "51 deep", "201 words", "short ~2", "11 fuzzy"],
)  # fmt: skip
def test_what_would_take_long_is_refused(text):
    """Before anything is looked up."""
    with pytest.raises(QueryError):
        query.parse(text)


def test_very_many_terms_are_not_judged_build_by_build(state):
    """Where only the ledger could tell, and for too many builds, the query is refused with a hint."""
    db = connect.open_reader(state)
    few = query.parse(" OR ".join(f"(tag:develop hash:{a})" for a in LETTERS[:20]))
    many = query.parse(" OR ".join(f"(tag:develop stack:s{n} hash:{LETTERS[n % 26]})"
                                   for n in range(60)))  # fmt: skip
    builds = len(list(read.all_builds(db)))
    assert builds * len({t for t, _ in query.terms(many)}) < scan.MOST_WORK
    assert scan.count_specs(scan.matching_groups(db, few, None, read.Names(db)))
    list(scan.matching_groups(db, many, None, read.Names(db)))
    most = query.And(tuple(query.Term(None, f"t{n}") for n in range(199)))
    with pytest.raises(UsageError, match=r"199 terms cannot be judged for 2,000 builds"):
        list(scan.matching_groups(db, most, None, read.Names(db)))
    placed = query.Or(
        tuple(query.Term("stack", f"t{n}") for n in range(199))
    )  # each place is judged once
    assert not list(scan.matching_groups(db, placed, None, read.Names(db)))
    db.close()
