"""A concrete spec as Spack prints it (`Spec.format()` and `{compilers}` of 1.0 to 1.2). Pure.

The form is `name@=version flags variants platform=... os=... target=...`, as
`DEFAULT_FORMAT` in Spack's `spec.py` has it. It can be read back by Spack, and by a shell where
nothing in it needs quoting.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..model import Build, Details, Edge
from .variants import PATCHES, read, spelled

__all__ = ["by_language", "compilers", "spec"]

LANGUAGES = ("c", "cxx", "fortran")
SHORT_DIGITS = 7
_ALIASES = {
    "llvm": "clang",
    "intel-oneapi-compilers": "oneapi",
    "llvm-amdgpu": "rocmcc",
    "intel-oneapi-compilers-classic": "intel",
    "acfl": "arm",
}
"""Package -> the name that Spack gives it as a compiler (`aliases.py`; BUILDCACHE, 6.22)."""


def spec(build: Build, details: Details | None = None) -> str:
    """The spec without its compilers, as `Spec.format()` prints it.

    Without details, as for what only pages tell of, flags are not there, and a variant with one value
    is never written as a list.
    """
    switches, pairs = _variants(build.variants, frozenset(details.lists if details else ()))
    flags = (
        [f"{name}={spelled(' '.join(values))}" for name, values in details.flags] if details else []
    )
    sign = "@" if _is_git(build.version) else "@="
    head = f"{build.package}{sign}{build.version}"
    first = f"{head} {' '.join(flags)} {switches}" if flags else f"{head}{switches}"
    where = (("platform", build.platform), ("os", build.os), ("target", build.target))
    arch = [f"{key}={value}" for key, value in where if value]
    return " ".join((first.rstrip(), *pairs, *arch))


def compilers(build: Build, edges: Iterable[Edge]) -> str:
    """`%c,cxx=gcc@12.3.0` for every compiler of a spec, as `{compilers}` prints them; else empty."""
    by_language = dict(build.compilers)
    by_edge: list[tuple[tuple[str, ...], str]] = []
    for _, kind in edges:
        languages = tuple(one for one in LANGUAGES if one in kind.virtuals)
        if languages:
            by_edge.append((languages, by_language.get(languages[0], build.compiler)))
    if not by_edge and build.compiler != "none":
        return f"%{_title(build.compiler, '@=')}"
    grouped: dict[str, list[str]] = {}
    for languages, compiler in by_edge:
        grouped.setdefault(compiler, []).extend(languages)
    return " ".join(
        f"%{','.join(sorted(set(languages)))}={_title(compiler, '@')}"
        for compiler, languages in grouped.items()
    )


def by_language(compiler: str, compilers: Mapping[str, str]) -> str:
    """`%gcc@=12.3.0`; where languages differ `%c,cxx=llvm@=17.0.6 %fortran=gcc@=12.3.0`."""
    grouped: dict[str, list[str]] = {}
    for language, name in compilers.items():
        grouped.setdefault(name, []).append(language)
    if not grouped:
        return f"%{compiler}"
    return " ".join(f"%{','.join(languages)}={name}" for name, languages in grouped.items())


def _variants(variants: Iterable[str], lists: frozenset[str]) -> tuple[str, list[str]]:
    """The switches in one word, and everything else as `name=value` or `name:=a,b`."""
    switches: list[str] = []
    pairs: list[str] = []
    for variant in variants:
        name, values, _ = read(variant)
        if not name or isinstance(values, bool):
            switches.append(variant)
            continue
        shown = (one[:SHORT_DIGITS] for one in values) if name == PATCHES else values
        sign = ":=" if name in lists or len(values) > 1 else "="
        pairs.append(f"{name}{sign}{spelled(','.join(sorted(shown)))}")
    return "".join(sorted(switches, key=lambda one: one[1:])), sorted(pairs)


def _is_git(version: str) -> bool:
    return version.startswith("git.") or (len(version) > 40 and version[40] == "=")


def _title(compiler: str, sign: str) -> str:
    """A compiler by the name it has as one, its version behind `sign`."""
    name, at, version = compiler.partition("@=")
    return f"{_ALIASES.get(name, name)}{sign}{version}" if at else _ALIASES.get(name, name)
