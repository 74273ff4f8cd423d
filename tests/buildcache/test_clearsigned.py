"""The text of a clear-signed message, as gpg writes it."""

import shutil
import subprocess
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.buildcache import clearsigned
from cachesync.errors import CacheIndexError

HEAD = b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n"
TAIL = b"\n-----BEGIN PGP SIGNATURE-----\n\niQIz=\n-----END PGP SIGNATURE-----\n"

lines = st.lists(st.text(st.characters(codec="ascii", exclude_characters="\r\n"), max_size=9).map(str.rstrip))  # fmt: skip


@given(lines)
def test_what_was_signed_is_read_again(said):
    """Whatever the lines are, dashes at their beginning included (RFC 9580, 7.1)."""
    escaped = "\n".join(f"- {line}" if line.startswith("-") else line for line in said)
    message = HEAD + escaped.encode() + TAIL
    assert clearsigned.is_signed(message)
    assert clearsigned.text(message) == "\n".join(said).encode()


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"-----BEGIN PGP SIGNED MESSAGE-----", "no text"),
        (HEAD.replace(b"Hash", b"NotDashEscaped") + b"a" + TAIL, "header that is not understood"),
        (HEAD + b"{}", "ends before its signature"),
        (HEAD + b"{}" + TAIL[:-10], "ends before its signature"),
        (HEAD + b"-{}" + TAIL, "not escaped: '-{}'"),
    ],
)
def test_what_is_no_message_is_refused(message, reason):
    with pytest.raises(CacheIndexError, match=reason):
        clearsigned.text(message)


@pytest.fixture(scope="module")
def gpg_home():
    """A key, in a directory of its own; its path has to be short, since sockets lie in it."""
    if shutil.which("gpg") is None:
        pytest.skip("there is no gpg")
    with tempfile.TemporaryDirectory(dir="/tmp") as home, pytest.MonkeyPatch.context() as patch:
        patch.setenv("GNUPGHOME", home)
        make = [
            "gpg",
            "--batch",
            "--quiet",
            "--passphrase",
            "",
            "--quick-gen-key",
            "t@x",
            "ed25519",
        ]
        try:
            subprocess.run(make, check=True, capture_output=True)
            yield home
        finally:
            subprocess.run(["gpgconf", "--kill", "all"], check=False, capture_output=True)


@pytest.mark.parametrize(("count", "is_whole"), [(19_992, True), (19_993, False), (30_000, False)])
def test_a_line_that_gpg_has_cut_is_refused(gpg_home, count, is_whole):
    """It cuts longer ones to 19,993 characters, so one of that length may be cut, and says no word."""
    line = b"-" + b"x" * (count - 1)
    message = subprocess.run(
        ["gpg", "--batch", "--clearsign"], input=line + b"\n", check=True, capture_output=True
    ).stdout
    if is_whole:
        assert clearsigned.text(message).rstrip(b"\n") == line
    else:
        with pytest.raises(CacheIndexError, match="which gpg cuts"):
            clearsigned.text(message)
