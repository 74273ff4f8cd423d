"""Changes on a terminal: nothing cut, nothing too long, however many (cli/display/changes.py)."""

import io
import os
import re
from contextlib import redirect_stdout
from itertools import groupby
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.cli.display import changes
from cachesync.cli.display.wrapping import width as width_of
from cachesync.model import Build, Change, ChangeKind
from tests.support.examples import examples
from tests.support.world import hash_of

WIDTHS = (40, 60, 80, 120, 200)
AT = 1_795_872_786_156_894
names = st.text("ab-\u6f22\u0301", min_size=1, max_size=20).map(lambda name: f"p{name}q")
tags = st.sampled_from(["develop", "develop-2025-03-09", "v0.23.0"])


class Screen(io.StringIO):
    """Standard output that is a terminal."""

    encoding = "utf-8"

    def isatty(self):
        return True


@st.composite
def logs(draw):
    """A few changes of every sort that has something else to say."""
    found = []
    for number in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(list(ChangeKind)))
        change = Change(seq=10**number, at=AT, kind=kind, source="site", flag=draw(st.booleans()))
        if kind.label.startswith("spec."):
            build = Build(draw(names), "1.2.3", draw(st.sampled_from(["none", "gcc@=13.2.0", "intel-oneapi-compilers@=2024.2.1"])), "ubuntu24.04", "linux", "x86_64_v3", ())  # fmt: skip
            change = change._replace(tag=draw(tags), package=build.package, hash=hash_of(number), build=build)  # fmt: skip
            if kind is ChangeKind.SPEC_RESTACKED:
                change = change._replace(stacks_before=("e4s",), stacks=("root",))
        elif kind.label.startswith("page."):
            change = change._replace(tag=draw(tags), package=draw(names))
        else:
            change = change._replace(
                reason="it is not there, and nobody knows why", path=draw(names)
            )
        found.append(change)
    return found


def shown(some, width, *, has_sources=True, lines=()):
    """What the terminal shows of some changes, and of more that come."""
    screen = Screen()
    environ = {"COLUMNS": str(width), "NO_COLOR": "1", "TERM": "xterm"}
    with mock.patch.dict(os.environ, environ), redirect_stdout(screen):
        table = changes.Table(has_sources=has_sources)
        assert list(table.draw(some)) == list(some)
        for change in lines:
            table.line(change)
    return screen.getvalue()


def words(text):
    """What is shown, without the headings, in columns or below."""
    headings = {"SEQ", "AT", "CHANGE", "SOURCE", "TAG", "WHAT", "source:", "tag:", "what:"}
    return {word for word in text.split() if set(word) != {"─"}} - headings


@examples(100, 2_500)
@given(logs(), st.booleans(), st.sampled_from(WIDTHS))
def test_no_word_is_cut_and_none_is_lost(some, has_sources, width):
    """At any width: every line fits, and the words are those at the greatest, but for headings."""
    found = shown(some, width, has_sources=has_sources)
    assert max(map(width_of, found.splitlines())) <= width
    assert words(shown(some, 500, has_sources=has_sources)) <= words(found)


@examples(100, 2_500)
@given(logs(), logs(), st.sampled_from(WIDTHS))
def test_what_comes_later_stands_in_the_columns(some, more, width):
    """Lines below a table say what a table of them would say, and fit."""
    found = shown(some, width, lines=more)
    assert max(map(width_of, found.splitlines())) <= width
    for change in more:
        assert re.search(rf"^ *{change.seq} +2026-11-28T13:33:06Z", found, re.MULTILINE)
    assert words(shown(more, width)) <= words(found)


@examples(100, 2_500)
@given(logs(), st.booleans(), st.sampled_from((*WIDTHS, 100, 160)))
def test_lines_below_a_table_look_as_its_rows(some, has_sources, width):
    """The same changes once more are the same lines once more, in the columns of the table and their headings."""
    table = shown(some, width, has_sources=has_sources).splitlines()
    heads = sum(re.match(" *SEQ|source: |\u2500", line) is not None for line in table)
    both = shown(some, width, has_sources=has_sources, lines=some).splitlines()
    assert both == [*table, *table[heads:]]


