"""The bytes of a page to a `Page`: two ways in, one meaning."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachesync.errors import PageError, PageSkipped
from cachesync.model import Build, Page
from cachesync.pages import parse as pages
from cachesync.pages.parse import PageParser
from cachesync.pages.summary import disagreements, normalise_compiler
from tests.support import pagetext
from tests.support.examples import examples
from tests.support.pagetext import Facts, page, spec
from tests.support.parsing import _HEAD, BLOCK, GOOD, ROOT, parse

CACHE = ROOT / "tests" / "fixtures" / "cache"

SHARED = ROOT.parent / "shared"


def facts_of(parsed: Page) -> tuple:
    """A page without the text of its summary, which keeps the form it was written in."""
    return parsed.tag, parsed.package, dict(parsed.specs), disagreements(parsed)


# -- one meaning


@pytest.mark.parametrize("form", pagetext.FORMS)
@given(facts=pagetext.facts())
@examples(15, 400, deadline=None)
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
@examples(20, 600, deadline=None)
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
@examples(15, 400, deadline=None)
def test_a_parser_has_no_memory_that_shows(several, interned):
    """What was parsed before changes nothing, whether the parser still remembers it or forgot."""
    parser = PageParser()
    for facts in several:
        data = pagetext.as_generated(facts)
        with pytest.MonkeyPatch.context() as limits:
            limits.setattr(pages, "MAX_INTERNED", interned)
            assert parser.parse(data) == parse(data)


@given(pagetext.facts())
@examples(15, 400, deadline=None)
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
@examples(130, 4_000, deadline=None)
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
@examples(100, 3_000, deadline=None)
def test_a_damaged_page_is_a_page_or_a_page_error(data, edits):
    """Flipped, deleted and inserted bytes give another page or a PageError, soon."""
    accepts_or_rejects(mutated(data, edits))


@given(edits=_edits)
@examples(70, 2_000, deadline=None)
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
