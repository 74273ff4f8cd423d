"""What arrives is what lies in the file, and the checksum is of that, however it came and how large it is."""

import hashlib
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachesync.errors import SourceError
from cachesync.sources.mirror.spool import Spool
from tests.support.mirrorreading import lose_what_was_written

MANY = 1 << 22
# Around what is hashed at once, where a thread begins to.
SIZES = st.sampled_from([0, 1, 1000, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20])
STEPS = st.lists(st.tuples(st.sampled_from(["write", "copy", "clear", "ask"]), SIZES), max_size=6)


@settings(max_examples=40)
@given(STEPS)
def test_the_checksum_is_that_of_what_was_written(tmp_path_factory, steps):
    """In pieces, copied from a file, begun again, and asked for in between."""
    path = tmp_path_factory.getbasetemp() / "piece"
    held = b""
    with Spool(MANY * len(steps) + 1) as spool:
        for number, (step, size) in enumerate(steps):
            piece = bytes([number + 1]) * size
            if step == "write":
                spool.write(piece)
                held += piece
            elif step == "copy":
                path.write_bytes(b"before" + piece)
                with open(path, "rb", buffering=0) as file:
                    os.lseek(file.fileno(), 6, os.SEEK_SET)
                    spool.copy(file.fileno())
                held += piece
            elif step == "clear":
                spool.clear()
                held = b""
            else:
                assert spool.checksum == hashlib.sha256(held).hexdigest()
        assert spool.checksum == hashlib.sha256(held).hexdigest()
        assert (spool.size, b"".join(spool.pieces())) == (len(held), held)


@pytest.mark.parametrize("way", ["write", "copy"])
def test_more_than_is_wanted_is_refused(tmp_path, way):
    """By its size, however it comes; a file that never ends is read no further."""
    path = tmp_path / "large"
    path.write_bytes(bytes(5000))
    with Spool(4999) as spool, open(path, "rb") as file, pytest.raises(SourceError, match="larger"):
        spool.write(file.read()) if way == "write" else spool.copy(file.fileno())
    with Spool(1 << 24) as spool, open("/dev/zero", "rb") as file, pytest.raises(SourceError):
        spool.copy(file.fileno())


def test_a_pipe_is_copied_although_the_kernel_does_not():
    """What cannot be copied by the kernel is read."""
    reading, writing = os.pipe()
    with open(reading, "rb") as source, Spool(100) as spool:
        os.write(writing, b"some text")
        os.close(writing)
        spool.copy(source.fileno())
        assert spool.checksum == hashlib.sha256(b"some text").hexdigest()


@pytest.mark.parametrize("size", [1, 1000, 500_000])
def test_what_cannot_be_read_again_is_a_failure_with_a_remedy(tmp_path, monkeypatch, size):
    """As soon as something is read of it: for the checksum, the beginning, or all."""
    monkeypatch.setenv("TMPDIR", os.fspath(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with Spool(MANY) as spool:
        spool.write(bytes(size))
        lose_what_was_written(tmp_path)
        for ask in (
            lambda: spool.checksum,
            spool.begins,
            spool.is_packed,
            lambda: [*spool.pieces()],
        ):
            with pytest.raises(SourceError) as caught:
                ask()
    assert caught.value.message == (
        f"a temporary file in {tmp_path} could not be read again: input/output error"
    )
    assert "TMPDIR" in caught.value.hint


def test_what_it_begins_with_stands_behind_blanks():
    """However many there are."""
    for blanks in (0, 1, 63, 64, 65, (1 << 20) + 63, (1 << 20) + 64, (1 << 20) + 65):
        with Spool(MANY) as spool:
            spool.write(b" " * blanks + b'{"database"' + bytes(100))
            assert spool.begins() == (b'{"database"' + bytes(100))[:64]
            assert not spool.is_packed()
    with Spool(MANY) as spool:
        spool.write(b"\n" * 5000)
        assert spool.begins() == b""
