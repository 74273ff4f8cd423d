#!/bin/sh
# GnuPG 2.2.40 (Debian 12, 2.2.40-1.1+deb12u2): `--clearsign` cuts a line at 19,995 characters, ends
# with status 0, and what it has cut has a good signature.
#
# A JSON document in one line of 25,023 bytes is signed and taken out again with `--decrypt`: 19,994
# bytes, which are no JSON any more. Of the loss there is one note on standard error, without the
# word error or warning.
#
# It matters to who makes or reads signed build caches: the clear-signed form is that of Spack's signed
# spec manifests, which therefore are written one JSON token a line. A compact manifest would be
# signed, verified, and useless.
set -eu
dir=$(mktemp -d)
finish() {
    gpgconf --kill gpg-agent >/dev/null 2>&1 || true
    rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM
export GNUPGHOME="$dir/home"
mkdir -m 700 "$GNUPGHOME"
packages="gpg=2.2.40-1.1+deb12u2 gpg-agent=2.2.40-1.1+deb12u2 gpgconf=2.2.40-1.1+deb12u2"
packages="$packages libassuan0 libgcrypt20 libgpg-error0 libnpth0 libreadline8 libsqlite3-0"
cd "$dir"
# shellcheck disable=SC2086
apt-get -q download $packages >/dev/null 2>&1 || {
    echo "apt-get cannot download: $packages (needs Debian 12 and its package lists)" >&2
    exit 2
}
for package in *.deb; do dpkg -x "$package" root; done
lib=$(echo "$dir"/root/usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH="$lib:$(echo "$dir"/root/lib/*-linux-gnu)" PATH="$dir/root/usr/bin:$PATH"
gpg() { command gpg --batch --agent-program "$dir/root/usr/bin/gpg-agent" "$@"; }
gpg --version | head -n 1
gpg --quiet --passphrase '' --quick-gen-key 'example <example@example.org>' rsa2048 sign never 2>/dev/null
python3 -c 'import json; print(json.dumps({"spec": "x" * 25000, "end": 1}))' >manifest.json
gpg --clearsign --output manifest.sig manifest.json 2>said && echo "clearsign: status 0"
grep longer said || echo "(nothing said about the length)"
gpg --output back.json --decrypt manifest.sig 2>said && grep -o "Good signature" said
before=$(wc -c <manifest.json) after=$(wc -c <back.json)
echo "$before bytes signed, $after bytes came back"
if [ "$after" -ge "$before" ]; then
    echo "changed: the line came back whole" >&2
    exit 1
fi
