"""What all tests share: a place of their own, and the same Hypothesis examples in every run."""

import compileall
import contextlib
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # `from tests...` whether cachesync is installed or not
    sys.path.insert(0, str(ROOT))

from tests.support.examples import PROFILE, SOAK_PROFILE  # noqa: E402 - the path is made first

# A shell that starts this in the background has it ignore Ctrl-C, and commands would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup has it ignored

sys.dont_write_bytecode = False  # see `pytest_configure`

settings.register_profile(
    PROFILE,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile(SOAK_PROFILE, settings.get_profile(PROFILE))
settings.load_profile(PROFILE)


MEMORY = Path("/dev/shm")
OURS = MEMORY / f"cachesync-{os.getuid()}"
"""A file system in memory: half of what a commit costs on a disk is waiting, and the kernel's work."""
ROOM = 6 << 30
"""Bytes that have to be free there; a whole run leaves 2 GiB lying about until it ends."""


def pytest_configure(config: pytest.Config) -> None:
    """Before tests are read: how many examples laws are tried with (`tests.support.examples`).

    Before the workers begin: where temporary files go, and what every process would compile.
    """
    if config.option.markexpr == "soak":
        settings.load_profile(SOAK_PROFILE)
    if hasattr(config, "workerinput"):
        return
    chosen = {"TMPDIR", "PYTEST_DEBUG_TEMPROOT"} & os.environ.keys() or config.option.basetemp
    if not chosen and _has_room():
        OURS.mkdir(exist_ok=True)
        OURS.chmod(0o1777)  # some programs that tests start are somebody else
        os.environ["TMPDIR"] = os.environ["PYTEST_DEBUG_TEMPROOT"] = os.fspath(OURS)
        tempfile.tempdir = None
    from tests.support import caches

    caches.make_folder()
    # Commands are started without writing bytecode, so each would compile what it imports.
    # What pytest makes of tests is kept, too: making it is half of what a worker does at first.
    compileall.compile_dir(ROOT / "cachesync", quiet=2)


def _has_room() -> bool:
    """Whether what tests write may be in memory; where it is scarce, a disk is the better place."""
    with contextlib.suppress(OSError, StopIteration, ValueError):
        disk = os.statvfs(MEMORY)
        told = Path("/proc/meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) << 10 for line in told if line.startswith("MemAvailable:"))
        return os.path.ismount(MEMORY) and min(disk.f_bavail * disk.f_frsize, free) >= ROOM
    return False


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two workers a processor, for half of the time is waiting; none for chosen files or tests."""
    is_whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    return 2 * len(os.sched_getaffinity(0)) if is_whole else 0


TOGETHER = (
    "system/test_systemd.py", "system/test_site.py", "system/test_concurrency.py",
    "reports/test_reports_truth.py", "/test_packaging.py",
)  # fmt: skip
"""Files whose tests go to one worker: what takes long is made once, or each fills the processors."""


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Tests one by one in their order, those of some files together.

    The marks `xdist_group` do nothing with pytest 9.2 and pytest-xdist 3.8: xdist writes the group
    into `item._nodeid`, which pytest does not read any more.
    """
    return _InOrder(config, log)


class _InOrder(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file.endswith(TOGETHER) else nodeid


@pytest.fixture(autouse=True)
def _no_real_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch):
    """Nobody's real ledger or config is ever touched, whatever a test forgets to name.

    Nor are the authorities of this machine's environment read by every fetcher that a test makes.
    """
    home = tmp_path_factory.getbasetemp() / "nobody"
    for name in ("STATE_DIRECTORY", "CONFIGURATION_DIRECTORY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))


@pytest.fixture
def world(tmp_path: Path):
    """A state directory, a directory of pages and the real command line, all of one test."""
    from tests.support.world import World

    return World(tmp_path)
