"""What a record refines of what is known of its hash: late compilers, and records that are wrong or may be."""

import json

import pytest

from cachesync import query
from cachesync.diff import Guard
from cachesync.graph import catchup as graph_catchup
from cachesync.graph import following
from cachesync.index import catchup
from cachesync.ledger import dag, log, read, whole
from cachesync.model import ChangeKind
from cachesync.reports import verify
from cachesync.selection import Selection
from cachesync.sync.passes import run_pass
from tests.graph.test_catchup import told
from tests.support.answering import check_answers, check_index
from tests.support.mirrors import Record, document, edge, record
from tests.support.statements import GCC, HDF5, LLVM, MIXED, STATEMENTS, ZLIB, World, placed

MAIN, VIEW_A, _ = STATEMENTS["m"]
(OTHER,) = STATEMENTS["other"]
GCC_13 = record("gcc", "13.2.0", external="/usr", target="x86_64")


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.fixture
def writer(world):
    with world.writing() as writer:
        yield writer


def run(world, writer, name="m", selection=None):
    row = writer.source(name, "buildcache", name, configured=True, interval=None)
    return run_pass(
        writer, world.source(name), row, selection=selection or Selection(), guard=Guard()
    )


def put(world, records, *, without=(), wrong=None, source="m", statement=MAIN):
    """An index of records and what they need, `without` some; `wrong` is what is changed in which hash."""
    said = json.loads(document(records))
    installs = said["database"]["installs"]
    for one in without:
        del installs[one.hash]
    for spec_hash, changes in (wrong or {}).items():
        installs[spec_hash]["spec"].update(changes)
    world.documents[source][statement] = json.dumps(said, separators=(",", ":")).encode()


def put_other(world, records, **how):
    put(world, records, source="other", statement=OTHER, **how)


def known(writer, one: Record) -> dag.Known:
    return dag.known(writer.db, [one.hash])[one.hash]


def doubts(writer) -> list[tuple[str, str]]:
    """Source and hash of every record that is warned of."""
    return sorted(
        (warning.source, warning.reason.split(".")[1])
        for warning in log.warnings(writer.db)
        if "does not follow" in warning.reason
    )


def of_compiler(writer, one: Record) -> tuple[str, dict[str, str], dict[str, str]]:
    """Its compiler, those of its languages, and those that indexes say."""
    found = known(writer, one)
    return found.build.compiler, dict(found.build.compilers), dict(found.told.details.compilers)


def check_projections(world, writer) -> None:
    """The search index and the graph follow the ledger, and find by compiler what it has."""
    catchup.catch_up(writer.db, world.state)
    check_index(world.state, writer.db)
    asked = ("%gcc", "%gcc@12.3.0", "%gcc@13:", "compiler:gcc@=12.3.0", "@9")
    nodes = [query.as_pages(query.parse(text)) for text in asked]
    check_answers(world.state, writer.db, nodes)
    assert graph_catchup.catch_up(writer.db, world.state) is None
    with read.snapshot(writer.db):
        graph, why = graph_catchup.current(writer.db, world.state)
    assert why is None
    assert told(graph) == told(following.made(writer.db))


# -- compilers that are told of later


@pytest.mark.parametrize("whence", ["same index", "another mirror", "page"])
def test_a_compiler_that_is_told_of_later_is_named_in_what_needs_it(world, writer, whence):
    """As if it had been there at first; the log says so, and the search index follows it."""
    put(world, [ZLIB, HDF5], without=[GCC])
    run(world, writer)
    assert of_compiler(writer, ZLIB) == ("gcc", {}, {})
    check_projections(world, writer)
    before = writer.seq
    if whence == "same index":
        put(world, [ZLIB, HDF5])
        run(world, writer)
    elif whence == "another mirror":
        put_other(world, [GCC])
        run(world, writer, "other")
    else:
        world.put_page(GCC, compiler="none", short=False)
        world.sync(writer, "other")
    for one in (ZLIB, HDF5):
        assert of_compiler(writer, one) == ("gcc@=12.3.0", {}, {})
    assert list(verify.check_log(writer.db)) == []
    changes = list(log.changes(writer.db, log.Filter(after=before)))
    refined = {c.hash: c for c in changes if c.kind is ChangeKind.SPEC_REFINED}
    assert {ZLIB.hash, HDF5.hash} <= refined.keys()
    assert all(c.baseline and c.build_before.compiler == "gcc" for c in refined.values())
    assert next(c.hash for c in changes if c.hash) == GCC.hash, (
        "it is described before what needs it is refined"
    )
    check_projections(world, writer)


