"""What to type to install a hit from the cache it is really in: Spack's own commands.

The address of a mirror is a fact about a source that pages do not state. It is what the
configuration says (`mirror:`), or known of the repository that the public pages live in; otherwise
the output says that it is not known. A source of build caches is a mirror itself. A view of one is said as
`spack mirror add --name VIEW NAME URL`, which writes `view: VIEW` into mirrors.yaml (Spack 1.2.0.dev0,
cmd/mirror.py and schema/mirrors.py); 1.1.1 has neither the option nor the key.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...config.mirrors import is_registry, places
from ...config.settings import Config
from ...config.sourceconfigs import (
    ArchiveSourceConfig,
    BuildcacheSourceConfig,
    GithubSourceConfig,
    SourceConfig,
)
from ...ledger.log import Mirror
from ...model import Placement
from ...search.answers import Hit
from ...spack import tags
from ...spack.machine import Fit
from ...spack.printed import by_language
from .output import visible

__all__ = ["Bucket", "Installation", "buckets", "choose", "indexed", "mirrors"]

PUBLIC_PAGES = "spack/cache.spack.io"
PUBLIC_MIRROR = "https://binaries.spack.io/{tag}"
"""Where the binaries of the public pages are: their generator reads `.../TAG/STACK` there."""

UNSIGNED = (
    "# add --no-check-signature where its binaries are not signed: Spack refuses them without"
)
"""Of Spack 1.x and 0.23 alike an option of `spack install`; a mirror is taken to be signed (mirrors/mirror.py)."""
UNREAD = "# Spack up to 1.2 reads no cache index over oci+http://, so it finds no /HASH there: use oci://"
"""1.1.1 and 1.2.0.dev0 take it for a web server's (SPACK, 23)."""

KEYED = (
    "# its bucket wants a key: in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or other variables that"
    " --s3-access-key-id-variable and --s3-access-key-secret-variable name"
)


_RUNS = {Fit.SAME: True, Fit.OLDER: True, Fit.OTHER_SYSTEM: None, Fit.NOT: False}
"""What programs are told; None is that nobody knows."""


class Bucket(NamedTuple):
    """What Spack is told of a bucket besides its address."""

    endpoint: str | None
    """None for Amazon's."""
    has_key: bool


class Installation(NamedTuple):
    """One spec of a hit, and where to get it."""

    hit: Hit
    hash: str
    placement: Placement
    mirror: str | None
    """The address that `spack mirror add` takes; None where it is not known."""
    view: str | None = None
    """The view of the mirror that has it; None for the mirror's own index."""

    bucket: Bucket | None = None
    """How the bucket that the mirror is in is asked; None where it is in none, or that is not known."""

    fit: Fit | None = None
    """How it suits this machine; None where the query says which machine is meant."""

    @property
    def is_registry(self) -> bool:
        """Whether the mirror is in a registry, which holds no signatures and no keys."""
        return self.mirror is not None and is_registry(self.mirror)

    @property
    def is_public(self) -> bool:
        """Whether the mirror is that of the public pages, whose binaries are signed."""
        return self.mirror is not None and self.mirror.startswith(PUBLIC_MIRROR.partition("{")[0])

    def lines(self) -> list[str]:
        """Shell commands, with comments that say what they are about."""
        build, place = self.hit.build, self.placement
        compilers = by_language(build.compiler, dict(build.compilers))
        about = (
            f"{build.package}@{build.version} {compilers} {build.platform}-{build.os}-{build.target},"
            f" in {place.tag} of {place.source} ({', '.join(place.stacks)})"
        )
        name = f"{place.tag.replace('/', '-')}-cache"
        if self.mirror is None:
            mirror = [
                f"# where the mirror of {place.source} is, is not known here: the source has no mirror: in",
                f"# the configuration. It has to hold {place.tag}:",
                f"# spack mirror add {shlex.quote(name)} ADDRESS",
            ]
        else:
            option = "" if self.view is None else f"--name {shlex.quote(self.view)} "
            if self.is_registry:
                option = "--unsigned "
            endpoint = None if self.bucket is None else self.bucket.endpoint
            at = "" if endpoint is None else f"--s3-endpoint-url {shlex.quote(endpoint)} "
            mirror = [
                f"spack mirror add {option}{at}{shlex.quote(name)} {shlex.quote(self.mirror)}"
            ]
            if self.is_registry and self.mirror.startswith("oci+http:"):
                mirror.insert(0, UNREAD)
            if self.bucket is not None and self.bucket.has_key:
                mirror.insert(0, KEYED)
            if self.view is not None:
                mirror.insert(0, "# --name is that of a view: Spack 1.2 or later")
        return [
            visible(line)
            for line in (
                f"# {about}",
                *mirror,
                *([] if self.is_registry else ["spack buildcache keys --install --trust"]),
                *([] if self.is_public or self.is_registry else [UNSIGNED]),
                f"spack install --cache-only {shlex.quote('/' + self.hash)}",
            )
        ]

    def document(self) -> dict[str, Any]:
        """The same for programs: a result of `search --install --json` has it as `install`."""
        place = self.placement
        return {
            "hash": self.hash,
            "source": place.source,
            "tag": place.tag,
            "mirror": self.mirror,
            "view": self.view,
            "commands": [line for line in self.lines() if not line.startswith("#")],
            **({} if self.fit is None else {"runs_here": _RUNS[self.fit]}),
        }


