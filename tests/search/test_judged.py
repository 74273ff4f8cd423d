"""What a query in Spack's language finds is what a judge finds that shares nothing with the product.

The judge goes through the records of an index one by one; the product answers from its ledger, with
the search index and the graph beside it and without.
"""

import json
import shutil
from random import Random

import pytest

from cachesync import query
from cachesync.errors import QueryError, UnsaidError
from cachesync.ledger import connect
from cachesync.search.searcher import Searcher
from tests.support.judge import Judge, Refused, asking, inventing
from tests.support.judge.asking import Vocabulary
from tests.support.mirrorsite import sync_indexes
from tests.support.statedsource import Stated
from tests.support.world import World

FORMS = {"8": "1.x", "8 mixed": "1.x", "8 migrated": "1.x", "7": "0.23"}


def found(searcher: Searcher, dialect: str, text: str) -> frozenset[str] | None:
    """The hashes; None where the text is refused."""
    try:
        answer = searcher.search(query.parse_in(dialect, text))
    except (QueryError, UnsaidError):
        return None
    return frozenset(spec.hash for hit in answer.hits for spec in hit.specs)


def judged(judge: Judge, text: str) -> frozenset[str] | None:
    """The same, by the judge."""
    try:
        return judge.ask(text, cached_only=True).hashes
    except Refused:
        return None


def is_left_open(judge: Judge, text: str) -> bool:
    """Whether a text touches what no index tells, or the rules leave open."""
    try:
        return bool(judge.unsaid(text))
    except Refused:
        return False


def differences(root, form: str, seed: int, count: int) -> list[str]:
    """Queries over an index made up of a seed that the product answers otherwise than the judge."""
    document = inventing.document(Random(f"{form} {seed}"), form=form)
    world = World(root)
    data = json.dumps(document, separators=(",", ":")).encode()
    sync_indexes(world, {Stated("https://m.example", None, "v1", "root"): data})
    bare = World(root / "bare")
    shutil.copytree(world.state, bare.state)
    shutil.rmtree(bare.state / connect.INDEX_DIRECTORY)
    dialect = FORMS[form]
    judge = Judge(document, dialect)
    wrong = []
    searchers = [Searcher(world.state), Searcher(bare.state)]
    try:
        for text in asking.several(seed, count, Vocabulary(document), dialect):
            wanted = judged(judge, text)
            answers = [found(searcher, dialect, text) for searcher in searchers]
            is_open = is_left_open(judge, text)
            if answers[0] == answers[1] and (is_open or answers[0] == wanted):
                continue
            wrong.append(f"{text!r}: {wanted} is wanted, {answers}")
    finally:
        for searcher in searchers:
            searcher.close()
    return wrong


@pytest.mark.parametrize("form", FORMS)
def test_a_query_finds_what_a_judge_finds(tmp_path, form):
    """By index and by ledger, whatever the index and the query are made of."""
    for seed in range(3):
        assert differences(tmp_path / str(seed), form, seed, 60) == []


def test_flags_and_namespaces_of_the_package_itself_are_asked_of_what_an_index_tells(tmp_path):
    """In our own language as in Spack's: a build's columns have neither."""
    document = inventing.document(Random("e"), form="8")
    records = [record["spec"] for record in document["database"]["installs"].values()]
    for number, record in enumerate(records):
        record["parameters"]["cflags"] = [["-O3", "-g"], ["-O3"], []][number % 3]
    world = World(tmp_path)
    data = json.dumps(document, separators=(",", ":")).encode()
    sync_indexes(world, {Stated("https://m.example", None, "v1", "root"): data})
    judge = Judge(document, "1.x")
    texts = {f"{place}.{record['name']}@:" for record in records for place in ("builtin", "other")}
    met = {"namespace=builtin", "namespace=other", "cflags='-g -O3'", "cflags==-O3 @:"}
    searcher = Searcher(world.state)
    try:
        for text in sorted(texts | met | {"cflags=-c"}):
            hits = searcher.search(query.parse(text)).hits
            found = {spec.hash for hit in hits for spec in hit.specs}
            assert found == judged(judge, text), text
            assert found or text not in met, text
    finally:
        searcher.close()


@pytest.mark.soak
@pytest.mark.parametrize("form", FORMS)
def test_many_queries_find_what_a_judge_finds(tmp_path, form):
    """As above: 20,000 queries in all."""
    for seed in range(100, 150):
        assert differences(tmp_path / str(seed), form, seed, 100) == []
