"""What is really in a repository of a registry: its tags, and the specs in the images that they name.

Functions over a `Registry`; what goes wrong is a SourceError, or a CacheIndexError for what is there and
is not understood. Neither says where it went wrong: `Registry.where` does.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import msgspec

from ...buildcache import image, layout, manifest
from ...errors import CacheIndexError, SourceError
from ...net import Request, shown
from ..base import Unchanged
from .place import Absent, Small
from .registry import DigestError, Registry

__all__ = ["TAGS", "ImageSpec", "read_spec", "spec_tags", "tags"]

TAGS = "tags/list"
"""Where the list of tags is, below the repository."""
MOST_PAGE_BYTES = 64 << 20
MOST_PAGES = 10_000
MOST_IDLE_PAGES = 100
"""One after the other, that bring no tag."""
MOST_TAGS = 1_000_000
PAGE_TAGS = 1000
"""How many are asked for at once; docker-registry 2.8 gives all whatever is asked (NET, 14)."""

MOST_LINK_CHARACTERS = 8192

_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_NEXT = re.compile(
    r';\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next(?=\s*(?:[;,]|$)))', re.IGNORECASE
)


class ImageSpec(NamedTuple):
    """A spec as its image has it."""

    hash: str
    """By its tag; whoever reads the spec compares."""
    document: bytes
    """JSON whose key `spec` is that of a spec file: `{"spec": {"_meta": ..., "nodes": [...]}, ...}`."""
    checksum: str
    """Of the manifest, by which it is another one when the spec is pushed again: `sha256:...`."""
    tarball: manifest.Blob
    archived_at: str | None
    """When the tarball was made, in ISO form, where it is said."""


class _Page(msgspec.Struct):
    tags: list[str] | None


_page = msgspec.json.Decoder(_Page)


def tags(registry: Registry) -> tuple[str, ...]:
    """All tags, sorted, each once. Raises SourceError where the list cannot be had whole.

    None at all is what a registry says of a repository whose tags are gone, or are not there for the
    moment (`"tags": null`): whoever asks has to doubt it.
    """
    url = f"{registry.base}/{TAGS}?n={PAGE_TAGS}"
    found: set[str] = set()
    asked = {url}
    idle = 0
    for _ in range(MOST_PAGES):
        answer = registry.fetcher.fetch(Request(url, MOST_PAGE_BYTES))
        if answer.status != 200:
            raise SourceError(
                f"answered {answer.status}", hint="check `url:`, and whether anything was pushed"
            )
        page = _tags_in(answer.body, answer.headers.get("content-type", ""))
        idle = idle + 1 if found.issuperset(page) else 0
        found.update(page)
        if len(found) > MOST_TAGS:
            raise SourceError(f"more than {MOST_TAGS:,} tags")
        following = _following(url, answer.headers.get("link", ""))
        # Not at a page that brings nothing: tags are left out for those who may not see them, and one that
        # is pushed meanwhile moves the others on to the next page.
        if following is None:
            return tuple(sorted(found))
        if following in asked or idle >= MOST_IDLE_PAGES:
            raise SourceError("its list of tags goes round in a circle: there may be more of them")
        asked.add(following)
        url = following
    raise SourceError(f"a list of tags of more than {MOST_PAGES:,} pages")


def spec_tags(registry: Registry) -> dict[str, str]:
    """Hash -> its tag, of the specs in a repository. Raises as `tags` does.

    Of several tags with one hash, which Spack does not make, the first by name stands.
    """
    found: dict[str, str] = {}
    for tag in tags(registry):
        hash_ = image.hash_of(tag)
        if hash_ is not None:
            found.setdefault(hash_, tag)
    return found


def read_spec(registry: Registry, tag: str) -> ImageSpec | Absent:
    """The spec that a tag is of. Raises CacheIndexError for an image that is damaged or no spec's, SourceError.

    Absent: the registry says that there is no such tag; that it is gone the list of tags has to say too.
    """
    hash_ = image.hash_of(tag)
    if hash_ is None:
        raise ValueError(f"{tag!r} is no tag of a spec")
    named = _read(registry, layout.manifest_path(tag), image.MAX_BYTES)
    if isinstance(named, Absent):
        return named
    found = image.parse(named.data)
    if not found.layers:
        raise CacheIndexError("the image of a spec has no layer, and so no tarball")
    blob = found.config
    if blob.content_length > image.MAX_CONFIG_BYTES:
        raise CacheIndexError(f"the image's config has {blob.content_length:,} bytes")
    path = layout.blob_path(blob.checksum_algorithm, blob.checksum, is_registry=True)
    try:
        config = _read(registry, path, image.MAX_CONFIG_BYTES)
    except DigestError as error:
        raise CacheIndexError(f"the image's config {error.message}") from None
    if isinstance(config, Absent):
        raise CacheIndexError(f"the image's config {config.reason}: it was deleted")
    said = image.config(config.data)
    return ImageSpec(
        hash_, config.data, named.validators["digest"], found.layers[-1], said.archived_at
    )


def _read(registry: Registry, path: str, most_bytes: int) -> Small | Absent:
    found = registry.small(path, most_bytes=most_bytes)
    assert not isinstance(found, Unchanged), "it is asked for whatever it was"
    return found


def _tags_in(body: bytes, kind: str) -> list[str]:
    """The tags on a page; those that none can be are left out. Raises SourceError."""
    try:
        found = _page.decode(body).tags
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        of = f" ({kind.partition(';')[0].strip()[:80]})" if kind else ""
        raise SourceError(
            f"answered with no list of tags{of}",
            hint="check `url:`, and whether the registry is in order",
        ) from None
    return [tag for tag in found or () if image.is_tag(tag)]


def _following(url: str, header: str) -> str | None:
    """The address of the next page (RFC 8288); None at the end. Raises SourceError for another origin."""
    if len(header) > MOST_LINK_CHARACTERS:
        raise SourceError("its list of tags goes on at an invalid address")
    found = (match[1] for match in _LINK.finditer(header) if _NEXT.search(match[2]))
    target: str | None = next(found, None)
    if target is None:
        return None
    try:
        following = urljoin(url, target).partition("#")[0]
        is_same = urlsplit(following)[:2] == urlsplit(url)[:2]
    except ValueError:
        raise SourceError("its list of tags goes on at an invalid address") from None
    if not is_same:
        raise SourceError(f"its list of tags goes on elsewhere: {shown(following)}")
    return following
