"""Real processes for the tests beside it: the command line as others run it, and trees to feed it."""

import base64
import contextlib
import ctypes
import functools
import hashlib
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from tests.support import warm

ROOT = Path(__file__).resolve().parents[2]
CACHESYNC = warm.PROGRAM
PARALLEL = max(2, os.cpu_count() or 1)

# A process has at least the peak of what it was forked from, so the peak is taken by a small one.
_MEASURE = (
    "import resource, subprocess, sys\n"
    "status = subprocess.call(sys.argv[2:])\n"
    "peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n"
    "open(sys.argv[1], 'w').write(str(peak))\n"
    "sys.exit(status if status >= 0 else 128 - status)\n"
)


def environment() -> dict[str, str]:
    """An environment in which nothing of this machine's own cachesync is found."""
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "LANG") if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": os.fspath(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": "/nonexistent",
        "XDG_CONFIG_HOME": "/nonexistent",
        "XDG_STATE_HOME": "/nonexistent",
        "TERM": "xterm",
        "COLUMNS": "160",
        "PAGER": "cat",  # nobody is there to quit one
    }


class Done(NamedTuple):
    """What a process came to."""

    status: int
    out: bytes
    err: bytes
    seconds: float
    peak_mib: float

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def talk(self) -> list[str]:
        """The lines on standard error."""
        return self.err.decode("utf-8", "replace").splitlines()

    def __str__(self) -> str:
        return f"exit {self.status}\n{self.out.decode(errors='replace')[:2000]}\n{self.err.decode(errors='replace')[:4000]}"


def call(
    command: Sequence[str],
    *,
    timeout: float = 120,
    measured: bool = False,
    tracer: Sequence[str] = (),
) -> Done:
    """Run a program to its end; a negative status is the signal that ended it.

    `tracer` is what `tracing` makes, for a program of ours only.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as aside:
        if not measured and warm.is_ours(command):
            done = warm.run(command, env=environment(), cwd=aside, timeout=timeout, tracer=tracer)
            return Done(*done, time.monotonic() - started, 0.0)
        assert not tracer
        peak = Path(aside, "peak")
        if measured:
            command = [sys.executable, "-I", "-S", "-c", _MEASURE, os.fspath(peak), *command]
        with open(Path(aside, "out"), "w+b") as out, open(Path(aside, "err"), "w+b") as err:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment(),
                cwd=aside, start_new_session=True,
            )  # fmt: skip
            try:
                status = process.wait(timeout)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise
            seconds = time.monotonic() - started
            out.seek(0)
            err.seek(0)
            mib = int(peak.read_text()) / 1024 if peak.exists() else 0.0
            return Done(status, out.read(), err.read(), seconds, mib)


class State:
    """A state directory, and the command line on it."""

    def __init__(self, path: Path, *sources: Path, prefix: Sequence[str] = ()) -> None:
        self.path = path
        self.prefix = tuple(prefix)
        self.sources = sources

    def command(self, *arguments: object, prefix: Sequence[str] | None = None) -> list[str]:
        config = ["--config", os.fspath(self.config())] if self.sources else []
        before = self.prefix if prefix is None else prefix
        return [*before, *CACHESYNC, *config, "--state-dir", os.fspath(self.path),
                *map(str, arguments)]  # fmt: skip

    def config(self) -> Path:
        """A config beside the state directory that names every source by its directory's name."""
        path = self.path.with_name(f"{self.path.name}.yaml")
        lines = [f"  - {{name: {s.name}, type: directory, path: '{s}'}}\n" for s in self.sources]
        text = "sources:\n" + "".join(lines)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
        return path

    def run(self, *arguments: object, timeout: float = 120, measured: bool = False) -> Done:
        return call(self.command(*arguments), timeout=timeout, measured=measured)

    def good(self, *arguments: object, timeout: float = 120) -> Done:
        """Run a command that must succeed."""
        done = self.run(*arguments, timeout=timeout)
        assert done.status == 0, f"{arguments}: {done}"
        return done

    def sync(self, *, measured: bool = False, timeout: float = 120) -> Done:
        """A pass that must succeed."""
        done = self.run("sync", "--json", measured=measured, timeout=timeout)
        assert done.status == 0, done
        return done

    def log(self) -> list[dict[str, Any]]:
        """The change log as a sequence, without what differs from run to run."""
        changes = self.good("changes", "--since", 0, "--limit", 0, "--json").lines
        assert [c["seq"] for c in changes] == sorted({c["seq"] for c in changes})
        return [{k: v for k, v in c.items() if k not in ("at", "seq")} for c in changes]

    def search(self, *words: str) -> dict[str, Any]:
        """An answer without the time it took."""
        answer: dict[str, Any] = self.good("search", "--limit", 0, "--json", *words).json
        del answer["took_ms"]
        return answer

    def hashes(self, *words: str) -> set[str]:
        return {s["hash"] for r in self.search(*words)["results"] for s in r["specs"]}

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.good("status", "--json").json
        return found

    def rejected(self) -> dict[str, str]:
        """Page -> reason."""
        return {trouble["page"]: trouble["reason"] for trouble in self.status()["rejected"]}

    def assert_sound(self) -> None:
        """Nothing differs from anything, and the index is up to date."""
        done = self.run("verify", "--json")
        assert done.status == 0, done
        assert done.json["differences"] == []
        assert done.json["index"]["behind"] == 0

    def copy_to(self, path: Path) -> "State":
        shutil.copytree(self.path, path, symlinks=True)
        return State(path, *self.sources, prefix=self.prefix)


