"""findings/ keeps the form its README.md gives. The scripts are not run: they fetch packages."""

import os
import re

from tests.support.documents import ROOT

FOLDER = ROOT / "findings"
SCRIPTS = sorted(FOLDER.glob("*.sh"))


def test_every_finding_stands_in_the_table():
    """A line of the table for each script, in their order, and no line for one that is not there."""
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[([^]]+)\]\(([^)]+)\) \|", text, re.MULTILINE)
    assert listed == [(script.name, script.name) for script in SCRIPTS]


def test_every_finding_can_be_run_and_cleans_up():
    """Executable, with its story at the top, in a temporary folder that a trap removes."""
    for script in SCRIPTS:
        text = script.read_text(encoding="utf-8")
        assert os.access(script, os.X_OK), script.name
        assert text.startswith("#!/bin/sh\n# "), script.name
        assert "\n# It matters to who " in text, script.name
        assert "dir=$(mktemp -d)\ntrap" in text or "\ntrap finish EXIT\n" in text, script.name


def test_no_finding_runs_this_program():
    """What is shown is the fault of the other software alone."""
    assert not [script.name for script in SCRIPTS if "cachesync" in script.read_text("utf-8")]
