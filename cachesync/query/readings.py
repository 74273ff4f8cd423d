"""What a bare word may mean that no value of any field is: a table, and what follows from the values there are. Pure.

A reading is text of the query language, or the target of a machine. Which of them finds something is asked elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ..spack import variants

__all__ = ["COMMON", "Reading", "Values", "of_name", "of_pair", "of_word", "off", "words"]

Values = Callable[[str, str], list[str]]
"""The values of a field that begin so, as the index has them."""

COMMON: dict[str, tuple[str, ...]] = {
    # compilers
    "intel": ("compiler:oneapi", "compiler:intel", "compiler:intel-oneapi-compilers"),
    "icc": ("compiler:intel", "compiler:oneapi"),
    "icpc": ("compiler:intel", "compiler:oneapi"),
    "ifort": ("compiler:intel", "compiler:oneapi"),
    "icx": ("compiler:oneapi", "compiler:intel-oneapi-compilers"),
    "icpx": ("compiler:oneapi", "compiler:intel-oneapi-compilers"),
    "ifx": ("compiler:oneapi", "compiler:intel-oneapi-compilers"),
    "dpcpp": ("compiler:oneapi", "compiler:dpcpp"),
    "clang": ("compiler:clang", "compiler:llvm", "compiler:apple-clang"),
    "llvm": ("compiler:llvm", "compiler:clang"),
    "flang": ("compiler:llvm", "compiler:clang"),
    "xcode": ("compiler:apple-clang",),
    "gnu": ("compiler:gcc",),
    "g++": ("compiler:gcc",),
    "gfortran": ("compiler:gcc",),
    "pgi": ("compiler:nvhpc", "compiler:pgi"),
    "nvc": ("compiler:nvhpc",),
    "nvfortran": ("compiler:nvhpc",),
    "aocc": ("compiler:aocc",),
    "cray": ("compiler:cce",),
    "fujitsu": ("compiler:fj",),
    # processors
    "arm": ("target:aarch64", "target:neoverse*", "target:armv8*", "target:a64fx", "compiler:arm"),
    "arm64": ("target:aarch64", "target:neoverse*", "target:armv8*"),
    "armv8": ("target:aarch64", "target:armv8*"),
    "x86": ("target:x86_64*",),
    "x64": ("target:x86_64*",),
    "x86-64": ("target:x86_64*",),
    "amd64": ("target:x86_64*",),
    "avx2": ("target:x86_64_v3",),
    "avx512": ("target:x86_64_v4",),
    "amd": ("target:zen*", "+rocm", "--runs-on zen4"),
    "epyc": ("--runs-on zen4",),
    "ryzen": ("--runs-on zen4",),
    "naples": ("--runs-on zen",),
    "rome": ("--runs-on zen2",),
    "milan": ("--runs-on zen3",),
    "genoa": ("--runs-on zen4",),
    "turin": ("--runs-on zen5",),
    "graviton": ("--runs-on neoverse_n1",),
    "graviton2": ("--runs-on neoverse_n1",),
    "graviton3": ("--runs-on neoverse_v1",),
    "graviton4": ("--runs-on neoverse_v2",),
    "grace": ("--runs-on neoverse_v2",),
    "altra": ("--runs-on neoverse_n1",),
    "ampere": ("--runs-on neoverse_n1",),
    "power": ("target:ppc64le*", "target:power*"),
    "ppc": ("target:ppc64le*",),
    "riscv": ("target:riscv64",),
    # what packages call by the variant
    "parallel": ("+mpi", "+openmp"),
    "gpu": ("+cuda", "+rocm", "+sycl"),
    "nvidia": ("+cuda",),
    "nvcc": ("+cuda",),
    "hip": ("+rocm",),
    "rocm": ("+rocm", "stack:ml-linux-x86_64-rocm"),
    "radeon": ("+rocm",),
    "cuda": ("+cuda", "stack:ml-linux-x86_64-cuda", "stack:ml-linux-aarch64-cuda"),
    # systems
    "mac": ("platform:darwin",),
    "macos": ("platform:darwin",),
    "osx": ("platform:darwin",),
    "apple": ("platform:darwin", "compiler:apple-clang"),
    "win": ("platform:windows",),
    "redhat": ("os:rhel*",),
    "suse": ("os:sles*", "os:opensuse*"),
    "amazon": ("os:amzn*",),
    "jammy": ("os:ubuntu22.04",),
    "noble": ("os:ubuntu24.04",),
    "focal": ("os:ubuntu20.04",),
    "bionic": ("os:ubuntu18.04",),
    "bookworm": ("os:debian12",),
    "bullseye": ("os:debian11",),
    # what packages are called elsewhere
    "torch": ("package:py-torch",),
    "pytorch": ("package:py-torch",),
    "libtorch": ("package:py-torch",),
    "numpy": ("package:py-numpy",),
    "scipy": ("package:py-scipy",),
    "sklearn": ("package:py-scikit-learn",),
    "skimage": ("package:py-scikit-image",),
    "tf": ("package:py-tensorflow",),
    "cv2": ("package:opencv",),
    "mkl": ("package:intel-oneapi-mkl", "package:intel-mkl"),
    "tbb": ("package:intel-tbb", "package:intel-oneapi-tbb"),
    "impi": ("package:intel-oneapi-mpi", "package:intel-mpi"),
    "blas": ("package:openblas", "+blas"),
    "lapack": ("package:openblas", "package:netlib-lapack", "+lapack"),
    "golang": ("package:go",),
    "nodejs": ("package:node-js",),
    "node": ("package:node-js",),
    "python3": ("package:python",),
    "rlang": ("package:r",),
    "netcdf": ("package:netcdf-c", "+netcdf"),
    "boto": ("package:py-boto3",),
    "yaml": ("package:py-pyyaml",),
}  # fmt: skip
"""Common names, and what they are called here: the likeliest first."""

LANGUAGES = ("py", "r", "perl")
"""What the names of packages begin with that come from the archives of a language."""

PREFIXES = ("os", "target", "compiler", "platform", "stack", "tag")
"""Fields of which a beginning says enough. That of a package's name may be of many that have nothing in common."""
SAME_FIELD = ("os", "target", "compiler")
"""Fields in which a value that is there may also stand for all that begin with it."""
LEAST = 3
"""Characters of a prefix that is no more typed as one."""
MOST_VALUES = 8
"""Variants with a value that are tried."""

