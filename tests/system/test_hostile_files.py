"""Hostile names, kinds and roots; pages that change under the reader."""

import contextlib
import os
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.support.hostile import (
    GOOD,
    PLACES,
    Put,
    Site,
    assert_all_else_synced,
    assert_rejected,
    assert_sound,
    news,
    put_in_both,
    sync_hostile,
)
from tests.support.rig import (
    Loop,
    State,
    Tree,
    assert_nothing_raw,
    on_terminal,
    owner_prefix,
    page,
    rounds,
    spec,
    unprivileged,
)

# -- names and kinds of files


def test_two_pages_that_claim_the_same(site):
    """Of two pages with one tag and package the first by path stands, the other names it."""
    site.tree.put("develop", "victim-too", page("victim", "develop", [spec("hostile")]))
    rejected = sync_hostile(site)
    assert list(rejected) == ["develop/victim-too/specs.md"]
    assert "develop/victim/specs.md" in rejected["develop/victim-too/specs.md"]
    assert site.state.hashes("package:victim") == GOOD
    assert_sound(site)


def test_a_claim_by_an_earlier_path(site):
    """Where the newcomer comes first by path it stands, and what only the other had is evicted."""
    site.tree.put("develop", "a-victim", page("victim", "develop", [spec("victim", 0), spec("x")]))
    rejected = sync_hostile(site)
    assert list(rejected) == ["develop/victim/specs.md"]
    assert site.state.hashes("package:victim") == {spec("victim", 0)["hash"], spec("x")["hash"]}
    assert_sound(site)
    site.tree.remove("develop", "a-victim")
    site.state.sync()
    assert site.state.rejected() == {}
    assert site.state.hashes("package:victim") == GOOD
    assert_sound(site)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening, contextlib.chdir(path.parent):
        listening.bind(path.name)  # the path of a socket is short


def link_outside(path: Path) -> None:
    outside = path.parents[3] / "outside.md"
    outside.write_bytes(page("victim", "develop", [spec("secret")]))
    path.symlink_to(outside)


KINDS: dict[str, tuple[Put, str]] = {
    "a FIFO": (os.mkfifo, r"not a regular file"),
    "a socket": (make_socket, r"not a regular file"),
    "a device": (lambda path: os.mknod(path, 0o020666, os.makedev(1, 5)), r"not a regular file"),
    "a symlink leaving the root": (link_outside, r"leaves the source"),
    "a symlink to nothing outside": (lambda path: path.symlink_to("/nonexistent/x"), r"leaves"),
}


@pytest.mark.parametrize("name", KINDS)
def test_what_is_no_file_is_rejected_and_never_waited_for(site, name):
    """A `specs.md` that is no file of the tree is rejected without being read."""
    put, reason = KINDS[name]
    if name == "a device" and os.geteuid() != 0:
        pytest.skip("only root makes devices")
    put_in_both(site, put)
    rejected = sync_hostile(site, seconds=10)
    assert_rejected(site, rejected, reason)
    assert site.state.hashes("package:secret") == set()
    assert_sound(site)


def test_a_directory_named_as_a_page(site):
    """A directory called `specs.md` is no page, and nothing is retired where it newly stands."""
    path = site.tree.root / PLACES[0]
    (path / "inner").mkdir(parents=True)
    rejected = sync_hostile(site)
    assert set(rejected) <= {PLACES[0]}
    assert site.state.hashes("package:victim") == GOOD
    assert_sound(site)


def test_a_directory_link_leaving_the_root(site, tmp_path):
    """A link to a directory outside is rejected; what was below it before stays."""
    outside = Tree(tmp_path / "outside")
    outside.write("x", "victim", [spec("secret")])
    for place in PLACES:
        folder = (site.tree.root / place).parent
        if folder.exists():
            shutil.rmtree(folder)
        folder.symlink_to(outside.root / "x" / "victim")
    rejected = sync_hostile(site)
    assert {path.split("/")[1] for path in rejected} == {"newcomer", "victim"}
    assert all("leaves the source" in reason for reason in rejected.values())
    assert spec("secret")["hash"] not in site.state.hashes()
    assert site.state.hashes("package:victim") == GOOD
    assert_sound(site)


