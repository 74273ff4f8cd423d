"""What the judge is asked at random: about what is there, in every form, and always answered."""

import base64
import hashlib
import json
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.caches import index_of, needs_caches
from tests.support.examples import examples
from tests.support.judge import Judge, Refused, asking, inventing

DIALECTS = ("1.x", "0.23")
OUTCOMES = ("none", "some", "all", "syntax", "count", "evaluation")


def outcome(judge: Judge, text: str) -> str:
    try:
        found = len(judge.ask(text).hashes)
    except Refused as refused:
        return refused.kind
    return "some" if 0 < found < len(judge.index.records) else "all" if found else "none"


@given(asking.documents())
@examples(20, 600)
def test_a_document_is_a_dag_whose_hashes_are_spacks(document):
    """Every dependency is there, nothing is below itself, and hashes follow from the records."""
    installs = document["database"]["installs"]
    below = {
        key: {edge["hash"] for edge in entry["spec"].get("dependencies", ())}
        for key, entry in installs.items()
    }
    while below:
        leaves = {key for key, children in below.items() if not children & set(below)}
        assert leaves, "a cycle"
        below = {key: children for key, children in below.items() if key not in leaves}
    for key, entry in installs.items():
        node = {name: value for name, value in entry["spec"].items() if name != "hash"}
        assert all(edge["hash"] in installs for edge in node.get("dependencies", ()))
        if node.get("annotations", {}).get("original_specfile_version") == 4:
            del node["annotations"]
        digest = hashlib.sha1(json.dumps(node, separators=(",", ":")).encode()).digest()
        assert key == entry["spec"]["hash"] == base64.b32encode(digest).decode().lower()


@pytest.mark.parametrize("form", inventing.FORMS)
def test_documents_of_each_form_tell_compilers_in_its_way(form):
    """The version of the database and where compilers stand are those of the form."""
    random = Random(form)
    versions, formats, attributes = Counter(), Counter(), Counter()
    for _ in range(50):
        database = inventing.document(random, form=form)["database"]
        versions[database["version"]] += 1
        for entry in database["installs"].values():
            notes = entry["spec"].get("annotations", {})
            formats[notes.get("original_specfile_version")] += 1
            attributes["compiler" in entry["spec"], "compiler" in notes] += 1
    known = {"7": {None}, "8": {5}, "8 migrated": {4}, "8 mixed": {4, 5}}
    assert set(versions) == {form[0]}
    assert set(formats) == known[form]
    assert {node for node, _ in attributes} == {form == "7"}
    assert {note for _, note in attributes} >= {"8 m" in form}


@given(st.data(), st.sampled_from(DIALECTS))
@examples(50, 1_500)
def test_whatever_is_asked_is_answered_or_refused(data, dialect):
    """A query at random and one of any letters to an index at random end in one of two ways."""
    document = data.draw(asking.documents())
    judge = Judge(document, dialect)
    texts = [
        data.draw(asking.queries(asking.Vocabulary(document), dialect)),
        data.draw(st.text(alphabet="@+~-=:,.*^%/[]\"' ab1_git", max_size=30)),
    ]
    for text in texts:
        assert outcome(judge, text) in OUTCOMES


def test_the_same_seed_asks_the_same():
    """A seed stands for its queries."""
    vocabulary = asking.Vocabulary(inventing.document(Random(1), size=8))
    first = asking.several(5, 50, vocabulary, "1.x")
    assert first == asking.several(5, 50, vocabulary, "1.x")
    assert first != asking.several(6, 50, vocabulary, "1.x")


@needs_caches
@pytest.mark.parametrize(
    ("mirror", "dialect"),
    [
        ("v3-1.1", "1.x"),
        ("v3-1.2dev", "1.x"),
        ("v3-migrated-from-v2", "1.x"),
        ("v2-0.23", "1.x"),
        ("v2-0.23", "0.23"),
    ],
)
def test_random_queries_are_worth_asking(mirror, dialect):
    """Of 250 to a real index a fifth at least tell records apart, and not half are refused."""
    document = json.loads(index_of(mirror))
    judge = Judge(document, dialect)
    queries = asking.several(1, 250, asking.Vocabulary(document), dialect)
    seen = Counter(outcome(judge, text) for text in queries)
    assert seen["some"] > 50
    assert seen["syntax"] + seen["count"] + seen["evaluation"] < 125
    assert len(set(queries)) > 200
    for feature in ("^[", "virtuals=", "deptypes=", "@", "arch", "target=", "==", "/"):
        assert any(feature in text for text in queries), feature
    if dialect == "1.x":
        for feature in ("%", "%%", "when=", ":=", "*", "%["):
            assert any(feature in text for text in queries), feature
