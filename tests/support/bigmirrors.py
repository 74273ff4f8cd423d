"""A mirror of layout 3 with a spec manifest for every cached spec of an index, as many pushes leave it."""

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.support.mirrors import manifest, stored

__all__ = ["Specs", "laid_out"]


class Specs:
    """The specs of an index document, each with all it depends on."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        records = document["database"]["installs"]
        self._names = {one: record["spec"]["name"] for one, record in records.items()}
        self._versions = {one: record["spec"]["version"] for one, record in records.items()}
        self._needs = {
            one: [edge["hash"] for edge in record["spec"].get("dependencies", ())]
            for one, record in records.items()
        }
        self._texts = {
            one: json.dumps(record["spec"], separators=(",", ":"))
            for one, record in records.items()
        }
        self.cached = [one for one, record in records.items() if record["in_buildcache"]]

    def name(self, one: str) -> str:
        """Its package."""
        return self._names[one]

    def push(self, root: Path, one: str) -> Path:
        """Write it as Spack does, its blobs first; returns its manifest."""
        nodes = ",".join(self._texts[other] for other in self._closure(one))
        spec = f'{{"spec":{{"_meta":{{"version":5}},"nodes":[{nodes}]}},"buildcache_layout_version":3}}'
        tarball = gzip.compress(f"{one}: no tarball\n".encode(), 1, mtime=0)
        entries = [
            stored(root, tarball, "application/vnd.spack.install.v2.tar+gzip", "gzip"),
            stored(
                root, gzip.compress(spec.encode(), 1, mtime=0),
                "application/vnd.spack.spec.v5+json", "gzip",
            ),
        ]  # fmt: skip
        name = self._names[one]
        where = root / "v3/manifests/spec" / name
        where.mkdir(parents=True, exist_ok=True)
        where /= f"{name}-{self._versions[one]}-{one}.spec.manifest.json"
        where.write_bytes(manifest(entries))
        return where

    def _closure(self, one: str) -> Iterator[str]:
        seen, waiting = {one}, [one]
        while waiting:
            found = waiting.pop()
            yield found
            for other in self._needs[found]:
                if other not in seen:
                    seen.add(other)
                    waiting.append(other)


def laid_out(root: Path, specs: Specs) -> None:
    """Push all of them."""
    (root / "v3").mkdir(parents=True)
    (root / "v3/layout.json").write_bytes(b'{"signing": "gpg"}')
    for one in specs.cached:
        specs.push(root, one)