def test_links_inside_the_root(site):
    """A link to a page or directory of the tree is passed over: it is read where it lies."""
    (site.tree.root / "latest").symlink_to("develop")
    (site.tree.root / "develop" / "alias").symlink_to("zlib")
    (site.tree.root / "develop" / "file").mkdir()
    (site.tree.root / "develop" / "file" / "specs.md").symlink_to("../zlib/specs.md")
    (site.tree.root / "develop" / "up").symlink_to("..")
    assert sync_hostile(site) == {}
    assert site.state.hashes("package:victim") == GOOD
    assert_sound(site)


def test_a_page_that_is_a_link_to_itself(site):
    """It is seen in `status` in either place, and what a good page said before stays."""
    put_in_both(site, lambda path: path.symlink_to(path.name))
    rejected = sync_hostile(site, seconds=10)
    skipped = {trouble["page"] for trouble in site.state.status()["skipped"]}
    assert PLACES[1] in rejected
    assert sorted(skipped | rejected.keys()) == list(PLACES)
    assert site.state.hashes("package:victim") == GOOD
    assert_sound(site)


def test_a_link_into_a_directory_without_permission(site, tmp_path):
    """A link whose target cannot be looked at is a fault of its own, not of the source."""
    if unprivileged() is None:
        pytest.skip("no way to give up the rights of root here (setpriv is missing)")
    (tmp_path / "closed" / "inner").mkdir(parents=True)
    (site.tree.root / "develop" / "closed").symlink_to(tmp_path / "closed" / "inner")
    news(site)
    (tmp_path / "closed").chmod(0)
    try:
        state = State(site.state.path, *site.state.sources, prefix=owner_prefix())
        state.sync()
        assert_all_else_synced(site)
        state.assert_sound()
    finally:
        (tmp_path / "closed").chmod(0o755)


def test_a_loop_of_links(site):
    """Links that lead to themselves or to each other end nowhere, and nothing waits for them."""
    (site.tree.root / "a").symlink_to("b")
    (site.tree.root / "b").symlink_to("a")
    (site.tree.root / "develop" / "self").symlink_to("self")
    (site.tree.root / "develop" / "root").symlink_to("../../site")
    sync_hostile(site, seconds=10)
    assert site.state.hashes("package:victim") == GOOD
    assert_sound(site)


@pytest.mark.parametrize("where", ["", "develop", "develop/victim", PLACES[1]])
def test_no_permission(site, where):
    """What may not be read is a failure, not an absence: the pages below stay."""
    if unprivileged() is None:
        pytest.skip("no way to give up the rights of root here (setpriv is missing)")
    state = State(site.state.path, *site.state.sources, prefix=owner_prefix())
    site.tree.write("v1.0", "hdf5", [spec("hdf5", n) for n in range(5)])
    path = site.tree.root / where
    mode = path.stat().st_mode
    path.chmod(0)
    try:
        done = state.run("sync", "--json")
        if where:
            assert done.status == 0, done
            ((page_, reason),) = state.rejected().items()
            assert page_.rstrip("/") == where
        else:
            assert done.status == 1, done
            reason = state.status()["sources"][0]["error"]
        assert "permission denied" in reason
        kinds = {change["kind"] for change in state.log()}
        assert not kinds & {"spec.evicted", "page.removed"}
        assert state.hashes("package:victim") == GOOD
        assert len(state.hashes("package:hdf5")) == (5 if where else 4)
    finally:
        path.chmod(mode)
    state.sync()
    assert state.rejected() == {}
    state.assert_sound()


NAMES: dict[str, bytes] = {
    "not UTF-8": b"na\xffme",
    "a newline": b"na\nme",
    "an escape": b"na\x1b]0;owned\x07me",
    "bidi": "na\u202eme".encode(),
    "a backslash": b"na\\xffme",
    "spaces and quotes": b" na 'm\" e ",
    "very long": b"n" * 255,
    "a percent sign": b"na%2e%2e?#me",
}


