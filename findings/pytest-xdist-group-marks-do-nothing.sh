#!/bin/sh
# pytest 9.2.0 with pytest-xdist 3.8.0: `--dist loadgroup` does not keep a group together.
#
# Eight tests that carry one and the same `xdist_group` mark should all run on one worker. They are
# spread over four, two each, and nothing is said. xdist adds the group to `item._nodeid`; the
# `nodeid` of pytest 9.2 does not come from there, so what the scheduler reads names no group.
#
# It matters to who tests against one real thing (a registry, a booted container, a mirror on a fixed
# port): the tests meet there although they are marked so that they should not.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q pytest==9.2.0 pytest-xdist==3.8.0
cat >"$dir/test_group.py" <<'END'
import pathlib

import pytest


@pytest.mark.xdist_group("registry")
@pytest.mark.parametrize("number", range(8))
def test_one_of_a_group(number, worker_id):
    (pathlib.Path(__file__).parent / f"ran-{number}-{worker_id}").touch()
END
cd "$dir"
venv/bin/pytest -q -p no:cacheprovider -n 4 --dist loadgroup test_group.py
echo "workers and how many tests of the group each ran:"
ls | sed -n 's/^ran-[0-9]*-//p' | sort | uniq -c
workers=$(ls | sed -n 's/^ran-[0-9]*-//p' | sort -u | wc -l)
if [ "$workers" -le 1 ]; then
    echo "changed: the group ran on one worker" >&2
    exit 1
fi
