"""Commands forked from a process that has imported everything: each still a process of its own.

A command has its own arguments, environment, directory, standard streams, exit status and death.
What it shares is what Python does before a program's first line, which is most of the time a short
command takes. `test_warm.py` shows that a command so begun does what one begun from nothing does.
"""

import atexit
import contextlib
import ctypes
import functools
import gc
import importlib
import io
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = ["MODULES", "PROGRAM", "Ended", "is_ours", "load", "run"]

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = (sys.executable, "-m", "cachesync")
MODULES = ("cachesync", "tests.support.manifest_child", "tests.support.statement_child")
_NUMBER = struct.Struct("=i")
_PR_SET_PTRACER = 0x59616D61


class Ended(NamedTuple):
    """How a command ended: as `subprocess.run` has it."""

    returncode: int
    stdout: bytes
    stderr: bytes


def is_ours(command: Sequence[str]) -> bool:
    """Whether `run` can run it: `python -m MODULE ...` of one of `MODULES`."""
    return tuple(command[:2]) == PROGRAM[:2] and command[2] in MODULES


def run(
    command: Sequence[str], *, env: Mapping[str, str], cwd: os.PathLike[str] | str, timeout: float,
    tracer: Sequence[str] = (),
) -> Ended:  # fmt: skip
    """Run `python -m MODULE ...` to its end, in a session of its own, with nothing to read.

    `tracer`, a command line of strace with `-o FILE` and without a program, is attached to it before it
    does anything; its file is whole when this returns. Raises subprocess.TimeoutExpired when it took
    longer, after it and its process group were killed.
    """
    assert is_ours(command)
    request = json.dumps([list(command[2:]), dict(env), os.fspath(cwd), list(tracer)]).encode()
    reading, writing = os.pipe()
    with contextlib.ExitStack() as stack:
        asked, out, err = (
            stack.enter_context(open(os.memfd_create(name), "w+b", buffering=0))
            for name in ("asked", "out", "err")
        )
        told = stack.enter_context(open(reading, "rb", buffering=0))
        asked.write(request)
        try:
            fds = [asked.fileno(), out.fileno(), err.fileno(), writing]
            socket.send_fds(_forge(_for_python(env)), [b"!"], fds)
        finally:
            os.close(writing)
        (pid,) = _NUMBER.unpack(told.read(_NUMBER.size))
        is_late = not select.select([told], [], [], timeout)[0]
        if is_late:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        (status,) = _NUMBER.unpack(told.read(_NUMBER.size))
        if is_late:
            raise subprocess.TimeoutExpired(command, timeout)
        return Ended(
            status, *(os.pread(f.fileno(), os.fstat(f.fileno()).st_size, 0) for f in (out, err))
        )


def _for_python(env: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """What Python itself reads of an environment, once, when it begins."""
    return tuple(sorted((k, v) for k, v in env.items() if k.startswith(("LANG", "LC_", "PYTHON"))))


@functools.cache
def _forge(environment: tuple[tuple[str, str], ...]) -> socket.socket:
    """A process to fork from, begun with so much of an environment; it ends with this one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.warm", str(theirs.fileno())], cwd=ROOT,
        env={"PATH": os.environ["PATH"], **dict(environment), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], start_new_session=True,
    )  # fmt: skip
    theirs.close()
    atexit.register(process.wait)
    atexit.register(ours.close)
    return ours


# -- the process that is forked from


def load() -> None:
    """Import the whole package, as far as what it needs is installed."""
    package = importlib.import_module("cachesync")
    for module in pkgutil.walk_packages(package.__path__, "cachesync."):
        if not module.name.endswith(("__main__", ".shells", "_child")):
            with contextlib.suppress(ImportError):
                importlib.import_module(module.name)
    for name in ("rich.console", "rich.table", "rich.progress", "httpx", "yaml.cyaml"):
        importlib.import_module(name)
    assert threading.active_count() == 1, "an import has started a thread"
    gc.collect()
    gc.freeze()


def _serve(channel: socket.socket) -> list[str]:
    """Fork a process for each request; returns in each of them, with its arguments."""
    running: dict[int, tuple[int, int, int | None]] = {}
    poll = select.poll()
    poll.register(channel, select.POLLIN)
    while True:
        for fd, _ in poll.poll():
            if fd != channel.fileno():
                pid, told, tracing = running.pop(fd)
                poll.unregister(fd)
                os.close(fd)
                status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                if tracing is not None:
                    os.waitpid(tracing, 0)  # it has written all of it
                _tell(told, status)
                os.close(told)
                continue
            asking, fds, _, _ = socket.recv_fds(channel, 1, 4)
            if not asking:  # nobody is left to ask
                os._exit(0)
            asked, out, err, told = fds
            pid = os.fork()
            if not pid:
                return _become(asked, out, err)
            tracer = _request(asked)[3]
            tracing = (
                os.posix_spawnp(tracer[0], [*tracer, "-p", str(pid)], os.environ)
                if tracer
                else None
            )
            _tell(told, pid)
            for each in (asked, out, err):
                os.close(each)
            watched = os.pidfd_open(pid)
            running[watched] = (pid, told, tracing)
            poll.register(watched, select.POLLIN)


def _request(fd: int) -> tuple[list[str], dict[str, str], str, list[str]]:
    arguments, environment, directory, tracer = json.loads(os.pread(fd, os.fstat(fd).st_size, 0))
    return arguments, environment, directory, tracer


def _tell(fd: int, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(fd, _NUMBER.pack(number))


def _become(asked: int, out: int, err: int) -> list[str]:
    """Be the process that was asked for; returns its module and arguments."""
    arguments, environment, directory, tracer = _request(asked)
    if tracer:
        _await(Path(tracer[tracer.index("-o") + 1]))
    os.setsid()
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.closerange(3, 1024)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    for number, name in ((1, "stdout"), (2, "stderr")):
        old = getattr(sys, name)
        raw = open(number, "wb", closefd=False)  # noqa: SIM115 - it ends with the process
        fresh = io.TextIOWrapper(raw, old.encoding, old.errors, line_buffering=name == "stderr")
        setattr(sys, name, fresh)
        setattr(sys, f"__{name}__", fresh)
    return arguments


def _await(trace: Path) -> None:
    """Wait until a tracer writes down what this process calls, which is more than that it is attached."""
    ctypes.CDLL(None).prctl(
        _PR_SET_PTRACER, ctypes.c_ulong(-1)
    )  # where only ancestors may, it may, too
    while not trace.exists() or not trace.stat().st_size:
        os.sched_yield()
        time.sleep(0.0005)


def _end(status: int) -> None:
    """End as Python does, but for taking every module apart; returns when something is in the way."""
    threading._shutdown()
    atexit._run_exitfuncs()
    gc.collect()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    opened = socket.socket(fileno=int(sys.argv[1]))
    load()
    module, *sys.argv[1:] = _serve(opened)
    opened.detach()
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        if isinstance(ended.code, int):
            _end(ended.code)
        raise
