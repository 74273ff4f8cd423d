#!/bin/sh
# msgspec 0.22.0: of a time with more digits than microseconds the nearest microsecond is taken, and a time of
# day just before midnight becomes the midnight before it.
#
# "23:59:59.9999999" as `datetime.time` is 00:00:00, a whole day too early, without an error. As part of a
# `datetime` it is carried: 2026-12-31T23:59:59.9999999Z is in 2027. Python's own `fromisoformat` cuts them
# off ("anything beyond 6 will be truncated"), so the two give different times for half of all strings with
# nine digits.
#
# It matters to who reads times that programs in Go wrote, with nine digits, as in the configurations of OCI
# images ("created"): what one part of a program read with msgspec and another with Python is not equal, and a
# build is newer than itself. Read them with one of the two only.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q msgspec==0.22.0
"$dir/venv/bin/python" - <<'END'
import sys
from datetime import datetime, time

import msgspec

texts = {
    "2026-11-28T18:00:00.123456499+00:00": datetime,
    "2026-11-28T18:00:00.123456500+00:00": datetime,
    "2026-12-31T23:59:59.999999999+00:00": datetime,
    "23:59:59.9999994": time,
    "23:59:59.9999999": time,
}
seen = []
for text, kind in texts.items():
    decoded = msgspec.json.decode(msgspec.json.encode(text), type=kind)
    own = kind.fromisoformat(text)
    print(f"{text}: msgspec {decoded}, Python {own}")
    seen.append(decoded == own)
midnight = msgspec.json.decode(b'"23:59:59.9999999"', type=time) == time(0)
if seen != [True, False, False, True, False] or not midnight:
    sys.exit("changed")
END
