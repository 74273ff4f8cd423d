"""The control socket: what comes in, and what goes wrong on the way."""

import json
import logging
import socket
import time

import pytest

from cachesync.daemon import control
from cachesync.errors import CachesyncError, UsageError


@pytest.fixture
def server(tmp_path):
    def handle(asked):
        if asked["command"] == "refuse":
            raise UsageError("not this one", hint="another")
        if asked["command"] == "fail":
            raise KeyError("a secret detail")
        return {"asked": asked["command"]}

    serving = control.Server(tmp_path, handle)
    yield tmp_path
    serving.close()


def raw(state_dir, sent):
    """What comes back for some bytes."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(state_dir / control.SOCKET))
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile("rb").read()


def test_a_request_is_answered(server):
    assert control.request(server, {"command": "go"}) == {"asked": "go"}


def test_a_refusal_is_what_the_daemon_raised(server):
    with pytest.raises(UsageError, match="not this one") as caught:
        control.request(server, {"command": "refuse"})
    assert caught.value.hint == "another"


def test_a_mistake_of_the_daemon_is_an_error_and_it_goes_on(server, caplog):
    """Whoever asks is told that it failed and where to look, and no more; the log has the rest."""
    caplog.set_level(logging.ERROR, "cachesync")
    with pytest.raises(CachesyncError, match="the daemon failed: KeyError") as caught:
        control.request(server, {"command": "fail"})
    assert caught.value.hint == "see its log"
    assert "secret" not in caught.value.message
    assert control.request(server, {"command": "go"}) == {"asked": "go"}


@pytest.mark.parametrize("sent", [b"x\n", b"[]\n", b"\xff\n", b"[" * 500_000 + b"\n"])
def test_what_is_no_request_is_refused(server, sent):
    assert json.loads(raw(server, sent))["usage"] is True
    assert control.request(server, {"command": "go"}) == {"asked": "go"}


@pytest.mark.parametrize("sent", [b"", b"{", b"x" * (control.MAX_LINE + 70_000)])
def test_what_does_not_end_is_left_alone(server, sent):
    try:
        assert raw(server, sent) == b""
    except (ConnectionResetError, BrokenPipeError):
        pass  # closed while there was more to read
    assert control.request(server, {"command": "go"}) == {"asked": "go"}


def test_nobody_there_is_no_answer(tmp_path):
    assert control.request(tmp_path, {"command": "go"}) is None


def test_idle_connections_keep_nobody_out_for_long(server, monkeypatch):
    """More than are answered at one time are turned away; those that say nothing end."""
    monkeypatch.setattr(control, "REQUEST_SECONDS", 1.0)
    idle = [socket.socket(socket.AF_UNIX) for _ in range(3 * control.MAX_REQUESTS)]
    try:
        for connection in idle:
            connection.connect(str(server / control.SOCKET))
        deadline = time.monotonic() + 10
        while True:
            try:
                assert control.request(server, {"command": "go"}) == {"asked": "go"}
                break
            except CachesyncError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
    finally:
        for connection in idle:
            connection.close()
