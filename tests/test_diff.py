"""What a pass has to do, decided before anything is done."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.diff import (
    Guard,
    compare,
    compilers_led_by,
    contradicting,
    covers,
    first_by_path,
    page_order,
    reconcile,
)
from cachesync.model import NO_COMPILER, Build

_pages = st.dictionaries(st.sampled_from("abcdefgh"), st.frozensets(st.sampled_from("xyz")))


@given(_pages)
def test_a_page_does_not_differ_from_itself(page):
    """Comparing a page with itself finds nothing, whatever the order."""
    assert compare(page, dict(reversed(page.items()))) == ([], [], [])


@given(_pages, _pages)
def test_applying_the_difference_gives_what_was_observed(prior, observed):
    """Prior, less the removed, with the added and the restacked as observed, is observed."""
    found = compare(prior, observed)
    result = {key: stacks for key, stacks in prior.items() if key not in found.removed}
    result |= {key: observed[key] for key in (*found.added, *found.restacked)}
    assert result == observed


@given(_pages, _pages)
def test_differences_are_sorted_and_disjoint_and_mirror_each_other(prior, observed):
    """What is added one way is removed the other way; no hash is in two lists."""
    there, back = compare(prior, observed), compare(observed, prior)
    assert (there.added, there.restacked, there.removed) == (
        back.removed,
        back.restacked,
        back.added,
    )
    everything = [*there.added, *there.restacked, *there.removed]
    assert len(set(everything)) == len(everything)
    for part in there:
        assert part == sorted(part)


@pytest.mark.parametrize(
    ("retiring", "pages", "held"),
    [
        (0, 0, False),
        (20, 20, False),  # everything, but no more than the minimum
        (21, 21, True),
        (21, 41, True),
        (21, 42, False),  # exactly half
        (22, 43, True),
        (50, 100, False),
        (51, 100, True),
        (100, 100, True),
    ],
)
def test_the_guard_holds_more_than_half_and_more_than_twenty(retiring, pages, held):
    """Both bounds are exclusive: more than 20 pages, and more than half of them."""
    assert Guard().holds(retiring=retiring, pages=pages) is held


@pytest.mark.parametrize(
    ("guard", "retiring", "pages", "held"),
    [
        (Guard(0.0, 0), 0, 10, False),
        (Guard(0.0, 0), 1, 1000, True),
        (Guard(1.0, 0), 10, 10, False),  # a fraction of one switches the guard off
        (Guard(0.1, 5), 5, 10, False),
        (Guard(0.1, 5), 6, 59, True),
        (Guard(0.1, 5), 6, 60, False),
    ],
)
def test_the_guard_takes_its_bounds_from_the_config(guard, retiring, pages, held):
    """`removal_fraction` and `removal_minimum` move the bounds, and both stay exclusive."""
    assert guard.holds(retiring=retiring, pages=pages) is held


@given(st.integers(0, 500), st.integers(0, 500))
def test_retiring_more_is_never_held_less(retiring, pages):
    """Once a pass is held it stays held when it would retire one page more."""
    if Guard().holds(retiring=retiring, pages=pages):
        assert Guard().holds(retiring=retiring + 1, pages=pages)


def test_pages_are_ordered_by_tag_first():
    """`develop/zlib` comes before `develop-2025/abc`, although `-` sorts before `/`."""
    paths = ["develop-2025/abc/specs.md", "develop/zlib/specs.md", "develop/abc/specs.md"]
    assert sorted(paths, key=page_order) == [paths[2], paths[1], paths[0]]
    assert first_by_path(paths) == paths[2]


@given(st.lists(st.text("ab-/.", max_size=8)))
def test_the_order_of_pages_keeps_directories_together(paths):
    """Everything below a directory is consecutive, so one tag is done before the next begins."""
    tags = [path.split("/")[0] for path in sorted(paths, key=page_order)]
    assert sum(tags[n] != tags[n - 1] for n in range(1, len(tags))) == max(len(set(tags)) - 1, 0)


def test_a_prefix_covers_what_lies_below_it():
    """A prefix is a directory: it does not cover a sibling whose name begins alike."""
    assert covers(["develop/"], "develop/zlib/specs.md")
    assert not covers(["develop/"], "develop-2025/zlib/specs.md")
    assert not covers([], "develop/zlib/specs.md")


_compilers = st.sampled_from((NO_COMPILER, "gcc", "gcc@=13.2.0", "gcc@=7.5.0", "gccgo@=1", "clang"))

_languages = st.dictionaries(st.sampled_from(("c", "cxx", "fortran")), _compilers)


def _led(build, languages):
    compilers = compilers_led_by(build.compiler, tuple(sorted(languages.items())))
    return build._replace(compilers=compilers)


_plain = st.builds(
    Build,
    package=st.just("hdf5"),
    version=st.just("1.14.5"),
    compiler=_compilers,
    os=st.sampled_from(("", "ubuntu24.04")),
    platform=st.sampled_from(("", "linux")),
    target=st.just("aarch64"),
    variants=st.sets(st.sampled_from(("+mpi", "~cxx", "+hl"))).map(lambda v: tuple(sorted(v))),
    compilers=st.just(()),
)
_builds = st.builds(_led, _plain, _languages)


@given(_builds)
def test_reconciling_a_build_with_itself_changes_nothing(build):
    """The same description twice is that description."""
    assert reconcile(build, build) == build


@given(_builds, _builds)
def test_reconciling_twice_is_reconciling_once(known, seen):
    """Seeing a page again, or seeing the result, changes nothing."""
    once = reconcile(known, seen)
    assert reconcile(once, seen) == once
    assert reconcile(once, once) == once


@given(_builds, _builds)
def test_a_compiler_is_never_replaced_by_none(known, seen):
    """A compiler once known stays known, and a version of it too."""
    result = reconcile(known, seen).compiler
    if known.compiler != NO_COMPILER:
        assert result != NO_COMPILER
        assert result.startswith(known.compiler)
    elif seen.compiler != NO_COMPILER:
        assert result == seen.compiler


@given(_builds, _builds)
def test_nothing_known_is_lost(known, seen):
    """The variants known are a subset of those kept; a value never becomes empty."""
    result = reconcile(known, seen)
    assert set(result.variants) >= set(known.variants)
    assert result.os == (known.os or seen.os)
    assert result.platform == (known.platform or seen.platform)
    if result.compilers:
        assert dict(result.compilers).keys() >= dict(known.compilers).keys()


@given(_builds, _builds)
def test_compilers_begin_with_the_builds_own_and_differ(known, seen):
    """Whatever is joined: the languages are in order, the first has the build's compiler, not all have."""
    result = reconcile(known, seen)
    if result.compilers:
        assert result.compilers == tuple(sorted(result.compilers))
        assert result.compilers[0][1] == result.compiler
        assert len(set(dict(result.compilers).values())) > 1


