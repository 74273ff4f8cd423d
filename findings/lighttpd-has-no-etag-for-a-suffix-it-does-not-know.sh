#!/bin/sh
# lighttpd 1.4.69 (Debian 12, 1.4.69-1): a file whose suffix is not in `mimetype.assign` has neither ETag nor
# Last-Modified, and is never "not modified".
#
# "If no file extension mapping matches", says the documentation of the option, application/octet-stream is
# used; so it is, and caching goes off with it. To add `"" => "application/octet-stream"`, which asks for the
# same type, brings both headers back and 304 with them. That this is so stands in a comment of the file that
# Debian's own configuration makes, and who writes a short one of his own does not see it.
#
# It matters to who serves a build cache: .spack, .sig and files without a suffix are fetched whole in every
# pass of every mirror, and no client can go on with part of one by If-Range. Have the line with "".
set -eu
dir=$(mktemp -d)
server=
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM
packages="lighttpd=1.4.69-1 libpcre2-8-0 libxxhash0 libnettle8"
cd "$dir"
# shellcheck disable=SC2086
apt-get -q download $packages >/dev/null 2>&1 || {
    echo "apt-get cannot download: $packages (needs Debian 12 and its package lists)" >&2
    exit 2
}
for package in *.deb; do dpkg -x "$package" root; done
LD_LIBRARY_PATH=$(echo "$dir"/root/usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH
mkdir mirror
for name in index.json zlib.spack zlib.spec.json.sig; do echo "content of $name" >"mirror/$name"; done
cat >ask.py <<'END'
import http.client
import sys


def ask(name, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=10)
    connection.request("GET", f"/{name}", headers={key.replace("_", "-"): value for key, value in headers.items()})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


for name in ("index.json", "zlib.spack", "zlib.spec.json.sig"):
    first = ask(name)
    kind, etag, date = (first.getheader(key) for key in ("Content-Type", "ETag", "Last-Modified"))
    again = ask(name, If_Modified_Since=first.getheader("Date")).status
    print(f"{name}: {kind}, {'an' if etag else 'no'} ETag, {'a' if date else 'no'} Last-Modified, then {again}")
END
for types in '".json" => "application/json"' '".json" => "application/json", "" => "application/octet-stream"'; do
    port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
    cat >lighttpd.conf <<END
server.document-root = "$dir/mirror"
server.bind = "127.0.0.1"
server.port = $port
server.errorlog = "$dir/errors"
mimetype.assign = ( $types )
END
    root/usr/sbin/lighttpd -m "$(echo "$dir"/root/usr/lib/lighttpd)" -D -f lighttpd.conf &
    server=$!
    until python3 -c "import socket; socket.create_connection(('127.0.0.1', $port))" 2>/dev/null; do
        kill -0 "$server"
        sleep 0.1
    done
    echo "mimetype.assign = ( $types )"
    python3 ask.py "$port" | tee part
    cat part >>seen
    kill "$server"
    wait "$server" || true
    server=
done
cat >expected <<END
index.json: application/json, an ETag, a Last-Modified, then 304
zlib.spack: application/octet-stream, no ETag, no Last-Modified, then 200
zlib.spec.json.sig: application/octet-stream, no ETag, no Last-Modified, then 200
index.json: application/json, an ETag, a Last-Modified, then 304
zlib.spack: application/octet-stream, an ETag, a Last-Modified, then 304
zlib.spec.json.sig: application/octet-stream, an ETag, a Last-Modified, then 304
END
cmp -s seen expected || {
    echo "changed" >&2
    exit 1
}