# -- pages


def spec_hash(*words: object) -> str:
    """A hash in Spack's alphabet, the same for the same words."""
    digest = hashlib.sha256(" ".join(map(str, words)).encode()).digest()[:20]
    return base64.b32encode(digest).decode().lower()


def spec(*words: object, **changes: Any) -> dict[str, Any]:
    """A row of `spec_details`; the hash is made from `words`."""
    row = {
        "compiler": "gcc@=13.2.0", "hash": spec_hash(*words), "os": "ubuntu24.04",
        "platform": "linux", "size": "-", "stacks": ["e4s", "root"], "target": "aarch64",
        "variants": ["+mpi", "build_system=cmake"], "versions": ["1.2.3"],
    }  # fmt: skip
    return {**row, **changes}


def page(package: str, tag: str, rows: Iterable[dict[str, Any]]) -> bytes:
    """A page in the generator's form."""
    listed = list(rows)
    return (
        f'---\ntitle: "{package}"\nlayout: cache\ncategories: [package, {tag}]\n'
        f'meta: {{"num_specs": {len(listed)}}}\nspec_details: {json.dumps(listed)}\n---'
    ).encode()


class Tree:
    """A directory of pages."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    def path(self, tag: str, package: str) -> Path:
        return self.root / tag / package / "specs.md"

    def write(self, tag: str, package: str, rows: Iterable[dict[str, Any]]) -> Path:
        return self.put(tag, package, page(package, tag, rows))

    def put(self, tag: str, package: str, data: bytes) -> Path:
        """Replace a page at once, as a careful writer does."""
        path = self.path(tag, package)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(".fresh")
        fresh.write_bytes(data)
        fresh.replace(path)
        return path

    def remove(self, tag: str, package: str) -> None:
        shutil.rmtree(self.path(tag, package).parent)


# -- people without rights


@functools.cache
def unprivileged() -> tuple[str, ...] | None:
    """What to put before a command so that permissions bind it; None when that is not possible.

    For root that is the user nobody, or, where nobody may not read the interpreter, root without
    a single capability, which the file system treats as any other user.
    """
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        return None
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all")
    capless = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
    for prefix in (nobody, capless):
        program = "import click, cachesync.cli.entry, os; os.open('/proc/self/mem', os.O_RDONLY)"
        if call([*prefix, sys.executable, "-c", program]).status == 0:
            return prefix
    return None


def owner_prefix() -> tuple[str, ...]:
    """As `unprivileged`, but a user to whom the files that root makes belong."""
    return ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()


# -- terminals


def on_terminal(command: Sequence[str], *, timeout: float = 60) -> tuple[int, bytes]:
    """Run a program whose input and output are a terminal; its status and what the terminal got."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env=environment(), start_new_session=True
    )
    os.close(slave)
    got = b""
    end = time.monotonic() + timeout
    try:
        while time.monotonic() < end:
            ready, _, _ = select.select([master], [], [], 0.1)
            if ready:
                try:
                    piece = os.read(master, 65536)
                except OSError:
                    break
                if not piece:
                    break
                got += piece
            elif process.poll() is not None:
                break
        return process.wait(10), got
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(master)


_OWN_ESCAPES = re.compile(rb"\x1b\[\??[0-9;]*[A-Za-z]")


