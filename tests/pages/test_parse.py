"""The bytes of a page to a `Page`: two ways in, one meaning, and nothing but PageError."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cachesync.errors import PageError, PageSkipped
from cachesync.model import Build, Page
from cachesync.pages import parse as pages
from cachesync.pages.parse import PageParser
from cachesync.pages.summary import disagreements, normalise_compiler
from tests.support import pagetext
from tests.support.pagetext import Facts, page, spec

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "tests" / "fixtures" / "cache"
SHARED = ROOT.parent / "shared"


def parse(data: bytes) -> Page:
    return PageParser().parse(data)


def facts_of(parsed: Page) -> tuple:
    """A page without the text of its summary, which keeps the form it was written in."""
    return parsed.tag, parsed.package, dict(parsed.specs), disagreements(parsed)


# -- one meaning


@pytest.mark.parametrize("form", pagetext.FORMS)
@given(facts=pagetext.facts())
@settings(max_examples=40, deadline=None)
def test_every_form_of_a_page_means_the_same(form, facts):
    """The generator's form and any other legal YAML of the same facts give the same page."""
    generated = pagetext.as_generated(facts)
    assert pages._fast_fields(generated) is not None
    assert facts_of(parse(form(facts))) == facts_of(parse(generated))


@pytest.mark.parametrize("form", [f for f in pagetext.FORMS if f is not pagetext.as_with_body])
def test_the_other_forms_take_the_other_way(form):
    """The forms compared above are not read by the generator's way, so the comparison says something."""
    assert pages._fast_fields(form(Facts("hdf5", "develop", [spec()]))) is None


@given(facts=pagetext.facts(), seed=st.integers(0, 99), form=st.sampled_from(pagetext.FORMS))
@settings(max_examples=60, deadline=None)
def test_order_is_noise(facts, seed, form):
    """Specs, keys, stacks and variants in another order are the same page, in either way."""
    shuffled = facts.shuffled(seed)
    once = facts_of(parse(pagetext.as_generated(facts)))
    assert facts_of(parse(pagetext.as_generated(shuffled))) == once
    assert facts_of(parse(form(shuffled))) == once


@given(pagetext.facts())
@settings(deadline=None)
def test_a_page_says_what_was_written(facts):
    """Every row is there under its hash, its lists sorted and without duplicates."""
    parsed = parse(pagetext.as_generated(facts))
    assert (parsed.tag, parsed.package) == (facts.tag, facts.title)
    assert parsed.specs == {
        row["hash"]: (
            Build(
                facts.title,
                row["versions"][0],
                normalise_compiler(row.get("compiler") or "none"),
                row["os"],
                row.get("platform") or "",
                row["target"],
                tuple(sorted(set(row.get("variants") or ()))),
            ),
            tuple(sorted(set(row.get("stacks") or ()))),
        )
        for row in facts.rows
    }


