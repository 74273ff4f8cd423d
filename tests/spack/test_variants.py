"""Variants: one normal form for all that tell them, and one meaning wherever they are asked for."""

import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync import diff, query
from cachesync.cli.commands.checking import Within, check_lock
from cachesync.cli.commands.checklist import check_list
from cachesync.index import catchup
from cachesync.ledger import log
from cachesync.model import NO_COMPILER, Build, ChangeKind
from cachesync.notify.matching import Matcher
from cachesync.notify.subscription import Rule, matches
from cachesync.pages.parse import PageParser
from cachesync.query import prepared, printing
from cachesync.reports import wanted
from cachesync.reports.coverage import Status
from cachesync.search.searcher import Searcher
from cachesync.spack import lockfile, variants
from tests.support import locks
from tests.support.examples import examples
from tests.support.pagetext import Facts, as_block, as_generated, spec
from tests.support.universe import Universe
from tests.support.world import SHARED, hash_of

WHOLE = "cc8ac22" + "0123456789abcdef" * 3 + "012345678"
OTHER = "cc8ac22" + "f" * 57


# -- the normal form


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("+mpi", "+mpi"), ("~~mpi", "~~mpi"), ("libs=shared,static", "libs=shared,static"),
        ("libs:=static,shared", "libs=shared,static"), ("libs=b,a,b", "libs=a,b"),
        ("libs==b,a", "libs==a,b"), ("libs:==b,a", "libs==a,b"),
        ("languages:='c,c++'", "languages=c,c++"), ('languages="c++,c"', "languages=c,c++"),
        ("build_type=Release", "build_type=Release"), ("x=a b", "x='a b'"), ("x:='a b'", "x='a b'"),
        ('x:="it\'s"', 'x="it\'s"'), ("x='a\\'b'", 'x="a\'b"'), ("x='=a'", "x='=a'"),
        ("x=a , b", "x=a,b"), ("x=", "x="), ("x:=", "x="), ("x='a", 'x="\'a"'),
        ("a:b", "a:b"), ("=", "="), ("a b=c,b", "a b=c,b"), ("é:=a", "é:=a"), ("x=é", "x='é'"),
    ],
)  # fmt: skip
def test_what_tells_the_same_is_the_same_text(text, normal):
    assert variants.normal(text) == normal


_characters = st.sampled_from("ab+-.,:=~/\\*'\" é_")
_texts = st.text(st.characters(codec="utf-8"), max_size=12) | st.builds(
    "{}{}{}".format,
    st.sampled_from(("x", "libs", "patches")),
    st.sampled_from(("=", ":=", "==", ":==")),
    st.text(_characters, max_size=10) | st.text(_characters, max_size=6).map(lambda t: f"'{t}'"),
)


@given(_texts)
def test_normalising_twice_is_normalising_once(text):
    """And nothing is lost by it but the form."""
    normal = variants.normal(text)
    assert variants.normal(normal) == normal
    assert variants.read(normal) == variants.read(text)._replace(exact=False)


@given(_texts.filter(lambda text: not text.startswith(("+", "~"))))
def test_what_is_shown_can_be_asked_for(text):
    """The normal form of a value that can be asked for at all is text that a query reads as it is."""
    said = variants.read(text)
    if not said.name or isinstance(said.values, bool) or {"", "*", "none"} & said.values:
        return
    # A query keeps a value without its quotes: what would look like a sign or a quote then is no value.
    if any(value.startswith(("=", "'", '"')) for value in said.values):
        return
    shown = variants.normal(text)
    term = query.as_pages(query.parse(shown))
    assert isinstance(term, query.Term)
    assert term.field == "variant"
    assert variants.satisfies(term.value, shown)


def test_the_two_ways_into_a_page_agree():
    """Whether the page is in the generator's form or in another."""
    rows = [spec("a", variants=["libs:=static,shared", "languages:='c,c++'", "+mpi"])]
    facts = Facts("hdf5", "develop", rows)
    parsed = [PageParser().parse(form(facts)).specs for form in (as_generated, as_block)]
    assert parsed[0] == parsed[1]
    ((build, _),) = parsed[0].values()
    assert build.variants == ("+mpi", "languages=c,c++", "libs=shared,static")