Indexes = Mapping[str, Sequence[Mirror]]
"""The cache indexes in the ledger, by source: of sources that the configuration does not name they tell."""


def mirrors(config: Config, indexes: Indexes) -> dict[str, str]:
    """Source -> the template of its mirror's address, as far as it is known."""
    found = {name: group[0].url if group else None for name, group in indexes.items()}
    found |= {source.name: source.mirror or _known(source) for source in config.sources}
    return {name: address for name, address in found.items() if address is not None}


class Where(NamedTuple):
    """The cache index that a tag and a stack of a source come from."""

    url: str
    """Of its mirror."""
    view: str | None


Indexed = Mapping[tuple[str, str, str], Where]
"""By source, tag and stack."""


def indexed(config: Config, indexes: Indexes) -> Indexed:
    """The cache indexes there are: as configured where one mirror is, else as they were read last."""
    told = {
        (name, one.tag, one.stack): Where(one.url, one.view)
        for name, group in indexes.items()
        for one in group
    }
    return told | {
        (source.name, place.tag, place.stack): Where(source.url, place.view)
        for source in config.sources
        if isinstance(source, BuildcacheSourceConfig) and source.url
        for place in places(source)
    }


def buckets(config: Config) -> dict[str, Bucket]:
    """Source -> how its bucket is asked, of those whose own mirror is in one."""
    return {
        source.name: Bucket(source.endpoint, has_key=any(source.credentials))
        for source in config.sources
        if isinstance(source, BuildcacheSourceConfig) and source.is_bucket and not source.mirror
    }


def _known(source: SourceConfig) -> str | None:
    if isinstance(source, BuildcacheSourceConfig):
        return source.url or None  # else each of its cache indexes has its own
    if isinstance(source, GithubSourceConfig) and source.repository == PUBLIC_PAGES:
        return PUBLIC_MIRROR
    if isinstance(source, ArchiveSourceConfig) and f"/{PUBLIC_PAGES}/" in source.url:
        return PUBLIC_MIRROR
    return None


def choose(
    hit: Hit, known: Mapping[str, str], indexed: Indexed, buckets: Mapping[str, Bucket]
) -> Installation:
    """The spec to install: of those whose mirror is known, if any, the one in the newest tag."""

    def where(place: Placement) -> Where | None:
        found = (indexed.get((place.source, place.tag, stack)) for stack in place.stacks)
        return next((one for one in found if one is not None), None)

    best = max(
        ((spec, place) for spec in hit.specs for place in spec.placements),
        key=lambda pair: (
            pair[1].source in known or where(pair[1]) is not None,
            tags.order(pair[1].tag), len(pair[0].placements), pair[0].hash,
        ),
    )  # fmt: skip
    spec, place = best
    template, found = known.get(place.source), where(place)
    address = None if template is None else template.replace("{tag}", place.tag)
    bucket = buckets.get(place.source)
    if found is None:
        return Installation(hit, spec.hash, place, address, None, bucket)
    return Installation(hit, spec.hash, place, address or found.url, found.view, bucket)
