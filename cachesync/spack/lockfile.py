"""The bytes of a `spack.lock` to the specs in it. Pure.

Lockfile versions 4 to 7 (Spack 0.18 to 1.2) are keyed by DAG hash, which is how build caches know
their specs. They differ in what is ignored here; from 6 on a dependency's types stand in its
`parameters`. The format is documented in Spack's `lib/spack/spack/environment/__init__.py`.
Versions 1 to 3 have another shape (and 1 another key for every spec), so the version is read before
the rest. As for Spack's `raw_decode`, the document ends where its JSON ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from ..errors import UsageError

__all__ = ["MAX_BYTES", "Lock", "LockSpec", "Root", "parse"]

MAX_BYTES = 128 * 2**20
"""A lockfile takes some 1.5 kB a spec."""
MAX_SPECS = 200_000
VERSIONS = range(4, 8)
MAX_NAME = 1_000

_HASH = re.compile(r"[a-z2-7]{32}")
_BYTE = re.compile(r"\(byte (\d+)\)")
_LASTING = ("link", "run")
"""Types of the dependencies that are needed once something is installed."""


class Root(NamedTuple):
    """What somebody asked for, and what it was concretized to."""

    hash: str
    spec: str
    """As it was asked for."""


class LockSpec(NamedTuple):
    """One concrete spec of a lock."""

    hash: str
    name: str
    version: str
    os: str
    platform: str
    target: str
    external: bool
    """It is on the machine already, and never in a build cache."""
    developed: bool
    """It is built from a directory (`dev_path`), and never in a build cache."""
    lasting: tuple[str, ...]
    """Hashes of the link and run dependencies."""
    for_build: tuple[str, ...]
    """Hashes of those that only building needs."""


class Lock(NamedTuple):
    """A whole lock; what it includes from other environments is part of it."""

    roots: tuple[Root, ...]
    specs: Mapping[str, LockSpec]
    """By hash. Every root and every dependency is there."""


# -- the document


class _Meta(msgspec.Struct, gc=False):
    file_type: str = msgspec.field(name="file-type", default="")
    lockfile_version: int = msgspec.field(name="lockfile-version", default=0)


class _Types(msgspec.Struct, gc=False):
    deptypes: list[str] = []


class _Dependency(msgspec.Struct, gc=False):
    hash: str
    name: str = ""
    type: list[str] | str = []
    parameters: _Types | None = None


class _TargetName(msgspec.Struct, gc=False):
    name: str = ""


class _Arch(msgspec.Struct, gc=False):
    platform: str | None = None
    platform_os: str | None = None
    target: str | _TargetName | None = None


class _Parameters(msgspec.Struct, gc=False):
    dev_path: msgspec.Raw = msgspec.Raw()


class _Spec(msgspec.Struct, gc=False):
    name: str
    version: str = ""
    arch: _Arch | None = None
    parameters: _Parameters | None = None
    external: msgspec.Raw = msgspec.Raw()
    dependencies: list[_Dependency] | None = None


class _RootRecord(msgspec.Struct, gc=False):
    hash: str
    spec: str = ""


class _Head(msgspec.Struct, gc=False):
    meta: _Meta | None = msgspec.field(name="_meta", default=None)


class _Environment(_Head, gc=False):
    roots: list[_RootRecord] = []
    concrete_specs: dict[str, _Spec] = {}
    include_concrete: dict[str, _Environment] = {}


_BOM = b"\xef\xbb\xbf"
_HEAD = msgspec.json.Decoder(_Head)
_DOCUMENT = msgspec.json.Decoder(_Environment)
_BEHIND = "trailing characters"
"""What the decoder says of bytes behind the document, with the position behind the first of them."""


def parse(data: bytes, *, name: str) -> Lock:
    """What a lockfile says, at least one root; `name` is what an error calls it.

    Raises UsageError, with the position, for what is no lockfile, for versions that are keyed by
    another hash than build caches are, for a lock that asks for nothing, and for what exceeds the
    bounds above.
    """
    if len(data) > MAX_BYTES:
        raise UsageError(f"{name} is larger than {MAX_BYTES // 2**20} MiB")
    document = data.removeprefix(_BOM)
    if not document.strip():
        raise _nothing(name, "it is empty")
    try:
        environment = _environment(document, name)
    except msgspec.ValidationError as error:
        raise UsageError(f"{name} is no lockfile: {error}") from None
    except RecursionError:
        raise UsageError(f"{name} is no lockfile: it is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{name} is no JSON: {_with_line(str(error), document)}") from None
    lock = _lock(environment, name)
    if not lock.roots:
        raise _nothing(name, "it has no roots")
    return lock


def _nothing(name: str, why: str) -> UsageError:
    return UsageError(
        f"{name} has nothing to check: {why}", hint="write it anew with Spack: spack concretize"
    )


def _environment(data: bytes, name: str) -> _Environment:
    """What the JSON document says that `data` begins with.

    Raises UsageError for versions that are not read, and DecodeError where there is no such document.
    """
    try:
        environment = _DOCUMENT.decode(data)
    except msgspec.ValidationError:
        meta = _HEAD.decode(data).meta
        if meta is not None:
            _check_version(meta, name)  # older ones have another shape
        raise
    except msgspec.DecodeError as error:
        at = _BYTE.search(str(error))
        if _BEHIND not in str(error) or at is None:
            raise
        return _environment(data[: int(at[1]) - 1], name)
    _check_version(environment.meta, name)
    return environment


def _with_line(message: str, data: bytes) -> str:
    """An error of the decoder with the line and column of the byte it names."""
    at = _BYTE.search(message)
    if at is None:
        return message
    before = data[: int(at[1])]
    line, column = before.count(b"\n") + 1, len(before) - (before.rfind(b"\n") + 1) + 1
    return f"{message[: at.start()].rstrip()} at line {line}, column {column}"


def _foreign(name: str) -> UsageError:
    return UsageError(
        f"{name} is JSON, but no spack.lock: it has no _meta with file-type spack-lockfile"
    )


def _check_version(meta: _Meta | None, name: str) -> None:
    if meta is None or meta.file_type != "spack-lockfile":
        raise _foreign(name)
    version = meta.lockfile_version
    if version < 1:
        raise UsageError(f"{name} is no spack.lock: it names no lockfile version")
    if version < VERSIONS[0]:
        raise UsageError(
            f"{name} has lockfile version {version}, which knows its specs by other hashes than build"
            " caches do",
            hint="concretize it with Spack 0.18 or later: spack concretize --force",
        )
    if version > VERSIONS[-1]:
        raise UsageError(
            f"{name} has lockfile version {version}; this cachesync reads {VERSIONS[0]} to"
            f" {VERSIONS[-1]}",
            hint="upgrade cachesync",
        )


def _lock(document: _Environment, name: str) -> Lock:
    specs: dict[str, LockSpec] = {}
    roots: dict[Root, None] = {}
    for environment in _environments(document):
        roots.update((Root(root.hash, root.spec[:MAX_NAME]), None) for root in environment.roots)
        for spec_hash, spec in environment.concrete_specs.items():
            if not _HASH.fullmatch(spec_hash):
                raise UsageError(
                    f"{name}: concrete_specs has a key that is no hash: {spec_hash[:40]}"
                )
            specs[spec_hash] = _spec(spec_hash, spec)
        if len(specs) > MAX_SPECS:
            raise UsageError(f"{name} has more than {MAX_SPECS:,} specs")
    for root in roots:
        if root.hash not in specs:
            raise UsageError(
                f"{name}: the root {root.spec} (/{root.hash[:40]}) is not in concrete_specs"
            )
    for found in specs.values():
        for dependency in (*found.lasting, *found.for_build):
            if dependency not in specs:
                raise UsageError(
                    f"{name}: {found.name} (/{found.hash}) depends on /{dependency[:40]},"
                    " which is not in concrete_specs"
                )
    return Lock(tuple(roots), specs)


def _environments(document: _Environment) -> Iterator[_Environment]:
    """The environment itself and all it includes, however deep."""
    waiting = [document]
    while waiting:
        environment = waiting.pop()
        yield environment
        waiting.extend(environment.include_concrete.values())


def _spec(spec_hash: str, spec: _Spec) -> LockSpec:
    arch = spec.arch or _Arch()
    lasting: list[str] = []
    for_build: list[str] = []
    for dependency in spec.dependencies or ():
        types = dependency.type if dependency.parameters is None else dependency.parameters.deptypes
        lasts = types in _LASTING if isinstance(types, str) else "link" in types or "run" in types
        (lasting if lasts else for_build).append(dependency.hash)
    return LockSpec(
        spec_hash,
        spec.name[:MAX_NAME],
        spec.version[:MAX_NAME],
        arch.platform_os or "",
        arch.platform or "",
        _target(arch.target),
        external=_is_something(spec.external),
        developed=spec.parameters is not None and _is_something(spec.parameters.dev_path),
        lasting=tuple(lasting),
        for_build=tuple(for_build),
    )


def _target(target: Any) -> str:
    if isinstance(target, _TargetName):
        return target.name
    return target or ""


def _is_something(value: msgspec.Raw) -> bool:
    return bytes(value) not in (b"", b"null", b"false", b'""', b"{}", b"[]")