def test_each_language_has_its_compiler_named_when_it_is_told_of(world, writer):
    """One after the other; the details of an index say so too."""
    put(world, [MIXED], without=[GCC, LLVM])
    run(world, writer)
    bare = {"c": "llvm", "fortran": "gcc"}
    assert of_compiler(writer, MIXED) == ("llvm", bare, bare)
    put_other(world, [GCC])
    run(world, writer, "other")
    half = {"c": "llvm", "fortran": "gcc@=12.3.0"}
    assert of_compiler(writer, MIXED) == ("llvm", half, half)
    put_other(world, [LLVM])
    run(world, writer, "other")
    both = {"c": "llvm@=17.0.6", "fortran": "gcc@=12.3.0"}
    assert of_compiler(writer, MIXED) == ("llvm@=17.0.6", both, both)
    assert list(verify.check_log(writer.db)) == []


def test_two_compilers_of_one_name_are_told_apart_when_one_is_known(world, writer):
    """Until then the languages did not differ by what was known."""
    two = record(
        "two", "1", edge(GCC, "build", virtuals=("c",)), edge(GCC_13, "build", virtuals=("fortran",))
    )  # fmt: skip
    put(world, [two], without=[GCC, GCC_13])
    run(world, writer)
    assert of_compiler(writer, two) == ("gcc", {}, {})
    put_other(world, [GCC_13])
    run(world, writer, "other")
    said = {"c": "gcc", "fortran": "gcc@=13.2.0"}
    assert of_compiler(writer, two) == ("gcc", said, said)
    put_other(world, [GCC_13, GCC])
    run(world, writer, "other")
    said = {"c": "gcc@=12.3.0", "fortran": "gcc@=13.2.0"}
    assert of_compiler(writer, two) == ("gcc@=12.3.0", said, said)
    assert list(verify.check_log(writer.db)) == []


def test_a_compiler_that_was_told_of_alters_nothing_else(world, writer):
    """Neither what needs another compiler of that name, nor what needs it otherwise."""
    runs = record("runs", "1", edge(GCC, "run"), edge(GCC_13, "build", virtuals=("c",)))
    put(world, [runs], without=[GCC, GCC_13])
    run(world, writer)
    put_other(world, [GCC])
    run(world, writer, "other")
    assert of_compiler(writer, runs) == ("gcc", {}, {})


# -- records from which their hash does not follow

WRONG = {ZLIB.hash: {"version": "9", "namespace": "other"}}


def test_a_wrong_record_alters_nothing_of_a_right_one(world, writer):
    """Of another mirror; it is warned of, and what it says is placed."""
    put(world, [ZLIB])
    run(world, writer)
    right, before = known(writer, ZLIB), writer.seq
    put_other(world, [ZLIB], wrong=WRONG)
    run(world, writer, "other")
    assert known(writer, ZLIB) == right
    assert {(s, h) for s, _, h in placed(writer.db)} == {("m", ZLIB.hash), ("other", ZLIB.hash)}
    labels = {c.kind.label for c in log.changes(writer.db, log.Filter(after=before))}
    assert labels == {"spec.cached", "index.read"}
    assert doubts(writer) == [("other", ZLIB.hash)]
    assert list(verify.check_log(writer.db)) == []


def test_a_right_record_replaces_a_wrong_one(world, writer):
    """Everything that it said, in the log too; the other mirror's warning stays."""
    put_other(world, [ZLIB], wrong=WRONG)
    run(world, writer, "other")
    assert known(writer, ZLIB).build.version == "9"
    check_projections(world, writer)
    put(world, [ZLIB])
    run(world, writer)
    right = known(writer, ZLIB)
    assert (right.build.version, right.told.details.namespace) == ("2.2.1", "builtin")
    assert doubts(writer) == [("other", ZLIB.hash)]
    assert list(verify.check_log(writer.db)) == []
    check_projections(world, writer)


@pytest.mark.parametrize("wrong_first", [True, False])
@pytest.mark.parametrize(
    "changes",
    [
        {"name": "zlib-xx"},
        {"dependencies": []},
        {"parameters": {"build_system": "generic", "more": True, "shared": True}},
        {"annotations": {"original_specfile_version": 4, "compiler": "nag@=7"}},
        {"build_spec": {"name": "zlib-ng", "hash": "a" * 32}, "version": "9"},
    ],
)
def test_the_order_of_right_and_wrong_is_no_matter(world, writer, wrong_first, changes):
    """Also where the wrong one claims to be spliced or written anew, so that it cannot be told."""
    put(world, [ZLIB, HDF5])
    put_other(world, [ZLIB, HDF5], wrong={ZLIB.hash: changes})
    for name in ("other", "m", "other") if wrong_first else ("m", "other", "m"):
        run(world, writer, name)
    found = known(writer, ZLIB)
    assert (found.build.package, found.build.version) == ("zlib-ng", "2.2.1")
    assert found.build.variants == ("+shared", "build_system=generic")
    assert found.told.details.build_spec is None
    assert [to for to, _ in found.told.edges] == [GCC.hash]
    assert of_compiler(writer, HDF5)[0] == found.build.compiler == "gcc@=12.3.0"
    assert list(verify.check_log(writer.db)) == []


