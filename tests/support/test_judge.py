"""The judge of Spack's queries answers as Spack does."""

import ast
import json
import lzma
import sys
from functools import lru_cache
from pathlib import Path

import pytest

from tests.support.caches import ARCHIVE, index_of, needs_caches, unpacked
from tests.support.judge import Judge, Refused
from tests.support.judge_beyond import UNKNOWN_TARGETS, VIRTUAL_ROOTS

ORACLES = {
    "v3-1.1.by-1.1.1": 433,
    "v3-1.2dev.by-1.2.0.dev0": 273,
    "v2-0.23.by-1.1.1": 313,
    "v2-0.23.by-0.23.2": 313,
}
RANDOM = ARCHIVE.with_name("fuzz.v3-1.1.by-1.1.1.json.xz")
HOST = ("os=default_os", "os=fe", "target=default_target", "target=fe")
"""What these ask for depends on the machine that Spack ran on."""


@lru_cache
def judge_of(mirror: str, release: str) -> Judge:
    dialect = "0.23" if release.startswith("0.23") else "1.x"
    return Judge(json.loads(index_of(mirror)), dialect, release=release)


def answer(judge: Judge, text: str, *, cached_only: bool = True) -> list[str] | str:
    """Hashes in order, or the kind in which the text is refused."""
    try:
        return sorted(judge.ask(text, cached_only=cached_only).hashes)
    except Refused as refused:
        return refused.kind


def count(text: str, *, mirror="v3-1.1", release="1.1.1", all_records=False) -> int | str:
    found = answer(judge_of(mirror, release), text, cached_only=not all_records)
    return found if isinstance(found, str) else len(found)


def expected(query: dict) -> list[str] | str:
    return query["hashes"] if "hashes" in query else query["refused"]


@needs_caches
@pytest.mark.parametrize(("name", "size"), ORACLES.items())
def test_every_answer_of_the_oracle_is_the_judges(name, size):
    """Each query of the oracle but those about the machine has Spack's hashes or refusal."""
    document = json.loads((unpacked() / "oracle" / f"{name}.json").read_bytes())
    judge = judge_of(document["mirror"], name.partition(".by-")[2])
    queries = [query for query in document["queries"] if query["q"] not in HOST]
    assert len(document["queries"]) == size
    differ = [query["q"] for query in queries if answer(judge, query["q"]) != expected(query)]
    assert differ == []


@needs_caches
@pytest.mark.skipif(not RANDOM.is_file(), reason=f"{RANDOM.name} is not there")
def test_every_random_answer_is_the_judges_but_what_no_index_says():
    """Of 2,500 random queries only those listed differ, and each for its reason."""
    with lzma.open(RANDOM) as file:
        queries = json.load(file)
    judge = judge_of("v3-1.1", "1.1.1")
    differ = {
        query["q"]
        for query in queries
        if answer(judge, query["q"], cached_only=False) != expected(query)
    }
    assert len(queries) == 2500
    assert differ == {*VIRTUAL_ROOTS, *UNKNOWN_TARGETS}
    for text in UNKNOWN_TARGETS:
        with pytest.raises(Refused, match="evaluation: no target of archspec's in a range"):
            judge.ask(text)
    for text in VIRTUAL_ROOTS:
        name = text.replace("@", " ").replace("^", " ").split()[0]
        assert judge.index.is_virtual(name), text


@needs_caches
@pytest.mark.parametrize(
    ("text", "hits"),
    [
        ("libs=static%gcc", 0),
        ("%c=gcc %cxx=gcc", 291),
        ("%c,cxx=gcc", 291),
        ("^[when=+mpi] openmpi", 405),
        ("%gcc", 297),
        ("^gcc", 297),
        ("hdf5 ^zlib-ng@2: ^zlib-ng %gcc@99", 3),
        ("hdf5 ^zlib-ng %gcc@99 ^zlib-ng@2:", 0),
        ("mpi ^nosuch", 5),
        ("^mpi+nosuch", 33),
        ("platform=nosuch os=*", 0),
    ],
)
def test_the_odds_of_spack_1_hold_on_what_is_cached(text, hits):
    """The numbers of hits that the rules tell."""
    assert count(text) == hits


