#!/bin/sh
# archspec 0.2.7: `optimization_flags` says that gcc 12.2.0 cannot optimize for zen4, and gcc 12.2 can.
#
# The ranges of versions in its data look like Spack's, where `:12.2` takes all of 12.2 in. Here versions
# are compared as tuples: 12.2.0 is more than 12.2, and less than 12.3, where the next range begins. So an
# exception says "supported compiler versions are 10.3:12.2, 12.3:". Downwards the same: clang "16" is less
# than 16.0. The documentation asks for dot-separated digits, as many as there are. Releases that fall
# between two ranges: gcc 12.2.0 (Debian 12) and 12.2.1 (RHEL's toolset) for zen4, gcc 10.2.1 (Debian 11) and
# clang 10.0.1 for a64fx.
#
# It matters to who builds for a cache, or tells what a binary in it was built with: the full version that
# the compiler gives (`-dumpfullversion`) is refused. Ask again with two numbers before believing it.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q archspec==0.2.7
"$dir/venv/bin/python" - <<'END'
import sys

from archspec.cpu import TARGETS, UnsupportedMicroarchitecture

asked = {
    ("zen4", "gcc"): {"12.2": True, "12.2.0": False, "12.2.1": False, "12.3": True},
    ("zen4", "clang"): {"16": False, "16.0": True},
    ("a64fx", "gcc"): {"10.2": True, "10.2.1": False, "10.3": True},
    ("a64fx", "clang"): {"10": True, "10.0.1": False, "11": True},
}
seen = {}
for (target, compiler), versions in asked.items():
    seen[target, compiler] = {}
    for version in versions:
        try:
            said = TARGETS[target].optimization_flags(compiler, version).split()[0]
            supported = True
        except UnsupportedMicroarchitecture as error:
            said = str(error).partition("[")[2].rstrip("]")
            supported = False
        print(f"{target}, {compiler} {version}: {said}")
        seen[target, compiler][version] = supported
if seen != asked:
    sys.exit("changed")
END
