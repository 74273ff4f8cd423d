#!/bin/sh
# Lmod 8.6.19 and Environment Modules 5.2.0 (both of Debian 12): of the same module files, `module load NAME`
# loads different versions.
#
# Both say that they load the highest version where no default is set. Lmod orders as Python packages do:
# 2.0.0-rc1 is before 2.0.0, and words are before numbers. Environment Modules orders as a dictionary does,
# with numbers as numbers: 2.0.0-rc1 is after 2.0.0, and "main" after 1.0. The files are in Tcl, which
# both read, and `module` is the same command for both.
#
# It matters to who installs from a build cache on several clusters with one tree of Spack's Tcl modules,
# where `develop` and release candidates stand beside releases: jobs run with a program that the other
# cluster would not have chosen. Set a default (`defaults:` in modules.yaml), or load with the version.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
packages="lmod=8.6.19-1 environment-modules=5.2.0-1"
packages="$packages lua5.3 lua-posix lua-filesystem lua-term lua-json lua-lpeg tcl8.6 libtcl8.6"
cd "$dir"
# shellcheck disable=SC2086
apt-get -q download $packages >/dev/null 2>&1 || {
    echo "apt-get cannot download: $packages (needs Debian 12 and its package lists)" >&2
    exit 2
}
for package in *.deb; do dpkg -x "$package" root; done
lib=$(echo "$dir"/root/usr/lib/*-linux-gnu)
lmod=$dir/root/usr/share/lmod/8.6.19
rm "$lmod/lib"
cp -RL "$dir/root/usr/lib/lmod/8.6.19/lib" "$lmod/lib"
# Where Lua's libraries are is written into the program.
sed -i "s#/usr/share/lua#$dir/root/usr/share/lua#g; s#/usr/lib/[a-z0-9_]*-linux-gnu/lua#$lib/lua#g" "$lmod/libexec/lmod"
for module in hdf5/1.14.6 hdf5/2.0.0-rc1 hdf5/2.0.0 qmcpack/4.1.0 qmcpack/develop jpeg/9e jpeg/9f jpeg/10; do
    mkdir -p "modules/${module%/*}"
    printf '#%%Module1.0\nsetenv LOADED %s\n' "$module" >"modules/$module"
done
clean() {
    env -i PATH="$dir/root/usr/bin:$PATH" HOME="$dir" LD_LIBRARY_PATH="$lib" MODULEPATH="$dir/modules" \
        TCL_LIBRARY="$dir/root/usr/share/tcltk/tcl8.6" "$@" 2>/dev/null
}
clean lua5.3 "$lmod/libexec/lmod" bash load hdf5 >/dev/null || { echo "Lmod does not run" >&2; exit 1; }
for name in hdf5 qmcpack jpeg; do
    one=$(clean lua5.3 "$lmod/libexec/lmod" bash load "$name" | sed -n 's/^LOADED="*\([^";]*\).*/\1/p')
    two=$(clean tclsh8.6 "$dir/root/usr/lib/modulecmd.tcl" bash load "$name" | sed -n 's/^LOADED=\([^;]*\).*/\1/p')
    echo "module load $name: Lmod $one, Environment Modules $two"
    echo "$one $two" >>seen
done
cat >expected <<END
hdf5/2.0.0 hdf5/2.0.0-rc1
qmcpack/4.1.0 qmcpack/develop
jpeg/10 jpeg/10
END
cmp -s seen expected || {
    echo "changed" >&2
    exit 1
}
