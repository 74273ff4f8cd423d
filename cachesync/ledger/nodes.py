"""What cache indexes tell of specs, recorded: nodes with their edges and details, and their changes.

A node is described before anything refers to it, in the log as in the ledger: the caller hands over
dependencies before dependents. What several indexes and pages say of one hash is joined (`diff`).

Where the hash does not follow from a record as it should, the record counts only as long as no other told
of the hash: what is known of one from which it follows is altered by no wrong one, and replaces what a
wrong one said, whichever came first. One of which that cannot be told (spliced, or written anew by a later
Spack) stands between the two. See `model.Doubt`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import diff
from ..model import Build, ChangeKind, Details, Doubt, Edge, EdgeKind, Node
from . import compilers, dag, doubts, shapes
from .edges import near_distances, pack_distance, pack_kind, pack_unknown, varint
from .ids import KnownSpec, insert_rows
from .outcomes import SourceRow
from .sources import SourceWriter
from .transaction import BASELINE

__all__ = ["NodeWriter"]


class NodeWriter(SourceWriter):
    """Records what is known of specs."""

    _shaping: _Shaping

    def forms(self) -> set[tuple[str, bytes]]:
        """Hashes and checksums of other records that told of specs, and were joined."""
        rows = self.db.execute(
            "SELECT s.hash, f.checksum FROM form f JOIN spec s ON s.id = f.spec_id"
        )
        return set(rows)

    def compiler(self, spec_hash: str) -> str | None:
        """`name@=version` of a spec that is known; None of any other."""
        row = self.db.execute(
            "SELECT b.package || '@=' || b.version FROM spec s JOIN build b ON b.id = s.build_id"
            " WHERE s.hash = ?",
            (spec_hash,),
        ).fetchone()
        return None if row is None else str(row[0])

    def _describe_nodes(
        self, source: SourceRow, nodes: Sequence[Node], flags: int, warnings: list[str]
    ) -> None:
        """Make rows and changes of nodes, dependencies first; within the caller's transaction."""
        ids = self._ids
        ids.look_up(node.hash for node in nodes)
        ids.look_up(dependency for node in nodes for dependency, _ in node.edges)
        shaping = self._shaping = _Shaping(self)
        described, rows, known_as = self._described.append, [], ids.specs.get
        node_id = self._next_node()
        seq = self._seq
        for node in nodes:
            spec_hash, build, _, details, edges, checksum, doubt = node
            known = known_as(spec_hash)
            if known is not None:
                self._seq = seq
                self._join(source, known, node, flags, warnings)
                seq = self._seq
                node_id = self._next_node_id
                continue
            spec_id = ids.next_spec
            row = (node_id, shaping.details(details), len(edges), shaping.edges(spec_id, edges))
            rows.append(row)
            build_id = shaping.build(build)
            if doubt:
                checksum = doubts.marked(checksum, doubt)
            ids.add_node(spec_hash, build_id, node_id, checksum)
            seq += 1
            described((seq, spec_id, build_id, node_id, flags))
            node_id += 1
            self._next_node_id = node_id
        self._seq = seq
        insert_rows(self.db, "node", "(?, ?, ?, ?)", rows)
        if bare := ids.bare_compilers():
            for node in nodes:
                if node.build.package in bare:
                    self._call(node.hash, node.build.package)
        self._name_compilers(source)

    def _next_node(self) -> int:
        """The id of the node that is made next."""
        if self._next_node_id == 0:
            (highest,) = self.db.execute("SELECT max(id) FROM node").fetchone()
            self._next_node_id = (highest or 0) + 1
        return self._next_node_id

    def _join(
        self, source: SourceRow, known: KnownSpec, node: Node, flags: int, warnings: list[str]
    ) -> None:
        """An index tells of a hash that is known: keep what either says, silently.

        But a record of which there is more to doubt than of what is known alters nothing, and one of
        which there is less replaces it. What was known by pages only is joined, except that a wrong
        record does not alter the build. What was known by others is described with the `flags` of the
        pass; more of it is no news.
        """
        self._ids.store_new()  # what the database is asked for has to be there
        checksum = doubts.marked(node.checksum, node.doubt)
        if known.node_id is None:
            self._set_checksum(known, checksum)
            if node.doubt is not Doubt.WRONG:
                known = self._refine(source, known, node.hash, node.build, warnings)
            self._redescribe(known, node.hash, node.details, node.edges, flags)
            return
        stored = self._stored_checksum(known, node)
        before = dag.row(self.db, known.id, known.node_id)
        details, edges = node.details, node.edges
        if node.doubt > doubts.doubt_of(stored):
            self._remember_form(known, node.checksum, node.doubt)
            return
        if node.doubt < doubts.doubt_of(stored):
            self._set_checksum(known, checksum)
            self._remember_form(known, doubts.bare(stored), doubts.doubt_of(stored))
            known = self._rebuild(source, known, node.hash, node.build)
        else:
            self._remember_form(known, node.checksum, node.doubt)
            known = self._refine(source, known, node.hash, node.build, warnings)
            details = diff.join_details(before.details, details)
            edges = diff.join_edges(before.edges, edges)
        if (details, edges) != (before.details, before.edges):
            self._redescribe(known, node.hash, details, edges, BASELINE)

    def _set_checksum(self, known: KnownSpec, checksum: bytes) -> None:
        self.db.execute("UPDATE spec SET checksum = ? WHERE id = ?", (checksum, known.id))

    def _stored_checksum(self, known: KnownSpec, node: Node) -> bytes:
        """The checksum of the record that told of a spec, with the doubt there is."""
        (stored,) = self.db.execute(
            "SELECT checksum FROM spec WHERE id = ?", (known.id,)
        ).fetchone()
        if node.doubt is Doubt.WRONG and stored == node.checksum:
            # Recorded before what is wrong was marked.
            stored = doubts.marked(stored, node.doubt)
            self._set_checksum(known, stored)
        return bytes(stored)

    def _remember_form(self, known: KnownSpec, checksum: bytes, doubt: Doubt) -> None:
        """Remember that a record need not be read again; a wrong one is, for its warning."""
        if doubt is Doubt.WRONG:  # an older cachesync remembered it
            self.db.execute(
                "DELETE FROM form WHERE spec_id = ? AND checksum = ?", (known.id, checksum)
            )
        else:
            self.db.execute(
                "INSERT INTO form SELECT id, ?1 FROM spec WHERE id = ?2"
                " AND substr(checksum, 1, 8) != ?1 ON CONFLICT DO NOTHING",
                (checksum, known.id),
            )

    def _redescribe(
        self,
        known: KnownSpec,
        spec_hash: str,
        details: Details,
        edges: tuple[Edge, ...],
        flags: int,
    ) -> None:
        """Make a row of what is known now of a spec that was known, and tell of it."""
        shaping, node_id = self._shaping, self._next_node()
        self._next_node_id += 1
        self.db.execute(
            "INSERT INTO node VALUES (?, ?, ?, ?)",
            (node_id, shaping.details(details), len(edges), shaping.edges(known.id, edges)),
        )
        self.db.execute("UPDATE spec SET node_id = ? WHERE id = ?", (node_id, known.id))
        known = known._replace(node_id=node_id)
        self._ids.update_spec(spec_hash, known)
        self._seq += 1
        self._described.append((self._seq, known.id, known.build_id, node_id, flags))

    def _refine(
        self,
        source: SourceRow,
        known: KnownSpec,
        spec_hash: str,
        seen: Build,
        warnings: list[str],
    ) -> KnownSpec:
        """Join what is known of a spec's build with what an index says of it."""
        build_id = self._ids.build(seen)
        if known.build_id == build_id:
            return known
        build = self._ids.build_of(known.build_id)
        kept = diff.reconcile(build, seen)
        warnings += [
            f"spec /{spec_hash}: {field}: this index says {getattr(seen, field)!a}, another source"
            f" says {getattr(build, field)!a}; {getattr(kept, field)!a} is kept"
            for field in diff.contradicting(build, seen)
        ]
        return self._rebuild(source, known, spec_hash, kept)

    def _rebuild(
        self, source: SourceRow, known: KnownSpec, spec_hash: str, build: Build
    ) -> KnownSpec:
        """Tell that a spec is of another build than was known, if it is; nobody is notified."""
        build_id = self._ids.build(build)
        if known.build_id == build_id:
            return known
        before = self._ids.build_of(known.build_id)
        if before[:2] != build[:2]:
            self._call(spec_hash, compilers.called(before))
        refined = known._replace(build_id=build_id)
        self._ids.update_spec(spec_hash, refined)
        self._ids.store_new()
        self.db.execute("UPDATE spec SET build_id = ? WHERE id = ?", (build_id, known.id))
        self._change(
            ChangeKind.SPEC_REFINED, source.id, spec=refined, before_id=known.build_id,
            flags=BASELINE,
        )  # fmt: skip
        return refined

    def _call(self, spec_hash: str, name: str) -> None:
        """Remember what a compiler may be called by what needs it."""
        self._called.setdefault(spec_hash, set()).add(name)

    def _name_compilers(self, source: SourceRow) -> None:
        """Name the compilers of what was told of before the compilers were, and has them by a name only.

        So too those of what needs a spec that turned out to be another.
        """
        called = self._called
        if not called:
            return
        self._ids.store_new()
        self._shaping = _Shaping(self)
        for spec_hash, build, told, named in compilers.to_rename(self.db, called):
            if named.build == build and named.details == told.details:
                continue
            self._ids.look_up([spec_hash])
            known = self._ids.specs[spec_hash]
            known = self._rebuild(source, known, spec_hash, named.build)
            if named.details != told.details:
                self._redescribe(known, spec_hash, named.details, told.edges, BASELINE)


