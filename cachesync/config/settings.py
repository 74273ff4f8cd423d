"""What a configuration says, as frozen values with the defaults of a configuration that says nothing.

This module does not know YAML, nor where a configuration lies; `config` makes these values.
Secrets are only named here: what a `Secret` refers to is read where it is used.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import Literal, NamedTuple

from ..diff import Guard
from ..model import ChangeKind, First
from ..query import Node
from ..selection import Selection

__all__ = [
    "AppriseTarget",
    "ArchiveSourceConfig",
    "Batch",
    "BuildcacheSourceConfig",
    "CommandTarget",
    "Config",
    "DirectorySourceConfig",
    "GithubSourceConfig",
    "HttpSourceConfig",
    "Limits",
    "Log",
    "LogFormat",
    "LogLevel",
    "Metrics",
    "Proxy",
    "ProxyKind",
    "Secret",
    "SecretKind",
    "SourceConfig",
    "Subscription",
    "Target",
    "Watch",
    "WatchMode",
    "WebhookFormat",
    "WebhookTarget",
]


class SecretKind(Enum):
    """Where a secret is found."""

    FILE = "file"
    ENV = "env"
    CREDENTIAL = "credential"


class Secret(NamedTuple):
    """Where a secret is found, never the secret itself.

    `name` is the absolute path of a file, the name of an environment variable, or the name of a
    systemd credential (a file in `$CREDENTIALS_DIRECTORY`).
    """

    kind: SecretKind
    name: str


class ProxyKind(Enum):
    """What is said of a proxy."""

    ABOVE = "above"
    """Nothing: what stands at the top applies; where nothing stands there, none."""
    NONE = "none"
    ENVIRONMENT = "environment"
    """What http_proxy, https_proxy, all_proxy and no_proxy say."""
    ADDRESS = "address"


class Proxy(NamedTuple):
    """The proxy that something is reached through."""

    kind: ProxyKind = ProxyKind.ABOVE
    url: str | None = None
    """Set for an address, as are the others where the proxy wants them."""
    username: str | None = None
    password: Secret | None = None


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


class BuildcacheSourceConfig(NamedTuple):
    """A build cache of Spack's, read by the indexes that it has of itself."""

    name: str
    url: str
    """file:, http: or https:, without a slash at the end."""
    view: str | None = None
    """At most one of this and `views` is given; without either the mirror's own index is read."""
    views: tuple[str, ...] = ()
    tag: str | None = None
    """None: the view, or the last part of `url`."""
    stack: str | None = None
    """None: `root`, or each of the views where they share a tag."""
    settle: int = 2
    """In how many passes running a spec is absent until it is evicted."""
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


SourceConfig = (
    DirectorySourceConfig
    | GithubSourceConfig
    | HttpSourceConfig
    | ArchiveSourceConfig
    | BuildcacheSourceConfig
)


class WatchMode(StrEnum):
    """How changes of a directory are noticed."""

    AUTO = "auto"
    """By events, and by polling on a kind of file system that does not tell what others write."""
    EVENTS = "events"
    POLL = "poll"


class Watch(NamedTuple):
    """How changes of a directory are noticed, and how long they are gathered."""

    quiet_seconds: float = 0.3
    cap_seconds: float = 5.0
    """However busy a path is, it is looked at after so long."""
    mode: WatchMode = WatchMode.AUTO
    every_seconds: float = 60.0
    """Between two looks where a directory is polled; more where a look takes long."""


class Limits(NamedTuple):
    """What is refused for being too much."""

    page_bytes: int = 32 * 2**20
    download_bytes: int = 2 * 2**30
    request_seconds: float = 60.0


class Batch(NamedTuple):
    """How the matches of a subscription are put into messages."""

    window_seconds: float = 30.0
    most: int = 100
    """Changes in one message."""
    summary_above: int = 1000
    """More matches than this in one pass become one summary."""
    size_bytes: int = 20_000
    """Of one message: what does not fit follows in further ones."""


class WebhookFormat(StrEnum):
    """The body of a webhook."""

    STANDARD = "standard"
    CLOUDEVENTS = "cloudevents"


class WebhookTarget(NamedTuple):
    """An address that a signed message is posted to."""

    url: str
    secrets: tuple[Secret, ...] = ()
    """Each signs; several while they are being rotated, none leaves messages unsigned."""
    format: WebhookFormat = WebhookFormat.STANDARD
    allow_private: bool = False
    proxy: Proxy = Proxy(ProxyKind.NONE)
    ca_file: str | None = None
    timeout_seconds: float = 15.0
    type: Literal["webhook"] = "webhook"


class AppriseTarget(NamedTuple):
    """An Apprise address, which holds credentials and therefore is a secret."""

    url: Secret
    timeout_seconds: float = 60.0
    type: Literal["apprise"] = "apprise"


class CommandTarget(NamedTuple):
    """A program that is run with the message on its standard input."""

    argv: tuple[str, ...]
    """The program comes first: an absolute path, or a bare name that `PATH` is searched for."""
    timeout_seconds: float = 60.0
    type: Literal["command"] = "command"


Target = WebhookTarget | AppriseTarget | CommandTarget


class Subscription(NamedTuple):
    """A saved query, and where to send what newly matches it."""

    name: str
    query: str
    condition: Node
    """What `query` means."""
    targets: tuple[Target, ...]
    events: tuple[ChangeKind, ...] = (ChangeKind.SPEC_CACHED,)
    first: First = First.HASH
    batch: Batch = Batch()
    backfill: bool = False
    """Also what is already cached when the subscription is new, or when a source is."""


class Metrics(NamedTuple):
    """Where metrics are served."""

    host: str
    """A name or an address; of IPv6 without brackets."""
    port: int


class LogFormat(StrEnum):
    """How log lines are written."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """The least that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Log(NamedTuple):
    """What is logged, and how."""

    format: LogFormat = LogFormat.TEXT
    level: LogLevel = LogLevel.INFO


class Config(NamedTuple):
    """A whole configuration; `Config()` is that of an empty file, or of none."""

    sources: tuple[SourceConfig, ...] = ()
    proxy: Proxy = Proxy()
    """For the sources that say nothing else, which hold it already; as they do `ca_file`."""
    ca_file: str | None = None
    """Certificates that are trusted besides; webhooks hold it too."""
    watch: Watch = Watch()
    limits: Limits = Limits()
    guard: Guard = Guard()
    subscriptions: tuple[Subscription, ...] = ()
    metrics: Metrics | None = None
    """None: no metrics are served."""
    log: Log = Log()
    command: str = "cachesync"
    """No key of a file: how a command begins that messages name, with what leads to this configuration."""
