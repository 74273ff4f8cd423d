"""Webhooks as Standard Webhooks 1.0 has them: signing, verifying, and the CloudEvents form. Pure.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

from ..errors import CachesyncError

__all__ = [
    "TOLERANCE_SECONDS",
    "Form",
    "Key",
    "VerificationError",
    "Verified",
    "cloudevent",
    "signed_headers",
    "standard",
    "unique",
    "verify",
]

TOLERANCE_SECONDS = 300.0
"""How far the clocks of sender and receiver may be apart, as the reference libraries have it."""
PREFIX = "whsec_"
MOST_HEADER_CHARACTERS = 8192
_NAMES = ("webhook-id", "webhook-timestamp", "webhook-signature")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


class VerificationError(CachesyncError):
    """A request that is not, or no longer, what somebody with the secret has sent."""


class Key:
    """What signs, made from a secret. Its `repr` does not show it."""

    __slots__ = ("_bytes",)

    def __init__(self, secret: str) -> None:
        """Read a secret as the reference libraries do: base64, with or without `whsec_` before it.

        A secret without `whsec_` that is no base64 is the key itself, in UTF-8. Raises
        CachesyncError, which does not repeat it.
        """
        self._bytes = _key_bytes(secret)

    def __repr__(self) -> str:
        return "Key(...)"

    def signature(self, message_id: str, timestamp: int | str, body: bytes) -> bytes:
        """HMAC-SHA256 over `id.timestamp.body`."""
        signed = f"{message_id}.{timestamp}.".encode() + body
        return hmac.digest(self._bytes, signed, hashlib.sha256)


def _key_bytes(secret: str) -> bytes:
    text = secret.removeprefix(PREFIX)
    bare = text.rstrip("=")
    if _BASE64.fullmatch(text) and len(bare) % 4 != 1:
        return base64.b64decode(bare + "=" * (-len(bare) % 4))
    if text != secret:
        raise CachesyncError(
            f"a secret that begins with {PREFIX} goes on in base64, and this one does not",
            hint=f'make one: echo "{PREFIX}$(openssl rand -base64 32)"',
        )
    if not secret:
        raise CachesyncError("a secret is empty")
    return secret.encode()


# -- sending


def signed_headers(
    keys: Iterable[Key], *, message_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """The three headers of a message; without any key, the two that need none.

    Each key signs, in their order, so that receivers with an old secret and with a new one are
    content while it is being replaced.
    """
    headers = {"webhook-id": message_id, "webhook-timestamp": str(timestamp)}
    signatures = [
        "v1," + base64.b64encode(key.signature(message_id, timestamp, body)).decode()
        for key in keys
    ]
    if signatures:
        headers["webhook-signature"] = " ".join(signatures)
    return headers


class Form(NamedTuple):
    """A body as it is sent."""

    content_type: str
    body: bytes


def standard(body: bytes) -> Form:
    """The body as it is."""
    return Form("application/json", body)


def cloudevent(body: bytes, *, message_id: str) -> Form:
    """A body of the format `standard` as a CloudEvent 1.0 in structured mode.

    `source` is a URI reference that names the subscription, `type` that of the message after
    `cachesync.`, `data` that of the body, and the extension `bodyschema` its `schema`.
    https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
    """
    document = json.loads(body)
    event = {
        "specversion": "1.0",
        "id": message_id,
        "source": "/cachesync/subscriptions/" + quote(document["data"]["subscription"], safe=""),
        "type": f"cachesync.{document['type']}",
        "time": document["timestamp"],
        "datacontenttype": "application/json",
        "bodyschema": document["schema"],
        "data": document["data"],
    }
    text = json.dumps(event, ensure_ascii=False)
    return Form("application/cloudevents+json", text.encode("utf-8", "backslashreplace"))


# -- receiving


class Verified(NamedTuple):
    """A request that somebody with the secret has sent, not long ago."""

    id: str
    timestamp: int
    key: int
    """The position of the key that fits."""


def unique(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers as they came, by their names in lower case.

    Raises VerificationError when one that is signed is there twice: programs would differ about
    which of them counts.
    """
    found: dict[str, str] = {}
    for name, value in headers:
        if name.lower() in found and name.lower() in _NAMES:
            raise VerificationError(f"the header {name.lower()} is there twice")
        found[name.lower()] = value
    return found


def verify(
    headers: Mapping[str, str],
    body: bytes,
    keys: Sequence[Key],
    *,
    now: float,
    tolerance_seconds: float = TOLERANCE_SECONDS,
) -> Verified:
    """Check a request; `headers` may be written in any case, `now` is Unix time.

    Raises VerificationError, which says what is wrong. Comparing takes the same time whatever is
    wrong with a signature.
    """
    message_id, sent, signatures = _wanted(headers)
    given = list(_signatures(signatures))
    if not given:
        raise VerificationError(
            "webhook-signature holds no signature of version v1",
            hint="expected `v1,` and 44 characters of base64",
        )
    fits = [_fits(key.signature(message_id, sent, body), given) for key in keys]
    if not any(fits):
        raise VerificationError(
            "no signature fits: the body or a header was changed, or the secret is another",
            hint="sign and compare the bytes of the body as they came, not decoded and written anew",
        )
    away = now - int(sent)
    if abs(away) > tolerance_seconds:
        direction = "old" if away > 0 else "in the future"
        raise VerificationError(
            f"the signature fits, but its timestamp is {abs(away):,.0f} s {direction}"
            f" ({tolerance_seconds:g} s are accepted)",
            hint="a request that was sent again by somebody else, or a clock that is wrong",
        )
    return Verified(message_id, int(sent), fits.index(True))


def _wanted(headers: Mapping[str, str]) -> tuple[str, str, str]:
    """Id, timestamp and signatures as they are written. Raises VerificationError."""
    given = unique(headers.items())
    found = {name: given.get(name, "").strip() for name in _NAMES}
    for name in _NAMES:
        if not found[name]:
            raise VerificationError(f"the header {name} is missing")
        if len(found[name]) > MOST_HEADER_CHARACTERS:
            raise VerificationError(f"the header {name} is too long")
    message_id, timestamp, signatures = (found[name] for name in _NAMES)
    if not _TIMESTAMP.fullmatch(timestamp):
        raise VerificationError("webhook-timestamp is no number of seconds since 1970")
    return message_id, timestamp, signatures


def _signatures(header: str) -> Iterable[bytes]:
    for part in header.split():
        version, _, text = part.partition(",")
        if version == "v1":
            try:
                yield base64.b64decode(text, validate=True)
            except (binascii.Error, ValueError):  # it fits nothing; another may
                continue


def _fits(expected: bytes, given: Sequence[bytes]) -> bool:
    """Whether one of the signatures is the expected one; all are compared."""
    return sum(hmac.compare_digest(expected, signature) for signature in given) > 0
