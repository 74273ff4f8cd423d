"""One pass over cache indexes: what is placed, what leaves and when, what is held and what is told."""

import json

import pytest

from cachesync.diff import Guard
from cachesync.documents import change_document
from cachesync.ledger import dag, log
from cachesync.model import ChangeKind, LocationState, SourceState
from cachesync.selection import Selection
from cachesync.sources.base import Failed
from cachesync.sync.passes import run_pass
from tests.support.mirrors import Record, document, record
from tests.support.statedsource import Stated
from tests.support.statements import (
    GCC,
    HDF5,
    MIXED,
    MPI,
    OLD,
    OLD_ZLIB,
    PATCH,
    PY,
    RECORDS,
    STATEMENTS,
    ZLIB,
    World,
    migrated,
    placed,
)

MAIN, VIEW_A, VIEW_B = STATEMENTS["m"]
MANY = [record("pkg", f"1.{number}") for number in range(30)]


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.fixture
def writer(world):
    with world.writing() as writer:
        yield writer


def run(world, writer, name="m", **options):
    """One pass over a source, with its result and the labels of its changes."""
    seq = writer.seq
    row = writer.source(name, "buildcache", name, configured=True, interval=None)
    result = run_pass(
        writer, world.source(name), row, selection=Selection(), guard=Guard(), **options
    )
    return result, log.counts_since(writer.db, seq)


def put(world, records: list[Record], cached: list[Record] | None = None, statement=MAIN):
    world.put("m", statement, records, records if cached is None else cached)


def hashes(world, writer) -> set[str]:
    return {spec_hash for _, _, spec_hash in placed(writer.db)}


def test_what_is_cached_is_placed_and_the_rest_are_nodes(world, writer):
    """Externals and dependencies that were not pushed are known, and nothing is placed of them."""
    put(world, [HDF5, MIXED, PY])
    result, changes = run(world, writer)
    assert (result.state, result.listed, result.changed) == (SourceState.OK, 1, 1)
    assert changes == {"spec.cached": 3, "spec.described": 7, "index.read": 1}
    assert hashes(world, writer) == {HDF5.hash, MIXED.hash, PY.hash}
    assert log.totals(writer.db)["nodes"] == 7
    known = dag.known(writer.db, [MPI.hash, GCC.hash, HDF5.hash, "a" * 32])
    assert {spec_hash: one.is_cached for spec_hash, one in known.items()} == {
        MPI.hash: False, GCC.hash: False, HDF5.hash: True,
    }  # fmt: skip
    assert json.loads(known[GCC.hash].told.details.external)["path"] == "/usr"
    assert known[HDF5.hash].told.details.patches == (PATCH,)
    needing = dag.dependents(writer.db, [ZLIB.hash, PY.hash])
    assert {to for to, _ in needing[ZLIB.hash]} == {MPI.hash, HDF5.hash, MIXED.hash, PY.hash}
    assert PY.hash not in needing


def test_a_first_index_is_a_baseline_and_what_comes_later_is_news(world, writer):
    put(world, [ZLIB])
    run(world, writer)
    put(world, [ZLIB, PY])
    run(world, writer)
    put(world, [HDF5], statement=VIEW_B)
    run(world, writer)
    cached = {c.hash: c for c in log.changes(writer.db, log.Filter(kinds=[ChangeKind.SPEC_CACHED]))}
    assert {h: c.baseline for h, c in cached.items()} == {
        ZLIB.hash: True, PY.hash: False, HDF5.hash: True,
    }  # fmt: skip
    assert cached[PY.hash].flag


def test_an_index_that_did_not_change_makes_nothing(world, writer):
    put(world, [HDF5])
    run(world, writer)
    result, changes = run(world, writer)
    assert (result.changed, result.unchanged, changes) == (0, 1, {})


