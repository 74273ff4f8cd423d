"""README.md, docs/ and the man page say what is true: their commands run, their output is real.

`python -m tests.test_readme` writes what the commands print now into README.md and docs/.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import pytest

from cachesync import query
from cachesync.cli.app import COMMANDS, cli
from cachesync.cli.commands.help import QUERY as HELP_QUERY
from cachesync.cli.request import OPTIONS as SEARCH_OPTIONS
from cachesync.cli.request import help_text
from cachesync.query import ALL_FIELDS
from cachesync.query.printing import show
from cachesync.search.searcher import Searcher
from tests.support.documents import (
    BUILD_CACHE,
    CONSOLE,
    PAGES,
    ROOT,
    Terminal,
    blocks,
    documents,
    masked,
    read,
)  # fmt: skip

README = read("README.md")
ALL = {document: read(document) for document in documents()}
TEXT = "\n".join(ALL.values())
MAN_PAGE = (ROOT / "config" / "cachesync.1").read_text(encoding="utf-8").replace("\\-", "-")


def replayed(document: str, root: Path) -> dict[str, str]:
    """What the console blocks of a document print now, by what they are in the document.

    README.md begins with nothing, the others where a first `cachesync sync` was made.
    """
    terminal = Terminal(root)
    if document != "README.md":
        terminal.run("cachesync sync")
    written = [b for b in blocks(document, "console") if b.startswith("$ cachesync")]
    return {block: terminal.replay(block) for block in written}


@pytest.mark.parametrize("document", documents())
def test_the_output_in_the_documents_is_what_the_commands_print(document, tmp_path):
    """Every console block, in order, on the pages shipped with the repository."""
    printed = replayed(document, tmp_path)
    assert [masked(now) for now in printed.values()] == [masked(block) for block in printed]


def test_the_documents_show_what_commands_print():
    """Where there is something to show."""
    shown = {d for d in ALL if any(b.startswith("$ cachesync") for b in blocks(d, "console"))}
    expected = {"json", "notifications", "operations", "search", "sources"}
    assert shown == {"README.md", *(f"docs/{name}.md" for name in expected)}


# -- the documents as such


def test_the_readme_is_short():
    """It is for somebody with five minutes."""
    assert len(README.splitlines()) <= 250


def anchors(document: str) -> set[str]:
    """What can stand behind # in a link to a document, as GitHub makes it of its headings."""
    text = re.sub(r"^```.*?^```$", "", ALL[document], flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    words = (re.sub(r"[^\w\- ]", "", title.lower()) for title in titles)
    return {word.strip().replace(" ", "-") for word in words}


@pytest.mark.parametrize("document", documents())
def test_every_link_leads_somewhere(document):
    """Links between documents name a file that is there, and a heading that is in it."""
    plain = re.sub(r"^```.*?^```$", "", ALL[document], flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", plain):
        path, _, anchor = link.partition("#")
        if "://" in path:
            continue
        target = (ROOT / document).parent / path if path else ROOT / document
        assert target.exists(), link
        if anchor:
            name = os.path.relpath(target, ROOT)
            assert anchor in anchors(os.path.normpath(name)), link


def test_every_document_is_reached_from_the_readme():
    """One click away."""
    assert {d for d in ALL if f"({d})" not in README} == {"README.md"}


# -- the two commands


def test_the_readme_has_two_commands_of_one_line():
    """The first runs the main job, the second lint, types and tests."""
    first, second = blocks("README.md", "sh")[:2]
    assert first.count("\n") == second.count("\n") == 1
    assert "cachesync --state-dir .venv/state sync --pages tests/fixtures/cache" in first
    assert all(f".venv/bin/{tool}" in second for tool in ("ruff", "mypy", "pytest"))


def test_ci_runs_the_second_command_and_nothing_after_it():
    """The last line of .ci/run is the second command, letter for letter."""
    run = ROOT / ".ci" / "run"
    assert run.read_text(encoding="utf-8").endswith(f"\n\n{blocks('README.md', 'sh')[1]}")
    assert os.access(run, os.X_OK)


def test_the_first_command_shows_the_search_twice_over(tmp_path):
    """Behind the installation it syncs and searches; a second time it finds the same."""
    terminal = Terminal(tmp_path)
    command = blocks("README.md", "sh")[0].strip()
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
def test_the_documents_show(name):
    """Each command is used in README.md or in docs/."""
    assert f"cachesync {name}" in TEXT


def test_every_field_of_the_query_language_is_described():
    """In docs/search.md and in the man page."""
    for field in ALL_FIELDS:
        assert f"`{field}:" in ALL["docs/search.md"]
        assert field in section("QUERIES")


# -- the query language


def documented_queries() -> list[str]:
    """The first column of the tables in the chapter on queries."""
    text = ALL["docs/search.md"]
    chapter = text[text.index("## The query language") :]
    chapter = chapter[: chapter.index("\n## ")]
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


@pytest.mark.parametrize("listed", [documented_queries, help_queries, search_help_queries])
def test_every_example_of_a_query_runs(listed, tmp_path):
    """Each finds what its tree means, printed or not, on the pages and the mirror of the repository."""
    queries = listed()
    assert len(queries) >= 8
    state = tmp_path / "state"
    sync = [sys.executable, "-m", "cachesync", "--state-dir", str(state), "sync"]
    for source in (["--pages", str(PAGES)], ["--mirror", BUILD_CACHE.as_uri()]):
        assert subprocess.run([*sync, *source], check=False).returncode == 0
    searcher = Searcher(state)
    found = 0
    for text in queries:
        tree = query.parse(text)
        answer = searcher.search(tree)
        assert searcher.search(query.parse(show(tree))).hits == answer.hits, text
        found += answer.builds > 0
    searcher.close()
    assert found > len(queries) * 0.6


def test_the_map_names_what_is_there():
    """Every wing is in development.md, and every file that its walks name exists."""
    text = ALL["docs/development.md"]
    named = re.findall(r"`((?:cachesync|config|tests|systemd)/[\w./]*)`", text)
    assert {n for n in named if not (ROOT / n).exists()} == {"cachesync/cli/commands/NAME.py"}
    wings = {path.parent.name for path in (ROOT / "cachesync").glob("*/__init__.py")}
    assert {wing for wing in wings if f"| `{wing}/` |" not in text} == set()


def test_the_help_of_queries_names_the_limits():
    """The figures in the text are those of the parser."""
    for limit in (query.MAX_LENGTH, query.MAX_TERMS, query.MAX_WIDE, query.MAX_DEPTH):
        assert f"{limit:,} " in HELP_QUERY


def rewrite(document: str) -> None:
    """Write what the commands print now into a document."""
    with tempfile.TemporaryDirectory() as directory:
        printed = replayed(document, Path(directory))
    text = CONSOLE.sub(lambda b: f"```console\n{printed.get(b[1], b[1])}```", read(document))
    (ROOT / document).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for each in documents():
        rewrite(each)
