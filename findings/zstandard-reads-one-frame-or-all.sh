#!/bin/sh
# zstandard 0.25.0 (PyPI): of data in several Zstandard frames, some functions give the first frame
# and others all of them.
#
# RFC 8878 lets frames follow each other; their contents are to be joined, as the program `zstd` does.
# Of the same bytes, two frames, `ZstdDecompressor().decompress`, `read_to_iter` and `decompressobj`
# give the first frame; `stream_reader` (left at `read_across_frames=False`), `copy_stream` and
# `zstandard.open` give both. Nothing is raised for the rest.
#
# It matters to who reads layers of OCI build caches: writers that compress in parallel, or so that
# parts can be fetched alone, make several frames. A program that unpacks small blobs with one
# function and large ones with another agrees with itself until then.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q zstandard==0.25.0
"$dir/venv/bin/python" - <<'END'
import io
import sys

import zstandard

compress = zstandard.ZstdCompressor().compress
data = compress(b"bin/\n") + compress(b"lib/\n")
unpack = zstandard.ZstdDecompressor


def copied():
    out = io.BytesIO()
    unpack().copy_stream(io.BytesIO(data), out)
    return out.getvalue()


seen = {
    "decompress": unpack().decompress(data),
    "read_to_iter": b"".join(unpack().read_to_iter(io.BytesIO(data))),
    "decompressobj": unpack().decompressobj().decompress(data),
    "stream_reader": unpack().stream_reader(io.BytesIO(data)).read(),
    "copy_stream": copied(),
    "zstandard.open": zstandard.open(io.BytesIO(data)).read(),
}
print("zstandard", zstandard.__version__)
for name, content in seen.items():
    print(f"{name:14} {content}")
whole = {name for name, content in seen.items() if content == b"bin/\nlib/\n"}
if whole != {"stream_reader", "copy_stream", "zstandard.open"}:
    sys.exit("changed")
END
