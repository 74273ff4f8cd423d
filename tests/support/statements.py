"""A small world of concrete specs, random histories of cache indexes and pages over them, and a model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from cachesync.diff import Guard
from cachesync.ledger import dag, log, sound, whole
from cachesync.ledger.write import Writer
from cachesync.model import ChangeKind, EdgeKind
from cachesync.reports import verify
from cachesync.selection import Selection
from cachesync.sources.base import Failed
from cachesync.sources.directory import DirectorySource
from cachesync.sync.passes import run_pass
from tests.support.mirrors import Record, document, edge, record
from tests.support.pagetext import Facts, as_generated, spec
from tests.support.statedsource import Stated, StatedSource
from tests.support.universe import check_flags
from tests.support.writing import writing

PATCH = "ab" * 32
GCC = record("gcc", "12.3.0", external="/usr", target="x86_64")
LLVM = record("llvm", "17.0.6", edge(GCC, "build", virtuals=("c", "cxx")))
C = edge(GCC, "build", virtuals=("c", "cxx"))
ZLIB = record("zlib-ng", "2.2.1", C, variants={"shared": True})
MPI = record(
    "openmpi", "4.1.6", C, edge(ZLIB, "build", "link"), edge(GCC, "build", virtuals=("fortran",)),
)  # fmt: skip
HDF5 = record(
    "hdf5", "1.14.5", C, edge(MPI, "build", "link", virtuals=("mpi",)), ZLIB,
    variants={"mpi": True, "libs": ["shared", "static"]}, patches=[PATCH],
)  # fmt: skip
MIXED = record(
    "hdf5", "1.14.5", edge(LLVM, "build", virtuals=("c",)), edge(GCC, "build", virtuals=("fortran",)), ZLIB,
)  # fmt: skip
NAG = record("nag", "7.2", external="/opt/nag", target="x86_64")
WITH_NAG = record(
    "hdf5", "1.14.5", edge(LLVM, "build", virtuals=("c",)), edge(NAG, "build", virtuals=("fortran",)), ZLIB,
)  # fmt: skip
ALL_LLVM = record(
    "hdf5", "1.14.5", edge(LLVM, "build", virtuals=("c", "cxx", "fortran")), ZLIB,
)  # fmt: skip
OLD_ZLIB = record("zlib", "1.3.1", compiler="gcc@11.4.0", spec_format=4)
OLD = record("libpng", "1.6.39", OLD_ZLIB, compiler="gcc@11.4.0", spec_format=4)
PY = record("py-six", "1.16.0", edge(ZLIB, "run"))
RECORDS = (GCC, LLVM, ZLIB, MPI, HDF5, MIXED, NAG, WITH_NAG, ALL_LLVM, OLD_ZLIB, OLD, PY)


def migrated(one: Record) -> Record:
    """A record of format 4 as it stands in the index of a mirror that was migrated: another form."""
    compiler = one.spec["compiler"]
    said = {key: value for key, value in one.spec.items() if key not in ("compiler", "hash")}
    said["annotations"] = {
        "original_specfile_version": 4,
        "compiler": f"{compiler['name']}@={compiler['version']}",
    }
    return Record({**said, "hash": one.hash}, tuple(
        need._replace(to=migrated(need.to)) for need in one.needs
    ))  # fmt: skip


def of_pages(one: Record, *, compiler: str, short: bool) -> dict[str, Any]:
    """What the page of a package says of a record: less, or the same."""
    variants = ["build_system=generic"]
    for name, value in one.spec["parameters"].items():
        if name == "patches":
            variants.append(f"patches={PATCH[:7] if short else PATCH}")
        elif isinstance(value, bool):
            variants.append(("+" if value else "~") + name)
        elif isinstance(value, list) and value and not name.endswith("flags"):
            variants.append(f"{name}:={','.join(value)}")
    return spec(
        one.hash, compiler=compiler, os="ubuntu22.04", target=one.spec["arch"]["target"],
        versions=[one.spec["version"]], variants=variants, stacks=["root"],
    )  # fmt: skip


STATEMENTS = {
    "m": (
        Stated("file:///m", None, "v1", "root"),
        Stated("file:///m", "a", "v1", "a"),
        Stated("file:///m", "b", "v2", "b"),
    ),
    "other": (Stated("file:///o", None, "v1", "root"),),
}

_some = st.lists(st.sampled_from(range(len(RECORDS))), unique=True)
_sources = st.sampled_from(sorted(STATEMENTS))
COMPILERS = (GCC, LLVM, NAG)
_sound = st.just(((), ()))
_harm = st.tuples(
    st.lists(st.sampled_from([one.hash for one in COMPILERS]), max_size=2, unique=True),
    st.lists(
        st.sampled_from([one.hash for one in RECORDS if "compiler" not in one.spec]),
        max_size=2, unique=True,
    ),
)  # fmt: skip
"""The compilers that an index has no record of, and the hashes of which it has a wrong one."""
steps = st.one_of(
    st.tuples(
        st.just("index"), _sources, st.integers(0, 2), st.tuples(_some, _some, st.booleans(), _harm)
    ),
    st.tuples(
        st.just("index"), _sources, st.integers(0, 2), st.tuples(_some, _some, st.booleans(), _sound)
    ),
    st.tuples(st.just("lack"), _sources, st.integers(0, 2), st.sampled_from(("passing", "bad"))),
    st.tuples(st.just("drop"), _sources, st.integers(0, 2), st.none()),
    st.tuples(
        st.just("page"), st.sampled_from(range(len(RECORDS))),
        st.sampled_from(("none", "gcc", "=")), st.booleans(),
    ),
    st.tuples(st.just("no page"), st.sampled_from(range(len(RECORDS))), st.none(), st.none()),
    st.tuples(st.just("forget"), _sources, st.none(), st.none()),
)  # fmt: skip
histories = st.lists(st.lists(steps, min_size=1, max_size=4), min_size=3, max_size=7)


class World:
    """Two sources of cache indexes, a directory of pages, a state directory, and what they mean."""

    def __init__(self, root: Path, *, settle: int = 2) -> None:
        self.state = root / "state"
        self.pages = root / "pages"
        self.pages.mkdir()
        self.ticks = 0
        self.settle = settle
        self.documents: dict[str, dict[Stated, bytes | Failed]] = {name: {} for name in STATEMENTS}
        self.expected: dict[tuple[str, Stated], dict[str, int]] = {}
        """Of each index the hashes it has placed, with the passes they were absent in."""
        self.cached: dict[tuple[str, Stated], set[str]] = {}
        self.right: set[str] = set()
        """The hashes of which a right record was read."""
        self.read: set[tuple[str, Stated]] = set()
        """The indexes that were read once."""

    def clock(self) -> int:
        self.ticks += 1_000_000
        return self.ticks

    def writing(self) -> AbstractContextManager[Writer]:
        return writing(self.state, self.clock)

    def apply(self, step: tuple, writer: Writer) -> None:
        action, where, which, more = step
        if action == "page":
            one = RECORDS[where]
            compiler = _compiler(one) if which == "=" else which
            if which == "gcc" and not _compiler(one).startswith("gcc"):
                compiler = "none"
            self.put_page(one, compiler=compiler, short=more)
        elif action == "no page":
            shutil.rmtree(self.pages / "v1" / RECORDS[where].name, ignore_errors=True)
        elif action == "forget":
            for row in writer.sources():
                if row.name == where:
                    writer.forget(row)
            for key in [key for key in self.expected if key[0] == where]:
                del self.expected[key]
            self.read = {key for key in self.read if key[0] != where}
        else:
            statements = STATEMENTS[where]
            statement = statements[which % len(statements)]
            self._state(where, statement, action, more)

    def _state(self, source: str, statement: Stated, action: str, more: Any) -> None:
        documents = self.documents[source]
        if action == "drop":
            documents.pop(statement, None)
        elif action == "lack":
            is_passing = more == "passing"
            documents[statement] = Failed("no answer", is_passing=True) if is_passing else b"{}"
        else:
            numbers, cached, is_migrated, (lacked, wrong) = more
            some = [_form(RECORDS[n], is_migrated=is_migrated) for n in numbers]
            held = [_form(RECORDS[n], is_migrated=is_migrated) for n in cached]
            self.put(source, statement, [*some, *held], held)
            self._harm(source, statement, lacked, wrong)

    def _harm(
        self, source: str, statement: Stated, lacked: Iterable[str], wrong: Iterable[str]
    ) -> None:
        said = json.loads(self.documents[source][statement])
        installs = said["database"]["installs"]
        for spec_hash in lacked:
            installs.pop(spec_hash, None)
        for spec_hash in wrong:
            if spec_hash in installs:
                installs[spec_hash]["spec"].update(version="99", namespace="wrong")
        self.documents[source][statement] = json.dumps(said, separators=(",", ":")).encode()
        self.cached[source, statement] -= set(lacked)

    def put(
        self, source: str, statement: Stated, records: list[Record], cached: list[Record]
    ) -> None:
        order = [one.hash for one in reversed(records)]
        self.documents[source][statement] = document(records, cached=cached, order=order)
        self.cached[source, statement] = {one.hash for one in cached if not one.is_external}

    def put_page(self, one: Record, *, compiler: str, short: bool) -> None:
        path = self.pages / "v1" / one.name / "specs.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        row = of_pages(one, compiler=compiler, short=short)
        path.write_bytes(as_generated(Facts(one.name, "v1", [row])))

    def source(self, name: str) -> StatedSource:
        return StatedSource(name, self.documents[name], self.settle)

    def sync(self, writer: Writer, *names: str) -> None:
        for name in names or sorted(STATEMENTS):
            row = writer.source(name, "buildcache", name, configured=True, interval=None)
            run_pass(writer, self.source(name), row, selection=Selection(), guard=Guard())
            self._expect(name)
        row = writer.source("pages", "directory", "p", configured=True, interval=None)
        source = DirectorySource("pages", self.pages, page_limit=1 << 20)
        run_pass(writer, source, row, selection=Selection(), guard=Guard())

    def _expect(self, source: str) -> None:
        """What a pass makes of the model: the specs of an index, and how long they are absent."""
        failing = {key for key, said in self.documents[source].items() if _is_bad(said)}
        if all((source, statement) in self.read for statement in failing):
            for key in [key for key in self.expected if key[0] == source]:
                if key[1] not in self.documents[source]:
                    del self.expected[key]
                    self.read.discard(key)
        for statement, said in self.documents[source].items():
            placed = self.expected.setdefault((source, statement), {})
            if isinstance(said, Failed) or statement in failing:
                continue
            self.read.add((source, statement))
            records = json.loads(said)["database"]["installs"]
            if not records and placed:  # held
                continue
            self.right.update(h for h, one in records.items() if _is_right(one["spec"]))
            cached = self.cached[source, statement]
            for spec_hash in placed:
                placed[spec_hash] = 0 if spec_hash in cached else placed[spec_hash] + 1
            placed.update(dict.fromkeys(cached, 0))
            for spec_hash in [h for h, absent in placed.items() if absent >= self.settle]:
                del placed[spec_hash]

    # -- laws

    def check(self, db: Any) -> None:
        """The model's placements are the ledger's; the log replays to it, and flags are as counted."""
        expected: dict[tuple[str, str, str], set[str]] = {}
        for (source, statement), placed in self.expected.items():
            for spec_hash in placed:
                expected.setdefault((source, statement.tag, spec_hash), set()).add(statement.stack)
        found = {
            (p.source, p.tag, p.hash): set(p.stacks)
            for p in whole.all_placements(db)
            if p.source != "pages"
        }
        assert found == expected
        assert list(verify.check_log(db)) == []
        assert sound.fault(db) is None
        changes = list(log.changes(db, log.Filter()))
        check_flags(changes)
        check_described_first(changes)
        self.check_nodes(db)

    def check_nodes(self, db: Any) -> None:
        """Every node says what its right record does, and nobody is warned of what a page does not say.

        A compiler of which no right one is known may be known by its name only, or another version.
        """
        by_hash = {one.hash: one for one in RECORDS}
        for spec_hash, build, told in dag.nodes(db):
            one = by_hash[spec_hash]
            if told is None or spec_hash not in self.right:
                continue
            assert (build.package, build.version) == (one.name, one.spec["version"])
            if self.right.issuperset(need.to.hash for need in one.needs if _languages(need)):
                assert build.compiler == _compiler(one)
                assert dict(build.compilers) == several_compilers(one)
                assert dict(told.details.compilers) == several_compilers(one)
            else:
                assert build.compiler.partition("@")[0] == _compiler(one).partition("@")[0]
            assert told.details.namespace == "builtin"
            assert dict(told.edges) == {
                need.to.hash: EdgeKind(need.types, need.virtuals) for need in _merged(one)
            }
            assert told.details.patches == tuple(one.spec.get("patches", ()))
        told_of = [warning.reason for warning in log.warnings(db)]
        assert not [reason for reason in told_of if "index says" in reason], told_of


def check_described_first(changes: list) -> None:
    """Whatever refers to a node of an index comes behind what describes it.

    Every index of this world has all the dependencies of what it has, but for compilers.
    """
    described: set[str] = set()
    compilers = {one.hash for one in COMPILERS}
    for change in changes:
        if change.kind is ChangeKind.SPEC_DESCRIBED:
            assert {dependency for dependency, _ in change.edges} - compilers <= described
            described.add(change.hash)
        elif change.kind is ChangeKind.SPEC_CACHED and change.source != "pages":
            assert change.hash in described


def _is_bad(said: bytes | Failed) -> bool:
    return isinstance(said, Failed) or said == b"{}"


def _is_right(spec: Mapping[str, Any]) -> bool:
    return spec.get("namespace") != "wrong"


def _languages(need: Any) -> set[str]:
    return {"c", "cxx", "fortran"}.intersection(need.virtuals)


def _form(one: Record, *, is_migrated: bool) -> Record:
    return migrated(one) if is_migrated and "compiler" in one.spec else one


def _merged(one: Record) -> list:
    """The edges of a record; two to the same are one."""
    found: dict[str, Any] = {}
    for need in one.needs:
        before = found.get(need.to.hash, need)
        found[need.to.hash] = need._replace(
            types=tuple(sorted({*before.types, *need.types})),
            virtuals=tuple(sorted({*before.virtuals, *need.virtuals})),
        )
    return list(found.values())


def _compiler(one: Record) -> str:
    """The compiler of a record by the rule: the edge with c, else cxx, else fortran."""
    if "compiler" in one.spec:
        return f"{one.spec['compiler']['name']}@={one.spec['compiler']['version']}"
    return next(iter(_by_language(one).values()), "none")


def compilers_of(one: Record) -> set[str]:
    """The compilers of a record, whatever the language."""
    return {_compiler(one), *_by_language(one).values()}


def several_compilers(one: Record) -> dict[str, str]:
    """The compilers of a record by language; none where they do not differ."""
    found = _by_language(one)
    return found if len(set(found.values())) > 1 else {}


def _by_language(one: Record) -> dict[str, str]:
    return {
        language: f"{need.to.name}@={need.to.spec['version']}"
        for language in ("c", "cxx", "fortran")
        for need in one.needs
        if language in need.virtuals
    }


def placed(db: Any) -> Mapping[tuple[str, str, str], tuple[str, ...]]:
    """Source, tag and hash of every placement, with its stacks."""
    return {(p.source, p.tag, p.hash): p.stacks for p in whole.all_placements(db)}
