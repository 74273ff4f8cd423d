#!/bin/sh
# nginx 1.22.1 (Debian 12, 1.22.1-9+deb12u11): a file replaced within the second by another of the same
# length stays "not modified" for good.
#
# The ETag of a static file is its time in whole seconds and its length. Two files of 14 bytes,
# 0.4 seconds apart, have one strong ETag; who sends back that of the first is answered 304 for the
# second, today and in a year.
#
# It matters to who follows a build cache behind nginx: the index manifest of Spack's layout v3 hardly
# changes its length, and two pushes can fall into one second. Do not keep a validator whose
# Last-Modified is not at least two seconds older than Date.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
packages="nginx=1.22.1-9+deb12u11 libpcre2-8-0 libssl3 zlib1g libcrypt1"
cd "$dir"
# shellcheck disable=SC2086
apt-get -q download $packages >/dev/null 2>&1 || {
    echo "apt-get cannot download: $packages (needs Debian 12 and its package lists)" >&2
    exit 2
}
for package in *.deb; do dpkg -x "$package" root; done
LD_LIBRARY_PATH=$(echo "$dir"/root/usr/lib/*-linux-gnu):$(echo "$dir"/root/lib/*-linux-gnu)
export LD_LIBRARY_PATH
python3 - "$dir" <<'END'
import contextlib
import http.client
import os
import pathlib
import socket
import subprocess
import sys
import time

here = pathlib.Path(sys.argv[1])
(here / "www").mkdir()
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
temporary = "".join(
    f"{name}_temp_path {here}/{name};"
    for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
)
(here / "nginx.conf").write_text(
    f"daemon off; master_process off; pid {here}/pid; error_log {here}/log;\n"
    f"events {{}}\nhttp {{ access_log off; {temporary}\n"
    f"server {{ listen 127.0.0.1:{port}; root {here}/www; }} }}\n"
)


def put(content, moment):
    new = here / "new"
    new.write_bytes(content)
    os.utime(new, ns=(moment, moment))
    new.rename(here / "www" / "index.manifest.json")


def ask(**headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET", "/index.manifest.json", headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    print(f"status {answer.status}, ETag {answer.getheader('ETag')}, body {body}")
    return answer.status, answer.getheader("ETag"), body


second = 1_770_000_000 * 10**9
put(b'{"index": "a"}', second + 3 * 10**8)
command = [here / "root/usr/sbin/nginx", "-e", here / "log", "-c", here / "nginx.conf"]
server = subprocess.Popen(command)
try:
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            break
        if server.poll() is not None:
            sys.exit("nginx ended: " + (here / "log").read_text())
        time.sleep(0.1)
    first = ask()
    put(b'{"index": "b"}', second + 7 * 10**8)
    again = ask(If_None_Match=first[1])
    plain = ask()
finally:
    server.terminate()
    server.wait(10)
if not (again[0] == 304 and plain[1] == first[1] and plain[2] != first[2]):
    sys.exit("changed")
END
