"""The machine that this runs on, as Spack calls it: asked of Python, os-release and archspec."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from contextlib import suppress
from functools import cache

from ..spack import targets
from ..spack.machine import Machine, linux_system, macos_system

__all__ = ["this_machine"]

SECONDS = 5
"""How long `sw_vers` may take."""


@cache
def this_machine() -> Machine:
    """As `spack arch` prints it."""
    kind = platform.system().lower()
    return Machine(kind, _system(kind), targets.host())


def _system(kind: str) -> str | None:
    if kind == "linux":
        return _linux()
    if kind == "darwin":
        return macos_system(os.environ.get("MACOSX_DEPLOYMENT_TARGET") or _macos())
    if kind == "freebsd":
        return "freebsd" + platform.release().partition("-")[0]
    return None


def _linux() -> str | None:
    release, debian, libc = {}, "", ""
    with suppress(OSError):
        release = platform.freedesktop_os_release()
    with suppress(OSError, UnicodeDecodeError), open("/etc/debian_version", encoding="ascii") as f:
        debian = f.readline(100).strip()
    with suppress(OSError, ValueError):
        libc = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")[2]
    return linux_system(release, debian=debian, libc=libc)


def _macos() -> str:
    """What the system says: Python says what it was built on, now and then."""
    with suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run(
            ["sw_vers"], capture_output=True, text=True, timeout=SECONDS, check=False
        ).stdout
        found = re.search(r"ProductVersion:\s*([0-9.]+)", said)
        if found is not None:
            return found[1]
    return platform.mac_ver()[0]
