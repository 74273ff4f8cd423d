"""What a configuration says, as frozen values with the defaults of a configuration that says nothing.

This module does not know YAML, nor where a configuration lies; `config` makes these values.
Secrets are only named here: what a `Secret` refers to is read where it is used.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, NamedTuple

from ..diff import Guard
from ..model import ChangeKind, First
from ..query import Node
from .reachvalues import Proxy, ProxyKind, Secret
from .sourceconfigs import SourceConfig

__all__ = [
    "AppriseTarget",
    "Batch",
    "CommandTarget",
    "Config",
    "Limits",
    "Log",
    "LogFormat",
    "LogLevel",
    "Metrics",
    "Subscription",
    "Target",
    "Watch",
    "WatchMode",
    "WebhookFormat",
    "WebhookTarget",
]


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