def test_what_left_stays_until_it_settled(world, writer):
    """Absent in two passes running, 304 among them, it is evicted; until then nothing is in the log."""
    put(world, [ZLIB, PY])
    run(world, writer)
    put(world, [ZLIB])
    _, changes = run(world, writer)
    assert changes == {"index.read": 1}
    assert PY.hash in hashes(world, writer)
    assert log.mirrors(writer.db)["m"][0].leaving == 1
    _, changes = run(world, writer)
    assert changes == {"spec.evicted": 1}
    assert hashes(world, writer) == {ZLIB.hash}
    assert log.mirrors(writer.db)["m"][0].leaving == 0


def test_a_pass_that_does_not_count_finds_nothing_absent_once_more(world, writer):
    """Unless the index is another one: that is absence anew, whatever brought the pass."""
    put(world, [ZLIB, PY, HDF5])
    run(world, writer)
    put(world, [ZLIB, HDF5])
    for _ in range(4):
        run(world, writer, counts=False)
        assert PY.hash in hashes(world, writer)
    assert log.mirrors(writer.db)["m"][0].leaving == 1
    put(world, [HDF5])
    _, changes = run(world, writer, counts=False)
    assert changes == {"index.read": 1, "spec.evicted": 1}
    assert hashes(world, writer) == {ZLIB.hash, HDF5.hash}
    _, changes = run(world, writer)
    assert changes == {"spec.evicted": 1}


def test_an_index_that_goes_back_in_time_evicts_nothing(world, writer):
    """Two racing rebuilds: a spec appears, disappears, appears."""
    put(world, [ZLIB, PY])
    run(world, writer)
    for _ in range(3):
        put(world, [ZLIB])
        run(world, writer)
        put(world, [ZLIB, PY])
        run(world, writer)
    assert not list(log.changes(writer.db, log.Filter(kinds=[ChangeKind.SPEC_EVICTED])))
    assert hashes(world, writer) == {ZLIB.hash, PY.hash}


def test_a_pass_that_did_not_reach_the_mirror_does_not_count(world, writer):
    put(world, [ZLIB, PY])
    run(world, writer)
    put(world, [ZLIB])
    run(world, writer)
    world.documents["m"][MAIN] = Failed("404", is_passing=True)
    for _ in range(3):
        result, _ = run(world, writer)
    assert (result.state, result.error) == (SourceState.FAILED, "file:///m: 404")
    assert PY.hash in hashes(world, writer)
    put(world, [ZLIB])
    _, changes = run(world, writer)
    assert changes == {"spec.evicted": 1, "source.recovered": 1}


def test_a_bad_index_is_rejected_once_and_recovers(world, writer):
    """What it said when it was good stands; `status` tells of its URL, and the source has failed."""
    put(world, [ZLIB])
    run(world, writer)
    for number, bad in enumerate((b"{}", b'{"database": {"version": "99", "installs": {}}}')):
        world.documents["m"][MAIN] = bad
        result, changes = run(world, writer)
        assert (result.state, result.rejected) == (SourceState.FAILED, 1)
        assert result.error.startswith("file:///m: ")
        assert changes == ({"index.rejected": 1, "source.failed": 1} if number == 0 else {})
    (trouble,) = log.troubles(writer.db, LocationState.REJECTED)
    assert trouble.page == "file:///m"
    assert "version 99" in trouble.reason
    assert hashes(world, writer) == {ZLIB.hash}
    put(world, [ZLIB, PY])
    result, changes = run(world, writer)
    assert changes == {
        "spec.cached": 1, "spec.described": 1, "index.read": 1, "index.recovered": 1,
        "source.recovered": 1,
    }  # fmt: skip
    assert (result.state, result.rejected) == (SourceState.OK, 0)


