"""One hostile thing in a tree where all else is good: it is rejected by itself, and nothing else.

Each is put in two places: where a good page was before, whose last good content must stay, and
where nothing was.
"""

import json
import os
import re
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

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

PEAK_MIB = 300
PLACES = ("develop/newcomer/specs.md", "develop/victim/specs.md")
GOOD = {spec("victim", n)["hash"] for n in range(3)}


class Site(NamedTuple):
    """A tree of good pages, synced."""

    tree: Tree
    state: State


@pytest.fixture
def site(tmp_path) -> Site:
    tree = Tree(tmp_path / "site")
    tree.write("develop", "victim", [spec("victim", n) for n in range(3)])
    tree.write("develop", "zlib", [spec("zlib", n) for n in range(2)])
    tree.write("v1.0", "hdf5", [spec("hdf5", n) for n in range(4)])
    state = State(tmp_path / "state", tree.root)
    state.sync()
    return Site(tree, state)


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


# -- content

Put = Callable[[Path], None]


def content(data: bytes) -> Put:
    def put(path: Path) -> None:
        path.write_bytes(data)

    return put


def sparse(path: Path) -> None:
    path.write_bytes(b"---\n")
    os.truncate(path, 300 * 2**20)


def front(details: str, *, title: str = "victim", tag: str = "develop") -> bytes:
    return f"---\ntitle: {title}\ncategories: [package, {tag}]\nspec_details: {details}\n---\n".encode()


def row(**changes: Any) -> str:
    return json.dumps([spec("hostile", **changes)])


def bomb() -> bytes:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return front("*a11").replace(b"---\n", b"---\n" + "\n".join(lines).encode() + b"\n", 1)


def merge_bomb() -> bytes:
    lines = ["a0: &a0 {k0: v}"]
    lines += [
        f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 30)}], k{n}: v}}" for n in range(1, 12)
    ]
    return front("[*a11]").replace(b"---\n", b"---\n" + "\n".join(lines).encode() + b"\n", 1)


def merge_wide() -> bytes:
    """Each merge copies all keys of the one before: the square of the number of lines."""
    lines = ["a0: &a0 {k0: v}"]
    lines += [f"a{n}: &a{n} {{<<: *a{n - 1}, k{n}: v}}" for n in range(1, 3000)]
    return front("[*a2999]").replace(b"---\n", b"---\n" + "\n".join(lines).encode() + b"\n", 1)


SPEC = spec("hostile")
DEEP = r"nested|recursion|depth"
CONTENT: dict[str, tuple[Put, str]] = {
    "300 MB": (sparse, r"larger than the limit"),
    "alias bomb": (content(bomb()), r"values once aliases"),
    "merge-key bomb": (content(merge_bomb()), r"values once aliases"),
    "merge-key staircase": (content(merge_wide()), r"values once aliases"),
    "400 kB of [": (content(front("[" * 200_000 + "]" * 200_000)), DEEP),
    "400 kB of open [": (content(front("[" * 400_000)), DEEP),
    "400 kB of - - -": (content(front("\n" + "- " * 200_000 + "x")), DEEP),
    "400 kB of {a: {a:": (content(front("{a: " * 100_000 + "x" + "}" * 100_000)), DEEP),
    "400 kB of ? ? ?": (content(front("\n" + "? " * 200_000 + "x")), DEEP),
    "JSON nested in meta": (
        content(page("victim", "develop", [SPEC]).replace(
            b'{"num_specs": 1}', b'{"num_specs": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
        ).replace(b'"victim"', b"'victim'")),
        DEEP,
    ),
    "invalid UTF-8": (content(front(row()).replace(b"ubuntu", b"ub\xff\xfeuntu")), r"not UTF-8"),
    "overlong UTF-8": (content(front(row()).replace(b"ubuntu", b"ub\xc0\xafuntu")), r"not UTF-8"),
    "UTF-16": (content(page("victim", "develop", [SPEC]).decode().encode("utf-16")), r"not UTF-8"),
    "NUL bytes": (content(front(row()).replace(b"ubuntu", b"ub\0untu")), r"NUL"),
    "only NUL bytes": (content(bytes(5000)), r"NUL|begin with"),
    "truncated JSON": (content(page("victim", "develop", [SPEC] * 3)[:-60]), r"closing '---'"),
    "JSON cut inside": (content(front(row()[:-20])), r"line \d+, column \d+"),
    "empty": (content(b""), r"begin with '---'"),
    "only a dash line": (content(b"---\n"), r"closing '---'"),
    "only front matter marks": (content(b"---\n---\n"), r"no mapping"),
    "HTML": (content(b"<!DOCTYPE html><title>502 Bad Gateway</title>"), r"begin with '---'"),
    "the same hash twice": (content(front(json.dumps([SPEC, SPEC]))), r"listed twice"),
    "not a hash": (content(front(row(hash="not-a-hash"))), r"not a hash"),
    "a hash in capitals": (content(front(row(hash="A" * 32))), r"not a hash"),
    "a hash with a newline": (content(front(row(hash="a" * 31 + "\n"))), r"hash|printed"),
    "a hash with Unicode letters": (content(front(row(hash="\uff41" * 32))), r"not a hash"),
    "a hash that is a list": (content(front(row(hash=["a" * 32]))), r"hash"),
    "no hash": (content(front(json.dumps([{"os": "x"}]))), r"no hash"),
    "title with ../": (content(front(row(), title='"../../etc/passwd"')), r"not a name"),
    "title with an absolute path": (content(front(row(), title="/etc/passwd")), r"not a name"),
    "tag with ../": (content(front(row(), tag='"../../x"')), r"not a name"),
    "title with a newline": (content(front(row(), title='"vic\\ntim"')), r"print|not a name"),
    "a Python object": (content(front('!!python/object/apply:os.system ["exit 1"]')), r"line \d+"),
    "very long variant": (content(front(row(variants=["x" * 1_000_000]))), r"longer than"),
    "very long version": (content(front(row(versions=["1." * 40_000]))), r"longer than"),
    "a number of a million digits": (
        content(front(row()).replace(b'["1.2.3"]', b"[" + b"7" * 1_000_000 + b"]")), r"versions|longer",
    ),
    "specs that are a mapping": (content(front('{"a": 1}')), r"no list"),
    "a lone surrogate": (content(front(row(os="\ud800"))), r"line \d+"),
}  # fmt: skip

