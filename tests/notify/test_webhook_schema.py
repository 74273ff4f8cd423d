"""config/webhook.schema.json says what bodies hold: no key is missing from it, and none too many."""

import json
from pathlib import Path

import pytest

from cachesync.model import Build, Change, ChangeKind
from cachesync.notify import message
from cachesync.notify.message import Sender

jsonschema = pytest.importorskip("jsonschema", reason="tests/requirements.lock has it")
ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "config" / "webhook.schema.json").read_text(encoding="utf-8"))
AT = 1_763_820_000_123_456
SENDER = Sender("hdf5-arm", "hdf5 +mpi")
BUILD = Build(
    "hdf5", "1.14.5", "llvm@=17.0.6", "ubuntu24.04", "linux", "aarch64", ("+mpi",),
    (("c", "llvm@=17.0.6"), ("cxx", "llvm@=17.0.6"), ("fortran", "gcc@=13.2.0")),
)  # fmt: skip


def closed(schema):
    """The schema in which no key is allowed that it does not name."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(value) for key, value in schema.items()}
    if isinstance(found.get("properties"), dict) and found.get("type") == "object":
        found.setdefault("additionalProperties", False)
    return found


VALIDATOR = jsonschema.Draft202012Validator(closed(SCHEMA))


def change(kind, seq=42, **more):
    """A change of a kind with everything that such a one may have."""
    values = {"source": "mirror", "tag": "develop", "package": "hdf5"}
    if kind.label.startswith("spec."):
        values |= {
            "hash": "bxjpbzp6ar2cezwvhbxsx35wxgtsrzah", "flag": True, "baseline": True,
            "stacks": ("root",), "stacks_before": ("e4s", "root"), "build": BUILD, "build_before": BUILD,
        }  # fmt: skip
    elif kind.label.startswith("page."):
        values |= {"path": "develop/hdf5/specs.md", "reason": "no YAML"}
    elif kind.label.startswith("index."):
        values = {
            "source": "mirror", "tag": "develop", "stacks": ("root",), "path": "https://x", "reason": "no JSON",
            "checksum": "ab",
        }  # fmt: skip
    elif kind.label.startswith("source."):
        values = {"source": "mirror", "reason": "timed out"}
    else:
        values = {"source": "", "subscription": "s", "target": "https://x", "reason": "410"}
    return Change(seq=seq, at=AT, kind=kind, **{**values, **more})


def bodies():
    """Every sort of message, made by what makes real ones."""
    everything = [message.match(change(kind)) for kind in ChangeKind]
    where = {"since_seq": 41, "until_seq": 57, "at": AT}
    for found in everything:
        yield from message.compose(SENDER, [found], **where)
    yield from message.compose(SENDER, everything, **where)
    yield from message.compose(SENDER._replace(summary_above=1), everything, **where)
    yield from message.compose(
        SENDER._replace(summary_above=1, most_bytes=700), everything, **where
    )
    large = change(ChangeKind.SPEC_CACHED, build=BUILD._replace(variants=("x" * 40_000,)))
    yield from message.compose(SENDER, [message.match(large)], **where)
    yield message.news_of_target(SENDER, change(ChangeKind.TARGET_DISABLED), at=AT)
    yield message.message_of_test(SENDER, seq=57, at=AT)


DOCUMENTS = [json.loads(made.body) for made in bodies()]


def test_the_schema_is_one():
    """Of draft 2020-12."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"].endswith("2020-12/schema")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document["type"])
def test_a_real_body_is_as_the_schema_says(document):
    """And holds no key that the schema does not name."""
    assert list(VALIDATOR.iter_errors(document)) == []


def test_an_example_as_documents_show_it_is_a_body():
    """It lacks what examples leave out; a hash that is abbreviated is the only thing to fill in."""
    text = (Path(__file__).parents[1] / "fixtures" / "webhook" / "example.json").read_text("utf-8")
    VALIDATOR.validate(json.loads(text.replace('"…"', f'"{"b" * 32}"')))
    assert not VALIDATOR.is_valid(json.loads(text))


def test_every_change_of_a_real_body_says_when_it_was():
    """Though the schema does not ask for it."""
    changes = [c for document in DOCUMENTS for c in document["data"]["changes"]]
    assert changes
    assert all("at" in c for c in changes)


def keys(value):
    """Every key of a document, with those inside, but for names that are data."""
    if isinstance(value, list):
        return set().union(*map(keys, value))
    if not isinstance(value, dict):
        return set()
    return set(value).union(*(keys(inner) for key, inner in value.items() if key != "counts"))


def test_the_schema_names_no_key_that_no_body_has():
    """What is documented exists."""

    def named(schema):
        if not isinstance(schema, dict):
            return set()
        inner = (named(value) for key, value in schema.items() if key != "properties")
        properties = schema.get("properties", {})
        return set(properties).union(*inner, *map(named, properties.values()))

    assert named(SCHEMA) == keys(DOCUMENTS)


def test_the_schema_names_every_type_and_kind():
    """Those of the change log, and the two that messages add."""
    kinds = [kind.label for kind in ChangeKind]
    assert SCHEMA["$defs"]["change"]["properties"]["kind"]["enum"] == kinds
    types = [message.type_of([kind]) for kind in kinds] + [message.MIXED, message.TEST]
    assert SCHEMA["properties"]["type"]["enum"] == types


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"schema": 2},
        {"type": "specs.cache"},
        {"timestamp": "yesterday"},
        {"data": {}},
        {"extra": 1},
    ],
)
def test_the_schema_refuses_what_is_no_body(broken):
    """So that the tests above can fail."""
    document = DOCUMENTS[0] | broken if broken else {}
    assert not VALIDATOR.is_valid(document)
    assert VALIDATOR.is_valid(DOCUMENTS[0])
