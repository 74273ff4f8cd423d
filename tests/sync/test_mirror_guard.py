"""What the guard measures the removals of cache indexes against: what there was before they began."""

import pytest

from cachesync.diff import Guard
from cachesync.model import SourceState
from cachesync.selection import Selection
from cachesync.sources.base import Failed
from cachesync.sync.passes import run_pass
from tests.support.mirrors import Record, record
from tests.support.statements import STATEMENTS, World, placed

MAIN, VIEW_A, VIEW_B = STATEMENTS["m"]


def some(name: str, count: int, first: int = 0) -> list[Record]:
    return [record(name, f"1.{number}") for number in range(first, first + count)]


OLD = some("old", 30)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def run(world, writer=None, **options):
    """One pass over the source; without a `writer` by a process of its own, that remembers nothing."""
    if writer is None:
        with world.writing() as its_own:
            return run(world, its_own, **options)
    row = writer.source("m", "buildcache", "m", configured=True, interval=None)
    return run_pass(writer, world.source("m"), row, selection=Selection(), guard=Guard(), **options)


def put(world, *records: Record, statement=MAIN):
    world.put("m", statement, list(records), list(records))


def there(world) -> set[str]:
    with world.writing() as writer:
        return {spec_hash for _, _, spec_hash in placed(writer.db)}


def hashes(*groups) -> set[str]:
    return {one.hash for group in groups for one in group}


@pytest.mark.parametrize("settle", [1, 2, 3])
@pytest.mark.parametrize("count", [30, 300])
def test_an_index_that_is_replaced_as_a_whole_is_held_and_stays_held(tmp_path, settle, count):
    """However much comes in its place, and however often the next pass finds nothing new."""
    world = World(tmp_path, settle=settle)
    put(world, *OLD)
    run(world)
    new = some("new", count)
    put(world, *new)
    results = [run(world) for _ in range(settle + 3)]
    assert [one.state for one in results] == [
        *[SourceState.OK] * (settle - 1), *[SourceState.HELD] * 4
    ]  # fmt: skip
    assert all((one.held, "30 of 30 specs" in one.error) == (30, True) for one in results[-4:])
    assert there(world) == hashes(OLD, new)
    put(world, *new, *some("later", 100))
    assert run(world).state is SourceState.HELD, "what comes later counts for nothing either"
    assert run(world, allow_mass_removal=True).state is SourceState.OK
    assert there(world) == hashes(new, some("later", 100))
    assert run(world).state is SourceState.OK


def test_what_is_held_is_let_go_when_the_index_has_it_again(world):
    """And what is removed then is measured against what is there then."""
    new = some("new", 300)
    put(world, *OLD)
    run(world)
    put(world, *new)
    states = [run(world).state for _ in range(2)]
    assert states == [SourceState.OK, SourceState.HELD]
    put(world, *OLD, *new)
    assert run(world).state is SourceState.OK
    put(world, *new)
    assert [run(world).state for _ in range(2)] == [SourceState.OK, SourceState.OK]
    assert there(world) == hashes(new), "30 of 330 are no mass"


@pytest.mark.parametrize("by", ["hand", "the daemon"])
def test_an_index_that_is_renewed_bit_by_bit_is_never_held(world, by):
    """A tenth leaves and as much comes in each pass, several times over."""
    put(world, *some("pkg", 100))
    with world.writing() as writer:
        run(world, writer)
        for number in range(1, 31):
            put(world, *some("pkg", 100, first=10 * number))
            since = writer.seq if by == "the daemon" else None
            assert run(world, writer, since=since).state is SourceState.OK, number
        assert run(world, writer).state is SourceState.OK
    assert there(world) == hashes(some("pkg", 100, first=300))


def test_what_went_bit_by_bit_stays_held_for_those_who_did_not_see_it_go(world):
    """A daemon that starts anew, or a command: what is held was judged with what went before."""
    put(world, *OLD)
    with world.writing() as writer:
        run(world, writer)
        since = writer.seq
        for left in (20, 10, 5):
            put(world, *OLD[:left])
            for _ in range(2):
                held = run(world, writer, since=since)
    assert held.state is SourceState.HELD
    for _ in range(2):
        again = run(world)
        assert (again.state, again.error) == (SourceState.HELD, held.error)
    assert there(world) == hashes(OLD[:10])
    assert run(world, allow_mass_removal=True).state is SourceState.OK
    assert there(world) == hashes(OLD[:5])


