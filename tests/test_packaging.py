"""What is installed and shipped: the locks, the wheel, the source archive, the licences."""

import importlib.util
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import cachesync
from cachesync.cli.app import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUN_TIME = [Requirement(r) for r in PROJECT["project"]["dependencies"]]
TESTS = RUN_TIME + [Requirement(r) for r in PROJECT["dependency-groups"]["dev"]]
LOCKS = {"config/requirements.lock": RUN_TIME, "tests/requirements.lock": TESTS}


def pins(lock: str) -> dict[str, str]:
    """Name to version of everything a lock names."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", text, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_satisfies_the_dependencies(lock):
    """Every requirement of pyproject.toml is pinned to a version it admits."""
    pinned = pins(lock)
    for requirement in LOCKS[lock]:
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)])


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_is_complete(lock):
    """What the pinned packages need is pinned as well, in a version they admit."""
    pinned = pins(lock)
    for name in pinned:
        try:
            needed = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # of another system, or not installed here
        for requirement in map(Requirement, needed):
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)])


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_hashes_and_names_no_index(lock):
    """pip takes exactly these files, from whatever index it is told to use."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[A-Za-z0-9])", text)[1:]
    assert len(entries) == len(pins(lock))
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    assert "--index" not in text.replace("--no-emit-index-url", "")


def test_the_locks_agree():
    """Tests run with the versions that are installed."""
    assert pins("config/requirements.lock").items() <= pins("tests/requirements.lock").items()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The directory of a wheel and a source archive built from this tree, without any network."""
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed (tests/requirements.lock has it)")
    directory = tmp_path_factory.mktemp("built")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(directory), "-t", "wheel", "-t", "sdist"],
        cwd=ROOT, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    return directory


def test_the_wheel_holds_the_package_and_nothing_else(built):
    """Every module, the typing marker, the man page, the licences; no tests."""
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        names = set(wheel.namelist())
    stem = f"cachesync-{cachesync.__version__}"
    modules = {str(p.relative_to(ROOT)) for p in (ROOT / "cachesync").rglob("*.py")}
    assert modules | {"cachesync/py.typed"} == {n for n in names if n.startswith("cachesync/")}
    assert f"{stem}.data/data/share/man/man1/cachesync.1" in names
    licences = {f"{stem}.dist-info/licenses/LICENSE{kind}" for kind in ("", "-APACHE", "-MIT")}
    assert licences <= names
    assert {n.split("/")[0] for n in names} == {"cachesync", f"{stem}.data", f"{stem}.dist-info"}


def test_the_wheel_says_what_it_is(built):
    """The command, the Python it needs, the licence and the version."""
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        stem = f"cachesync-{cachesync.__version__}.dist-info"
        about = wheel.read(f"{stem}/METADATA").decode()
        commands = wheel.read(f"{stem}/entry_points.txt").decode()
    assert "cachesync = cachesync.__main__:main" in commands
    assert "\nRequires-Python: >=3.11\n" in about
    assert "\nLicense-Expression: Apache-2.0 OR MIT\n" in about
    assert f"\nVersion: {cachesync.__version__}\n" in about


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """Runs the command that the wheel installs, with the tests' own libraries and none of this tree."""
    (wheel,) = built.glob("*.whl")
    place = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", str(place), str(wheel)], check=True, capture_output=True)

    def run(*arguments: str) -> str:
        command = [sys.executable, str(place / "bin" / "cachesync"), *arguments]
        environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(place), "HOME": str(place)}
        done = subprocess.run(
            command, cwd=place, env=environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), (arguments, done)
        return done.stdout

    code = "import cachesync; print(cachesync.__file__)"
    where = subprocess.run(
        [sys.executable, "-c", code], cwd=place, env={"PYTHONPATH": str(place)}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert where.stdout.startswith(str(place))
    return run


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_of_the_wheel_helps(installed, command):
    """Installed alone, each command finds its modules and says what it does."""
    assert installed(command, "--help").startswith("Usage: cachesync")


def test_the_wheel_searches(installed, tmp_path):
    """A sync and a search from what the wheel installed."""
    state = ["--state-dir", str(tmp_path)]
    installed(*state, "sync", "--pages", str(ROOT / "tests" / "fixtures" / "cache"))
    assert "py-filelock" in installed(*state, "search", "filelock aarch64")


def test_the_source_archive_can_be_tested(built):
    """It holds the tests, their pages and lock, and the command that runs them."""
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "tests/test_packaging.py",
        "tests/requirements.lock",
        "tests/fixtures/cache/develop-2025-03-09/py-filelock/specs.md",
        "config/requirements.lock",
        "config/cachesync.yaml",
        "config/cachesync.1",
        "docs/search.md",
        ".ci/run",
        "CHANGELOG.md",
        "LICENSE",
    } <= names
    assert not [n for n in names if "__pycache__" in n or n.startswith((".venv", ".hypothesis"))]


def test_this_version_stands_in_the_changelog_and_the_man_page():
    """Neither is forgotten when the version changes."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[{re.escape(cachesync.__version__)}\]", changelog, re.MULTILINE)
    man_page = (ROOT / "config" / "cachesync.1").read_text(encoding="utf-8")
    assert f'"cachesync {cachesync.__version__}"' in man_page


def test_the_licences_are_both_there():
    """LICENSE points to two full texts."""
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert PROJECT["project"]["license"] in licence
    for name, says in {"LICENSE-APACHE": "Version 2.0", "LICENSE-MIT": "MIT License"}.items():
        assert name in licence
        assert says in (ROOT / name).read_text(encoding="utf-8")
