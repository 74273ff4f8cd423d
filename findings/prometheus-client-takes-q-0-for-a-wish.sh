#!/bin/sh
# prometheus-client 0.26.0: what a client refuses with `q=0` it is sent, and HEAD is refused.
#
# `Accept-Encoding: gzip;q=0` says "anything but gzip" (RFC 9110, 12.5.3) and is answered with gzip;
# `Accept: application/openmetrics-text;q=0, text/plain` is answered with OpenMetrics. HEAD, which
# RFC 9110 asks of every general-purpose server, is 405 with `Allow: OPTIONS,GET`.
#
# It matters to who watches a daemon through a proxy or a health check: a check by HEAD calls a
# well daemon down, and a client that cannot unpack gets what it cannot read.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q prometheus-client==0.26.0
"$dir/venv/bin/python" - <<'END'
import http.client
import sys

from prometheus_client import CollectorRegistry, Gauge, start_http_server

registry = CollectorRegistry()
Gauge("specs", "How many.", registry=registry).set(409)
server, thread = start_http_server(0, addr="127.0.0.1", registry=registry)


def ask(method, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request(
        method, "/metrics", headers={k.replace("_", "-"): v for k, v in headers.items()}
    )
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


coding = ask("GET", Accept_Encoding="gzip;q=0").getheader("Content-Encoding")
kind = ask("GET", Accept="application/openmetrics-text;q=0, text/plain").getheader("Content-Type")
head = ask("HEAD").status
server.shutdown()
thread.join()
print("Accept-Encoding: gzip;q=0 ->", coding)
print("Accept: application/openmetrics-text;q=0, text/plain ->", kind)
print("HEAD ->", head)
if coding != "gzip" or "openmetrics" not in kind or head != 405:
    sys.exit("changed")
END
