"""What somebody without the rights asks the administrator for, ready to be pasted."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import CachesyncError
from .display import output
from .options import Globals
from .reloading import Reloaded

__all__ = ["Wanted", "command", "document", "refused", "tell"]


class Wanted(NamedTuple):
    """What is to be done with a subscription."""

    name: str
    command: str | None
    """The command line that does it all; None: none does."""
    file: str
    text: str | None
    """What is to stand in it; None: it is to go."""
    notes: Sequence[str] = ()


def command(words: Sequence[str], config: Path, options: Globals) -> str:
    """The command line that does it, by root, with this configuration."""
    leading = ["--config", os.path.abspath(config)]
    if options.state_dir is not None:
        leading += ["--state-dir", os.path.abspath(options.state_dir)]
    return shlex.join(["sudo", "cachesync", *leading, *words])


def tell(wanted: Wanted, *, as_json: bool) -> None:
    """Print it: comments, a command, and what is to stand in the file."""
    if as_json:
        output.print_json(
            {"subscription": wanted.name, "written": False, "command": wanted.command,
             "file": wanted.file, "text": wanted.text}
        )  # fmt: skip
        return
    by_hand = "Or" if wanted.command is not None else "By hand:"
    then = "and then: systemctl reload cachesync"
    if wanted.command is not None:
        print("# For the administrator of cachesync: this command does all of it.")
        print(output.visible(wanted.command))
    if wanted.text is None:
        print(output.visible(f"# {by_hand} remove {wanted.file}, {then}"))
        return
    after = "" if not wanted.notes else " after what stands here,"
    print(output.visible(f"# {by_hand}{after} this as {wanted.file}, {then}"))
    for note in wanted.notes:
        print(output.visible(f"#   {note}"))
    for line in wanted.text.splitlines():
        print(output.visible(line))


def refused(why: str) -> CachesyncError:
    """The error after it was told."""
    return CachesyncError(
        f"nothing was changed: {why}", hint="what was printed is for whoever administers it"
    )


def document(done: Reloaded) -> dict[str, Any]:
    """What JSON says of the daemon."""
    return {
        "daemon": None if done.pid is None else {"pid": done.pid},
        "reloaded": done.names is not None,
        "remedy": None if done.names is not None else done.said(),
    }
