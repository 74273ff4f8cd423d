"""A ledger of an older release becomes one of this by one `sync`, and nobody is told of it."""

import json
import sqlite3
from pathlib import Path

import pytest

from cachesync.config.file import parse as parse_config
from cachesync.ledger import connect, dag, names
from cachesync.notify.follower import Follower
from cachesync.notify.message import Message
from cachesync.notify.outbox import intake
from cachesync.notify.outbox.connect import open_outbox, transaction
from cachesync.reports import verify
from tests.support.killing import (
    SYSCALLS,
    Case,
    killed_before_every,
    killed_before_some,
    need_tracing,
    undisturbed,
)
from tests.support.rig import State, Tree, spec, spec_hash
from tests.support.statements import ALL_LLVM, HDF5, MIXED, WITH_NAG, several_compilers

from .oldledger import NEW_FORM, OLD_FORM, PATCHED, make

NORMAL = ["+shared", "amdgpu_target=gfx90a", "build_system=cmake", "languages=c,c++", "libs=shared,static"]  # fmt: skip
KEPT = ("change", "placement", "page", "tag", "stacks", "ledger")
"""Tables of which nothing may change."""


def rows(state: State, table: str) -> list[tuple]:
    db = sqlite3.connect(state.path / "ledger.sqlite")
    try:
        return sorted(db.execute(f"SELECT * FROM {table}"), key=repr)
    finally:
        db.close()


def arkouda(*numbers: int) -> set[str]:
    return {spec_hash("a", number) for number in numbers}


def test_a_ledger_of_schema_3_is_migrated_by_one_sync(tmp_path):
    """The log, the placements and the answers are as they were; nodes can be told of from then on."""
    state = make(tmp_path, 3)
    before = {table: rows(state, table) for table in KEPT}
    assert state.sync().json["changes"] == {}
    assert {table: rows(state, table) for table in KEPT} == before
    state.assert_sound()
    assert state.search(f"arkouda patches:={PATCHED}")["specs"] == 2
    assert state.status()["ledger"]["nodes"] == 0
    db = connect.open_reader(state.path)
    try:
        plan = db.execute("EXPLAIN QUERY PLAN SELECT id FROM build WHERE digest = 1").fetchall()
    finally:
        db.close()
    assert "build_digest" in plan[0][-1]


def test_builds_of_a_ledger_of_schema_4_are_told_apart_by_their_compilers(tmp_path):
    """In the log too, which named the compilers of these specs before; all else is as it was."""
    state = make(tmp_path, 4)
    before = {table: rows(state, table) for table in KEPT}
    assert state.sync().json["changes"] == {}
    after = {table: rows(state, table) for table in KEPT}
    changed = [
        (was, now) for was, now in zip(before["change"], after["change"], strict=True) if was != now
    ]
    told_of = {spec_id for spec_id, spec_hash, *_ in rows(state, "spec")
               if spec_hash in (MIXED.hash, WITH_NAG.hash)}  # fmt: skip
    assert {now[5] for _, now in changed} == told_of
    assert all((was[:6], was[7:]) == (now[:6], now[7:]) for was, now in changed)
    assert {**before, "change": ()} == {**after, "change": ()}
    state.assert_sound()
    found = {r["specs"][0]["hash"]: r.get("compilers", {}) for r in state.search("hdf5")["results"]}
    records = (MIXED, WITH_NAG, ALL_LLVM)
    assert found == {one.hash: several_compilers(one) for one in records}
    told = {(c["hash"], *c["build"].get("compilers", {}).items()) for c in state.log()
            if c["kind"].startswith("spec.") and c["package"] == "hdf5"}  # fmt: skip
    assert told == {(one.hash, *several_compilers(one).items()) for one in (*records, HDF5)}
    assert state.hashes("%nag") == {WITH_NAG.hash}


