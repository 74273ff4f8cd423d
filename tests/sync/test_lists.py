"""A site's list: its mirrors come with it, and go when they say so themselves, not when a list loses them."""

import time
from contextlib import ExitStack

import pytest

from cachesync.sources.mirror.source import MIRRORS_AT_ONCE
from cachesync.sources.remote import FAILURES_IN_A_ROW
from tests.support import mirrors
from tests.support.listedsites import LIST, Site
from tests.support.stubserver import StubServer, cached, status
from tests.support.world import World

ZLIB = mirrors.record("zlib", "1.3.1")
HDF5 = mirrors.record("hdf5", "1.14.6", ZLIB)
BZIP2 = mirrors.record("bzip2", "1.0.8")
INDEX = "v3/manifests/index/index.manifest.json"


@pytest.fixture
def site(tmp_path):
    with ExitStack() as opened:
        server = opened.enter_context(StubServer())
        yield Site(server, tmp_path / "site")


@pytest.fixture
def world(tmp_path, site):
    made = World(tmp_path / "world")
    configure(made, site)
    return made


def configure(world, site, **more):
    said = "".join(f"    {key}: {value}\n" for key, value in more.items())
    world.configure(
        "guard: {removal_minimum: 100}\nsources:\n  - name: site\n    type: buildcache\n"
        f"    list: {site.server.url(LIST)}\n{said}"
    )


def places(world):
    """Tag, stack and hash of all that is placed."""
    return {
        (place["tag"], stack, spec["hash"])
        for build in world.search("os:ubuntu22.04")["results"]
        for spec in build["specs"]
        for place in spec["placements"]
        for stack in place["stacks"]
    }


def warnings(world):
    return [one["reason"] for one in world.status()["warnings"]]


def test_a_list_is_read_by_its_mirrors(world, site):
    """Refs are tags and labels are stacks; globs choose among them, and a blob that is gone matters to nobody."""
    site.mirror("develop", HDF5, ZLIB)
    site.mirror("develop/e4s", HDF5)
    site.mirror("develop/deprecated", BZIP2)
    site.mirror("v1.1.1/tools", BZIP2)
    site.mirror("pr1/x", BZIP2)
    site.names("develop", "develop/e4s", "develop/deprecated", "v1.1.1/tools", "pr1/x")
    configure(world, site, tags='["v*", develop]', stacks='["*", "!deprecated"]')
    world.sync()
    assert places(world) == {
        ("develop", "root", HDF5.hash), ("develop", "root", ZLIB.hash),
        ("develop", "e4s", HDF5.hash), ("v1.1.1", "tools", BZIP2.hash),
    }  # fmt: skip
    assert world.status()["sources"][0]["state"] == "ok"
    world.verify()


def test_a_pass_without_change_asks_once_for_each_mirror(world, site):
    """One conditional request for the list, and one for each mirror's manifest."""
    site.mirror("develop", HDF5)
    site.mirror("develop/e4s", HDF5)
    site.names("develop", "develop/e4s")
    world.sync()
    site.asked()
    world.sync()
    assert site.asked() == sorted([LIST, f"/develop/{INDEX}", f"/develop/e4s/{INDEX}"])


def test_a_mirror_of_both_layouts_is_asked_once_as_well(world, site):
    """Its index of layout 2 is looked at when that of layout 3 changes; and both are what it says."""
    both = site.root / "v0.23.2"
    mirrors.make_mirror(both, [ZLIB, BZIP2], layout=2)
    site.mirror("v0.23.2", HDF5)
    site.names("v0.23.2")
    world.sync()
    for _ in range(2):
        site.asked()
        world.sync()
        assert site.asked() == sorted([LIST, f"/v0.23.2/{INDEX}"])
    site.mirror("v0.23.2", HDF5, ZLIB)
    mirrors.make_mirror(both, [BZIP2], layout=2)
    for _ in range(2):
        world.sync()
    assert places(world) == {("v0.23.2", "root", one.hash) for one in (HDF5, ZLIB, BZIP2)}
    mirrors.make_mirror(both, [], layout=2)
    site.mirror("v0.23.2", HDF5)
    for _ in range(2):
        world.sync()
    assert places(world) == {("v0.23.2", "root", HDF5.hash)}
    world.verify()


