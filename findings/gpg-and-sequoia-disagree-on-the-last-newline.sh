#!/bin/sh
# GnuPG 2.2.40 (Debian 12, 2.2.40-1.1+deb12u2) and pysequoia 0.1.35 (PyPI): what was clear-signed with one comes
# out of the other with a newline less or more, under a good signature.
#
# The newline before "-----BEGIN PGP SIGNATURE-----" is no part of the signed text (RFC 9580, 7). GnuPG
# takes the last newline of a file for that one when it signs, and puts one back with `--decrypt`, also where
# there was none. Sequoia adds one when it signs and takes it away when it verifies. Each gives back what
# itself has signed, but for a file without a newline, which GnuPG gives one.
#
# It matters to who reads signed build caches: the checksum of a spec manifest "as it was signed" depends on
# the program that opens it, so a cache signed by gpg and looked through from Python seems to be full of files
# that have changed. Compare the document that the JSON is, not its bytes.
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
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q pysequoia==0.1.35
lib=$(echo "$dir"/root/usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH="$lib:$(echo "$dir"/root/lib/*-linux-gnu)" PATH="$dir/root/usr/bin:$PATH"
gpg() { command gpg --batch --quiet --agent-program "$dir/root/usr/bin/gpg-agent" "$@"; }
gpg --version | head -n 1
gpg --passphrase '' --quick-gen-key 'example <example@example.org>' rsa2048 sign never 2>/dev/null
gpg --armor --export >gpg.asc
# Sequoia has a key of its own, and GnuPG is told of it.
cat >sequoia.py <<'END'
import sys

from pysequoia import Cert, SignatureMode, sign, verify

task, source, target, *certificate = sys.argv[1:]
with open(source, "rb") as file:
    content = file.read()
if task == "sign":
    key = Cert.generate("example <example@example.org>")
    with open(certificate[0], "w") as file:
        file.write(str(key))
    content = sign(key.secrets.signer(), content, mode=SignatureMode.CLEAR)
else:
    answer = verify(content, store=lambda ids: [Cert.from_file(certificate[0])])
    assert answer.valid_sigs
    content = answer.bytes
with open(target, "wb") as file:
    file.write(content)
END
sequoia() { venv/bin/python -W ignore sequoia.py "$@"; }
printf '{\n"spec": "zlib"\n}\n' >manifest.json
gpg --clearsign --output by-gpg manifest.json
sequoia sign manifest.json by-sequoia sequoia.asc
gpg --import sequoia.asc 2>/dev/null
for by in gpg sequoia; do
    gpg --output out --decrypt "by-$by" 2>said
    grep -q "Good signature" said
    sequoia verify "by-$by" out2 "$by.asc"
    echo "signed by $by: $(wc -c <manifest.json) bytes; out of gpg $(wc -c <out), out of Sequoia $(wc -c <out2)"
    echo "$(wc -c <out) $(wc -c <out2)" >>seen
    rm out out2
done
cat >expected <<END
19 18
20 19
END
cmp -s seen expected || {
    echo "changed" >&2
    exit 1
}
