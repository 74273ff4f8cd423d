"""Screens of real terminals of 40 to 200 columns: what they show stands in `tests/golden/screens`.

`python -m tests.cli.display.test_screens` writes what the commands show now.
"""

import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.screens import TMUX, Screen, Told, shown
from tests.support.world import ROOT, World

GOLDEN = ROOT / "tests" / "golden" / "screens"
WIDTHS = (40, 60, 80, 120, 200)
NOW = 1_789_000_000.0
"""A day in September 2026; the syncs were 3 days and 3 hours before."""
SYNCED = (NOW - 3 * 86_400, NOW - 3 * 3_600)
COMMANDS = {
    "search-hdf5": "search hdf5",
    "search-read": "search hdf5 mpi aarch64",
    "search-filelock": "search filelock tag:develop-2025-03-09",
    "search-none": "search hdf5 @9",
    "show-package": "show hdf5",
    "show-hash": "show /bxjpbzp",
    "show-nothing": "show hdf6",
    "show-tree": "--state-dir dag show /fv2joqb --tree",
    "status": "status",
    "list-packages": "list packages",
    "list-tags": "list tags",
    "diff": "diff develop-2025-03-09 develop",
    "changes": "changes",
    "history": "history hdf5",
    "check": "check spack.lock",
}
HELP = {
    "help-query": "help query",
    "help-search": "search --help",
    "help-show": "show --help",
}
"""Of these no golden files are kept: they only have to fit."""
LONG = {"show-package": "show hdf5 --long", "diff": "diff develop-2025-03-09 develop --long"}
CONFIG = """\
sources:
  - {{name: cache.spack.io, type: directory, path: {pages}}}
  - {{name: site, type: directory, path: /srv/a-directory-that-is-not-there/_cache}}
"""


def screens(root: Path) -> dict[tuple[int, str], Screen]:
    """What the commands show on a small site, of which one source has failed."""
    world = World(root)
    shutil.copytree(ROOT / "tests" / "fixtures" / "cache", world.pages, dirs_exist_ok=True)
    shutil.copy(ROOT / "tests" / "fixtures" / "spack.lock", root)
    world.configure(CONFIG.format(pages=world.pages))
    mirror = f"file://{ROOT}/tests/fixtures/mirror"
    before = [
        *(Told(["sync"], at) for at in SYNCED),
        Told(["--state-dir", "dag", "sync", "--mirror", mirror], NOW),
    ]
    every = COMMANDS | HELP | {f"{name}-long": line for name, line in LONG.items()}
    commands = {name: Told(line.split(), NOW) for name, line in every.items()}
    env = {**world.environment, "STATE_DIRECTORY": str(world.state)}
    return shown(before, commands, WIDTHS, env=env, cwd=root)


def masked(lines: Sequence[str]) -> str:
    """A screen without what differs from run to run: how large the files are."""
    return re.sub(r"\d+\.\d MiB", "0.0 MiB", "\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def seen(tmp_path_factory) -> dict[tuple[int, str], Screen]:
    """All screens, made once."""
    if TMUX is None:
        pytest.skip("needs tmux")
    return screens(tmp_path_factory.mktemp("screens"))


@pytest.mark.parametrize("width", WIDTHS)
def test_screens_are_as_they_were(seen, width):
    """Every command shows on a terminal of this width what the golden file has."""
    found = {name: masked(seen[width, name].lines) for name in COMMANDS}
    assert found == {name: _golden(width, name).read_text(encoding="utf-8") for name in COMMANDS}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", COMMANDS | HELP)
def test_no_line_is_longer_than_the_terminal(seen, width, name):
    """What is written fits, but for a word that is longer than a line: it stands on a line of its own."""
    too_long = [line for line in seen[width, name].written if len(line) > width]
    assert [line for line in too_long if " " in line.strip()] == []
    assert all(len(line.strip()) > width - 6 for line in too_long)


@pytest.mark.parametrize("width", WIDTHS[:-1])
@pytest.mark.parametrize("name", COMMANDS | HELP)
def test_no_word_and_no_number_is_cut(seen, width, name):
    """What is no word on the widest terminal is no part of one: a narrow screen says things in its own words."""
    widest = _words(seen[WIDTHS[-1], name])
    if name in LONG:
        widest |= _words(seen[WIDTHS[-1], f"{name}-long"])
    own = _words(seen[width, name]) - widest
    parts = {word for word in own if any(word in known for known in widest)}
    assert {word for word in parts if not re.fullmatch(r"\+?[\d,]+", word)} == set()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", COMMANDS | HELP)
def test_a_number_stays_with_its_unit(seen, width, name):
    """No line ends with a number whose unit begins the next."""
    lines = seen[width, name].lines
    following = [line.split(" ")[0] for line in (text.strip() for text in lines[1:])]
    units = ("s", "min", "h", "days", "MiB", "builds", "specs", "pages", "changes")
    ends = [
        line for line, unit in zip(lines, following, strict=False) if unit.rstrip(",;.") in units
    ]
    assert [line for line in ends if re.search(r"(^|[^:\s] )[\d,.]+$", line)] == []


def _words(screen: Screen) -> set[str]:
    """The words of a screen, without what stands around them, in small letters, too (names of columns are).

    What ends in dots is left out: there a tree says that there is more.
    """
    said = {word for line in screen.lines for word in line.split() if not word.endswith("...")}
    found = {word.strip(",;:().|") for word in said}
    words = {word for word in found if any(map(str.isalnum, word))}
    return words | {word.lower() for word in words}


def _golden(width: int, name: str) -> Path:
    return GOLDEN / f"{width}-{name}.txt"


def _renew() -> None:
    GOLDEN.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as root:
        found = screens(Path(root))
    for old in GOLDEN.glob("*.txt"):
        old.unlink()
    for width in WIDTHS:
        for name in COMMANDS:
            text = masked(found[width, name].lines)
            _golden(width, name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    _renew()
    sys.exit(0)
