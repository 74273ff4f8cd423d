#!/bin/sh
# docker-registry 2.8.2 (Debian 12, 2.8.2+ds1-1): `tags/list` knows neither `n` nor `last`, and is not
# in order; `_catalog` of the same server pages.
#
# Asked for two of twelve tags it sends twelve, without a `Link`, and from `last` on it sends twelve
# again. The OCI distribution specification wants at most `n`, in lexical order. HEAD is 405.
#
# It matters to who reads an OCI build cache, where every spec is a tag: a loop that asks for pages
# until one is empty does not end here, and one that goes on from the last tag of a page goes back.
# Sort the tags, and stop when a page brings nothing new.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
packages="docker-registry=2.8.2+ds1-1"
cd "$dir"
apt-get -q download "$packages" >/dev/null 2>&1 || {
    echo "apt-get cannot download: $packages (needs Debian 12 and its package lists)" >&2
    exit 2
}
dpkg -x docker-registry*.deb root
python3 - "$dir" <<'END'
import contextlib
import hashlib
import http.client
import json
import pathlib
import socket
import subprocess
import sys
import time

here = pathlib.Path(sys.argv[1])
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
(here / "config.yml").write_text(
    "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
    f"storage: {{filesystem: {{rootdirectory: {here}/data}}}}\n"
    f"http: {{addr: '127.0.0.1:{port}', secret: example}}\n"
)
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def ask(method, path, body=None, kind="application/octet-stream"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, body=body, headers={"Content-Type": kind})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


def push(repository, tags):
    config = b"{}"
    digest = "sha256:" + hashlib.sha256(config).hexdigest()
    begun, _ = ask("POST", f"/v2/{repository}/blobs/uploads/", b"")
    place = begun.getheader("Location").partition(f":{port}")[2]
    ask("PUT", f"{place}&digest={digest}", config)
    described = {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 2}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": []}
    manifest["config"] = {**described, "digest": digest}
    for tag in tags:
        answer, content = ask(
            "PUT", f"/v2/{repository}/manifests/{tag}", json.dumps(manifest), MANIFEST
        )
        if answer.status != 201:
            sys.exit(f"not pushed: {answer.status} {content}")


def tags(query):
    answer, content = ask("GET", f"/v2/specs/tags/list{query}")
    found = json.loads(content)["tags"]
    print(f"tags/list{query}: {len(found)} tags, Link {answer.getheader('Link')}")
    return found, answer.getheader("Link")


server = subprocess.Popen([here / "root/usr/bin/docker-registry", "serve", here / "config.yml"])
try:
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            break
        if server.poll() is not None:
            sys.exit("docker-registry ended")
        time.sleep(0.1)
    made = [f"zlib-1.{number}.spack" for number in range(12)]
    push("specs", made)
    push("other", ["one"])
    asked = [tags(query) for query in ("", "?n=2", f"?n=2&last={max(made)}")]
    catalog, listed = ask("GET", "/v2/_catalog?n=1")
    head = ask("HEAD", "/v2/specs/tags/list")[0].status
finally:
    server.terminate()
    server.wait(10)
print("in order:", asked[0][0] == sorted(made))
print("_catalog?n=1:", listed.decode().strip(), "Link", catalog.getheader("Link"))
print("HEAD of tags/list:", head)
if any((len(found), link) != (12, None) for found, link in asked):
    sys.exit("changed: the tags come in pages")
if catalog.getheader("Link") is None or head != 405:
    sys.exit("changed")
END
