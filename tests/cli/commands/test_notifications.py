"""Commands about notifications as real processes: what they bound, and what they say to whom."""

import json
import stat

import pytest

from tests.support.world import World, hash_of, spec

WORDS = "no-such-room-for-hunter2"


@pytest.fixture
def site(world: World) -> World:
    """A page that was imported, and one after it that a command refuses to be told of."""
    refuse = f"echo {WORDS} >&2; exit 3"
    configure(world, f"{{type: command, argv: [sh, -c, '{refuse}']}}")
    world.page("develop", "hdf5", spec(hash_of(1)))
    world.run("sync")
    world.page("develop", "zlib", spec(hash_of(2)))
    world.run("sync")
    return world


def configure(world: World, *targets: str) -> None:
    """The subscription `all`, to these targets."""
    lines = "".join(f"    - {target}\n" for target in targets)
    world.configure(
        "sources:\n" + world.directory_source()
        + f"subscriptions:\n- name: all\n  query: ''\n  targets:\n{lines}"
    )  # fmt: skip


@pytest.mark.parametrize("days", [1, 36_525])
def test_days_before_there_were_any(site, days):
    done = site.run("subscriptions", "test", "all", "--dry-run", "--days", days, "--json")
    assert done.json["matched"] == 1


def test_times_beyond_all_numbers(site):
    """A century at most; ages and times that no clock reaches are before, or after, everything."""
    for days in ("36526", "9" * 13, "9" * 40):
        done = site.run("subscriptions", "test", "all", "--dry-run", "--days", days, status=2)
        assert "Traceback" not in done.err
    everything = site.changes()
    for age in ("99999999999d", "999999999w", "0001-01-01T00:00:00+14:00"):
        done = site.run("changes", "--since", age, "--json", status=None)
        assert "Traceback" not in done.err
        assert done.status == 2 or done.out.count("\n") == len(everything)
        done = site.run("deliveries", "replay", "--since", age, status=None)
        assert "Traceback" not in done.err
    for option in ("--until", "--limit"):
        done = site.run("changes", option, 2**63, status=2)
        assert "Traceback" not in done.err
    assert site.run("changes", "--until", 2**63 - 1, "--json").out.count("\n") == len(everything)


@pytest.mark.parametrize(
    "text",
    [
        "[]", "5", "null", "{", '{"subscriptions": 5}', '{"subscriptions": [5]}',
        '{"subscriptions": [{"name": "all"}]}', '{"subscriptions": [{"name": "all", "targets": [{}]}]}',
        '{"subscriptions": [{"name": [], "targets": []}]}', '{"error": {"a": 1}}', '{"note": 1}',
    ],
)  # fmt: skip
def test_what_is_published_in_another_shape_is_as_if_it_were_not_there(site, text):
    (site.state / "deliveries.json").write_text(text)
    assert site.run("status", "--json").json["notifications"] is None
    assert "all" not in site.run("status").out
    done = site.run("subscriptions", "list", "--json")
    assert [t["state"] for s in done.json["subscriptions"] for t in s["targets"]] == ["new"]


def test_what_a_command_says_is_for_the_owner_of_the_outbox(site):
    """Everybody hears of the exit status."""
    file = site.state / "deliveries.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    (target,) = site.run("status", "--json").json["notifications"]["subscriptions"][0]["targets"]
    assert (target["state"], target["reason"]) == ("failing", "sh: exit status 3")
    (listed,) = [
        json.loads(line) for line in site.run("deliveries", "list", "--json").out.splitlines()
    ]
    assert listed["detail"] == f"sh: exit status 3: {WORDS}"
    assert WORDS in site.run("deliveries", "show", listed["id"]).out
    done = site.run("deliveries", "retry")
    assert WORDS not in done.out + done.err
    assert WORDS not in file.read_text()
    assert WORDS in site.run("subscriptions", "test", "all", status=1).out


def test_retry_does_not_count_what_cannot_be_sent(site):
    """Its target is not in the configuration any more; until it is again."""
    before = site.config.read_text()
    configure(site, "{type: command, argv: ['true']}")
    done = site.run("deliveries", "retry")
    assert done.out.splitlines() == [
        "0 deliveries queued",
        "1 delivery is held: the configuration does not name their target any more",
    ]
    site.config.write_text(before)
    assert site.run("deliveries", "retry", "--json").json == {
        "schema": 1, "deliveries": 1, "enabled": [], "held": 0,
    }  # fmt: skip


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_damaged_outbox_takes_nothing_from_what_sync_says(site, form):
    """The ledger has it; the error follows."""
    for file in site.state.glob("outbox.sqlite*"):
        file.unlink()
    (site.state / "outbox.sqlite").write_bytes(b"x" * 5_000)
    site.page("develop", "cmake", spec(hash_of(3)))
    done = site.run("sync", *(["--json"] if form == "json" else []), status=1)
    if form == "json":
        assert done.json["changes"] == {"spec.cached": 1, "page.added": 1}
    else:
        assert "2 changes, seq " in done.out
    assert "outbox.sqlite is damaged" in done.err
    assert "move " in done.err