def assert_nothing_raw(output: bytes, *, terminal: bool = False) -> None:
    """No character reaches a terminal that could do more there than be seen.

    On a terminal the colours and cursor movements of the tables are taken out first.
    """
    if terminal:
        output = _OWN_ESCAPES.sub(b"", output)
    text = output.decode("utf-8")
    raw = {c for c in text if not c.isprintable() and c not in "\n\t" + ("\r" if terminal else "")}
    assert not raw, f"raw characters {sorted(map(ascii, raw))} in {ascii(text)[:500]}"


# -- tracing


@functools.cache
def why_no_tracing() -> str | None:
    """Why system calls cannot be tampered with here; None when they can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    done = call(["strace", "-qq", "-f", "-e", "trace=write", "-e", "inject=write:signal=KILL:when=1",
                 "sh", "-c", "echo killed"])  # fmt: skip
    if done.status != -signal.SIGKILL or done.out:
        return f"strace cannot inject signals: {done.err.decode(errors='replace')[:200]}"
    return None


def tracing(trace: Path, syscalls: Iterable[str], *inject: str) -> list[str]:
    """A tracer for `call` that writes down such calls and what it does about them.

    Its own mark that it is at work is among them, by the name `sched_yield`.
    """
    named = ",".join((*syscalls, "sched_yield"))
    return ["strace", "-f", "-qq", "-o", os.fspath(trace), "-e", f"trace={named}", *inject]


def calls_of(trace: Path) -> Counter[str]:
    """How often each of the calls was made, of what `tracing` wrote down."""
    lines = trace.read_text().splitlines()
    return Counter(line.split()[1].split("(")[0] for line in lines)


def evenly(numbers: Sequence[int], at_most: int) -> list[int]:
    """At most so many of `numbers`, spread over all of them, the first and the last among them."""
    if len(numbers) <= at_most:
        return list(numbers)
    step = (len(numbers) - 1) / (at_most - 1)
    return sorted({numbers[round(i * step)] for i in range(at_most)})


def in_parallel(work: Callable[[Any], str | None], items: Iterable[Any]) -> list[str]:
    """What `work` complains of, over all items, with as many at a time as there are processors."""

    def guarded(item: Any) -> str | None:
        try:
            return work(item)
        except AssertionError as error:
            return f"{item}: {error}"

    with ThreadPoolExecutor(PARALLEL) as pool:
        return [complaint for complaint in pool.map(guarded, items) if complaint]


# -- processes that go on until they are told to end

_DIE_WITH_PARENT = 1


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)


class Loop:
    """A Python program in a process of its own that goes on until its standard input is closed.

    The program sees `go_on()`, which says whether to go on, and prints one JSON document at its end.
    """

    PRELUDE = (
        "import contextlib, json, os, select, sys, time\n"
        "def go_on():\n"
        "    with contextlib.suppress(BlockingIOError):\n"
        "        os.write(int(os.environ['TURNS']), b'.')\n"
        "    return not select.select([0], [], [], 0)[0]\n"
    )

    def __init__(self, program: str, *arguments: object, prefix: Sequence[str] = ()) -> None:
        self._seen = 0
        self._turns, theirs = os.pipe()
        for each in (self._turns, theirs):
            os.set_blocking(each, False)
        self._process = subprocess.Popen(
            [*prefix, sys.executable, "-c", self.PRELUDE + program, *map(str, arguments)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**environment(), "TURNS": str(theirs)}, pass_fds=[theirs],
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - calls prctl only
        )  # fmt: skip
        os.close(theirs)

    def __del__(self) -> None:
        os.close(self._turns)

    @property
    def turns(self) -> int:
        """How often it has gone on, at least."""
        with contextlib.suppress(BlockingIOError):
            self._seen += len(os.read(self._turns, 65536))
        return self._seen

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def end(self) -> Any:
        """End it, and return what it printed."""
        out, err = self._process.communicate(timeout=60)
        assert self._process.returncode == 0, err.decode(errors="replace")
        assert not err, err.decode(errors="replace")
        return json.loads(out)

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


def until(condition: Callable[[], bool], *, seconds: float = 30) -> None:
    """Wait for something another process does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.002)


def rounds(seconds: float, *, at_least: int = 3, beside: Sequence[Loop] = ()) -> Iterator[int]:
    """Count rounds for so long, at least so many, and until each loop beside has had five turns."""
    started = time.monotonic()
    number = 0
    while (
        number < at_least
        or time.monotonic() < started + seconds
        or (any(loop.turns < 5 for loop in beside) and time.monotonic() < started + 60)
    ):
        yield number
        number += 1
