#!/bin/sh
# univers 32.0.1: of the scheme intdot, integers between dots, 1.10 comes before 1.9 and 10.0 before 9.1.
#
# In the VERS specification, that univers is made for, the components of intdot are "specified as integers
# separated by dots". Here its characters are compared one by one. So 10.0 is in `vers:intdot/<9.1`, and 1.10
# is not in `vers:intdot/>=1.9`. `vers:generic` says the opposite of both, as its versions are of
# `SemverVersion`; the class that is called `GenericVersion` sorts by characters too.
#
# It matters to who asks which versions in a build cache an advisory speaks of: intdot and generic are what
# is left for packages that belong to no ecosystem, as Spack's do, and hdf5 1.10 is said to be unaffected.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q univers==32.0.1
"$dir/venv/bin/python" - <<'END'
import sys

from univers.version_range import VersionRange
from univers.versions import GenericVersion, IntdotVersion, SemverVersion

seen = []
for kind in (IntdotVersion, GenericVersion, SemverVersion):
    for pair in (["1.9", "1.10"], ["9.1", "10.0"]):
        first, last = sorted(pair, key=kind)
        print(f"{kind.__name__}: {first} comes before {last}")
        seen.append([first, last] == pair)
for scheme in ("intdot", "generic"):
    for version, limit in (("1.10", ">=1.9"), ("10.0", "<9.1")):
        affected = VersionRange.from_string(f"vers:{scheme}/{limit}")
        seen.append(affected.version_class(version) in affected)
        print(f"{version} in vers:{scheme}/{limit}: {seen[-1]}")
if seen != [False] * 4 + [True] * 2 + [False, True] + [True, False]:
    sys.exit("changed")
END
