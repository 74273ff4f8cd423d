"""Metrics and health over HTTP, for a loopback port. The only prometheus-client."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .. import __version__
from ..errors import UsageError
from ..reports.facts import State

__all__ = ["Metrics", "health_of"]

Look = Callable[[], Mapping[str, Any]]
"""Gives what `Service.numbers` gives, or `Service.health`."""
_Answer = tuple[int, str, bytes]
_log = logging.getLogger("cachesync")


class Metrics:
    """Serves `/metrics` and `/healthz` until it is closed."""

    def __init__(self, host: str, port: int, look: Look, health: Look) -> None:
        """Raises UsageError when the port cannot be had, or prometheus-client is not installed."""
        try:
            import prometheus_client

            from .families import Collector
        except ImportError:
            raise UsageError(
                "`metrics:` needs prometheus-client", hint="pip install 'cachesync[metrics]'"
            ) from None
        registry = prometheus_client.CollectorRegistry()
        registry.register(Collector(look, __version__))
        prometheus_client.ProcessCollector(registry=registry)

        def answer(path: str) -> _Answer:
            if path == "/metrics":
                kind = prometheus_client.CONTENT_TYPE_LATEST
                return 200, kind, prometheus_client.generate_latest(registry)
            if path == "/healthz":
                said = health()
                return (
                    (503 if said["state"] == State.FAILING else 200),
                    "application/json",
                    _json(said),
                )
            return 404, "text/plain", b"/metrics or /healthz\n"

        try:
            self._server = ThreadingHTTPServer((host, port), _handler(answer))
        except OSError as error:
            raise UsageError(f"metrics: {host}:{port}: {error.strerror}") from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="metrics", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that is served."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps({"schema": 1, **document}).encode()


def health_of(deliveries: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What `/healthz` says of notifications: every target that is not well, and what waits."""
    if deliveries is None:
        return None
    targets = [
        {
            "subscription": subscription["name"], "target": target["target"],
            **{key: target[key] for key in ("state", "since", "reason", "pending", "dead")},
        }
        for subscription in deliveries.get("subscriptions", ())
        for target in subscription["targets"]
    ]  # fmt: skip
    return {
        "error": deliveries["error"],
        "note": deliveries.get("note"),
        "pending": sum(target["pending"] for target in targets),
        "dead": sum(target["dead"] for target in targets),
        "targets": [t for t in targets if t["state"] != "ok" or t["dead"]],
    }


def _handler(answer: Callable[[str], _Answer]) -> type[BaseHTTPRequestHandler]:
    """What serves GET and HEAD with what `answer` gives for a path: status, content type and body."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            try:
                status, kind, body = answer(self.path)
            except Exception as error:
                # Whatever is wrong, whoever watches over the daemon must hear of it.
                _log.error("%s: %s", self.path, error)
                said = {"healthy": False, "state": "failing", "error": type(error).__name__}
                status, kind, body = 503, "application/json", _json(said)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing: who asks is not news."""

    return Handler
