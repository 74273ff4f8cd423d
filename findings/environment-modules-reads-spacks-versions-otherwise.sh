#!/bin/sh
# Environment Modules 5.2.0 (Debian 12, 5.2.0-1): `name@version` follows "the version specifier syntax of the
# Spack package manager" (its MIGRATING and design notes), and chooses other versions.
#
# As for Spack, `@1.12:1.14` takes 1.14.6 in. Otherwise than for Spack, 1.14.4-3 is in `@1.14.4:1.14.5` and
# not in `@1.14.4`; `@1.14.6:1.14`, for Spack what is left of the series 1.14 from 1.14.6 on, is an "Invalid
# version range"; and `@1.14` is the module of that very name where there is one, for Spack the newest of
# the series. `module avail hdf5@1.14.4` shows 1.14.4-3, which `module load` cannot locate.
#
# It matters to who hands what was installed from a build cache to people as modules, and the specs that
# they know with it: hdf5 has a release 1.14.4-3. Write the whole version.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
packages="environment-modules=5.2.0-1 tcl8.6 libtcl8.6"
cd "$dir"
# shellcheck disable=SC2086
apt-get -q download $packages >/dev/null 2>&1 || {
    echo "apt-get cannot download: $packages (needs Debian 12 and its package lists)" >&2
    exit 2
}
for package in *.deb; do dpkg -x "$package" root; done
lib=$(echo "$dir"/root/usr/lib/*-linux-gnu)
mkdir -p modules/hdf5
for version in 1.8.23 1.12.2 1.14 1.14.4-3 1.14.6 1.16.0; do
    printf '#%%Module1.0\nsetenv LOADED %s\n' "$version" >"modules/hdf5/$version"
done
module() {
    env -i PATH="$PATH" HOME="$dir" LD_LIBRARY_PATH="$lib" MODULEPATH="$dir/modules" \
        TCL_LIBRARY="$dir/root/usr/share/tcltk/tcl8.6" MODULES_ADVANCED_VERSION_SPEC=1 \
        "$dir/root/usr/bin/tclsh8.6" "$dir/root/usr/lib/modulecmd.tcl" bash "$@" 2>&1
}
zcat root/usr/share/doc/environment-modules/MIGRATING.txt.gz | grep -A 1 "version specifier syntax of the Spack"
for spec in @1.12:1.14 @1.14.4:1.14.5 @1.14.4 @1.14.6:1.14 @1.14; do
    loaded=$(module load "hdf5$spec" | sed -n 's/^LOADED=\([^;]*\).*/\1/p; s/^ERROR: \(Unable to locate\|Invalid version range\).*/\1/p' | head -n 1)
    echo "module load hdf5$spec: $loaded"
    echo "$spec $loaded" >>seen
done
shown=$(module avail -t hdf5@1.14.4 | grep hdf5/)
echo "module avail hdf5@1.14.4: $shown"
echo "$shown" >>seen
cat >expected <<END
@1.12:1.14 1.14.6
@1.14.4:1.14.5 1.14.4-3
@1.14.4 Unable to locate
@1.14.6:1.14 Invalid version range
@1.14 1.14
hdf5/1.14.4-3
END
cmp -s seen expected || {
    echo "changed" >&2
    exit 1
}
