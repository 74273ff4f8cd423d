"""Globs over tags and packages: what is wanted of a source."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.selection import Selection


@pytest.mark.parametrize(
    ("globs", "admitted", "refused"),
    [
        ((), ["develop", "v1"], []),
        (("*",), ["develop", "v0.23.0"], []),
        (("develop",), ["develop"], ["develop-2025-03-09", "Develop"]),
        (("develop-2025-*",), ["develop-2025-03-09"], ["develop", "develop-2024-01-01"]),
        (
            ("develop-2025-*", "!develop-2025-01-*"),
            ["develop-2025-02-02"],
            ["develop-2025-01-05", "v1"],
        ),
        (("!develop-2025-01-*", "develop-2025-*"), ["develop-2025-01-05", "v1"], []),
        (("!v*",), ["develop", "nightly"], ["v0.23.0"]),
        (("!*",), [], ["develop", "v1"]),
        (("*", "!v*", "v0.23.?"), ["develop", "v0.23.1"], ["v0.22.0", "v0.23.10"]),
        (("v0.2[23].*",), ["v0.22.1", "v0.23.0"], ["v0.21.0"]),
    ],
)
def test_the_last_glob_that_matches_wins(globs, admitted, refused):
    """`!` excludes; a list that begins by excluding takes everything else."""
    for name in (*admitted, *refused):
        expected = name in admitted
        assert Selection(tags=globs).admits_tag(name) is expected
        assert Selection(packages=globs).admits_package(name) is expected
        assert Selection(tags=globs).admits(name, "zlib") is expected
        assert Selection(packages=globs).admits("develop", name) is expected


_globs = st.lists(st.sampled_from(("*", "!*", "a*", "!a*", "ab", "!ab", "?b", "!?b")), max_size=5)


@given(_globs, st.sampled_from(("*", "a*", "ab", "!ab", "!*")), st.sampled_from(("ab", "cb", "x")))
def test_a_glob_at_the_end_decides_what_it_matches(globs, last, name):
    """Whatever stands before: appending `*` admits everything, appending `!*` nothing."""
    before = Selection(tags=(*globs, "*"))
    assert before.admits_tag(name)
    assert not Selection(tags=(*globs, "!*")).admits_tag(name)
    matched = last.removeprefix("!") in ("*", name) or (last == "a*" and name == "ab")
    if matched:
        assert Selection(tags=(*globs, last)).admits_tag(name) is (not last.startswith("!"))