def test_the_mirror_of_a_hit_is_its_own(world, site):
    """What is to be typed names the mirror that has the spec, not the list."""
    site.mirror("develop", HDF5)
    site.mirror("v1.1.1/tools", BZIP2)
    site.names("develop", "v1.1.1/tools")
    world.sync()
    said = world.run("search", "bzip2", "--install").out
    assert f"spack mirror add v1.1.1-cache {site.server.url('/v1.1.1/tools')}\n" in said


def test_what_a_bucket_stands_for_is_said(world, site):
    """The list lies on one server, and the mirrors on another, below a directory."""
    site.mirror("buckets/one/develop", HDF5)
    site.names("develop")
    with StubServer("127.0.0.2") as elsewhere:
        elsewhere.mount("/", site._answer)
        configure(world, site, bucket_url=elsewhere.url("/buckets/one"))
        world.sync()
        assert site.asked() == [LIST]
    assert places(world) == {("develop", "root", HDF5.hash)}


@pytest.mark.parametrize("absent", [404, 410])
def test_what_leaves_the_list_stays_until_it_is_gone_itself(world, site, absent):
    """It is read on, with a warning, until its manifest answered 404 or 410 in three passes running."""
    site.absent = absent
    site.mirror("develop", HDF5)
    site.mirror("v0.23.0", ZLIB)
    site.names("develop", "v0.23.0")
    world.sync()
    site.names("develop")
    world.sync()
    assert warnings(world) == ["v0.23.0 root left the list; its mirror is read on"]
    site.mirror("v0.23.0", ZLIB, BZIP2)  # it still is a mirror
    world.sync()
    assert ("v0.23.0", "root", BZIP2.hash) in places(world)
    (site.root / "v0.23.0" / INDEX).unlink()
    for count in (1, 2):
        world.sync()
        assert world.status()["sources"][0]["state"] == "ok"
        assert warnings(world) == [
            f"v0.23.0 root left the list; its mirror was not there in {count} of 3 passes"
        ]
        assert ("v0.23.0", "root", BZIP2.hash) in places(world)
    world.sync()
    assert places(world) == {("develop", "root", HDF5.hash)}
    site.asked()
    world.sync()
    assert warnings(world) == []
    assert site.asked() == [LIST, f"/develop/{INDEX}"]


def test_what_is_back_in_between_is_not_gone(world, site):
    """Three passes running: one in which the mirror answers, or the list names it, begins anew."""
    site.mirror("develop", HDF5)
    site.mirror("v1", ZLIB)
    site.names("develop", "v1")
    world.sync()
    site.names("develop")
    manifest = site.root / "v1" / INDEX
    data = manifest.read_bytes()
    for is_back in (False, False, True, False, False):
        manifest.unlink(missing_ok=True)
        if is_back:
            manifest.write_bytes(data)
        world.sync()
    assert ("v1", "root", ZLIB.hash) in places(world)
    site.names("develop", "v1")
    world.sync(status=1)  # in the list, and not there: that is a failure of the mirror
    site.names("develop")
    world.sync()
    world.sync()
    assert ("v1", "root", ZLIB.hash) in places(world)


@pytest.mark.parametrize("code", [403, 500, 503])
def test_a_mirror_that_does_not_answer_is_not_gone(world, site, code):
    """Only 404 and 410 of its manifest tell that a mirror is gone."""
    site.mirror("develop", HDF5)
    site.mirror("v1", ZLIB)
    site.names("develop", "v1")
    world.sync()
    before = places(world)
    site.names("develop")
    site.server.script(f"/v1/{INDEX}", status(code))
    for _ in range(3):
        world.sync(status=1)
    assert places(world) == before


@pytest.mark.parametrize(
    "answer",
    [
        status(500), status(404), status(403), status(200), status(200, b"{}"),
        status(200, b"<html>maintenance</html>"), status(200, b'{"develop": []}'),
    ],
)  # fmt: skip
def test_a_list_that_fails_removes_nothing(world, site, answer):
    """The source fails and says so; its mirrors are read on, and what is new in them is found."""
    site.mirror("develop", HDF5)
    site.mirror("v1", ZLIB)
    site.names("develop", "v1")
    world.sync()
    site.mirror("v1", ZLIB, BZIP2)
    site.server.script(LIST, answer)
    for _ in range(3):
        said = world.sync(status=1)
    assert LIST in said["sources"][0]["error"]
    assert places(world) == {
        ("develop", "root", HDF5.hash), ("v1", "root", ZLIB.hash), ("v1", "root", BZIP2.hash),
    }  # fmt: skip
    site.names("develop", "v1")
    world.sync()
    assert world.status()["sources"][0]["state"] == "ok"


