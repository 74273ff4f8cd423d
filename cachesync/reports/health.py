"""How well cachesync is, as one answer for everybody who looks: a state, and why. Pure.

Whoever asks gathers `Facts` (`facts.py`); what they mean is decided here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .facts import Code, Facts, Health, Reason, State

__all__ = ["Code", "Facts", "Health", "Reason", "State", "document", "judge", "line"]

LOW_BYTES = 64 << 20
"""Less free space than this is told before anything fails."""
FULL_BYTES = 1 << 20
"""With less nothing can be written: SQLite's log and a segment of the index need more."""
CLOCK_SECONDS = 10.0
"""So far the clock may be behind the newest change: more is no drift."""
SHOWN = 3
"""Names in one reason; more are counted."""
LONGEST = 300
"""Characters of what somebody else said, in a reason."""


def judge(facts: Facts) -> Health:
    """The health that follows from `facts`."""
    found = [
        *_of_the_daemon(facts),
        *_of_the_place(facts),
        *_of_the_index(facts),
        *_of_sources(facts),
        *_of_samples(facts),
        *_of_watching(facts),
        *_of_deliveries(facts.deliveries),
    ]
    order = list(State)
    reasons = tuple(sorted(found, key=lambda reason: -order.index(reason.state)))
    return Health(reasons[0].state if reasons else State.OK, reasons)


def document(health: Health) -> dict[str, Any]:
    """`state` and `reasons` as JSON has them."""
    return {
        "state": health.state.value,
        "reasons": [
            {**r._asdict(), "code": r.code.value, "state": r.state.value} for r in health.reasons
        ],
    }


def line(health: Health, *, longest: int | None = None) -> str:
    """The state, and behind it every reason of that state; one line, cut at `longest` characters."""
    worst = [f"{r.thing}: {r.text}" for r in health.reasons if r.state is health.state]
    text = ": ".join([health.state.value, "; ".join(worst)]) if worst else health.state.value
    return text if longest is None or len(text) <= longest else f"{text[: longest - 3]}..."


def _reason(code: Code, state: State, thing: str, text: str, remedy: str | None) -> Reason:
    return Reason(code, state, _plain(thing), _plain(text), remedy and _plain(remedy))


def _plain(text: str) -> str:
    """Bounded, and with everything that is not printable as an escape: it reaches terminals and logs."""
    cut = text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode("ascii")
        for c in cut
    )


def _of_the_daemon(facts: Facts) -> Iterator[Reason]:
    said = facts.daemon
    if said is None:
        if facts.expected is not None:
            yield _reason(Code.DAEMON_ABSENT, State.DEGRADED, "daemon",
                          f"none runs, and {facts.expected}",
                          "systemctl start cachesync, or cachesync run")  # fmt: skip
        return
    pid = said.get("pid")
    if facts.is_stopped:
        yield _reason(Code.DAEMON_STOPPED, State.FAILING, "daemon",
                      f"its process {pid} was stopped by a signal", f"kill -CONT {pid}")  # fmt: skip
    if said.get("stuck"):
        yield _reason(Code.DAEMON_STUCK, State.FAILING, "daemon",
                      f"{said['stuck']} shows no sign of life", "systemctl restart cachesync")  # fmt: skip
    if said.get("config_error"):
        yield _reason(Code.CONFIG_REFUSED, State.DEGRADED, "config",
                      f"the new one is refused, the old one goes on: {said['config_error']}",
                      "cachesync config check, then systemctl reload cachesync")  # fmt: skip
    if said.get("metrics_error"):
        yield _reason(Code.METRICS_DOWN, State.DEGRADED, "metrics",
                      f"not served: {said['metrics_error']}",
                      "free the port, or name another in `metrics: listen` and reload")  # fmt: skip