@pytest.mark.parametrize("broken", ["keys", "specs"])
def test_an_index_that_is_mostly_refused_says_nothing_of_what_left(world, writer, broken):
    """It is rejected with the share and the place; what was there stays, however often it is read."""
    put(world, MANY)
    run(world, writer)
    before = hashes(world, writer)
    told = json.loads(world.documents["m"][MAIN])
    installs = told["database"]["installs"]
    for number, one in enumerate(MANY[:16]):
        if broken == "keys":
            installs[f"\x1b[31m{number}"] = installs.pop(one.hash)
        else:
            installs[one.hash]["spec"]["version"] = 7
    fresh = [record(f"fresh{number}") for number in range(2)]  # good, and of the same index
    for one in fresh:
        installs[one.hash] = {"spec": one.spec, "ref_count": 0, "in_buildcache": True}
        installs[f"\x1b[31m{one.hash}"] = installs[MANY[0].hash] if broken != "keys" else {}
    world.documents["m"][MAIN] = json.dumps(told).encode()
    for changes in ({"index.rejected": 1, "source.failed": 1}, {}, {}):
        result, made = run(world, writer)
        assert (result.rejected, made) == (1, changes)
        assert hashes(world, writer) == before
    assert log.mirrors(writer.db)["m"][0].leaving == 0
    (trouble,) = log.troubles(writer.db, LocationState.REJECTED)
    assert trouble.reason.startswith("18 of 34 records are refused; installs")
    put(world, MANY)
    assert run(world, writer)[1] == {"index.recovered": 1, "source.recovered": 1}


def test_a_record_without_its_hash_may_be_any_that_is_missing(world, writer):
    """Nothing is taken for gone while an index holds a record whose key is no hash."""
    put(world, MANY)
    run(world, writer)
    told = json.loads(world.documents["m"][MAIN])
    installs = told["database"]["installs"]
    installs["no hash"] = installs.pop(MANY[0].hash)
    world.documents["m"][MAIN] = json.dumps(told).encode()
    for _ in range(3):
        run(world, writer)
        assert MANY[0].hash in hashes(world, writer)
    del installs["no hash"]
    world.documents["m"][MAIN] = json.dumps(told).encode()
    for _ in range(2):
        run(world, writer)
    assert MANY[0].hash not in hashes(world, writer)


def test_an_index_that_comes_back_as_it_was_recovers(world, writer):
    """After another that was rejected, whoever found that out; nothing else is told."""
    put(world, [ZLIB])
    run(world, writer)
    good = world.documents["m"][MAIN]
    for bad in (b"{}", Failed("a newer version", memory={})):
        world.documents["m"][MAIN] = bad
        assert run(world, writer)[1] == {"index.rejected": 1, "source.failed": 1}
        world.documents["m"][MAIN] = good
        result, changes = run(world, writer)
        assert (result.rejected, changes) == (0, {"index.recovered": 1, "source.recovered": 1})


def test_an_unchanged_rejected_index_stays_rejected(world, writer):
    world.documents["m"][MAIN] = b"{}"
    run(world, writer)
    result, changes = run(world, writer)
    assert (result.state, result.rejected, changes) == (SourceState.FAILED, 1, {})


def test_the_guard_holds_what_settled(world, writer):
    """More than half of the specs and more than 20 stay until that is accepted."""
    put(world, MANY)
    run(world, writer)
    put(world, MANY[:5])
    result, _ = run(world, writer)
    assert result.state is SourceState.OK
    for _ in range(2):
        result, _ = run(world, writer)
        assert (result.state, result.held) == (SourceState.HELD, 25)
        assert "25 of 30 specs" in result.error
    assert len(hashes(world, writer)) == 30
    result, changes = run(world, writer, allow_mass_removal=True)
    assert (result.state, changes) == (SourceState.OK, {"spec.evicted": 25, "source.recovered": 1})


def test_what_goes_bit_by_bit_is_judged_together(world, writer):
    """The guard counts what went since a change with what is to go."""
    put(world, MANY)
    run(world, writer)
    since = writer.seq
    for left in (20, 10, 5):
        put(world, MANY[:left])
        for _ in range(2):
            result, _ = run(world, writer, since=since)
    assert result.state is SourceState.HELD
    assert len(hashes(world, writer)) == 10


def test_an_emptied_index_is_held_at_once(world, writer):
    """Sooner an accident than a mirror without a spec; it is accepted when somebody says so."""
    put(world, [ZLIB, PY])
    run(world, writer)
    put(world, [])
    for _ in range(3):
        result, changes = run(world, writer)
        assert (result.state, result.held) == (SourceState.HELD, 2)
    assert hashes(world, writer) == {ZLIB.hash, PY.hash}
    result, changes = run(world, writer, allow_mass_removal=True)
    assert changes["spec.evicted"] == 2


