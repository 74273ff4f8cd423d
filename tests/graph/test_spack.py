"""What real Spack answered: over its own indexes the same specs satisfy the same texts."""

import json
import lzma
from functools import lru_cache, partial

import pytest

from cachesync.diff import Guard
from cachesync.errors import UnsaidError
from cachesync.graph import catchup as graph_catchup
from cachesync.graph.evaluating import Evaluator
from cachesync.graph.hashed import Hashes
from cachesync.graph.masks import members
from cachesync.ledger import connect, graphrows
from cachesync.selection import Selection
from cachesync.spack.satisfying import Question
from cachesync.spack.specparser import parse
from cachesync.spack.spectokens import SpecTextError
from cachesync.sync.passes import run_pass
from tests.support import caches
from tests.support.dags import graph_of, read_index
from tests.support.statedsource import Stated, StatedSource
from tests.support.world import SHARED
from tests.support.writing import writing

FUZZ = SHARED / "buildcaches" / "fuzz.v3-1.1.by-1.1.1.json.xz"
ORACLES = {
    "v3-1.1.by-1.1.1": ("v3-1.1", "1.x", False),
    "v3-1.2dev.by-1.2.0.dev0": ("v3-1.2dev", "1.x", True),
    "v2-0.23.by-0.23.2": ("v2-0.23", "0.23", False),
    "v2-0.23.by-1.1.1": ("v2-0.23", "1.x", False),
}
OF_A_MACHINE = ("default_os", "default_target", "=fe")
UNSAID = ("which version of", "archspec knows no target")
"""What an index cannot say: versions of virtual packages; of which targets an unknown one is made up."""


@lru_cache
def dag_of(mirror):
    """The DAG of a mirror's index."""
    return read_index(caches.index_of(mirror))


class Asked:
    """One index, asked by a dialect."""

    def __init__(self, mirror, dialect, *, as_of_1_2=False):
        self.dag = dag_of(mirror)
        self.dialect = dialect
        self.as_of_1_2 = as_of_1_2
        graph, self.names, hashes = graph_of(self.dag)
        self.evaluator = Evaluator(graph, dialect, hashes)

    def read(self, text):
        """The spec that a text is."""
        return parse(text, self.dialect, as_of_1_2=self.as_of_1_2)

    def at_once(self, spec):
        """What satisfies a spec, found at once."""
        found = self.evaluator.satisfying(spec)
        return sorted(self.names[one] for one in members(found, len(self.names)))

    def one_by_one(self, spec):
        """What satisfies a spec, each node judged by itself."""
        question = Question(self.dag, spec, self.dialect, self.dag.virtuals)
        return sorted(one for one in self.names if question.is_met_by(one))

    def wrong(self, said, among, *, also_one_by_one=True):
        """What is answered otherwise than Spack does, and could be told from an index."""
        try:
            spec = self.read(said["q"])
            found = self.at_once(spec)
        except (SpecTextError, UnsaidError) as error:
            return "refused" not in said and not any(kind in error.message for kind in UNSAID)
        if also_one_by_one and found != self.one_by_one(spec):
            return True
        if "refused" in said:
            return True
        is_guess = self.evaluator.nodes.is_virtual(spec.name)
        return not is_guess and [one for one in found if one in among] != said["hashes"]


@caches.needs_caches
@pytest.mark.parametrize("oracle", sorted(ORACLES))
def test_the_oracle_says_the_same(oracle):
    """Each text that Spack was asked has its answer, at once and one by one, or is refused as it was."""
    mirror, dialect, as_of_1_2 = ORACLES[oracle]
    asked = Asked(mirror, dialect, as_of_1_2=as_of_1_2)
    among = set(asked.dag.cached)
    said = json.loads((caches.unpacked() / "oracle" / f"{oracle}.json").read_bytes())["queries"]
    said = [one for one in said if not any(word in one["q"] for word in OF_A_MACHINE)]
    assert len(said) > 250
    assert [one["q"] for one in said if asked.wrong(one, among)] == []


@caches.needs_caches
@pytest.mark.parametrize("oracle", sorted(ORACLES))
def test_the_ledger_says_the_same(oracle, tmp_path):
    """What the ledger keeps of an index, and the file of the graph, are enough for the answers of Spack."""
    mirror, dialect, as_of_1_2 = ORACLES[oracle]
    stated = Stated(f"file:///{mirror}", None, "v1", "root")
    source = StatedSource("m", {stated: caches.index_of(mirror)}, 1)
    with writing(tmp_path, lambda: 1_000_000) as writer:
        row = writer.source("m", "buildcache", "m", configured=True, interval=None)
        run_pass(writer, source, row, selection=Selection(), guard=Guard())
        graph_catchup.catch_up(writer.db, tmp_path)
    db = connect.open_reader(tmp_path)
    graph, why = graph_catchup.current(db, tmp_path)
    assert why is None
    hashes = Hashes(partial(graphrows.with_hash, db), partial(graphrows.hashes, db))
    evaluator = Evaluator(graph, dialect, hashes)
    asked = Asked(mirror, dialect, as_of_1_2=as_of_1_2)
    said = json.loads((caches.unpacked() / "oracle" / f"{oracle}.json").read_bytes())["queries"]
    for one in said:
        try:
            spec = asked.read(one["q"])
            expected = [found for found in asked.at_once(spec) if found in asked.dag.cached]
            found = evaluator.spec_ids(evaluator.satisfying(spec), placed=True)
        except (SpecTextError, UnsaidError):
            continue
        assert sorted(graphrows.hashes(db, found).values()) == expected, one["q"]
    db.close()


@caches.needs_caches
@pytest.mark.skipif(not FUZZ.is_file(), reason="the random queries (../shared) are not there")
def test_random_queries_say_the_same():
    """Over all records of an index, cached or not, random texts have the answers of Spack."""
    asked = Asked("v3-1.1", "1.x")
    said = json.loads(lzma.decompress(FUZZ.read_bytes()))
    said = said["queries"] if isinstance(said, dict) else said
    said = [one for one in said if not any(word in one["q"] for word in OF_A_MACHINE)]
    assert len(said) > 2400
    assert [
        one["q"]
        for number, one in enumerate(said)
        if asked.wrong(one, set(asked.names), also_one_by_one=number % 20 == 0)
    ] == []