def _of_the_place(facts: Facts) -> Iterator[Reason]:
    if facts.ledger_error is not None:
        yield _reason(Code.LEDGER_UNUSABLE, State.FAILING, "ledger", facts.ledger_error,
                      facts.ledger_remedy or "cachesync doctor")  # fmt: skip
    free = facts.free_bytes
    if free is not None and free < LOW_BYTES:
        is_full = free < FULL_BYTES
        yield _reason(Code.DISK_FULL if is_full else Code.DISK_LOW,
                      State.FAILING if is_full else State.DEGRADED, "disk",
                      f"{'full' if is_full else 'nearly full'}: {free >> 10:,} KiB free for {facts.state_dir}",
                      "free some space")  # fmt: skip
    if facts.foreign:
        yield _reason(Code.FILES_FOREIGN, State.DEGRADED, "state directory",
                      f"{_names(facts.foreign)} in {facts.state_dir} not owned by {facts.owner}",
                      f"chown -R {facts.owner}: {facts.state_dir}")  # fmt: skip
    if facts.newest is not None and facts.newest - facts.now > CLOCK_SECONDS:
        yield _reason(Code.CLOCK_BEHIND, State.DEGRADED, "clock",
                      f"{facts.newest - facts.now:,.0f} s behind the newest change",
                      "timedatectl set-ntp true")  # fmt: skip


def _of_the_index(facts: Facts) -> Iterator[Reason]:
    said = facts.daemon or {}
    unwritable = said.get("index_error")
    if unwritable:
        yield _reason(Code.INDEX_UNWRITABLE, State.DEGRADED, "index",
                      f"it cannot be brought up to date: {unwritable}",
                      said.get("index_remedy") or f"chown -R {facts.owner}: {facts.state_dir}")  # fmt: skip
    elif facts.index_error is not None and not _is_at_work(facts):
        yield _reason(Code.INDEX_UNUSABLE, State.DEGRADED, "index",
                      f"{facts.index_error}; searches ask the ledger",
                      "cachesync rebuild index")  # fmt: skip


def _of_sources(facts: Facts) -> Iterator[Reason]:
    running = _running(facts)
    for source in facts.sources:
        name, state = source["name"], source["state"]
        said = running.get(name, {})
        error = source["error"] or "no reason was recorded"
        if state == "held":
            yield _reason(Code.SOURCE_HELD, State.DEGRADED, name, f"held: {error}",
                          f"{_back(source)}; if it is meant, cachesync sync {name} --allow-mass-removal")  # fmt: skip
        elif state == "failed":
            yield _reason(Code.SOURCE_FAILED, State.DEGRADED, name, f"failed: {error}",
                          _failed_remedy(facts, name))  # fmt: skip
        elif state == "never" and not _is_at_first_pass(said):
            yield _reason(Code.SOURCE_NEVER, State.DEGRADED, name, "it was never synced",
                          f"cachesync sync {name}")  # fmt: skip
        elif state == "orphaned":
            yield _reason(Code.SOURCE_ORPHANED, State.OK, name, "the config does not name it any more",
                          f"name it, or cachesync forget {name}")  # fmt: skip
        if source["rejected"] and state != "orphaned":
            yield _rejected(source)
    known = (facts.daemon or {}).get("index_error")
    for name, said in running.items():
        if said.get("error") and said["error"] != known:
            yield _reason(Code.SOURCE_UNRECORDED, State.FAILING, name,
                          f"its passes cannot be recorded: {said['error']}",
                          said.get("remedy") or "see the log of the daemon; it is tried again by itself")  # fmt: skip


def _is_at_first_pass(said: Mapping[str, Any]) -> bool:
    """Whether a daemon passes over a source, or is about to for the first time."""
    return said.get("doing", "idle") != "idle" or said.get("passes") == 0


def _of_samples(facts: Facts) -> Iterator[Reason]:
    """Mirrors that do not have what their indexes name."""
    there = {source["name"] for source in facts.sources if source["state"] != "orphaned"}
    for name, said in facts.probes.items():
        if name not in there or not said["missing"]:
            continue
        lost = [one for one in said["failed"] if one["state"] == "missing"]
        first = [
            f"/{one['hash'][:7]} ({one['package']}@{one['version']}) in {one['mirror']}: {one['reason']}"
            for one in lost[:1]
        ]
        text = f"{said['missing']:,} of {said['asked']:,} sampled specs are missing"
        yield _reason(Code.SAMPLE_MISSING, State.DEGRADED, name, ": ".join([text, *first]),
                      "cachesync status lists them; push them again, or prune and update the index")  # fmt: skip