@pytest.mark.parametrize(
    "name",
    [
        name
        if name in ("not UTF-8", "a newline", "an escape")
        else pytest.param(name, marks=pytest.mark.soak)
        for name in NAMES
    ],
)
def test_hostile_names_of_files(site, name):
    """Directories with any name: read or rejected, never printed raw, and nothing else suffers."""
    folder = os.fsencode(site.tree.root) + b"/develop/" + NAMES[name]
    os.mkdir(folder)
    with open(folder + b"/specs.md", "wb") as file:
        file.write(page("newcomer", "develop", [spec("newcomer")]))
    tag = os.fsencode(site.tree.root) + b"/" + NAMES[name]
    os.makedirs(tag + b"/pkg")
    with open(tag + b"/pkg/specs.md", "wb") as file:
        file.write(b"nonsense")
    rejected = sync_hostile(site)
    assert len(rejected) in (1, 2)
    found = site.state.hashes("package:newcomer")
    assert found == (set() if name == "not UTF-8" else {spec("newcomer")["hash"]})
    for arguments in (("status",), ("changes",), ("show", "newcomer"), ("verify",), ("sync",)):
        done = site.state.run(*arguments)
        assert b"Traceback" not in done.err, done
        assert_nothing_raw(done.out + done.err)
        _, got = on_terminal(site.state.command(*arguments))
        assert_nothing_raw(got, terminal=True)
    assert_sound(site)
    shutil.rmtree(folder)
    shutil.rmtree(tag)
    site.state.sync()
    assert site.state.rejected() == {}
    assert site.state.hashes("package:newcomer") == set()
    assert_sound(site)


def test_deeper_than_any_layout(site):
    """A tree nested without end is cut off with a reason, and nothing above it suffers."""
    path = site.tree.root
    for number in range(300):
        path = path / f"d{number}"
        path.mkdir()
    rejected = sync_hostile(site)
    (reason,) = rejected.values()
    assert "deeper" in reason
    assert_sound(site)


# -- pages that change under the reader

_WRITER = """
path, final, piece = sys.argv[1], open(sys.argv[2], 'rb').read(), int(sys.argv[3])
times = 0
while True:
    with open(path, 'wb', buffering=0) as file:
        for start in range(0, len(final), piece):
            file.write(final[start:start + piece])
            time.sleep(0.002)
    times += 1
    if not go_on():
        break
print(json.dumps(times))
"""

_REPLACER = """
path, one, two = sys.argv[1], open(sys.argv[2], 'rb').read(), open(sys.argv[3], 'rb').read()
times = 0
while True:
    for data in (one, two):
        with open(path + '.tmp', 'wb') as file:
            file.write(data)
        os.replace(path + '.tmp', path)
        times += 1
    if not go_on():
        break
print(json.dumps(times))
"""

_GROWER = """
path, times = sys.argv[1], 0
while go_on() or times < 10:
    with open(path, 'ab') as file:
        file.write(b'\\nbody' * 1000)
    times += 1
    if times % 500 == 0:
        os.truncate(path, int(sys.argv[2]))
print(json.dumps(times))
"""

_SWAPPER = """
place, kept, link = sys.argv[1:4]
times = 0
while True:
    os.rename(place, kept)
    os.rename(link, place)
    os.rename(place, link)
    os.rename(kept, place)
    times += 1
    if not go_on():
        break
print(json.dumps(times))
"""


def sync_under(site: Site, loop: Loop, *, seconds: float = 3) -> Any:
    """Sync in a loop while `loop` runs, and once more when it has ended."""
    try:
        for _ in rounds(seconds):
            done = site.state.sync()
            assert b"Traceback" not in done.err
        result = loop.end()
    finally:
        if loop.runs:
            loop.kill()
    site.state.sync()
    return result


def test_a_page_that_is_still_being_written(site, tmp_path):
    """Syncs that meet a half-written page evict nothing; in the end exactly the final content is
    there."""
    final = [spec("victim", n) for n in range(400)]
    (tmp_path / "final").write_bytes(page("victim", "develop", final))
    path = site.tree.path("develop", "victim")
    sync_under(site, Loop(_WRITER, path, tmp_path / "final", 4000), seconds=5)
    assert site.state.hashes("package:victim") == {row["hash"] for row in final}
    kinds = [change["kind"] for change in site.state.log()]
    assert "spec.evicted" not in kinds
    assert "page.removed" not in kinds
    assert site.state.rejected() == {}
    site.state.assert_sound()


