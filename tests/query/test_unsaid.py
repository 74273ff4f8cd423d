"""What pages cannot say is said: flags, dev_path, commit, namespaces, and compilers that are not named."""

import shutil

import pytest

from cachesync.query import And, Everything, Term, parse
from cachesync.query.printing import show
from cachesync.query.unsaid import unsaid, with_no_compiler, without_unsaid
from tests.support import mirrors
from tests.support.console import assert_error
from tests.support.world import World, spec

NONE = Term("compiler", "none", spack=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> World:
    """Two tags, of which the pages of one name no compiler. Read only."""
    world = World(tmp_path_factory.mktemp("site"))
    world.page("develop", "hdf5", spec("a"), spec("b", versions=["1.14.3"]))
    world.page("v1", "hdf5", spec("c", compiler=...), spec("d", compiler=..., variants=["~mpi"]))
    world.page("v1", "zlib", spec("e", compiler=...))
    world.sync("--pages", world.pages)
    return world


# -- the pure part


@pytest.mark.parametrize(
    ("text", "subjects"),
    [
        ('hdf5 cflags="-O3 -g"', ["compiler flags"]),
        ("hdf5 cxxflags==-O3 ldlibs=-lm", ["compiler flags", "compiler flags"]),
        ("hdf5 dev_path=/home/user/src", ["dev_path"]),
        ("hdf5 dev_path=*", ["dev_path"]),
        ("hdf5 -commit=abc", ["commits"]),
        ("hdf5 +mpi OR (zlib commit=abc)", ["commits"]),
        ("variant:cflags=-o3", ["compiler flags"]),
        ("site.hdf5@1", ["namespaces"]),
        ("hdf5 +mpi libs=shared cflagsx=a", []),
        ("cflags", []),
    ],
)
def test_which_conditions_pages_cannot_answer(text, subjects):
    """Wanted or excluded, wherever they stand."""
    assert [found.subject for found in unsaid(parse(text))] == subjects


def test_what_is_left_without_them():
    """Conditions of the tree; an alternative goes only where all of it is of that kind."""
    assert without_unsaid(parse("hdf5@1 cflags=-O3")) == parse("hdf5@1")
    assert without_unsaid(parse("cflags=-O3")) == Everything
    alternatives = parse("cflags=-O3 OR +mpi %gcc")
    assert without_unsaid(alternatives) is alternatives
    assert without_unsaid(parse("cflags=-O3 OR commit=a")) == Everything


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("hdf5 %gcc", And((NONE, Term("package", "hdf5", spack=True)))),
        ("compiler:gcc", And((NONE,))),
        ("+mpi %gcc %gcc@12:", And((NONE, Term("variant", "+mpi", spack=True)))),
        ("%gcc OR %clang", And((NONE,))),
        ("-%gcc", None),
        ("%gcc OR +mpi@1", None),
        ("%none", None),
        ("compiler:n*", None),
        ("%none OR %gcc", None),
        ("hdf5", None),
        ("gcc", None),
    ],
)
def test_the_question_of_builds_without_a_compiler(text, tree):
    """Only where a compiler is wanted, alone or among others, and such builds are not asked for."""
    assert with_no_compiler(parse(text)) == tree


# -- the command line


@pytest.mark.parametrize("text", ['hdf5 cflags="-O3 -g"', "hdf5 dev_path=/src", "hdf5 commit=abc"])
def test_the_answer_says_that_pages_do_not_say(site, text):
    """On standard error and in JSON, and not that there are builds without the condition."""
    result = site.run("search", text)
    assert result.out == ""
    assert "note: pages do not say what `" in result.err
    assert "without `" not in result.err
    document = site.run("search", text, "--json").json
    assert document["nearest"] == document["suggestions"] == []
    assert [one["condition"] for one in document["unsaid"]] == [show(parse(text)).split(" ", 1)[1]]
    assert "unsaid" not in site.run("search", "hdf5", "--json").json


@pytest.mark.parametrize(
    ("text", "condition", "builds"),
    [("hdf5 ^zlib@1.2 +x", "^zlib@1.2 +x", 4), ("hdf5 -^zlib", "^zlib", 4), ("zlib ^x", "^x", 1)],
)
def test_the_answer_says_how_many_builds_pages_leave_unjudged(site, text, condition, builds):
    """Wanted or excluded: none is a hit, how many meet the rest is told, and why they are none."""
    result = site.run("search", "--", text)
    assert result.out == ""
    said = f"{builds} build{'s' * (builds > 1)} could not be judged by `{condition}`: only pages"
    assert said in result.err
    assert "pages do not say" not in result.err
    for more in ((), ("--group-by", "package")):
        document = site.run("search", "--json", *more, "--", text).json
        assert document["unjudged"] == {"builds": builds, "conditions": [condition]}
        assert "unsaid" not in document
    assert "unjudged" not in site.run("search", "--json", "nothing ^zlib").json


