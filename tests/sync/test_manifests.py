"""One pass over the spec manifests of a mirror: what is there is placed, what is not is gone, at once."""

import gzip
import json
import os
import shutil

import pytest

from cachesync.buildcache import specmanifest
from cachesync.config.settings import Limits
from cachesync.config.sourceconfigs import BuildcacheSourceConfig, ReadMode
from cachesync.diff import Guard
from cachesync.ledger import log
from cachesync.ledger.mirrors import signed_hashes
from cachesync.model import SourceState
from cachesync.selection import Selection
from cachesync.sources.mirror.manifests import MEMORY, ManifestSource, Seen
from cachesync.sources.mirror.reaching import Reach
from cachesync.sources.mirror.source import MirrorSource
from cachesync.sync.passes import run_part, run_pass
from tests.support.mirrors import make_mirror, push, record, sign
from tests.support.pushing import in_order
from tests.support.statements import placed
from tests.support.writing import writing

ZLIB = record("zlib", "1.3.1")
OTHER_ZLIB = record("zlib", "1.2.13")
HDF5 = record("hdf5", "1.14", ZLIB)
MANY = [record("pkg", f"1.{number}") for number in range(30)]
SPECS = "v3/manifests/spec"


class Ours:
    """A mirror, and the ledger that passes over it write."""

    def __init__(self, root):
        self.mirror = root / "mirror"
        self.mirror.mkdir()
        state = root / "state"
        state.mkdir()
        self.now = 1_000_000
        self.opened = writing(state, self.clock)
        self.writer = self.opened.__enter__()

    def clock(self):
        self.now += 1_000_000
        return self.now

    def source(self, packages=("*",), read=ReadMode.MANIFESTS):
        selection = Selection(packages=packages)
        config = BuildcacheSourceConfig(
            "ours", self.mirror.as_uri(), tag="t", read=read, selection=selection
        )
        return ManifestSource(config, Reach(Limits())), selection

    def run(self, *, packages=("*",), part=None, **options):
        """A pass over all, or over some packages; its result and the labels of its changes."""
        source, selection = self.source(packages)
        seq = self.writer.seq
        row = self.writer.source("ours", "buildcache", "ours", configured=True, interval=None)
        if part is None:
            result = run_pass(
                self.writer, source, row, selection=selection, guard=Guard(), **options
            )
        else:
            result = run_part(
                self.writer, source.part(part), row, selection=selection, guard=Guard(), **options
            )
        return result, log.counts_since(self.writer.db, seq)

    def index(self):
        """A pass that reads the index."""
        row = self.writer.source("ours", "buildcache", "ours", configured=True, interval=None)
        config = BuildcacheSourceConfig("ours", self.mirror.as_uri(), tag="t")
        source = MirrorSource(config, Reach(Limits()))
        run_pass(self.writer, source, row, selection=Selection(), guard=Guard())

    def signed(self):
        """Hash -> whether its manifest is signed."""
        row = self.writer.source("ours", "buildcache", "ours", configured=True, interval=None)
        (statement,) = self.writer.statements(row)
        return dict(signed_hashes(self.writer.db, statement.id))

    def hashes(self):
        return {spec_hash for _, _, spec_hash in placed(self.writer.db)}

    def push(self, *records):
        return [push(self.mirror, one) for one in records]

    def warnings(self):
        row = self.writer.source("ours", "buildcache", "ours", configured=True, interval=None)
        (statement,) = self.writer.statements(row)
        return self.writer.index_warnings(row, statement)


@pytest.fixture
def ours(tmp_path):
    one = Ours(tmp_path)
    yield one
    one.opened.__exit__(None, None, None)


def test_what_was_pushed_is_placed_without_an_index(ours):
    """With its dependencies, which are known and not placed; and what comes later is news."""
    ours.push(HDF5)
    result, changes = ours.run()
    assert (result.state, result.changed) == (SourceState.OK, 1)
    assert changes == {"spec.cached": 1, "spec.described": 2, "index.read": 1}
    ours.push(ZLIB)
    assert ours.run()[1] == {"spec.cached": 1, "index.read": 1}
    assert ours.hashes() == {HDF5.hash, ZLIB.hash}
    result, changes = ours.run()
    assert (result.changed, result.unchanged, changes) == (0, 1, {})
    assert [one.read for one in log.mirrors(ours.writer.db)["ours"]] == ["manifests"]