_PAYLOADS = {
    "ESC": "\x1b]0;owned\x07",
    "C1": "\x9b31m",
    "bidi": "\u202eevil",
    "BEL": "\x07",
    "CR": "a\rb",
    "line separator": "a\u2028b",
    "isolate": "\u2066x\u2069",
}
SOME_PAYLOADS = [
    name if name in ("ESC", "C1", "bidi") else pytest.param(name, marks=pytest.mark.soak)
    for name in _PAYLOADS
]
LINE_ENDS = ("CR", "line separator")
"""Raw, these end a line in YAML, and in a text in quotes they stand for a space."""
_FIELDS: dict[str, Callable[[str], dict[str, Any]]] = {
    "variants": lambda text: {"variants": [f"x={text}"]},
    "stacks": lambda text: {"stacks": [text, "root"]},
    "compiler": lambda text: {"compiler": f"gcc@={text}"},
    "os": lambda text: {"os": text},
    "target": lambda text: {"target": text},
    "versions": lambda text: {"versions": [text]},
    "platform": lambda text: {"platform": text},
}


def payload_pages(name: str) -> list[bytes]:
    """The payload in every field, escaped as JSON does and raw, and in title and tag."""
    text = _PAYLOADS[name]
    pages = []
    for make in _FIELDS.values():
        changed = [spec("hostile", **make(text))]
        pages.append(page("victim", "develop", changed))
        if name not in LINE_ENDS:
            inside = json.dumps(text)[1:-1]
            pages.append(page("victim", "develop", changed).replace(inside.encode(), text.encode()))
    for quoted in (json.dumps(text), *([f'"{text}"'] if name not in LINE_ENDS else [])):
        pages.append(front(row(), title=quoted))
        pages.append(front(row(), tag=quoted))
    return pages


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


def test_hostile_content_of_every_kind_at_once(site):
    """Every hostile page there is, in one tree: each is rejected with its own reason, each last
    good content stays, all else syncs, in bounded time and memory."""
    folder = {name: f"h{number}" for number, name in enumerate(CONTENT)}
    for name in CONTENT:
        site.tree.write("develop", f"was-{folder[name]}", [spec(name)])
    site.state.sync()
    for name, (put, _) in CONTENT.items():
        for before in ("was", "new"):
            path = site.tree.path("develop", f"{before}-{folder[name]}")
            path.parent.mkdir(exist_ok=True)
            path.unlink(missing_ok=True)
            put(path)
    rejected = sync_hostile(site)
    assert_sound(site)
    wrong = []
    for name, (_, reason) in CONTENT.items():
        for before in ("was", "new"):
            text = rejected.pop(f"develop/{before}-{folder[name]}/specs.md", "not rejected")
            is_fit = text.isprintable() and len(text) < 400
            if not (is_fit and re.search(reason, text, re.IGNORECASE)):
                wrong.append((name, before, text))
    assert not wrong
    assert not rejected
    hostile = {change["package"]: change["hash"] for change in site.state.log() if "hash" in change}
    assert {f"was-{folder[name]}" for name in CONTENT} <= hostile.keys()
    assert {spec(name)["hash"] for name in CONTENT} <= site.state.hashes("tag:develop")
    again = site.state.sync().json
    assert again["changes"] == {}, "the same rejection is told once"


