"""The control socket: what comes in, and what goes wrong on the way."""

import contextlib
import itertools
import json
import logging
import os
import socket
import socketserver
import stat
import threading
import time

import pytest

from cachesync.daemon import calling, control, runtime, wire
from cachesync.errors import CachesyncError, LedgerBusyError, UsageError


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


def test_only_its_user_may_use_it_and_what_other_threads_make_meanwhile_is_as_ever(tmp_path):
    """The umask is the process's: changing it for the socket closed the index's new directory."""
    is_over, made = threading.Event(), tmp_path / "made"
    made.mkdir()
    modes = set()

    def make():
        for number in itertools.count():
            if is_over.is_set():
                return
            (made / str(number)).mkdir()
            modes.add(stat.S_IMODE((made / str(number)).stat().st_mode))

    before = os.umask(0o022)
    maker = threading.Thread(target=make)
    maker.start()
    try:
        for _ in range(100):
            server = control.Server(tmp_path, dict)
            assert stat.S_IMODE((tmp_path / wire.SOCKET).stat().st_mode) == 0o600
            server.close()
    finally:
        is_over.set()
        maker.join()
        os.umask(before)
    assert modes == {0o755}


def raw(state_dir, sent):
    """What comes back for some bytes."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(state_dir / wire.SOCKET))
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile("rb").read()


def test_a_request_is_answered(server):
    assert calling.request(server, {"command": "go"}) == {"asked": "go"}


def test_a_refusal_is_what_the_daemon_raised(server):
    with pytest.raises(UsageError, match="not this one") as caught:
        calling.request(server, {"command": "refuse"})
    assert caught.value.hint == "another"


def test_a_mistake_of_the_daemon_is_an_error_and_it_goes_on(server, caplog):
    """Whoever asks is told that it failed and where to look, and no more; the log has the rest."""
    caplog.set_level(logging.ERROR, "cachesync")
    with pytest.raises(CachesyncError, match="the daemon failed: KeyError") as caught:
        calling.request(server, {"command": "fail"})
    assert caught.value.hint == "see its log"
    assert "secret" not in caught.value.message
    assert calling.request(server, {"command": "go"}) == {"asked": "go"}


@pytest.mark.parametrize("sent", [b"x\n", b"[]\n", b"\xff\n", b"[" * 500_000 + b"\n"])
def test_what_is_no_request_is_refused(server, sent):
    assert json.loads(raw(server, sent))["usage"] is True
    assert calling.request(server, {"command": "go"}) == {"asked": "go"}


@pytest.mark.parametrize("sent", [b"", b"{", b"x" * (wire.MAX_LINE + 70_000)])
def test_what_does_not_end_is_left_alone(server, sent):
    try:
        assert raw(server, sent) == b""
    except (ConnectionResetError, BrokenPipeError):
        pass  # closed while there was more to read
    assert calling.request(server, {"command": "go"}) == {"asked": "go"}


def test_nobody_there_is_no_answer(tmp_path):
    assert calling.request(tmp_path, {"command": "go"}) is None


def test_idle_connections_keep_nobody_out_for_long(server, monkeypatch):
    """More than are answered at one time are turned away; those that say nothing end."""
    monkeypatch.setattr(control, "REQUEST_SECONDS", 1.0)
    idle = [socket.socket(socket.AF_UNIX) for _ in range(3 * control.MAX_REQUESTS)]
    try:
        for connection in idle:
            connection.connect(str(server / wire.SOCKET))
        deadline = time.monotonic() + 10
        while True:
            try:
                assert calling.request(server, {"command": "go"}) == {"asked": "go"}
                break
            except CachesyncError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
    finally:
        for connection in idle:
            connection.close()


# -- a daemon that is silent, and one that is busy


def test_work_that_takes_long_is_no_silence(tmp_path):
    """While the daemon works it shows that it lives; nobody is told of silence, however long it takes."""
    told: list[int] = []
    goes_on = threading.Event()
    serving = control.Server(tmp_path, lambda _asked: {"in time": goes_on.wait(30)})
    timer = threading.Timer(3.5, goes_on.set)
    try:
        timer.start()
        patience = calling.Patience(2, 2)
        asked = {"command": "go"}
        answer = calling.request(tmp_path, asked, on_silence=told.append, patience=patience)
        assert (answer, told) == ({"in time": True}, [])
    finally:
        timer.cancel()
        serving.close()


def test_a_client_from_before_an_upgrade_gets_its_one_line(server):
    """Who does not ask for beats is sent none."""
    lines = raw(server, b'{"command": "go"}\n').splitlines()
    assert [json.loads(line)["result"] for line in lines] == [{"asked": "go"}]


class _Old(socketserver.StreamRequestHandler):
    """A daemon from before there were beats, whose `go` takes long."""

    def handle(self):
        asked = json.loads(self.rfile.readline())
        if asked["command"] == "go":
            time.sleep(4.5)  # the time that it takes is what is tried
            reply = {"result": {"asked": "go"}}
        else:
            reply = {"error": "the daemon does not know it", "hint": None, "usage": True}
        self.wfile.write(json.dumps({"schema": 1, **reply}).encode() + b"\n")


def test_a_daemon_from_before_an_upgrade_works_as_long_as_it_takes(tmp_path):
    """It sends no beats, and is asked something else meanwhile: who answers that lives."""
    told: list[int] = []
    with socketserver.ThreadingUnixStreamServer(str(tmp_path / wire.SOCKET), _Old) as old:
        threading.Thread(target=old.serve_forever, args=(0.05,)).start()
        try:
            answer = calling.request(
                tmp_path, {"command": "go"}, on_silence=told.append, patience=calling.Patience(1, 2)
            )
        finally:
            old.shutdown()
    assert (answer, told) == ({"asked": "go"}, [])


@pytest.mark.parametrize("document", [None, {"pid": os.getpid()}])
@pytest.mark.parametrize("waiting", [0, 40])
def test_silence_is_told_once_and_ends(tmp_path, waiting, document):
    """Whoever takes no call, or takes it and says nothing, is named; also when its queue is full.

    So is one from before an upgrade, which does not name its lock among what it says of itself.
    """
    if document is not None:
        said = {**document, "started": runtime.started(os.getpid())}
        (tmp_path / runtime.FILE).write_text(json.dumps(said))
    told: list[int] = []
    others = []
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(tmp_path / wire.SOCKET))
        deaf.listen(1)
        for _ in range(waiting):
            others.append(socket.socket(socket.AF_UNIX))
            others[-1].setblocking(False)
            with contextlib.suppress(BlockingIOError):
                others[-1].connect(str(tmp_path / wire.SOCKET))
        (tmp_path / "writer.lock").write_text(f"{os.getpid()}\n")
        with pytest.raises(LedgerBusyError, match=f"pid {os.getpid()}.* does not answer"):
            calling.request(
                tmp_path, {"command": "go"}, on_silence=told.append, patience=calling.Patience(1, 2)
            )
        for other in others:
            other.close()
    assert told == [os.getpid()]


def test_what_was_given_up_is_not_done(tmp_path):
    """A daemon that comes back finds a request whose client has gone, and leaves it."""
    done: list[str] = []
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    serving = control.Server(tmp_path, lambda asked: {"done": done.append(asked["command"])})
    try:
        ours.sendall(b'{"command": "gone", "beats": true}\n')
        ours.close()
        serving._converse(theirs)
        assert done == []
    finally:
        serving.close()
