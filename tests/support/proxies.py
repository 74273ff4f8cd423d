"""Proxies as people run them, squid and tinyproxy, and a network that they are the only way out of.

    with network() as there, proxying("squid", there, users=True) as proxy:
        there.inside("curl", ...)      # a process that can reach the proxy and nothing else

`network` makes two network namespaces and a cable between them: inside, where only the address of the
proxy can be reached, and outside, where `cache.test` is a server (`ORIGIN`) and names are known.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

PROXIES = ("squid", "tinyproxy")
USER, PASSWORD = "cachesync", "hunter2verysecret"
OUTSIDE, INSIDE = "10.231.7.1", "10.231.7.2"
ORIGIN = "10.99.7.1"
"""Of cache.test; nobody inside has a way there."""
_NCSA = "/usr/lib/squid/basic_ncsa_auth"
_FOLDERS = f"{os.environ['PATH']}:/usr/sbin:/sbin"


class Network:
    """The two namespaces."""

    def __init__(self, name: str) -> None:
        self.outer, self.inner = f"{name}-out", f"{name}-in"

    def outside(self, *command: str, **more: object) -> subprocess.Popen[str]:
        """Start a program that reaches everything."""
        return _start("ip", "netns", "exec", self.outer, *command, **more)

    def inside(
        self, *command: str, environment: Mapping[str, str], seconds: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end that reaches the proxy's address only."""
        return subprocess.run(
            ["ip", "netns", "exec", self.inner, *command],
            env=dict(environment), capture_output=True, text=True, timeout=seconds, check=False,
        )  # fmt: skip


def _start(*command: str, **more: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        text=True, **more,
    )  # fmt: skip


@contextmanager
def network() -> Iterator[Network]:
    """Both namespaces, gone afterwards; skips the test where none can be made."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    if shutil.which("ip", path=_FOLDERS) is None:
        pytest.skip("needs ip (iproute2)")
    there = Network(f"proxied{os.getpid()}")
    hosts = Path("/etc/netns", there.outer)
    made = subprocess.run(
        ["ip", "netns", "add", there.outer], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"no network namespace: {made.stderr.strip()}")
    try:
        hosts.mkdir(parents=True)
        (hosts / "hosts").write_text(f"127.0.0.1 localhost\n{ORIGIN} cache.test\n")
        for line in (
            f"netns add {there.inner}",
            f"-n {there.outer} link add cable type veth peer name cable netns {there.inner}",
            f"-n {there.outer} addr add {OUTSIDE}/30 dev cable",
            f"-n {there.inner} addr add {INSIDE}/30 dev cable",
            f"-n {there.outer} addr add {ORIGIN}/32 dev lo",
            *(
                f"-n {space} link set {device} up"
                for space in (there.outer, there.inner)
                for device in ("lo", "cable")
            ),
        ):
            subprocess.run(["ip", *line.split()], check=True, capture_output=True)
        yield there
    finally:
        for space in (there.inner, there.outer):
            subprocess.run(["ip", "netns", "del", space], capture_output=True, check=False)
        shutil.rmtree(hosts, ignore_errors=True)
        with suppress(OSError):
            hosts.parent.rmdir()


class Running:
    """A proxy."""

    def __init__(self, name: str, address: str, port: int, log: Path) -> None:
        self.name = name
        self.place = f"{address}:{port}"
        self.url = f"http://{self.place}"
        self._log = log

    def log(self) -> str:
        return self._log.read_text(errors="replace")


@contextmanager
def proxying(name: str, there: Network | None = None, *, users: bool = False) -> Iterator[Running]:
    """A proxy, outside where there is a network; with `users` it serves USER with PASSWORD only."""
    program = shutil.which(name, path=_FOLDERS)
    if program is None:
        pytest.skip(f"needs {name}")
    address, port = ("127.0.0.1", _free_port()) if there is None else (OUTSIDE, 3128)
    root = Path(tempfile.mkdtemp(prefix="cachesync-proxy-"))
    root.chmod(0o777)
    log = root / "access.log"
    log.touch()
    log.chmod(0o666)
    text, arguments = _CONFIGS[name](root, address, port, users=users)
    config = root / "proxy.conf"
    config.write_text(text)
    command = [program, *(part.format(config=config) for part in arguments)]
    process = _start(*command) if there is None else there.outside(*command)
    try:
        _await(process, address, port, there, root)
        yield Running(name, address, port, log)
    finally:
        stop(process)
        shutil.rmtree(root, ignore_errors=True)


def stop(process: subprocess.Popen[str]) -> None:
    """End what was started here."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_for(there: Network | None, address: str, port: int) -> bool:
    """Whether somebody listens there."""
    code = f"import socket; socket.create_connection(({address!r}, {port}), 1).close()"
    prefix = [] if there is None else ["ip", "netns", "exec", there.outer]
    run = subprocess.run([*prefix, sys.executable, "-c", code], capture_output=True, check=False)
    return run.returncode == 0


def _await(
    process: subprocess.Popen[str], address: str, port: int, there: Network | None, root: Path
) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        if wait_for(there, address, port):
            return
        time.sleep(0.05)
    said = "".join(path.read_text(errors="replace") for path in root.glob("*.log"))
    pytest.fail(f"the proxy does not listen: {said[-2000:]}")


def _squid(root: Path, address: str, port: int, *, users: bool) -> tuple[str, list[str]]:
    rules = "http_access allow all"
    if users:
        crypted = subprocess.run(
            ["openssl", "passwd", "-apr1", PASSWORD], capture_output=True, text=True, check=True
        ).stdout.strip()
        known = root / "users"
        known.write_text(f"{USER}:{crypted}\n")
        known.chmod(0o644)
        rules = f"""
auth_param basic program {_NCSA} {known}
auth_param basic children 1
auth_param basic utf8 on
acl users proxy_auth REQUIRED
http_access allow users
http_access deny all"""
    text = f"""
http_port {address}:{port}
{rules}
cache deny all
cache_mem 8 MB
pid_filename none
access_log stdio:{root}/access.log
cache_log {root}/cache.log
coredump_dir {root}
visible_hostname proxy.test
shutdown_lifetime 0 seconds
pinger_enable off
"""
    return text, ["-N", "-f", "{config}"]


def _tinyproxy(root: Path, address: str, port: int, *, users: bool) -> tuple[str, list[str]]:
    text = f"""
Port {port}
Listen {address}
Timeout 60
LogFile "{root}/access.log"
LogLevel Connect
MaxClients 50
{f"BasicAuth {USER} {PASSWORD}" if users else ""}
"""
    return text, ["-d", "-c", "{config}"]


_CONFIGS = {"squid": _squid, "tinyproxy": _tinyproxy}