@given(st.lists(pagetext.facts(), max_size=4), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_a_parser_has_no_memory_that_shows(several, interned):
    """What was parsed before changes nothing, whether the parser still remembers it or forgot."""
    parser = PageParser()
    for facts in several:
        data = pagetext.as_generated(facts)
        with pytest.MonkeyPatch.context() as limits:
            limits.setattr(pages, "MAX_INTERNED", interned)
            assert parser.parse(data) == parse(data)


@given(pagetext.facts())
@settings(max_examples=40, deadline=None)
def test_a_page_whose_summary_was_derived_agrees_with_itself(facts):
    """`meta` as the generator derives it is no disagreement, in any spelling of the compilers."""
    assert disagreements(parse(pagetext.as_generated(facts))) == ()


def test_a_merge_key_shares_what_specs_have_in_common():
    """YAML merge keys are followed; what a row says itself counts."""
    text = f"""---
title: hdf5
categories: [package, develop]
common: &common {{versions: [1.10], os: ubuntu24.04, target: aarch64, compiler: gcc@7.5.0}}
spec_details:
- <<: *common
  hash: {"a" * 32}
- <<: *common
  hash: {"b" * 32}
  os: sequoia
---
"""
    specs = parse(text.encode()).specs
    assert specs["a" * 32][0] == Build(
        "hdf5", "1.10", "gcc@=7.5.0", "ubuntu24.04", "", "aarch64", ()
    )
    assert specs["b" * 32][0].os == "sequoia"


def test_what_looks_like_a_number_is_text():
    """`1.10` unquoted is version 1.10, not 1.1, with an explicit tag too."""
    for written in ("1.10", "'1.10'", "!!float 1.10", "!!str 1.10"):
        data = page(spec()).replace(b'"versions": ["1.14.5"]', f'"versions": [{written}]'.encode())
        assert parse(data).specs["a" * 32][0].version == "1.10"


# -- the eras


def test_a_page_of_2022_is_skipped_with_a_reason():
    """A page that lists spec names and no hashes is recognised and is no failure."""
    data = b"""---
title: "adlbx"
layout: cache
category: package
meta: {"versions": ["0.9.2"], "compilers": ["gcc@8.3.1"]}
spec_files:
 - spec-0.json
spec_names:
 - 'adlbx@0.9.2%gcc@8.3.1 arch=linux-rhel8-x86_64 ^zlib@1.2.11%gcc@8.3.1+optimize+pic'
---
"""
    with pytest.raises(PageSkipped, match="2022 page without hashes"):
        parse(data)


@pytest.mark.parametrize(
    ("row", "compiler"),
    [
        # 2023-24: unsorted keys, a tarball, compilers as name@version in the oldest
        (spec(compiler="gcc@11.4.0", tarball="https://x.example/a.spack", size=123), "gcc@=11.4.0"),
        (spec(compiler="gcc@=11.4.0", tarball="https://x.example/a.spack"), "gcc@=11.4.0"),
        # 2025-03: sorted keys
        (dict(sorted(spec().items())), "gcc@=13.2.0"),
        # 2025-07: Spack 1.0 says no compiler
        (spec(compiler="none"), "none"),
    ],
)
def test_pages_with_hashes_of_every_era_are_read(row, compiler):
    """Unsorted keys, tarballs, sizes and missing compilers are all one model."""
    parsed = parse(page(row))
    assert parsed.specs["a" * 32][0].compiler == compiler
    assert disagreements(parsed) == ()


def test_what_is_optional_may_be_missing_and_what_is_unknown_is_ignored():
    """Only hash, versions, target and os are required of a spec, title and categories of a page."""
    row = spec(compiler=..., platform=..., size=..., stacks=..., variants=..., novel={"deep": [1]})
    facts = Build("hdf5", "1.14.5", "none", "ubuntu24.04", "", "aarch64", ())
    for data in (page(row), page(row).replace(b"layout: cache\n", b"layout: cache\nnovel: [1]\n")):
        assert parse(data).specs == {"a" * 32: (facts, ())}


def test_a_page_without_specs_is_a_page():
    """An empty list is legal and means that nothing is cached."""
    assert parse(page()).specs == {}


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("gcc@=12.3.0", "gcc@=12.3.0"),
        ("gcc@12.3.0", "gcc@=12.3.0"),
        ("apple-clang@=16.0.0", "apple-clang@=16.0.0"),
        ("gcc", "gcc"),
        ("gcc@", "gcc"),
        ("gcc@=", "gcc"),
        ("none", "none"),
        ("", "none"),
    ],
)
def test_compilers_are_normalised(written, normal):
    """`name@version` and `name@=version` are one compiler; nothing is `none`."""
    assert normalise_compiler(written) == normal


@given(st.text(alphabet="gc@=.1", max_size=8) | st.text(max_size=8))
def test_normalising_a_compiler_twice_is_normalising_it_once(text):
    """The normal form is its own normal form."""
    once = normalise_compiler(text)
    assert normalise_compiler(once) == once


# -- the seed


def test_the_seed_page_says_what_it_is_known_to_say():
    """18 specs of one version by four compilers on four systems, in ten stacks."""
    parsed = parse((CACHE / "develop-2025-03-09/py-filelock/specs.md").read_bytes())
    builds = {build for build, _ in parsed.specs.values()}
    assert (parsed.tag, parsed.package) == ("develop-2025-03-09", "py-filelock")
    assert (len(parsed.specs), len(builds)) == (18, 6)
    assert {b.version for b in builds} == {"3.12.4"}
    assert len({b.compiler for b in builds}) == 5
    assert len({b.os for b in builds}) == 4
    assert len({stack for _, stacks in parsed.specs.values() for stack in stacks}) == 10
    assert all("root" in stacks for _, stacks in parsed.specs.values())
    assert disagreements(parsed) == ()


