"""`mirror:` and `signed:`: by which mirror something is placed, and whether its manifest is signed there."""

import shutil

import pytest

from cachesync.ledger import connect, names
from cachesync.search.searcher import Searcher
from tests.support.mirrors import Mirror, Record, make_mirror, push, record, sign
from tests.support.world import World, spec

ZLIB = record("zlib", "1.3.1")
OLD_ZLIB = record("zlib", "1.2.13")
HDF5 = record("hdf5", "1.14.6", ZLIB)
CMAKE = record("cmake", "3.30.0")
PAGED = "a" * 32
NONE: list[Record] = []


class Site(World):
    """A mirror read by its manifests, one by its index, two of a mirrors.yaml, and pages."""

    ours: Mirror
    plain: Mirror


@pytest.fixture(scope="module", params=["index", "ledger"])
def site(request, tmp_path_factory) -> Site:
    """Of ours, ZLIB and HDF5 are signed and OLD_ZLIB is not; the plain one and `first` have ZLIB. Read only."""
    site = Site(tmp_path_factory.mktemp("site"))
    site.ours = make_mirror(site.root / "ours", [ZLIB, OLD_ZLIB, HDF5])
    for one in (ZLIB, HDF5):
        sign(push(site.ours.path, one))
    site.plain = make_mirror(site.root / "plain", [ZLIB])
    first = make_mirror(site.root / "first", [ZLIB])
    second = make_mirror(site.root / "second", [CMAKE])
    yaml = site.root / "mirrors.yaml"
    yaml.write_text(f"mirrors:\n  First: {first.url}\n  second: {second.url}\n")
    site.page("develop", "zlib", spec("a"))
    site.configure(
        "sources:\n"
        f"  - {{name: ours, type: buildcache, url: '{site.ours.url}', tag: v1, read: manifests}}\n"
        f"  - {{name: plain, type: buildcache, url: '{site.plain.url}', tag: v1}}\n"
        f"  - {{name: named, type: buildcache, mirrors: {yaml}}}\n" + site.directory_source("pages")
    )
    site.sync()
    if request.param == "ledger":
        shutil.rmtree(site.state / connect.INDEX_DIRECTORY)
    return site


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("mirror:ours", [ZLIB, OLD_ZLIB, HDF5]),
        ("mirror:OURS", [ZLIB, OLD_ZLIB, HDF5]),
        ("mirror:our", NONE),
        ("mirror:our*", [ZLIB, OLD_ZLIB, HDF5]),
        ("mirror:first", [ZLIB]),
        ("mirror:named", NONE),
        ("mirror:second OR mirror:plain", [CMAKE, ZLIB]),
        ("mirror:{plain}", [ZLIB]),
        ("mirror:{plain}/", [ZLIB]),
        ("mirror:file:*", [ZLIB, OLD_ZLIB, HDF5, CMAKE]),
        ("mirror:ours mirror:plain", NONE),
        ("mirror:plain tag:v1", [ZLIB]),
        ("mirror:plain tag:develop", NONE),
        ("hdf5 ^zlib mirror:ours", [HDF5]),
        ("hdf5 ^zlib mirror:plain", NONE),
        ("-mirror:ours -mirror:first -mirror:second zlib", [ZLIB, PAGED]),
        ("-mirror:file:*", [PAGED]),
        ("mirror:nosuch", NONE),
        ("signed:yes", [ZLIB, HDF5]),
        ("signed:no", [OLD_ZLIB]),
        ("-signed:yes", [OLD_ZLIB]),
        ("-(-signed:yes)", [ZLIB, HDF5]),
        ("signed:YES zlib", [ZLIB]),
        ("mirror:plain signed:yes", NONE),
        ("mirror:ours -signed:no", [ZLIB, HDF5]),
        ("hdf5 OR signed:no", [HDF5, OLD_ZLIB]),
        ("signed:yes ^zlib", [HDF5]),
        ("cmake OR (signed:yes signed:no)", [CMAKE]),
    ],
)
def test_placements_of_a_mirror(site, text, found):
    """By its name or address, or the beginning of one, whatever the case; of the same placement as the rest."""
    hashes = [one if isinstance(one, str) else one.hash for one in found]
    assert site.found(text.format(plain=site.plain.url)) == sorted(hashes)


@pytest.mark.parametrize(
    ("text", "builds"), [("signed:yes", 2), ("-signed:yes", 3), ("signed:no zlib", 2), ("zlib", 0)]
)
def test_what_nobody_knows_is_counted(site, text, builds):
    """Builds that do not match elsewhere; those of pages, and of mirrors that are read by their index."""
    unknown = site.search(text).get("signature_unknown", {"builds": 0})["builds"]
    assert unknown == builds
    by_package = site.search("--group-by", "package", text)
    assert by_package.get("signature_unknown", {"builds": 0})["builds"] == builds