def test_globs_that_no_longer_choose_a_mirror_let_go_of_it(world, site):
    """That is what the configuration says, not what a list lost."""
    site.mirror("develop", HDF5)
    site.mirror("v1", ZLIB)
    site.names("develop", "v1")
    world.sync()
    configure(world, site, tags="[develop]")
    world.sync()
    assert places(world) == {("develop", "root", HDF5.hash)}
    configure(world, site)
    world.sync()
    assert ("v1", "root", ZLIB.hash) in places(world)


def test_one_bad_mirror_hinders_no_other(world, site):
    """The source says which it is; the others are recorded, and what is gone goes all the same."""
    site.mirror("develop", HDF5)
    site.names("develop", "v1/never")
    said = world.sync(status=1)["sources"][0]
    assert "1 of 2 cache indexes could not be read" in said["error"]
    assert places(world) == {("develop", "root", HDF5.hash)}


DELAY_SECONDS = 0.05


def test_a_site_that_is_down_is_not_asked_for_each_of_its_mirrors(world, site):
    """After sixteen failures in a row it is left alone, and nothing is lost."""
    names = [f"v{number}" for number in range(40)]
    for name in names:
        site.mirror(name, ZLIB)
    site.names(*names)
    world.run("sync")
    site.asked()
    site.server.mount("/", lambda talk: status(302, location=talk.seen.path)(talk))
    error = world.run("sync", status=1).err
    assert "40 of 40 cache indexes could not be read" in error
    assert len(site.asked()) <= 1 + FAILURES_IN_A_ROW + MIRRORS_AT_ONCE
    site.server.mount("/", site._answer)
    world.run("sync")
    assert len(site.asked()) == 41
    assert len(places(world)) == 40


@pytest.mark.parametrize(
    ("refs", "count", "allowed_seconds"),
    [(8, 60, 4), pytest.param(80, 900, 60, marks=pytest.mark.soak)],
)
def test_a_large_site_without_change_is_one_request_a_mirror(
    world, site, refs, count, allowed_seconds
):
    """50 ms a request: a pass over 80 refs with 900 mirrors takes well under a minute, some at a time."""
    site.mirror("m", HDF5, ZLIB)
    names = [f"r{number % refs}/s{number // refs}" for number in range(count)]

    def answer(talk) -> None:  # every mirror is the one there is
        talk.pause(DELAY_SECONDS)
        path = site.root / "m" / talk.seen.path.split("/", 3)[3]
        if path.is_file():
            cached(path.read_bytes(), '"one"')(talk)
        else:
            status(404)(talk)

    site.server.mount("/", answer)
    site.names(*names)
    assert world.sync()["sources"][0]["listed"] == count
    assert len(places(world)) == 2 * count
    site.asked()
    started = time.monotonic()
    (result,) = world.sync()["sources"]
    seconds = time.monotonic() - started
    assert result["unchanged"] == count
    asked = site.asked()
    assert len(asked) == len(set(asked)) == 1 + count
    assert (
        1 < site.server.most_at_once <= 2 * 8
    )  # one that was answered counts until its thread goes on
    assert seconds < allowed_seconds
    print(f"{count} mirrors without change: {seconds:.1f} s")


def test_warnings_go_with_what_they_are_of(world, site):
    """A source that is given one mirror instead of its list has nothing to warn of in the list."""
    site.mirror("develop", HDF5)
    site.mirror("v1", ZLIB)
    site.names("develop", "v1")
    world.sync()
    site.names("develop")
    world.sync()
    assert len(warnings(world)) == 1
    world.configure(
        "guard: {removal_minimum: 100}\nsources:\n"
        f"  - {{name: site, type: buildcache, url: '{site.server.url('/develop')}'}}\n"
    )
    world.sync()
    assert warnings(world) == []
    assert places(world) == {("develop", "root", HDF5.hash)}
