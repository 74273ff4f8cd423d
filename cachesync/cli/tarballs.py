"""What mirrors have of specs that `show` tells of: of those on disk always, of others where that is wanted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path

from ..config import mirrors
from ..ledger import connect
from ..ledger.carrying import carrying
from ..reports import probing
from ..sources.mirror.files import Files
from ..sources.mirror.place import Place
from ..sources.mirror.probing import Found
from .configuration import load_config
from .display import output
from .display.answer import note
from .options import Globals

__all__ = ["look"]

MOST_READ = 1_000
"""Specs of mirrors on disk, which cost three looks at a file each."""
MOST_ASKED = 50
"""Specs of other mirrors, which cost three requests."""


def look(
    options: Globals, state_dir: Path, hashes: Iterable[str], *, asks: bool
) -> Mapping[tuple[str, str, str], Found]:
    """What was found of specs by their hash, source and mirror; with `asks` also by requests."""
    with connect.ledger_errors(state_dir), closing(connect.open_reader(state_dir)) as db:
        every = probing.pairs(db, carrying(db, hashes=hashes))
    near = [one for one in every if one.url.startswith("file:")]
    far = [one for one in every if not one.url.startswith("file:")] if asks else []
    asked = probing.ask(near[:MOST_READ], _on_disk)
    if far:
        from ..sync.opening import Remotes

        config = load_config(options)
        with closing(Remotes(config.limits)) as remotes:
            asked += probing.ask(far[:MOST_ASKED], remotes.opener(config.sources))
    left = max(0, len(near) - MOST_READ) + max(0, len(far) - MOST_ASKED)
    if asks and left:
        note(f"{output.number(left, 'tarball')} more were not asked for (cachesync probe)")
    return {(one.pair.hash, one.pair.source, one.pair.url): one.found for one in asked}


def _on_disk(_source: str, url: str) -> Place:
    return Files(mirrors.path(url))