def test_an_index_that_says_otherwise_has_no_say(ours):
    """It names what was pruned, and not what was pushed behind it: what is there is placed."""
    make_mirror(ours.mirror, [HDF5, ZLIB])
    for manifest in (ours.mirror / SPECS / "zlib").iterdir():
        manifest.unlink()
    ours.push(OTHER_ZLIB)
    ours.run()
    assert ours.hashes() == {HDF5.hash, OTHER_ZLIB.hash}


def test_what_is_not_there_is_gone_at_once(ours):
    ours.push(HDF5)
    (manifest,) = ours.push(ZLIB)
    ours.run()
    manifest.unlink()
    assert ours.run()[1] == {"spec.evicted": 1, "index.read": 1}
    assert ours.hashes() == {HDF5.hash}


@pytest.mark.parametrize("part", [None, {"zlib"}])
@pytest.mark.parametrize("damage", ["no spec", "no tarball", "cut", "no manifest", "names none"])
def test_what_is_not_whole_any_more_is_gone_until_it_is_again(ours, damage, part):
    """A blob that its manifest names is away or cut, or the manifest is none; what depends on it is new."""
    whole = ours.push(ZLIB)[0].read_bytes()
    ours.push(OTHER_ZLIB)
    ours.run()
    spoil(ours.mirror, whole, damage)
    ours.push(HDF5)
    assert ours.run(part=part)[1]["spec.evicted"] == 1
    assert ours.hashes() - {HDF5.hash} == {OTHER_ZLIB.hash}
    (said,) = ours.warnings()
    assert said.startswith("manifest refused: v3/manifests/spec/zlib/zlib-1.3.1-")
    assert SAID[damage] in said
    ours.run()
    assert _until_old(ours, None) == [said]
    ours.push(ZLIB)
    assert ours.run()[1]["spec.cached"] == 1
    assert ours.hashes() >= {ZLIB.hash, OTHER_ZLIB.hash}
    assert ours.warnings() == []


SAID = {
    "no spec": "the spec that it names is not there (blobs/",
    "no tarball": "the tarball that it names is not there (blobs/",
    "cut": "its tarball has 4 bytes, and ",
    "no manifest": "manifest",
    "names none": "names no tarball",
}


def test_tarballs_that_are_elsewhere_are_not_asked_for(ours):
    """Most were never there: that is warned of once. As soon as they are there, each that goes is missed."""
    manifests = ours.push(*MANY)
    for one in manifests[:25]:
        spoil(ours.mirror, one.read_bytes(), "no tarball")
    assert ours.run()[1]["spec.cached"] == len(MANY)
    assert ours.run()[1] == {}
    (said,) = ours.warnings()
    assert said.startswith("25 of the tarballs that 30 manifests name are not there: ")
    (new,) = ours.push(ZLIB)
    spoil(ours.mirror, new.read_bytes(), "no tarball")
    assert ours.run(part={"zlib"})[1]["spec.cached"] == 1
    ours.push(*MANY, ZLIB)
    ours.run()
    assert ours.warnings() == []
    spoil(ours.mirror, new.read_bytes(), "no tarball")
    assert ours.run()[1]["spec.evicted"] == 1


def spoil(root, manifest, damage):
    """Damage a spec, the manifest of which is given, long ago."""
    said = json.loads(manifest)
    tarball, spec = said["data"]
    blob = spec if damage == "no spec" else tarball
    path = root / "blobs/sha256" / blob["checksum"][:2] / blob["checksum"]
    if damage in ("no spec", "no tarball"):
        path.unlink()
        return
    if damage != "cut":
        (path,) = (root / SPECS / "zlib").glob(f"zlib-1.3.1-*{specmanifest.SUFFIX}")
    data = {
        "cut": b"1234",
        "no manifest": b"[]",
        "names none": json.dumps({**said, "data": [spec]}).encode(),
    }
    path.write_bytes(data[damage])
    os.utime(path, (1, 1))