_VARIANT = re.compile(r"[A-Za-z_][A-Za-z0-9_\-]*")
_GLUED = re.compile(r"([a-z][a-z\-]*[a-z])-?(\d[\d.]*)")
"""A word and its number in one: `gcc13`, `oneapi-2024`."""
_BEFORE_NUMBER = re.compile(r"[a-z]{3,}(?=\d)")
_RUNS_ON = "--runs-on "


class Reading(NamedTuple):
    """One way to read a word."""

    text: str
    """In the query language; empty where it is a machine."""
    runs_on: str | None = None
    """The target of a machine, as `--runs-on` takes it."""

    @property
    def said(self) -> str:
        """As it would be typed."""
        return self.text if self.runs_on is None else f"{_RUNS_ON}{self.runs_on}"


def of_word(
    word: str, values: Values, is_target: Callable[[str], bool], fields: tuple[str, ...] = ()
) -> list[Reading]:
    """How a word may be read, the likeliest first; nothing of what begins like a version.

    `fields` are those that have it as a value already: then it can only stand for more of one of them.
    """
    low = word.lower()
    if fields:
        found = [Reading("", low)] if "target" in fields and is_target(low) else []
        return [*found, *_prefixes(low, values, tuple(f for f in SAME_FIELD if f in fields))]
    if " " in low:
        return of_pair(low, values)
    every = [*_variants(word, values)]
    if low not in COMMON and is_target(low):
        every.append(Reading("", low))
    every += _prefixes(low, values, PREFIXES) if word[:1].isalpha() else ()
    every += [_read(text) for text in COMMON.get(low, ())]
    glued = _GLUED.fullmatch(low)
    every += of_pair(f"{glued[1]} {glued[2]}", values) if glued else ()
    known = [one for one in every if one.runs_on is None or is_target(one.runs_on)]
    return list(dict.fromkeys(known))


def of_pair(pair: str, values: Values) -> list[Reading]:
    """How a word and the number behind it may be read: `gcc 12` is `%gcc@12`, `ubuntu 22.04` is `os:ubuntu22.04`."""
    name, _, number = pair.lower().partition(" ")
    compiler, system = f"{name}@{number}", f"{name}{number}"
    found = []
    if any(
        value in (compiler, f"{name}@={number}") or value.startswith(f"{compiler}.")
        for value in values("compiler", f"{name}@")
    ):
        found.append(Reading(f"%{compiler}"))
    systems = values("os", system)
    if systems:
        found.append(Reading(f"os:{system}" if system in systems else f"os:{system}*"))
    return found


def of_name(name: str, values: Values) -> list[str]:
    """What a package may be called that is asked for by an exact name, and that nothing is called."""
    known = [
        text.removeprefix("package:")
        for text in COMMON.get(name, ())
        if text.startswith("package:")
    ]
    found = [*known, *(f"{language}-{name}" for language in LANGUAGES)]
    return [one for one in dict.fromkeys(found) if one in values("package", one)]


def words(values: Values) -> list[str]:
    """Words that can be read: common names, what systems are called without their version, switches."""
    systems = (_BEFORE_NUMBER.match(value) for value in values("os", ""))
    named = (found[0] for found in systems if found is not None)
    switches = (value[1:] for value in values("variant", "") if value[:1] in ("+", "~"))
    return sorted({*COMMON, *named, *switches})


def off(reading: Reading) -> str | None:
    """The opposite of a variant that is on: `~cuda` of `+cuda`."""
    return f"~{reading.text[1:]}" if reading.text[:1] == "+" else None


def _read(text: str) -> Reading:
    is_machine = text.startswith(_RUNS_ON)
    return Reading("", text.removeprefix(_RUNS_ON)) if is_machine else Reading(text)


def _variants(word: str, values: Values) -> Iterator[Reading]:
    """The switch of this name, and those variants that can have it as their value."""
    if not _VARIANT.fullmatch(word):
        return
    low = word.lower()
    for name in dict.fromkeys((word, low)):
        if any(f"{sign}{name}" in values("variant", f"{sign}{name}") for sign in "+~"):
            yield Reading(f"+{name}")
            break
    found: dict[str, None] = {}
    for text in values("variant", ""):
        if "=" in text and low in text.lower():
            variant = variants.read(text)
            if not isinstance(variant.values, bool):
                found.update(
                    {
                        f"{variant.name}={v}": None
                        for v in sorted(variant.values)
                        if v.lower() == low
                    }
                )
    yield from map(Reading, list(found)[:MOST_VALUES])


def _prefixes(low: str, values: Values, fields: tuple[str, ...]) -> Iterator[Reading]:
    if len(low) >= LEAST:
        for field in fields:
            if values(field, low):
                yield Reading(f"{field}:{low}*")
