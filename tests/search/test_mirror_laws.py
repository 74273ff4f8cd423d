"""`mirror:` and `signed:` over random histories: a plain loop over placements says the same as every way of answering."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachesync import query
from cachesync.index import catchup
from cachesync.ledger import connect, read
from cachesync.search.searcher import Searcher
from tests.support.statements import World, histories
from tests.support.writing import played

TEXTS = ("mirror:m", "mirror:FILE:///m/", "mirror:/m OR mirror:other", "mirror:file:*", "-mirror:m", "mirror:other -mirror:m",
         "mirror:nosuch", "mirror:m tag:v1 -stack:root", "signed:yes", "signed:no", "-signed:yes", "-(-signed:no)",
         "-(mirror:m signed:no)", "hdf5 OR signed:yes", "signed:yes signed:no", "mirror:m -signed:no",
         "hdf5 (mirror:other OR -signed:yes)")  # fmt: skip
signs = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 11), st.booleans()), max_size=12)


@pytest.mark.slow
@settings(max_examples=8)
@given(histories, st.data())
def test_every_way_of_answering_is_the_same(history, data):
    """The index, one that is behind and the ledger find what the loop does, and count it."""
    with tempfile.TemporaryDirectory() as root:
        world = World(Path(root))
        with world.writing() as writer:
            for number in played(world, history, writer):
                _sign(writer.db, data.draw(signs))
                _check(world.state, writer.db)
                if number % 2:
                    catchup.catch_up(writer.db, world.state)
                    _check(world.state, writer.db)
            world.check(writer.db)


def _sign(db: connect.Connection, drawn: list[tuple[int, int, bool]]) -> None:
    """Note signatures of placed specs, as reading their manifests would."""
    statements = [one for (one,) in db.execute("SELECT id FROM statement ORDER BY id")]
    for which, nth, signed in drawn if statements else ():
        statement = statements[which % len(statements)]
        placed = [
            spec_id
            for (spec_id,) in db.execute(
                "SELECT p.spec_id FROM statement o JOIN tag t ON t.source_id = o.source_id AND t.name = o.tag"
                " JOIN page g ON g.tag_id = t.id JOIN placement p ON p.page_id = g.id"
                " JOIN stacks k ON k.id = p.stacks_id WHERE o.id = ?"
                " AND char(10) || k.names || char(10) LIKE '%' || char(10) || o.stack || char(10) || '%'"
                " ORDER BY 1",
                (statement,),
            )
        ]
        if placed:
            db.execute(
                "INSERT OR REPLACE INTO signature VALUES (?, ?, ?)",
                (statement, placed[nth % len(placed)], signed),
            )


class _Loop:
    """Judges placements one by one: true, false, or None where it is not known."""

    def __init__(self, db: connect.Connection) -> None:
        self.builds = dict(read.all_builds(db))
        self.placements = list(read.placed_specs(db, self.builds))
        self.statements = db.execute(
            "SELECT o.id, s.name, o.tag, o.stack, o.url FROM statement o JOIN source s ON s.id = o.source_id"
        ).fetchall()
        self.signed = {
            (statement, spec_hash): bool(signed)
            for statement, spec_hash, signed in db.execute(
                "SELECT k.statement_id, s.hash, k.signed FROM signature k JOIN spec s ON s.id = k.spec_id"
            )
        }

    def mirrors(self, one) -> list[tuple[int, str, str]]:
        """Id, name and address of those that placed it."""
        return [
            (number, source, url)
            for number, source, tag, stack, url in self.statements
            if (source, tag) == (one.source, one.tag) and stack in one.stacks
        ]

    def signatures(self, one) -> set[bool]:
        found = (self.signed.get((number, one.hash)) for number, _, _ in self.mirrors(one))
        return {said for said in found if said is not None}

    def judge(self, node: query.Node, one) -> bool | None:
        if isinstance(node, query.Not):
            inner = self.judge(node.node, one)
            return None if inner is None else not inner
        if isinstance(node, (query.And, query.Or)):
            verdicts = [self.judge(child, one) for child in node.nodes]
            decisive = isinstance(node, query.Or)
            if decisive in verdicts:
                return decisive
            return None if None in verdicts else not decisive
        assert isinstance(node, query.Term)
        if node.field == "mirror":
            wanted = node.value if node.prefix else node.value.rstrip("/")
            called = [
                name
                for _, source, url in self.mirrors(one)
                for name in (source, url, url.removeprefix("file://"))
            ]
            return any(n.startswith(wanted) if node.prefix else n == wanted for n in called)
        if node.field == "signed":
            known = self.signatures(one)
            return (node.value == "yes") in known if known else None
        return query.matches(
            node, self.builds[one.build_id], one.hash, source=one.source, tag=one.tag, stacks=one.stacks
        )  # fmt: skip


def _check(state: Path, db: connect.Connection) -> None:
    loop, searcher = _Loop(db), Searcher(state)
    placed = {(number, one.hash) for one in loop.placements for number, _, _ in loop.mirrors(one)}
    assert loop.signed.keys() <= placed, "what is known of a signature goes with the placement"
    for text in TEXTS:
        node = query.parse(text)
        met = [one for one in loop.placements if loop.judge(node, one)]
        open_ = {o.build_id for o in loop.placements if loop.judge(node, o) is None}
        answer = searcher.search(node, facets=True, unnamed=True)
        assert {
            (spec.hash, *place)
            for hit in answer.hits
            for spec in hit.specs
            for place in spec.placements
        } == {(one.hash, one.source, one.tag, one.stacks) for one in met}, text
        assert answer.specs == len({one.hash for one in met})
        assert answer.unsigned == len(open_ - {one.build_id for one in met}), text
        few = searcher.search(node, limit=1)
        assert (few.builds, few.specs) == (answer.builds, answer.specs)
        urls, signed = {}, {}
        for one in met:
            for number, _, url in loop.mirrors(one):
                urls.setdefault(url, set()).add(one.hash)
                said = loop.signed.get((number, one.hash))
                if said is not None:
                    signed.setdefault("yes" if said else "no", set()).add(one.hash)
        for name, expected in (("mirror", urls), ("signed", signed)):
            found = {value: n["specs"] for value, n in answer.facets[name].items()}
            assert found == {value: len(hashes) for value, hashes in expected.items()}, text
    searcher.close()
