"""The parts of a spec in an index as values: where each is checked, and put into its one form. Pure.

Every function takes a part as it stands in the document, still JSON, and raises `Wrong` with the place
below the spec. Text that cannot be printed is refused everywhere: what is read here reaches terminals.
"""

from __future__ import annotations

import re
from sys import intern
from typing import Any, NamedTuple

import msgspec

from ..model import EdgeKind
from ..spack import ranges
from ..spack import variants as variant_texts
from .index import is_hash
from .places import Wrong, as_wrong, shown

__all__ = [
    "LANGUAGES",
    "MAX_VERSION",
    "MAX_WORD",
    "NOTHING",
    "Arch",
    "Parameters",
    "Rest",
    "arch",
    "edge_kind",
    "name",
    "parameters",
    "rest",
    "text",
]

MAX_TEXT = 65_536
"""Characters of a value, and of all variants together; real ones have a few hundred."""
MAX_VERSION = 255
MAX_WORD = 512
"""Characters of what is one word: an operating system, a compiler, a namespace."""
MAX_NAMES = 4_096
"""Variants of a spec, and virtuals of an edge."""
LANGUAGES = ("c", "cxx", "fortran")
"""The virtuals of a compiler's edge, in the order in which Spack asks for them (BUILDCACHE, 1.7)."""
TYPES = frozenset(("build", "link", "run", "test"))

