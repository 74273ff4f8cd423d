"""Nothing of a page or an argument reaches a terminal raw."""

import json

from tests.support.commands import NEW, OLD, A, B
from tests.support.console import on_terminal
from tests.support.locks import entry, lock, text
from tests.support.world import spec


def test_nothing_raw_reaches_a_terminal(world):
    """Escapes in pages, files and arguments are made visible by the new commands too."""
    evil = "\x1b]0;x\x07"
    world.page("develop", "evil", spec("a", os="ubu\u202entu", variants=["x=\u202e"]))
    world.page("v1", "evil", spec("b", os="ubu\u202entu", stacks=["e\u202es"]))
    world.sync()
    (world.root / "list").write_text(f"/{A}\nubu\u202entu\n{evil}\n")
    document = lock([A], entry(A, f"evil{evil}", version=6), entry(B, "x", target="\u202e"))
    (world.root / "lock").write_bytes(text(document))
    commands = (
        ["diff", "develop", "v1"], ["history", "evil"], ["history", f"/{B}"], ["diff", evil, "v1"],
        ["check", "list"], ["check", "lock"], ["check", "lock", "--subscription"],
        ["search", "evil", "--columns", "os,variants,stacks"], ["search", "evil", "--install"],
        ["search", "--group-by", "package"], ["search", f"evi {evil}"], ["search", "-os:x", evil],
        ["list", "variants"], ["list", "stacks"], ["list", "oses", evil], ["list", evil], [evil],
        ["changes"], ["changes", "--since", "v1", "--no-pager"], ["changes", "--summary"], ["changes", "--since", evil],
        ["changes", "--until", "v1\u202e"], ["changes", "--kind", evil],
    )  # fmt: skip
    for arguments in commands:
        piped = "".join(world.run(*arguments, status=None)[1:])
        for shown in (on_terminal(world, *arguments), piped):
            for raw in ("\x1b]", "\x07", "\u202e"):
                assert raw not in shown, (arguments, raw)


def test_json_is_ascii_and_has_its_schema(site, lockfile):
    """Every document of the new commands carries its schema."""
    for arguments in (["diff", OLD, NEW], ["history", "hdf5"], ["check", lockfile],
                      ["search", "--group-by", "package"], ["search", "hdf6"]):  # fmt: skip
        out = site.run(*arguments, "--json", status=None).out
        assert out.isascii()
        assert json.loads(out)["schema"] == 1
