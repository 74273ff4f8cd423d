"""Small mirrors of real form: what Spack 1.x (layout 3, views) and 0.23 (layout 2) write.

`record` makes a concrete spec with the hash that Spack gives it, `make_mirror` lays records down as
`spack buildcache push` and `update-index` do: an index whose records hold all dependencies, the
manifests, and blobs under their checksums. Done again over the same directory it is a later state: the
former index blob stays, as with Spack, and specs that are not among the records any more are pruned.
"""

import base64
import gzip
import hashlib
import json
import re
import shutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

__all__ = [
    "Mirror",
    "Record",
    "dag_hash",
    "document",
    "edge",
    "make_mirror",
    "manifest",
    "push",
    "record",
    "sign",
    "stored",
    "tarball_of",
]

FLAGS = ("cflags", "cppflags", "cxxflags", "fflags", "ldflags", "ldlibs")
INDEX_MEDIA = "application/vnd.spack.db.v{}+json"
SPEC_MEDIA = "application/vnd.spack.spec.v{}+json"
TARBALL_MEDIA = "application/vnd.spack.install.v2.tar+gzip"


class Record(NamedTuple):
    """A concrete spec, with the records it depends on."""

    spec: dict[str, Any]
    needs: tuple["Edge", ...] = ()

    @property
    def hash(self) -> str:
        return self.spec["hash"]

    @property
    def name(self) -> str:
        return self.spec["name"]

    @property
    def is_external(self) -> bool:
        return "external" in self.spec


class Edge(NamedTuple):
    to: Record
    types: tuple[str, ...]
    virtuals: tuple[str, ...]


class Mirror(NamedTuple):
    """What was written: where it is, and the two files that a reader goes by."""

    path: Path
    index: Path
    """The index document: a blob (layout 3) or `index.json` (layout 2)."""
    manifest: Path
    """What changes when the index does: `index.manifest.json`, or `index.json.hash`."""

    @property
    def url(self) -> str:
        return self.path.as_uri()


def edge(to: Record, *types: str, virtuals: Iterable[str] = ()) -> Edge:
    """A dependency of types (build and link where none is said)."""
    return Edge(to, tuple(sorted(types or ("build", "link"))), tuple(sorted(virtuals)))


def record(
    name: str,
    version: str = "1.0",
    *needs: Edge | Record,
    variants: Mapping[str, bool | str | list[str]] | None = None,
    flags: Mapping[str, list[str]] | None = None,
    os: str = "ubuntu22.04",
    platform: str = "linux",
    target: str | dict[str, Any] = "x86_64_v3",
    compiler: str | None = None,
    external: str | None = None,
    patches: Iterable[str] = (),
    build_spec: Record | None = None,
    spec_format: int = 5,
    **more: Any,
) -> Record:
    """A concrete spec as it stands in an index, keys in Spack's order.

    `compiler` (`gcc@12.3.0`) is what specs of format 4 say; newer ones have a build edge with the
    virtuals c, cxx, fortran. `external` is a prefix. `more` is put before the hash is made.
    """
    edges = tuple(
        sorted(
            (need if isinstance(need, Edge) else edge(need) for need in needs),
            key=lambda one: (one.to.name, one.to.hash),
        )
    )
    parameters: dict[str, Any] = {"build_system": "generic", **(variants or {})}
    if patches := list(patches):
        parameters["patches"] = sorted(patches)
    spec: dict[str, Any] = {
        "name": name,
        "version": version,
        "arch": {"platform": platform, "platform_os": os, "target": target},
    }
    if spec_format < 5 and compiler is not None:
        compiler_name, _, compiler_version = compiler.partition("@")
        spec["compiler"] = {"name": compiler_name, "version": compiler_version.removeprefix("=")}
    spec["namespace"] = "builtin"
    spec["parameters"] = dict(sorted(parameters.items())) | {
        flag: list((flags or {}).get(flag, ())) for flag in FLAGS
    }
    if external is not None:
        spec["external"] = {"path": external, "module": None, "extra_attributes": {}}
    if patches:
        spec["patches"] = patches
    spec["package_hash"] = _base32(hashlib.sha256(name.encode()).digest())
    if edges:
        spec["dependencies"] = [_dependency(one) for one in edges]
    if build_spec is not None:
        spec["build_spec"] = {"name": build_spec.name, "hash": build_spec.hash}
    if spec_format >= 5:
        spec["annotations"] = {"original_specfile_version": spec_format}
    spec.update(more)
    spec["hash"] = dag_hash(spec)
    return Record(spec, edges)


