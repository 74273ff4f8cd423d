#!/bin/sh
# CPython (seen with 3.11.7; needs no package): io.BufferedWriter writes the same bytes twice when a
# signal handler raises between the raw write and its return.
#
# A raw stream written in Python (here one that counts bytes) hands its bytes to the kernel; SIGINT
# arrives then, and KeyboardInterrupt leaves `write` before it could say how much went out. The
# buffer keeps it all, and the next flush, that of closing at the latest, writes it again.
#
# It matters to who streams an index or a listing through a wrapper of their own and cleans up after
# Ctrl-C: the output has a record twice, and is no longer one JSON document. The raw `write` must note
# the signal and return first.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
python3 - "$dir/out" <<'END'
import io
import os
import signal
import sys

signal.signal(signal.SIGINT, signal.default_int_handler)
print("Python", sys.version.split()[0])


class Counting(io.RawIOBase):
    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.count = 0

    def writable(self):
        return True

    def write(self, data):
        written = os.write(self.descriptor, data)
        self.count += written
        if self.count == written:  # the first time
            signal.raise_signal(signal.SIGINT)
        return written


with open(sys.argv[1], "w+b", buffering=0) as file:
    with io.BufferedWriter(Counting(file.fileno())) as out:
        out.write(b'{"spec": "zlib"}\n')
        try:
            out.flush()
        except KeyboardInterrupt:
            print("interrupted while flushing")
    file.seek(0)
    found = file.read()
print("written:", found)
if found.count(b"\n") != 2:
    sys.exit("changed: the line is there once")
END
