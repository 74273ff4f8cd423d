"""When sources are due: the only APScheduler.

It keeps nothing: what is due is worked out from the config and the ledger at every start. Trap met
in APScheduler 3.11: a weekday is 0 for Monday there and for Sunday in crontab(5), and
`CronTrigger.from_crontab` does not translate it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

__all__ = ["Schedule", "cron_weekdays"]

JITTER = 0.1
"""Part of the interval by which a pass may come later."""
MOST_JITTER_SECONDS = 300.0
CRON_JITTER_SECONDS = 15
"""Seconds by which a time of a crontab schedule may be met late: all the world asks at :00."""
BEAT_SECONDS = 10
_BEAT = "\0beat"  # no source is called so
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Schedule:
    """Calls a function whenever a source is due."""

    def __init__(self) -> None:
        from apscheduler.executors.pool import ThreadPoolExecutor
        from apscheduler.schedulers.background import BackgroundScheduler

        self._scheduler: Any = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(1)},  # calls only post to a queue
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )

        self._beat_at = time.monotonic()

    def start(self) -> None:
        """Begin."""
        self.beat_anew()
        self._scheduler.start()

    def beat_anew(self) -> None:
        """Show signs of life by the clock as it is now."""
        from apscheduler.triggers.interval import IntervalTrigger

        trigger = IntervalTrigger(seconds=BEAT_SECONDS, timezone=UTC)
        self._scheduler.add_job(self._beat, trigger, id=_BEAT, replace_existing=True)

    def _beat(self) -> None:
        self._beat_at = time.monotonic()

    def silent_seconds(self, now: float) -> float:
        """How long it has called nothing (`time.monotonic`); a living one calls every few seconds."""
        return now - self._beat_at

    def is_alive(self) -> bool:
        """Whether it runs."""
        thread = getattr(self._scheduler, "_thread", None)
        return thread is not None and thread.is_alive()

    def stop(self) -> None:
        """End."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def every(
        self, name: str, seconds: float, call: Callable[[], object], *, first_in: float
    ) -> None:
        """Call after `first_in` seconds and then every so many, each time a little later."""
        from apscheduler.triggers.interval import IntervalTrigger

        jitter = int(min(seconds * JITTER, MOST_JITTER_SECONDS)) or None
        trigger = IntervalTrigger(seconds=seconds, jitter=jitter, timezone=UTC)
        first = datetime.now(UTC) + timedelta(seconds=max(0.0, first_in))
        self._scheduler.add_job(call, trigger, id=name, next_run_time=first, replace_existing=True)

    def at(self, name: str, cron: str, call: Callable[[], object], *, since: float | None) -> None:
        """Call at the times of a crontab(5) schedule, in local time.

        At once as well when one of them lies between `since` (Unix time) and now, or since ever.
        """
        from apscheduler.triggers.combining import OrTrigger
        from apscheduler.triggers.cron import CronTrigger
        from tzlocal import get_localzone

        minute, hour, day, month, weekday = cron.split()
        zone, on = get_localzone(), cron_weekdays(weekday)
        # crontab(5): where the day and the weekday are both restricted, either is enough.
        days = [(day, "*"), ("*", on)] if "*" not in (day, weekday) else [(day, on)]
        triggers = [
            CronTrigger(
                minute=minute,
                hour=hour,
                day=d,
                month=month,
                day_of_week=w,
                timezone=zone,
                jitter=CRON_JITTER_SECONDS,
            )
            for d, w in days
        ]
        trigger = OrTrigger(triggers) if len(triggers) > 1 else triggers[0]
        now = datetime.now(UTC)
        missed = since is None or _has_met(triggers, datetime.fromtimestamp(since, UTC), now)
        options = {"next_run_time": now} if missed else {}
        self._scheduler.add_job(call, trigger, id=name, replace_existing=True, **options)

    def remove(self, name: str) -> None:
        """Call no more."""
        if self._scheduler.get_job(name) is not None:
            self._scheduler.remove_job(name)

    def next_run(self, name: str) -> int | None:
        """When the next call is due, in microseconds since the epoch; None: never."""
        job = self._scheduler.get_job(name)
        moment = getattr(job, "next_run_time", None)
        return None if moment is None else int(moment.timestamp() * 1e6)


def _has_met(triggers: Sequence[Any], since: datetime, now: datetime) -> bool:
    late = timedelta(seconds=CRON_JITTER_SECONDS)  # a time just met may still come late
    times = (trigger.get_next_fire_time(None, since) for trigger in triggers)
    return any(moment is not None and moment < now - late for moment in times)


def cron_weekdays(field: str) -> str:
    """The fifth field of crontab(5), where 0 and 7 are Sunday, with names for numbers.

    A range that crosses Sunday (`5-7`, `0-2`) becomes a list: APScheduler's week begins on Monday.
    """
    return ",".join(_weekdays(item) for item in field.lower().split(","))


def _weekdays(item: str) -> str:
    span, slash, step = item.partition("/")
    first, dash, last = span.partition("-")
    if not (dash or slash):
        return item if span == "*" else _day(span)
    begin = 0 if span == "*" else _number(first)
    end = _number(last) if dash else 6
    days = range(begin, (end if end >= begin else end + 7) + 1, int(step or 1))
    return ",".join(dict.fromkeys(_DAYS[day % 7] for day in days))


def _number(day: str) -> int:
    return int(day) if day.isdecimal() else _DAYS.index(day)


def _day(day: str) -> str:
    return _DAYS[_number(day) % 7]
