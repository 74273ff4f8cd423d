"""Whether the daemon is there, as its process tells."""

import os
import subprocess
import sys

from cachesync.daemon import runtime


def test_a_process_that_has_ended_is_gone_although_nobody_reaped_it():
    """A zombie does not count as running: its parent, or the init of a container, may never ask for it."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert runtime.started(child.pid) is not None
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert os.path.exists(f"/proc/{child.pid}")
        assert runtime.started(child.pid) is None
