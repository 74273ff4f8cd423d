"""What subscriptions are about: the same as searches find, and what else the log speaks of."""

import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync import query
from cachesync.config.settings import Subscription
from cachesync.index import catchup
from cachesync.ledger import log
from cachesync.model import Build, Change, ChangeKind
from cachesync.notify.follower import rule_of
from cachesync.notify.matching import Matcher
from cachesync.notify.subscription import Rule, matches
from cachesync.search.searcher import Searcher
from tests.bench.matching import changes_of, rules_of
from tests.support import universe
from tests.support.examples import examples
from tests.support.pagetext import Facts
from tests.support.universe import PACKAGES, SOURCES, STACKS, TAGS, Universe

CACHED = ChangeKind.SPEC_CACHED

_words = st.sampled_from(
    ("hdf5", "HDF5", "py", "scikit", "scikit-learn", "learn", "1.14", "1.14.5", "1", "gcc", "aarch64",
     "develop", "v1", "one", "Two", "e4s", "root", "linux", "+mpi", "none", "baaaa", "baaaaa", "zlib",
     "ubuntu24.04", "package:hdf5", "version:1.14", "version:1.14.5", "compiler:gcc@12.3.0", "stack:e4s",
     "target:aarch64", "tag:develop", "source:one", "variant:~cuda", "variant:build_system=cmake",
     "hash:b", "hd*", "package:py-*", "tag:v*", "hash:ba*", '"gcc@=12.3.0"', '"build_system=cmake"')
)  # fmt: skip
_spack = st.sampled_from(
    ("hdf5@1.14", "hdf5@1.14:", "hdf5@=1.14.5 +mpi", "hdf5%gcc@12", "hdf5 ~cuda", "@1.14", "%gcc",
     "hdf5 target=aarch64", "build_system=cmake", "hdf5 OR zlib", "(hdf5 OR py) aarch64",
     "-(hdf5 OR zlib)", "/baaaaa", "hdf6~1", "scikot~2", "hdg5~1 target:aarch64", "hdf5 +mpi ~cuda target=aarch64")
)  # fmt: skip
queries = (
    st.lists(
        st.builds(lambda minus, word: "-" * minus + word, st.sampled_from((0, 0, 0, 1)), _words),
        max_size=3,
    ).map(" ".join)
    | _spack
)


def rule(text: str, *events: ChangeKind, first: bool = False, name: str = "s") -> Rule:
    entry = Subscription(name, text, query.parse(text), (), events or (CACHED,), first=first)
    return rule_of(entry)


def found(changes, text: str, *, first: bool = False) -> list[Change]:
    matcher = Matcher((rule(text, first=first),), loud=SOURCES)
    return [change for change in changes if matcher.matching(change)]


_rows = universe.rows().map(lambda rows: [{**row, "compiler": "gcc@=12.3.0"} for row in rows])
_pages = st.dictionaries(
    st.tuples(st.sampled_from(SOURCES), st.sampled_from(TAGS), st.sampled_from(PACKAGES)),
    _rows, min_size=1, max_size=6,
)  # fmt: skip


@examples(20, 300)
@given(_pages, st.lists(queries, min_size=4, max_size=8))
def test_a_subscription_is_about_what_a_search_finds(pages, texts):
    """For random pages and queries, through the real ledger, log and index."""
    with tempfile.TemporaryDirectory() as directory:
        universe = Universe(Path(directory))
        for number, ((source, tag, package), rows) in enumerate(sorted(pages.items())):
            universe.put(source, f"d{number}/{package}", Facts(package, tag, rows))
        with universe.writing() as writer:
            universe.sync(writer)
            catchup.catch_up(writer.db, universe.state)
            changes = list(log.changes(writer.db, log.Filter()))
            now = list(log.placed(writer.db))
        searcher = Searcher(universe.state)
        try:
            for text in texts:
                answer = searcher.search(query.parse(text))
                expected = {
                    (spec.hash, placement.source, placement.tag)
                    for hit in answer.hits for spec in hit.specs for placement in spec.placements
                }  # fmt: skip
                for looked_at in (changes, now):
                    matched = {(c.hash, c.source, c.tag) for c in found(looked_at, text)}
                    assert matched == expected, text
                assert {c.hash for c in found(changes, text, first=True)} <= {
                    e[0] for e in expected
                }
        finally:
            searcher.close()


_builds = st.builds(
    Build,
    st.sampled_from(("hdf5", "py-scikit-learn", "7zip", "Zlib")),
    st.sampled_from(("1.14.5", "1.14", "develop", "2-rc1", "v1", "zlib")),
    st.sampled_from(("gcc@=12.3.0", "none", "gcc")),
    st.sampled_from(("ubuntu24.04", "develop")),
    st.just("linux"),
    st.sampled_from(("aarch64", "x86_64_v3")),
    st.sampled_from(((), ("+mpi", "~cuda"), ("build_system=cmake",))),
)
_changes = st.builds(
    Change,
    seq=st.just(1), at=st.just(1),
    kind=st.sampled_from([k for k in ChangeKind if k.label.startswith("spec.")]),
    source=st.sampled_from(SOURCES), tag=st.sampled_from(TAGS), package=st.just("hdf5"),
    hash=st.sampled_from(("b" + "a" * 31, "zlibq" + "a" * 27, "hdf5q" + "a" * 27)),
    flag=st.booleans(), baseline=st.booleans(),
    stacks=st.lists(st.sampled_from(STACKS), unique=True, max_size=2).map(tuple),
    stacks_before=st.none() | st.just(("e4s",)),
    build=_builds, build_before=st.none() | _builds,
)  # fmt: skip
_rules = st.builds(
    lambda text, events, first: rule(text, *events, first=first),
    queries,
    st.lists(st.sampled_from(list(ChangeKind)), min_size=1, max_size=6),
    st.booleans(),
)


