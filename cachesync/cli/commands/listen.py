"""`cachesync listen`: a receiver to try webhooks with, in one minute."""

from __future__ import annotations

import base64
import os
import secrets
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...errors import CachesyncError
from ...notify import text
from .. import paths
from ..display import output
from ..keys import keys_of, secret_options
from ..options import Globals

if TYPE_CHECKING:
    from ...notify.receiver import Received

__all__ = ["listen"]

PORT = 9518
SECRET_FILE = "listen-secret"  # noqa: S105 - the name of a file
SECRET_BYTES = 32


@click.command(short_help="Receive webhooks here, verify and print them.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, metavar="PORT",
    help="On loopback; 0 is any free one.",
)  # fmt: skip
@secret_options
@click.option(
    "--status", "statuses", type=click.IntRange(200, 599), multiple=True, metavar="STATUS",
    help="What to answer (204); repeated: one after the other, the last for ever.",
)  # fmt: skip
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after N deliveries.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines, one each delivery.")
@click.pass_obj
def listen(
    options: Globals,
    port: int,
    files: tuple[str, ...],
    variables: tuple[str, ...],
    statuses: tuple[int, ...],
    count: int | None,
    as_json: bool,
) -> int:
    """Receive webhooks on loopback, verify each and print what it says.

    Without a secret one is made, kept in the state directory, and what to put into a subscription
    is printed. A delivery that cannot be verified is answered 401. With --count, ends with 1 when
    one of them was refused.
    """
    from ...notify.receiver import Receiver

    if not files and not variables:
        files = (str(_own_secret(paths.own_state_dir(options))),)
    results: list[bool] = []

    def take(received: Received) -> bool:
        results.append(received.problem is None)
        show = _print_json if as_json else _print
        show(received)
        sys.stdout.flush()
        return count is None or len(results) < count

    receiver = Receiver(
        port,
        list(keys_of(files, variables).values()),
        on_received=take,
        statuses=statuses or (204,),
    )
    if not options.quiet:
        place = f"file: {files[0]}" if files else f"env: {variables[0]}"
        print(output.visible(f"listening on {receiver.origin}; a target for it:"), file=sys.stderr)
        for line in (
            "- type: webhook", f"  url: {receiver.origin}", f"  secret: {{{place}}}",
            "  allow_private: true",
        ):  # fmt: skip
            print(output.visible(f"      {line}"), file=sys.stderr)
        sys.stderr.flush()
    receiver.serve()
    return 0 if all(results) else 1


def _own_secret(state_dir: Path) -> Path:
    """The file of a secret that only its user can read; made when it does not exist."""
    path = Path(os.path.abspath(state_dir)) / SECRET_FILE
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secret + "\n")
    except FileExistsError:  # made by an earlier call, and wanted again
        pass
    except OSError as error:
        raise CachesyncError(
            f"{path} cannot be made: {error.strerror}", hint="--secret-file FILE names another"
        ) from None
    return path


def _state(received: Received) -> str:
    if received.problem is not None:
        return "refused"
    return "again" if received.is_again else "verified"


def _print(received: Received) -> None:
    now = output.timestamp(int(time.time() * 1e6))
    if received.problem is not None:
        print(output.visible(f"{now}  refused   {received.problem} (answered {received.answered})"))
        return
    told, lines = _told(received.document)
    head = f"{now}  {_state(received):<8}  {received.id}  {told}"
    print(
        output.visible(
            head if received.answered == 204 else f"{head} (answered {received.answered})"
        )
    )
    for line in lines if not received.is_again else ():
        print(output.visible(f"    {line}"))


def _told(document: Any) -> tuple[str, list[str]]:
    """Title and lines of a body; of one that is none of ours, that."""
    try:
        return text.title(document), text.text(document).splitlines()
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return "no message of cachesync", []


def _print_json(received: Received) -> None:
    output.print_json(
        {
            "at": output.timestamp(int(time.time() * 1e6)),
            "state": _state(received),
            "id": received.id,
            "problem": received.problem,
            "answered": received.answered,
            "body": received.document,
        }
    )