NOTHING = b"null"
"""A part of a document that is not there."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,254}")
_VARIANT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,254}")
_PROVIDED = re.compile(rf"{_NAME.pattern}(?:@([A-Za-z0-9_.=:,/-]{{1,255}}))?")
_PATCH = re.compile(r"[0-9a-f]{64}")
_SWITCHES = {"TRUE": True, "FALSE": False}

_json = msgspec.json.Decoder().decode
_mapping = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_texts = msgspec.json.Decoder(list[str]).decode


class Arch(NamedTuple):
    """Where a spec runs."""

    platform: str
    os: str
    target: str
    target_object: str | None
    """The target as compact JSON where it is more than a name."""


class Parameters(NamedTuple):
    """Variants, in normal form, and what stands among them in a document without being one."""

    variants: tuple[str, ...]
    flags: tuple[tuple[str, tuple[str, ...]], ...]
    lists: tuple[str, ...]
    patches: tuple[str, ...]


class Rest(NamedTuple):
    """What most specs have none of, or all the same."""

    format: int | None
    compiler: str | None
    """As a spec older than format 5 says it; None where edges say it."""
    patches: tuple[str, ...] | None
    external: str | None
    build_spec: str | None
    provided: tuple[str, ...] | None


class _Arch(msgspec.Struct):
    platform_os: str
    target: msgspec.Raw
    platform: str = ""


class _Compiler(msgspec.Struct):
    name: str
    version: str = ""


class _Annotations(msgspec.Struct):
    original_specfile_version: int | None = None
    compiler: str | None = None


class _BuildSpec(msgspec.Struct):
    hash: str


class _Kind(msgspec.Struct):
    deptypes: list[str]
    virtuals: list[str] = []


def name(value: str, *path: str | int) -> str:
    """The name of a package, or of a virtual one."""
    if _NAME.fullmatch(value) is None:
        raise Wrong(f"{shown(value)} is not a name (letters, digits and ._+-)", *path)
    return value


def text(value: Any, *path: str | int, most: int = MAX_TEXT) -> str:
    """A text that is not empty."""
    if not isinstance(value, str):
        raise Wrong("is no text", *path)
    if not value:
        raise Wrong("is empty", *path)
    if len(value) > most:
        raise Wrong(f"is longer than {most:,} characters", *path)
    if not value.isprintable():
        raise Wrong(f"{shown(value)} has characters that cannot be printed", *path)
    return value


def arch(raw: bytes) -> Arch:
    """`{"platform": ..., "platform_os": ..., "target": NAME or an object with a name}`."""
    found = _decoded(raw, _Arch, "arch")
    target, whole = _any(found.target, "arch", "target"), None
    where: tuple[str, ...] = ("arch", "target")
    if isinstance(target, dict):
        whole = _compact(found.target, target, *where)
        target, where = target.get("name"), (*where, "name")
    return Arch(
        intern(text(found.platform, "arch", "platform", most=MAX_WORD)) if found.platform else "",
        intern(text(found.platform_os, "arch", "platform_os", most=MAX_WORD)),
        intern(text(target, *where, most=MAX_WORD)),
        whole,
    )


def parameters(raw: bytes) -> Parameters:
    """Variants and flags, which stand together in one mapping (SPACK, 18)."""
    try:
        mapping = _mapping(raw)
    except msgspec.ValidationError as error:
        raise as_wrong(error, "parameters") from None
    if len(mapping) > MAX_NAMES:
        raise Wrong(f"has more than {MAX_NAMES:,} entries", "parameters")
    if len(raw) > MAX_TEXT:
        raise Wrong(f"is longer than {MAX_TEXT:,} bytes", "parameters")
    variants: list[str] = []
    flags: list[tuple[str, tuple[str, ...]]] = []
    lists: list[str] = []
    patches: tuple[str, ...] = ()
    for key, undecoded in mapping.items():
        where = ("parameters", key)
        value = _any(undecoded, *where)
        if key in variant_texts.FLAGS:
            if values := _list(value, *where):
                flags.append((key, values))
            continue
        if _VARIANT.fullmatch(key) is None:
            raise Wrong("is no name of a variant", *where)
        if isinstance(value, list):
            values = _list(value, *where)
            lists.append(intern(key))
            if key == "patches":
                patches = values
            value = ",".join(values)
        variants.append(_variant(key, value, *where))
    return Parameters(
        tuple(map(intern, variant_texts.normal_set(variants))),
        tuple(sorted(flags)),
        tuple(sorted(lists)),
        patches if all(map(_PATCH.fullmatch, patches)) else (),
    )


def rest(
    *,
    annotations: bytes,
    compiler: bytes,
    patches: bytes,
    external: bytes,
    build_spec: bytes,
    provided: bytes = NOTHING,
) -> Rest:
    """What remains of a spec; `null` stands for what is not there."""
    spec_format, said = None, None
    if annotations != NOTHING:
        found = _decoded(annotations, _Annotations, "annotations")
        spec_format, said = found.original_specfile_version, found.compiler
        if spec_format is not None and not 0 < spec_format < 1000:
            raise Wrong("is no version", "annotations", "original_specfile_version")
        if said is not None:
            text(said, "annotations", "compiler", most=MAX_WORD)
    if compiler != NOTHING:
        by = _decoded(compiler, _Compiler, "compiler")
        said = f"{text(by.name, 'compiler', 'name')}@={by.version}".removesuffix("@=")
        text(said, "compiler", "version", most=MAX_WORD)
    return Rest(
        spec_format,
        said,
        None if patches == NOTHING else _patches(patches),
        None if external == NOTHING else _external(external),
        None if build_spec == NOTHING else _build_spec(build_spec),
        None if provided == NOTHING else _provided(provided),
    )


def edge_kind(of_parameters: bytes, of_type: bytes) -> EdgeKind:
    """What an edge is for: `parameters` since Spack 0.21, before it `type` alone (BUILDCACHE, 1.3)."""
    if of_parameters != NOTHING:
        where: tuple[str, ...] = ("parameters", "deptypes")
        kind = _decoded(of_parameters, _Kind, "parameters")
        types, virtuals = kind.deptypes, kind.virtuals
    elif of_type != NOTHING:
        where = ("type",)
        value = _any(of_type, *where)
        types = [value] if isinstance(value, str) else list(_list(value, *where))
        virtuals = []
    else:
        raise Wrong("has neither parameters nor a type")
    for position, one in enumerate(types):
        if one not in TYPES:
            raise Wrong(f"{shown(one)} is no type of a dependency", *where, position)
    if len(virtuals) > MAX_NAMES:
        raise Wrong(f"has more than {MAX_NAMES:,} entries", "parameters", "virtuals")
    for position, one in enumerate(virtuals):
        name(one, "parameters", "virtuals", position)
    return EdgeKind(
        tuple(sorted(set(map(intern, types)))), tuple(sorted(set(map(intern, virtuals))))
    )


def _variant(key: str, value: Any, *path: str) -> str:
    """As Spack prints it; the values of a list are joined by commas."""
    if isinstance(value, str):
        if value:
            text(value, *path)
        switch = _SWITCHES.get(value.upper())
        if switch is None:
            return f"{key}={variant_texts.spelled(value)}"
        value = switch
    if not isinstance(value, bool):
        raise Wrong("is no text, no list of text, and neither true nor false", *path)
    return f"{'+' if value else '~'}{key}"


def _patches(raw: bytes) -> tuple[str, ...]:
    values = _list(_any(raw, "patches"), "patches")
    for position, value in enumerate(values):
        if _PATCH.fullmatch(value) is None:
            raise Wrong(f"{shown(value)} is no SHA-256", "patches", position)
    return values


def _provided(raw: bytes) -> tuple[str, ...] | None:
    """`["zlib-api", "libgfortran@5"]`, sorted (BUILDCACHE, 1.3).

    None, as if nothing was said, where it has another form: it is known from documentation alone.
    """
    found = _list(_any(raw, "provided_virtuals"), "provided_virtuals")
    return tuple(sorted(set(map(intern, found)))) if all(map(_is_provided, found)) else None


def _is_provided(text: str) -> bool:
    said = _PROVIDED.fullmatch(text)
    if said is None:
        return False
    try:
        ranges.check(said[1] or ":")
    except ValueError:
        return False
    return True


def _external(raw: bytes) -> str:
    value = _any(raw, "external")
    if not isinstance(value, dict):
        raise Wrong("is no object", "external")
    return _compact(raw, value, "external")


def _build_spec(raw: bytes) -> str:
    found: str = _decoded(raw, _BuildSpec, "build_spec").hash
    if not is_hash(found):
        raise Wrong(
            f"{shown(found)} is not a hash (32 characters of a-z, 2-7)", "build_spec", "hash"
        )
    return found


def _compact(raw: bytes | msgspec.Raw, value: Any, *path: str) -> str:
    """JSON as it stands without white space, and without anything that cannot be printed."""
    if len(raw) > MAX_TEXT:
        raise Wrong(f"is longer than {MAX_TEXT:,} bytes", *path)
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting.extend(one)
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, str) and not one.isprintable():
            raise Wrong(f"{shown(one)} has characters that cannot be printed", *path)
    return msgspec.json.format(bytes(raw), indent=-1).decode()


def _list(value: Any, *path: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Wrong("is no list of text", *path)
    if len(value) > MAX_NAMES:
        raise Wrong(f"has more than {MAX_NAMES:,} entries", *path)
    for position, one in enumerate(value):
        if one != "":
            text(one, *path, position)
    return tuple(value)


def _any(raw: bytes | msgspec.Raw, *path: str) -> Any:
    try:
        return _json(raw)
    except msgspec.ValidationError as error:
        raise as_wrong(error, *path) from None


def _decoded(raw: bytes, kind: type[Any], *path: str) -> Any:
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise as_wrong(error, *path) from None
