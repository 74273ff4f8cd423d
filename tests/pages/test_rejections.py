"""What is no page: rejected, with the reason and the place, soon."""

import json
import os
import subprocess
import sys
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cachesync.errors import PageError, PageSkipped
from tests.support import pagetext
from tests.support.examples import examples
from tests.support.pagetext import spec
from tests.support.parsing import _HEAD, BLOCK, GOOD, ROOT, parse

# -- rejections


def place(data: bytes, needle: bytes, *, nth: int = 0) -> str:
    """Where in the page the nth occurrence of `needle` begins, as an error says it."""
    offset = -1
    for _ in range(nth + 1):
        offset = data.index(needle, offset + 1)
    line = data.count(b"\n", 0, offset) + 1
    column = offset - data.rfind(b"\n", 0, offset)
    return f"line {line}, column {column}"


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
@examples(15, 400, deadline=None)
def test_control_characters_never_pass(facts, form):
    """An escape character in any value rejects the page, and is not in the message."""
    if not facts.rows:
        return
    facts.rows[0]["target"] = "a\x1b[31m"
    with pytest.raises(PageError) as caught:
        parse(form(facts))
    assert caught.value.message.isprintable()


# -- hostile pages

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
        "from tests.pages.test_rejections import HOSTILE\n"
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
