"""Random histories of pages, queries drawn over them, and the loop that answers by looking at all."""

import shutil
from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path

from hypothesis import strategies as st

from cachesync import query
from cachesync.diff import Guard, page_order
from cachesync.ledger import log, read, whole
from cachesync.ledger.write import Writer
from cachesync.model import ChangeKind, Placement
from cachesync.reports import verify
from cachesync.selection import Selection
from cachesync.sources.directory import DirectorySource
from cachesync.sync.passes import run_pass
from tests.support.pagetext import Facts, as_generated, spec
from tests.support.world import hash_of
from tests.support.writing import writing

SOURCES = ("one", "Two")

TAGS = ("develop", "v1", "V1")

PACKAGES = ("hdf5", "py-scikit-learn")

DIRECTORIES = tuple(f"{tag}/{name}" for tag in TAGS[:2] for name in (*PACKAGES, "copy"))

STACKS = ("root", "e4s", "E4S", "radiuss")

HASHES = tuple(hash_of(number * 40_000_000) for number in range(6))

# Values that differ in case only, lists, quotes: what Spack heeds and words do not.
BUILDS = (
    {
        "target": "aarch64",
        "versions": ["1.14.5"],
        "variants": ["+mpi", "~cuda", "languages='c,c++'", "libs=shared,static"],
    },
    {
        "target": "m1",
        "versions": ["1.14"],
        "os": "Ubuntu24.04",
        "variants": ["++mpi", "build_system=cmake", "Build_system=Cmake"],
    },
)

COMPILERS = ("none", "gcc@12.3.0", "gcc@=12.3.0", "gcc@=12.3.0")


@st.composite
def rows(draw: st.DrawFn) -> list[dict]:
    """The rows of a page; a hash has the same build everywhere but for its compiler."""
    chosen = draw(
        st.lists(st.sampled_from(range(len(HASHES))), unique=True, min_size=1, max_size=5)
    )
    return [
        spec(
            HASHES[number],
            compiler=draw(st.sampled_from(COMPILERS)),
            stacks=draw(st.lists(st.sampled_from(STACKS), unique=True, max_size=3)),
            **BUILDS[number % 2],
        )
        for number in chosen
    ]


sources = st.sampled_from(SOURCES)

directories = st.sampled_from(DIRECTORIES)

facts = st.builds(Facts, st.sampled_from(PACKAGES), st.sampled_from(TAGS), rows())

_writes = st.tuples(st.just("write"), sources, directories, facts)

steps = st.one_of(
    _writes, _writes, _writes, _writes, _writes, _writes,
    st.tuples(st.just("empty"), sources, directories, st.none()),
    st.tuples(st.just("reorder"), sources, directories, st.integers(0, 99)),
    st.tuples(st.just("remove"), sources, directories, st.none()),
    st.tuples(st.just("remove tag"), sources, st.sampled_from(TAGS[:2]), st.none()),
    st.tuples(st.just("corrupt"), sources, directories, st.none()),
    st.tuples(st.just("move"), sources, directories, directories),
    st.tuples(st.just("swap"), sources, directories, directories),
    st.tuples(st.just("forget"), sources, directories, st.none()),
)  # fmt: skip

# Long on purpose: short histories are what other tests write by hand.
histories = st.lists(st.lists(steps, min_size=2, max_size=6), min_size=5, max_size=8)


