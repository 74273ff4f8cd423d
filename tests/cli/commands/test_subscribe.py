"""`cachesync subscribe` and `unsubscribe` without a daemon: what is written, what is refused, what is said."""

import stat

import pytest

from cachesync.config.file import load
from cachesync.notify.webhook import Key
from tests.support.pagetext import spec
from tests.support.world import World

HOOK = "https://ci.example.org/hooks/cachesync"


@pytest.fixture
def site(world: World) -> World:
    """A configuration that its owner keeps for themselves, with one subscription of the administrator's."""
    world.configure(
        "sources:\n" + world.directory_source()
        + "subscriptions:\n- {name: own, query: zlib, targets: [{type: command, argv: [logger]}]}\n"
    )  # fmt: skip
    world.config.chmod(0o640)
    return world


def beside(site: World) -> dict[str, int]:
    """The files of `subscriptions.d`, with their modes."""
    folder = site.config.parent / "subscriptions.d"
    files = folder.iterdir() if folder.exists() else ()
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in files}


def test_a_webhook_gets_a_secret_that_is_shown_once(site):
    before = site.config.read_bytes()
    done = site.run("subscribe", "hdf5 +mpi", "target:aarch64", "--webhook", HOOK)
    assert beside(site) == {
        "hdf5-mpi-target-aarch64.yaml": 0o640, "hdf5-mpi-target-aarch64.secret": 0o600,
    }  # fmt: skip
    assert site.config.read_bytes() == before
    own, new = load(site.config).subscriptions
    assert (own.name, new.name, new.query) == (
        "own", "hdf5-mpi-target-aarch64", "hdf5 +mpi target:aarch64",
    )  # fmt: skip
    (place,) = new.targets[0].secrets
    with open(place.name) as file:
        secret = file.read().strip()
    Key(secret)
    assert done.out.count(secret) == 1
    assert "no daemon runs: `cachesync " in done.out
    assert "hooks/cachesync" not in done.out  # who knows the path may post there
    for command in ("config show", "subscriptions list", "config check", "doctor --offline"):
        assert secret not in site.run(*command.split(), status=None).out
    again = site.run("subscribe", "hdf5 +mpi", "target:aarch64", "--webhook", HOOK, "--json").json
    assert again["subscription"] == "hdf5-mpi-target-aarch64-2"
    assert again["secret"] != secret
    assert (again["written"], again["daemon"], again["reloaded"]) == (True, None, False)


def test_a_command_is_the_rest_of_the_line_whatever_it_looks_like(site):
    program = ["/bin/sh", "-c", "true", "--json", "--config", "x", "-q", "--", "--name", ""]
    said = site.run("subscribe", "hdf5", "-cuda", "--name", "mine", "--command", *program).err
    assert (
        "--json is an argument of /bin/sh: what is meant for cachesync stands before --command"
        in said
    )
    _, entry = load(site.config).subscriptions
    assert (entry.query, entry.targets[0].argv) == ("hdf5 -cuda", tuple(program))
    assert beside(site) == {"mine.yaml": 0o640}


def test_fields_are_options_here_too(site):
    """They are a part of the query that is written."""
    site.run(
        "subscribe",
        "hdf5",
        "--os",
        "rhel9",
        "--tag",
        "a",
        "--tag",
        "b",
        "--name",
        "mine",
        "--webhook",
        HOOK,
    )
    _, entry = load(site.config).subscriptions
    assert entry.query == "hdf5 (tag:a OR tag:b) os:rhel9"


def test_unsubscribe_removes_what_subscribe_wrote_and_nothing_else(site):
    site.run("subscribe", "hdf5", "--name", "a", "--webhook", HOOK)
    site.run("subscribe", "hdf5", "--name", "b", "--command", "true")
    done = site.run("unsubscribe", "a", "--json").json
    assert done["removed"].endswith("subscriptions.d/a.yaml")
    assert set(beside(site)) == {"b.yaml"}
    refused = site.run("unsubscribe", "own", status=2).err
    assert f"own stands in {site.config}:4, and not in a file" in refused
    file = site.config.parent / "subscriptions.d" / "b.yaml"
    file.write_text(
        file.read_text() + "  - {name: c, query: x, targets: [{type: command, argv: [x]}]}\n"
    )
    for name, line in (("b", 3), ("c", 8)):
        assert f"{file}:{line}, and not" in site.run("unsubscribe", name, status=2).err
    assert "no subscription is called nope" in site.run("unsubscribe", "nope", status=2).err
    assert set(beside(site)) == {"b.yaml"}


