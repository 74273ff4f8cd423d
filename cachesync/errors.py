"""Everything cachesync raises on purpose, and the exit status each leads to.

    CachesyncError                 exit 1
    ├── UsageError                 exit 2   the command line, or what does not fit it
    │   ├── ConfigError            exit 2   the configuration, every problem at once
    │   ├── ListError              exit 2   a list of specs, every bad line at once
    │   └── UnsaidError            exit 2   what is asked of a spec and no cache index says
    ├── NotThereError              exit 1   what was named and is not there: a package, a tag, an id
    ├── QueryError                 exit 2   a query, with the position of what is wrong
    ├── PageError                  (never leaves a pass: the page is recorded as rejected)
    │   └── PageSkipped            (recognised, holds nothing to record: recorded as skipped)
    ├── CacheIndexError            (never leaves a pass: the cache index is recorded as rejected)
    ├── SourceError                exit 1   a source that cannot be listed
    ├── LedgerError                exit 1   the database cannot be opened, read or written
    │   ├── LedgerMissingError     exit 1   nothing was ever synced
    │   └── LedgerBusyError        exit 1   another writer holds the state directory
    ├── OutboxError                exit 1   the outbox cannot be opened, read or written
    ├── AnswerError                exit 1   standard output cannot be written
    └── IndexUnusableError         (never leaves a command: the ledger answers instead)

An error carries one line for the person in front of it, and a hint where something can be done.
A command that is a yes-or-no question ends with 3 on a LedgerError (`entry.or_cannot_tell`): neither.
"""

from __future__ import annotations

__all__ = [
    "AnswerError",
    "CacheIndexError",
    "CachesyncError",
    "ConfigError",
    "IndexUnusableError",
    "LedgerBusyError",
    "LedgerError",
    "LedgerMissingError",
    "ListError",
    "NotThereError",
    "OutboxError",
    "PageError",
    "PageSkipped",
    "QueryError",
    "SourceError",
    "UnsaidError",
    "UsageError",
]


class CachesyncError(Exception):
    """Base of all; `hint` is a second line for the operator, `exit_status` what a command ends with."""

    exit_status = 1
    is_said = False
    """Whether people were told already: then it is for programs only."""
    problems: tuple[str, ...] = ()
    """What is wrong in particular, a line to print each."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(CachesyncError):
    """The command line asks for something that does not exist or does not fit."""

    exit_status = 2


class NotThereError(CachesyncError):
    """What the command line names is not in the ledger, or not in the outbox."""


class ConfigError(UsageError):
    """The configuration is wrong; `problems` holds every line to print."""

    def __init__(self, message: str, problems: tuple[str, ...], *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.problems = problems


class ListError(UsageError):
    """Several lines of a list are not understood; `problems` holds a line to print for each."""

    def __init__(self, message: str, problems: tuple[str, ...], *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.problems = problems


class UnsaidError(UsageError):
    """What is asked of a spec cannot be told from any cache index, whatever is in it."""


class QueryError(CachesyncError):
    """A query that is not understood; `position` counts characters from 0, `length` is at least 1."""

    exit_status = 2

    def __init__(
        self, message: str, *, query: str, position: int, length: int = 1, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.query = query
        self.position = position
        self.length = max(1, length)


class PageError(CachesyncError):
    """A page that is not accepted; the message says why and, where known, at which line and column."""


class PageSkipped(PageError):  # noqa: N818 - no error: the page is passed over
    """A page that is recognised and holds nothing to record (the 2022 era has no hashes)."""


class CacheIndexError(CachesyncError):
    """A mirror's cache index, or the manifest that names it, is not accepted as a whole."""


class SourceError(CachesyncError):
    """A source that could not be listed: nothing is known of its pages in this pass."""

    def __init__(
        self, message: str, *, hint: str | None = None, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_seconds = retry_after_seconds


class LedgerError(CachesyncError):
    """The ledger cannot be opened, read or written."""


class LedgerMissingError(LedgerError):
    """There is no ledger yet: nothing was ever synced into this state directory."""


class LedgerBusyError(LedgerError):
    """Another process writes to this state directory."""


class OutboxError(CachesyncError):
    """What is to be sent to the targets of subscriptions cannot be read or written."""


class AnswerError(CachesyncError):
    """Standard output cannot be written; a reader that went away is a BrokenPipeError instead."""


class IndexUnusableError(CachesyncError):
    """The search index is missing, foreign, old or damaged; the ledger must answer."""