def test_a_hostile_variant_takes_no_longer_than_others():
    """Long runs of spaces, quotes and commas cost what they are long."""
    for text in ("x=" + " " * 60_000, "x='" + "\\'" * 30_000, "x=" + "a," * 30_000, "x" * 60_000):
        started = time.process_time()
        variants.normal(text)
        assert time.process_time() - started < 0.5


# -- meaning


@pytest.mark.parametrize(
    ("wanted", "variant", "holds"),
    [
        ("libs=shared", "libs=shared,static", True), ("libs:=shared", "libs=shared,static", False),
        ("libs:=static,shared", "libs=shared,static", True), ("libs:=shared", "libs=shared", True),
        ("libs=*", "libs=shared", True), ("libs=*", "mpi=shared", False), ("mpi=*", "+mpi", True),
        ("languages:=c++,c", "languages=c,c++", True), ("libs=Shared", "libs=shared", False),
        ("patches=cc8ac22", f"patches={WHOLE}", True), (f"patches={WHOLE}", "patches=cc8ac22", True),
        (f"patches:={WHOLE}", "patches=cc8ac22", True), ("patches:=cc8ac22", f"patches={WHOLE}", True),
        (f"patches={WHOLE}", f"patches={OTHER}", False), ("patches=cc8ac2", f"patches={WHOLE}", True),
        (f"patches={WHOLE}", "patches=cc8ac2", False), ("patches:=cc8ac2", f"patches={WHOLE}", False),
        (f"patches:={WHOLE}", "patches=cc8ac22,1234567", False), (f"patches={WHOLE[:-1]}", "patches=cc8ac22", False),
        ("patches=1234567", "patches=1234567,cc8ac22", True), ("patchez=cc8ac22", f"patchez={WHOLE}", False),
    ],
)  # fmt: skip
def test_contains_exactly_and_any(wanted, variant, holds):
    """`=` contains, `:=` is exactly, `*` is any; seven digits of a checksum stand for the whole."""
    assert variants.satisfies(wanted, variant) is holds


@pytest.mark.parametrize(
    "text",
    [
        "libs:=shared,static",
        "hdf5 libs:=a",
        "hdf5@1.12: libs:=a",
        'x:="a b"',
        "-libs:=a",
        "hdf5 %gcc@12: libs:=a",
    ],
)
def test_what_is_exact_is_printed_so(text):
    """And read again as the same."""
    tree = query.parse(text)
    assert ":=" in printing.show(tree)
    assert query.parse(printing.show(tree)) == tree


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("hdf5 libs:=*", "hdf5 libs=*"), ("hdf5 mpi:=true", "hdf5 mpi=true"), ("hdf5 libs:=a,a", "hdf5 libs:=a"),
        ("hdf5 libs:==a", "hdf5 libs:=a"), ("target:=x86_64_v3", "target=x86_64_v3"),
        ("hdf5 os:=ubuntu24.04", "hdf5 os=ubuntu24.04"), ("hdf5 libs := a", "hdf5 libs:=a"),
        ("hdf5@1.12:libs:=a", "hdf5@1.12: libs:=a"), ("libs:='a,b'", "libs:=b,a"),
    ],
)  # fmt: skip
def test_what_is_read_as_the_same(text, same):
    """Pages are judged alike by both."""
    assert query.as_pages(query.parse(text)) == query.as_pages(query.parse(same))


BUILD = Build("hdf5", "1.14", NO_COMPILER, "ubuntu24.04", "linux", "aarch64",
              ("build_type=Release", "languages=c,c++", "libs=shared,static", "x=B,a"))  # fmt: skip


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("variant:libs=shared,static", True), ("variant:libs:=shared,static", True),
        ("variant:libs:=static,shared", True), ("variant:libs=shared", False),
        ("variant:languages='c,c++'", True), ("variant:languages:='c,c++'", True), ("variant:x:=B,a", True),
        ("variant:libs:=sh*", True), ("variant:languages:='c*", True), ("variant:libs:=st*", False),
        ('"libs:=shared,static"', True), ('"languages=\'c,c++\'"', True), ("variant:build_type:=Release", True),
    ],
)  # fmt: skip
def test_what_pages_said_once_is_still_found(text, holds):
    """A field or a quoted word in the words of a page finds what the page tells in another form now."""
    node = query.parse(text)
    assert query.matches(node, BUILD, "a" * 32, source="s", tag="t", stacks=()) is holds
    assert (prepared.residual(node)(BUILD) is True) is holds