class _Shaping:
    """Ids of what many nodes share. Equal things are mostly one object: identity is asked first.

    The objects are kept, so ids stay theirs; for one transaction.
    """

    def __init__(self, writer: NodeWriter) -> None:
        self._db = writer.db
        self._ids = writer._ids  # noqa: SLF001
        self._kinds = {
            pack: kind_id for kind_id, pack in self._db.execute("SELECT id, names FROM edge_kind")
        }
        self._targets = {
            text: target_id
            for target_id, text in self._db.execute("SELECT id, document FROM target")
        }
        self._distances = near_distances()
        self._of_kind: dict[int, tuple[EdgeKind, int, bytes]] = {}
        self._of_details: dict[int, tuple[Details, int]] = {}
        self._of_build: dict[int, tuple[Build, int]] = {}

    def build(self, build: Build) -> int:
        """The id of a build, made if it is new."""
        found = self._of_build.get(id(build))
        if found is None:
            found = self._of_build[id(build)] = (build, self._ids.build(build))
        return found[1]

    def details(self, details: Details) -> int:
        """The id of some details, made if they are new."""
        found = self._of_details.get(id(details))
        if found is None:
            found = self._of_details[id(details)] = (details, self._stored_details(details))
        return found[1]

    def _stored_details(self, details: Details) -> int:
        target_id = None
        if details.target is not None:
            target_id = self._targets.get(details.target)
            if target_id is None:
                target_id = self._insert("INSERT INTO target (document) VALUES (?)", details.target)
                self._targets[details.target] = target_id
        document = shapes.pack_details(details, target_id)
        number = shapes.digest(document)
        row = self._db.execute(
            "SELECT id FROM details WHERE digest = ? AND document = ?", (number, document)
        ).fetchone()
        if row is not None:
            return int(row[0])
        return self._insert(
            "INSERT INTO details (digest, document) VALUES (?, ?)", number, document
        )

    def _insert(self, statement: str, *values: Any) -> int:
        return int(self._db.execute(statement, values).lastrowid or 0)

    def edges(self, spec_id: int, edges: Sequence[Edge]) -> bytes:
        """The edges of the spec with an id, as bytes. Several for every node of a first import."""
        of_kind, known_as, distances = self._of_kind.get, self._ids.specs.get, self._distances
        most = len(distances)
        found: list[bytes] = []
        for dependency, kind in edges:
            spec, numbered = known_as(dependency), of_kind(id(kind)) or self._learn(kind)
            if spec is None:
                found.append(pack_unknown(dependency, numbered[1]))
                continue
            distance = spec_id - spec[0]
            near = distances[distance] if 0 < distance < most else pack_distance(distance)
            found += (near, numbered[2])
        return b"".join(found)

    def _learn(self, kind: EdgeKind) -> tuple[EdgeKind, int, bytes]:
        text = pack_kind(kind)
        kind_id = self._kinds.get(text)
        if kind_id is None:
            kind_id = self._insert("INSERT INTO edge_kind (names) VALUES (?)", text)
            self._kinds[text] = kind_id
        found = self._of_kind[id(kind)] = (kind, kind_id, varint(kind_id))
        return found