class Universe:
    """Two directories of pages, a state directory, and what the files say."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state = root / "state"
        self.files: dict[str, dict[str, Facts | None]] = {name: {} for name in SOURCES}
        self.rejected: set[tuple[str, str]] = set()
        self.seen = 0
        self.ticks = 0
        for name in SOURCES:
            (root / name).mkdir()

    def clock(self) -> int:
        self.ticks += 1_000_000
        return self.ticks

    # -- files

    def put(self, source: str, directory: str, said: Facts | None) -> None:
        self.files[source][directory] = said
        path = self.root / source / directory / "specs.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"--- nonsense" if said is None else as_generated(said))

    def take(self, source: str, directory: str) -> Facts | None:
        shutil.rmtree(self.root / source / directory)
        return self.files[source].pop(directory)

    def apply(self, step: tuple, writer: Writer) -> None:
        action, source, where, more = step
        held = self.files[source]
        if action == "write":
            self.put(source, where, more)
        elif action == "remove tag":
            for directory in [d for d in held if d.startswith(f"{where}/")]:
                self.take(source, directory)
        elif action == "forget":
            for row in writer.sources():
                if row.name == source:
                    writer.forget(row)
                    self.rejected = {place for place in self.rejected if place[0] != source}
        elif where not in held:
            return
        elif action == "corrupt":
            self.put(source, where, None)
        elif action == "remove":
            self.take(source, where)
        elif action == "empty" and held[where] is not None:
            self.put(source, where, held[where]._replace(rows=[]))
        elif action == "reorder" and held[where] is not None:
            self.put(source, where, held[where].shuffled(more))
        elif action == "move":
            self.put(source, more, self.take(source, where))
        elif action == "swap" and more in held:
            first, second = self.take(source, where), None
            if more != where:
                second = self.take(source, more)
                self.put(source, where, second)
            self.put(source, more, first)

    # -- passes

    def writing(self) -> AbstractContextManager[Writer]:
        return writing(self.state, self.clock)

    def sync(self, writer: Writer) -> None:
        for name in SOURCES:
            row = writer.source(
                name, "directory", str(self.root / name), configured=True, interval=None
            )
            source = DirectorySource(name, self.root / name, page_limit=1 << 20)
            run_pass(writer, source, row, selection=Selection(), guard=Guard())

    # -- laws

    def expected(self, source: str) -> dict[tuple[str, str, str], tuple[str, ...]] | None:
        """The placements the files mean; None while a broken file makes it depend on the past."""
        found: dict[tuple[str, str], Facts] = {}
        for _, said in sorted(self.files[source].items(), key=lambda i: page_order(i[0])):
            if said is None:
                return None
            found.setdefault((said.tag, said.title), said)
        return {
            (*claim, row["hash"]): tuple(sorted(row["stacks"]))
            for claim, said in found.items()
            for row in said.rows
        }

    def check_ledger(self, db) -> None:
        placed = {(p.source, p.tag, p.package, p.hash): p.stacks for p in whole.all_placements(db)}
        for source in SOURCES:
            expected = self.expected(source)
            if expected is not None:
                of_source = {key[1:]: v for key, v in placed.items() if key[0] == source}
                assert of_source == expected
        changes = list(log.changes(db, log.Filter()))
        assert verify.replay(changes) == placed
        check_flags(changes)
        self.check_rejections(db, changes)

    def check_rejections(self, db, changes) -> None:
        for change in changes:
            if change.seq <= self.seen:
                continue
            place = (change.source, change.path or f"{change.tag}/{change.package}/specs.md")
            if change.kind is ChangeKind.PAGE_REJECTED:
                assert place not in self.rejected, "rejected twice"
                self.rejected.add(place)
            elif change.kind is ChangeKind.PAGE_RECOVERED:
                self.rejected.remove(place)
            elif change.kind is ChangeKind.PAGE_REMOVED:
                self.rejected.discard(place)
        self.seen = changes[-1].seq if changes else 0
        assert self.rejected == {(t.source, t.page) for t in log.troubles(db, 1)}


def check_flags(changes) -> None:
    """`first` and `last` as a model with nothing but a counter says."""
    placements: Counter[str] = Counter()
    for number, change in enumerate(changes, start=1):
        assert change.seq >= number
        if change.kind is ChangeKind.SPEC_CACHED:
            assert change.flag == (placements[change.hash] == 0), change
            placements[change.hash] += 1
        elif change.kind is ChangeKind.SPEC_EVICTED:
            placements[change.hash] -= 1
            assert change.flag == (placements[change.hash] == 0), change


_words = st.sampled_from(
    ("hdf5", "scikit", "scikit-learn", "py", "learn", "gcc", "none", "e4s", "E4S", "root",
     "develop", "v1", "aarch64", "1.14", "+mpi", "++mpi", "-++mpi", "++mp*", "hdf5 + mpi %gcc", "variant:~cuda", "tag:v*", "tag:V1", "stack:e*",
     "stack:E4S", "stack:radiuss", "source:two", "source:o*", f"hash:{HASHES[1][:3]}",
     HASHES[2][:5], HASHES[3], "hash:aaaaa", "version:1.14", "version:1.14.5", "version:1*",
     "compiler:gcc@12.3.0", "compiler:gcc", "compiler:none", "gcc*", "package:hdf5", "package:py-*",
     "os:ubuntu24.04", "nothing", "stack:nothing", "hdf5@1.14:", "hdf5@=1.14", "HDF5@1.14", "@:1.13",
     "@1.14.5,=1.14", "@git.main", "%gcc", "%gcc@12:", "%gcc@=12.3.0", "%gcc@:11", "%none", "%oneapi",
     "~cuda", "~mpi", "mpi=true", "mpi=*", "build_system=cmake", "build_system=Cmake",
     "libs=shared", "libs=static,shared", "libs=*", "languages=c,c++", "cflags=-O2", "target=aarch64:",
     "target=x86_64:", "target=:aarch64", "target=m1,aarch64", "os=ubuntu24.04", "os=Ubuntu24.04",
     "platform=linux", "arch=linux-None-aarch64", f"/{HASHES[1][:3]}", "/aaaa", "scikti-learn~1",
     "hdff5~1", "radius~1", "devlop~2", "hdf5 +mpi %gcc", "(hdf5 OR py-scikit-learn) ~cuda",
     "hdf5@1 OR tag:v1", "-hdf5@1.14.5 develop")
).map(query.parse)  # fmt: skip

trees = st.recursive(
    _words,
    lambda inner: st.one_of(
        inner.map(query.Not),
        st.lists(inner, max_size=3).map(tuple).map(query.And),
        st.lists(inner, min_size=1, max_size=3).map(tuple).map(query.Or),
    ),
    max_leaves=5,
)

Found = dict[tuple, dict[str, tuple[Placement, ...]]]


def brute_force(db, node: query.Node) -> Found:
    """What matches, by the meaning of the tree and nothing else."""
    described = dict(read.all_builds(db))
    found: dict[tuple, dict[str, list[Placement]]] = {}
    for spec_ in read.placed_specs(db, described):
        build = described[spec_.build_id]
        if query.matches(
            node, build, spec_.hash, source=spec_.source, tag=spec_.tag, stacks=spec_.stacks
        ):
            where = Placement(spec_.source, spec_.tag, spec_.stacks)
            found.setdefault(build, {}).setdefault(spec_.hash, []).append(where)
    return {b: {h: tuple(sorted(w)) for h, w in hashes.items()} for b, hashes in found.items()}