def test_a_page_that_named_another_compiler_leads_those_of_the_other_languages(tmp_path):
    """Specs that differ by what the page outdid are of one build, and one with no difference left stays."""
    state = make(tmp_path, 4)
    db = sqlite3.connect(state.path / "ledger.sqlite")
    db.execute("UPDATE build SET compiler = 'gcc@=12.3.0' WHERE compiler = 'llvm@=17.0.6'")
    for one, c, fortran in (
        (MIXED, "clang@=1", "nag@=7.2"),
        (ALL_LLVM, "clang@=1", "gcc@=12.3.0"),
    ):
        # A row of its own for each: what a page contradicted is rare, and made up here.
        db.execute(
            "INSERT INTO details (digest, document) SELECT 0, json_replace(d.document, '$[7]', json(?))"
            " FROM details d JOIN node n ON n.details_id = d.id JOIN spec s ON s.node_id = n.id"
            " WHERE s.hash = ?",
            (json.dumps([["c", c], ["fortran", fortran]]), one.hash),
        )
        db.execute(
            "UPDATE node SET details_id = (SELECT max(id) FROM details)"
            " WHERE id = (SELECT node_id FROM spec WHERE hash = ?)",
            (one.hash,),
        )
    db.commit()
    db.close()
    db = connect.open_writer(state.path, now=0)
    try:
        builds = dict(db.execute("SELECT hash, build_id FROM spec"))
        assert builds[MIXED.hash] == builds[WITH_NAG.hash] != builds[ALL_LLVM.hash]
        found = {spec_hash: dag.known(db, [spec_hash])[spec_hash].build for spec_hash in builds}
        assert found[MIXED.hash].compilers == (("c", "gcc@=12.3.0"), ("fortran", "nag@=7.2"))
        assert found[ALL_LLVM.hash].compilers == ()
        assert len(set(found.values())) == len(set(builds.values()))
        assert list(verify.check_log(db)) == []
        (same,) = db.execute("SELECT count(*) FROM build GROUP BY digest ORDER BY 1 DESC LIMIT 1")
        assert same == (1,)
    finally:
        db.close()


def test_a_ledger_with_both_forms_of_variants_is_migrated_by_one_sync(tmp_path):
    """Same placements, same log, no change; builds that are one are one, and all is told in one form."""
    state = make(tmp_path)
    before = {table: rows(state, table) for table in KEPT}
    told = state.run(
        "search", "celeritas"
    ).err.decode()  # an older daemon's `sync` migrates nothing
    assert "restart the daemon where one runs, else run `cachesync --config " in told
    assert f" --state-dir {state.path} sync` once" in told
    assert state.sync().json["changes"] == {}
    assert {table: rows(state, table) for table in KEPT} == before
    state.assert_sound()
    db = connect.open_reader(state.path)
    try:
        offered = names.beginning_with(db, "variant", "", most=1000)
    finally:
        db.close()
    assert {*NORMAL, f"patches={PATCHED}"} < set(offered)
    assert not [variant for variant in offered if ":=" in variant]
    told = [change["build"]["variants"] for change in state.log() if "build" in change]
    assert {tuple(variants) for variants in told} == {
        tuple(NORMAL), (f"patches={PATCHED}",), ("+mpi", "build_system=cmake"),
        ("+mpi", "build_system=cmake", "cxxflags='a b'"),
    }  # fmt: skip
    answer = state.search(f"arkouda patches:={PATCHED}")
    assert (answer["builds"], answer["specs"]) == (1, 2)
    assert state.hashes("arkouda patches=*") == arkouda(1, 2)
    assert state.search("celeritas languages:='c++,c'")["builds"] == 1
    assert state.hashes("plain", 'cxxflags="a b"') == {spec_hash("p", 0)}


def test_what_was_warned_of_because_of_the_form_is_withdrawn(tmp_path):
    """Without reading a page again; what is different indeed is still warned of."""
    state = make(tmp_path)
    state.sync()
    warned = [(w["page"], w["reason"]) for w in state.status()["warnings"]]
    told = "compiler: this page says 'none', another says 'gcc@=13.2.0'; 'gcc@=13.2.0' is kept"
    assert warned[0] == ("develop/celeritas/specs.md", f"spec /{spec_hash('c', 1)}: {told}")
    assert [page for page, _ in warned] == ["develop/celeritas/specs.md", "v1/plain/specs.md"]