def test_what_else_is_wrong_is_still_said(site):
    """A condition that pages can answer is to blame for itself."""
    document = site.run("search", "hdf5@99 cflags=-O3", "--json").json
    assert [miss["without"] for miss in document["nearest"]] == ["@99"]


def test_builds_left_out_for_want_of_a_compiler(site):
    """The note counts them, `%none` finds them, and tables show a dash."""
    assert (
        "2 builds are left out: their pages name no compiler" in site.run("search", "hdf5 %gcc").err
    )
    assert "1 build is left out" in site.run("search", "hdf5 ~mpi %gcc").err
    assert "left out" not in site.run("search", "hdf5").err + site.run("search", "hdf5 -%gcc").err
    document = site.run("search", "hdf5 %gcc", "--json").json
    assert document["without_compiler"] == {"builds": 2}
    grouped = site.run("search", "hdf5 %gcc", "--group-by", "package", "--json").json
    assert grouped["without_compiler"] == {"builds": 2}
    found = site.run("search", "hdf5 %none", "--columns", "compiler")
    assert set(found.out.split()) == {"COMPILER", "-"}
    assert site.search("%none")["builds"] == site.search("compiler:none")["builds"] == 3
    assert "\t-\t" in site.run("diff", "develop", "v1").out


def test_the_ledger_says_the_same(site, tmp_path):
    """Without an index the note is the same."""
    world = World(tmp_path)
    shutil.copytree(site.state, world.state)
    shutil.rmtree(world.state / "index")
    assert "2 builds are left out" in world.run("search", "hdf5 %gcc").err
    assert world.search("%none")["builds"] == 3


def test_wait_and_diff_say_it(site):
    """Who waits for what no page tells is told so at once."""
    assert (
        "pages do not say"
        in site.run("wait", "hdf5", "cflags=-O3", "--timeout", "1s", status=1).err
    )
    assert "pages do not say" in site.run("diff", "develop", "v1", "commit=abc").err


@pytest.mark.parametrize("command", [("search",), ("wait", "--timeout", "1s")])
def test_the_language_of_a_spack(site, command):
    """`-mpi` is `~mpi`, a lone name is a package; JSON says which language it was."""
    assert site.run(*command, "--spack", "0.23", "hdf5", "-mpi", "--json").json["builds"] == 1
    assert site.search("--spack", "0.23", "hdf")["builds"] == 0
    assert site.search("--spack", "0.23", "hdf5")["spack"] == "0.23"
    assert site.run("diff", "develop", "v1", "hdf5", "-mpi", "--spack=0.23").out.count("\n") == 2
    assert_error(site.run(*command, "--spack", "0.23", "hdf5 OR zlib", status=2), "no OR")
    assert_error(site.run(*command, "--spack", "0.22", "hdf5", status=2), "--spack takes")
    for version, text in (("0.23", "hdf5 ^zlib"), ("1.x", "hdf5"), ("1.1", "hdf5")):
        assert (
            site.run(*command, "--spack", version, text, "--json", status=None).json["builds"] == 0
        )
    assert_error(site.run("search", "--spack", status=2), "--spack takes")


def test_an_offset_past_the_end_is_said(site):
    """Nothing is shown, and why."""
    assert (
        "4 builds, 4 specs, none shown: --offset 9 is past the end"
        in site.run("search", "hdf5", "--offset", "9").err
    )
    assert "the last 1 shown" in site.run("search", "hdf5", "--offset", "3").err
    grouped = site.run("search", "--group-by", "package", "--offset", "9").err
    assert "none shown: --offset 9 is past the end" in grouped