OFTEN = ("alias bomb", "400 kB of - - -", "empty", "truncated JSON")


@pytest.mark.parametrize(
    "name", [n if n in OFTEN else pytest.param(n, marks=pytest.mark.soak) for n in CONTENT]
)
def test_hostile_content_is_rejected_by_itself(site, name):
    """The page is rejected with its reason, its last good content stays, all else syncs; a good
    page in its place is accepted again."""
    put, reason = CONTENT[name]
    put_in_both(site, put)
    assert_rejected(site, sync_hostile(site), reason)
    assert_sound(site)
    again = site.state.sync().json
    assert again["changes"] == {}, "the same rejection is told once"
    site.tree.write("develop", "victim", [spec("victim", 0), spec("victim", 9)])
    site.tree.write("develop", "newcomer", [spec("newcomer")])
    assert site.state.sync().json["changes"] == {
        "spec.cached": 2, "spec.evicted": 2, "page.added": 1, "page.recovered": 2,
    }  # fmt: skip
    assert_sound(site)


COMMANDS = (
    ("search",), ("search", "--json"), ("search", "--facets", "victim"), ("show", "victim"),
    ("show", "victim", "--json"), ("changes", "--since", "0", "--limit", "0"),
    ("changes", "--json", "--since", "0"), ("status",), ("status", "--json"), ("verify",),
)  # fmt: skip


@pytest.mark.parametrize("name", SOME_PAYLOADS)
def test_terminal_escapes_in_a_page_reach_no_terminal(site, name):
    """Control and bidi characters, escaped or raw, in any field: rejected, and never printed raw."""
    pages = payload_pages(name)
    for number, data in enumerate(pages):
        path = site.tree.path("develop", f"h{number}")
        path.parent.mkdir()
        path.write_bytes(data)
    rejected = sync_hostile(site)
    assert sorted(rejected) == sorted(f"develop/h{n}/specs.md" for n in range(len(pages)))
    for arguments in COMMANDS:
        done = site.state.good(*arguments)
        assert_nothing_raw(done.out + done.err)
    for arguments in COMMANDS:
        status, got = on_terminal(site.state.command(*arguments))
        assert status == 0
        assert_nothing_raw(got, terminal=True)
    status, got = on_terminal(site.state.command("sync"))
    assert status == 0
    assert_nothing_raw(got, terminal=True)
    assert site.state.hashes("package:victim") == GOOD


@pytest.mark.parametrize("name", SOME_PAYLOADS)
def test_terminal_escapes_in_an_argument_come_back_visible(site, name):
    """What a person pastes into a command is not played back raw either."""
    text = _PAYLOADS[name]
    for arguments in (
        ("search", text), ("search", f"({text}"), ("show", text), ("show", f"/{text}"),
        ("changes", "--since", text), ("sync", text), ("search", f"--{text}"), (text,),
        ("forget", text), ("changes", "--kind", text), ("changes", f"--x{text}"),
    ):  # fmt: skip
        done = site.state.run(*arguments)
        assert done.status in (0, 1, 2), done
        assert b"Traceback" not in done.err, done
        assert_nothing_raw(done.out + done.err)


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
    here = os.getcwd()
    os.chdir(path.parent)  # the path of a socket is short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path.name)
    os.chdir(here)


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


# -- much of everything


def put_large(path: Path, rows: int, make: Callable[[int], str], *, head: str, tail: str) -> None:
    with open(path, "w") as file:
        file.write(head)
        file.writelines(make(number) for number in range(rows))
        file.write(tail)


HEAD = '---\ntitle: "victim"\nlayout: cache\ncategories: [package, develop]\nspec_details: ['
TAIL = json.dumps(spec("last")) + "]\n---"


def assert_bounded(site: Site, specs: int, *, seconds: float) -> None:
    """The page is taken as a whole or rejected with a reason, in bounded time and memory."""
    rejected = sync_hostile(site, seconds=seconds)
    if rejected:
        assert list(rejected) == [PLACES[1]]
        assert site.state.hashes("package:victim") == GOOD
    else:
        done = site.state.run("search", "--limit", "1", "--json", "package:victim")
        assert done.status == 0, done
        assert done.json["specs"] == specs
        assert done.seconds < 10