def test_pages_that_tell_the_same_in_the_other_form_are_no_change(tmp_path):
    """Behind the migration the forms may change as they like."""
    state = make(tmp_path)
    site = Tree(state.sources[0])
    site.write("develop", "celeritas", [spec("c", n, variants=OLD_FORM) for n in range(4)])
    site.write("v1", "celeritas", [spec("c", n, variants=NEW_FORM) for n in (3, 2)])
    site.write("v1", "arkouda", [
        spec("a", 1, variants=[f"patches:={PATCHED}"]), spec("a", 2, variants=[f"patches={PATCHED}"]),
    ])  # fmt: skip
    done = state.sync().json
    assert done["changes"] == {}
    assert done["sources"][0]["changed"] == 3
    state.assert_sound()
    assert not [
        w for w in state.status()["warnings"] if "celeritas" in w["page"] and w["source"] == "site"
    ]


def test_nobody_is_told_of_the_migration(tmp_path):
    """An outbox goes on where it was: what waits in it keeps its id, and no message is added."""
    state = make(tmp_path)
    ((identity, _),) = rows(state, "ledger")
    last, at, *_ = max(rows(state, "change"))
    config = parse_config(
        f"sources: [{{name: site, type: directory, path: {state.sources[0]}}}]\n"
        "subscriptions: [{name: all, query: '', events: [spec.cached, spec.evicted, spec.refined],"
        " targets: [{type: webhook, url: 'https://example.org/'}]}]\n",
        name="x",
    )
    (entry,) = config.subscriptions
    outbox = open_outbox(state.path)

    def run(work):
        with transaction(outbox) as db:
            return work(db)

    def messages():
        return run(lambda db: db.execute("SELECT * FROM message").fetchall())

    position = intake.Position(identity, last, str(at))
    run(lambda db: intake.start_at(db, position))
    run(lambda db: intake.store_subscription(db, "all", "", entry.events, first=entry.first))
    state.sync()
    ledger = connect.open_reader(state.path)
    try:
        follower = Follower(ledger, run, state.path)
        follower.begin(config, now=at)
        run(lambda db: intake.add_messages(db, 1, [Message("t", b"{}", last, last, 0)], at=at))
        before = messages()
        assert len(before) == 1
        assert follower.catch_up(now=at) == 0
        follower.close_windows(now=at, all_=True)
        assert messages() == before
        assert run(intake.position) == position
        assert run(lambda db: db.execute("SELECT note FROM position").fetchone()) == (None,)
    finally:
        ledger.close()
        outbox.close()


@pytest.fixture(scope="module", params=[2, 3, 4])
def case(request, tmp_path_factory) -> Case:
    """An old ledger with one page that has changed, and what an undisturbed sync makes of it."""
    need_tracing()
    root: Path = tmp_path_factory.mktemp("migration")
    before = make(root, request.param)
    Tree(before.sources[0]).write("v1", "new", [spec("n", 0, variants=["libs:=b,a"])])
    _, case = undisturbed(before, root)
    assert [change["kind"] for change in case.expected[-2:]] == ["page.added", "spec.cached"]
    return case


@pytest.mark.parametrize("syscall", SYSCALLS)
def test_killed_before_a_write_the_next_sync_migrates(case, tmp_path, syscall):
    """Killed before any call that changes the disk, the next sync ends where it would have ended."""
    killed_before_some(case, tmp_path, syscall, 6)


@pytest.mark.soak
@pytest.mark.parametrize("syscall", SYSCALLS)
def test_killed_before_every_write_the_next_sync_migrates(case, tmp_path, syscall):
    """As above, without leaving one out."""
    killed_before_every(case, tmp_path, syscall)
