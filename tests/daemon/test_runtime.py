"""What the daemon says of itself is believed only while its process lives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from cachesync.daemon import runtime
from cachesync.ledger import connect


def test_a_process_that_ended_and_that_nobody_waited_for_does_not_run(tmp_path: Path) -> None:
    """A zombie, as a killed daemon is in a container whose first process reaps nothing."""
    waiting = [sys.executable, "-c", "input()"]
    with subprocess.Popen(waiting, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        (tmp_path / connect.LOCK_FILE).write_text(f"{process.pid}\n", encoding="ascii")
        said = {"pid": process.pid, "started": runtime.started(process.pid)}
        runtime.publish(tmp_path, said)
        found = runtime.running(tmp_path)
        assert found is not None
        assert found["started"] is not None

        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and stays

        assert Path(f"/proc/{process.pid}/stat").exists()
        assert runtime.started(process.pid) is None
        assert runtime.running(tmp_path) is None
