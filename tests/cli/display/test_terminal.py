"""Colours, and the pager: what a terminal is sent, and what is not one (cli/terminal.py, cli/pager.py)."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

import pytest

from cachesync.cli.display import pager, terminal
from tests.support.world import World, hash_of, spec

ESCAPE = "\x1b["
MARK = "sed 's/^/paged: /'"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> World:
    """Thirty builds: more than fits a terminal of 24 lines, and one that fits. Read only."""
    world = World(tmp_path_factory.mktemp("site"))
    world.page("develop", "hdf5", *(spec(hash_of(n), versions=[f"1.{n}"]) for n in range(30)))
    world.page("develop", "zlib", spec("z"))
    world.sync()
    return world


def on_terminal(world: World, *arguments: object, lines: int = 24, **environment: str | None):
    """The status of a command on a terminal, and what it shows there; None unsets a variable."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, 100, 0, 0))
    variables = {**world.environment, "TERM": "xterm", **environment}
    process = subprocess.Popen(
        world.command(*arguments), stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
        env={name: value for name, value in variables.items() if value is not None}, cwd=world.root,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while data := os.read(ours, 65536):
            shown += data
    except OSError:  # EIO: the other side is closed
        pass
    os.close(ours)
    return process.wait(60), shown.decode()


# -- colours


@pytest.mark.parametrize(
    ("environ", "on_a_terminal", "elsewhere"),
    [
        ({"TERM": "xterm"}, True, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"TERM": ""}, False, False),
        ({}, False, False),
        ({"TERM": "xterm", "CLICOLOR": "0"}, False, False),
        ({"CLICOLOR_FORCE": "1"}, True, True),
        ({"TERM": "xterm", "CLICOLOR_FORCE": "0"}, True, False),
        ({"CLICOLOR_FORCE": "1", "TERM": "dumb"}, True, True),
        ({"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False, False),
    ],
)
def test_what_decides_about_colours(environ, on_a_terminal, elsewhere):
    """NO_COLOR, then CLICOLOR_FORCE, then CLICOLOR and TERM, then whether it is a terminal."""
    assert terminal.is_colored(True, environ) is on_a_terminal
    assert terminal.is_colored(False, environ) is elsewhere


@pytest.mark.parametrize("arguments", [["search", "zlib"], ["status"], ["history", "zlib"]])
def test_colours_on_a_terminal(site, arguments):
    """There are some, and none with NO_COLOR or a dumb terminal: no escape sequence at all."""
    assert ESCAPE in on_terminal(site, *arguments)[1]
    assert ESCAPE not in on_terminal(site, *arguments, NO_COLOR="1")[1]
    assert ESCAPE not in on_terminal(site, *arguments, TERM="dumb")[1]
    assert ESCAPE not in on_terminal(site, *arguments, TERM=None)[1]


def test_colours_in_a_pipe(site):
    """None, unless they are forced; then the fields are still there, tab-separated."""
    assert ESCAPE not in site.run("search", "zlib").out
    forced = subprocess.run(
        site.command("search", "zlib"), env={**site.environment, "CLICOLOR_FORCE": "1"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ESCAPE in forced.stdout
    assert "\t1.14.5\t" in forced.stdout


# -- characters


@pytest.fixture(scope="module")
def abroad(tmp_path_factory) -> World:
    """A build whose variants are not ASCII. Read only."""
    world = World(tmp_path_factory.mktemp("abroad"))
    builds = [
        spec(hash_of(n), versions=[f"1.{n}"], variants=["+mpi", "note=été"]) for n in range(30)
    ]
    world.page("develop", "hdf5", *builds)
    world.write("develop/é", b"no page")
    world.sync()
    return world


@pytest.mark.parametrize(
    ("environ", "is_c"),
    [
        ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, True),
        ({"LC_ALL": "POSIX"}, True),
        ({"LANG": "C"}, True),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True),  # what Python makes of the line above
        ({}, True),
        ({"LANG": "C.UTF-8"}, False),
        ({"LC_ALL": "C.UTF-8", "LANG": "C"}, False),
        ({"LC_CTYPE": "UTF-8"}, False),
        ({"LC_CTYPE": "en_US.UTF-8", "LANG": "C"}, False),
        ({"LANG": "de_DE.UTF-8"}, False),
    ],
)
def test_which_locale_is_c(environ, is_c):
    """LC_ALL, else LC_CTYPE, else LANG, else C; Python's own LC_CTYPE is nobody's wish."""
    assert terminal.has_c_locale(environ) is is_c


@pytest.mark.parametrize("pager_command", ["cat", MARK])
@pytest.mark.parametrize(
    "arguments",
    [["search", "hdf5", "--limit", "0"], ["status"], ["history", "hdf5"], ["show", "hdf5"],
     ["changes"], ["sync"], ["search", "été"], ["search", "hdf5", "--facets"]],
)  # fmt: skip
def test_the_c_locale_gets_ascii(abroad, arguments, pager_command):
    """Lines, bars and text of ours; data as escapes; elsewhere nothing is lost."""
    _, shown = on_terminal(abroad, *arguments, LC_ALL="C", PAGER=pager_command)
    assert shown.isascii()
    assert "Traceback" not in shown
    assert "\\u2" not in shown  # nothing of ours is an escape
    _, wide = on_terminal(abroad, *arguments, LANG="en_US.UTF-8", PAGER=pager_command)
    assert ("\\xe9" in shown) == ("é" in wide)


def test_tables_are_drawn_with_what_there_is(abroad):
    """A line below the headings, of either kind."""
    asked = ("search", "hdf5", "--facets")
    assert "-----" in on_terminal(abroad, *asked, LC_ALL="C")[1]
    assert "─────" in on_terminal(abroad, *asked, LC_ALL=None)[1]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252:strict", "ascii:strict"])
def test_a_stream_that_cannot_carry_it(abroad, encoding):
    """Gets escapes, in a pipe too, and never a traceback; what it can carry it gets."""
    environment = {**abroad.environment, "PYTHONIOENCODING": encoding}
    for arguments in (["search", "hdf5"], ["status"], ["search", "été"], ["sync"]):
        done = subprocess.run(
            abroad.command(*arguments), env=environment, capture_output=True, check=False
        )
        assert b"Traceback" not in done.stderr
        for data in (done.stdout, done.stderr):
            assert data.isascii() or not encoding.startswith("ascii")
    done = subprocess.run(
        abroad.command("search", "hdf5"), env=environment, capture_output=True, check=True
    )
    form = rb"\xe9t\xe9" if encoding.startswith("ascii") else b"\xe9t\xe9"
    assert b"note='" + form in done.stdout


def test_a_pipe_in_the_c_locale_gets_data_as_it_is(abroad):
    """`LC_ALL=C cachesync search ... | sort` loses nothing."""
    done = subprocess.run(
        abroad.command("search", "hdf5"), env={**abroad.environment, "LC_ALL": "C"},
        capture_output=True, check=True,
    )  # fmt: skip
    assert "note='été'" in done.stdout.decode()


@pytest.mark.parametrize("term", ["dumb", "", None])
def test_no_progress_without_a_terminal_that_can_show_it(abroad, term):
    """A bar needs escape sequences; with a terminal that has them there is one."""
    assert ESCAPE not in on_terminal(abroad, "sync", TERM=term)[1]
    assert ESCAPE in on_terminal(abroad, "sync")[1]


def test_what_goes_wrong_stands_on_lines_of_its_own_beside_the_bars(tmp_path):
    """No bar stands before it, none is drawn over it, and the bars do not stay."""
    world = World(tmp_path)
    entries = [f"{{name: {one}, type: buildcache, url: 'file:///nowhere/{one}'}}" for one in "ab"]
    world.configure(f"sources: [{', '.join(entries)}]\n")
    status, shown = on_terminal(world, "sync")
    assert status == 1
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r", "\n")
    said = [line for line in plain.splitlines() if "error: " in line]
    assert [line[:20] for line in said] == ["cachesync: error: a:", "cachesync: error: b:"]


# -- the pager


@pytest.mark.parametrize(
    ("environ", "argv"),
    [
        ({"TERM": "xterm"}, ["less", "-FRX"]),
        ({"TERM": "xterm", "PAGER": "more -s"}, ["more", "-s"]),
        ({"TERM": "xterm", "PAGER": "more", "CACHESYNC_PAGER": "most"}, ["most"]),
        ({"TERM": "xterm", "PAGER": "more", "CACHESYNC_PAGER": ""}, []),
        ({"TERM": "xterm", "PAGER": "cat"}, []),
        ({"TERM": "xterm", "PAGER": " "}, []),
        ({"TERM": "xterm", "PAGER": "less 'x"}, []),
        ({"TERM": "dumb"}, []),
        ({}, []),
    ],
)
def test_which_pager(environ, argv):
    """CACHESYNC_PAGER, else PAGER, else less; empty, cat and a dumb terminal mean none."""
    assert pager.command(environ) == argv


@pytest.mark.parametrize(
    ("arguments", "last"),
    [(["search", "hdf5", "--limit", "0"], "30 builds, 30 specs"), (["changes"], "33 changes"),
     (["changes", "--summary", "--since", "0"], "zlib"),
     (["help", "query"], "parentheses inside each other")],
)  # fmt: skip
def test_what_does_not_fit_is_paged(site, arguments, last):
    """All of it, colours included, through the pager."""
    status, shown = on_terminal(site, *arguments, PAGER=MARK, lines=8)
    assert status == 0
    lines = shown.splitlines()
    assert len(lines) > 8
    assert all(line.startswith("paged: ") for line in lines)
    assert last in lines[-1]


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [(["search", "zlib"], 24), (["search", "hdf5", "--limit", "0", "--no-pager"], 24),
     (["search", "hdf5", "--limit", "0"], 200), (["changes", "--no-pager"], 24),
     (["search", "hdf5", "--limit", "0", "--json"], 24)],
)  # fmt: skip
def test_what_is_not_paged(site, arguments, lines):
    """What fits, what shall not be, and what is for programs."""
    assert "paged: " not in on_terminal(site, *arguments, lines=lines, PAGER=MARK)[1]


def test_nothing_is_paged_in_a_pipe(site):
    """Even where a pager is named."""
    done = subprocess.run(
        site.command("search", "hdf5", "--limit", "0"), env={**site.environment, "PAGER": MARK},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "paged: " not in done.stdout


def test_a_pager_that_does_not_exist(site):
    """Better unpaged than unseen."""
    status, shown = on_terminal(site, "search", "hdf5", "--limit", "0", PAGER="/nonexistent -x")
    assert (status, shown.count("ubuntu24.04")) == (0, 30)


def test_a_reader_who_quits_early(site):
    """Ends the command quietly, with its own status."""
    status, shown = on_terminal(site, "search", "hdf5", "--limit", "0", PAGER="head -n 2")
    assert (status, len(shown.splitlines())) == (0, 2)
    status, shown = on_terminal(site, "changes", "--limit", "0", PAGER="head -n 2")
    assert (status, len(shown.splitlines())) == (0, 2)
    (site.root / "list").write_text("".join(f"/{hash_of(n)}\n" for n in range(25, 60)))
    status, shown = on_terminal(site, "check", "list", PAGER="head -n 2", lines=10)
    assert (status, len(shown.splitlines())) == (1, 2)
    assert "Traceback" not in shown