@examples(80, 2_000)
@given(st.lists(_rules, max_size=12), st.lists(_changes, min_size=1, max_size=8))
def test_many_at_once_are_decided_as_one_by_one(rules, changes):
    matcher = Matcher(rules, loud=("one",))
    for change in changes:
        alone = [n for n, r in enumerate(rules) if matches(r, change, loud=("one",))]
        assert matcher.matching(change) == alone


# -- what is not a placement


def page(kind: ChangeKind = ChangeKind.PAGE_REJECTED, **more) -> Change:
    return Change(1, 1, kind, "site", **{"tag": "develop", "package": "py-numpy", **more})


@pytest.mark.parametrize(
    ("text", "is_about"),
    [
        ("", True), ("numpy", True), ("py-numpy", True), ("develop", True), ("site", True),
        ("hdf5", False), ("-hdf5", True), ("-numpy", False), ("package:numpy", False),
        ("package:py-*", True), ("tag:develop", True), ("tag:v1", False), ("source:site", True),
        ("source:other", False), ("numpy target:aarch64", True), ("numpy +mpi version:1", True),
        ("nunpy~1", True), ("hdf6~1", False), ("hdf5 target:aarch64", False), ("stack:e4s", True), ("-stack:e4s", True),
    ],
)  # fmt: skip
def test_a_page_is_matched_by_package_tag_and_source(text, is_about):
    asked = rule(text, ChangeKind.PAGE_REJECTED)
    assert matches(asked, page()) is is_about
    assert Matcher((asked,)).matching(page()) == [0] * is_about
    assert not matches(rule(text), page())


def test_a_page_that_was_never_good_is_known_by_its_path():
    change = page(tag=None, package=None, path="_cache/develop/py-numpy/specs.md")
    assert matches(rule("numpy tag:develop", ChangeKind.PAGE_REJECTED), change)
    assert not matches(rule("hdf5", ChangeKind.PAGE_REJECTED), change)
    assert matches(rule("hdf5", ChangeKind.PAGE_REJECTED), change._replace(path="specs.md"))


def test_a_source_is_matched_because_it_was_asked_for():
    failed = Change(1, 1, ChangeKind.SOURCE_FAILED, "site", reason="gone")
    assert matches(rule("hdf5 +mpi", ChangeKind.SOURCE_FAILED), failed)
    assert matches(rule("source:site", ChangeKind.SOURCE_FAILED), failed)
    assert not matches(rule("source:other", ChangeKind.SOURCE_FAILED), failed)
    assert not matches(rule("hdf5 +mpi", ChangeKind.SOURCE_HELD), failed)


def test_a_target_of_its_own_is_no_event():
    disabled = Change(1, 1, ChangeKind.TARGET_DISABLED, "", subscription="s", target="t")
    asked = rule("hdf5", ChangeKind.TARGET_DISABLED)
    assert not matches(asked, disabled)
    assert matches(asked, disabled._replace(subscription="another"))


def test_backfill_has_what_is_cached_with_the_first_pass():
    """And nothing else of it; `Matcher` and what it looks at agree."""
    filling = rule("", first=True)._replace(
        events=frozenset((ChangeKind.SPEC_CACHED, ChangeKind.PAGE_ADDED)), baseline=True
    )
    cached = next(changes_of(1))._replace(flag=True, baseline=True)
    page = Change(1, 1, ChangeKind.PAGE_ADDED, "s", tag="t", package="p", baseline=True)
    for one, expected in ((cached, True), (cached._replace(flag=False), False), (page, False)):
        assert matches(filling, one) is expected
        assert bool(Matcher((filling,)).matching(one)) is expected
    assert Matcher((filling,)).news_of is None
    assert Matcher((filling._replace(baseline=False),), loud=("x",)).news_of == ("x",)


def test_first_and_baseline():
    change = next(changes_of(1))._replace(flag=False)
    assert not matches(rule("", first=True), change)
    assert matches(rule("", first=False), change)
    change = change._replace(flag=True, baseline=True)
    assert not matches(rule("", first=True), change)
    assert matches(rule("", first=True), change, loud=(change.source,))
    evicted = change._replace(kind=ChangeKind.SPEC_EVICTED, flag=False, baseline=False)
    assert matches(rule("", ChangeKind.SPEC_EVICTED, first=True), evicted)


def test_a_restacked_spec_matches_by_what_it_was_or_is():
    change = next(changes_of(1))._replace(
        kind=ChangeKind.SPEC_RESTACKED, stacks=("root",), stacks_before=("e4s", "root")
    )
    asked = ChangeKind.SPEC_RESTACKED
    assert matches(rule("stack:e4s", asked), change)
    assert matches(rule("-stack:e4s", asked), change)
    assert not matches(rule("stack:radiuss", asked), change)


@pytest.mark.parametrize("count", [2_000, pytest.param(10_000, marks=pytest.mark.soak)])
def test_matching_many_changes_against_many_subscriptions_is_fast(count):
    """10,000 changes of as many builds, 200 subscriptions: 3 s are allowed on an idle machine."""
    changes, matcher = list(changes_of(count)), Matcher(rules_of(200))
    started = time.process_time()
    matched = sum(len(matcher.matching(change)) for change in changes)
    seconds = time.process_time() - started
    assert matched > count / 20
    assert seconds < 9 * count / 10_000, "three times what it may take where nothing else runs"