@examples(100, 2_500)
@given(st.text("ab", min_size=1, max_size=8), st.integers(0, 8), st.sampled_from(WIDTHS[:3]))
def test_a_source_is_said_once(sources, later, width):
    """Where there is no room beside its changes: above them, and again where the change before is of another."""
    names = [f"/work/{name * 60}/cache" for name in sources]
    added = Change(1, AT, ChangeKind.PAGE_ADDED, "", tag="v1", package="zlib")
    some = [added._replace(seq=seq, source=name) for seq, name in enumerate(names)]
    text = shown(some[:later], width, lines=some[later:])
    said = re.findall("source:(/work/(?:a+|b+)/cache)", "".join(text.split()))
    assert said == [name for name, _ in groupby(names)]


def test_changes_of_several_sources_take_two_lines():
    """At 80 columns, also where a source has a long name; where it has room it is a column, of lines that are whole."""
    build = Build("zlib", "1.3.1", "gcc@=13.2.0", "ubuntu24.04", "linux", "x86_64_v3", ())
    cached = Change(seq=1, at=AT, kind=ChangeKind.SPEC_CACHED, source="/srv/mirrors/cache", tag="develop-2025-03-09", package="zlib", hash=hash_of(1), build=build)  # fmt: skip
    some = [cached._replace(seq=seq) for seq in range(10)]
    lines = shown(some, 80).splitlines()
    assert lines[1] == "source: /srv/mirrors/cache"
    assert len(lines) == 2 + 2 * len(some)
    assert len(shown(some, 140).splitlines()) == 2 + len(some)
    assert "SOURCE" in shown(some, 140)


def test_the_last_column_grows():
    """Who follows sees first a change of which there is little to say, and then others on one line each too."""
    added = Change(seq=1, at=AT, kind=ChangeKind.PAGE_ADDED, source="s", tag="v1", package="zlib")
    build = Build("zlib", "1.3.1", "gcc@=13.2.0", "ubuntu24.04", "linux", "x86_64_v3", ())
    cached = added._replace(seq=2, kind=ChangeKind.SPEC_CACHED, hash=hash_of(2), build=build)
    lines = shown([added], 120, has_sources=False, lines=[cached]).splitlines()
    assert lines[-1].endswith("zlib@1.3.1 %gcc@=13.2.0 ubuntu24.04 x86_64_v3")
    assert len(lines) == 4


def test_a_terminal_too_narrow_for_a_table():
    """Lines, a change each."""
    change = Change(seq=7, at=AT, kind=ChangeKind.PAGE_ADDED, source="s", tag="v1", package="zlib")
    assert shown([change], 40, has_sources=False).splitlines() == [
        "7  2026-11-28T13:33:06Z  page.added  v1",
        "    zlib",
    ]


def test_very_many_are_drawn_as_they_are_read():
    """Who looks at the first waits for no others: the first table is drawn with them, the others as lines."""
    read = []

    def log():
        for seq in range(1, 10_000):
            read.append(seq)
            yield Change(seq=seq, at=AT, kind=ChangeKind.PAGE_ADDED, source="s", tag="v1", package="zlib")  # fmt: skip

    screen = Screen()
    with mock.patch.dict(os.environ, {"COLUMNS": "120", "NO_COLOR": "1"}), redirect_stdout(screen):
        drawn = changes.Table(has_sources=False).draw(log())
        for _ in range(changes.AT_ONCE + 5):
            next(drawn)
    assert len(read) == changes.AT_ONCE + 5
    lines = [re.split(r" {3,}", line.strip()) for line in screen.getvalue().splitlines()]
    assert lines[-1] == [str(len(read)), "2026-11-28T13:33:06Z", "page.added", "v1", "zlib"]
    assert sum(line[0] == "SEQ" for line in lines) == 1


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        ((3, 3, False), "3 changes\n"),
        ((100, 48_559, True), "48,559 changes, the newest 100 shown (--limit 0 shows all, --summary counts them)\n"),
        ((10, 48_559, False), "48,559 changes, the oldest 10 shown (--limit 0 shows all, the newest last)\n"),
        ((10, None, False), "10 changes shown, the oldest (--limit 0 shows all)\n"),
    ],
)  # fmt: skip
def test_how_many_there_are(counted, expected, capsys):
    """And how those are seen that are not shown."""
    found, of, newest = counted
    with mock.patch.dict(os.environ, {"COLUMNS": "120"}):
        changes.print_count(found, of, newest=newest)
    assert capsys.readouterr().out == expected
