"""What `doctor` finds of the port for metrics: whether the daemon can have it, or has it."""

from __future__ import annotations

import errno
import json
import socket
import time
from collections.abc import Iterator
from importlib.util import find_spec

from ..config.settings import Config

__all__ = ["look_at"]

ASK_SECONDS = 2.0
MOST_BYTES = 1 << 20
_Found = tuple[str, str, str, str | None]
"""As the fields of a finding: check, state, text, remedy."""


def look_at(config: Config, *, is_running: bool) -> Iterator[_Found]:
    """Whether what serves metrics is installed, and who has the port where it is taken."""
    if config.metrics is None:
        return
    if find_spec("prometheus_client") is None:
        remedy = "pip install 'cachesync[metrics]'"
        yield "metrics", "error", "prometheus-client is not installed", remedy
        return
    host, port = config.metrics.host, config.metrics.port
    if not is_running:  # else the port is the daemon's
        try:
            socket.create_server((host, port)).close()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                yield _taken(host, port)
                return
            remedy = "name another port in `metrics: listen`"
            yield "metrics", "error", f"{host}:{port}: {error.strerror}", remedy
            return
    yield "metrics", "ok", f"{host}:{port}", None


def _taken(host: str, port: int) -> _Found:
    """Whose a port is that is taken: a daemon may run that cannot be seen from here."""
    where = f"{host}:{port}"
    answer = _ask("127.0.0.1" if host in ("0.0.0.0", "") else host, port)  # noqa: S104 - compared
    if answer is None:
        text = f"{where} is taken, and what has it does not answer: by a daemon or not is not known"
        remedy = "ss -ltnp as root tells who has it; if it is no daemon, free it, or name another"
        return "metrics", "warning", text, remedy
    if _is_ours(answer):
        return (
            "metrics",
            "ok",
            f"{where}: a daemon answers there, which cannot be seen from here",
            None,
        )
    text = f"{where} is taken by a program that is no daemon of cachesync"
    return "metrics", "error", text, "free it, or name another port in `metrics: listen`"


def _ask(host: str, port: int) -> bytes | None:
    """What is answered to a question for `/healthz`; None where nothing is, in time."""
    until = time.monotonic() + ASK_SECONDS
    said = b""
    try:
        with socket.create_connection((host, port), ASK_SECONDS) as asked:
            asked.sendall(f"GET /healthz HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n".encode())
            while len(said) < MOST_BYTES:
                asked.settimeout(max(until - time.monotonic(), 0.01))
                part = asked.recv(1 << 16)
                if not part:
                    break
                said += part
    except OSError:
        return None
    return said or None


def _is_ours(answer: bytes) -> bool:
    """Whether an answer is that of a daemon's `/healthz` (docs/operations.md)."""
    try:
        said = json.loads(answer.partition(b"\r\n\r\n")[2])
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and "schema" in said and "healthy" in said