def test_nothing_leaves_while_an_emptied_index_is_held(world, writer):
    """What left another view stays with it, however little; what would go is counted, what others have is not."""
    a, b = [*MANY[:4], *MANY[10:]], MANY[:10]
    put(world, a, statement=VIEW_A)
    put(world, MANY[:10], statement=Stated("file:///m", "c", "v1", "c"))
    put(world, b, statement=VIEW_B)
    run(world, writer)
    every = placed(writer.db)
    put(world, [], statement=VIEW_A)
    put(world, b[:8], statement=VIEW_B)
    for _ in range(4):
        result, changes = run(world, writer)
        assert result.state is SourceState.HELD
        assert "spec.evicted" not in changes
    assert placed(writer.db) == every
    assert result.held == 22, "20 that only the emptied view has, and 2 of another tag"
    result, changes = run(world, writer, allow_mass_removal=True)
    assert (result.state, changes["spec.evicted"]) == (SourceState.OK, 22)


def test_views_with_one_tag_are_stacks(world, writer):
    """A spec of both is one placement; where one has it no longer, the stacks change."""
    put(world, [ZLIB, PY])
    put(world, [ZLIB], statement=VIEW_A)
    put(world, [ZLIB], statement=VIEW_B)
    run(world, writer)
    assert placed(writer.db) == {
        ("m", "v1", ZLIB.hash): ("a", "root"), ("m", "v1", PY.hash): ("root",),
        ("m", "v2", ZLIB.hash): ("b",),
    }  # fmt: skip
    put(world, [PY])
    run(world, writer)
    _, changes = run(world, writer)
    assert changes == {"spec.restacked": 1}
    assert placed(writer.db)["m", "v1", ZLIB.hash] == ("a",)


def test_an_index_that_is_not_configured_any_more_leaves_under_the_guard(world, writer):
    put(world, MANY[:2])
    put(world, MANY, statement=VIEW_B)
    run(world, writer)
    del world.documents["m"][VIEW_B]
    result, _ = run(world, writer)
    assert (result.state, result.held) == (SourceState.HELD, 30)
    _, changes = run(world, writer, allow_mass_removal=True)
    assert changes["spec.evicted"] == 30
    assert [one.tag for one in log.mirrors(writer.db)["m"]] == ["v1"]


@pytest.mark.parametrize("pages_first", [True, False])
def test_pages_and_indexes_of_one_hash_agree_silently(world, writer, pages_first):
    """No warning, one build, both placements: an index knows more, and its word stays."""
    put(world, [HDF5, OLD])
    told = [("none", True), ("gcc@=12.3.0", False)]
    for one, (compiler, short) in zip((HDF5, OLD_ZLIB), told, strict=True):
        world.put_page(one, compiler=compiler if one is HDF5 else "none", short=short)
    if pages_first:
        world.sync(writer, "other")
    world.sync(writer, "m")
    world.sync(writer, "m")
    assert not list(log.warnings(writer.db))
    known = dag.known(writer.db, [HDF5.hash, OLD_ZLIB.hash])
    assert known[HDF5.hash].build.compiler == "gcc@=12.3.0"
    assert f"patches={PATCH}" in known[HDF5.hash].build.variants
    assert known[OLD_ZLIB.hash].build.compiler == "gcc@=11.4.0"
    assert {source for source, _, h in placed(writer.db) if h == HDF5.hash} == {"m", "pages"}
    refined = list(log.changes(writer.db, log.Filter(kinds=[ChangeKind.SPEC_REFINED])))
    assert len(refined) == (2 if pages_first else 0)
    assert all(change.baseline for change in refined), "nobody is told"


