"""What a searcher that goes on prepares changes no answer: neither of one moment, nor after changes."""

import json
import shutil
from random import Random

import pytest

from cachesync import query
from cachesync.errors import QueryError
from cachesync.ledger import connect, read
from cachesync.search import scan, standing
from cachesync.search.searcher import Searcher
from tests.support.judge import inventing
from tests.support.mirrorsite import sync_indexes
from tests.support.statedsource import Stated
from tests.support.world import World

AT = Stated("https://m.example", None, "v1", "root")


def texts(document: dict, seed: int, count: int) -> list[tuple[str, str | None]]:
    """Queries that ask of dependencies and of specs themselves: in our own language, some in Spack's."""
    records = [one["spec"] for one in document["database"]["installs"].values()]
    parts = {
        "package:nosuch",
        "-%gcc",
        "%gcc",
        "^mpi",
        "linux",
        "os=nothing",
        "+nothing",
        "@:0",
        "target=x86_64:",
    }
    for one in records:
        name, version = one["name"], one["version"]
        arch = one["arch"]
        target = arch["target"] if isinstance(arch["target"], str) else arch["target"]["name"]
        parts |= {name, f"^{name}", f"@{version}:", f"{name}@:{version}", f"-^{name}@{version}"}
        parts |= {f"os={arch['platform_os']}", f"platform={arch['platform']}", f"target={target}"}
        for key, value in one["parameters"].items():
            if isinstance(value, bool):
                parts |= {f"{'+' if value else '~'}{key}", f"{key}={value}"}
            elif isinstance(value, str) and value.isalnum():
                parts |= {f"{key}={value}", f"{key}:={value}", f"{key}=*"}
    source = Random(seed)
    found = []
    while len(found) < count:
        text = source.choice((" ", " ", " OR ")).join(
            source.sample(sorted(parts), source.randint(1, 4))
        )
        spack = source.choice((None, None, "1.x"))
        try:
            query.parse_in(spack, text)
        except QueryError:
            continue
        found.append((text, spack))
    return found


def one_by_one(searcher: Searcher, text: tuple[str, str | None]) -> tuple[int, int]:
    """How many builds and specs match, each asked on its own of what a build says and a graph said."""
    tree = query.parse_in(text[1], text[0])
    with searcher.moment() as db:
        asked = query.with_dags(tree, searcher.dags._judged)
        counts = scan.count_specs(scan.matching_groups(db, asked, None, read.Names(db)))
    return len(counts), sum(counts.values())


def told(searcher: Searcher, text: tuple[str, str | None]) -> tuple:
    """What the first three of an answer say."""
    answer = searcher.search(query.parse_in(text[1], text[0]), limit=3)
    return answer.builds, answer.specs, answer.hits, answer.seq


@pytest.mark.parametrize("few", [0, 2_500])
def test_what_is_prepared_changes_no_answer(tmp_path, monkeypatch, few):
    """Not of one moment, not once packages came and went, by index and by ledger, of few and of many."""
    monkeypatch.setattr("cachesync.search.rows.FEW", few)
    for seed in range(2):
        world = World(tmp_path / str(seed))
        documents = [inventing.document(Random(f"{seed} {turn}"), form="8") for turn in range(2)]
        both = json.loads(json.dumps(documents[0]))
        both["database"]["installs"].update(documents[1]["database"]["installs"])
        lasting = None
        for document in (documents[0], both, documents[1]):
            data = json.dumps(document, separators=(",", ":")).encode()
            sync_indexes(world, {AT: data})
            bare = World(tmp_path / f"{seed} bare")
            shutil.copytree(world.state, bare.state, dirs_exist_ok=True)
            shutil.rmtree(bare.state / connect.INDEX_DIRECTORY)
            lasting = lasting or Searcher(world.state)
            others = [Searcher(world.state, is_lasting=False), Searcher(bare.state)]
            for text in texts(document, seed, 12):
                answers = [told(one, text) for one in (lasting, *others)]
                assert answers[0] == answers[1] == answers[2], text
                assert answers[0][:2] == one_by_one(others[0], text), text
            for one in others:
                one.close()
            shutil.rmtree(bare.state)
        lasting.close()


def test_the_order_is_made_anew_after_many_changes(tmp_path, monkeypatch):
    """As it is put right after few."""
    monkeypatch.setattr(standing, "MOST_LATE", 0)
    monkeypatch.setattr(standing, "MOST_SHOWN", 1)
    test_what_is_prepared_changes_no_answer(tmp_path, monkeypatch, 2_500)
