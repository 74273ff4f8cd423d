"""One attempt to deliver a message, and what became of it. Pure."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

__all__ = ["Delivery", "Outcome", "Result"]


class Delivery(NamedTuple):
    """A message as it is sent in one attempt."""

    id: str
    """The `webhook-id`: the same in every attempt."""
    type: str
    """That of the body, such as `specs.cached`."""
    body: bytes
    """The JSON document in the format `standard`; a target makes of it what it sends."""
    timestamp: int
    """Unix seconds of this attempt."""


class Outcome(Enum):
    """What became of one attempt."""

    DELIVERED = "delivered"
    FAILED = "failed"
    """Try again."""
    GONE = "gone"
    """The receiver wants nothing any more: disable the target."""


class Result(NamedTuple):
    """One attempt."""

    outcome: Outcome
    status: int | None
    """Of HTTP, or the exit status of a command; None where there is none."""
    detail: str
    """One line for people, without secrets and without bytes of the receiver."""
    retry_after_seconds: float | None
    """What the receiver asked for, from the end of the attempt on."""
    seconds: float
    """How long the attempt took."""
    words: str | None = None
    """What a program said; for the owner of the outbox only, since it may say anything."""

    @property
    def whole(self) -> str:
        """Detail and words."""
        return self.detail if self.words is None else f"{self.detail}: {self.words}"
