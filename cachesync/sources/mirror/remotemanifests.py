"""The specs of mirrors that are listed over the network: manifests in a bucket, images of a registry."""

from __future__ import annotations

from collections.abc import Collection

from ...buildcache import image, specfile, specmanifest
from ...buildcache.specfile import SpecFile
from ...errors import SourceError
from ...selection import Selection
from . import images
from .bucket import Bucket
from .listing import Listed, Named, better, is_signed, spec_file
from .place import Absent, Small
from .registry import Registry

__all__ = ["BucketManifests", "Images"]

_LAYOUT = "v3/layout.json"


class BucketManifests:
    """See `listing.Manifests`. A pass lists all of them, in pages of a thousand."""

    is_near = False

    def __init__(self, bucket: Bucket, selection: Selection) -> None:
        """Only packages that `selection` admits are looked at."""
        self._bucket = bucket
        self._selection = selection

    def listed(self, packages: Collection[str] | None) -> Listed:
        """See `Manifests`."""
        found: dict[str, Named] = {}
        for one in self._bucket.listed(specmanifest.DIRECTORY):
            package, _, name = one.path.removeprefix(f"{specmanifest.DIRECTORY}/").partition("/")
            spec_hash = specmanifest.hash_of(name)
            if spec_hash is None or not self._is_wanted(package, packages):
                continue
            named = Named(one.path, package)
            found[spec_hash] = better(found.get(spec_hash), named)
        return Listed(found, {}, is_there=bool(found) or self._is_there())

    def spec(self, one: Named, *, needs_tarball: bool) -> SpecFile | None:
        """See `Manifests`. Its tarball is not asked for."""
        return spec_file(self._bucket, one.path)

    def is_signed(self, one: Named) -> bool | None:
        """See `Manifests`."""
        return is_signed(self._bucket, one.path)

    def lack(self, one: Named, *, needs_tarball: bool) -> str | None:
        """See `Manifests`: what it names would be asked for, one by one."""
        return None

    def lacks_tarball(self, one: Named) -> bool:
        """See `Manifests`."""
        return False

    def _is_there(self) -> bool:
        """Whether there is a mirror. Raises SourceError where that may not be seen."""
        small = self._bucket.small(_LAYOUT, most_bytes=specmanifest.MAX_BYTES)
        if isinstance(small, Absent) and not small.is_certain:
            raise SourceError(f"{self._bucket.where(_LAYOUT)} {small.reason}")
        return isinstance(small, Small)

    def _is_wanted(self, package: str, packages: Collection[str] | None) -> bool:
        return (
            specmanifest.is_package(package)
            and (packages is None or package in packages)
            and self._selection.admits_package(package)
        )


class Images:
    """See `listing.Manifests`. Tags do not tell of which package they are, but of which they are not."""

    is_near = False

    def __init__(self, registry: Registry, selection: Selection) -> None:
        """Only images that may be of packages that `selection` admits are looked at."""
        self._registry = registry
        self._selection = selection

    def listed(self, packages: Collection[str] | None) -> Listed:
        """See `Manifests`; always of all packages."""
        found = images.spec_tags(self._registry)
        manifests = {
            spec_hash: Named(tag, None)
            for spec_hash, tag in found.items()
            if self._may_be_wanted(tag)
        }
        return Listed(manifests, {}, is_there=bool(found))

    def spec(self, one: Named, *, needs_tarball: bool) -> SpecFile | None:
        """See `Manifests`. Its tarball is not asked for."""
        found = images.read_spec(self._registry, one.path)
        return None if isinstance(found, Absent) else specfile.parse(found.document)

    def _may_be_wanted(self, tag: str) -> bool:
        packages = image.packages_of(tag)
        return packages is None or any(map(self._selection.admits_package, packages))

    def is_signed(self, one: Named) -> bool | None:
        """See `Manifests`; no image is (BUILDCACHE, 2.3), so nobody has to ask."""
        return None

    def lack(self, one: Named, *, needs_tarball: bool) -> str | None:
        """See `Manifests`: what it names would be asked for, one by one."""
        return None

    def lacks_tarball(self, one: Named) -> bool:
        """See `Manifests`."""
        return False
