"""The arguments of `search`, which are its own (CLI.md)."""

import pytest

from tests.support.console import assert_error


def test_words_that_begin_with_a_dash_are_query_text(site):
    """`search hdf5 -cuda` needs no `--`; -v and -x are query text too."""
    with_cuda = site.search("hdf5", "tag:develop")
    assert site.search("hdf5", "-compiler:gcc@7.5.0")["specs"] < with_cuda["specs"] + 1
    assert site.search("hdf5", "-cuda")["query"] == "hdf5 -cuda"
    assert site.found("hdf5", "-tag:v1", "-compiler:gcc@7.5.0") == ["a" * 32]
    assert site.search("-v")["query"] == "-v"


def test_long_options_work_anywhere(site):
    """Options before, between and after words, with `=` or a space, global ones too."""
    expected = site.search("hdf5", "gcc")["results"][:1]
    for arguments in (
        ["search", "--json", "--limit", "1", "hdf5", "gcc"],
        ["search", "hdf5", "--limit=1", "gcc", "--json"],
        ["search", "hdf5", "gcc", "--json", "--limit", "1", "--state-dir", site.state],
    ):
        assert site.run(*arguments).json["results"] == expected


def test_two_dashes_end_the_options(site):
    """After `--` everything is query text, options as well."""
    document = site.run("search", "--json", "--", "-q", "hdf5").json
    assert document["query"] == "-q hdf5"
    assert_error(site.run("search", "--", "--limit=1", status=2))


def test_search_help_reads_an_answer(site):
    """What stands short in an answer on a terminal is explained where its options are."""
    told = site.run("search", "--help").out
    for short in ("`3 in develop +2`", "`-`", "`with @1.14: x`", "`unless said: x`"):
        assert short in told


def test_search_help(site):
    """-h and --help anywhere print the help, which names every option."""
    for arguments in (["search", "-h"], ["search", "hdf5", "--help"]):
        text = site.run(*arguments).out
        assert "Usage: cachesync search" in text
        for option in ("--limit", "--offset", "--sort", "--facets", "--json", "--quiet"):
            assert option in text


def test_limit_offset_and_sort(site):
    """`--limit` and `--offset` cut the same order; builds and specs count all matches."""
    everything = site.search()
    assert everything["builds"] == len(everything["results"]) == 4
    pages = [site.run("search", "--json", "--limit", "1", "--offset", n).json for n in range(5)]
    assert [r for p in pages for r in p["results"]] == everything["results"]
    assert {(p["builds"], p["specs"]) for p in pages} == {(4, everything["specs"])}
    for order in ("relevance", "package", "version", "newest"):
        assert len(site.search("--sort", order)["results"]) == 4
    packages = [r["package"] for r in site.search("--sort", "package")["results"]]
    assert packages == sorted(packages)
    assert site.search("--sort", "newest")["results"][0]["package"] == "zlib"


def test_fields_are_options_too(site):
    """`--tag` and the others are fields beside the query, whose text has them; once more is any of them."""
    for options, fields in (
        (("--tag", "develop"), "tag:develop"),
        (("--os=ubuntu22.04", "--stack", "e4s"), "os:ubuntu22.04 stack:e4s"),
        (("--target", "x86_64_v3", "--target", "zen4"), "(target:x86_64_v3 OR target:zen4)"),
        (("--compiler", "gcc@7.5.0"), "compiler:gcc@7.5.0"),
    ):
        told, meant = site.search("hdf5", *options), site.search("hdf5", fields)
        assert (told["query"], told["results"]) == (f"hdf5 {fields}", meant["results"])
        assert site.search(*options)["results"] == site.search(fields)["results"]
    both = site.search("hdf5 OR zlib", "--tag", "v1")
    assert both["query"] == "(hdf5 OR zlib) tag:v1"
    assert both["results"] == site.search("(hdf5 OR zlib)", "tag:v1")["results"]


def test_fields_stand_beside_a_query_of_spack(site):
    """They are conditions of placements, which Spack's language does not have; JSON says both."""
    told = site.search("hdf5", "--spack", "1.x", "--tag", "v1")
    assert (told["query"], told["spack"], told["fields"]) == ("hdf5", "1.x", "tag:v1")
    assert "fields" not in site.search("hdf5", "--spack", "1.x")


