"""Web servers as people run them, nginx, Apache and lighttpd, over a directory, with a log of bodies.

    with serving("apache", pages, packed=True) as server:
        server.url("/_cache/develop/hdf5/specs.md"), server.answers()

They run in the foreground, as the user of the tests, on a free port of 127.0.0.1, with all they
write below a directory of their own. Those that are not installed skip the test.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

PROGRAMS = {"nginx": "nginx", "apache": "apache2", "lighttpd": "lighttpd"}
"""Debian: nginx-light, apache2, lighttpd."""
_FOLDERS = f"{os.environ['PATH']}:/usr/sbin:/sbin"


class Sent(NamedTuple):
    """An answer, as the server logged it."""

    status: int
    body_bytes: int
    coding: str
    """Content-Encoding; empty where there was none."""


class Server:
    """One that runs."""

    def __init__(self, port: int, log: Path) -> None:
        self.origin = f"http://127.0.0.1:{port}"
        self._log = log
        self._seen = 0

    def url(self, path: str) -> str:
        return self.origin + path

    def answers(self, count: int) -> list[Sent]:
        """What was answered since this was asked last; waits until so many are logged."""
        until = time.monotonic() + 20
        while True:
            lines = self._log.read_text().splitlines()[self._seen :]
            if len(lines) >= count or time.monotonic() > until:
                break
            time.sleep(0.02)  # servers write their logs after they answered
        self._seen += len(lines)
        return [_sent(line) for line in lines]


def _sent(line: str) -> Sent:
    status, size, coding = line.split(" ")
    return Sent(int(status), 0 if size == "-" else int(size), coding.strip("-"))


def find(name: str) -> str:
    """The program of a server; skips the test without it."""
    found = shutil.which(PROGRAMS[name], path=_FOLDERS)
    if found is None:
        pytest.skip(f"needs {PROGRAMS[name]}")
    return found


def free_port(address: str = "127.0.0.1") -> int:
    """A port that nobody listens on."""
    with socket.create_server((address, 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def serving(name: str, pages: Path, *, packed: bool) -> Iterator[Server]:
    """A server over `pages`; `packed` compresses whatever it sends."""
    program, port = find(name), free_port()
    root = Path(tempfile.mkdtemp(prefix="cachesync-server-"))
    log = root / "access.log"
    log.touch()
    for path in (root, log):
        path.chmod(0o777)
    text, arguments = _CONFIGS[name](root, pages, port, packed=packed)
    config = root / "server.conf"
    config.write_text(text)
    process = subprocess.Popen(
        [program, *(part.format(config=config) for part in arguments)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        await_listening(process, port)
        yield Server(port, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        shutil.rmtree(root, ignore_errors=True)


def await_listening(process: subprocess.Popen[str], port: int) -> None:
    """Wait until a server listens; what it said on its standard error where it ends instead."""
    await_port(process, port, lambda: process.communicate()[1])


def await_port(process: subprocess.Popen[Any], port: int, said: Callable[[], str]) -> None:
    """The same of a server that says why it ended somewhere else."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if process.poll() is not None:
            pytest.fail(f"the server ended: {said()}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the server does not listen")


def _nginx(root: Path, pages: Path, port: int, *, packed: bool) -> tuple[str, list[str]]:
    owner = "user root;" if os.geteuid() == 0 else ""
    gzip = "gzip on; gzip_types *; gzip_min_length 1;" if packed else "gzip off;"
    temporary = "".join(
        f"{kind}_temp_path {root}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    text = f"""
{owner} daemon off; pid {root}/pid; error_log {root}/error.log;
events {{ }}
http {{
  {temporary}
  log_format bodies '$status $body_bytes_sent $sent_http_content_encoding';
  access_log {root}/access.log bodies;
  types {{ text/plain md; application/gzip gz; }}
  default_type application/octet-stream;
  {gzip}
  server {{ listen 127.0.0.1:{port}; root {pages}; }}
}}
"""
    return text, ["-c", "{config}", "-e", f"{root}/error.log"]


def _apache(root: Path, pages: Path, port: int, *, packed: bool) -> tuple[str, list[str]]:
    modules = Path("/usr/lib/apache2/modules")
    wanted = ["mpm_event", "authz_core", "mime", "filter", "deflate"]
    loaded = "".join(f"LoadModule {n}_module {modules}/mod_{n}.so\n" for n in wanted)
    deflate = "SetOutputFilter DEFLATE" if packed else ""
    text = f"""
ServerRoot {root}
{loaded}
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {root}/pid
DefaultRuntimeDir {root}
ErrorLog {root}/error.log
TypesConfig /dev/null
AddType application/gzip .gz
LogFormat "%>s %B %{{Content-Encoding}}o" bodies
CustomLog {root}/access.log bodies
DocumentRoot {pages}
<Directory {pages}>
  Require all granted
  {deflate}
</Directory>
"""
    return text, ["-f", "{config}", "-DFOREGROUND"]


def _lighttpd(root: Path, pages: Path, port: int, *, packed: bool) -> tuple[str, list[str]]:
    deflate = (
        f"""
server.modules += ("mod_deflate")
deflate.mimetypes = ("text/", "application/")
deflate.allowed-encodings = ("gzip")
deflate.min-compress-size = 1
deflate.cache-dir = "{root}/deflated"
"""
        if packed
        else ""
    )
    (root / "deflated").mkdir()
    text = f"""
server.modules = ("mod_accesslog")
server.document-root = "{pages}"
server.stat-cache-engine = "disable"
server.bind = "127.0.0.1"
server.port = {port}
server.errorlog = "{root}/error.log"
accesslog.filename = "|exec cat >> {root}/access.log"
accesslog.format = "%>s %B %{{Content-Encoding}}o"
mimetype.assign = (".md" => "text/plain", ".gz" => "application/gzip", "" => "application/octet-stream")
{deflate}
"""
    return text, ["-D", "-f", "{config}"]


_CONFIGS = {"nginx": _nginx, "apache": _apache, "lighttpd": _lighttpd}
