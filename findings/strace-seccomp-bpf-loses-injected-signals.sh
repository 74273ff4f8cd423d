#!/bin/sh
# strace 6.1 (Debian 12, 6.1-0.1): with `--seccomp-bpf`, a signal that is to be injected never comes.
#
# strace(1) has the option for speed: the process stops only for the system calls that are traced.
# `inject=fsync:signal=USR1` sends nothing then, `inject=fsync:signal=TERM:when=2` does not end the program, and
# nothing is said. Injected errors and return values come as without the option; of
# `error=EIO:signal=USR1` half comes.
#
# It matters to who tests that the state of a long-running reader of build caches survives to be ended
# between any two writes: with the option that makes such tests quick, every one of them passes, as nothing was
# ended. Check that the process ended by the signal.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
packages="strace=6.1-0.1 libunwind8"
cd "$dir"
# shellcheck disable=SC2086
apt-get -q download $packages >/dev/null 2>&1 || {
    echo "apt-get cannot download: $packages (needs Debian 12 and its package lists)" >&2
    exit 2
}
for package in *.deb; do dpkg -x "$package" root; done
LD_LIBRARY_PATH=$(echo "$dir"/root/usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH
cat >write.py <<'END'
import os
import signal

got = []
signal.signal(signal.SIGUSR1, lambda *_: got.append("USR1"))
written = []
for number in range(3):
    handle = os.open("state", os.O_CREAT | os.O_WRONLY)
    try:
        os.fsync(handle)
        written.append("written")
    except OSError as error:
        written.append(error.strerror)
    os.close(handle)
print(", ".join(written), "and", len(got), "signals")
END
run() {
    # shellcheck disable=SC2086
    root/usr/bin/strace -f $1 -qqq -e trace=fsync -e signal=none -e "inject=fsync:$2" -o trace python3 write.py \
        >said 2>/dev/null || echo "ended by the signal" >said
    echo "inject=fsync:$2${1:+ with $1}: $(cat said)"
    cat said >>seen
}
root/usr/bin/strace -f -o trace true || { echo "strace may not trace here" >&2; exit 2; }
for inject in signal=USR1 error=EIO:signal=USR1 signal=TERM:when=2; do
    for option in "" --seccomp-bpf; do run "$option" "$inject"; done
done
cat >expected <<'END'
written, written, written and 3 signals
written, written, written and 0 signals
Input/output error, Input/output error, Input/output error and 3 signals
Input/output error, Input/output error, Input/output error and 0 signals
ended by the signal
written, written, written and 0 signals
END
cmp -s seen expected || {
    echo "changed" >&2
    exit 1
}
