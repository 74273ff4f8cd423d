"""A source that becomes another: cache indexes after pages, pages after cache indexes, other tags and stacks."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.diff import Guard
from cachesync.ledger import log, sound
from cachesync.model import ChangeKind, SourceState
from cachesync.reports import verify
from cachesync.selection import Selection
from cachesync.sources.base import Failed
from cachesync.sources.directory import DirectorySource
from cachesync.sync.passes import run_pass
from tests.support.examples import examples
from tests.support.mirrors import Record, document, record
from tests.support.pagetext import Facts, as_generated
from tests.support.statedsource import Stated, StatedSource
from tests.support.statements import HDF5, MIXED, MPI, PY, ZLIB, of_pages, placed
from tests.support.writing import writing

PLACED = (HDF5, MPI, PY, ZLIB)
PAGES = (ZLIB, PY, MPI)
MANY = [record(f"pkg{number}", "1.0") for number in range(30)]
ROOT = Stated("file:///m", None, "v1", "root")


class Place:
    """A source called `s`, which is whatever the configuration says it is; a pass is one step of time."""

    def __init__(self, root: Path, *, settle: int = 2) -> None:
        self.root = root
        self.settle = settle
        self.ticks = 0

    def clock(self) -> int:
        self.ticks += 1_000_000
        return self.ticks

    @contextmanager
    def writing(self) -> Iterator["Place"]:
        with writing(self.root / "state", self.clock) as self.writer:
            yield self

    def indexes(self, documents: dict[Stated, list[Record] | Failed], **options):
        """A pass over cache indexes."""
        made = {
            one: said if isinstance(said, Failed) else document(said, cached=said)
            for one, said in documents.items()
        }
        row = self.writer.source("s", "buildcache", "m", configured=True, interval=None)
        return self._pass(StatedSource("s", made, self.settle), row, options)

    def pages(self, records: list[Record], *, tag: str = "v1", **options):
        """A pass over a directory with the pages of some records."""
        root = self.root / "pages"
        root.mkdir(exist_ok=True)  # it stays the same directory: a replaced one is held sooner
        for old in root.iterdir():
            shutil.rmtree(old)
        for one in records:
            path = root / tag / one.name / "specs.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            rows = [of_pages(one, compiler="none", short=False)]
            path.write_bytes(as_generated(Facts(one.name, tag, rows)))
        row = self.writer.source("s", "directory", "p", configured=True, interval=None)
        return self._pass(DirectorySource("s", root, page_limit=1 << 20), row, options)

    def _pass(self, source, row, options):
        return run_pass(
            self.writer, source, row, **{"selection": Selection(), "guard": Guard(), **options}
        )

    @property
    def placed(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """Tag and hash of what is placed, with the stacks; the ledger is sound, and the log says the same."""
        assert list(verify.check_log(self.writer.db)) == []
        assert sound.fault(self.writer.db) is None
        return {key[1:]: stacks for key, stacks in placed(self.writer.db).items()}

    def kinds(self, kind: ChangeKind) -> list:
        return list(log.changes(self.writer.db, log.Filter(kinds=[kind])))


@pytest.fixture
def place(tmp_path):
    with Place(tmp_path).writing() as made:
        yield made


def of(records, tag="v1", stacks=("root",)):
    return {(tag, one.hash): tuple(stacks) for one in records}


def test_indexes_after_pages_leave_what_the_indexes_say(place):
    """Of other tags and stacks at once; what was there before is not news, and no page is left over."""
    place.pages([ZLIB, PY], tag="old")
    place.pages([ZLIB, PY])
    before = place.writer.seq
    stack_a = Stated("file:///m", "a", "v1", "a")
    assert place.indexes({stack_a: [ZLIB, HDF5]}).state is SourceState.OK
    assert place.placed == of([ZLIB, HDF5], stacks=["a"])
    assert log.totals(place.writer.db)["pages"] == 0
    assert not place.writer.has_pages(place.writer.sources()[0])
    (cached,) = (c for c in place.kinds(ChangeKind.SPEC_CACHED) if c.seq > before)
    assert (cached.hash, cached.baseline) == (HDF5.hash, True)
    gone = [c.hash for c in place.kinds(ChangeKind.SPEC_EVICTED) if c.seq > before]
    assert gone == [PY.hash]
    seq = place.writer.seq
    place.indexes({stack_a: [ZLIB, HDF5]})
    assert place.writer.seq == seq


def test_what_pages_and_an_index_place_under_one_stack_settles(place):
    """The stack of the page is that of the index: what is not in it leaves as from any index."""
    place.pages([ZLIB, PY])
    place.indexes({ROOT: [ZLIB]})
    assert place.placed == of([ZLIB, PY])
    place.indexes({ROOT: [ZLIB]})
    assert place.placed == of([ZLIB])


def test_pages_after_indexes_leave_what_the_pages_say(place):
    """At once, in every tag; what was there before is not news, and no index is left over."""
    view = Stated("file:///m", "b", "v2", "b")
    place.indexes({ROOT: [HDF5, ZLIB], view: [PY]})
    assert place.pages([ZLIB, PY]).state is SourceState.OK
    assert place.placed == of([ZLIB, PY])
    assert log.mirrors(place.writer.db) == {}
    assert all(change.baseline for change in place.kinds(ChangeKind.SPEC_CACHED))
    assert not list(log.troubles(place.writer.db, 1))
    seq = place.writer.seq
    place.pages([ZLIB, PY])
    assert place.kinds(ChangeKind.PAGE_REMOVED) == []
    assert place.writer.seq == seq


@pytest.mark.parametrize("becomes", ["pages", "indexes", "another tag"])
def test_a_change_that_would_remove_much_is_held_and_accepted(place, becomes):
    """As where a directory's pages go: everything stays, also what is new, until it is accepted once."""
    if becomes == "indexes":
        place.pages(MANY, tag="old")
        before = of(MANY, "old")
    else:
        place.indexes({ROOT._replace(tag="old"): MANY})
        before = of(MANY, "old")

    def again(**options):
        if becomes == "pages":
            return place.pages([ZLIB], **options)
        return place.indexes({ROOT: [ZLIB]}, **options)

    for _ in range(2):
        result = again()
        assert (result.state, result.held) == (SourceState.HELD, len(MANY))
        assert "--allow-mass-removal" in result.error
        assert place.placed == before | of([ZLIB])
    assert again(allow_mass_removal=True).state is SourceState.OK
    assert place.placed == of([ZLIB])
    assert again().state is SourceState.OK