@pytest.mark.skipif(not (SHARED / "seed").is_dir(), reason="needs the real page in ../shared/seed")
def test_the_seed_page_here_has_the_facts_of_the_real_one():
    """The page in `tests/fixtures` and the real page it stands for are equal."""
    real = parse((SHARED / "seed" / "py-filelock.md").read_bytes())
    ours = parse((CACHE / "develop-2025-03-09/py-filelock/specs.md").read_bytes())
    assert facts_of(ours) == facts_of(real)


@pytest.mark.skipif(not (SHARED / "cache").is_dir(), reason="needs the real pages in ../shared")
def test_real_pages_are_read_and_agree_with_their_summaries():
    """A sample of real pages of every tag: all accepted or skipped, and most the fast way."""
    parser, seen = PageParser(), 0
    for path in sorted((SHARED / "cache").glob("*/*/specs.md"))[::5]:
        parsed = parser.parse(path.read_bytes())
        assert (parsed.tag, parsed.package) == path.parts[-3:-1]
        seen += 1
    assert seen > 100


def test_every_page_of_the_small_cache_is_good():
    """The pages in `tests/fixtures` lie where they say, and their summaries are right."""
    paths = sorted(CACHE.glob("*/*/specs.md"))
    assert len(paths) == 8
    for path in paths:
        parsed = parse(path.read_bytes())
        assert (parsed.tag, parsed.package) == path.parts[-3:-1]
        assert disagreements(parsed) == ()


# -- rejections


def place(data: bytes, needle: bytes, *, nth: int = 0) -> str:
    """Where in the page the nth occurrence of `needle` begins, as an error says it."""
    offset = -1
    for _ in range(nth + 1):
        offset = data.index(needle, offset + 1)
    line = data.count(b"\n", 0, offset) + 1
    column = offset - data.rfind(b"\n", 0, offset)
    return f"line {line}, column {column}"


GOOD = page(spec("a"), spec("b", variants=["~mpi"]))
BLOCK = pagetext.as_block(Facts("hdf5", "develop", [spec("a"), spec("b", variants=["~mpi"])]))
BAD_HASH = "A" + "a" * 31


def swapped(old: bytes, new: bytes, *, data: bytes = GOOD, count: int = 1) -> bytes:
    assert old in data
    return data.replace(old, new, count)