def test_what_there_is_of_each_is_counted(site):
    """Mirrors by their addresses, and what is signed and what is not."""
    facets = site.search("--facets")["facets"]
    counts = {url.rpartition("/")[2]: n["specs"] for url, n in facets["mirror"].items()}
    assert counts == {"ours": 3, "plain": 1, "first": 1, "second": 1}
    assert {one: n["specs"] for one, n in facets["signed"].items()} == {"yes": 2, "no": 1}
    facets = site.search("--facets", "zlib", "mirror:ours")["facets"]
    assert facets["mirror"] == {site.ours.url: {"specs": 2, "builds": 2}}
    assert facets["signed"] == {"yes": {"specs": 1, "builds": 1}, "no": {"specs": 1, "builds": 1}}


def test_lists_and_tags_are_asked_too(site):
    """A line of a list, with a hash and without, and what two tags differ in."""
    wanted = site.root / "wanted"
    wanted.write_text(
        f"zlib mirror:ours\n/{ZLIB.hash}\nzlib signed:no\nhdf5 mirror:plain\nzlib/{ZLIB.hash[:9]} mirror:second\n"
    )
    said = site.run("check", "--json", wanted, status=None).json
    assert [one["status"] for one in said["specs"]] == [
        "cached", "cached", "cached", "missing", "missing"
    ]  # fmt: skip
    unknown = [one.get("signature_unknown") for one in said["specs"]]
    assert unknown == [None] * 5
    wanted.write_text(f"cmake signed:yes\n{CMAKE.name}/{CMAKE.hash[:9]} signed:no\n")
    said = site.run("check", "--json", wanted, status=None).json
    assert [one["signature_unknown"] for one in said["specs"]] == [{"builds": 1}] * 2
    difference = site.run("diff", "--json", "ours/v1", "plain/v1", "signed:yes").json
    assert {one["package"] for one in difference["only_a"]} == {"zlib", "hdf5"}
    assert "signature_unknown" not in difference  # the build of zlib is in there


def test_other_values_are_refused(site):
    """Nothing but yes and no."""
    for text in ("signed:maybe", "signed:y*", "signed:"):
        assert "signed:" in site.run("search", text, status=2).err


def test_they_are_offered(site):
    """Names and addresses of mirrors."""
    with Searcher(site.state).moment() as db:
        found = names.beginning_with(db, "mirror", "", most=99)
        assert {"ours", "plain", "First", "second", site.ours.url} <= set(found)
        assert names.beginning_with(db, "signed", "y", most=9) == ["yes"]


def test_show_says_what_is_known(site):
    """In the mirror that it is known of."""
    said = site.run("show", "--json", f"/{ZLIB.hash}").json
    (one,) = (s for result in said["results"] for s in result["specs"])
    known = {place["source"]: place.get("signed") for place in one["mirrors"]}
    assert known == {"ours": True, "plain": None, "named": None}
    assert f"{site.ours.url} (ours: v1, root), signed\n" in site.run("show", f"/{ZLIB.hash}").out


def test_a_subscription_is_told_of_what_is_signed(tmp_path):
    """Of a push after the first pass, which is no news."""
    world = World(tmp_path)
    mirror = make_mirror(world.root / "ours", [HDF5])
    world.configure(
        "sources:\n"
        f"  - {{name: ours, type: buildcache, url: '{mirror.url}', read: manifests}}\n"
        "subscriptions:\n"
        "  - {name: signed, query: 'signed:yes mirror:ours', targets: [{type: webhook, url: 'https://n.example/'}]}\n"
        "  - {name: others, query: '-signed:yes', targets: [{type: webhook, url: 'https://n.example/'}]}\n"
    )
    world.sync()
    sign(push(mirror.path, ZLIB))
    push(mirror.path, CMAKE)
    world.sync()
    for name, pushed in (("signed", ZLIB), ("others", CMAKE)):
        said = world.run("subscriptions", "test", name, "--dry-run", "--json").json
        assert [change["hash"] for change in said["changes"]] == [pushed.hash]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "mirror:nothere",
            "nothing matches `mirror:nothere`: there are First, second, ours, plain",
        ),
        ("zlib mirror:nothere*", "nothing matches `mirror:nothere*`: there are First, "),
        ("zlib mirror:no", "nothing matches `mirror:no`: there are First, "),
        ("zlib mirror:our", "nothing matches `mirror:our`: did you mean ours?"),
        ("zlib mirror:secund", "nothing matches `mirror:secund`: did you mean second?"),
    ],
)
def test_a_mirror_that_is_not_there(site, text, says):
    """Its query says which there are, or which may be meant; --json as candidates. Without an index nothing is."""
    ended, found = site.run("search", *text.split()), site.search(*text.split())
    if not (site.state / connect.INDEX_DIRECTORY).exists():
        assert "nothing matches" not in ended.err
        assert found["suggestions"] == []
        return
    assert f"cachesync: {says}" in ended.err
    (one,) = found["suggestions"]
    assert one["field"] == "mirror"
    assert one["candidates"][0] in says


def test_a_mirror_that_is_there_and_has_nothing_of_it_is_there(site):
    """It is not said to be missing."""
    assert "nothing matches" not in site.run("search", "cmake", "mirror:plain").err
    assert "nothing matches" not in site.run("search", "hdf99", "-mirror:nothere").err.replace(
        "nothing matches `hdf99`", ""
    )