@pytest.mark.parametrize("becomes", ["pages", "indexes"])
def test_a_change_that_is_taken_back_while_it_is_held_leaves_what_was(place, becomes):
    """Nothing was removed by then, and what was added goes."""

    def there():
        return place.indexes({ROOT: MANY}) if becomes == "pages" else place.pages(MANY)

    def other():
        mirror = {ROOT._replace(tag="v2"): [MIXED]}
        return place.pages([MIXED], tag="v2") if becomes == "pages" else place.indexes(mirror)

    there()
    assert other().state is SourceState.HELD
    assert there().state is SourceState.OK
    assert place.placed == of(MANY)


def test_nothing_leaves_until_what_comes_in_its_place_was_read(place):
    """A mirror that does not answer yet, or says nonsense, says nothing of what was there before."""
    place.pages([ZLIB, PY])
    no_answer = Failed("no answer", is_passing=True)
    for said in (no_answer, Failed("nonsense")):
        place.indexes({ROOT._replace(stack="x"): said})
        assert place.placed == of([ZLIB, PY])
    place.indexes({ROOT._replace(stack="x"): [PY]})
    assert place.placed == of([PY], stacks=["x"])
    place.indexes({ROOT._replace(tag="v2"): no_answer})
    assert place.placed == of([PY], stacks=["x"])
    place.indexes({ROOT._replace(tag="v2"): [PY]})
    assert place.placed == of([PY], "v2")