def test_another_form_of_a_record_is_read_once(world, writer):
    """A migrated mirror writes other bytes of the same hash: joined once, not decoded again."""
    put(world, [OLD])
    run(world, writer)
    put(world, [migrated(OLD)], statement=VIEW_A)
    _, changes = run(world, writer)
    assert changes == {"spec.restacked": 1, "index.read": 1}
    assert writer.forms()
    put(world, [migrated(OLD), PY], statement=VIEW_A)
    run(world, writer)
    assert not list(log.warnings(writer.db))


def test_dependents_before_dependencies_are_no_matter(world, writer):
    """Whatever the order of an index is, nothing is told of before what it refers to."""
    records = list(RECORDS)
    order = [one.hash for one in reversed(records)]
    world.documents["m"][MAIN] = document(records, cached=records, order=order)
    world.cached["m", MAIN] = {one.hash for one in records if not one.is_external}
    world.sync(writer, "m")
    world.check(writer.db)


def test_what_was_warned_of_is_looked_at_again(world, writer):
    """A record that is mended, also by becoming what it once was, is warned of no longer."""
    put(world, [ZLIB, HDF5])
    run(world, writer)
    assert list(log.warnings(writer.db)) == []
    good = world.documents["m"][MAIN]
    told = json.loads(good)
    told["database"]["installs"][ZLIB.hash]["spec"]["namespace"] = "other"
    harmed = json.dumps(told).encode()
    for data, warned in ((harmed, True), (harmed + b" ", True), (good, False)):
        world.documents["m"][MAIN] = data
        run(world, writer)
        reasons = [warning.reason for warning in log.warnings(writer.db)]
        assert any("does not follow" in reason for reason in reasons) is warned, reasons


def test_a_circle_is_refused_and_everything_else_goes_on(world, writer):
    """What is on it is refused with the place; what needs it refers to something that is not there."""
    one, two, needy = (record(name) for name in ("one", "two", "needy"))

    def needing(of: Record, to: Record) -> dict:
        edge = {
            "name": to.name,
            "hash": to.hash,
            "parameters": {"deptypes": ["link"], "virtuals": []},
        }
        return {"spec": {**of.spec, "dependencies": [edge]}, "ref_count": 0, "in_buildcache": True}

    installs = {
        one.hash: needing(one, two), two.hash: needing(two, one), needy.hash: needing(needy, one),
        ZLIB.hash: {"spec": record("free").spec | {"hash": ZLIB.hash}, "in_buildcache": True},
    }  # fmt: skip
    document_ = {"database": {"version": "7", "installs": installs}}
    world.documents["m"][MAIN] = json.dumps(document_).encode()
    result, _ = run(world, writer)
    assert result.state is SourceState.OK
    assert hashes(world, writer) == {needy.hash, ZLIB.hash}
    told = [warning.reason for warning in log.warnings(writer.db)]
    assert [line for line in told if one.hash in line and "depends on itself" in line]
    (known,) = dag.known(writer.db, [needy.hash]).values()
    assert [to for to, _ in known.told.edges] == [one.hash]
    assert [to for to, _ in dag.dependents(writer.db, [one.hash])[one.hash]] == [needy.hash]


def test_a_description_in_the_log_is_whole(world, writer):
    """A follower needs the log and nothing else."""
    put(world, [HDF5])
    run(world, writer)
    told = {
        change.hash: change_document(change)
        for change in log.changes(writer.db, log.Filter(kinds=[ChangeKind.SPEC_DESCRIBED]))
    }
    said = told[HDF5.hash]
    assert said["package"] == "hdf5"
    assert said["build"]["compiler"] == "gcc@=12.3.0"
    assert list(said["details"]["patches"]) == [PATCH]
    assert {edge["hash"] for edge in said["edges"]} == {GCC.hash, MPI.hash, ZLIB.hash}
    assert {"hash": MPI.hash, "types": ["build", "link"], "virtuals": ["mpi"]} in said["edges"]
    assert log.counts_since(writer.db, 0)["index.read"] == 1
    (read,) = log.changes(writer.db, log.Filter(kinds=[ChangeKind.INDEX_READ], tag="v1"))
    assert (read.path, read.stacks, len(read.checksum)) == ("file:///m", ("root",), 64)