@pytest.mark.parametrize("before", [0, 60, 3000])
def test_the_caret_of_a_long_query_stands_below_its_fault(site, before):
    """Of a long query what is around the fault is shown, in a line that no terminal breaks."""
    words = f"{'w' * 59} " * (before // 60)
    text = f"{words}(a {words}"
    shown, caret = site.run("search", text, status=2).err.splitlines()[1:3]
    assert len(shown) <= 122
    assert shown[caret.index("^")] == "("
    assert caret.count("^") == 1


def test_check_and_config_check_say_it(site, tmp_path):
    """Of the line of a list, and of the subscription, that asks what no page tells."""
    listed = tmp_path / "list.txt"
    listed.write_text("hdf5@1.14.5\nhdf5 cflags=-O3\n")
    result = site.run("check", listed, status=1)
    assert "note: line 2: pages do not say what `cflags=-O3` asks" in result.err
    specs = site.run("check", listed, "--json", status=1).json["specs"]
    assert [one.get("unsaid", [{}])[0].get("condition") for one in specs] == [None, "cflags=-O3"]
    world = World(tmp_path)
    world.configure(
        f"sources:\n{world.directory_source()}subscriptions:\n"
        "  - {name: flags, query: 'hdf5 cflags=-O3', targets: [{type: command, argv: [logger]}]}\n"
    )
    assert "note: subscription flags: pages do not say" in world.run("config", "check").err
    world.configure(
        "sources:\n  - {name: m, type: buildcache, url: 'https://example.org/m'}\nsubscriptions:\n"
        "  - {name: flags, query: 'hdf5 cflags=-O3', targets: [{type: command, argv: [logger]}]}\n"
    )
    assert "pages" not in world.run("config", "check").err


# -- beside build caches, which say all of that

FLAGGED = mirrors.record("hdf5", "1.14.6", flags={"cflags": ["-O3", "-g"]})
DEVELOPED = mirrors.record("fmt", "11.1", variants={"dev_path": "/src/fmt"})


@pytest.fixture(scope="module")
def both(site, tmp_path_factory) -> World:
    """The pages and a mirror of two specs, which have no compiler, side by side. Read only."""
    world = World(tmp_path_factory.mktemp("both"))
    shutil.copytree(site.state, world.state)
    mirror = mirrors.make_mirror(world.root / "mirror", [FLAGGED, DEVELOPED])
    world.run("sync", "--mirror", mirror.url)
    return world


@pytest.mark.parametrize(
    ("text", "hits", "noted"),
    [
        ("cflags=-O3", [FLAGGED], True),
        ('hdf5 cflags="-O3 -g"', [FLAGGED], True),
        ("hdf5@1.14.6 cflags=-g cflags=-O3", [FLAGGED], False),
        ("hdf5@1.14.6 cflags=-O2", [], False),
        ("hdf5@1.14.6 -cflags=-O2", [FLAGGED], False),
        ("fmt dev_path=/src/fmt", [DEVELOPED], False),
        ("fmt commit=abc", [], False),
        ("fmt commit=abc OR zlib commit=abc", [], True),
        ("site.fmt", [], False),
        ("dev_path=*", [DEVELOPED], True),
    ],
)
def test_an_index_answers_what_pages_cannot(both, text, hits, noted):
    """The note stands only where pages alone tell of specs that meet the rest; in every form of answer."""
    assert both.found(text) == sorted(one.hash for one in hits)
    for more in ((), ("--json",), ("--group-by", "package", "--json")):
        result = both.run("search", *more, "--", text)
        assert ("pages do not say" in result.err) == noted, result.err
        if more:
            assert ("unsaid" in result.json) == noted


def test_who_waits_or_compares_is_told_of_pages_where_they_are_in_question(both, tmp_path):
    """Tags and packages of a mirror alone are none of theirs."""
    for text, noted in (("fmt commit=abc", False), ("zlib commit=abc", True)):
        waited = both.run("wait", text, "--timeout", "1ms", status=1)
        assert ("pages do not say" in waited.err) == noted
    alone = World(tmp_path)
    mirror = mirrors.make_mirror(tmp_path / "mirror", [FLAGGED], cached=[FLAGGED])
    alone.run("sync", "--mirror", mirror.url)
    for asked in ("hdf5 cflags=-O3", "hdf5 ^zlib"):
        assert "pages" not in alone.run("diff", "mirror", "mirror", asked).err
    assert "pages do not say" in both.run("diff", "develop", "mirror", "hdf5 cflags=-O3").err


def test_lists_and_subscriptions_are_told_of_pages_where_they_are_in_question(both, tmp_path):
    """Of what only a mirror has nothing is said, nor where there is nothing else."""
    listed = tmp_path / "list"
    listed.write_text("fmt commit=abc\nzlib commit=abc\n")
    alone = World(tmp_path)
    mirror = mirrors.make_mirror(tmp_path / "mirror", [FLAGGED], cached=[FLAGGED])
    alone.run("sync", "--mirror", mirror.url)
    for one in (both, alone):
        one.configure("subscriptions:\n" + "".join(
            f"  - {{name: {name}, query: '{name} commit=abc', targets: [{{type: command, argv: [logger]}}]}}\n"
            for name in ("fmt", "zlib")
        ))  # fmt: skip
        is_asked = one is both
        answer = one.run("check", listed, "--json", status=1)
        assert "line 1: pages do not say" not in answer.err
        assert ("line 2: pages do not say" in answer.err) == is_asked
        assert ["unsaid" in spec for spec in answer.json["specs"]] == [False, is_asked]
        for name in ("fmt", "zlib"):
            tested = one.run("subscriptions", "test", name, "--dry-run", "--json")
            assert ("pages do not say" in tested.err) == (is_asked and name == "zlib")
            assert ("unsaid" in tested.json) == (is_asked and name == "zlib")
        waited = one.run("wait", "fmt commit=abc", "--timeout", "1ms", "--json", status=1)
        assert "unsaid" not in waited.json


def test_that_an_index_names_no_compiler_is_a_fact(both):
    """Its specs without one are left out as those with another compiler are; only pages leave it open."""
    assert both.search("%none")["builds"] == 5
    assert "2 builds are left out: their pages" in both.run("search", "hdf5 %gcc").err
    assert "left out" not in both.run("search", "fmt %gcc").err
    assert "left out" not in both.run("search", "fmt compiler:gcc").err