@needs_caches
@pytest.mark.parametrize(
    ("text", "hits"),
    [
        ("^* build_type=Release", 88),
        ("^build_type=Release", 0),
        ("^c,cxx=gcc", 159),
        ("^c=gcc", 315),
        ("os=* target=zen4", 554),
        ("platform=* os=nosuch", 554),
        ("arch=linux-*-zen4", 492),
        ("^libgfortran@99", 46),
    ],
)
def test_the_odds_of_spack_1_hold_on_all_records(text, hits):
    """The numbers of hits that the rules tell, uncached records among them."""
    assert count(text, all_records=True) == hits


@needs_caches
def test_old_records_know_their_compiler_only_and_the_older_spack_asks_otherwise():
    """The numbers of hits that the rules tell of a v2 mirror, by both of its readers."""
    new = {"%gcc": 149, "%fortran=gcc": 149, "%[deptypes=link] gcc": 149, "%clang": 0}
    old = {
        "%clang": 2, "%llvm": 0, "%builtin.gcc": 0, "^ build_type=Release": 8,
        "libs=static%gcc": 10, "%c=gcc": "syntax", "hdf5 ^": "syntax", "^ ^zlib": "syntax",
    }  # fmt: skip
    assert {text: count(text, mirror="v2-0.23") for text in new} == new
    assert {text: count(text, mirror="v2-0.23", release="0.23.2") for text in old} == old


SYNTAX = (
    "hdf5@", "hdf5+", "hdf5/", "hdf5.", "libs=", "a,b", "x:y=z", "@1.2.13-", "@1.14,", "@,1", "@1::",
    "@1:2:3", "%c,cxx", "builtin.*", "x=@1", "x=[a]", "x='a", "'a'", "^[virtuals=] x",
    "^[when=@1] x", "hdf5 %", "hdf5 %%", "a/b.json", "./a.json", "@1@2", "+mpi mpi=true",
    "+mpi ++mpi", "+arch", "~cflags", "++os", "patches==a", "os=a os=b", "platform=linux arch=x",
    "^[deptypes=all] x", "^[x=y] z", "^[virtuals==a] x", "^[+x] y", "^[virtuals=a", "^x@1 ^x@2",
    "x ]", "%[deptypes=link] z %[deptypes=run] z", "@=1.14:", "@1:=2", "@3:1", "x=a,*",
    "^x+a ^x~a", "^x a:=b ^x a=c", "^x/ab ^x/ba", "^a.x ^b.x", "^[when='a b'] x",
    "%[deptypes=build] zlib-ng %[deptypes=build] +x", "hdf5 hdf5@",
)  # fmt: skip


def a_record(name="a", **fields) -> dict:
    spec = {
        "name": name, "version": "1.2", "namespace": "builtin", "hash": name * 32,
        "arch": {"platform": "linux", "platform_os": "x", "target": "zen4"}, "parameters": {},
    }  # fmt: skip
    return {"spec": spec | fields, "in_buildcache": True}


def an_index(*records: dict, version="8") -> dict:
    installs = {record["spec"]["hash"]: record for record in records}
    return {"database": {"version": version, "installs": installs}}


EMPTY = Judge(an_index(), "1.x")


@pytest.mark.parametrize("text", SYNTAX)
def test_what_spack_does_not_read_is_refused(text):
    """Each is refused as syntax, though no record is there."""
    assert answer(EMPTY, text) == "syntax"


@pytest.mark.parametrize("text", ["", " \N{NO-BREAK SPACE}", "a b", "a/b/c", "* a", "a:=b a"])
def test_none_or_several_specs_are_refused(text):
    """A text is one spec."""
    assert answer(EMPTY, text) == "count"


@pytest.mark.parametrize(
    "text", ["a@git.x", "^a@git.x", "target=nosuch:", "target=fe", "^[when='os=fe'] a"]
)
def test_what_is_read_and_not_judged_is_refused(text):
    """A git reference alone, an unknown target in a range, words of the machine."""
    assert answer(EMPTY, text) == "evaluation"