@given(_builds, _compilers)
def test_who_names_one_compiler_says_nothing_of_the_other_languages(build, compiler):
    """A page is compared by the compiler of C alone, and takes no other away."""
    page = build._replace(compiler=compiler, compilers=())
    assert "compilers" not in contradicting(build, page)
    assert ("compiler" in contradicting(build, page)) == (
        reconcile(build, page).compiler != reconcile(page, build).compiler
    )
    if reconcile(build, page).compiler == build.compiler:
        assert reconcile(build, page) == build


@given(_builds, st.data())
def test_of_two_comparable_descriptions_the_more_specific_stays(specific, data):
    """Where one is at least as specific in every part, the order in which they are seen is nothing."""
    name = specific.compiler.partition("@")[0]
    vague = specific._replace(
        compiler=data.draw(st.sampled_from((NO_COMPILER, name, specific.compiler))),
        variants=tuple(v for v in specific.variants if data.draw(st.booleans())),
        os=data.draw(st.sampled_from(("", specific.os))),
        platform=data.draw(st.sampled_from(("", specific.platform))),
    )
    vague = _led(vague, data.draw(st.sampled_from(({}, dict(specific.compilers)))))
    assert reconcile(specific, vague) == specific
    assert reconcile(vague, specific) == specific


@pytest.mark.parametrize(
    ("known", "seen", "kept"),
    [
        ("none", "gcc", "gcc"),
        ("gcc", "none", "gcc"),
        ("gcc", "gcc@=13.2.0", "gcc@=13.2.0"),
        ("gcc@=13.2.0", "gcc", "gcc@=13.2.0"),
        ("gcc", "gccgo@=1", "gcc"),
        ("gcc@=7.5.0", "gcc@=13.2.0", "gcc@=7.5.0"),
        ("gcc@=1", "gcc@=13.2.0", "gcc@=1"),
    ],
)
def test_which_compiler_is_kept(known, seen, kept):
    """A version beats a bare name beats none; of two that contradict, the known one stays."""
    build = Build("hdf5", "1", known, "o", "p", "t", ())
    assert reconcile(build, build._replace(compiler=seen)).compiler == kept
