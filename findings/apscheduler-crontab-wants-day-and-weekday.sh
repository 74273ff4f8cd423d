#!/bin/sh
# APScheduler 3.11.3: `CronTrigger.from_crontab` reads another language than crontab(5).
#
# `0 0 1 * 1` means for cron: on the first of a month, and on every Monday besides. From 2 January
# 2026 on that would be Monday the 5th. APScheduler answers 1 September: both fields must match, and
# 1 is a Tuesday, as its week begins with Monday as 0.
#
# It matters to who lets people write the schedule of a nightly look at a mirror: a line that a
# crontab has run for years is accepted and runs once or twice a year. One trigger for the day, one
# for the weekday by name, and OrTrigger over both give cron's meaning.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q apscheduler==3.11.3
"$dir/venv/bin/python" - <<'END'
import sys
from datetime import datetime, timezone

from apscheduler.triggers.cron import CronTrigger

trigger = CronTrigger.from_crontab("0 0 1 * 1", timezone="UTC")
first = trigger.get_next_fire_time(None, datetime(2026, 1, 2, tzinfo=timezone.utc))
print("0 0 1 * 1, from 2026-01-02 on:", first.strftime("%A, %d %B %Y"))
print("by crontab(5): Monday, 05 January 2026")
if (first.month, first.day) != (9, 1):
    sys.exit("changed")
END
