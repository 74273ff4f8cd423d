"""What kind of file system a path lies on, and whether that one tells what other hosts write.

The numbers are those of `f_type` in statfs(2): `linux/magic.h`; the sources of Linux for what that
leaves out (`fs/orangefs/super.c`, `fs/vboxsf/super.c`, `fs/gfs2`); and for vendors' modules the list
in `src/stat.c` of GNU coreutils (Lustre, GPFS, BeeGFS as FhGFS, PanFS, StorNext, ACFS, IBRIX, HGFS, Parallels).

`os.statvfs` has no `f_type`, so the C library is asked. `/proc/self/mountinfo` would have to be
matched with a path by hand, and be read after an automounter has done its work; statfs(2) lets it,
and answers for what really lies there: a bind mount is what it binds. An overlay is watched: it
tells what is written through it. FUSE says nothing of what is behind it (CVMFS, sshfs, virtiofs, a
local NTFS): it is polled, which is never wrong, only slower. A kind that is not known is watched.
"""

from __future__ import annotations

import ctypes
import os
import platform

__all__ = ["SILENT", "kind_of", "number", "silent_kind"]

SILENT = {
    0x5346414F: "AFS",  # OpenAFS
    0x6B414653: "AFS",  # kAFS, which has had the number above since Linux 4.15
    0x0187: "autofs",  # still so after statfs: what it mounts is not there now
    0x00C36400: "Ceph",
    0xFF534D42: "CIFS",
    0xFE534D42: "SMB",
    0x517B: "SMB",
    0x73757245: "Coda",
    0x19830326: "BeeGFS",
    0x65735546: "FUSE",
    0x01161970: "GFS2",
    0x47504653: "GPFS",
    0x013111A8: "IBRIX",
    0x0BD00BD0: "Lustre",
    0x564C: "NCP",
    0x6969: "NFS",
    0x7461636F: "OCFS2",
    0x20030528: "OrangeFS",
    0xAAD7AAEA: "PanFS",
    0xBEEFDEAD: "StorNext",
    0x61636673: "ACFS",
    0x01021997: "9p",
    0x786F4256: "vboxsf",
    0xBACBACBC: "VMware HGFS",
    0x7C7C6673: "Parallels",
    0x00C0FFEE: "hostfs",
}
"""Kinds on which others write without the kernel telling of it, by `f_type`."""
_BYTES = 256
"""Room for a `struct statfs`, which has 120 bytes at most."""


def silent_kind(f_type: int) -> str | None:
    """The name of a kind that does not tell what other hosts write; None for one that does."""
    return SILENT.get(f_type & 0xFFFFFFFF)


def number(path: str) -> int:
    """`f_type` of the file system that holds `path`. Raises OSError where nobody can tell."""
    buffer = ctypes.create_string_buffer(_BYTES)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.statfs(os.fsencode(path), buffer):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), path)
    # The first member: __fsword_t, which is unsigned int on s390x and a long elsewhere.
    word = ctypes.c_uint32 if platform.machine() == "s390x" else ctypes.c_ulong
    return word.from_buffer(buffer).value & 0xFFFFFFFF


def kind_of(path: str) -> str | None:
    """`silent_kind` of what holds `path`; None too where nobody can tell."""
    try:
        return silent_kind(number(path))
    except OSError:
        return None