def _is_of_mirrors(source: Mapping[str, Any]) -> bool:
    """Whether what is read of a source are cache indexes, and no pages."""
    return bool(source["type"] == "buildcache")


def _back(source: Mapping[str, Any]) -> str:
    """What brings back what a held source had."""
    if source["type"] == "directory":
        return "mount it again"
    if not _is_of_mirrors(source):
        return "publish its pages again"
    location = source["location"]
    if location.startswith("/"):  # a mirrors.yaml
        return f"name the mirrors again in {location}, or update their cache indexes"
    return "update its cache index"


def _failed_remedy(facts: Facts, name: str) -> str:
    if facts.daemon is None:
        return f"mend what this names; cachesync sync {name} tries again"
    return f"mend what this names; it is tried again by itself, at once by cachesync sync {name}"


def _rejected(source: Mapping[str, Any]) -> Reason:
    name, rejected, listed = source["name"], source["rejected"], source["places"]
    one, several = ("cache index", "cache indexes") if _is_of_mirrors(source) else ("page", "pages")
    what = f"{listed:,} {one if listed == 1 else several}"
    pages = f"{rejected:,} of {what} {'is' if rejected == 1 else 'are'} rejected"
    remedy = "cachesync status names them; mend what writes them"
    if 2 * rejected > listed:
        return _reason(
            Code.SOURCE_GARBAGE, State.DEGRADED, name, f"more than half: {pages}", remedy
        )
    return _reason(Code.PAGES_REJECTED, State.OK, name, pages, remedy)


def _of_watching(facts: Facts) -> Iterator[Reason]:
    troubled = {s["name"] for s in facts.sources if s["state"] in ("failed", "held")}
    of_mirrors = {s["name"] for s in facts.sources if _is_of_mirrors(s)}
    for name, said in _running(facts).items():
        if said.get("overflowed"):
            yield _reason(Code.WATCH_OVERFLOWED, State.DEGRADED, name,
                          "the kernel dropped events; everything is looked at again",
                          "it mends itself; if it comes again, raise fs.inotify.max_queued_events")  # fmt: skip
        if said.get("watch") == "polling":
            is_meant = said.get("watch_reason") in ("configured", "filesystem", "link")
            yield _reason(Code.WATCH_POLLING, State.OK if is_meant else State.DEGRADED, name,
                          said.get("degraded") or f"polled, since {said.get('watch_detail')}",
                          None if is_meant else "mend what this names, or say so: `watch: {mode: poll}`")  # fmt: skip
        elif said.get("degraded") and name not in troubled:
            yield _reason(Code.WATCH_LOST, State.DEGRADED, name, said["degraded"],
                          f"check `{'url' if name in of_mirrors else 'path'}:` and that it is mounted")  # fmt: skip


def _of_deliveries(said: Mapping[str, Any] | None) -> Iterator[Reason]:
    if said is None:
        return
    if said.get("error"):
        yield _reason(Code.OUTBOX_UNUSABLE, State.FAILING, "notifications",
                      f"nobody is notified: {said['error']}", said.get("remedy")
                      or "let outbox.sqlite belong to the daemon's user, or free some space")  # fmt: skip
    for subscription in said.get("subscriptions", ()):
        for target in subscription["targets"]:
            if target["state"] not in ("disabled", "failing"):
                continue
            name = f"{subscription['name']} -> {target['target']}"
            is_off = target["state"] == "disabled"
            code = Code.TARGET_DISABLED if is_off else Code.TARGET_FAILING
            yield _reason(code, State.DEGRADED, name,
                          f"{target['state']}: {target['reason'] or 'no reason was recorded'}",
                          "cachesync deliveries retry --target enables it" if is_off
                          else "it is tried again by itself")  # fmt: skip


def _is_at_work(facts: Facts) -> bool:
    """Whether a daemon is about to make the index: it tells itself what keeps it from that."""
    return any(said.get("doing", "idle") != "idle" for said in _running(facts).values())


def _running(facts: Facts) -> Mapping[str, Mapping[str, Any]]:
    return {} if facts.daemon is None else facts.daemon.get("sources") or {}


def _names(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - SHOWN:,} more" if len(every) > SHOWN else ""
    return f"{', '.join(every[:SHOWN])}{more}: {'is' if len(every) == 1 else 'are'}"
