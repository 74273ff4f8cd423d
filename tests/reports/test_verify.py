"""`verify` finds each difference and names it: what cannot find a difference proves nothing."""

import sqlite3

import pytest

from tests.support.pagetext import spec
from tests.support.world import World, hash_of


@pytest.fixture
def synced(world: World) -> World:
    """Two pages, in the ledger as they lie on disk, and nothing to be found."""
    world.page("develop", "hdf5", spec(hash_of(1), stacks=["e4s"]), spec(hash_of(2)))
    world.page("v1", "zlib", spec(hash_of(3)))
    world.write("develop/broken", b"---\nno page\n")
    world.sync()
    world.settle()
    world.verify()
    return world


def differences(world: World) -> str:
    """What is found, a line each; exit status 1."""
    found: list[str] = world.run("verify", "--json", status=1).json["differences"]
    assert found
    return "\n".join(found)


def edit(world: World, statement: str) -> None:
    """Change the ledger behind everybody's back."""
    db = sqlite3.connect(world.state / "ledger.sqlite")
    with db:
        assert db.execute(statement).rowcount > 0
    db.close()


def test_pages_that_changed_since_the_last_pass(synced):
    synced.page("develop", "hdf5", spec(hash_of(1), stacks=["root"]), spec(hash_of(4)))
    assert differences(synced) == (
        f"{synced.pages}: develop/hdf5/specs.md lists 1 specs that the ledger"
        " does not, lacks 1, has other stacks for 1"
    )


def test_a_page_that_came_since_the_last_pass(synced):
    synced.page("develop", "new", spec(hash_of(5)))
    assert "develop/new/specs.md is not in the ledger as it is now" in differences(synced)


def test_a_page_that_left_since_the_last_pass(synced):
    synced.remove("v1/zlib")
    assert "v1/zlib/specs.md is in the ledger and not in the source" in differences(synced)


def test_a_page_that_broke_since_the_last_pass(synced):
    synced.write("v1/zlib", b"---\ntitle: [\n---\n")
    found = differences(synced)
    assert "v1/zlib/specs.md is broken since the last pass: " in found
    assert "develop/broken" not in found, "the ledger knows of that one"


def test_a_source_that_is_not_there(synced):
    synced.pages.rename(synced.root / "away")
    assert "cannot be compared: " in differences(synced)


def test_a_placement_that_the_log_does_not_know(synced):
    edit(synced, "DELETE FROM placement WHERE spec_id = (SELECT min(id) FROM spec)")
    assert "change log: " in differences(synced)


def test_a_change_that_is_missing(synced):
    edit(synced, "DELETE FROM change WHERE spec_id = (SELECT max(id) FROM spec)")
    assert "change log: " in differences(synced)


def test_a_build_that_the_index_has_otherwise(synced):
    edit(synced, "UPDATE build SET os = 'other' WHERE package = 'zlib'")
    found = differences(synced)
    assert "index: os:other is missing" in found
    assert "is in other documents than the ledger says" in found


def test_a_build_that_the_index_does_not_have(synced):
    edit(synced, "DELETE FROM placement WHERE spec_id = (SELECT max(id) FROM spec)")
    assert "has no placement in the ledger" in differences(synced)


def test_a_database_whose_rows_contradict_each_other(synced):
    edit(synced, "DELETE FROM page WHERE package = 'zlib'")
    assert "ledger: " in differences(synced)
