"""`changes`: what it shows, and following it."""

import json
import re
import signal
from collections import Counter

import pytest

from cachesync.cli.times import point
from cachesync.documents import timestamp
from tests.support import mirrors
from tests.support.console import assert_error, on_terminal
from tests.support.world import World, spec


def test_since(site):
    """A seq is exclusive; a time and an age are inclusive."""
    lines = site.changes()
    middle = lines[len(lines) // 2]["seq"]
    assert site.changes("--since", middle) == [line for line in lines if line["seq"] > middle]
    assert site.changes("--since", lines[-1]["seq"]) == []
    assert site.changes("--since", "0") == lines
    assert site.changes("--since", "2d") == lines
    assert site.changes("--since", "1970-01-01T00:00:00Z") == lines
    assert site.changes("--since", "2999-01-01") == []
    at = lines[-1]["at"]
    assert site.changes("--since", at)[-1] == lines[-1]
    assert site.changes("--since", at)[0]["at"] >= at


def test_a_package_in_other_letters_and_what_never_was(site):
    """Its case is ignored, as in a query; a package or tag that there never was is said to be none."""
    assert site.changes("--package", "HDF5") == site.changes("--package", "hdf5") != []
    told = site.run("show", "HDF5", "--json").json
    assert told["history"] == site.run("show", "hdf5", "--json").json["history"] != []
    none = site.run("changes", "--package", "gromacs", "--tag", "nope")
    assert none.out == ""
    assert none.err.splitlines() == [
        "cachesync: note: no package 'gromacs' was ever cached",
        "cachesync: note: there never was a tag 'nope'",
    ]
    assert site.run("-q", "changes", "--tag", "nope").err == ""


def test_filters(site):
    """Kinds add up, the other filters narrow."""
    lines = site.changes()

    def wanted(**conditions):
        return [c for c in lines if all(c.get(k) in v for k, v in conditions.items())]

    both = ["spec.evicted", "spec.restacked"]
    assert site.changes("--kind", both[0], "--kind", both[1]) == wanted(kind=both)
    assert site.changes("--package", "hdf5", "--tag", "v1") == wanted(package=["hdf5"], tag=["v1"])
    assert site.changes("--source", "site") == lines
    assert site.changes("--source", "other") == []
    assert len(wanted(kind=both)) == 2


def test_limit_of_changes(site):
    """--limit N is the oldest N after --since, and 0 is all."""
    lines = site.changes()
    assert site.run("changes", "--json", "--since", 1, "--limit", 2).lines == lines[1:3]
    assert site.run("changes", "--json", "--limit", 0).lines == lines
    human = site.run("changes", "--kind", "spec.restacked").out
    assert "-e4s" in human
    assert "develop/hdf5" in human


def test_follow_sees_a_later_sync_and_ends_with_130(world):
    """`changes --follow` prints what another process commits; Ctrl-C ends it with 130, said to programs only."""
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    with world.start("changes", "--follow", "--json", "--package", "zlib", "--since", 0) as process:
        world.page("develop", "zlib", spec("z"))
        world.page("develop", "other", spec("o"))
        world.sync()
        lines = [json.loads(process.stdout.readline()) for _ in range(2)]
        assert [(line["kind"], line["package"]) for line in lines] == [
            ("page.added", "zlib"),
            ("spec.cached", "zlib"),
        ]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out) == (130, "")
        assert json.loads(err.splitlines()[-1])["error"]["exit"] == 130


def test_kinds_for_short(site):
    """A kind without what stands before the dot; what several are called is all of them, and lists are taken."""
    assert site.changes("--kind", "cached") == site.changes("--kind", "spec.cached")
    both = site.changes("--kind", "spec.evicted", "--kind", "spec.restacked")
    assert site.changes("--kind", "evicted,RESTACKED") == both != []
    (rejected,) = site.changes("--kind", "rejected")
    assert rejected["kind"] == "page.rejected"
    result = site.run("changes", "--kind", "cache", status=2)
    assert_error(result, "there is no kind 'cache'")
    assert "did you mean cached?" in result.err


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("last", "week"), "--since 'last week'"),
        (("2d", "--summary"), "--since 2d"),
        (("gromacs",), "--package gromacs"),
    ],
)
def test_words_that_belong_behind_an_option(site, words, hint):
    """What is typed without its option is refused, and the option named."""
    result = site.run("changes", *words, status=2)
    assert_error(result, "changes takes options only")
    assert result.err.splitlines()[1] == f"hint: {hint}"


