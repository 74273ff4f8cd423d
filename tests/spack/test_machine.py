"""What Spack calls a machine, and what it takes of what was built for another."""

import pytest

from cachesync.spack.machine import Fit, Machine, fit, linux_system, macos_system


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ({"ID": "debian", "VERSION_ID": "12"}, "debian12"),
        ({"ID": "ubuntu", "ID_LIKE": "debian", "VERSION_ID": "22.04"}, "ubuntu22.04"),
        ({"ID": "rhel", "VERSION_ID": "8.9"}, "rhel8"),
        ({"ID": "rocky", "VERSION_ID": "9.3"}, "rocky9"),
        ({"ID": "almalinux", "VERSION_ID": "8.10"}, "almalinux8"),
        ({"ID": "amzn", "VERSION_ID": "2"}, "amzn2"),
        ({"ID": "sles", "VERSION_ID": "15.4"}, "sles15"),
        ({"ID": "ol", "VERSION_ID": "9.2"}, "oracle9"),
        ({"ID": "opensuse-leap", "VERSION_ID": "15.5"}, "opensuse15"),
        ({"ID": "opensuse-tumbleweed", "VERSION_ID": "20250101"}, "opensusetumbleweed2.40"),
        ({"ID": "arch"}, "arch"),
        ({"ID": "debian"}, "debiantrixie"),
        ({"ID": "red-hat", "VERSION_ID": "1"}, "red_hat1"),
        ({}, None),
    ],
)
def test_a_linux_has_the_name_that_spack_gives_it(release, expected):
    """By its os-release; of Ubuntu with the second part of its version, of others without."""
    assert linux_system(release, debian="trixie/sid", libc="2.40") == expected


@pytest.mark.parametrize(
    ("version", "expected"),
    [("15.2", "sequoia"), ("26.0.1", "tahoe"), ("11", "bigsur"), ("10.15.7", "catalina"),
     ("10.16", "bigsur"), ("27.1", "macos"), ("", "macos")],
)  # fmt: skip
def test_a_macos_has_the_name_of_its_release(version, expected):
    """A release that is not known is `macos`, as to Spack."""
    assert macos_system(version) == expected


LINUX = Machine("linux", "debian12", "zen4")
MAC = Machine("darwin", "sequoia", "m2")


@pytest.mark.parametrize(
    ("machine", "build", "expected"),
    [
        (LINUX, "linux debian12 zen4", Fit.SAME),
        (LINUX, "linux debian12 x86_64_v3", Fit.SAME),
        (LINUX, "linux ubuntu22.04 x86_64", Fit.OTHER_SYSTEM),
        (LINUX, "linux debian12 zen5", Fit.NOT),
        (LINUX, "linux debian12 aarch64", Fit.NOT),
        (LINUX, "linux debian12 nosuch", Fit.NOT),
        (LINUX, "darwin sequoia x86_64", Fit.NOT),
        (LINUX._replace(os=None), "linux debian12 zen", Fit.OTHER_SYSTEM),
        (MAC, "darwin sequoia m1", Fit.SAME),
        (MAC, "darwin sonoma m1", Fit.OLDER),
        (MAC, "darwin ventura m1", Fit.NOT),
        (MAC, "darwin tahoe m1", Fit.NOT),
        (MAC._replace(os="catalina"), "darwin mojave m1", Fit.NOT),
        (MAC._replace(os="macos"), "darwin sonoma m1", Fit.NOT),
    ],
)
def test_what_suits_a_machine(machine, build, expected):
    """The processor runs it, by archspec; of systems Spack takes the same, and the macOS before."""
    assert fit(machine, *build.split()) is expected