def dag_hash(spec: Mapping[str, Any]) -> str:
    """Spack's hash of a node: of its compact JSON as it stands, without the hash itself."""
    bare = {key: value for key, value in spec.items() if key != "hash"}
    return _base32(hashlib.sha1(_compact(bare)).digest())


def document(
    records: Iterable[Record],
    *,
    cached: Collection[Record] | None = None,
    version: str = "8",
    order: Collection[str] = (),
) -> bytes:
    """An index of the records and all they depend on.

    `cached` are those in the cache; without it all of `records` that are not external. The records
    whose hashes `order` names come first, in that order.
    """
    wanted = list(records)
    placed = {one.hash for one in (wanted if cached is None else cached) if not one.is_external}
    there: dict[str, Record] = {}
    for one in wanted:
        _add(one, there)
    hashes = [*(one for one in order if one in there), *(one for one in there if one not in order)]
    counts = dict.fromkeys(there, 0)
    for one in there.values():
        for need in one.needs:
            counts[need.to.hash] += 1
    installs = {
        one: {"spec": there[one].spec, "ref_count": counts[one], "in_buildcache": one in placed}
        for one in hashes
    }
    return _compact({"database": {"version": version, "installs": installs}})


def make_mirror(
    path: Path,
    records: Iterable[Record],
    *,
    layout: int = 3,
    view: str | None = None,
    cached: Collection[Record] | None = None,
    version: str | None = None,
    compression: str = "none",
    order: Collection[str] = (),
) -> Mirror:
    """Write a mirror (or one view of it) to `path`; `cached` as for `document`.

    `version` is the database's, without it 8 for layout 3 and 7 for layout 2. `compression` is of
    the index blob. With a view the specs are pushed and the mirror's own index stays as it is.
    """
    wanted = list(records)
    data = document(wanted, cached=cached, version=version or {2: "7", 3: "8"}[layout], order=order)
    placed = [one for one in (wanted if cached is None else cached) if not one.is_external]
    if layout == 2:
        return _make_layout_2(path, placed, data)
    _write(path / "v3/layout.json", b'{"signing": "gpg"}')
    specs = path / "v3/manifests/spec"
    if view is None and specs.is_dir():
        shutil.rmtree(specs)
    for one in placed:
        push(path, one)
    blob, entry = _blob(path, data, INDEX_MEDIA.format(version or "8"), compression)
    where = path / "v3/manifests/index" / (view or "") / "index.manifest.json"
    _write(where, manifest([entry]))
    return Mirror(path, blob, where)


def manifest(entries: Iterable[Mapping[str, Any]]) -> bytes:
    """A manifest as Spack writes it: one token a line."""
    text = json.dumps({"version": 3, "data": list(entries)}, indent=0, separators=(",", ":"))
    return text.encode()


def _make_layout_2(path: Path, placed: Iterable[Record], data: bytes) -> Mirror:
    root = path / "build_cache"
    if root.is_dir():
        shutil.rmtree(root)
    for one in placed:
        arch, compiler = one.spec["arch"], one.spec.get("compiler", {})
        target = arch["target"] if isinstance(arch["target"], str) else arch["target"]["name"]
        triple = f"{arch['platform']}-{arch['platform_os']}-{target}"
        by = f"{compiler.get('name', 'none')}-{compiler.get('version', 'none')}"
        title = f"{one.name}-{one.spec['version']}"
        name = f"{triple}-{by}-{title}-{one.hash}"
        tarball = _tarball(one)
        _write(root / triple / by / title / f"{name}.spack", tarball)
        checksum = {"hash_algorithm": "sha256", "hash": hashlib.sha256(tarball).hexdigest()}
        spec = _spec_file(one, 4) | {"binary_cache_checksum": checksum}
        _write(root / f"{name}.spec.json", json.dumps(spec).encode())
    _write(root / "index.json", data)
    _write(root / "index.json.hash", hashlib.sha256(data).hexdigest().encode())
    return Mirror(path, root / "index.json", root / "index.json.hash")


