"""A site that is published anew under a running daemon: what went is gone at once, not in an hour."""

import re
import shutil
import subprocess
import time

import pytest

from tests.support.daemons import daemon, eventually, watched
from tests.support.pagetext import spec
from tests.support.world import World, hash_of

PAGES = 90
STALE = 30
"""Pages that the new site does not have: fewer than the guard holds."""
WELL = "it is well again"


@pytest.fixture
def site(world: World) -> World:
    """A world with a site that is published, and a newer one beside it that has fewer pages."""
    world.configure("sources:\n" + world.directory_source())
    fresh = world.root / "fresh"
    for number in range(PAGES):
        tag = f"v{number % 3}"
        world.page(tag, f"p{number}", spec(hash_of(100 + number)))
        if number >= STALE:
            world.page(tag, f"p{number}", spec(hash_of(100 + number)), root=fresh)
    return world


def by_rm_and_cp(site: World) -> None:
    for tag in site.pages.iterdir():
        shutil.rmtree(tag)
    eventually(lambda: state(site) in ("held", "failed"))
    shutil.copytree(site.root / "fresh", site.pages, dirs_exist_ok=True)


def by_rm_of_the_root_and_cp(site: World) -> None:
    shutil.rmtree(site.pages)
    eventually(lambda: state(site) in ("held", "failed"))
    shutil.copytree(site.root / "fresh", site.pages)


def by_rsync(site: World) -> None:
    if shutil.which("rsync") is None:
        pytest.skip("rsync is not installed")
    new = site.root / "fresh"
    subprocess.run(["rsync", "-a", "--delete", f"{new}/", f"{site.pages}/"], check=True)


def by_mv(site: World) -> None:
    site.pages.rename(site.root / "old")
    (site.root / "fresh").rename(site.pages)


def state(site: World) -> str:
    said: str = site.status()["sources"][0]["state"]
    return said


@pytest.mark.parametrize(
    "publish", [by_rm_and_cp, by_rm_of_the_root_and_cp, by_rsync, by_mv], ids=lambda f: f.__name__
)
def test_what_a_newly_published_site_does_not_have_is_gone_moments_later(site, publish):
    """Held or failed in between or not; and nobody says well before the ledger does."""
    with daemon(site) as running:
        watched(running)
        eventually(lambda: len(site.found("")) == PAGES)
        publish(site)
        eventually(lambda: len(site.found("")) == PAGES - STALE, 20)
        eventually(lambda: state(site) == "ok", 20)
        kinds = [change["kind"] for change in site.changes()]
        flips = kinds.count("source.held") + kinds.count("source.failed")
        assert running.log.count(WELL) <= flips
        if publish in (by_rm_and_cp, by_rm_of_the_root_and_cp):
            running.says(WELL)
    site.verify()


def test_a_part_that_can_be_read_makes_no_source_well(site):
    """While most is gone a page that comes back is found, and the source stays held, and says so.

    What came back before the first pass that was held counts as there, what comes later does not.
    """
    with daemon(site) as running:
        watched(running)
        eventually(lambda: len(site.found("")) == PAGES)
        for tag in site.pages.iterdir():
            shutil.rmtree(tag)
        eventually(lambda: state(site) == "held")
        site.page("new", "zlib", spec(hash_of(9)))
        eventually(lambda: site.found("zlib"))
        site.page("new", "cmake", spec(hash_of(8)))
        eventually(lambda: site.found("cmake"))
        running.says(f"held: {PAGES} of ")
        assert state(site) == "held"
        said = re.match(rf"{PAGES} of (\d+) pages", site.status()["sources"][0]["error"])
        assert said
        assert PAGES <= int(said[1]) <= PAGES + 2
        assert WELL not in running.log


def test_what_was_seen_going_bit_by_bit_does_not_go_with_the_next_whole_pass(site):
    """The guard's count ends with a pass that is well, not with one that somebody asks for."""
    with daemon(site) as running:
        watched(running)
        eventually(lambda: len(site.found("")) == PAGES)
        for number in range(44):  # less than half
            site.remove(f"v{number % 3}/p{number}")
        eventually(lambda: len(site.found("")) == PAGES - 44, 20)
        for number in range(44, 66):
            site.remove(f"v{number % 3}/p{number}")
        eventually(lambda: state(site) == "held")
        running.says("held: ")
        assert site.sync(status=1)["sources"][0]["state"] == "held"
        error = site.status()["sources"][0]["error"]
        assert f"66 of {PAGES} pages would be removed" in error, error
        assert len(site.found("")) >= PAGES - 66
        done = site.sync("--allow-mass-removal")
        assert done["sources"][0]["state"] == "ok"
        assert len(site.found("")) == PAGES - 66
        site.remove("v1/p67")
        eventually(lambda: not site.found("p67"))
        assert state(site) == "ok"


def test_a_pass_without_changes_is_for_those_who_look_for_faults(site):
    """And pages that stream in are not a line each."""
    with daemon(site) as running:  # with -v, which shows what is debug
        watched(running)
        eventually(lambda: len(site.found("")) == PAGES)
        for number in range(8):
            site.page("new", f"n{number}", spec(hash_of(500 + number)))
            time.sleep(0.4)
        eventually(lambda: len(site.found("")) == PAGES + 8)
        seq = site.seq()
        site.sync()
        site.sync()
        assert site.seq() == seq
        told = [line for line in running.log.splitlines() if " changed, " in line]
        assert sum(": info: " in line for line in told) == 1, told
        assert sum(": debug: " in line for line in told) >= 2, told
