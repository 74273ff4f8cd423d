#!/bin/sh
# docker-registry 2.8.2 (Debian 12, 2.8.2+ds1-1): a manifest that its storage has lost is "not modified".
#
# A tag is a small file with a digest in it, and `If-None-Match` is compared with that alone. Where the
# content behind it is gone (a bucket's lifecycle rule, a restored copy of half a disk), who asks with the
# digest is told 304, and everybody else 404 MANIFEST_UNKNOWN. The tag stays in `tags/list`.
#
# It matters to who mirrors or indexes an OCI build cache with conditional requests: every pass finds
# all as it was, and no installation works. Ask now and then without the condition.
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
import shutil
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


def ask(method, path, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body=body, headers=named)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


def get(**headers):
    answer, content = ask("GET", "/v2/specs/manifests/zlib-1.3.spack", Accept=MANIFEST, **headers)
    code = json.loads(content)["errors"][0]["code"] if answer.status == 404 else ""
    print(f"  {'with' if headers else 'without'} If-None-Match: {answer.status} {code}")
    return answer.status


server = subprocess.Popen(
    [here / "root/usr/bin/docker-registry", "serve", here / "config.yml"], stderr=subprocess.DEVNULL
)
try:
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            break
        if server.poll() is not None:
            sys.exit("docker-registry ended")
        time.sleep(0.1)
    config = b"{}"
    digest = "sha256:" + hashlib.sha256(config).hexdigest()
    begun, _ = ask("POST", "/v2/specs/blobs/uploads/", b"")
    place = begun.getheader("Location").partition(f":{port}")[2]
    ask("PUT", f"{place}&digest={digest}", config, Content_Type="application/octet-stream")
    kind = "application/vnd.oci.image.config.v1+json"
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": MANIFEST, "layers": [],
        "config": {"mediaType": kind, "size": 2, "digest": digest},
    })
    path = "/v2/specs/manifests/zlib-1.3.spack"
    answer, _ = ask("PUT", path, manifest, Content_Type=MANIFEST)
    if answer.status != 201:
        sys.exit(f"not pushed: {answer.status}")
    own = hashlib.sha256(manifest.encode()).hexdigest()
    etag = f'"sha256:{own}"'
    print("as it was pushed:")
    before = [get(), get(If_None_Match=etag)]
    shutil.rmtree(here / f"data/docker/registry/v2/blobs/sha256/{own[:2]}/{own}")
    print("when the storage has lost it:")
    after = [get(), get(If_None_Match=etag)]
    listed = json.loads(ask("GET", "/v2/specs/tags/list")[1])["tags"]
    print("  tags/list:", listed)
finally:
    server.terminate()
    server.wait(10)
if (before, after, len(listed)) != ([200, 304], [404, 304], 1):
    sys.exit("changed")
END