def test_an_index_that_is_called_otherwise_keeps_its_place(place):
    """Its tag and its stack change, its address does not: that it is rejected is told once, and stays so."""
    place.indexes({ROOT: [ZLIB]})
    for one in (ROOT, ROOT._replace(tag="v2"), ROOT._replace(tag="v2", stack="x")):
        place.indexes({one: Failed("nonsense")})
        assert [trouble.reason for trouble in log.troubles(place.writer.db, 1)] == ["nonsense"]
    assert place.placed == of([ZLIB])
    place.indexes({ROOT._replace(tag="v2", stack="x"): [ZLIB]})
    assert place.placed == of([ZLIB], "v2", ["x"])
    assert [change.tag for change in place.kinds(ChangeKind.INDEX_REJECTED)] == ["v1"]
    assert [change.tag for change in place.kinds(ChangeKind.INDEX_RECOVERED)] == ["v2"]
    assert not list(log.troubles(place.writer.db, 1))


@pytest.mark.parametrize("becomes", ["another address", "pages", "another tag elsewhere"])
def test_an_index_that_was_rejected_and_is_there_no_longer_has_recovered(place, becomes):
    """What is said to be wrong in the log is said to be wrong no longer."""
    place.indexes({ROOT: Failed("nonsense")})
    elsewhere = ROOT._replace(url="file:///n")
    if becomes == "pages":
        place.pages([ZLIB])
    else:
        tag = "v2" if "tag" in becomes else "v1"
        place.indexes({elsewhere._replace(tag=tag): [ZLIB]})
    assert [change.path for change in place.kinds(ChangeKind.INDEX_RECOVERED)] == ["file:///m"]
    assert not list(log.troubles(place.writer.db, 1))


_some = st.lists(st.sampled_from(PLACED), unique_by=lambda one: one.hash, min_size=1)
_statements = st.builds(
    Stated,
    st.sampled_from(["file:///m", "file:///n"]),
    st.sampled_from([None, "a"]),
    st.sampled_from(["v1", "v2"]),
    st.sampled_from(["root", "a"]),
)
_kinds = st.one_of(
    st.tuples(st.just("pages"), st.sampled_from(["v1", "v2"]),
              st.lists(st.sampled_from(PAGES), unique_by=lambda one: one.hash, min_size=1)),
    st.tuples(st.just("indexes"), st.just(""), st.lists(
        st.tuples(_statements, _some), min_size=1, max_size=3,
        unique_by=(lambda one: one[0][2:], lambda one: one[0][:2]),
    )),
)  # fmt: skip


def _apply(place: Place, step) -> None:
    kind, tag, said = step
    if kind == "pages":
        assert place.pages(said, tag=tag).state is SourceState.OK
    else:
        assert place.indexes(dict(said)).state is SourceState.OK


@pytest.mark.slow
@examples(12, 300)
@given(st.lists(_kinds, min_size=2, max_size=5), st.integers(1, 2))
def test_whatever_a_source_was_it_holds_what_it_says_now(history, settle):
    """Types, addresses, views, tags and stacks in any order: in the end it is as if the last had been first.

    Pages are at once; of cache indexes what has to settle does.
    """
    with tempfile.TemporaryDirectory() as root:
        roots = [Path(root) / name for name in ("old", "new")]
        with Place(roots[0], settle=settle).writing() as place:
            for step in history:
                _apply(place, step)
                assert place.placed
            for _ in range(settle - 1 if history[-1][0] == "indexes" else 0):
                _apply(place, history[-1])
            with Place(roots[1], settle=settle).writing() as fresh:
                _apply(fresh, history[-1])
                assert place.placed == fresh.placed
            seq = place.writer.seq
            _apply(place, history[-1])
            assert place.writer.seq == seq


@pytest.mark.parametrize("kind", ["pages", "indexes"])
def test_what_another_kind_holds_stays_held_however_much_comes(place, kind):
    """What the new entry brings counts for nothing, in whatever unit it is counted."""
    more = [record(f"more{number}", "1.0") for number in range(100)]
    if kind == "pages":
        place.indexes({ROOT: MANY})
        become = place.pages
    else:
        place.pages(MANY, tag="old")

        def become(records, **options):
            return place.indexes({ROOT: records}, **options)

    for _ in range(3):
        held = become(more)
        assert (held.state, held.held) == (SourceState.HELD, 30)
        assert "30 of 30" in held.error
    assert become(more, allow_mass_removal=True).state is SourceState.OK
    assert {spec_hash for _, spec_hash in place.placed} == {one.hash for one in more}
