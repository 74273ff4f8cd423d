"""The values of a build that conditions are compared with, as the index has them too. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from ..model import Build

__all__ = ["compiler_values", "every_compiler", "field_values", "name_runs", "plain_compiler"]


@lru_cache(maxsize=4096)
def name_runs(package: str) -> frozenset[str]:
    """The parts of a package name and every run of consecutive parts, in lower case.

    `py-scikit-learn` gives `py`, `scikit`, `learn`, `py-scikit`, `scikit-learn` and itself.
    """
    parts = re.split(r"[-_.]", package.lower())
    found = {package.lower()}
    offset = 0
    starts = []
    for part in parts:
        starts.append((offset, offset + len(part)))
        offset += len(part) + 1
    text = package.lower()
    for first in range(len(parts)):
        for last in range(first, min(len(parts), first + 12)):
            found.add(text[starts[first][0] : starts[last][1]])
    found.discard("")
    return frozenset(found)


def plain_compiler(value: str) -> str:
    """A compiler written the short way: `gcc@7.5.0` for `gcc@=7.5.0`."""
    return value.replace("@=", "@", 1)


def every_compiler(build: Build) -> tuple[str, ...]:
    """The compilers of all languages of a build, each once; its own first."""
    if not build.compilers:
        return (build.compiler,)
    return tuple(dict.fromkeys((build.compiler, *(name for _, name in build.compilers))))


def compiler_values(compiler: str) -> tuple[str, ...]:
    """What `compiler:` matches: the name, and the name with the version (written `name@version`)."""
    plain = plain_compiler(compiler.lower())
    name = plain.partition("@")[0]
    return (name,) if name == plain else (name, plain)


def field_values(build: Build, field: str) -> tuple[str, ...]:
    """The whole values, in lower case, that `field:value` compares with, for a build's fields."""
    if field == "compiler":
        if not build.compilers:
            return compiler_values(build.compiler)
        every = (compiler_values(one) for one in every_compiler(build))
        return tuple(dict.fromkeys(value for values in every for value in values))
    if field == "variant":
        return tuple(variant.lower() for variant in build.variants)
    value: str = getattr(build, field)
    return (value.lower(),)
