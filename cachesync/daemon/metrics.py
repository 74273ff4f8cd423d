"""Metrics and health over HTTP, for a loopback port. The only prometheus-client."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ..errors import UsageError

__all__ = ["Metrics", "health_of"]

Look = Callable[[], Mapping[str, Any]]
"""Gives what `Service.numbers` gives, or `Service.health`."""
_Answer = tuple[int, str, bytes]
_log = logging.getLogger("cachesync")

_SOURCE = (
    ("pass_seconds", "How long the last pass took", "seconds"),
    ("passes", "Passes since the start", "passes"),
    ("failures", "Passes in a row that failed", "failures"),
    ("overflows", "Times the kernel dropped events", "overflows"),
    ("directories", "Directories that are watched", "directories"),
    ("pages", "Pages that are there now", "pages"),
    ("age_seconds", "Seconds since the last complete pass", "age_seconds"),
    ("waiting", "Requests that wait", "waiting"),
)
_TARGET_STATES = ("ok", "failing", "disabled", "held")
_MODES = ("inotify", "polling", "starting", "lost", "stopped")


class Metrics:
    """Serves `/metrics` and `/healthz` until it is closed."""

    def __init__(self, host: str, port: int, look: Look, health: Look) -> None:
        """Raises UsageError when the port cannot be had, or prometheus-client is not installed."""
        try:
            import prometheus_client
        except ImportError:
            raise UsageError(
                "`metrics:` needs prometheus-client", hint="pip install 'cachesync[metrics]'"
            ) from None
        registry = prometheus_client.CollectorRegistry()
        registry.register(_Collector(look))

        def answer(path: str) -> _Answer:
            if path == "/metrics":
                kind = prometheus_client.CONTENT_TYPE_LATEST
                return 200, kind, prometheus_client.generate_latest(registry)
            if path == "/healthz":
                said = health()
                return (200 if said["healthy"] else 503), "application/json", _json(said)
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
    """What serves GET with what `answer` gives for a path: status, content type and body."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            try:
                status, kind, body = answer(self.path)
            except Exception as error:
                # Whatever is wrong, whoever watches over the daemon must hear of it.
                _log.error("%s: %s", self.path, error)
                said = {"healthy": False, "error": type(error).__name__}
                status, kind, body = 503, "application/json", _json(said)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing: who asks is not news."""

    return Handler


class _Collector:
    def __init__(self, look: Look) -> None:
        self._look = look

    def collect(self) -> Iterator[Any]:
        """What Prometheus calls when it is asked."""
        from prometheus_client.core import GaugeMetricFamily

        numbers = self._look()
        for name, text in (
            ("seq", "The last change"), ("index_lag", "Changes the index is behind"),
            ("pages", "Pages"), ("specs", "Specs"), ("builds", "Builds"),
            ("placements", "Placements"),
        ):  # fmt: skip
            family = GaugeMetricFamily(f"cachesync_{name}", text)
            family.add_metric([], numbers[name])
            yield family
        for name, text, key in _SOURCE:
            family = GaugeMetricFamily(f"cachesync_source_{name}", text, labels=["source"])
            for source, values in numbers["sources"].items():
                if values[key] is not None:
                    family.add_metric([source], values[key])
            yield family
        yield from _of_deliveries(numbers)
        modes = GaugeMetricFamily(
            "cachesync_watch_mode",
            "1 for the way a directory is watched",
            labels=["source", "mode"],
        )
        for source, values in numbers["sources"].items():
            for mode in _MODES if values["watch"] else ():
                modes.add_metric([source, mode], float(values["watch"] == mode))
        yield modes


def _of_deliveries(numbers: Mapping[str, Any]) -> Iterator[Any]:
    from prometheus_client.core import GaugeMetricFamily

    said = numbers["deliveries"]
    if said is None:
        return
    usable = GaugeMetricFamily("cachesync_notifications_up", "1 where the outbox can be used")
    usable.add_metric([], float(said["error"] is None))
    yield usable
    lag = GaugeMetricFamily("cachesync_notifications_lag", "Changes that were not matched yet")
    lag.add_metric([], max(0, numbers["seq"] - said["seq"]) if "seq" in said else 0)
    yield lag
    waiting = GaugeMetricFamily(
        "cachesync_matches_waiting", "Matches in an open window", labels=["subscription"]
    )
    labels = ["subscription", "target"]
    pending = GaugeMetricFamily("cachesync_deliveries_pending", "To be sent", labels=labels)
    dead = GaugeMetricFamily("cachesync_deliveries_dead", "Given up", labels=labels)
    states = GaugeMetricFamily(
        "cachesync_target_state", "1 for the state a target is in", labels=[*labels, "state"]
    )
    for subscription in said.get("subscriptions", ()):
        name = subscription["name"]
        waiting.add_metric([name], subscription["waiting"])
        for target in subscription["targets"]:
            pending.add_metric([name, target["target"]], target["pending"])
            dead.add_metric([name, target["target"]], target["dead"])
            for state in _TARGET_STATES:
                states.add_metric([name, target["target"], state], float(target["state"] == state))
    yield from (waiting, pending, dead, states)
