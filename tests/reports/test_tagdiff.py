"""Comparing two sides: what is where, and what is newer (tagdiff.py), and naming the sides (tags.py)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.errors import NotThereError
from cachesync.model import Build
from cachesync.reports import tagdiff
from cachesync.spack import tags
from cachesync.spack.versions import sort_key

VERSIONS = ("1.2", "1.10", "1.9.3", "develop", "2.0-rc1", "2.0", "1-2")
BUILDS = {
    number: Build(package, version, compiler, "ubuntu24.04", "linux", target, ())
    for number, (package, version, compiler, target) in enumerate(
        (package, version, compiler, target)
        for package in ("hdf5", "zlib")
        for version in VERSIONS
        for compiler in ("gcc@=13.2.0", "none")
        for target in ("aarch64", "x86_64_v3")
    )
}
sides = st.dictionaries(
    st.sampled_from(sorted(BUILDS)), st.sets(st.sampled_from("abcdef"), min_size=1), max_size=12
)


def hashes(side: dict[int, set[str]]) -> set[tuple[int, str]]:
    """The specs of a side; a hash of another build is another spec here."""
    return {(build_id, letter) for build_id, found in side.items() for letter in found}


@given(sides)
def test_a_side_does_not_differ_from_itself(side):
    """Nothing is on one side only, and nothing newer or older."""
    found = tagdiff.compare(BUILDS, side, side)
    assert (found.only_a, found.only_b, found.changed, found.newer, found.older) == (
        (), (), [], (), (),
    )  # fmt: skip
    assert found.specs() == {"only_a": 0, "only_b": 0, "both": len(hashes(side))}


@given(sides, sides)
def test_the_other_way_round_is_the_mirror_image(a, b):
    """A and B change places, newer and older too, and nothing else changes."""
    there, back = tagdiff.compare(BUILDS, a, b), tagdiff.compare(BUILDS, b, a)
    mirrored = [found._replace(only_a=found.only_b, only_b=found.only_a) for found in back.both]
    assert list(there.both) == mirrored
    assert [f.build for f in there.only_a] == [f.build for f in back.only_b]
    assert [s._replace(a=s.b, b=s.a) for s in there.newer] == list(back.older)
    assert [s._replace(a=s.b, b=s.a) for s in there.older] == list(back.newer)


@given(sides, sides)
def test_every_spec_is_in_exactly_one_part(a, b):
    """The counts are those of plain sets, and every build is listed once."""
    found = tagdiff.compare(BUILDS, a, b)
    here, there = hashes(a), hashes(b)
    assert found.specs() == {
        "only_a": len(here - there), "only_b": len(there - here), "both": len(here & there),
    }  # fmt: skip
    listed = [one.build for part in (found.only_a, found.only_b, found.both) for one in part]
    assert len(listed) == len(set(listed)) == len(a.keys() | b.keys())


@given(sides, sides)
def test_newer_is_judged_by_the_newest_version_for_an_architecture(a, b):
    """By a loop that knows nothing but Spack's order: compilers do not matter."""

    def newest(side, package, target):
        found = [
            BUILDS[i].version
            for i in side
            if (BUILDS[i].package, BUILDS[i].target) == (package, target)
        ]
        return max(map(sort_key, found), default=None)

    found = tagdiff.compare(BUILDS, a, b)
    newer, older = ({(s.package, s.target) for s in part} for part in (found.newer, found.older))
    for package in ("hdf5", "zlib"):
        for target in ("aarch64", "x86_64_v3"):
            one, other = newest(a, package, target), newest(b, package, target)
            both = one is not None and other is not None
            assert ((package, target) in newer) == (both and other > one)
            assert ((package, target) in older) == (both and other < one)


# -- names of tags


def test_tags_from_old_to_new():
    """Snapshots by date, releases by version, and what goes on changing last."""
    names = ["develop", "develop-2025-03-09", "v0.23.0", "v1.0.0", "develop-2024-10-06", "v0.9.1"]
    assert sorted(names, key=tags.order) == [
        "v0.9.1", "v0.23.0", "v1.0.0", "develop-2024-10-06", "develop-2025-03-09", "develop",
    ]  # fmt: skip


PLACES = [("site", "develop"), ("other", "develop"), ("/srv/pages", "v1"), ("other", "v1")]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("develop", [("other", "develop"), ("site", "develop")]),
        ("site/develop", [("site", "develop")]),
        ("/srv/pages/v1", [("/srv/pages", "v1")]),
    ],
)
def test_a_tag_is_of_every_source_or_of_one(wanted, found):
    """`TAG` means all sources, `SOURCE/TAG` one, also where a source is called by its path."""
    assert tags.resolve(wanted, PLACES) == found


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ("develp", "did you mean develop?"),
        ("site/v1", "did you mean"),
        ("xyz", "tags: develop, v1"),
    ],
)
def test_a_tag_that_does_not_exist(wanted, hint):
    """The error says what is spelled alike, else what there is."""
    with pytest.raises(NotThereError, match=f"there is no tag {wanted}") as caught:
        tags.resolve(wanted, PLACES)
    assert hint in caught.value.hint