_REJECTED = {
    "not UTF-8": (swapped(b"aarch64", b"aarch\xff4"), b"\xff", 0, "0xff is not UTF-8"),
    "NUL": (swapped(b"aarch64", b"aarch\x004"), b"\x00", 0, "NUL"),
    "escaped NUL": (swapped(b'"target": "aarch64"', rb'"target": "\u0000"'), rb'"\u0000"', 0,
                    "cannot be printed"),
    "ESC in a version": (swapped(b'["1.14.5"]}]', rb'["\u001b[2J"]}]'), rb'["\u001b', 0,
                         "cannot be printed"),
    "title with a path": (swapped(b'"hdf5"', b'"../hdf5"'), b'"../hdf5"', 0, "is not a name"),
    "title with a slash": (swapped(b'"hdf5"', b'"a/b"'), b'"a/b"', 0, "is not a name"),
    "title with ESC": (swapped(b'"hdf5"', rb'"\e[31mhdf5"'), rb'"\e[31m', 0, "cannot be printed"),
    "title is dots": (swapped(b'"hdf5"', b'".."'), b'".."', 0, "is not a name"),
    "title is a list": (swapped(b'"hdf5"', b"[hdf5]"), b"[hdf5]", 0, "title is no text"),
    "tag with a path": (swapped(b"package, develop", b"package, a/../b"), b"a/../b", 0, "a name"),
    "tag is null": (swapped(b"package, develop", b"package, null"), b"null]", 0, "is missing"),
    "one category": (swapped(b"[package, develop]", b"[package]"), b"[package]", 0, "categories"),
    "another category": (swapped(b"[package, d", b"[index, d"), b"[index", 0, "categories"),
    "hash too short": (swapped(b"b" * 32, b"b" * 31), b'"' + b"b" * 31, 0, "is not a hash"),
    "hash in capitals": (swapped(b"b" * 32, BAD_HASH.encode()), b'"Aaa', 0, "is not a hash"),
    "hash with a one": (swapped(b"b" * 32, b"1" + b"b" * 31), b'"1bb', 0, "is not a hash"),
    "hash twice": (swapped(b"b" * 32, b"a" * 32), b'"' + b"a" * 32, 1, "is listed twice"),
    "two versions": (swapped(b'["1.14.5"]}]', b'["1.14.5", "2"]}]'), b'["1.14.5", "2"]', 0,
                     "exactly one version"),
    "no version": (swapped(b'["1.14.5"]}]', b"[]}]"), b"[]}]", 0, "exactly one version"),
    "version is text": (swapped(b'["1.14.5"]}]', b'"1.14.5"}]'), b'"1.14.5"}]', 0, "exactly one"),
    "version is empty": (swapped(b'["1.14.5"]}]', b'[""]}]'), b'[""]}]', 0, "versions is empty"),
    "version is long": (swapped(b'["1.14.5"]}]', b'["' + b"1" * 256 + b'"]}]'), b'["111', 0, "255"),
    "variants is text": (swapped(b'["~mpi"]', b'"~mpi"'), b'"~mpi"', 0, "no list of text"),
    "variants is a mapping": (swapped(b'["~mpi"]', b'{"a": 1}'), b'{"a": 1}', 0, "no list of text"),
    "stacks of lists": (swapped(b'["e4s", "root"], "target": "aarch64", "variants": ["~',
                                b'[["e4s"]], "target": "aarch64", "variants": ["~'),
                        b'[["e4s"]]', 0, "no list of text"),
    "a spec is text": (swapped(b"spec_details: [{", b'spec_details: ["x", {'), b'"x"', 0, "mapping"),
    "specs are a mapping": (b"---\ntitle: a\ncategories: [package, b]\nspec_details: {a: b}\n---",
                            b"{a: b}", 0, "no list"),
    "specs are text": (b"---\ntitle: a\ncategories: [package, b]\nspec_details: x\n---", b"x\n", 0,
                       "no list"),
    "in block style": (swapped(b"b" * 32, b"b" * 33, data=BLOCK), b"b" * 33, 0, "is not a hash"),
    "behind CRLF": (swapped(b"b" * 32, b"?" * 32, data=GOOD.replace(b"\n", b"\r\n")), b'"????', 0,
                    "is not a hash"),
}  # fmt: skip


@pytest.mark.parametrize("case", _REJECTED)
def test_a_rejection_says_what_is_wrong_and_where(case):
    """The message begins with the line and column of what is wrong."""
    data, needle, nth, problem = _REJECTED[case]
    with pytest.raises(PageError) as caught:
        parse(data)
    assert caught.value.message.startswith(place(data, needle, nth=nth) + ": ")
    assert problem in caught.value.message
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("key", ["hash", "versions", "os", "target"])
@pytest.mark.parametrize("value", [..., None])
def test_a_spec_without_a_required_key_is_located(key, value):
    """A missing key is reported at the spec that lacks it, in either form."""
    rows = [spec("a"), spec("b", **{key: value})]
    head = b"---\ntitle: hdf5\ncategories: [package, develop]\nspec_details:"
    line = head + b" " + json.dumps(rows).encode() + b"\n---"
    first, second = (yaml.dump([row]).encode() for row in rows)
    block = head + b"\n" + first + second + b"---\n"
    for data, at in (
        (line, place(line, json.dumps(rows[1]).encode())),
        (block, place(block, second).replace("column 1", "column 3")),
    ):
        with pytest.raises(PageError) as caught:
            parse(data)
        assert caught.value.message == f"{at}: the spec has no {key}"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "line 1, column 1: the page does not begin with '---'"),
        (b"\xef\xbb\xbf", "line 1, column 1: the page does not begin"),
        (b"# A title\n", "line 1, column 1: the page does not begin"),
        (b"\n---\ntitle: a\n---\n", "line 1, column 1: the page does not begin"),
        (b"---", "line 1, column 1: the closing '---' is missing"),
        (b"---\ntitle: a\n", "line 3, column 1: the closing '---' is missing"),
        (GOOD[:-3], "line 7, column 1: the closing '---' is missing"),
        (GOOD[:-4], "line 6, column 1: the closing '---' is missing"),
        (GOOD[: len(GOOD) // 2], "the closing '---' is missing"),
        (GOOD[:-40] + b"\n---", "line 7, column 1: "),  # JSON that ends in the middle
        (b"---\n---\n", "line 2, column 1: the front matter is no mapping"),
        (b"---\n- a\n---\n", "line 2, column 1: the front matter is no mapping"),
        (b"---\ntext\n---\n", "line 2, column 1: the front matter is no mapping"),
        (b"---\ntitle: [a\n---\n", "line 3, column 1: "),
        (b"---\ntitle: a\n\tb: c\n---\n", "line 3, column 1: "),
        (b"---\ntitle: a\x07b\n---\n", "line 2, column 9: "),
        (b"---\n# why\n%TAG ! x\n---\n", "line 3, column 1: a directive"),
        (b"---\ncategories: [package, a]\nspec_details: []\n---", "title is missing"),
        (b'---\ntitle: "a"\nspec_details: []\n---', "categories is not [package, <tag>]"),
        (b'---\ntitle: "a"\ncategories: [package, b]\n---', "spec_details is missing or no list"),
    ],
)
def test_a_page_that_is_cut_off_or_none_at_all_is_rejected(data, expected):
    """A page that is still being written is recognised by its missing end."""
    with pytest.raises(PageError) as caught:
        parse(data)
    assert not isinstance(caught.value, PageSkipped)
    assert expected in caught.value.message
    assert caught.value.message.startswith("line ")


