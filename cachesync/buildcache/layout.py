"""Which file of a mirror lies where (BUILDCACHE, 2.1 and 2.3). Pure.

All paths are relative to the mirror's root, with `/` between their parts. The layout is told by where
an index lies and by nothing else: documents of all versions occur in both (SPACK, 12 and 13).
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

__all__ = ["INDEX_TAG", "IndexPlace", "blob_path", "index_places", "is_view", "manifest_path"]

INDEX_TAG = "index.spack"
"""Of the cache index, in a registry."""

_VIEW_PART = re.compile(r"[A-Za-z0-9_+\-][A-Za-z0-9_.+\-]*")
_MOST_VIEW = 255


class IndexPlace(NamedTuple):
    """Where the cache index of a layout is looked for."""

    layout: int | Literal["oci"]
    first: str
    """What is asked for first, and conditionally: the index manifest (3, oci), the index itself (2)."""
    checksum: str | None
    """A file that holds the checksum of the index; it may be of another moment (BUILDCACHE, 2.2)."""


def index_places(view: str | None = None, *, is_registry: bool = False) -> tuple[IndexPlace, ...]:
    """Where to look for the cache index, in the order in which Spack does.

    A mirror that is read by a view has layout 3 only; a registry has neither views nor another layout
    than its own. Raises ValueError for what is no view.
    """
    if is_registry:
        return (IndexPlace("oci", manifest_path(INDEX_TAG), None),)
    if view is not None:
        if not is_view(view):
            raise ValueError(f"{view!r} is no name of a view")
        return (IndexPlace(3, f"v3/manifests/index/{view}/index.manifest.json", None),)
    return (
        IndexPlace(3, "v3/manifests/index/index.manifest.json", None),
        IndexPlace(2, "build_cache/index.json", "build_cache/index.json.hash"),
    )


def is_view(text: str) -> bool:
    """Whether `text` can name a view: one or more directories below `v3/manifests/index/`."""
    return len(text) <= _MOST_VIEW and all(map(_VIEW_PART.fullmatch, text.split("/")))


def manifest_path(tag: str) -> str:
    """Where a registry has the manifest of a tag, below the name of the repository."""
    return f"manifests/{tag}"


def blob_path(algorithm: str, checksum: str, *, is_registry: bool = False) -> str:
    """Where the blob with this checksum lies: beside `v3/`, not below it."""
    if is_registry:
        return f"blobs/{algorithm}:{checksum}"
    return f"blobs/{algorithm}/{checksum[:2]}/{checksum}"
