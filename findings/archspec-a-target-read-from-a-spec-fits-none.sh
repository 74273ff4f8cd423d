#!/bin/sh
# archspec 0.2.7: two objects of one target are equal only while their tables of compilers are, and asking
# for flags changes that table.
#
# `from_dict` lets `compilers` be left out, as the files of Spack's specs do (name, vendor, features,
# generation, parents). A zen3 read from one is neither == nor <= nor >= the zen3 of `TARGETS`, though < and >
# look at names alone. With the whole of `to_dict` it is equal, until somebody calls
# `optimization_flags`: that writes a "name" into the table of the object it is called on. By their
# docstrings one makes a dictionary, one makes the same of it again, and one returns a string.
#
# It matters to who reads build caches: `target <= host` says that a zen3 binary does not run on a zen3, or
# says so from the second question on. Look the target up by its name, `TARGETS[data["name"]]`.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q archspec==0.2.7
"$dir/venv/bin/python" - <<'END'
import json
import sys

from archspec.cpu import TARGETS, Microarchitecture

host = TARGETS["zen3"]
written = {
    "name": "zen3",
    "vendor": host.vendor,
    "features": sorted(host.features),
    "generation": 0,
    "parents": [str(parent) for parent in host.parents],
}
read = Microarchitecture.from_dict(json.loads(json.dumps(written)))
without = [read == host, read <= host, read >= host, read <= TARGETS["zen4"]]
print("zen3 as a spec has it ==, <=, >= zen3, <= zen4:", *without)

host = TARGETS["haswell"]
read = Microarchitecture.from_dict(json.loads(json.dumps(host.to_dict())))
before = [read == host, read <= host]
host.optimization_flags("gcc", "13.2")
after = [read == host, read <= host]
print("haswell out of to_dict ==, <= haswell:", *before)
print("the same once flags for gcc were asked:", *after)
by_name = TARGETS[written["name"]] <= TARGETS["zen3"]
print("by name:", by_name)
if (without, before, after) != ([False] * 3 + [True], [True] * 2, [False] * 2) or not by_name:
    sys.exit("changed")
END
