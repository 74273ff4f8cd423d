#!/bin/sh
# Hypothesis 6.170.15: `builds` makes up the fields of a NamedTuple that have defaults.
#
# Of a dataclass, an attrs class or a function it draws the arguments that are required, and leaves the
# others at their defaults, as its documentation says. Of a `typing.NamedTuple` it draws all that have
# annotations.
#
# It matters to who tests records that are NamedTuples: a new field with a default, meant to leave what
# is there as it was, changes what every old property draws, and `builds(Record)` tries states that no
# caller makes. Say the defaults: `builds(Record, new=st.just(...))`.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check "hypothesis==6.170.15"
cd "$dir"
venv/bin/python - <<'END'
import sys
from dataclasses import dataclass
from typing import NamedTuple

from hypothesis import Phase, given, settings
from hypothesis import strategies as st


class Tuple(NamedTuple):
    name: str
    settle: int = 2


@dataclass
class Data:
    name: str
    settle: int = 2


def function(name: str, settle: int = 2):
    return Data(name, settle)


drawn = {}
for target in (Tuple, Data, function):
    found = drawn[target.__name__] = set()
    few = settings(max_examples=200, database=None, derandomize=True, phases=[Phase.generate])
    few(given(st.builds(target))(lambda record: found.add(record.settle)))()
    print(f"builds({target.__name__}): {len(found)} different values of `settle`, which is 2 by default")
if len(drawn["Tuple"]) == 1 or drawn["Data"] != {2} or drawn["function"] != {2}:
    sys.exit("changed")
END
