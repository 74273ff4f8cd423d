"""`cachesync webhook verify`: whether a captured request is what somebody with the secret has sent."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import BinaryIO, NamedTuple

import click

from ...config import scalars
from ...errors import CachesyncError, UsageError
from ...notify import chunked
from ...notify import webhook as webhooks
from .. import paths
from ..display import output
from ..keys import keys_of, secret_options

__all__ = ["webhook"]

MOST_BYTES = 16 << 20
MOST_HEADERS = 200


class Captured(NamedTuple):
    """A request as it was written down."""

    headers: list[tuple[str, str]]
    body: bytes


@click.group(short_help="Check requests that were captured.")
def webhook() -> None:
    """Webhooks, seen from the side that receives them."""


@webhook.command(short_help="Whether a captured request is genuine.")
@click.argument("request_file", type=click.Path(), metavar="[REQUEST]", default="-")
@click.option(
    "--headers", "headers_file", type=click.Path(), metavar="FILE",
    help="Only headers; REQUEST is the body.",
)  # fmt: skip
@secret_options
@click.option(
    "--tolerance", metavar="DURATION", default="5m", show_default=True,
    help="How old or early its timestamp may be.",
)  # fmt: skip
@click.option("--at", metavar="TIME", help="When it was received (default: now).")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def verify(
    request_file: str,
    headers_file: str | None,
    files: tuple[str, ...],
    variables: tuple[str, ...],
    tolerance: str,
    at: str | None,
    as_json: bool,
) -> int:
    """Check the signature and the timestamp of REQUEST, a file or - for standard input (default).

    REQUEST is a whole request: headers, an empty line, the body byte for byte. With --headers it is
    the body alone. A body that was sent in chunks may be given as it was captured. Ends with 0 when one
    of the secrets fits, else with 1.

    \b
    cachesync webhook verify --secret-file /etc/cachesync/hook-secret request.txt
    cachesync webhook verify --secret-env SECRET --headers headers.txt body.json
    """
    if not files and not variables:
        raise UsageError(
            "there is no secret to check with",
            hint="--secret-file FILE or --secret-env NAME; never the secret itself",
        )
    keys = keys_of(files, variables)
    now = time.time() if at is None else _instant(at)
    seconds = _seconds(tolerance)
    captured = _captured(request_file, headers_file)
    try:
        verified = webhooks.verify(
            webhooks.unique(captured.headers),
            captured.body,
            list(keys.values()),
            now=now,
            tolerance_seconds=seconds,
        )
    except webhooks.VerificationError as error:
        if not as_json:
            raise
        output.print_json({"verified": False, "problem": error.message})
        return 1
    place = list(keys)[verified.key]
    if as_json:
        sent = output.timestamp(verified.timestamp * 1_000_000)
        output.print_json({"verified": True, "id": verified.id, "timestamp": sent, "secret": place})
    else:
        away = now - verified.timestamp
        age = f"{output.age(abs(away))} {'old' if away >= 0 else 'early'}"
        print(output.visible(f"verified: {verified.id}, {age}, by the secret in {place}"))
    return 0


def _instant(text: str) -> float:
    from datetime import UTC, datetime

    if text.isascii() and text.isdigit() and len(text) < 12:
        return float(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        hint = "a time (2026-11-22T16:00:00Z) or seconds since 1970"
        raise UsageError(f"--at does not understand {text!r}", hint=hint) from None
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


def _seconds(text: str) -> float:
    try:
        return scalars.duration(text)
    except ValueError as error:
        raise UsageError(f"--tolerance: {error}") from None


# -- reading what was captured


def _captured(request_file: str, headers_file: str | None) -> Captured:
    """Raises CachesyncError for what cannot be read or is no request."""
    data = _read(request_file)
    if headers_file is not None:
        headers = _headers(_read(headers_file))
        return Captured(headers, _without_chunks(headers, data))
    for end in (b"\r\n\r\n", b"\n\n"):
        head, found, body = data.partition(end)
        if found and b"\n\n" not in head:
            headers = _headers(head)
            if _named(headers, "transfer-encoding"):  # which then counts: RFC 9112, 6.3
                return Captured(headers, _without_chunks(headers, body))
            return Captured(headers, _as_long_as_said(headers, body))
    raise CachesyncError(
        "no empty line ends the headers of the request",
        hint="with --headers FILE, headers and body are files of their own",
    )


def _read(name: str) -> bytes:
    try:
        if name == "-":
            return _bounded(sys.stdin.buffer)
        paths.leading_somewhere("the file", Path(name))
        with open(name, "rb") as file:
            return _bounded(file)
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}") from None


def _bounded(file: BinaryIO) -> bytes:
    data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise CachesyncError(f"the request is larger than {MOST_BYTES >> 20} MiB")
    return data


def _headers(data: bytes) -> list[tuple[str, str]]:
    """`Name: value` a line; a request line before them is passed over."""
    found: list[tuple[str, str]] = []
    for number, line in enumerate(data.decode("latin-1").strip("\r\n").split("\n")):
        name, colon, value = line.rstrip("\r").partition(":")
        if number == 0 and line.rstrip("\r").endswith(("HTTP/1.1", "HTTP/1.0", "HTTP/2")):
            continue
        if not colon or not name.strip() or len(found) >= MOST_HEADERS:
            raise CachesyncError(f"line {number + 1} of the headers is not `Name: value`")
        found.append((name.strip(), value.strip()))
    return found


def _named(headers: list[tuple[str, str]], wanted: str) -> str:
    """The values of a header, as one list; empty without any."""
    return ",".join(value for name, value in headers if name.lower() == wanted)


def _without_chunks(headers: list[tuple[str, str]], body: bytes) -> bytes:
    try:
        if chunked.is_chunked(_named(headers, "transfer-encoding")):
            return chunked.decoded(body)
    except chunked.ChunkError as error:
        raise CachesyncError(str(error)) from None
    return body


def _as_long_as_said(headers: list[tuple[str, str]], body: bytes) -> bytes:
    """Without what an editor or a terminal put after it."""
    length = next((value for name, value in headers if name.lower() == "content-length"), "")
    if not (length.isascii() and length.isdigit() and len(length) < 12):
        return body
    if len(body) < int(length):
        raise CachesyncError(f"the body ends early: {len(body):,} of {int(length):,} bytes")
    return body[: int(length)]