@given(st.integers(1, len(GOOD) - 1))
def test_no_beginning_of_a_page_is_a_page(length):
    """However much of a page has been written, it is rejected until the last `-` is there."""
    with pytest.raises(PageError):
        parse(GOOD[:length])


@given(facts=pagetext.facts(), form=st.sampled_from((pagetext.as_generated, *pagetext.FORMS)))
@settings(max_examples=40, deadline=None)
def test_control_characters_never_pass(facts, form):
    """An escape character in any value rejects the page, and is not in the message."""
    if not facts.rows:
        return
    facts.rows[0]["target"] = "a\x1b[31m"
    with pytest.raises(PageError) as caught:
        parse(form(facts))
    assert caught.value.message.isprintable()


# -- the summary


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("compilers", ["gcc@=1"]),
        ("num_specs", 2),
        ("num_specs_by_stack", {"e4s": 1, "root": 2}),
        ("oss", []),
        ("platforms", ["linux", "darwin"]),
        ("stacks", ["root"]),
        ("targets", ["x86_64_v3"]),
        ("versions", ["1.14.4"]),
    ],
)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_a_disagreement_is_named_and_the_specs_count(part, value, line_end):
    """A summary that contradicts the specs is one warning, not a rejection, whichever way is taken."""
    facts = Facts("hdf5", "develop", [spec()])
    lines = pagetext.as_generated(facts).split(b"\n")
    lines[4] = b"meta: " + json.dumps({**pagetext.summary(facts), part: value}).encode()
    parsed = parse(line_end.join(lines))
    assert disagreements(parsed) == (f"meta disagrees with spec_details about {part}",)
    assert parsed.specs == parse(pagetext.as_generated(facts)).specs


