"""Which directories are polled though they could be watched, and how often."""

import os
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.config.settings import WatchMode
from cachesync.system import filesystem
from cachesync.watch.choice import choose
from cachesync.watch.events import Dirty, Polling, WatchReason
from cachesync.watch.poll import pause_seconds
from tests.support.watching import Watched, write

NUMBERS = {
    0x6969: "NFS", 0x0BD00BD0: "Lustre", 0x47504653: "GPFS", 0x19830326: "BeeGFS", 0x01021997: "9p",
    0x65735546: "FUSE", 0xFF534D42: "CIFS", 0xFE534D42: "SMB", 0x517B: "SMB", 0x5346414F: "AFS",
    0x6B414653: "AFS", 0x00C36400: "Ceph", 0xAAD7AAEA: "PanFS", 0x0187: "autofs", 0x73757245: "Coda",
    0xEF53: None, 0x58465342: None, 0x9123683E: None, 0x01021994: None, 0x794C7630: None,
    0x2FC12FC1: None, 0xF2F52010: None, 0x73717368: None, 0: None,
}  # fmt: skip
"""By `f_type`; the last ones are ext4, xfs, btrfs, tmpfs, overlay, zfs, f2fs, squashfs, unknown."""


@pytest.mark.parametrize(("f_type", "name"), NUMBERS.items())
def test_kinds_by_number(f_type, name):
    """Also where a machine hands out the number with its sign extended."""
    assert filesystem.silent_kind(f_type) == name
    assert filesystem.silent_kind(f_type - (1 << 32) if f_type >> 31 else f_type) == name


def test_the_number_is_the_kernels():
    """The same that `stat -f` prints, of whatever this machine has."""
    for path in ("/", "/proc", "/dev", "/sys"):
        said = subprocess.run(["stat", "-f", "-c", "%t", path], capture_output=True, check=True)
        assert filesystem.number(path) == int(said.stdout, 16)
    with pytest.raises(FileNotFoundError):
        filesystem.number("/nowhere")
    assert filesystem.kind_of("/nowhere") is None


@pytest.mark.parametrize("kind", [None, "NFS"])
@pytest.mark.parametrize("mode", WatchMode)
def test_what_is_polled_and_why(mode, kind):
    """`watch:` decides; where it says auto, the kind of file system does."""
    chosen = choose(mode, kind)
    why = None if chosen is None else chosen.why
    assert why == {
        (WatchMode.POLL, None): WatchReason.CONFIGURED,
        (WatchMode.POLL, "NFS"): WatchReason.CONFIGURED,
        (WatchMode.AUTO, "NFS"): WatchReason.FILESYSTEM,
    }.get((mode, kind))


@given(every=st.floats(0.1, 1e6), took=st.floats(0, 1e6))
def test_a_look_takes_at_most_a_tenth_of_the_time(every, took):
    """Never sooner than asked for, and no later than it must be."""
    pause = pause_seconds(every, took)
    assert pause >= every
    assert took <= pause / 10 * (1 + 1e-9)
    assert pause == every or took > every / 10


def test_polling_that_is_configured(tree):
    """Changes are told, the reason is kept, and no event is waited for."""
    with Watched(tree, mode=WatchMode.POLL, mirroring=False) as watched:
        told = watched.wait_for(lambda event: isinstance(event, Polling))
        assert told.why is WatchReason.CONFIGURED
        watched.wait_for(lambda event: event == Dirty(""))
        write(tree, "a/x", "new")
        watched.wait_for(lambda event: event == Dirty("a/x/"))
        assert watched.watcher.polled == told
        assert watched.watcher.pause_seconds >= 0.1
        assert watched.kinds() == ["Polling"]


def test_a_fuse_mount_is_polled(tree, tmp_path):
    """What is written behind it, as another host would, is told; by events it would not be."""
    if shutil.which("bindfs") is None or not os.path.exists("/dev/fuse"):
        pytest.skip("bindfs or /dev/fuse is missing")
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    done = subprocess.run(
        ["bindfs", tree, mounted], capture_output=True, text=True, check=False, timeout=30
    )
    if done.returncode:
        pytest.skip(f"bindfs cannot mount: {done.stderr.strip()}")
    try:
        with Watched(mounted, mirroring=False) as watched:
            told = watched.wait_for(lambda event: isinstance(event, Polling))
            assert told == (WatchReason.FILESYSTEM, "FUSE does not tell what other hosts write")
            watched.wait_for(lambda event: event == Dirty(""))
            write(tree, "a/x", "behind it")
            watched.wait_for(lambda event: event == Dirty("a/x/"))
    finally:
        subprocess.run(["umount", mounted], check=True)
