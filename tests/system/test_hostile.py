"""One hostile page in a tree where all else is good: it is rejected by itself, and nothing else."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.hostile import (
    GOOD,
    Put,
    assert_rejected,
    assert_sound,
    put_in_both,
    row,
    sync_hostile,
)
from tests.support.rig import (
    assert_nothing_raw,
    on_terminal,
    page,
    spec,
)


def content(data: bytes) -> Put:
    def put(path: Path) -> None:
        path.write_bytes(data)

    return put


def sparse(path: Path) -> None:
    path.write_bytes(b"---\n")
    os.truncate(path, 300 * 2**20)


def front(details: str, *, title: str = "victim", tag: str = "develop") -> bytes:
    return f"---\ntitle: {title}\ncategories: [package, {tag}]\nspec_details: {details}\n---\n".encode()


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
