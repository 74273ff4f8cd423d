"""Lockfiles as Spack writes them, from as few words as a test needs."""

import json
from collections.abc import Iterable
from typing import Any

__all__ = ["entry", "lock", "text"]


def entry(
    spec_hash: str, name: str, *, link: Iterable[str] = (), build: Iterable[str] = (),
    version: int = 6, target: str = "x86_64_v3", **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """A concrete spec of a lockfile of some version, with the hashes it depends on."""

    def dependency(of: str, kind: str) -> dict[str, Any]:
        if version >= 6:
            return {"name": "d", "hash": of, "parameters": {"deptypes": [kind], "virtuals": []}}
        return {"name": "d", "hash": of, "type": [kind]}

    spec: dict[str, Any] = {
        "name": name,
        "version": "1.2",
        "arch": {"platform": "linux", "platform_os": "ubuntu24.04", "target": target},
        "namespace": "builtin",
        "parameters": {"build_system": "cmake", "cflags": []},
        "package_hash": "a" * 52,
        "hash": spec_hash,
        **more,
    }
    if version < 6:
        spec["compiler"] = {"name": "gcc", "version": "13.2.0"}
    dependencies = [dependency(h, "link") for h in link] + [dependency(h, "build") for h in build]
    return {**spec, "dependencies": dependencies} if dependencies else spec


def lock(roots: Iterable[str], *specs: dict[str, Any], version: int = 6) -> dict[str, Any]:
    """A lockfile with these roots and specs."""
    names = {spec["hash"]: spec["name"] for spec in specs}
    return {
        "_meta": {
            "file-type": "spack-lockfile", "lockfile-version": version, "specfile-version": 5,
        },
        "spack": {"version": "1.0.0", "type": "release"},
        "roots": [{"hash": h, "spec": names.get(h, "spec-of-root")} for h in roots],
        "concrete_specs": {spec["hash"]: spec for spec in specs},
    }  # fmt: skip


def text(document: Any) -> bytes:
    """The document as Spack writes it, on one line."""
    return json.dumps(document, separators=(",", ":")).encode()
