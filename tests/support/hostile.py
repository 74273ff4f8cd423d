"""A site with one hostile thing in it, and what must hold all the same."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.rig import (
    State,
    Tree,
    assert_nothing_raw,
    spec,
)

PEAK_MIB = 300

PLACES = ("develop/newcomer/specs.md", "develop/victim/specs.md")

GOOD = {spec("victim", n)["hash"] for n in range(3)}


class Site(NamedTuple):
    """A tree of good pages, synced."""

    tree: Tree
    state: State


def news(site: Site) -> None:
    """Something good happens beside the hostile thing."""
    site.tree.write("develop", "zlib", [spec("zlib", n) for n in range(1, 6)])


def assert_all_else_synced(site: Site) -> None:
    assert site.state.hashes("package:zlib") == {spec("zlib", n)["hash"] for n in range(1, 6)}
    assert len(site.state.hashes("package:hdf5")) == 4


def sync_hostile(site: Site, *, seconds: float = 60) -> dict[str, str]:
    """A pass in bounded time and memory that ends well; returns what is rejected, and why."""
    news(site)
    done = site.state.sync(measured=True, timeout=max(60, seconds))
    assert_nothing_raw(done.out + done.err)
    assert b"Traceback" not in done.err, done
    assert done.peak_mib < PEAK_MIB, f"{done.peak_mib:.0f} MiB"
    assert done.seconds < seconds, f"{done.seconds:.1f} s"
    assert_all_else_synced(site)
    return site.state.rejected()


def assert_sound(site: Site) -> None:
    done = site.state.run("verify", "--json")
    assert done.status == 0, done


Put = Callable[[Path], None]


def row(**changes: Any) -> str:
    return json.dumps([spec("hostile", **changes)])


def put_in_both(site: Site, put: Put) -> None:
    for place in PLACES:
        path = site.tree.root / place
        if path.is_file():
            path.unlink()
        path.parent.mkdir(exist_ok=True)
        put(path)


def assert_rejected(site: Site, rejected: dict[str, str], reason: str) -> None:
    assert sorted(rejected) == list(PLACES), rejected
    for text in rejected.values():
        assert re.search(reason, text, re.IGNORECASE), text
        assert text.isprintable(), ascii(text)
        assert len(text) < 400, "the reason is as hostile as the page"
    assert site.state.hashes("package:victim") == GOOD
    assert site.state.hashes("package:newcomer") == set()
