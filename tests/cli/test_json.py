"""The shapes of JSON documents (CLI.md)."""

import re

from tests.support.world import spec

BUILD = {
    "version": str,
    "compiler": str,
    "os": str,
    "platform": str,
    "target": str,
    "variants": list,
}

RESULT = {"package": str, **BUILD, "score": float, "specs": list}


def assert_shape(value: dict, shape: dict, *, optional: dict | None = None) -> None:
    """Exactly the keys of `shape`, plus some of `optional`, each with its type."""
    optional = optional or {}
    assert shape.keys() <= value.keys() <= shape.keys() | optional.keys()
    for key, kind in (shape | optional).items():
        if key in value:
            assert isinstance(value[key], kind), (key, value[key])


def test_json_of_search(site):
    """`search --json` is as CLI.md says, key for key."""
    document = site.search("hdf5", "tag:v1")
    shape = {"schema": int, "query": str, "builds": int, "specs": int, "took_ms": float,
             "as_of": dict, "results": list}  # fmt: skip
    assert_shape(document, shape)
    assert document["schema"] == 1
    assert_shape(document["as_of"], {"seq": int, "sources": list})
    assert document["as_of"]["seq"] == site.seq()
    (source,) = document["as_of"]["sources"]
    assert_shape(source, {"name": str, "state": str, "last_success": str})
    assert (source["name"], source["state"]) == ("site", "ok")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", source["last_success"])
    (result,) = document["results"]
    assert_shape(result, RESULT)
    (found,) = result["specs"]
    assert_shape(found, {"hash": str, "placements": list})
    assert found["placements"] == [{"source": "site", "tag": "v1", "stacks": ["e4s", "root"]}]
    facets = site.run("search", "--json", "--facets").json["facets"]
    assert facets["target"] == {"aarch64": {"specs": 4, "builds": 4}}
    assert facets["tag"]["v1"] == {"specs": 1, "builds": 1}


def test_json_of_changes(site):
    """Every line of `changes --json` is one object with schema, seq, at, kind and source."""
    lines = site.changes()
    assert [line["seq"] for line in lines] == sorted({line["seq"] for line in lines})
    for line in lines:
        assert line["schema"] == 1
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["at"])
        assert line["source"] == "site"
        if line["kind"].startswith("spec."):
            assert_shape(line["build"], BUILD)
            assert len(line["hash"]) == 32
            assert {"tag", "package", "stacks"} <= line.keys()
        assert ("first" in line) == (line["kind"] == "spec.cached")
        assert ("last" in line) == (line["kind"] == "spec.evicted")
    kinds = {line["kind"] for line in lines}
    assert kinds == {"page.added", "page.rejected", "spec.cached", "spec.evicted", "spec.restacked"}
    (rejected,) = [line for line in lines if line["kind"] == "page.rejected"]
    assert rejected["path"] == "develop/broken/specs.md"
    assert rejected["reason"]


def test_json_of_sync(world):
    """`sync --json` is as CLI.md says, key for key."""
    world.configure(f"sources:\n{world.directory_source()}")
    world.page("develop", "hdf5", spec("a"), spec("b"))
    document = world.sync()
    seconds = document.pop("seconds")
    assert isinstance(seconds, float)
    assert document == {
        "schema": 1,
        "sources": [{"name": "site", "state": "ok", "listed": 1, "changed": 1, "unchanged": 0,
                     "removed": 0, "rejected": 0, "held": 0, "skipped": 0, "missing": []}],
        "changes": {"page.added": 1, "spec.cached": 2},
        "seq": 3,
    }  # fmt: skip


def test_json_of_status(site):
    """`status --json` has at least what CLI.md names, with those types."""
    document = site.status()
    assert document["schema"] == 1
    for key in ("pages", "specs", "builds", "placements", "seq"):
        assert isinstance(document["ledger"][key], int)
    for key in ("builds", "seq", "bytes"):
        assert isinstance(document["index"][key], int)
    assert document["index"]["builds"] == document["ledger"]["builds"] == 4
    assert document["index"]["seq"] == document["ledger"]["seq"]
    (source,) = document["sources"]
    expected = {"name": "site", "type": "directory", "state": "ok", "pages": 4, "rejected": 1}
    assert {**source, **expected} == source
    assert source["error"] is None
    assert {"last_success", "last_attempt"} <= source.keys()
    for name, page in (("rejected", "develop/broken/specs.md"), ("skipped", "adlbx/specs.md"),
                       ("warnings", "develop/zlib-moved/specs.md")):  # fmt: skip
        (row,) = document[name]
        assert (row["source"], row["page"]) == ("site", page)
        assert row["reason"]
    assert "since" in document["rejected"][0]


def test_json_of_the_rest(site):
    """`show` and `verify` print one document with its schema too."""
    for arguments in (["show", "hdf5"], ["show", "/" + "a" * 32], ["verify"]):
        document = site.run(*arguments, "--json").json
        assert document["schema"] == 1
    assert document["differences"] == []


def test_json_is_all_of_standard_output(site):
    """Talk never mixes with the answer, even when there is much to say."""
    for arguments in (["-v", "sync", "--json"], ["-v", "search", "--json", "x"]):
        assert site.run(*arguments).json["schema"] == 1


def test_status_for_people(site):
    """`status` names the source, the counts, and every page that is not as it should be."""
    text = site.run("status").out
    for part in ("4 pages", "4 specs", "up to date", "site", "develop/broken/specs.md",
                 "adlbx/specs.md", "zlib-moved", "rejected: 1", "skipped: 1"):  # fmt: skip
        assert part in text
