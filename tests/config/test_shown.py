"""What `config show` says of a configuration: everything that applies, and no secret."""

import pytest
import yaml

from cachesync.config import shown
from cachesync.config.file import parse
from cachesync.config.schema import SCHEMA
from cachesync.config.settings import Config
from cachesync.config.yamlschema import Kinds, ListOf, Record
from tests.support.configs import EVERYTHING


def test_what_is_shown_can_be_read_again():
    """It has the keys of the file and the same meaning, but for what is masked."""

    config = parse(EVERYTHING, name="x")
    again = parse(yaml.safe_dump(shown.document(config)), name="shown")

    def without_masks(given: Config) -> Config:
        subscriptions = [s._replace(targets=()) for s in given.subscriptions]
        return given._replace(subscriptions=tuple(subscriptions))

    assert without_masks(again) == without_masks(config)


def test_defaults_are_shown_too():
    """A configuration that says nothing has them all."""
    said = shown.document(parse("", name="x"))
    assert said["limits"] == {"page": "32MiB", "download": "2GiB", "request": "1m"}
    assert said["watch"] == {"quiet": "300ms", "cap": "5s", "mode": "auto", "every": "1m"}
    assert said["sources"] == []
    assert parse(yaml.safe_dump(said), name="x") == Config()


def keys_of(read, found):
    """Every key that the schema has, of every record."""
    if isinstance(read, Kinds):
        for kind in read.kinds.values():
            keys_of(kind, found)
    elif isinstance(read, ListOf):
        keys_of(read.item, found)
    elif isinstance(read, Record):
        found.update(read.keys)
        for key in read.keys.values():
            keys_of(key.read, found)
    return found


def keys_in(document, found):
    """Every key that a document has."""
    if isinstance(document, dict):
        found.update(document)
    for inner in document.values() if isinstance(document, dict) else document:
        if isinstance(inner, dict | list):
            keys_in(inner, found)
    return found


def test_every_key_is_shown():
    """A key that is added to the schema, and to the configuration with everything, is shown."""
    known = keys_of(SCHEMA, set())
    written = keys_in(yaml.safe_load(EVERYTHING), set())
    assert (known & written) - keys_in(shown.document(parse(EVERYTHING, name="x")), set()) == set()


def test_no_secret_is_shown():
    """Neither the path of a webhook, nor the arguments of a program, nor the query of an address."""
    text = """
sources:
  - {name: a, type: archive, url: "https://h.example/x.tar.gz?private_token=HIDDEN&ref=HIDDEN"}
subscriptions:
  - name: all
    query: hdf5
    targets:
      - {type: webhook, url: "https://hooks.example.org/HIDDEN", secret: {env: WHERE}}
      - {type: command, argv: [/bin/tell, "--token=HIDDEN", HIDDEN]}
"""
    said = str(shown.document(parse(text, name="x")))
    assert "HIDDEN" not in said
    assert "{'env': 'WHERE'}" in said
    assert "https://h.example/x.tar.gz?private_token=***&ref=***" in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://user:pa@ss@proxy.example:3128/a@b", "http://***@proxy.example:3128/a@b"),
        ("https://h/{tag}/{package}?a=b=c", "https://h/{tag}/{package}?a=***"),
        ("/srv/a=b", "/srv/a=b"),
        ("s3://bucket/x", "s3://bucket/x"),
    ],
)
def test_addresses_are_masked(text, expected):
    """The user, the password and the values of a query; all else is as it was."""
    assert shown.masked(text) == expected
