"""What cachesync wrote is no damage."""

from contextlib import closing

from cachesync.ledger import connect
from cachesync.ledger.sound import fault
from tests.support.pagetext import spec
from tests.support.world import World, hash_of


def test_a_ledger_with_and_without_words_in_its_changes_is_sound(world: World):
    """Whatever SQLite makes of JSON that is NULL: `doctor` and `backup` take it, too."""
    world.page("develop", "hdf5", spec(hash_of(1)))
    world.page("develop", "zlib", spec(hash_of(2)))
    world.sync()
    world.write("develop/zlib", b"---\nno page")
    world.sync()
    with closing(connect.open_reader(world.state)) as db:
        words = "SELECT DISTINCT detail IS NULL FROM change ORDER BY 1"
        assert [*db.execute(words)] == [(0,), (1,)]
        assert fault(db) is None
    world.run("doctor", "--offline")
    world.run("backup", world.root / "copy")