# -- the same hash, told differently


def described(*texts: str) -> Build:
    return BUILD._replace(variants=variants.normal_set(texts))


@given(
    st.permutations(
        (f"patches:={WHOLE}", "patches=cc8ac22", f"patches={WHOLE}", "patches:=cc8ac22")
    )
)
def test_a_hash_has_one_build_whatever_was_read_first(texts):
    """The whole checksum stays, and nothing is to be warned of."""
    known = described(texts[0], "+mpi")
    for text in texts[1:]:
        seen = described(text, "+mpi")
        assert diff.differing(known, seen) == []
        known = diff.reconcile(known, seen)
    assert known == described(f"patches={WHOLE}", "+mpi")


def test_patches_that_are_others_are_a_difference():
    known, seen = described("patches=cc8ac22"), described("patches=1234567")
    assert diff.differing(known, seen) == ["variants"]
    assert diff.reconcile(known, seen) == known


@pytest.mark.parametrize("order", [("=", ":="), (":=", "=")])
def test_two_pages_that_tell_a_hash_in_both_forms_agree(world, order):
    """No warning, one build, no change beyond the placements; in whatever order they come."""
    for number, sign in enumerate(order):
        world.page(f"v{number}", "hdf5", spec(hash_of(1), variants=[f"libs{sign}static,shared"]))
        assert set(world.sync()["changes"]) == {"page.added", "spec.cached"}
    assert world.run("status", "--json").json["warnings"] == []
    (result,) = world.search("hdf5")["results"]
    assert result["variants"] == ["libs=shared,static"]
    for number, sign in enumerate(reversed(order)):
        world.page(f"v{number}", "hdf5", spec(hash_of(1), variants=[f"libs{sign}shared,static"]))
    assert world.sync()["changes"] == {}


def test_what_is_suggested_is_in_the_form_that_queries_have(world):
    """A query that finds nothing is told what there is instead, and that can be asked for."""
    world.page("v1", "hdf5", spec(hash_of(1), variants=["libs:=static,shared", "langs:='c,c++'"]))
    world.sync()
    for asked, told in (("libs:=static", "libs=shared,static"), ("langs:='d'", "langs=c,c++")):
        result = world.run("search", f"hdf5 {asked}")
        assert f"cached for {told}" in result.err
        assert world.found(f"hdf5 {told}") == [hash_of(1)]
    world.page("v2", "hdf5", spec(hash_of(2), variants=["libs:=shared"]))
    world.sync()
    assert ":=" not in world.run("diff", "v1", "v2").out + world.run("show", "hdf5").out


# -- all that ask agree

_values = st.frozensets(st.sampled_from(("a", "b", "c++", "D", "d e")), min_size=1, max_size=3)
_checksums = st.frozensets(
    st.sampled_from((WHOLE, OTHER, "cc8ac22", "1234567")), min_size=1, max_size=2
)
_told = st.one_of(
    st.tuples(st.sampled_from(("libs", "Libs")), _values), st.tuples(st.just("patches"), _checksums)
)
_signs = st.sampled_from(("=", ":="))


def written(name: str, sign: str, values: list[str], *, quoted: bool) -> str:
    text = ",".join(values)
    return f"{name}{sign}'{text}'" if quoted or " " in text else f"{name}{sign}{text}"


@st.composite
def told(draw: st.DrawFn) -> str:
    """A variant in one of the forms in which it can be written, its values in any order."""
    name, values = draw(_told)
    order = draw(st.permutations(sorted(values)))
    return written(name, draw(_signs), order, quoted=draw(st.booleans()))


