"""The summary of a page, compared with what its specs say."""

import json

import pytest

from cachesync.pages.summary import disagreements
from tests.support import pagetext
from tests.support.pagetext import Facts, spec
from tests.support.parsing import GOOD, parse


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