def test_first_last_and_no_baseline(site):
    """What is flagged so in the lines, and both where both are asked for; with other kinds they are no question."""
    lines = site.changes()
    first = [c for c in lines if c.get("first")]
    last = [c for c in lines if c.get("last")]
    assert site.changes("--first") == site.changes("--first", "--kind", "cached") == first != []
    assert site.changes("--last") == last != []
    assert site.changes("--first", "--last") == sorted([*first, *last], key=lambda c: c["seq"])
    assert site.changes("--first", "--last", "--kind", "evicted") == last
    news = site.changes("--no-baseline")
    assert news == [c for c in lines if not c.get("baseline")]
    assert 0 < len(news) < len(lines)
    assert_error(site.run("changes", "--first", "--kind", "evicted", status=2), "--first is about")


FILTERS = [(), ("--tag", "develop"), ("--package", "hdf5", "--no-baseline"), ("--kind", "cached"), ("--first",),
           ("--limit", "5"), ("--since", "4"), ("--tag", "nope")]  # fmt: skip


@pytest.mark.parametrize("arguments", FILTERS)
def test_a_summary_counts_the_lines(site, arguments):
    """One document, and in a pipe one table: by tag, by package, and of all."""
    lines = [*site.run("changes", "--json", *(arguments if "--limit" in arguments else ("--limit", 0, *arguments))).lines]  # fmt: skip
    found = site.run("changes", "--summary", "--json", *arguments).json
    assert (found["schema"], found["as_of"]) == (1, {"seq": site.seq()})
    assert (found["changes"], found["kinds"]) == (len(lines), Counter(c["kind"] for c in lines))
    for key in ("tag", "package"):
        counted = {one[key]: one["changes"] for one in found[f"{key}s"]}
        assert counted == Counter(c[key] for c in lines if key in c)
    assert found["first"] == sum(c.get("first", False) for c in lines)
    assert found["last"] == sum(c.get("last", False) for c in lines)
    header, *rows = site.run("changes", "--summary", *arguments).out.splitlines()
    assert header.split("\t") == ["OF", "NAME", "CACHED", "FIRST", "EVICTED", "LAST", "OTHER"]
    cached, first, evicted, last, other = map(int, rows[-1].split("\t")[2:])
    assert (cached + evicted + other, first, last) == (len(lines), found["first"], found["last"])
    assert [row.split("\t")[:2] for row in rows[:-1]] == [
        *(["tag", one["tag"]] for one in found["tags"]),
        *(["package", one["package"]] for one in found["packages"]),
    ]


def test_a_summary_follows_nothing(site):
    """It counts what there is."""
    assert_error(site.run("changes", "--summary", "--follow", status=2), "--summary")


def test_since_a_tag(site):
    """From its first change on, in whichever source or in one; it is said how it was read."""
    lines = site.changes()
    first = next(c["seq"] for c in lines if c.get("tag") == "v1")
    assert first > lines[0]["seq"]
    for tag in ("v1", "site/v1"):
        assert site.changes("--since", tag) == [c for c in lines if c["seq"] >= first]
    assert timestamp(point("v1", site.state, now=0).tag_at, fraction=True) == lines[first - 1]["at"]
    said = site.run("changes", "--since", "v1").err
    assert said.startswith(f"cachesync: note: since v1 was first seen: seq {first}, ")
    assert site.run("--quiet", "changes", "--since", "v1").err == ""


def test_since_words(site):
    """Said as the moment they mean, in the zone of the machine; what nothing is called names what is near."""
    result = site.run("changes", "--since", "last week", "--json", "--limit", 0)
    assert result.lines == site.changes()
    assert result.err.startswith("cachesync: note: since Mon 20")
    assert site.changes("--since", "now") == []
    for text, near in (("yesterdy", "yesterday"), ("v11", "v1"), ("other/v1", "")):
        result = site.run("changes", "--since", text, status=2)
        assert_error(result, f"--since does not understand '{text}'")
        assert f"did you mean {near}" in result.err or not near
        assert '"2 weeks ago"), or a tag (develop, v1)' in result.err


@pytest.mark.parametrize("where", ["5", "v1", "site/v1", "yesterday", "now", "1h", "2026-11-22"])
def test_since_and_until_part_the_log(site, where):
    """Each change is in one of them, whatever the point is."""
    parts = site.changes("--until", where), site.changes("--since", where)
    assert parts[0] + parts[1] == site.changes()


