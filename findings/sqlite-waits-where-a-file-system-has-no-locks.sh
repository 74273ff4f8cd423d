#!/bin/sh
# SQLite 3.51 (apsw 3.51.2.0): a file system that has no locks is "database is locked".
#
# `fcntl` answers ENOLCK where nobody can lock: an NFS mount whose lock daemon does not run, a parallel
# file system mounted without `flock`. SQLite takes it for somebody else's lock, so a connection waits for
# the whole busy timeout and then says that the database is locked. With EINVAL the same is an I/O error
# at once.
#
# It matters to who keeps a SQLite file in a home directory of a cluster: the message sends
# people to look for a process that holds the lock, and there is none. Try one lock yourself first.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check "apsw==3.51.2.0"
cd "$dir"
if ! command -v strace >/dev/null; then
    apt-get -q download strace >/dev/null 2>&1 || {
        echo "needs strace, or apt-get to download it" >&2
        exit 2
    }
    dpkg -x strace*.deb root
    PATH=$PATH:$dir/root/usr/bin
fi
cat >read.py <<'END'
import sys
import time

import apsw

connection = apsw.Connection(sys.argv[1])
connection.set_busy_timeout(3000)
began = time.monotonic()
try:
    print(list(connection.execute("SELECT count(*) FROM specs")))
except apsw.Error as error:
    waited = time.monotonic() - began
    print(f"{type(error).__name__}: {error}; after {'3 s' if waited > 2.5 else 'no time'}")
END
venv/bin/python -c '
import apsw
made = apsw.Connection("specs.sqlite")
made.execute("CREATE TABLE specs (hash TEXT)")
print("SQLite", apsw.sqlite_lib_version())
'
for error in ENOLCK EINVAL; do
    # Only the locks of the database are refused, and only to this process.
    said=$(strace -f -qqq -e trace=fcntl -e inject=fcntl:error=$error:when=1+ -P "$dir/specs.sqlite" -o /dev/null \
        venv/bin/python read.py specs.sqlite) || { echo "strace may not trace here" >&2; exit 2; }
    echo "$error: $said"
    echo "$said" >"$error"
done
grep -q "BusyError: .*database is locked; after 3 s" ENOLCK && grep -q "IOError: .*; after no time" EINVAL || {
    echo "changed" >&2
    exit 1
}