def test_a_hundred_thousand_specs_in_one_page(site):
    """A page far larger than any real one is read in bounded time and memory."""
    put_large(
        site.tree.path("develop", "victim"), 100_000,
        lambda n: json.dumps(spec("much", n, versions=[f"1.{n % 500}"])) + ", ",
        head=HEAD, tail=TAIL,
    )  # fmt: skip
    assert_bounded(site, 100_001, seconds=40)
    assert site.state.rejected() == {}


def test_a_hundred_thousand_different_builds_in_one_page(site):
    """The same where no two specs have a build in common."""
    put_large(
        site.tree.path("develop", "victim"), 100_000,
        lambda n: json.dumps(spec("much", n, variants=[f"x={n}"])) + ", ",
        head=HEAD, tail=TAIL,
    )  # fmt: skip
    assert_bounded(site, 100_001, seconds=60)


def test_a_hundred_thousand_stacks_over_many_specs(site):
    """Every spec is in a stack of its own."""
    put_large(
        site.tree.path("develop", "victim"), 100_000,
        lambda n: json.dumps(spec("much", n, stacks=[f"stack-{n}"])) + ", ",
        head=HEAD, tail=TAIL,
    )  # fmt: skip
    assert_bounded(site, 100_001, seconds=60)


def test_a_hundred_thousand_stacks_of_one_spec(site):
    """One spec is in more stacks than there are."""
    stacks = [f"stack-{n}" for n in range(100_000)]
    site.tree.write("develop", "victim", [spec("victim", 0), spec("victim", 1, stacks=stacks)])
    assert_bounded(site, 2, seconds=30)


def test_a_hundred_thousand_variants_of_one_spec(site):
    """One spec has more variants than there are."""
    variants = [f"v{n}=x" for n in range(100_000)]
    site.tree.write("develop", "victim", [spec("victim", 0, variants=variants)])
    assert_bounded(site, 1, seconds=30)


def test_many_specs_with_many_stacks_of_their_own(site):
    """Stack lists that are each as long as they may be, and of which no two are equal."""
    put_large(
        site.tree.path("develop", "victim"), 2_000,
        lambda n: json.dumps(spec("much", n, stacks=[f"s{n}-{m}" for m in range(1500)])) + ", ",
        head=HEAD, tail=TAIL,
    )  # fmt: skip
    assert_bounded(site, 2_001, seconds=60)


def block_row(number: int) -> str:
    row = spec("much", number, versions=[f"1.{number % 500}"])
    return (
        f"- compiler: {row['compiler']}\n  hash: {row['hash']}\n  os: {row['os']}\n"
        f"  platform: linux\n  stacks:\n  - e4s\n  - root\n  target: aarch64\n  variants:\n"
        f"  - +mpi\n  versions:\n  - '{row['versions'][0]}'\n"
    )


BLOCK_HEAD = "---\ntitle: victim\ncategories: [package, develop]\nspec_details:\n"


@pytest.mark.parametrize(
    "mib", [pytest.param(3, id="3 MiB"), pytest.param(31.9, id="32 MiB", marks=pytest.mark.soak)]
)
def test_a_large_page_in_block_yaml(site, mib):
    """A page just below the limit in the slowest form there is: bounded time and memory."""
    rows = int(mib * 2**20 / len(block_row(499)))
    put_large(site.tree.path("develop", "victim"), rows, block_row, head=BLOCK_HEAD, tail="---\n")
    assert_bounded(site, rows, seconds=60)


FILLINGS = {
    "empty lists": ("[", "[],", "]"),
    "nulls": ("[", "~,", "]"),
    "lines": ("[", "x,\n", "]"),
    "one long text": ('"', "abcdefgh", '"'),
    "comments": ("[] #", "#\n#", ""),
    "empty rows": ("[", "{},", "{}]"),
    "keys": ("{", "? ,", "}"),
    "anchors": ("[", "&a x,", "]"),
}


@pytest.mark.soak
@pytest.mark.parametrize("name", FILLINGS)
def test_a_page_full_of_nothing(site, name):
    """32 MiB of the smallest values there are: bounded time and memory."""
    before, filling, after = FILLINGS[name]
    head = f"---\ntitle: victim\ncategories: [package, develop]\nspec_details: {before}"
    rows = (2**25 - 1000) // len(filling)
    put_large(
        site.tree.path("develop", "victim"), rows, lambda _: filling, head=head, tail=f"{after}\n---\n"
    )  # fmt: skip
    rejected = sync_hostile(site, seconds=60)
    assert site.state.hashes("package:victim") == GOOD or not rejected