def test_until_the_moment_of_a_change(site):
    """What was made at that moment is after it."""
    lines = site.changes()
    at = lines[-1]["at"]
    assert site.changes("--until", at) == [c for c in lines if c["at"] < at] != []
    assert_error(
        site.run("changes", "--until", "v11", status=2), "--until does not understand 'v11'"
    )


def test_since_what_is_no_tag_where_nothing_was_synced(tmp_path):
    """It is the question that is wrong."""
    assert_error(World(tmp_path).run("changes", "--since", "yesterdy", status=2), "--since")


@pytest.fixture(scope="module")
def mirror(tmp_path_factory) -> World:
    """A mirror whose index was rejected before it was read, and another source of another tag."""
    world = World(tmp_path_factory.mktemp("mirror"))
    made = mirrors.make_mirror(world.root / "mirror", [mirrors.record("zlib", "1.3")])
    entries = "".join(
        f"  - {{name: {name}, type: buildcache, url: '{url}', tag: {tag}}}\n"
        for name, url, tag in (("m", made.url, "v1"), ("n", made.url, "v2"))
    )
    world.configure(f"sources:\n{entries}")
    whole = made.manifest.read_bytes()
    made.manifest.write_bytes(b"{")
    world.run("sync", status=1)
    made.manifest.write_bytes(whole)
    world.run("sync")
    return world


def test_a_tag_of_a_mirror(mirror):
    """It begins with its cache index, also one that was rejected; what nodes are described by is counted on demand."""
    lines = mirror.changes()
    for source, tag in (("m", "v1"), ("n", "v2")):
        first = next(c for c in lines if c.get("tag") == tag)
        assert (first["kind"], first["source"]) == ("index.rejected", source)
        assert mirror.changes("--since", tag)[0] == first
    told = mirror.run("changes", "--summary", "--json").json
    assert "spec.described" not in told["kinds"]
    assert {one["tag"] for one in told["tags"]} == {"v1", "v2"}
    described = mirror.run("changes", "--summary", "--json", "--kind", "described").json
    assert described["kinds"] == Counter(c["kind"] for c in lines if c["kind"] == "spec.described")
    assert (described["tags"], [one["package"] for one in described["packages"]]) == ([], ["zlib"])


def test_sources_stand_in_the_table_where_there_are_several(mirror, site):
    """One and the same source would tell nobody anything; where there is no room for a column it stands above."""
    assert "SOURCE" in on_terminal(mirror, "changes", columns=300)
    shown = on_terminal(mirror, "changes", columns=120)
    assert "SOURCE" not in shown
    assert all(f"\nsource: {name}\r\n" in shown for name in "mn")
    shown = on_terminal(mirror, "changes", "--source", "m", columns=120)
    assert "source: " not in shown
    assert "SOURCE" not in shown
    shown = on_terminal(site, "changes", "--limit", 3, columns=120)
    assert "SOURCE" not in shown
    assert f"{len(site.changes())} changes, the oldest 3 shown" in shown


def test_a_summary_lists_the_most_changed_packages(tmp_path):
    """On a terminal 20 of them, and it says how all are listed; in a pipe and as JSON all."""
    records = [mirrors.record(f"p{number}", "1") for number in range(22)]
    made = mirrors.make_mirror(tmp_path / "mirror", [*records, mirrors.record("p21", "2")])
    world = World(tmp_path)
    world.configure(f"sources:\n  - {{name: m, type: buildcache, url: '{made.url}'}}\n")
    world.run("sync")
    shown = on_terminal(world, "changes", "--summary")
    listed = re.findall(r"^p\d+", shown, re.MULTILINE)
    assert (len(listed), listed[0]) == (20, "p21")
    assert shown.endswith("\u2026 2 more packages (--limit 0 shows all)\r\n")
    shown = on_terminal(world, "changes", "--summary", "--limit", "99")
    assert shown.endswith("\u2026 2 more packages (--json has all)\r\n")
    whole = on_terminal(world, "changes", "--summary", "--limit", "0")
    assert len(re.findall(r"^p\d+", whole, re.MULTILINE)) == 22
    assert "more" not in whole
    assert len(world.run("changes", "--summary").out.splitlines()) == 1 + 1 + 22 + 1
    assert len(world.run("changes", "--summary", "--json").json["packages"]) == 22


def test_a_summary_on_a_terminal(site):
    """All of it in words, then two tables."""
    shown = on_terminal(site, "changes", "--summary", "--package", "hdf5")
    assert "TAG" in shown
    assert "PACKAGE" in shown
    assert "spec.evicted (1 gone)" in shown