def test_what_is_being_written_over_stands(ours):
    """A forced push writes the same blobs, and the manifest, in place."""
    (manifest,) = ours.push(ZLIB)
    ours.run()
    data = manifest.read_bytes()
    blob = next(ours.mirror.glob(f"blobs/*/*/{json.loads(data)['data'][0]['checksum']}"))
    whole = blob.read_bytes()
    blob.write_bytes(whole[:5])
    manifest.write_bytes(data[:9])
    assert ours.run()[1] == {}
    manifest.write_bytes(data)
    assert ours.run()[1] == {}
    blob.write_bytes(whole)
    assert ours.run()[1] == {}
    assert ours.hashes() == {ZLIB.hash}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every directory")
def test_blobs_that_may_not_be_looked_at_say_nothing(ours):
    ours.push(ZLIB)
    ours.run()
    blobs = ours.mirror / "blobs"
    blobs.chmod(0)
    try:
        assert ours.run()[1] == {}
        assert ours.hashes() == {ZLIB.hash}
    finally:
        blobs.chmod(0o755)


def test_a_part_looks_at_its_packages_only(ours):
    """What came and went in others is for a whole pass, and the state of the source stays as it is."""
    (gone, _) = ours.push(HDF5, ZLIB)
    ours.run()
    before = log.source_statuses(ours.writer.db)[0].last_success
    gone.unlink()
    ours.push(OTHER_ZLIB)
    result, changes = ours.run(part={"zlib", "nothing"})
    assert (result.state, changes) == (SourceState.OK, {"spec.cached": 1, "spec.described": 1})
    assert ours.hashes() == {HDF5.hash, ZLIB.hash, OTHER_ZLIB.hash}
    assert log.source_statuses(ours.writer.db)[0].last_success == before
    assert ours.run(part={"zlib"})[1] == {}
    assert ours.run(part={"hdf5"})[1] == {"spec.evicted": 1}
    assert ours.run()[1] == {"index.read": 1}
    assert ours.hashes() == {ZLIB.hash, OTHER_ZLIB.hash}


def test_what_a_part_saw_come_and_nobody_saw_go_is_gone_after_a_whole_pass(ours):
    """Although the mirror is then as the whole pass before had seen it."""
    ours.push(ZLIB)
    ours.run()
    (manifest,) = ours.push(HDF5)
    ours.run(part={"hdf5"})
    assert HDF5.hash in ours.hashes()
    manifest.unlink()
    assert ours.run()[1] == {"spec.evicted": 1}


def test_a_part_of_what_was_never_read_fails(ours):
    """A baseline is taken as a whole."""
    ours.push(ZLIB)
    assert ours.run(part={"zlib"})[0].state is SourceState.FAILED
    assert ours.hashes() == set()


@pytest.mark.parametrize("damage", ["no JSON", "html", "no blob", "blob", "cut", "other", "name"])
def test_one_bad_manifest_is_refused_by_itself(ours, damage):
    """With its path and the reason; the others go on, and it is read when it is whole."""
    good, bad = ours.push(HDF5, ZLIB)
    whole = bad.read_bytes()
    blobs = sorted((ours.mirror / "blobs").rglob("*"), key=os.path.getmtime)
    if damage == "no JSON":
        bad.write_bytes(whole[:-9])
    elif damage == "html":
        bad.write_bytes(b"<html>")
    elif damage == "other":
        bad.write_bytes(good.read_bytes())
    elif damage == "name":
        (ours.mirror / SPECS / "wrong").mkdir()
        bad = bad.rename(ours.mirror / SPECS / "wrong" / bad.name)
    else:
        blob = next(one for one in blobs if one.is_file() and _is_of(one, ZLIB))
        data = blob.read_bytes()
        blob.unlink()
        if damage != "no blob":
            blob.write_bytes(data[:-4] if damage == "cut" else data[::-1])
    os.utime(bad, (1, 1))
    ours_said = _until_old(ours, bad)
    assert ours.hashes() == {HDF5.hash}
    (said,) = ours_said
    assert said.startswith(f"manifest refused: {bad.relative_to(ours.mirror)}: ")
    assert ours.run()[0].changed == 0  # it is told of once
    bad.unlink()
    ours.push(ZLIB)
    ours.run(part={"zlib"} if damage != "name" else None)
    assert ours.hashes() == {HDF5.hash, ZLIB.hash}
    assert ours.warnings() == []


