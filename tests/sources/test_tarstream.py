"""A tar archive read once, whatever its headers claim."""

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.sources.tarstream import TarError, TarStream
from tests.support.passes import TAR


def test_tar_headers_that_claim_much_are_refused():
    """A long name or an extended header is never read beyond a bound."""
    for kind in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XGLTYPE):
        info = tarfile.TarInfo("x")
        info.type, info.size = kind, 1 << 30
        with pytest.raises(TarError, match="has a header of"):
            list(TarStream(iter([info.tobuf(), bytes(1 << 16)])))


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=200)
            .filter(lambda name: name.strip("/")),
            st.binary(max_size=1500),
        ),
        max_size=4,
    ),
    st.integers(1, 2000),
)  # fmt: skip
def test_tar_is_read_as_tarfile_reads_it(form, files, step):
    """Names of any length in any script, contents of any size, however the bytes are cut."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as written:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            written.addfile(info, io.BytesIO(content))
    data = out.getvalue()
    with tarfile.open(fileobj=io.BytesIO(data)) as archived:
        expected = [(m.name, archived.extractfile(m).read()) for m in archived if m.isfile()]
    stream = TarStream(data[at : at + step] for at in range(0, len(data), step))
    read = [(m.name.rstrip("/"), stream.read(m.size)) for m in stream if m.is_file]
    assert read == [(name.rstrip("/"), content) for name, content in expected]


@given(st.binary(max_size=2000), st.integers(0, 3000), st.integers(1, 700))
def test_damaged_tar_is_an_error_or_a_shorter_story(noise, at, step):
    """Whatever is overwritten: TarError, or members; nothing else."""
    data = bytearray(TAR)
    data[at : at + len(noise)] = noise
    stream = TarStream(bytes(data[i : i + step]) for i in range(0, len(data), step))
    try:
        for found in stream:
            if found.is_file and found.size < 10_000:
                assert len(stream.read(found.size)) == found.size
    except TarError:
        pass