@pytest.mark.parametrize(
    "meta",
    [
        b'"text"', b"[]", b"{", b'{"num_specs": "many"}', b'{"oss": 3}', b"{} trailing",
        b'{"x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", b'{"num_specs": ' + b"1" * 9999 + b"}",
    ],
)  # fmt: skip
def test_a_summary_of_another_form_is_a_warning(meta):
    """Nothing that stands in `meta` rejects a page the generator's way reads or raises later."""
    data = GOOD.split(b"\n")
    data[4] = b"meta: " + meta
    assert disagreements(parse(b"\n".join(data))) == ("meta does not have the expected form",)


def test_a_page_without_a_summary_has_nothing_to_disagree_with():
    """`meta` is optional."""
    data = GOOD.split(b"\n")
    del data[4]
    assert disagreements(parse(b"\n".join(data))) == ()


# -- hostile pages

_HEAD = b'---\ntitle: "a"\ncategories: [package, b]\n'
_DEEP = 200_000
_TENS = b",".join([b"*a%d"] * 10)


def _lines(template: bytes, count: int) -> bytes:
    return b"".join(template.replace(b"%d", b"%d" % n) for n in range(count))


def _tower(shape: bytes, levels: int) -> bytes:
    return b"".join(
        b"a%d: &a%d " % (n, n) + shape.replace(b"*", b",".join([b"*a%d" % (n - 1)] * 10)) + b"\n"
        for n in range(1, levels)
    )


HOSTILE = {
    "flow sequences": _HEAD + b"x: " + b"[" * _DEEP + b"]" * _DEEP + b"\n---",
    "open flow sequences": _HEAD + b"x: " + b"[" * 2 * _DEEP + b"\n---",
    "flow mappings": _HEAD + b"x: " + b"{a: " * (_DEEP // 2) + b"\n---",
    "block sequences": _HEAD + b"x:\n" + b"- " * _DEEP + b"\n---",
    "block keys": b"---\n" + b"? " * _DEEP + b"\n---",
    "block mappings": b"---\n" + b"".join(b" " * n + b"a:\n" for n in range(890)) + b"---",
    "JSON sequences": _HEAD + b'spec_details: [{"hash": "x", "versions": ' + b"[" * _DEEP
    + b"]" * _DEEP + b', "os": "o", "target": "t"}]\n---',
    "JSON in an unknown key": _HEAD + b'spec_details: [{"x": ' + b"[" * _DEEP + b"]" * _DEEP
    + b"}]\n---",
    "alias bomb": b"---\na0: &a0 [lol]\n" + _tower(b"[*]", 40) + b"---",
    "merge bomb": b"---\na0: &a0 {k: v}\n" + _tower(b"{<<: [*]}", 40) + b"---",
    "small merge bomb": b"---\na0: &a0 {k: v}\n" + _tower(b"{<<: [*]}", 6) + b"---",
    "alias of itself": b"---\nx: &x [*x]\n---",
    "unknown alias": b"---\nx: *y\n---",
    "huge quoted scalar": b'---\nx: "' + b"y" * 4_000_000 + b'"\n---',
    "huge plain scalar": b"---\nx: " + b"y " * 2_000_000 + b"\n---",
    "huge title": b'---\ntitle: "' + b"y" * 4_000_000 + b'"\ncategories: [package, b]\n'
    b"spec_details: []\n---",
    "huge key": b"---\n? " + b"y" * 4_000_000 + b"\n: x\n---",
    "python object": b'---\nx: !!python/object/apply:os.system ["exit 1"]\n---',
    "python name": b"---\nx: !!python/name:os.system\n---",
    "sexagesimal": b"---\nx: !!int " + b":".join([b"1"] * 200_000) + b"\n---",
    "sexagesimal fraction": b"---\nx: !!float " + b":".join([b"1"] * 200_000) + b"\n---",
    "long number": b"---\nx: !!int " + b"1" * 200_000 + b"\n---",
    "no timestamp": b"---\nx: !!timestamp yesterday\n---",
    "binary": b"---\nx: !!binary '*'\n---",
    "set": b"---\nx: !!set {a, b}\n---",
    "omap": b"---\nx: !!omap [a]\n---",
    "tag directives": b"---\n" + _lines(b"%TAG !a%d! x\n", 100_000) + b"---",
    "anchors": b"---\n" + _lines(b"a%d: &a%d x\n", 20_000) + b"---",
    "unhashable key": b"---\n? [a]\n: b\n---",
    "documents": b"---\na: b\n--- c\n---",
    "lines": b"---\n" + b"\n" * 2_000_000,
    "lines that begin alike": b"---\n" + b"--- a\n" * 300_000,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_page_is_rejected_quickly(name):
    """Nesting, aliases, merges, tags and sheer size end in a PageError within seconds."""
    start = time.process_time()
    with pytest.raises(PageError) as caught:
        parse(HOSTILE[name])
    assert time.process_time() - start < 4
    assert caught.value.message.startswith("line ")
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 1000


def test_nothing_hostile_ends_the_process():
    """A fresh process survives all of it: deep nesting is not met on the C stack."""
    program = (
        "import sys\n"
        "from tests.pages.test_parse import HOSTILE\n"
        "from cachesync.pages.parse import PageParser\n"
        "from cachesync.errors import PageError\n"
        "for data in HOSTILE.values():\n"
        "    try:\n"
        "        PageParser().parse(data)\n"
        "    except PageError:\n"
        "        pass\n"
        "print('alive')\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.fspath(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr[-2000:]


def test_a_large_page_of_distinct_builds_takes_time_that_grows_with_its_size():
    """20,000 specs that differ in everything are read within a second or two, not minutes."""
    letters = pagetext.HASH_LETTERS
    rows = [
        spec("a" * 28 + "".join(letters[n >> shift & 31] for shift in (15, 10, 5, 0)),
             versions=[f"1.{n}"], stacks=[f"s{n}", "root"])
        for n in range(20_000)
    ]  # fmt: skip
    data = b'---\ntitle: "a"\ncategories: [package, b]\nspec_details: %b\n---' % (
        json.dumps(rows).encode()
    )
    start = time.process_time()
    assert len(parse(data).specs) == 20_000
    assert time.process_time() - start < 2


def test_python_objects_are_not_made():
    """A tag that names Python code runs nothing and is located."""
    with pytest.raises(PageError, match=r"^line 2, column 4: could not determine a constructor"):
        parse(HOSTILE["python object"])


# -- totality


def accepts_or_rejects(data: bytes) -> None:
    start = time.process_time()
    try:
        outcome = parse(data)
    except PageError as error:
        outcome = error
    if isinstance(outcome, PageError):
        assert outcome.message
        assert outcome.message.isprintable()
    else:
        disagreements(outcome)
        assert all(build.version for build, _ in outcome.specs.values())
    assert time.process_time() - start < 2


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_arbitrary_bytes_are_a_page_or_a_page_error(data):
    """Nothing but PageError is ever raised, with and without the marks of a page around."""
    accepts_or_rejects(data)
    accepts_or_rejects(b"---\n" + data + b"\n---\n")
    accepts_or_rejects(_HEAD + b"spec_details: [" + data + b"]\n---")
    accepts_or_rejects(_HEAD + b"meta: " + data + b"\nspec_details: []\n---")


_fragments = st.lists(
    st.sampled_from(
        ("a: ", "b", "- ", "? ", "\n", "\n  ", "[", "]", "{", "}", ", ", ": ", "&x ", "*x", "<<: ",
         "!!int ", "!!set ", "!!null ", "!!map ", "!!seq ", "!!str ", "!x ", "|\n", ">-\n ", "'", '"',
         "#", "~", "null", "1", "spec_details: ", "title: ", "categories: ", "meta: ", "\\u0000", "\r",
         "%", "---", "...", "\u2028", "\x85", "\ufeff", "\t", "hash: ", "versions: ", "os: ")
    ),
    max_size=25,
).map("".join)  # fmt: skip


@given(_fragments)
@settings(max_examples=400, deadline=None)
def test_arbitrary_yaml_is_a_page_or_a_page_error(text):
    """The same for text that is nearly YAML."""
    accepts_or_rejects(b"---\n" + text.encode() + b"\n---\n")
    accepts_or_rejects(_HEAD + b"spec_details:\n- " + text.encode() + b"\n---\n")


_edits = st.lists(
    st.tuples(st.sampled_from("fdi"), st.integers(0, 2**16), st.integers(0, 255)),
    min_size=1,
    max_size=4,
)


def mutated(data: bytes, edits: list[tuple[str, int, int]]) -> bytes:
    out = bytearray(data)
    for kind, where, byte in edits:
        position = where % len(out)
        if kind == "f":
            out[position] ^= 1 << byte % 8
        elif kind == "d":
            del out[position : position + 1 + byte % 3]
        else:
            out.insert(position, byte)
    return bytes(out)


@pytest.mark.parametrize("data", [GOOD, BLOCK], ids=["generated", "block"])
@given(edits=_edits)
@settings(max_examples=300, deadline=None)
def test_a_damaged_page_is_a_page_or_a_page_error(data, edits):
    """Flipped, deleted and inserted bytes give another page or a PageError, soon."""
    accepts_or_rejects(mutated(data, edits))


@given(edits=_edits)
@settings(max_examples=200, deadline=None)
def test_a_damaged_page_means_the_same_both_ways(edits):
    """What both ways accept of a damaged page is the same page (the fast way never reads `meta`)."""
    data = mutated(GOOD, edits)
    fields = pages._fast_fields(data)
    if fields is None:
        return
    try:
        parsed = parse(data)
        other = parse(data.replace(b"---\n", b"---\n# the other way\n", 1))
    except PageError:
        return
    assert facts_of(parsed)[:3] == facts_of(other)[:3]
