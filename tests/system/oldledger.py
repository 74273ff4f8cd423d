"""A state directory as the release wrote it whose variants were `name=a,b` or `name:=a,b` as told.

`tests/fixtures/ledger-2.sql` is the dump of a ledger that commit 432b8f5 made: one pass over
`before`, a second over `after`, in two sources called `site` and `other`. It holds what can be in
one: a hash that two pages tell in both forms, with their warnings; two hashes of which each tells
one form, so that one build is two; specs that have left; a spec that was refined. `@ROOT@` stands
for the directory that holds both sources. `ledger-3.sql` is what commit a8b1ab5, of the release with one
form of variants, made of the same. `ledger-4.sql` is what commit 1c0839c made of the same and one page more,
of `MIXED`; behind each pass came one over `index`, of a source called `m`. To it three specs whose
languages have different compilers, or one, were one build.
"""

import os
import sqlite3
from pathlib import Path

from tests.support.mirrors import Record, document
from tests.support.rig import State, Tree, spec
from tests.support.statements import ALL_LLVM, HDF5, MIXED, WITH_NAG, of_pages

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
COMMON = ("+shared", "build_system=cmake")
NEW_FORM = (*COMMON, "amdgpu_target:=gfx90a", "languages:='c,c++'", "libs:=shared,static")
OLD_FORM = (*COMMON, "amdgpu_target=gfx90a", "languages='c,c++'", "libs=shared,static")
PATCHED = "cc8ac22"
INDEXED = 4
"""The schema from which there are cache indexes."""


def before(root: Path) -> tuple[Path, Path]:
    """What the first pass found."""
    site, other = Tree(root / "site"), Tree(root / "other")
    site.write("develop", "celeritas", [spec("c", n, variants=NEW_FORM) for n in range(4)])
    site.write("v1", "celeritas", [spec("c", n, variants=OLD_FORM) for n in (2, 3)])
    site.write("v1", "arkouda", [
        spec("a", 0, variants=[f"patches:={PATCHED}"]), spec("a", 1, variants=[f"patches={PATCHED}"]),
    ])  # fmt: skip
    site.write("v1", "plain", [spec("p", 0)])
    other.write("develop", "celeritas", [
        spec("c", 0, variants=OLD_FORM), spec("c", 7, variants=OLD_FORM),
        spec("c", 1, variants=OLD_FORM, compiler="none"),
    ])  # fmt: skip
    return site.root, other.root


def after(root: Path) -> tuple[Path, Path]:
    """What the second pass found."""
    site, other = Tree(root / "site"), Tree(root / "other")
    site.write("v1", "arkouda", [
        spec("a", 1, variants=[f"patches={PATCHED}"]), spec("a", 2, variants=[f"patches:={PATCHED}"]),
    ])  # fmt: skip
    site.write("v1", "plain", [spec("p", 0, stacks=["gpu", "root"], variants=[
        *spec("p", 0)["variants"], "cxxflags:=a b",
    ])])  # fmt: skip
    other.write("develop", "celeritas", [
        spec("c", 0, variants=OLD_FORM), spec("c", 1, variants=OLD_FORM, compiler="none"),
    ])  # fmt: skip
    return site.root, other.root


def index(*cached: Record) -> bytes:
    """What `m` said: with all four cached, then without HDF5."""
    return document([HDF5, MIXED, WITH_NAG, ALL_LLVM], cached=cached)


def make(root: Path, schema: int = 2) -> State:
    """Both sources as they were last, and the ledger in `root/state`, without a search index."""
    before(root)
    if schema >= INDEXED:
        row = of_pages(MIXED, compiler="llvm@=17.0.6", short=True)
        Tree(root / "site").write("v1", "hdf5", [row])
    state = State(root / "state", *after(root))
    state.path.mkdir()
    db = sqlite3.connect(state.path / "ledger.sqlite")
    try:
        db.executescript(
            (FIXTURES / f"ledger-{schema}.sql")
            .read_text("utf-8")
            .replace("@ROOT@", os.fspath(root))
        )
        db.execute("PRAGMA journal_mode = WAL")
    finally:
        db.close()
    state.config()
    return state