def _is_of(blob, one):
    try:
        return f'"nodes":[{{"name":"{one.name}"'.encode() in gzip.decompress(blob.read_bytes())
    except OSError:
        return False


def _until_old(ours, _manifest):
    """Passes until a manifest that makes no sense is not taken for one that is being written."""
    for _ in range(1000):
        ours.run()
        if ours.warnings():
            break
    return ours.warnings()


def test_a_manifest_that_is_being_written_is_not_there_yet(ours):
    ours.push(HDF5)
    directory = ours.mirror / SPECS / "zlib"
    directory.mkdir()
    (whole,) = ours.push(ZLIB)
    data = whole.read_bytes()
    whole.write_bytes(data[:40])
    ours.run()
    whole.write_bytes(data)
    ours.run()
    assert ours.hashes() == {HDF5.hash, ZLIB.hash}
    assert ours.warnings() == []


@pytest.mark.parametrize("part", [None, {"hdf5", "zlib"}])
def test_a_push_in_the_order_of_spack_is_never_seen_half(ours, part):
    """Whoever looks after any of its writes sees nothing of it, or after the last one all of it."""
    ours.push(OTHER_ZLIB)
    ours.run()
    known = {OTHER_ZLIB.hash}
    for one in (ZLIB, HDF5):
        *before, last = in_order(ours.mirror, one)
        for write in before:
            write()
            assert ours.run(part=part)[1].keys() <= {"index.read"}
            assert (ours.hashes(), ours.warnings()) == (known, [])
        last()
        known = known | {one.hash}
        assert ours.run(part=part)[1]["spec.cached"] == 1
        assert (ours.hashes(), ours.warnings()) == (known, [])
    assert ours.run()[1].keys() <= {"index.read"}


@pytest.mark.parametrize(
    "how", ["emptied", "no directory", "unmounted", "half", "no blobs", "half of the blobs"]
)
def test_a_mirror_that_lost_much_is_held(ours, how):
    """Whether its manifests, their directory or all of it is away; nothing is evicted until it is said so."""
    manifests = ours.push(*MANY)
    ours.run()
    if how == "unmounted":
        shutil.rmtree(ours.mirror)
        ours.mirror.mkdir()
    elif how in ("no directory", "no blobs"):
        shutil.rmtree(ours.mirror / (SPECS if how == "no directory" else "blobs"))
    elif how == "half of the blobs":
        for one in manifests[:25]:
            spoil(ours.mirror, one.read_bytes(), "no tarball")
    else:
        for one in manifests if how == "emptied" else manifests[:25]:
            one.unlink()
    result, changes = ours.run()
    assert (result.state, len(ours.hashes())) == (SourceState.HELD, len(MANY))
    assert "spec.evicted" not in changes
    ours.run(allow_mass_removal=True)
    assert len(ours.hashes()) == (5 if how.startswith("half") else 0)


def test_what_a_part_holds_a_whole_pass_holds(ours):
    manifests = ours.push(*MANY)
    ours.push(ZLIB)
    ours.run()
    for one in manifests:
        one.unlink()
    assert ours.run(part={"pkg"})[0].state is SourceState.HELD
    assert ours.run(part={"zlib"})[1] == {}
    assert ours.run()[0].state is SourceState.HELD
    assert len(ours.hashes()) == len(MANY) + 1
    ours.push(*MANY)
    assert ours.run()[0].state is SourceState.OK


def test_a_mirror_that_is_away_takes_nothing_with_it(ours):
    ours.push(ZLIB)
    ours.run()
    ours.mirror.rename(ours.mirror.with_name("away"))
    result, _ = ours.run()
    assert (result.state, ours.hashes()) == (SourceState.FAILED, {ZLIB.hash})
    assert "there is no directory" in (result.error or "")


