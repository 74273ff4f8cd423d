"""What a machine is called by Spack, and what it runs of what was built for others. Functions of their arguments.

Names and rules are those of Spack 1.1.1: `operating_systems/linux_distro.py`, `mac_os.py`, its `distro` library,
and the solver's `os_compatibility.lp`. On Linux Spack does not ask for the same system: it takes what was built for
another one where the C library of this one is no older, which neither pages nor cache indexes tell of.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

from . import targets

__all__ = ["Fit", "Machine", "fit", "linux_system", "macos_system"]

_RELEASES = {
    "10.13": "highsierra", "10.14": "mojave", "10.15": "catalina", "10.16": "bigsur", "11": "bigsur",
    "12": "monterey", "13": "ventura", "14": "sonoma", "15": "sequoia", "26": "tahoe",
}  # fmt: skip
"""Version of macOS -> what Spack calls it; others are `macos`."""
_MACOS = tuple(dict.fromkeys(_RELEASES.values()))
_OLDEST_COMPATIBLE = _MACOS.index("catalina")
_NAMES = {"ol": "oracle", "opensuse-leap": "opensuse"}
"""ID in os-release -> the name that it has to Spack, where that is another."""


class Machine(NamedTuple):
    """What Spack prints for a machine, as `spack arch` does."""

    platform: str
    os: str | None
    """None where nobody knows."""
    target: str

    def __str__(self) -> str:
        return f"{self.platform}-{self.os or 'unknown'}-{self.target}"


class Fit(IntEnum):
    """How well a build suits a machine, the best first."""

    SAME = 0
    """It is for this system, and the processor runs it."""
    OLDER = 1
    """It is for the macOS before this one, which Spack takes."""
    OTHER_SYSTEM = 2
    """The processor runs it; whether the C library does, nobody knows here."""
    NOT = 3


def fit(machine: Machine, platform: str, os: str, target: str) -> Fit:
    """How well a build for a platform, system and target suits a machine."""
    if platform != machine.platform or target not in targets.ancestors(machine.target):
        return Fit.NOT
    if os == machine.os:
        return Fit.SAME
    if platform != "darwin":
        return Fit.OTHER_SYSTEM if platform == "linux" else Fit.NOT
    newer = _MACOS.index(machine.os) if machine.os in _MACOS else 0
    return Fit.OLDER if newer > _OLDEST_COMPATIBLE and _MACOS[newer - 1] == os else Fit.NOT


def linux_system(release: Mapping[str, str], *, debian: str = "", libc: str = "") -> str | None:
    """The system of a Linux, `debian12`, by its os-release; None where that does not name it.

    `debian` is what /etc/debian_version says, for a Debian that has no number yet, `libc` the version of the C
    library, by which Spack tells a Tumbleweed.
    """
    named = release.get("ID", "").lower().replace(" ", "_")
    name = _NAMES.get(named, named)
    if not name:
        return None
    is_debian = name == "debian" or "debian" in release.get("ID_LIKE", "").split()
    version = re.split(r"[^\w-]", release.get("VERSION_ID") or (debian if is_debian else ""))
    if name in ("opensuse-tumbleweed", "opensusetumbleweed"):
        return f"opensusetumbleweed{libc or version[0]}"
    number = ".".join(version[:2]) if "ubuntu" in name else version[0]
    return f"{name}{number}".replace("-", "_")


def macos_system(version: str) -> str:
    """The system of a macOS by its version, `14.5`."""
    major, _, rest = version.partition(".")
    return _RELEASES.get(f"10.{rest.partition('.')[0]}" if major == "10" else major, "macos")
