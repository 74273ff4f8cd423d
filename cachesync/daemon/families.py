"""What `/metrics` says, as families of prometheus-client: by Prometheus's naming, and as before."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from ..model import SourceState
from ..reports.facts import State

__all__ = ["Collector", "Look"]

Look = Callable[[], Mapping[str, Any]]
"""Gives what `Service.numbers` gives, or `Service.health`."""

_SOURCE = (
    ("pass_seconds", "How long the last pass took", "seconds"),
    ("passes", "Deprecated: cachesync_source_passes_total", "passes"),
    ("failures", "Passes in a row that failed", "failures"),
    ("overflows", "Deprecated: cachesync_source_overflows_total", "overflows"),
    ("directories", "Directories that are watched", "directories"),
    ("pages", "Pages that are there now", "pages"),
    ("pages_rejected", "Pages that are rejected now", "rejected"),
    ("age_seconds", "Deprecated: cachesync_source_last_success_timestamp_seconds", "age_seconds"),
    ("last_success_timestamp_seconds", "When the last complete pass ended", "last_success"),
    ("waiting", "Requests that wait", "waiting"),
)
_COUNTERS = (
    ("passes", "Passes since the daemon's start", "passes"),
    ("overflows", "Times the kernel dropped events, since the daemon's start", "overflows"),
)
_TARGET_STATES = ("ok", "failing", "disabled", "held")
_SAMPLED = ("there", "missing", "unknown")
_MODES = ("inotify", "polling", "starting", "lost", "stopped")


class Collector:
    """What Prometheus's client asks at each scrape."""

    def __init__(self, look: Look, version: str) -> None:
        self._look = look
        self._version = version

    def collect(self) -> Iterator[Any]:
        """Every family, from one look."""
        numbers = self._look()
        yield from _of_the_whole(numbers, self._version)
        yield from _of_sources(numbers["sources"])
        yield from _of_deliveries(numbers)


def _gauge(name: str, text: str, value: float) -> Any:
    family = GaugeMetricFamily(f"cachesync_{name}", text)
    family.add_metric([], value)
    return family


def _of_the_whole(numbers: Mapping[str, Any], version: str) -> Iterator[Any]:
    info = GaugeMetricFamily(
        "cachesync_build_info", "1 for what runs", labels=["version", "python"]
    )
    info.add_metric([version, platform.python_version()], 1.0)
    yield info
    health = GaugeMetricFamily("cachesync_health", "1 for the state of the site", labels=["state"])
    for state in State:
        health.add_metric([state.value], float(numbers["state"] == state))
    yield health
    reasons = GaugeMetricFamily(
        "cachesync_health_reason", "1 for each reason", labels=["code", "thing", "state"]
    )
    for labels in dict.fromkeys((r["code"], r["thing"], r["state"]) for r in numbers["reasons"]):
        reasons.add_metric(list(labels), 1.0)
    yield reasons
    if numbers["free_bytes"] is not None:
        yield _gauge(
            "state_free_bytes", "Free space for the state directory", numbers["free_bytes"]
        )
    changes = CounterMetricFamily(
        "cachesync_changes", "Changes since the daemon's start", labels=["kind"]
    )
    for kind, count in numbers.get("changes", {}).items():
        changes.add_metric([kind], count)
    yield changes
    for name, text in (
        ("seq", "The last change"), ("index_lag", "Changes the index is behind"),
        ("pages", "Pages"), ("specs", "Specs"), ("builds", "Builds"), ("placements", "Placements"),
    ):  # fmt: skip
        if name in numbers:  # not where the ledger cannot be asked
            yield _gauge(name, text, numbers[name])


def _of_sources(sources: Mapping[str, Mapping[str, Any]]) -> Iterator[Any]:
    for kind, table in ((GaugeMetricFamily, _SOURCE), (CounterMetricFamily, _COUNTERS)):
        for name, text, key in table:
            family = kind(f"cachesync_source_{name}", text, labels=["source"])
            for source, values in sources.items():
                if values[key] is not None:
                    family.add_metric([source], values[key])
            yield family
    states = GaugeMetricFamily(
        "cachesync_source_state", "1 for the state of a source", labels=["source", "state"]
    )
    modes = GaugeMetricFamily(
        "cachesync_watch_mode", "1 for the way a directory is watched", labels=["source", "mode"]
    )
    for source, values in sources.items():
        for state in SourceState:
            states.add_metric([source, state.value], float(values["state"] == state.value))
        for mode in _MODES if values["watch"] else ():
            modes.add_metric([source, mode], float(values["watch"] == mode))
    yield from (states, modes)
    yield from _of_samples(sources)


def _of_samples(sources: Mapping[str, Mapping[str, Any]]) -> Iterator[Any]:
    """What was found by the standing samples."""
    found = GaugeMetricFamily(
        "cachesync_source_probed_specs",
        "Specs of the last sample by what the mirrors have of them",
        labels=["source", "state"],
    )
    times = GaugeMetricFamily(
        "cachesync_source_probe_timestamp_seconds",
        "When the last sample was taken",
        labels=["source"],
    )
    for source, values in sources.items():
        if values["probe"] is not None:
            times.add_metric([source], values["probe"]["at"] / 1e6)
            for state in _SAMPLED:
                found.add_metric([source, state], values["probe"][state])
    yield from (found, times)


def _of_deliveries(numbers: Mapping[str, Any]) -> Iterator[Any]:
    said = numbers["deliveries"]
    if said is None:
        return
    yield _gauge("notifications_up", "1 where the outbox can be used", float(said["error"] is None))
    lag = max(0, numbers["seq"] - said["seq"]) if "seq" in said and "seq" in numbers else 0
    yield _gauge("notifications_lag", "Changes that were not matched yet", lag)
    sent = CounterMetricFamily(
        "cachesync_deliveries", "Attempts since the daemon's start", labels=["result"]
    )
    for result, count in said.get("results", {}).items():
        sent.add_metric([result], count)
    yield sent
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