def push(path: Path, one: Record) -> Path:
    """Push a spec as Spack does, its blobs first; returns its manifest."""
    version = one.spec.get("annotations", {}).get("original_specfile_version", 4)
    _, tarball = _blob(path, _tarball(one), TARBALL_MEDIA, "done")
    spec = _compact(_spec_file(one, version))
    _, described = _blob(path, spec, SPEC_MEDIA.format(version), "gzip")
    title = re.sub(r"[^\w+.-]", "_", f"{one.name}-{one.spec['version']}-{one.hash}")
    where = path / "v3/manifests/spec" / one.name / f"{title}.spec.manifest.json"
    _write(where, manifest([tarball, described]))
    return where


def tarball_of(path: Path, one: Record) -> Path:
    """The tarball of a spec in a mirror of layout 3."""
    (found,) = (path / "v3/manifests/spec").rglob(f"*{one.hash}*")
    checksum = json.loads(found.read_bytes())["data"][0]["checksum"]
    return path / "blobs/sha256" / checksum[:2] / checksum


def stored(path: Path, data: bytes, media: str, compression: str) -> dict[str, Any]:
    """Write a blob that is compressed already; returns what a manifest says of it."""
    _, entry = _blob(path, data, media, "done")
    return entry | {"compression": compression}


def _blob(path: Path, data: bytes, media: str, compression: str) -> tuple[Path, dict[str, Any]]:
    """A blob in its place, and what a manifest says of it; `done` is gzip that was made before."""
    if compression == "gzip":
        data = gzip.compress(data, 6, mtime=0)
    checksum = hashlib.sha256(data).hexdigest()
    where = path / "blobs/sha256" / checksum[:2] / checksum
    _write(where, data)
    return where, {
        "contentLength": len(data),
        "mediaType": media,
        "compression": "gzip" if compression == "done" else compression,
        "checksumAlgorithm": "sha256",
        "checksum": checksum,
    }


def _spec_file(one: Record, version: int) -> dict[str, Any]:
    there: dict[str, Record] = {}
    _add(one, there)
    nodes = [found.spec for found in reversed(there.values())]
    return {
        "spec": {"_meta": {"version": version}, "nodes": nodes},
        "buildcache_layout_version": 2,
    }


def _tarball(one: Record) -> bytes:
    return gzip.compress(f"{one.name}-{one.hash}: no tarball\n".encode(), mtime=0)


def _add(one: Record, there: dict[str, Record]) -> None:
    """The record after all it depends on."""
    waiting = [(one, False)]
    while waiting:
        found, is_ready = waiting.pop()
        if is_ready:
            there.setdefault(found.hash, found)
        elif found.hash not in there:
            waiting.append((found, True))
            waiting.extend((need.to, False) for need in reversed(found.needs))


def _dependency(one: Edge) -> dict[str, Any]:
    return {
        "name": one.to.name,
        "hash": one.to.hash,
        "parameters": {"deptypes": list(one.types), "virtuals": list(one.virtuals)},
    }


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _base32(digest: bytes) -> str:
    return base64.b32encode(digest).decode().lower()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def sign(manifest_path: Path) -> None:
    """Make a manifest look clear-signed, as `spack buildcache push --key` leaves it; nobody verifies it."""
    text = manifest_path.read_bytes()
    manifest_path.write_bytes(
        b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n"
        + text
        + b"\n-----BEGIN PGP SIGNATURE-----\n\niQIz=\n-----END PGP SIGNATURE-----\n"
    )
