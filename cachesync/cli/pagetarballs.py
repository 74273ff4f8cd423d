"""What pages say of the tarballs of specs: those in directories are read, those of web sites where wanted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from ..config.sourceconfigs import HttpSourceConfig
from ..errors import CachesyncError, PageError
from ..ledger import connect
from ..ledger.onpages import OnPage, on_pages
from ..pages.tarballs import Tarball, told
from ..sources.base import Changed, Source
from .configuration import load_config
from .display import output
from .display.answer import note
from .options import Globals

__all__ = ["Told", "look"]

MOST_READ = 200
"""Pages in directories."""
MOST_ASKED = 50
"""Pages of web sites, each of which is a request."""
MOST_PAGE_BYTES = 256 << 20


class Told(NamedTuple):
    """What a page says of the tarball of a spec."""

    source: str
    tag: str
    path: str
    tarball: Tarball


def look(
    options: Globals, state_dir: Path, hashes: Iterable[str], *, asks: bool
) -> Mapping[str, list[Told]]:
    """What pages say, by hash; those of `http` sources only with `asks`, and of no repository or archive."""
    with connect.ledger_errors(state_dir), closing(connect.open_reader(state_dir)) as db:
        every = on_pages(db, hashes)
    pages: dict[tuple[str, str], list[OnPage]] = {}
    for one in every:
        pages.setdefault((one.source, one.path), []).append(one)
    near = [some for some in pages.values() if some[0].type == "directory"]
    far = [some for some in pages.values() if some[0].type == "http"] if asks else []
    found: dict[str, list[Told]] = {}
    for some in near[:MOST_READ]:
        _read(_directory(some[0]), some, found)
    if far:
        _ask(options, far[:MOST_ASKED], found)
    left = max(0, len(near) - MOST_READ) + max(0, len(far) - MOST_ASKED)
    if asks and left:
        note(f"{output.number(left, 'page')} more were not read")
    return found


def _directory(one: OnPage) -> Source:
    from ..sources.directory import DirectorySource

    return DirectorySource(one.source, Path(one.location), page_limit=MOST_PAGE_BYTES)


def _ask(options: Globals, pages: list[list[OnPage]], found: dict[str, list[Told]]) -> None:
    """Read pages of web sites, as far as they are configured still."""
    from ..sync.opening import Remotes

    config = load_config(options)
    entries = {one.name: one for one in config.sources if isinstance(one, HttpSourceConfig)}
    with closing(Remotes(config.limits)) as remotes:
        for some in pages:
            entry = entries.get(some[0].source)
            if entry is None:
                continue
            try:
                source = remotes.open(entry)
            except CachesyncError as error:
                note(f"{entry.name}: {error.message}")
                continue
            assert not hasattr(source, "discover"), "a web site has pages"
            if any(one.path == some[0].path for one in source.listing().entries):
                _read(source, some, found)


def _read(source: Source, some: list[OnPage], found: dict[str, list[Told]]) -> None:
    """Read a page, and take note of what it says of the specs that stand on it."""
    try:
        seen = source.read(some[0].path, "")
        said = told(seen.data) if isinstance(seen, Changed) else {}
    except (OSError, PageError):  # what is wrong with it is for a pass to tell
        return
    for one in some:
        if (tarball := said.get(one.hash)) is not None:
            place = Told(one.source, one.tag, one.path, _shown(tarball))
            found.setdefault(one.hash, []).append(place)


def _shown(tarball: Tarball) -> Tarball:
    if tarball.url is None:
        return tarball
    from .. import net

    return tarball._replace(url=net.shown(tarball.url))