def test_a_page_that_grows_while_it_is_read(site):
    """A body that grows behind the front matter changes nothing and rejects nothing."""
    path = site.tree.path("develop", "victim")
    with open(path, "ab") as file:
        file.write(b"\nbody" * 1_000_000)
    sync_under(site, Loop(_GROWER, path, path.stat().st_size))
    assert site.state.hashes("package:victim") == GOOD
    assert {c["kind"] for c in site.state.log()} == {"page.added", "spec.cached"}
    site.state.assert_sound()


def test_a_page_that_is_replaced_again_and_again(site, tmp_path):
    """Whichever version a pass meets, it is one of the two, and the last one wins."""
    one, two = [spec("victim", n) for n in range(3)], [spec("victim", n) for n in range(2, 6)]
    (tmp_path / "one").write_bytes(page("victim", "develop", one))
    (tmp_path / "two").write_bytes(page("victim", "develop", two))
    path = site.tree.path("develop", "victim")
    sync_under(site, Loop(_REPLACER, path, tmp_path / "one", tmp_path / "two"))
    assert site.state.hashes("package:victim") == {row["hash"] for row in two}
    kinds = {change["kind"] for change in site.state.log()}
    assert kinds <= {"page.added", "spec.cached", "spec.evicted"}
    site.state.assert_sound()


def test_a_directory_that_turns_into_a_link_and_back(site, tmp_path):
    """What lies outside is never read, not even between listing and reading."""
    outside = Tree(tmp_path / "outside")
    outside.write("develop", "victim", [spec("secret")])
    link = tmp_path / "link"
    link.symlink_to(outside.root / "develop" / "victim")
    place = site.tree.root / "develop" / "victim"
    sync_under(site, Loop(_SWAPPER, place, tmp_path / "kept", link))
    assert all(change.get("hash") != spec("secret")["hash"] for change in site.state.log())
    assert site.state.hashes("package:victim") == GOOD
    site.state.assert_sound()


# -- the source as a whole


def test_a_missing_root_is_a_failure_and_no_absence(site, tmp_path):
    """While the root is away syncs exit 1 and retire nothing; when it is back all is as before."""
    site.tree.root.rename(tmp_path / "away")
    for _ in range(2):
        done = site.state.run("sync", "--json")
        assert done.status == 1, done
        assert done.json["sources"][0]["state"] == "failed"
        assert b"Traceback" not in done.err
    assert site.state.hashes("package:victim") == GOOD
    site.tree.root.write_text("a file")
    assert site.state.run("sync").status == 1
    site.tree.root.unlink()
    (tmp_path / "away").rename(site.tree.root)
    site.state.sync()
    kinds = [change["kind"] for change in site.state.log()]
    assert kinds.count("source.failed") == kinds.count("source.recovered") == 1
    assert not {"page.removed", "spec.evicted"} & set(kinds)
    site.state.assert_sound()


def test_an_emptied_root_is_held(tmp_path):
    """A root that is suddenly empty, as an unmounted one, retires nothing until it is accepted."""
    tree = Tree(tmp_path / "site")
    for number in range(30):
        tree.write("develop", f"p{number}", [spec(number)])
    state = State(tmp_path / "state", tree.root)
    state.sync()
    tree.root.rename(tmp_path / "mounted")
    tree.root.mkdir()
    done = state.run("sync", "--json")
    assert done.status == 1, done
    assert done.json["sources"][0]["state"] == "held"
    assert len(state.hashes()) == 30
    tree.root.rmdir()
    (tmp_path / "mounted").rename(tree.root)
    state.sync()
    kinds = [change["kind"] for change in state.log()]
    assert kinds.count("source.held") == kinds.count("source.recovered") == 1
    assert not {"page.removed", "spec.evicted"} & set(kinds)
    state.assert_sound()
