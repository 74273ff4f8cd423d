"""Builds in groups on a terminal: nothing is lost, nothing is cut (cli/display/{grouping,compact,cells}.py)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.cli.display import cells, grouping
from cachesync.cli.display.compact import Entry, compact
from cachesync.model import Build
from tests.support.console import on_terminal
from tests.support.examples import examples
from tests.support.world import World, hash_of, spec

NAMES = ("cuda", "hl", "mpi", "api", "build_type")
VALUES = {
    "api": ("api=default", "api=v18", "api=v110,v112"),
    "build_type": ("build_type=Debug", "build_type=Release"),
}
LONGEST = len("apple-clang@=16.0.0") + cells.GAP


def texts(name: str) -> tuple[str, ...]:
    return VALUES.get(name, (f"+{name}", f"~{name}"))


variants = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(texts(name)) for name in NAMES}
)
odd = st.lists(st.sampled_from(["+mpi", "~mpi", "mpi=x", "@1.0", "@2.10", "=", "+"]), max_size=3)
builds = st.builds(
    lambda package, version, os, target, chosen, more: Build(
        package, version, "", os, "linux", target, tuple(sorted({*chosen.values(), *more}))
    ),
    st.sampled_from(["hdf5", "zlib-ng"]),
    st.sampled_from(["1.0", "2.10"]),
    st.sampled_from(["ubuntu24.04", "rhel9"]),
    st.sampled_from(["x86_64_v3", "aarch64"]),
    variants,
    st.one_of(st.just([]), odd),
)
compilers = st.sampled_from(["-", "gcc@=13.2.0", "apple-clang@=16.0.0"])
DOTS = "..."


@st.composite
def answers(draw) -> list[Entry]:
    """Builds of two packages; the first tag of each is its own."""
    return [
        Entry(build, draw(compilers), draw(st.integers(1, 30)), (f"t{number}", "u", "v")[: draw(st.integers(1, 3))])
        for number, build in enumerate(draw(st.lists(builds, min_size=1, max_size=8)))
    ]  # fmt: skip


def lines_of(entries, *, width, height=24, gather=True) -> tuple[list[str], bool]:
    shown = compact(entries, width=width, height=height, gather=gather, dots=DOTS)
    return ["".join(piece.text for piece in line).rstrip() for line in shown.lines], shown.is_whole


@examples(100, 2_500)
@given(st.lists(builds, min_size=1, max_size=8), st.booleans(), st.booleans(), st.booleans())
def test_a_group_gives_back_its_builds(every, bundled, apart, gather):
    """What is common, what comes along and what is a build's own is all that it has; each build is there once."""
    seen = []
    for positions in grouping.split([build.package for build in every], gather=gather):
        group = grouping.group([every[one] for one in positions], positions, bundled=bundled)
        group = grouping.setting_apart(group) if apart else group
        for row in group.rows:
            build = every[row.position]
            assert group.package == build.package
            assert group.version in (None, build.version)
            assert grouping.variants_of(group, row, build.version) == build.variants
            seen.append(row.position)
    assert sorted(seen) == list(range(len(every)))
    assert seen == sorted(seen) or gather


@examples(100, 2_500)
@given(answers(), st.integers(60, 130), st.integers(1, 60))
def test_every_build_is_shown_once_where_its_package_stands(entries, width, height):
    """Packages stand in the order of their first builds."""
    lines, _ = lines_of(entries, width=width, height=height)
    text = "\n".join(lines)
    assert all(len(re.findall(rf"\bt{number}\b", text)) == 1 for number in range(len(entries)))
    heads = [re.split(r"[@ ]", line)[0] for line in lines if line[:1] != " "]
    assert list(dict.fromkeys(heads)) == list(dict.fromkeys(e.build.package for e in entries))


@examples(100, 2_500)
@given(answers(), st.integers(30, 130), st.integers(1, 60))
def test_what_is_sorted_stays_so(entries, width, height):
    """Without gathering builds are shown in the order in which they came."""
    lines, _ = lines_of(entries, width=width, height=height, gather=False)
    shown = [int(number) for number in re.findall(r"\bt(\d)\b", "\n".join(lines))]
    assert shown == list(range(len(entries)))


@examples(100, 2_500)
@given(answers(), st.integers(30, 130), st.integers(1, 60))
def test_no_word_is_cut_and_no_line_is_too_long(entries, width, height):
    """Wherever each word has room for itself."""
    lines, is_whole = lines_of(entries, width=width, height=height)
    assert max(map(len, lines)) <= width
    known = {"with", "or", "unless", "said", "spec", "specs", "in", "more", DOTS}
    for entry in entries:
        build = entry.build
        known |= {build.package, f"{build.package}@{build.version}", f"@{build.version}", build.os,
                  build.target, entry.compiler, *build.variants, *entry.tags}  # fmt: skip
    said = [word for line in lines for word in line.split()]
    assert {
        word
        for word in said
        if not {word, word.rstrip(":"), word.rstrip(",")} & known and not re.fullmatch(r"\+?\d+", word)
    } == set()  # fmt: skip
    every = {text for entry in entries for text in entry.build.variants}
    assert not is_whole or {word.rstrip(":") for word in said} >= every - {"="}
    assert is_whole is (DOTS not in said)


