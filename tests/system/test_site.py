"""README's "A site in five minutes", and how to restore and uninstall it, under a real systemd."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.documents import ROOT, masked, read, shown
from tests.system import test_systemd as rig

PATH = "/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin"
PYTHON = "/usr/bin/python3"
SHIPPED = ("cachesync", "config", "systemd", "pyproject.toml", "README.md", "LICENSE", "LICENSE-APACHE",
           "LICENSE-MIT", "tests/fixtures")  # fmt: skip
BARE = """
userdel cachesync 2>/dev/null
rm -rf /etc/sysusers.d /etc/credstore /etc/cachesync /srv/pages /usr/local/bin/cachesync
cp -r /mnt/clone /root/clone && chmod 755 /root
! getent passwd cachesync
"""
NOT_FETCHED = re.compile(r"No matching distribution|Could not find a version|Connection|resolution")


def recipe(
    language: str, title: str = "A site in five minutes", document: str = "README.md"
) -> list[str]:
    """The blocks of a chapter in a language."""
    text = read(document)
    text = text[text.index(f"## {title}\n") :]
    chapter = text[: text.index("\n## ", 3)]
    return re.findall(rf"^```{language}\n(.*?)^```$", chapter, re.MULTILINE | re.DOTALL)


def told(text: str) -> str:
    """What a site prints, without what differs from machine to machine: `wait` may have to wait."""
    text = re.sub(r"^cachesync: .*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"[\d,]+ MiB free", "FREE", text)
    text = re.sub(r"archspec: [\d.]+, \d+", "archspec: KNOWN", text)
    return masked(re.sub(r"(max_user_watches is) [\d,]+", r"\1 MANY", text))


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is shipped, with the wheels that the recipe's line for the network has made."""
    if (reason := rig._cannot()) is not None:
        pytest.skip(reason)
    new = [PYTHON, "-c", "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))"]
    if (
        not os.path.exists(PYTHON)
        or subprocess.run(new, check=False, capture_output=True).returncode
    ):
        pytest.skip(f"{PYTHON} is not there, is older than 3.11, or has no venv")
    base = tmp_path_factory.mktemp("site")
    for name in SHIPPED:
        if (ROOT / name).is_dir():
            unwanted = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, base / "clone" / name, ignore=unwanted)
        else:
            shutil.copy(ROOT / name, base / "clone" / name)
    install, fetch = recipe("sh")[0].splitlines()
    assert install == "apt-get install -y python3-venv"  # it is there: see above
    done = subprocess.run(
        ["bash", "-ec", fetch.replace("/opt/cachesync", str(base / "venv"))],
        cwd=base / "clone", env={**os.environ, "PATH": PATH},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    if done.returncode and NOT_FETCHED.search(done.stderr):
        pytest.skip(f"the wheels cannot be fetched: {done.stderr.strip()[-300:]}")
    assert done.returncode == 0, done
    return base / "clone"


@pytest.fixture
def machine(clone: Path, tmp_path: Path) -> Iterator[rig.Machine]:
    """A machine without a network that has the clone, and nothing of cachesync installed."""
    booted = rig.Machine({**os.environ, "NS_DIR": str(tmp_path), "TMPDIR": str(tmp_path)})
    done = booted.rig("start", f"--bind-ro={rig._bound(clone)}:/mnt/clone")
    if done.returncode:
        booted.end()
        pytest.skip(f"no container boots here: {(done.stdout + done.stderr).strip()[-300:]}")
    try:
        booted.run(BARE)
        yield booted
    finally:
        booted.end()


@pytest.mark.slow
def test_the_recipe_works_as_it_is_written(machine):
    """Its lines run as root, one after the other; the last three print what README says.

    Then it is upgraded, the ledger is backed up and restored, and all of it removed, by the lines in
    the documents.
    """
    installed, made = recipe("sh")[1:]
    *lines, doctor, wait, search = made.splitlines()
    begin = f"set -e; export PATH={PATH} PIP_CONFIG_FILE=/dev/null TERM=xterm; cd /root/clone\n"
    machine.run(begin + installed + "\n".join(lines) + "\n")
    printed = [
        shown(
            ["bash", str(rig.RIG), "enter", "bash", "-s"],
            env=machine._environment, cwd=ROOT, text=f"{begin}{line}\n",
        )
        for line in (doctor, wait, search)
    ]  # fmt: skip
    (expected,) = recipe("text")
    assert told("".join(printed)) == told(expected)
    assert machine.shows("UnitFileState") == "enabled"
    metrics = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:9517/metrics').status)"
    assert machine.run(f'{PYTHON} -c "{metrics}"') == "200\n"

    (upgrade,) = recipe("sh", "Upgrade", "docs/operations.md")
    offline = [line for line in upgrade.splitlines() if "pip wheel" not in line]
    assert len(offline) == len(upgrade.splitlines()) - 1
    machine.run(begin + "\n".join(offline))
    (restore,) = recipe("sh", "Backup and restore", "docs/operations.md")
    machine.run(f"{begin}cachesync backup ledger-2026-11-22.sqlite\n{restore}")
    assert "8 listed, 0 changed" in machine.run(
        f"{begin}cachesync --state-dir /var/lib/cachesync sync"
    )
    assert "0 differences" in machine.run(f"{begin}runuser -u nobody -- cachesync verify")

    (remove,) = recipe("sh", "Uninstall", "docs/operations.md")
    machine.run(begin + remove)
    left = "find /etc /usr/local /opt -name '*cachesync*'; getent passwd cachesync"
    assert machine.run(left, status=None) == ""
