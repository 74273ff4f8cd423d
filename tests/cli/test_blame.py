"""Who is to blame where nothing is found: the package last, unless no source has it; and which hint helps."""

import pytest

from tests.support import mirrors
from tests.support.console import assert_error, on_terminal
from tests.support.world import World, spec


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> World:
    """A few builds in three tags. Read only."""
    made = World(tmp_path_factory.mktemp("small"))
    made.page(
        "develop", "hdf5",
        spec("a", versions=["1.14.5"], variants=["+mpi"]),
        spec("b", versions=["1.12.3"], variants=["+mpi"]),
        spec("e", versions=["1.8.23"], variants=["~mpi"]),
    )  # fmt: skip
    made.page("v0.23.0", "hdf5", spec("a", versions=["1.14.5"], variants=["+mpi"]))
    made.page("develop", "zlib", spec("c", versions=["1.3.1"], target="x86_64_v3"))
    made.page("develop", "openmpi", spec("d", versions=["5.0.6"]))
    made.page("develop", "py-torch", spec("f", versions=["2.5.1"]))
    made.page("v1", "py-filelock", spec("g", versions=["3.12.4"]))
    made.sync()
    return made


def said(world: World, *words: str) -> list[str]:
    result = world.run("search", *words)
    talk = [line.removeprefix("cachesync: ") for line in result.err.splitlines()]
    return [line for line in talk if not line.startswith(("0 builds", "note: "))]


@pytest.mark.parametrize(
    ("typed", "lines"),
    [
        ("hdf5 %gcc@99 +mpi", ["without `%gcc@99` there are 2 builds, 2 specs: cached for gcc@=13.2.0"]),
        ("hdf5 16", ["without `16` there are 3 builds, 3 specs: cached for 1.14.5, 1.12.3, 1.8.23"]),
        ("hdf5 aarch64 1.12.9", ["without `1.12.9` there are 3 builds, 3 specs: cached for 1.12.3, 1.14.5, 1.8.23"]),
        ("hdf5@1.8.99", ["without `@1.8.99` there are 3 builds, 3 specs: cached for 1.8.23, 1.14.5, 1.12.3"]),
        ("tag:develop 16", ["without `16` there are 6 builds, 6 specs"]),
        ("hdf5 x86_64_v3", ["without `x86_64_v3` there are 3 builds, 3 specs"]),
        ("hdf5 %intel", ["without `%intel` there are 3 builds, 3 specs: cached for gcc@=13.2.0"]),
        ("hdf5 py-torch +mpi", ["without `py-torch` there are 2 builds, 2 specs"]),
    ],
)  # fmt: skip
def test_the_package_is_doubted_last(small, typed, lines):
    """Of several conditions: it stays, and what there is of it is named, what comes nearest first."""
    assert said(small, typed) == lines


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("gromacs", "gromacs is in no source"),
        ("is gromacs cached", "gromacs is in no source"),
        ("gromacs +mpi", "gromacs is in no source"),
        ("gromacs@2023 %gcc", "gromacs is in no source"),
        ("package:gromacs aarch64", "gromacs is in no source"),
        ("openmpy +mpi", "openmpy is in no source; nearest: openmpi"),
        ("filelok@3", "filelok is in no source; nearest: py-filelock"),
        ("mpi@4 +x", "mpi is in no source, as it is virtual; provided by openmpi"),
        ("xlib ~mpi", "xlib is in no source; nearest: zlib"),
        ("xxib ~mpi", "xxib is in no source"),
    ],
)
def test_a_package_that_no_source_has(small, typed, line):
    """It is said as that, with the names that are spelled alike; nothing else is to blame beside it."""
    assert said(small, typed) == [line]


def test_a_word_beside_a_package_is_none(small):
    """Nor is one that is spelled like something else."""
    assert said(small, "hdf5 gromacs") == ["without `gromacs` there are 3 builds, 3 specs"]
    assert said(small, "develp") == ["nothing matches `develp`: did you mean develop?"]
    assert said(small, "gromacs OR lammps") == [
        "gromacs is in no source",
        "lammps is in no source",
    ]


def test_programs_are_told_as_well(small):
    """`unknown` has the names; it is absent where every package is there."""
    told = small.run("search", "--json", "openmpy@4").json
    assert told["unknown"] == [{"package": "openmpy", "nearest": ["openmpi"], "virtual": False}]
    assert "unknown" not in small.run("search", "--json", "hdf5@99").json