COLUMNS = (r"ubuntu24\.04|rhel9", r"x86_64_v3|aarch64", r"-|gcc@=\S+|apple-clang@=\S+", r"t\d,?")
"""The words of a row that each group has in columns: systems, targets, compilers, first tags."""


@examples(100, 2_500)
@given(answers(), st.integers(24, 130), st.integers(1, 60), st.booleans())
def test_columns_stand_under_each_other(entries, width, height, gather):
    """In a group the cells of a column begin at the same place; what goes on below does so in all rows."""
    lines, _ = lines_of(entries, width=width, height=height, gather=gather)
    where: dict[int, list[int]] = {}
    for line in lines:
        if line[:1] != " ":
            where = {}
            continue
        words = [(word.start(), word[0]) for word in re.finditer(r"\S+", line)]
        columns = [
            (kind, at)
            for kind, text in enumerate(COLUMNS)
            for at, word in words
            if re.fullmatch(text, word)
        ]
        beside = [kind for kind, _ in columns]
        assert all(
            where.setdefault(kind, [at, *beside]) == [at, *beside] for kind, at in columns
        ), "\n".join(lines)


@examples(100, 2_500)
@given(answers(), st.integers(60, 130))
def test_a_high_screen_has_all_of_it(entries, width):
    """Nothing is left out where it is whole in half of what there is."""
    lines, is_whole = lines_of(entries, width=width, height=1000)
    assert is_whole
    assert len(lines_of(entries, width=width, height=1)[0]) <= len(lines)


@examples(100, 2_500)
@given(st.lists(st.text("abc", min_size=1, max_size=12), max_size=30), st.integers(30, 60),
       st.integers(0, 20), st.integers(1, 3))  # fmt: skip
def test_words_flow(words, room, at, most):
    """All of them in their order, or as many as fit, and how many more there are, below where that does not fit."""
    whole = cells.flow(words, at=at, room=room, indent=4)
    assert [word for line in whole.lines for word in line.split()] == words
    assert all(len(line) + (4 if number else at) <= room for number, line in enumerate(whole.lines))
    some = cells.flow(words, at=at, room=room, indent=4, most=most, dots=DOTS)
    if len(whole.lines) <= most:
        assert some == whole
        return
    kept = [word for line in some.lines for word in line.split()]
    assert kept == [*words[: len(words) - some.left_out], DOTS, str(some.left_out), "more"]
    has_no_room = at + len(f"{DOTS} {some.left_out} more") > room
    assert len(some.lines) <= most or (has_no_room and not some.lines[0])
    assert all(len(line) + (4 if number else at) <= room for number, line in enumerate(some.lines))


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> World:
    """Twenty builds of one package that differ in variants and little else, and two of another. Read only."""
    world = World(tmp_path_factory.mktemp("site"))
    many = [f"~feature{number:02}" for number in range(40)]
    world.page(
        "develop-2025-07-13", "hdf5",
        *(
            spec(
                hash_of(number), os="ubuntu22.04", target=("x86_64_v3", "aarch64")[number % 2],
                compiler=f"gcc@={11 + number // 8}.2.0",
                variants=[
                    "+-~"[number % 2 * 2] + "mpi", "+~"[number // 2 % 2] + "cxx",
                    f"build_type={('Debug', 'Release')[number // 4 % 2]}", *many,
                ],
            )
            for number in range(18)
        ),
    )  # fmt: skip
    world.page("develop-2025-07-13", "zlib", spec(hash_of(90)), spec(hash_of(91), os="rhel9"))
    world.sync()
    return world


def test_a_screen_is_enough_for_twenty_builds(site):
    """A line each, with what differs and nothing else; what all have once, and as much of it as fits."""
    shown = on_terminal(site, "search")
    lines = shown.splitlines()
    assert len(lines) <= 24
    rows = [line for line in lines if " gcc@=1" in line and line.startswith("  ")]
    assert len([row for row in rows if re.match(r"  [+~]cxx [+~]mpi build_type=\w+ ", row)]) == 18
    assert shown.count("~feature00") == 1
    assert max(map(len, lines)) <= 80
    assert lines[-1] == "20 builds, 20 specs (--long shows all variants)"
    assert "feature39" not in shown
    long = on_terminal(site, "search", "--long")
    assert long.count("~feature39") == 18


def test_what_is_not_for_people_is_told_whole(site):
    """In a pipe every build has all of its variants, with and without --long."""
    piped = site.run("search", "hdf5").out
    assert piped == site.run("search", "hdf5", "--long").out
    assert piped.count("~feature39") == 18
    assert piped.splitlines()[0].split("\t")[-1] == "VARIANTS"


@pytest.mark.parametrize("columns", [40, 60, 80, 120, 200])
def test_nothing_is_cut_on_a_terminal(site, columns):
    """Whatever its width: no line is longer, and no version, tag or compiler is broken."""
    for asked in (["hdf5"], ["zlib"], ["hdf5", "--hashes"], ["zlib", "--facets"]):
        shown = on_terminal(site, "search", *asked, columns=columns)
        assert max(map(len, shown.splitlines())) <= columns
        assert shown.count("develop-2025-07-13") >= 2
    assert shown.count("hdf5") == 0
