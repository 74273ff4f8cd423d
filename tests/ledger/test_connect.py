"""What an error of a file system becomes: it names the file, as it is called in the state directory."""

import errno
import os
from pathlib import Path

import pytest

from cachesync.errors import LedgerError
from cachesync.ledger import connect

ROOT = Path("/srv/state")


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (f"{ROOT}/index/3/MAIN_1.toc", "index/3/MAIN_1.toc: "),
        (os.fsencode(f"{ROOT}/index"), "index: "),
        ("/elsewhere/x", "/elsewhere/x: "),
        (f"{ROOT}/a\x1b[31m\nb", "a\\x1b[31m\\nb: "),
        (b"/srv/state/\xff", "\\xff: "),
        (ROOT, ""),
        (None, ""),
        (7, ""),
    ],
)
def test_the_file_that_cannot_be_used_is_named(path, shown):
    """Relative to the state directory, and printable; a descriptor or the directory is no name."""
    with pytest.raises(LedgerError) as caught, connect.ledger_errors(ROOT):
        raise OSError(errno.EACCES, "Permission denied", path)
    assert caught.value.message == (
        f"the state directory {ROOT} cannot be used: {shown}Permission denied"
    )