def test_what_is_held_stays_held_through_failures(world):
    """A mirror that is not reached in between says nothing of what was before."""
    put(world, *OLD)
    run(world)
    put(world, *some("new", 300))
    assert [run(world).state for _ in range(2)][-1] is SourceState.HELD
    there_now = world.documents["m"][MAIN]
    put(world, *OLD, statement=VIEW_B)
    world.documents["m"][MAIN] = Failed("404", is_passing=True)
    run(world)
    world.documents["m"][MAIN] = there_now
    assert run(world).state is SourceState.HELD


@pytest.mark.parametrize("trouble", [None, "passing", "bad"])
def test_indexes_of_another_name_hold_those_they_replace(world, trouble):
    """What another tag has, and when it could be read, counts for nothing: its specs are additions."""
    put(world, *OLD)
    run(world)
    new = some("new", 300)
    del world.documents["m"][MAIN]
    put(world, *new, statement=VIEW_B)
    states = []
    if trouble is not None:
        put(world, *new, statement=VIEW_A)
        good = world.documents["m"][VIEW_A]
        world.documents["m"][VIEW_A] = (
            Failed("404", is_passing=True) if trouble == "passing" else b"{}"
        )
        states = [run(world).state for _ in range(2)]
        world.documents["m"][VIEW_A] = good
    assert SourceState.HELD not in states
    for _ in range(3):
        result = run(world)
        assert (result.state, result.held) == (SourceState.HELD, 30)
    assert hashes(OLD) <= there(world)
    assert run(world, allow_mass_removal=True).state is SourceState.OK
    assert there(world) == hashes(new)


def test_an_index_that_was_never_good_takes_the_place_of_nothing(world):
    """However few specs would leave, and however often it is found as it was."""
    put(world, *OLD[:3])
    run(world)
    del world.documents["m"][MAIN]
    world.documents["m"][VIEW_B] = b"{}"
    for _ in range(3):
        run(world)
        assert there(world) == hashes(OLD[:3])
    put(world, *OLD[:2], statement=VIEW_B)
    run(world)
    assert there(world) == hashes(OLD[:2])


def test_a_pass_that_is_cut_off_leaves_the_measure(world):
    """What it added before it was killed is no reason to let the rest go."""

    class CutError(Exception):
        pass

    def cut(_name, done, _total):
        if done:
            raise CutError

    put(world, *OLD)
    run(world)
    put(world, *some("new", 300))
    with pytest.raises(CutError):
        run(world, progress=cut)
    assert len(there(world)) == 330
    states = [run(world).state for _ in range(3)]
    assert states == [SourceState.OK, SourceState.HELD, SourceState.HELD]


def test_a_mirror_that_grew_while_a_view_failed_is_measured_as_it_is(world):
    """Only what leaves is measured against what was: a failure that lasts holds nothing."""
    put(world, *OLD)
    put(world, *OLD, statement=VIEW_A)
    run(world)
    world.documents["m"][VIEW_A] = Failed("404", is_passing=True)
    put(world, *OLD, *some("new", 300))
    assert run(world).state is SourceState.FAILED
    put(world, *OLD, *some("new", 270))
    for _ in range(2):
        assert run(world).state is SourceState.FAILED
    assert there(world) == hashes(OLD, some("new", 270))


def test_a_forgotten_source_begins_without_a_measure(world):
    """What was held of it once is no measure of what it is when it comes back."""
    put(world, *OLD)
    run(world)
    put(world, *some("new", 300))
    assert [run(world).state for _ in range(2)][-1] is SourceState.HELD
    with world.writing() as writer:
        (row,) = [one for one in writer.sources() if one.name == "m"]
        writer.forget(row)
    run(world)
    put(world, *some("new", 270))
    assert [run(world).state for _ in range(2)] == [SourceState.OK, SourceState.OK]
    assert there(world) == hashes(some("new", 270))
