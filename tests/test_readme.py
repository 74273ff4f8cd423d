"""README.md and the man page say what is true: their commands run, their output is real.

`python -m tests.test_readme` writes what the commands print now into README.md.
"""

import fcntl
import os
import pty
import re
import shlex
import shutil
import struct
import subprocess
import sys
import termios
from pathlib import Path

import click
import pytest

from cachesync import query
from cachesync.cli.app import COMMANDS, cli
from cachesync.cli.help import QUERY as HELP_QUERY
from cachesync.cli.search import OPTIONS as SEARCH_OPTIONS
from cachesync.cli.search import help_text
from cachesync.query import FIELDS
from cachesync.search import Searcher

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAN_PAGE = (ROOT / "config" / "cachesync.1").read_text(encoding="utf-8").replace("\\-", "-")
PAGES = ROOT / "tests" / "fixtures" / "cache"
LOCK = ROOT / "tests" / "fixtures" / "spack.lock"

COLUMNS = 100
HOME = "/home/you"
MIRROR = "/srv/cache.spack.io/_cache"

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def blocks(language: str) -> list[str]:
    """The fenced blocks of README.md in a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


class Terminal:
    """A home with README.md's config, the shipped pages as its mirror, and a terminal of 100 columns."""

    def __init__(self, root: Path) -> None:
        self.home = root / "home"
        programs = self.home / "bin"
        programs.mkdir(parents=True)
        program = programs / "cachesync"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cachesync "$@"\n')
        program.chmod(0o755)
        shutil.copytree(PAGES, root / "pages")
        shutil.copy(LOCK, self.home)
        config = self.home / ".config" / "cachesync" / "cachesync.yaml"
        config.parent.mkdir(parents=True)
        config.write_text(blocks("yaml")[0].replace(MIRROR, str(root / "pages")))
        self.environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "TERM": "xterm",
            "PAGER": "cat",
            "PYTHONPATH": str(ROOT),
        }

    def run(self, command: str) -> str:
        """What `command` shows: its standard output, then its standard error."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
        process = subprocess.Popen(
            ["bash", "-c", command], env=self.environment, cwd=self.home,
            stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE,
        )  # fmt: skip
        os.close(theirs)
        shown = b""
        try:
            while data := os.read(ours, 65536):
                shown += data
        except OSError:  # EIO: the other side is closed
            pass
        os.close(ours)
        shown += process.communicate(timeout=60)[1]
        text = _ESCAPE.sub("", shown.decode()).replace("\r\n", "\n").replace(str(self.home), HOME)
        return "".join(f"{line.rstrip()}\n" for line in text.splitlines())

    def replay(self, block: str) -> str:
        """The block as it is when its commands are run again."""
        commands = [line for line in block.splitlines() if line.startswith("$ ")]
        return "".join(f"{line}\n{self.run(line[2:])}" for line in commands)


def masked(text: str) -> str:
    """`text` without what differs from run to run: times, durations, sizes, and the room they take."""
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)
    text = re.sub(r"\b\d+(\.\d+)? (s|min|h|days|MiB)\b", "AMOUNT", text)
    text = re.sub(r'"(took_ms|seconds|bytes)": [\d.]+', r'"\1": AMOUNT', text)
    return re.sub(r"[ ─]+", " ", text)


def test_the_output_in_the_readme_is_what_the_commands_print(tmp_path):
    """Every console block, in order, on the pages shipped with the repository."""
    terminal = Terminal(tmp_path)
    written = [block for block in blocks("console") if block.startswith("$ cachesync")]
    printed = [terminal.replay(block) for block in written]
    assert len(written) > 8
    assert [masked(block) for block in printed] == [masked(block) for block in written]


# -- the two commands


def test_the_readme_has_two_commands_of_one_line():
    """The first runs the main job, the second lint, types and tests."""
    first, second = blocks("sh")[:2]
    assert first.count("\n") == second.count("\n") == 1
    assert "cachesync --state-dir .venv/state sync --pages tests/fixtures/cache" in first
    assert all(f".venv/bin/{tool}" in second for tool in ("ruff", "mypy", "pytest"))


def test_ci_runs_the_second_command_and_nothing_after_it():
    """The last line of .ci/run is the second command, letter for letter."""
    run = ROOT / ".ci" / "run"
    assert run.read_text(encoding="utf-8").endswith(f"\n\n{blocks('sh')[1]}")
    assert os.access(run, os.X_OK)


def test_the_first_command_shows_the_search_twice_over(tmp_path):
    """Behind the installation it syncs and searches; a second time it finds the same."""
    terminal = Terminal(tmp_path)
    command = blocks("sh")[0].strip()
    after_installing = command[command.index(".venv/bin/cachesync") :]
    command = after_installing.replace(".venv/bin/cachesync", "cachesync")
    command = command.replace("tests/fixtures/cache", shlex.quote(str(PAGES)))
    for listed in ("8 listed, 8 changed, 0 unchanged", "8 listed, 0 changed, 8 unchanged"):
        shown = terminal.run(command)
        assert listed in shown
        assert "2 builds, 7 specs" in shown


# -- nothing is left out


def options_of(command: click.Command) -> set[str]:
    """The long options of a command."""
    return {
        name
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in parameter.opts
        if name.startswith("--")
    }


def all_commands() -> dict[str, click.Command]:
    """Every command by the words that call it, groups left out."""
    found: dict[str, click.Command] = {}
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        if isinstance(command, click.Group):
            found.update({f"{name} {sub}": c for sub, c in command.commands.items()})
        else:
            found[name] = command
    return found


def section(name: str) -> str:
    """The part of the man page that describes a command, or that has a title."""
    parts = re.split(r"^\.S[SH] ", MAN_PAGE, flags=re.MULTILINE)
    titles = {part.splitlines()[0].strip('"'): part for part in parts[1:]}
    return next(part for title, part in titles.items() if f"{title} ".startswith(f"{name} "))


@pytest.mark.parametrize("name", all_commands())
def test_the_man_page_describes_every_option_of(name):
    """Each command has its part of the man page, with all its options."""
    options = options_of(all_commands()[name])
    if name == "search":
        options = {option.name for option in SEARCH_OPTIONS} - {"--help"}
    missing = {o for o in options if not re.search(rf"{o}\b", section(name))}
    assert not missing


def test_the_man_page_describes_the_options_of_every_command():
    """Those that stand before the command have a part of their own."""
    expected = options_of(cli) | {"--help"}
    assert {o for o in expected if not re.search(rf"{o}\b", section("OPTIONS"))} == set()


@pytest.mark.parametrize("name", all_commands())
def test_the_readme_shows(name):
    """Each command is used in README.md."""
    assert f"cachesync {name}" in README


def test_every_field_of_the_query_language_is_described():
    """In README.md and in the man page."""
    for field in FIELDS:
        assert f"`{field}:" in README
        assert field in section("QUERIES")


# -- the query language


def readme_queries() -> list[str]:
    """The first column of the tables in the chapter on queries."""
    chapter = README[README.index("#### The query language") :]
    chapter = chapter[: chapter.index("\n### ")]
    cells = re.findall(r"^\| (`.*?`) \|", chapter, re.MULTILINE)
    return [query for cell in cells for query in re.findall(r"`([^`]+)`", cell)]


def help_queries() -> list[str]:
    """What stands before the explanations in `cachesync help query`."""
    examples = HELP_QUERY[: HELP_QUERY.index("Where a query has spec syntax")]
    return [line.split("   ")[0].strip() for line in examples.splitlines() if line[:2] == "  "]


def search_help_queries() -> list[str]:
    """What stands before the explanations in `cachesync search --help`."""
    examples = help_text()[: help_text().index("Fields:")]
    found = re.findall(r"^  (\S.*?) {3,}\S", examples, re.MULTILINE)
    return [query for line in found for query in line.split(", ")]


@pytest.mark.parametrize("listed", [readme_queries, help_queries, search_help_queries])
def test_every_example_of_a_query_runs(listed, tmp_path):
    """Each finds what its tree means, printed or not, on the pages shipped with the repository."""
    queries = listed()
    assert len(queries) >= 8
    state = tmp_path / "state"
    sync = ["--state-dir", str(state), "sync", "--pages", str(PAGES)]
    assert subprocess.run([sys.executable, "-m", "cachesync", *sync], check=False).returncode == 0
    searcher = Searcher(state)
    found = 0
    for text in queries:
        tree = query.parse(text)
        answer = searcher.search(tree)
        assert searcher.search(query.parse(query.show(tree))).hits == answer.hits, text
        found += answer.builds > 0
    searcher.close()
    assert found > len(queries) / 2


def test_the_help_of_queries_names_the_limits():
    """The figures in the text are those of the parser."""
    for limit in (query.MAX_LENGTH, query.MAX_TERMS, query.MAX_WIDE, query.MAX_DEPTH):
        assert f"{limit:,} " in HELP_QUERY


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        terminal = Terminal(Path(directory))
        (ROOT / "README.md").write_text(
            _BLOCK.sub(
                lambda found: (
                    f"```console\n{terminal.replay(found[1])}```"
                    if found[1].startswith("$ cachesync")
                    else found[0]
                ),
                README,
            ),
            encoding="utf-8",
        )