@pytest.mark.parametrize(("words", "said"), [
    (("hdf5 (", "--command", "true"), "the parenthesis is not closed"),
    (("hdf5",), "tell who is to be told"),
    (("hdf5", "--webhook", HOOK, "--command", "true"), "in one way"),
    (("hdf5", "--webhook", "ftp://x"), "--webhook: "),
    (("hdf5", "--webhook", "http://127.0.0.1/"), "--webhook leads to this machine"),
    (("hdf5", "--allow-private", "--command", "true"), "--allow-private is for --webhook"),
    (("hdf5", "--name", "own", "--command", "true"), "called own already, in {config}:4"),
    (("hdf5", "--name", "../x", "--command", "true"), "../x is no name for a file"),
])  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_is_written(site, words, said):
    done = site.run("subscribe", *words, status=2)
    assert said.format(config=site.config) in done.err
    assert beside(site) == {}


def test_words_are_taken_as_they_stand_and_what_search_reads_is_said(site):
    """`hdf5 mpi` would never tell anybody of `hdf5 +mpi`, which `search` finds."""
    site.page("develop", "hdf5", spec())
    site.run("sync")
    done = site.run("subscribe", "hdf5", "mpi", "--command", "true")
    assert "`hdf5 mpi`, which is taken as it stands; `search` reads it as `hdf5 +mpi`" in done.err
    done = site.run("subscribe", "--json", "hdf5 cuda zen4", "--command", "true")
    assert done.json["query"] == "hdf5 cuda zen4"
    for words in ("hdf5 +mpi", "hdf5 17"):
        assert "search" not in site.run("subscribe", words, "--command", "true").err


def test_a_target_that_cannot_work_is_refused(site):
    assert "/nope cannot be run" in site.run("subscribe", "x", "--command", "/nope", status=1).err
    file = site.root / "address"
    file.write_text("no address\n")
    file.chmod(0o600)
    assert site.run("subscribe", "x", "--apprise", file, status=1).err
    assert beside(site) == {}


def test_a_configuration_with_problems_is_mended_first(site):
    site.configure("logs: {}\n")
    assert (
        ":1:1: there is no key 'logs'"
        in site.run("subscribe", "x", "--command", "true", status=2).err
    )
    assert beside(site) == {}


def test_a_file_that_is_there_is_never_replaced(site):
    folder = site.config.parent / "subscriptions.d"
    folder.mkdir()
    (folder / "x.secret").write_text("mine")
    (folder / "y.yaml").write_text("# mine\n")
    for name in ("x", "y"):
        said = site.run("subscribe", "hdf5", "--name", name, "--webhook", HOOK, status=2).err
        assert "already" in said
    assert {file.name: file.read_text() for file in folder.iterdir()} == {
        "x.secret": "mine", "y.yaml": "# mine\n",
    }  # fmt: skip


def test_without_a_configuration_it_is_said_how_one_begins(site):
    site.config.unlink()
    done = site.run("subscribe", "x", "--command", "true", status=2)
    assert "touch ~/.config/cachesync/cachesync.yaml" in done.err


def test_the_names_are_completed(site):
    site.run("subscribe", "hdf5", "--name", "mine", "--command", "true")
    for line, offered in (
        ("cachesync unsubscribe ", ["mine"]),
        ("cachesync subscriptions test ", ["own", "mine"]),
        ("cachesync deliveries list --subscription m", ["mine"]),
        ("cachesync changes --subscription o", ["own"]),
    ):
        assert completed(site, line) == offered


def test_a_name_that_a_terminal_could_not_show_is_not_completed(site):
    site.run("subscribe", "hdf5", "--name", "mine", "--command", "true")
    for name in ("\x1b[31m", "\u202egnp", "$(id)"):
        (site.config.parent / "subscriptions.d" / f"{name}.yaml").write_text("")
    assert completed(site, "cachesync unsubscribe ") == ["mine"]


def completed(site: World, line: str) -> list[str]:
    """What bash is offered at the end of a line."""
    import subprocess

    told = {"COMP_LINE": line, "_CACHESYNC_COMPLETE": "bash_complete", "COMP_WORDBREAKS": " "}
    done = subprocess.run(
        site.command()[:3], env={**site.environment, **told}, text=True, capture_output=True,
        check=True, timeout=60, cwd=site.root,
    )  # fmt: skip
    return [line.partition(",")[2] for line in done.stdout.splitlines()]