def test_a_field_needs_a_value(site):
    """Empty or left out it is a wrong question."""
    assert_error(site.run("search", "hdf5", "--tag", status=2), "--tag takes")
    for command in ("search", "wait"):
        wrong = site.run(command, "hdf5", "--tag", "--json", status=2)
        assert_error(wrong, "--json is an option")
    assert_error(site.run("search", "hdf5", "--os=", status=2), "--os takes")
    assert_error(site.run("search", "hdf5", "--os", "a*b", status=2), "* stands at the end")


def test_wait_takes_them_as_well(site):
    """It waits for the query with the fields, and names both."""
    found = site.run("wait", "hdf5", "--tag", "v1", "--tag", "develop", "--timeout", "1s", "--json")
    assert found.json["query"] == "hdf5 (tag:v1 OR tag:develop)"
    waited = site.run("wait", "hdf5", "--os", "rhel9", "--timeout", "50ms", status=1)
    assert "not cached after 0.05 s: `hdf5 os:rhel9`" in waited.err


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ("--n", "did you mean --limit?"),
        ("--arch", "did you mean --target?"),
        ("--lmit", "did you mean --limit?"),
        ("--version", "a field is a part of the query: version:VALUE"),
        ("--zzz", "options: --limit "),
    ],
)
def test_options_of_other_programs(site, option, hint):
    """The error says which is meant, or which there are."""
    result = site.run("search", "hdf5", option, "3", status=2)
    assert_error(result, f"search has no option {option}")
    assert result.err.splitlines()[1].startswith(f"hint: {hint}")


@pytest.mark.parametrize("typed", ["-n 3", "-n3", "-l 3"])
def test_a_number_of_rows_as_other_programs_take_it(site, typed):
    """It is query text, and keeps what it means; it is said, also where something is found, and not with -q."""
    told = f"`{typed}` is query text, as all with one dash is: `--limit 3` shows so many builds"
    assert told in site.run("search", "hdf5", *typed.split()).err
    assert site.run("search", "-q", "hdf5", typed, status=None).err == ""
    for other in ("hdf5 -n", '"-n 3"', "hdf5 -n3x", "a-n 3"):
        assert "is query text" not in site.run("search", other).err


@pytest.mark.parametrize(
    ("words", "option", "hint"),
    [
        (("wait", "hdf5", "--timeuot", "2h"), "--timeuot", "did you mean --timeout?"),
        (("wait", "hdf5", "--arch=x86_64"), "--arch", "did you mean --target?"),
        (("subscribe", "hdf5", "--email", "me@example.org", "--webhook", "https://h.example.org/"), "--email", "did you mean --apprise?"),
        (("diff", "v1", "develop", "hdf5", "--variant", "+mpi"), "--variant", "variant:VALUE"),
        (("probe", "--smaple", "3"), "--smaple", "did you mean --sample?"),
    ],
)  # fmt: skip
def test_no_other_command_takes_an_option_for_query_text(site, words, option, hint):
    """What begins with two dashes is one of its options, or refused: nobody waits for `--timeuot 2h`."""
    result = site.run(*words, status=2)
    assert_error(result, f"{words[0]} has no option {option}")
    assert hint in result.err


def test_what_stands_behind_two_dashes_is_the_query(site):
    """And what is the value of an option is no option."""
    for words in (
        ["--", "hdf5", "--no"],
        ["hdf5", "--timeout", "--no"],
        ["hdf5", "--timeout=--no"],
    ):
        assert "has no option" not in site.run("wait", "--timeout", "1ms", *words, status=None).err


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("changes -n 3", "did you mean --limit?"),
        ("changes --head 3", "did you mean --limit?"),
        ("show hdf5 -n 3", "cachesync show --help"),
    ],
)
def test_what_other_programs_call_an_option(site, words, hint):
    """Every command that has the option says how it is called here; what has none names its help."""
    wrong = site.run(*words.split(), status=2)
    assert_error(wrong, "No such option")
    assert wrong.err.splitlines()[1] == f"hint: {hint}"