def test_what_is_no_mirror_is_said_to_be_none(ours):
    result, _ = ours.run()
    assert result.state is SourceState.FAILED
    assert "v3/manifests/spec is not there" in (result.error or "")
    (ours.mirror / "v3").mkdir()
    (ours.mirror / "v3/layout.json").write_text("{}")  # nothing was pushed to it yet
    assert ours.run()[0].state is SourceState.OK


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every directory")
def test_a_package_that_cannot_be_looked_into_stands(ours):
    ours.push(HDF5, ZLIB)
    ours.run()
    directory = ours.mirror / SPECS / "zlib"
    directory.chmod(0)
    try:
        ours.run()
        assert ours.hashes() == {HDF5.hash, ZLIB.hash}
        assert ours.warnings() == ["zlib: cannot be looked into: permission denied"]
    finally:
        directory.chmod(0o755)
    ours.run()
    assert ours.warnings() == []


def test_globs_choose_packages(ours):
    """What is not wanted is not read, and leaves when it is not wanted any more."""
    ours.push(HDF5, ZLIB)
    ours.run(packages=("hdf5",))
    assert ours.hashes() == {HDF5.hash}
    ours.run(packages=("zlib",))
    assert ours.hashes() == {ZLIB.hash}


def test_of_two_manifests_of_one_spec_the_first_by_name_is_read(ours):
    (one,) = ours.push(ZLIB)
    shutil.copy(one, one.with_name(one.name.replace("1.3.1", "1.3.2")))
    one.with_name("zlib-\x1b-what.spec.manifest.json").write_text("no")
    ours.run()
    assert ours.hashes() == {ZLIB.hash}
    assert ours.warnings() == []


def test_a_manifest_in_another_package_stands_for_nothing(ours):
    """Beside the right one it is passed over, by itself it is refused; what was placed by the right one goes."""
    (one,) = ours.push(ZLIB)
    wrong = ours.mirror / SPECS / "aaa" / one.name
    wrong.parent.mkdir()
    shutil.copy(one, wrong)
    ours.run()
    assert (ours.hashes(), ours.warnings()) == ({ZLIB.hash}, [])
    one.unlink()
    ours.push(HDF5)
    ours.run()
    assert ours.hashes() == {HDF5.hash}
    ours.run()
    (said,) = ours.warnings()
    assert said.endswith("is of the package 'zlib', and lies under aaa")


def test_whether_a_manifest_is_signed_is_known_as_long_as_its_spec_is_there(ours):
    """Also of what came from the index, before manifests were read; it goes with the spec."""
    make_mirror(ours.mirror, [ZLIB, HDF5])
    sign(push(ours.mirror, HDF5))
    ours.index()
    assert ours.signed() == {}
    ours.run()
    assert ours.signed() == {ZLIB.hash: False, HDF5.hash: True}
    for one in ours.push(OTHER_ZLIB):
        sign(one)
    ours.run(part={"zlib"})
    assert ours.signed() == {ZLIB.hash: False, HDF5.hash: True, OTHER_ZLIB.hash: True}
    shutil.rmtree(ours.mirror / SPECS / "zlib")
    ours.run()
    assert ours.signed() == {HDF5.hash: True}
    result, counts = ours.run()
    assert (result.unchanged, counts) == (1, {})


def test_a_placed_spec_whose_signature_cannot_be_told_hinders_no_other(ours):
    """It may have come from an index: what is pushed is read all the same, and what is there stands."""
    ours.run()
    bad, _ = ours.push(ZLIB, HDF5)
    bad.write_bytes(b" " * (specmanifest.MAX_BYTES + 1))
    source, _ = ours.source()
    (statement,) = source.discover({}).statements
    seen = source.read_manifests(
        statement, {ZLIB.hash: "zlib"}, MEMORY, unsigned={ZLIB.hash}
    )  # fmt: skip
    assert isinstance(seen, Seen)
    assert seen.read == {HDF5.hash}
    seen.close()