def test_a_splice_that_lost_what_it_was_built_as_is_no_match_for_one_that_has_it(world, writer):
    """A record without `build_spec` looks wrong: it alters nothing, and gives way."""
    spliced = Record({**ZLIB.spec, "version": "8", "build_spec": {"name": "z", "hash": "b" * 32}})
    for name, source in (("m", spliced), ("other", None)):
        wrong = {ZLIB.hash: {"version": "8"}} if source is None else {ZLIB.hash: spliced.spec}
        put(world, [ZLIB], wrong=wrong, source=name, statement=STATEMENTS[name][0])
    for name in ("other", "m"):
        run(world, writer, name)
        assert list(verify.check_log(writer.db)) == []
    assert known(writer, ZLIB).told.details.build_spec == "b" * 32
    put_other(world, [ZLIB, HDF5], wrong={ZLIB.hash: {"version": "8"}})
    run(world, writer, "other")
    assert known(writer, ZLIB).told.details.build_spec == "b" * 32


@pytest.mark.parametrize("right_first", [True, False])
def test_every_mirror_that_has_a_wrong_record_is_warned_of(world, writer, right_first):
    """Although its bytes were seen before, whether or not a right one is known."""
    if right_first:
        put(world, [ZLIB], statement=VIEW_A)
        run(world, writer)
    for records in ([ZLIB], [ZLIB, HDF5]):  # again, when the index changed elsewhere
        put(world, records, wrong=WRONG)
        put_other(world, records, wrong=WRONG)
        run(world, writer)
        run(world, writer, "other")
        assert doubts(writer) == [("m", ZLIB.hash), ("other", ZLIB.hash)]


def test_a_wrong_record_is_of_the_package_that_is_known(world, writer):
    """Where it is placed, and by which it is selected."""
    put(world, [ZLIB])
    run(world, writer)
    put_other(world, [ZLIB], wrong={ZLIB.hash: {"name": "secret"}})
    run(world, writer, "other", Selection(packages=("*", "!secret")))
    packages = {p.source: p.package for p in whole.all_placements(writer.db)}
    assert packages == {"m": "zlib-ng", "other": "zlib-ng"}


def test_what_pages_say_of_a_build_no_wrong_record_alters(world, writer):
    """It only tells what pages do not."""
    world.put_page(ZLIB, compiler="gcc@=12.3.0", short=False)
    world.sync(writer, "other")
    put(world, [ZLIB], wrong=WRONG)
    run(world, writer)
    found = known(writer, ZLIB)
    assert (found.build.version, found.told.details.namespace) == ("2.2.1", "other")
    put_other(world, [ZLIB])
    run(world, writer, "other")
    assert known(writer, ZLIB).told.details.namespace == "builtin"
    assert list(verify.check_log(writer.db)) == []


# -- wrong and refused records of compilers


def test_a_wrong_record_of_a_compiler_does_not_name_it_where_it_is_known(world, writer):
    """What needs it is compiled by what the right record says."""
    put(world, [GCC])
    run(world, writer)
    put_other(world, [ZLIB], wrong={GCC.hash: {"version": "99"}})
    run(world, writer, "other")
    assert of_compiler(writer, ZLIB)[0] == "gcc@=12.3.0"


def test_what_a_wrong_record_of_a_compiler_named_is_named_anew_by_a_right_one(world, writer):
    """In everything that needs it."""
    put_other(world, [ZLIB], wrong={GCC.hash: {"version": "99"}})
    run(world, writer, "other")
    assert of_compiler(writer, ZLIB)[0] == "gcc@=99"
    put(world, [GCC])
    run(world, writer)
    assert of_compiler(writer, ZLIB)[0] == "gcc@=12.3.0"
    assert list(verify.check_log(writer.db)) == []


def test_a_refused_record_of_a_compiler_names_it_only_if_it_is_its_own(world, writer):
    """One under another's hash has no say; a mirror that has the right one has it."""
    put(world, [ZLIB], wrong={GCC.hash: {"hash": LLVM.hash, "version": "99"}})
    run(world, writer)
    assert of_compiler(writer, ZLIB)[0] == "gcc"
    put_other(world, [GCC])
    run(world, writer, "other")
    assert of_compiler(writer, ZLIB)[0] == "gcc@=12.3.0"
    put(world, [ZLIB, HDF5], wrong={GCC.hash: {"name": 7}})
    run(world, writer)
    assert of_compiler(writer, HDF5)[0] == "gcc@=12.3.0"
