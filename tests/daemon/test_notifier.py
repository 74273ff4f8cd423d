"""What the service manager is told, and what it had no room for."""

import contextlib
import socket

import pytest

from cachesync.daemon.systemd import Notifier


@pytest.fixture
def manager(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        yield listening


def heard(manager):
    """Everything that lies in its queue."""
    found = []
    with contextlib.suppress(BlockingIOError):
        while True:
            found.append(manager.recv(1 << 16).decode())
    return found


def test_what_a_full_queue_did_not_take_is_told_with_the_next(manager):
    """The newest of each name, and no sign of life of a moment that is past."""
    notifier = Notifier({"NOTIFY_SOCKET": manager.getsockname()})
    for number in range(1000):  # a queue holds some ten
        notifier.tell("WATCHDOG=1", f"STATUS=number {number}")
    taken = heard(manager)
    assert 0 < len(taken) < 1000
    notifier.tell("READY=1")
    assert heard(manager) == ["STATUS=number 999\nREADY=1"]
    notifier.tell("WATCHDOG=1")
    assert heard(manager) == ["WATCHDOG=1"]


@pytest.mark.parametrize("address", ["", "relative", "/nowhere/there"])
def test_nobody_to_tell_is_no_error(address):
    notifier = Notifier({"NOTIFY_SOCKET": address})
    for number in range(3):
        notifier.tell(f"STATUS={number}")
