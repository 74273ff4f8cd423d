"""A watcher in a process of its own: `watch_child.py ROOT`, one JSON line for each event.

A line on standard input is run as `NAME VALUE`: the sysctl is set for this user namespace; or it
is `stop`.
"""

import json
import sys
from pathlib import Path

from cachesync.watch.timing import Timing
from cachesync.watch.watcher import Watcher


def tell(event):
    print(json.dumps([type(event).__name__, *event]), flush=True)


def main():
    timing = Timing(check_seconds=0.1, poll_seconds=0.2, retry_seconds=0.5, settle_seconds=0.1)
    watcher = Watcher(sys.argv[1], tell, timing=timing)
    commands = [line.split() for line in sys.argv[2:]]
    for name, value in commands:
        Path(f"/proc/sys/{name.replace('.', '/')}").write_text(value)
    watcher.start()
    for line in sys.stdin:
        if line.strip() == "stop":
            break
        name, value = line.split()
        Path(f"/proc/sys/{name.replace('.', '/')}").write_text(value)
    print(json.dumps(["stopped", watcher.stop(), repr(watcher.failure)]), flush=True)


main()