def test_who_sits_there_is_told_what_waits_for_it(small):
    """On a terminal, where nothing is called nearly so."""
    assert "wait gromacs` ends when" in " ".join(
        on_terminal(small, "search", "gromacs +mpi").split()
    )
    assert "` ends when" not in on_terminal(small, "search", "openmpy@4")


def test_the_machine_asked_for_as_a_target(small):
    """No target is called host: the option that means this machine is told where it finds some."""
    told = said(small, "hdf5 target:host") + said(small, "zlib target:host")  # aarch64, x86_64_v3
    assert any("(`--runs-on host`)" in line for line in told)


def test_wait_says_it_at_the_start(small):
    """A package that no source has is what is waited for in vain, or for a first build."""
    result = small.run("wait", "gromacs +mpi", "--timeout", "10ms", status=1)
    assert "cachesync: gromacs is in no source\n" in result.err


@pytest.mark.parametrize("command", [("show",), ("history",), ("list", "variants")])
@pytest.mark.parametrize(
    ("what", "message", "hint"),
    [
        ("gromacs", "gromacs is in no source", "wait gromacs` ends when it is cached"),
        ("pytorch", "pytorch is in no source", "nearest: py-torch"),
        ("mpi", "mpi is in no source, as it is virtual", "provided by openmpi"),
        ("hdf5@1.14", "hdf5@1.14 is no package's name, but a query", "search hdf5@1.14"),
        ("", "'' is no package's name", "list packages"),
        ("AAAAAA", "AAAAAA is no package's name, but a hash", "show /aaaaaa"),
        ("hdf5 +mpi", "hdf5 +mpi is no package's name, but a query", "search 'hdf5 +mpi'"),
    ],
)
def test_what_is_named_and_not_there(small, command, what, message, hint):
    """What it is not, and what helps."""
    result = small.run(*command, what, status=1)
    assert_error(result, message)
    assert result.err.splitlines()[1].endswith(hint)


@pytest.mark.parametrize("command", ["show", "history"])
@pytest.mark.parametrize("what", ["hdf5", "/aaaa"])
def test_a_tag_that_a_package_is_not_in(small, command, what):
    """Those that it is in are named, what is spelled alike first."""
    result = small.run(command, what, "--tag", "nope", status=1)
    assert_error(result, f"nothing is known of {what} in nope")
    assert result.err.splitlines()[1] == f"hint: {what} is in develop, v0.23.0"
    near = small.run(command, what, "--tag", "v0.23.1", status=1)
    assert near.err.splitlines()[1] == f"hint: {what} is in v0.23.0, develop"
    assert_error(small.run(command, "gromacs", "--tag", "nope", status=1), "in no source")


def test_a_hash_in_upper_case_is_a_hash(small):
    """Where a spec is named, as where one is searched for."""
    for command in ("show", "history"):
        assert small.run(command, "/AAAAAA").status == 0
        bare = small.run(command, "aaaaaa", "--tag", "develop", status=1)
        assert_error(bare, "aaaaaa is no package's name, but a hash")


def test_a_virtual_package_of_which_indexes_tell(world):
    """Those that provide it are proposed, as is a virtual package that is spelled alike."""
    mpich = mirrors.record("mpich", "4.2.3")
    hdf5 = mirrors.record("hdf5", "1.14.6", mirrors.edge(mpich, "build", "link", virtuals=["mpi"]))
    mirror = mirrors.make_mirror(world.root / "mirror", [mpich, hdf5])
    world.run("sync", "--mirror", mirror.url)
    assert said(world, "mpi@4") == ["mpi is in no source, as it is virtual; provided by mpich"]
    assert said(world, "mpj@4") == ["mpj is in no source; nearest: virtual:mpi"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("hdf5=1.14.5", "hdf5@1.14.5"),
        ("hdf5-1.14.5", "hdf5@1.14.5"),
        ("hdf5-1.12 -zlib", "hdf5@1.12 -zlib"),
        ("/AAAAAAA", "/aaaaaaa"),
        ("hdf5 %gcc-13", "hdf5 %gcc@13"),
        ("hdf5 compiler:gcc@13", "hdf5 %gcc@13"),
    ],
)
def test_what_is_spelled_as_elsewhere(small, typed, meant):
    """It is read as it is spelled here where it finds nothing, and said."""
    told, expected = small.search(typed), small.search(meant)
    assert told["results"] == expected["results"] != []
    assert told["understood"]["query"] == meant
    (word,) = told["understood"]["words"]
    assert said(small, typed)[0] == f"`{word['word']}` read as `{word['as']}`"