asked = told() | st.sampled_from(("libs=*", "libs:=*", "patches=*", "patches=cc8"))


def expected(condition: str, listed: list[str]) -> bool:
    """What a condition means, said once more and plainly."""
    name, _, rest = condition.partition("=")
    exact, name = name.endswith(":"), name.removesuffix(":")
    wants = set(rest.strip("'").split(","))
    for text in listed:
        other, _, values = text.partition("=")
        has = set(values.strip("'").split(","))
        if other.removesuffix(":") != name:
            continue
        if wants == {"*"}:
            return True
        if name != "patches":
            if wants == has if exact else wants <= has:
                return True
            continue

        def same(one: str, two: str) -> bool:
            short, long = sorted((one, two), key=len)
            return one == two or (len(short) >= 7 and len(long) == 64 and long.startswith(short))

        contains = all(any(same(w, h) or h.startswith(w) for h in has) for w in wants)
        if exact:
            contains = all(any(same(w, h) for h in has) for w in wants) and all(
                any(same(w, h) for w in wants) for h in has
            )
        if contains:
            return True
    return False


@examples(12, 300, deadline=None)
@given(
    st.lists(st.lists(told(), max_size=2), min_size=1, max_size=4),
    st.lists(asked, min_size=1, max_size=4),
)
def test_pages_queries_lists_locks_and_subscriptions_agree(pages, conditions):
    """Whichever form each of them is written in, through the real ledger, log and index."""
    with tempfile.TemporaryDirectory() as directory:
        universe = Universe(Path(directory))
        rows = [spec(hash_of(n), variants=listed) for n, listed in enumerate(pages)]
        universe.put("one", "v1/hdf5", Facts("hdf5", "v1", rows))
        with universe.writing() as writer:
            universe.sync(writer)
            catchup.catch_up(writer.db, universe.state)
            changes = [c for c in log.changes(writer.db, log.Filter()) if c.hash is not None]
        searcher = Searcher(universe.state)
        try:
            for condition in conditions:
                right = {
                    hash_of(n) for n, listed in enumerate(pages) if expected(condition, listed)
                }
                tree = query.parse(f"hdf5 {condition}")
                answer = searcher.search(tree, limit=0)
                assert {s.hash for hit in answer.hits for s in hit.specs} == right
                rule = Rule(
                    "s", tree, frozenset((ChangeKind.SPEC_CACHED,)), first=False, baseline=True
                )
                assert {c.hash for c in changes if Matcher((rule,)).matching(c)} == right
                assert {c.hash for c in changes if matches(rule, c)} == right
                (entry,) = check_list(
                    universe.state, wanted.parse(f"hdf5 {condition}".encode(), name="l"), Within()
                ).entries
                assert (entry.status is Status.CACHED, entry.specs) == (bool(right), len(right))
        finally:
            searcher.close()
        specs = [locks.entry(hash_of(n), "hdf5") for n in range(len(pages) + 1)]
        lock = lockfile.parse(locks.text(locks.lock([s["hash"] for s in specs], *specs)), name="l")
        report = check_lock(universe.state, lock, Within(), builds=True)
        cached = {entry.hash for entry in report.entries if entry.status is Status.CACHED}
        assert cached == {hash_of(n) for n in range(len(pages))}


@pytest.mark.skipif(
    not (SHARED / "cases" / "colon-eq-pages").exists(), reason="the shared cases are not here"
)
@pytest.mark.parametrize(
    ("text", "specs"),
    [
        ("celeritas amdgpu_target=gfx90a", 1), ("celeritas amdgpu_target=*", 1), ("arkouda patches=*", 2),
        ("amdgpu_target:=gfx90a", 1), ("variant:amdgpu_target=gfx90a", 1), ("arkouda patches:=cc8ac22", 2),
    ],
)  # fmt: skip
def test_real_pages_of_2025_are_found(world, text, specs):
    """Pages of the public cache that print `:=`; nothing is warned of."""
    world.sync("--pages", SHARED / "cases" / "colon-eq-pages" / "pages")
    assert len(world.found(text)) == specs
    assert world.run("status", "--json").json["warnings"] == []
