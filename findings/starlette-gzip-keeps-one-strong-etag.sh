#!/bin/sh
# Starlette 1.10.0: GZipMiddleware sends the plain and the compressed form of an answer under the same
# strong ETag.
#
# A strong ETag stands for bytes (RFC 9110, 8.8.1: forms of one resource in several codings need
# different ones). Here the length differs and the tag does not. `gzip;q=0`, which refuses gzip, is
# compressed too, and an answer below `minimum_size` has no `Vary`.
#
# It matters to who serves an index of a build cache: a client that goes on with a download by
# `If-Range` can join two codings to one file. Tag by coding, or let the server in front compress.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q starlette==1.10.0 uvicorn==0.54.0
cat >"$dir/served.py" <<'END'
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.routing import Route


async def index(request):
    return Response(b"spec zlib\n" * 200, media_type="text/plain", headers={"ETag": '"one"'})


async def small(request):
    return Response(b"spec zlib\n", media_type="text/plain")


app = Starlette(
    routes=[Route("/index", index), Route("/small", small)],
    middleware=[Middleware(GZipMiddleware, minimum_size=500)],
)
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


def ask(path, coding):
    connection = http.client.HTTPConnection(*listening.getsockname(), timeout=10)
    connection.request("GET", path, headers={"Accept-Encoding": coding})
    answer = connection.getresponse()
    length = len(answer.read())
    connection.close()
    shown = [answer.getheader(name) for name in ("ETag", "Content-Encoding", "Vary")]
    print(f"{path} with {coding}: {length} bytes, ETag, Content-Encoding, Vary:", *shown)
    return length, *shown


try:
    plain = ask("/index", "identity")
    packed = ask("/index", "gzip")
    refused = ask("/index", "gzip;q=0")
    small = ask("/small", "gzip")
finally:
    server.should_exit = True
    thread.join()
same = plain[0] != packed[0] and plain[1] == packed[1] == '"one"'
if not (same and refused[2] == "gzip" and small[3] is None):
    sys.exit("changed")
END
