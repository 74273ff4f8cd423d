"""Spack's version order and ranges."""

import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachesync.spack import versions
from cachesync.spack.versions import canonical, contains, ranges_of, sort_key

_pieces = st.integers(0, 12).map(str) | st.sampled_from(
    ("a", "b", "z", "zz", "Z", "A", "aa", "az", "aZ", "rc", "alpha", "beta", "final", "p", "dev",
     "develop", "main", "master", "head", "trunk", "nightly", "stable", "stabld", "stablf", "headx")
)  # fmt: skip
_written = st.lists(st.tuples(_pieces, st.sampled_from(("", ".", "-", "_"))), max_size=5).map(
    lambda pairs: "".join(itertools.chain.from_iterable(pairs))
)
_versions = _written | st.text(max_size=12)

ASCENDING = (
    "",
    "a", "b", "ba",
    "0", "0.9",
    "1.2.a", "1.2.0", "1.2.1", "1.2.9", "1.2.10",
    "1.3-alpha", "1.3-alpha1", "1.3-beta", "1.3-beta2", "1.3-rc1", "1.3-rc2", "1.3-rc10", "1.3",
    "1.3-final1", "1.3-final5",
    "1.3.0", "1.12", "1.develop", "2", "10", "2024",
    "stable", "nightly", "trunk", "head", "master", "main", "develop", "develop.1",
)  # fmt: skip


def test_the_order_is_spacks():
    """Letters < numbers < stable < nightly < trunk < head < master < main < develop; rc < release."""
    for low, high in itertools.combinations(ASCENDING, 2):
        assert sort_key(low) < sort_key(high), (low, high)


@pytest.mark.parametrize(
    ("one", "other"), [("1.2.3", "1-2_3"), ("1.2rc1", "1.2-rc-1"), ("1.02", "1.2"), ("a1", "a.1")]
)
def test_separators_and_leading_zeros_do_not_count(one, other):
    """Versions that differ by separators or leading zeros only are equal."""
    assert sort_key(one) == sort_key(other)
    assert canonical(one) == canonical(other)
    assert contains(one, other)


@pytest.mark.parametrize(
    ("wanted", "version", "expected"),
    [
        ("3.12", "3.12", True),
        ("3.12", "3.12.4", True),
        ("3.1", "3.12", False),
        ("3", "3.12.4", True),
        ("3.12.4", "3.12", False),
        ("3.12", "3.13", False),
        ("3.12", "3.13-rc1", True),  # it sorts below 3.13, which is where the range ends
        ("3.12", "3.12-rc1", False),
        ("3.12-rc1", "3.12-rc1", True),
        ("3.12-rc1", "3.12-rc10", False),
        ("3.12-rc", "3.12-rc1", False),
        ("1.2", "1.2b", True),
        ("9e", "9e", True),
        ("1a", "1ab", True),
        ("1z", "1zz", False),
        ("develop", "develop", True),
        ("develop", "main", False),
        ("main", "develop", False),
        ("2024", "2024.2.1", True),
        ("2024.2.1", "2024.2.10", False),
    ],
)
def test_ranges_are_spacks(wanted, version, expected):
    """`@x` holds every version from x to the next one at the precision of x."""
    assert contains(wanted, version) is expected
    assert (canonical(wanted) in ranges_of(version)) is expected


@given(_versions, _versions)
def test_keys_compare_as_versions_do(one, other):
    """The bytes of `sort_key` have the order of the parsed tuples, equality included."""
    left, right = versions._parse(one), versions._parse(other)
    assert (sort_key(one) < sort_key(other)) == (left < right)
    assert (sort_key(one) == sort_key(other)) == (left == right)


@given(_versions, _versions)
def test_looking_up_is_containing(wanted, version):
    """`contains(x, v)` holds exactly when the canonical x is among the ranges of v."""
    assert contains(wanted, version) == (canonical(wanted) in ranges_of(version))


@given(_written, st.integers(0, 12))
def test_looking_up_a_beginning_is_containing(version, length):
    """The same for what is most often asked for, a beginning of the version itself."""
    wanted = version[:length]
    assert contains(wanted, version) == (canonical(wanted) in ranges_of(version))


@pytest.mark.parametrize(
    ("wanted", "version"),
    [
        ("7rc", "7rcZ"),
        ("7rc", "7rcfinal"),
        ("7rc1", "7rc1.2"),
        ("r", "rc-rc"),
        ("dev", "develx-rc1"),
        ("1aZ", "1a-rc"),
        ("", "A-rc"),
        ("stabld", "stablex"),
        ("heac", "headx-rc"),
        ("master", "main-rc1"),
    ],
)
def test_looking_up_is_containing_at_the_odd_ends(wanted, version):
    """Letters that read as a release candidate, infinity versions as beginnings of other words."""
    assert contains(wanted, version) == (canonical(wanted) in ranges_of(version))


@given(_versions)
def test_canonical_is_the_version_itself(version):
    """A canonical version is equal to what it was made of, contained in it, and its own canonical."""
    text = canonical(version)
    assert versions._parse(text) == versions._parse(version)
    assert canonical(text) == text
    assert contains(text, version)
    assert contains(version, text)


@given(_versions, _versions, _versions)
def test_ranges_nest_or_are_apart(one, other, version):
    """Of two ranges that share a version, the one that begins later ends no later."""
    if contains(one, version) and contains(other, version):
        low, high = sorted((one, other), key=sort_key)
        assert contains(low, high)


@pytest.mark.parametrize(
    "version", ["1." * 127, "1" * 255, "a" * 255, "zA" * 127, "1a" * 127, "1rc" * 85, "-" * 255]
)
def test_long_versions_are_cheap(version):
    """A version of 255 characters costs less than 5 ms to order or to compare."""

    def cost(call):
        took = []
        for _ in range(3):
            versions._parse.cache_clear()
            start = time.process_time()
            call()
            took.append(time.process_time() - start)
        return min(took)

    assert cost(lambda: sort_key(version)) < 0.005
    assert cost(lambda: contains(version[:100], version)) < 0.005
    assert cost(lambda: canonical(version)) < 0.005
    assert cost(lambda: ranges_of(version)) < 0.025  # once a build, when it is first indexed


@settings(max_examples=20)
@given(st.integers(4_000, 9_000), st.sampled_from("0129"))
def test_long_numbers_are_no_trouble(length, digit):
    """A number with more digits than Python converts is still a version."""
    version = digit * length
    assert contains(version, version)
    assert canonical(version) in ranges_of(version)
    assert sort_key(version) >= sort_key("0")