def test_what_is_spelled_as_elsewhere_and_finds_nothing(small):
    """It is said how it was read, and who is to blame then."""
    assert said(small, "hdf5-1.14.9 +mpi") == [
        "`hdf5-1.14.9` read as `hdf5@1.14.9`",
        "without `@1.14.9` there are 2 builds, 2 specs: cached for 1.14.5, 1.12.3",
    ]
    told = small.search("hdf5-1.14.9")["understood"]
    assert (told["query"], told["words"]) == (None, [{"word": "hdf5-1.14.9", "as": "hdf5@1.14.9"}])


def test_other_readings_of_what_was_typed_come_first(small):
    """`v0.23` is the beginning of a tag before it is a version; with other words both are read anew."""
    assert said(small, "hdf5 v0.23")[0] == "`v0.23` read as `tag:v0.23*`"
    assert said(small, "hdf5-1.14 mpi")[0].startswith(
        "`hdf5-1.14` read as `hdf5@1.14`, `mpi` as `+mpi`"
    )
    assert small.run("search", "-q", "hdf5-1.14.5", status=1).out == ""


def test_check_says_what_helps_with_a_line(small, tmp_path):
    """That no source has its package, each once with its lines; or how a word of it is spelled here."""
    lines = ["gromacs", "hdf5-1.14.5", "/AAAAA", "hdf5@99", "gromacs +mpi", "hdf6@1", "zlib"]
    path = tmp_path / "list"
    path.write_text("\n".join(lines))
    result = small.run("check", path, status=1)
    notes = [line for line in result.err.splitlines() if "in no source" in line or "here" in line]
    assert notes == [
        f"cachesync: note: {text}"
        for text in (
            "gromacs is in no source (lines 1, 5)",
            "`hdf5-1.14.5` would be `hdf5@1.14.5` here (line 2)",
            "`/AAAAA` would be `/aaaaa` here (line 3)",
            "hdf6 is in no source; nearest: hdf5 (line 6)",
        )
    ]
    told = small.run("check", path, "--json", status=1).json["specs"]
    assert [one.get("hints") for one in told][:4] == [
        ["gromacs is in no source"],
        ["`hdf5-1.14.5` would be `hdf5@1.14.5` here"],
        ["`/AAAAA` would be `/aaaaa` here"],
        None,
    ]


def test_wait_says_how_it_is_spelled_here(small):
    """It waits for what was typed all the same: a program relies on what its query means."""
    result = small.run("wait", "hdf5-1.14.5", "--timeout", "10ms", status=1)
    assert "cachesync: `hdf5-1.14.5` would be `hdf5@1.14.5` here\n" in result.err


def test_a_dependency_that_no_source_has(world):
    """It is said as that too, each of several; versions of one come first that begin as the one asked for."""
    libs = [mirrors.record("zlib", version) for version in ("1.2.13", "1.3.1", "2.0")]
    records = [
        mirrors.record("hdf5", f"1.14.{number}", mirrors.edge(lib, "link"))
        for number, lib in enumerate(libs)
    ]
    mirror = mirrors.make_mirror(world.root / "mirror", [*libs, *records])
    world.run("sync", "--mirror", mirror.url)
    assert said(world, "hdf5 ^gromacs") == [
        "gromacs is in no source",
        "without `^gromacs` there are 3 builds, 3 specs",
    ]
    assert said(world, "hdf5 ^xlib ^gromacs") == [
        "xlib is in no source; nearest: zlib",
        "gromacs is in no source",
    ]
    assert said(world, "hdf5 ^zlib@1.2.9") == [
        "without `^zlib@1.2.9` there are 3 builds, 3 specs: with zlib 1.2.13, zlib 1.3.1, zlib 2.0"
    ]


def test_beginnings_of_values_and_targets_of_machines(small):
    """A beginning is read as one; a target is not, as what runs on it is another question, which is named."""
    told = small.search("hdf5", "--os", "ubuntu", "--stack", "roo")
    assert told["understood"]["query"] == "hdf5 os:ubuntu* stack:roo*"
    assert told["builds"] == 3
    (line,) = said(small, "hdf5", "--target", "neoverse_v1")
    assert line.startswith("without `target:neoverse_v1` there are 3 builds, 3 specs: cached for")
    assert line.endswith("aarch64; such a machine runs some (`--runs-on neoverse_v1`)")
    assert said(small, "hdf5", "--target", "zen4") == [
        "without `target:zen4` there are 3 builds, 3 specs: cached for aarch64"
    ]
