#!/bin/sh
# univers 32.0.1: versions that are equal have different hashes in some of its schemes, and none in others.
#
# RpmVersion("2024.1") == RpmVersion("2024.01"), as rpm has it, and MavenVersion("1.0") == MavenVersion(
# "1.0.0"); but the hash of these is made of the text. Those of Arch, Gentoo and Alpine have none
# ("unhashable type"). Python's documentation wants objects that compare equal to have one hash, and those of
# PyPI and semver have it.
#
# It matters to who joins the versions in build caches with those of distributions or advisories: a set keeps
# both, a dictionary does not find what `==` finds, and code that works for one ecosystem raises TypeError
# for the next. Look for a version with `any(known == version ...)`.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q univers==32.0.1
"$dir/venv/bin/python" - <<'END'
import sys

from univers import versions

pairs = {
    "PypiVersion": ("1.0", "1.0.0"),
    "SemverVersion": ("1.0", "1.0.0"),
    "RpmVersion": ("2024.1", "2024.01"),
    "MavenVersion": ("1.0", "1.0.0"),
    "ArchLinuxVersion": ("2024.1", "2024.01"),
    "GentooVersion": ("1.0", "1.0-r0"),
    "AlpineLinuxVersion": ("1.0", "1.0-r0"),
}
seen = {}
for name, (one, two) in pairs.items():
    kind = getattr(versions, name)
    first, second = kind(one), kind(two)
    try:
        kept = len({first, second})
    except TypeError:
        kept = None
    seen[name] = (first == second, kept)
    said = "no set of it can be made" if kept is None else f"a set of both has {kept}"
    print(f"{name}: {one} == {two}: {first == second}; {said}")
if seen != {
    "PypiVersion": (True, 1),
    "SemverVersion": (True, 1),
    "RpmVersion": (True, 2),
    "MavenVersion": (True, 2),
    "ArchLinuxVersion": (True, None),
    "GentooVersion": (True, None),
    "AlpineLinuxVersion": (True, None),
}:
    sys.exit("changed")
END
