#!/bin/sh
# Starlette 1.10.0: `StaticFiles` answers 416 where one of two ranges can be had, and 400 where a Range is
# of a unit that it does not know.
#
# 416 is for when "none of the requested ranges are satisfiable" (RFC 9110, 15.5.17): `bytes=0-3,50-60` of
# 17 bytes is 206 with the first. A server "MUST ignore" a unit that it does not understand (14.2):
# `lines=0-9` is 200 with the whole file. A single range that goes past the end of the file is cut, as it
# should be.
#
# It matters to who serves the files of a build cache so: a client that asks for the head and for some
# pages of an index by last week's size gets an error for a file that is there. Ask for one range at a time.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q starlette==1.10.0 uvicorn==0.54.0
mkdir "$dir/mirror"
printf 'a small index.txt' >"$dir/mirror/index.txt"
cat >"$dir/served.py" <<'END'
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

app = Starlette(routes=[Mount("/", StaticFiles(directory="mirror"))])
END
cd "$dir"
venv/bin/python - <<'END'
import http.client
import socket
import sys
import threading
import time

import uvicorn

sys.path.insert(0, ".")
listening = socket.create_server(("127.0.0.1", 0))
server = uvicorn.Server(uvicorn.Config("served:app", log_level="warning"))
thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
thread.start()
while not server.started and thread.is_alive():
    time.sleep(0.05)


def ask(value):
    connection = http.client.HTTPConnection(*listening.getsockname(), timeout=10)
    connection.request("GET", "/index.txt", headers={"Range": value})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    print(f"Range: {value}: {answer.status}, Content-Range {answer.getheader('Content-Range')}, {body}")
    return answer.status


try:
    seen = [ask(value) for value in ("bytes=0-3", "bytes=10-60", "bytes=0-3,50-60", "lines=0-9")]
finally:
    server.should_exit = True
    thread.join()
if seen != [206, 206, 416, 400]:
    sys.exit("changed")
END
