"""When sources are due: the only APScheduler.

It keeps nothing: what is due is worked out from the config and the ledger at every start. Trap met
in APScheduler 3.11: a weekday is 0 for Monday there and for Sunday in crontab(5), and
`CronTrigger.from_crontab` does not translate it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

__all__ = ["Schedule", "cron_weekdays"]

JITTER = 0.1
"""Part of the interval by which a pass may come later."""
MOST_JITTER_SECONDS = 300.0
CRON_JITTER_SECONDS = 15
"""Seconds by which a time of a crontab schedule may be met late: all the world asks at :00."""
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

    def start(self) -> None:
        """Begin."""
        self._scheduler.start()

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

    def at(self, name: str, cron: str, call: Callable[[], object], *, now: bool) -> None:
        """Call at the times of a crontab(5) schedule, in local time; `now`: at once as well."""
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
        options = {"next_run_time": datetime.now(UTC)} if now else {}
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