@pytest.mark.parametrize(
    ("text", "unsaid"),
    [
        ("a@1 +x ^b", set()),
        ("v", {"a virtual package as the root"}),
        ("a ^v@1", {"the version of a virtual package"}),
        ("%[when='%v@1'] a", {"the version of a virtual package"}),
        ("^a@git.x", {"a git reference alone"}),
        ("^a ^a %b target=nosuch:", {"an unknown target in a range"}),
        ("^a target=zen4: ^a target=:zen4", {"the target of merged nodes"}),
        ("^a platform=x ^a target=:zen4", {"the target of merged nodes"}),
        ("^a@1 ^a@git.x", {"a git reference alone"}),
        ("^a+x ^a++x", {"a variant of merged nodes, propagated and not"}),
    ],
)
def test_the_judge_tells_where_the_rules_leave_it_alone(text, unsaid):
    """What no index says, and what the rules do not settle, is named."""
    edge = {"name": "b", "hash": "b" * 32, "parameters": {"deptypes": ["link"], "virtuals": ["v"]}}
    judge = Judge(an_index(a_record(dependencies=[edge]), a_record("b")), "1.x")
    assert judge.unsaid(text) == unsaid


def test_the_newer_release_compares_nameless_children_with_each_other_only():
    """The one rule in which 1.2.0.dev0 differs from 1.1.1."""
    newer = Judge(an_index(), "1.x", release="1.2.0.dev0")
    assert answer(newer, "%[deptypes=build] zlib-ng %[deptypes=build] +x") == []
    assert answer(newer, "%[deptypes=build] +y %[deptypes=build] +x") == "syntax"


@pytest.mark.parametrize(
    ("version", "asked"),
    [
        ("3.1-20251016", "=3.1.20251016"), ("1.2.13", "1_2_13"), ("1.2", "=1.02"),
        ("1.14.6", "1.12:1.14"), ("1.3", "1.2:1"), ("develop", ":develop"), ("develop", "z:"),
        ("1.14rc1", ":1.14rc1"), ("1.14", "1.14rc1:"),
        ("git.master=11.2.0", "11"), ("git.master=11.2.0", "git.master=11.2.0"),
        ("git.2f1b" + "0" * 36 + "=2.2.1", "2f1b" + "0" * 36 + "=2.2.1"), ("1.2z", "1.2z"),
        ("1", ":"),
    ],
)  # fmt: skip
def test_a_version_is_in_the_list(version, asked):
    """Versions compare as the rules say."""
    assert judge_of_version(version).ask("@" + asked).hashes


@pytest.mark.parametrize(
    ("version", "asked"),
    [
        ("1.2.13", "1.2.13.0"), ("develop", ":99"), ("git.master=11.2.0", "=11.2.0"),
        ("11.2.0", "git.master=11.2.0"), ("1.14rc1", "1.14:"), ("1.14", ":1.14rc1"),
        ("main", "master"), ("1.2a", "1.2.0"), ("1.14rc1", "1.14alpha:1.14beta,1.14rc"),
        ("9.9a", "9.9A:9.9Z"), ("git.master=1", "git.main=1"), ("1.2", "git.x"),
    ],
)  # fmt: skip
def test_a_version_is_not_in_the_list(version, asked):
    """Versions compare as the rules say."""
    assert not judge_of_version(version).ask("@" + asked).hashes


def judge_of_version(version: str) -> Judge:
    return Judge(an_index(a_record(version=version)), "1.x")


def test_the_judge_shares_nothing_with_the_product():
    """Its modules import the standard library, archspec, Hypothesis and each other only."""
    folder = Path(__file__).with_name("judge")
    allowed = {*sys.stdlib_module_names, "archspec", "hypothesis"}
    modules = sorted(folder.glob("*.py"))
    assert len(modules) > 5
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 1 or (node.level == 0 and node.module.split(".")[0] in allowed)
            if isinstance(node, ast.Import):
                assert {alias.name.split(".")[0] for alias in node.names} <= allowed
            assert not isinstance(node, ast.Name) or node.id not in ("__import__", "import_module")
