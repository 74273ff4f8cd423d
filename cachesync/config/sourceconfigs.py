"""What an entry of `sources:` says, by its type, as frozen values with the defaults of one that says little."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, NamedTuple

from ..selection import Selection
from .reachvalues import Proxy, Secret

__all__ = [
    "ArchiveSourceConfig",
    "BuildcacheSourceConfig",
    "Credentials",
    "DirectorySourceConfig",
    "GithubSourceConfig",
    "HttpSourceConfig",
    "MirrorAccess",
    "ReadMode",
    "SourceConfig",
]


class DirectorySourceConfig(NamedTuple):
    """A directory that holds `<tag>/<package>/specs.md`."""

    name: str
    path: str
    """Absolute."""
    selection: Selection = Selection()
    interval_seconds: int = 3600
    """A full pass after so long, whatever the watcher says."""
    notify_baseline: bool = False
    mirror: str | None = None
    """What `spack mirror add` takes for the cache the pages describe; `{tag}` stands for the tag."""
    type: Literal["directory"] = "directory"


class GithubSourceConfig(NamedTuple):
    """A directory of a GitHub repository, read through the REST API."""

    name: str
    repository: str
    """`owner/name`."""
    ref: str = "main"
    path: str = "_cache"
    """Inside the repository, without slashes around it; empty for its root."""
    token: Secret | None = None
    selection: Selection = Selection()
    interval_seconds: int | None = 1800
    """Exactly one of this and `cron` is None."""
    cron: str | None = None
    api_url: str = "https://api.github.com"
    """Like `raw_url`, without a slash at the end."""
    raw_url: str = "https://raw.githubusercontent.com"
    notify_baseline: bool = False
    mirror: str | None = None
    proxy: Proxy = Proxy()
    ca_file: str | None = None
    type: Literal["github"] = "github"


class HttpSourceConfig(NamedTuple):
    """Pages at addresses that are known: a template over tags and packages, or a list."""

    name: str
    url: str | None = None
    """A page, or a template with `{tag}` and `{package}`; None where `urls` lists the pages."""
    urls: tuple[str, ...] = ()
    selection: Selection = Selection()
    """For a template its tags and packages, plain names every one; otherwise everything."""
    interval_seconds: int | None = 6 * 3600
    """Exactly one of this and `cron` is None."""
    cron: str | None = None
    notify_baseline: bool = False
    mirror: str | None = None
    proxy: Proxy = Proxy()
    ca_file: str | None = None
    type: Literal["http"] = "http"


class ArchiveSourceConfig(NamedTuple):
    """A directory in a tarball that is downloaded as a whole."""

    name: str
    url: str
    path: str = "_cache"
    """Inside the repository, without slashes around it; empty for its root."""
    selection: Selection = Selection()
    interval_seconds: int | None = 86400
    """Exactly one of this and `cron` is None."""
    cron: str | None = None
    notify_baseline: bool = False
    mirror: str | None = None
    proxy: Proxy = Proxy()
    ca_file: str | None = None
    type: Literal["archive"] = "archive"


class ReadMode(StrEnum):
    """What is read of a mirror."""

    INDEX = "index"
    """What it says of itself, as a whole."""
    MANIFESTS = "manifests"
    """What is really there, spec by spec."""


class Credentials(NamedTuple):
    """As who a mirror is asked: a user of a registry, or a key of a bucket."""

    username: str | None = None
    """Goes with `password`, as `access_key` does with `secret_key`."""
    password: Secret | None = None
    access_key: str | None = None
    secret_key: Secret | None = None
    session_token: Secret | None = None

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Those that are named."""
        every = (self.password, self.secret_key, self.session_token)
        return tuple(secret for secret in every if secret is not None)


class MirrorAccess(NamedTuple):
    """As who, and where, the mirrors of a source are reached."""

    credentials: Credentials = Credentials()
    endpoint: str | None = None
    """Of buckets, without a slash at the end; None: Amazon's, of the region."""
    region: str | None = None
    is_anonymous: bool = False


class BuildcacheSourceConfig(NamedTuple):
    """Build caches of Spack's: one mirror, or those that a list or a mirrors.yaml names."""

    name: str
    url: str = ""
    """Without a slash at the end; empty where exactly one of `list` and `mirrors` is given."""
    list: str | None = None
    """The address of a list of indexes, by ref and stack."""
    mirrors: str | None = None
    """The absolute path of a mirrors.yaml of Spack's."""
    view: str | None = None
    """At most one of this and `views` is given; without either the mirror's own index is read."""
    views: tuple[str, ...] = ()
    tag: str | None = None
    """None: the view, or the last part of `url`."""
    stack: str | None = None
    """None: `root`, or each of the views where they share a tag."""
    settle: int = 2
    """In how many passes running a spec is absent until it is evicted."""
    read: ReadMode = ReadMode.INDEX
    stacks: tuple[str, ...] = ("*",)
    """Globs over the stacks of a list, as those of `selection`."""
    bucket_url: str | None = None
    """What `s3://BUCKET` of a list stands for; None: the origin of the list."""
    credentials: Credentials = Credentials()
    endpoint: str | None = None
    region: str | None = None
    anonymous: bool = False
    selection: Selection = Selection()
    interval_seconds: int | None = 1800
    """Exactly one of this and `cron` is None."""
    cron: str | None = None
    notify_baseline: bool = False
    mirror: str | None = None
    """What `spack mirror add` takes instead of `url`; `{tag}` stands for the tag."""
    proxy: Proxy = Proxy()
    ca_file: str | None = None
    type: Literal["buildcache"] = "buildcache"

    @property
    def is_local(self) -> bool:
        """Whether it lies in the file system: then it is watched, and reached without a network."""
        return self.url.startswith("file:")

    @property
    def is_bucket(self) -> bool:
        """Whether it lies in a bucket (S3)."""
        return self.url.startswith("s3://")

    @property
    def access(self) -> MirrorAccess:
        """As who, and where, its mirror is reached."""
        return MirrorAccess(self.credentials, self.endpoint, self.region, self.anonymous)


SourceConfig = (
    DirectorySourceConfig
    | GithubSourceConfig
    | HttpSourceConfig
    | ArchiveSourceConfig
    | BuildcacheSourceConfig
)
