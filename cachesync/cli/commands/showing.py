"""What `show` says of specs that cache indexes told of, beside where they are placed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ...documents import details_document, edges_document
from ...errors import NotThereError
from ...ledger import connect, dag, described
from ...search.answers import Hit, MatchedSpec
from ..display import dependencies, output, probed
from ..options import Globals
from ..remedies import reaching

if TYPE_CHECKING:
    from ...sources.mirror.probing import Found
    from ..pagetarballs import Told

__all__ = [
    "Facts",
    "document",
    "facts",
    "forms",
    "graph",
    "leaving",
    "print_not_cached",
    "print_spec",
    "print_tarballs",
    "tarballs_of",
]

MOST_NODES = 100_000
DEEPEST = 1_000
SHOWN_SPECS = 5


class Facts(NamedTuple):
    """What is known of specs beside their placements."""

    known: Mapping[str, dag.Known]
    """Of those that cache indexes told of."""
    carried: Mapping[str, list[described.Carried]]
    not_cached: Sequence[str] = ()
    """Those of them that are asked for and placed nowhere."""
    tarballs: Mapping[tuple[str, str, str], Found] = {}
    """What mirrors have of specs, by hash, source and address, as far as they were looked at."""
    on_pages: Mapping[str, list[Told]] = {}
    """What pages say of their tarballs, as far as they were read."""


def facts(state_dir: Path, hits: Sequence[Hit], *, spec: str | None, package: str | None) -> Facts:
    """What is known of the specs of some hits, and of those of a package or of one that are not placed."""
    placed = [spec.hash for hit in hits for spec in hit.specs]
    with connect.ledger_errors(state_dir):
        db = connect.open_reader(state_dir)
        try:
            others = [] if package is None else described.not_cached(db, package)
            if spec is not None and spec not in placed:
                others = [spec]
            known = dag.known(db, [*placed, *others])
            carried = described.carried(db, placed)
        finally:
            db.close()
    told = {spec_hash: one for spec_hash, one in known.items() if one.told is not None}
    return Facts(told, carried, [one for one in others if one in told])


def graph(state_dir: Path, spec: str, *, depth: int | None, dependents: bool) -> described.Graph:
    """What a spec depends on, or what depends on it.

    Raises NotThereError where no cache index told of it.
    """
    with connect.ledger_errors(state_dir):
        db = connect.open_reader(state_dir)
        try:
            if dependents:
                found = described.needing(db, spec)
            else:
                deepest = DEEPEST if depth is None else depth
                found = described.reach(db, spec, depth=deepest, most=MOST_NODES)
        finally:
            db.close()
    root = found.nodes[spec]
    if len(found.nodes) == 1 and (root is None or root.told is None):
        raise NotThereError(
            f"no cache index tells of /{spec}, and pages do not say what depends on what",
            hint=f"cachesync show /{spec}",
        )
    return found


def document(spec: str, known: Facts) -> dict[str, Any]:
    """What is known of a spec, as keys of JSON; none where only pages told of it."""
    found: dict[str, Any] = {}
    one = known.known.get(spec)
    if one is not None and one.told is not None:
        details, edges = one.told
        if one.build.compilers:
            found["compilers"] = dict(one.build.compilers)
        found |= {
            "state": str(dependencies.state(one)),
            "spec": dependencies.form(one),
            "details": details_document(details),
            "edges": edges_document(edges),
        }
    if spec in known.carried:
        found["mirrors"] = [
            {**_carried(place), **_tarball(known.tarballs.get((spec, place.source, place.url)))}
            for place in known.carried[spec]
        ]
    if spec in known.on_pages:
        found["pages"] = [
            {
                "source": one.source, "tag": one.tag, "path": one.path,
                "tarball": one.tarball.url,
                "bytes": one.tarball.size,
            }
            for one in known.on_pages[spec]
        ]  # fmt: skip
    return found


def forms(hit: Hit, known: Facts) -> dict[str | None, list[MatchedSpec]]:
    """The specs of a hit by how Spack prints them; None of those that only pages told of."""
    found: dict[str | None, list[MatchedSpec]] = {}
    for spec in hit.specs:
        one = known.known.get(spec.hash)
        found.setdefault(None if one is None else dependencies.form(one), []).append(spec)
    return found


def leaving(spec: str, known: Facts) -> str:
    """What marks a spec that cache indexes have no longer; empty for others."""
    where = [f"{one.tag} ({one.stack})" for one in known.carried.get(spec, ()) if one.leaving]
    return f"  leaving {', '.join(where)}" if where else ""


def print_spec(spec: str, known: Facts, options: Globals) -> None:
    """Everything else that is known of one spec."""
    one = known.known.get(spec)
    lines: list[tuple[str, str]] = []
    if one is not None and one.told is not None:
        details = one.told.details
        lines = [
            ("namespace", details.namespace or ""),
            ("package hash", details.package_hash or ""),
            ("patches", " ".join(details.patches)),
            ("external", _external(details.external)),
            ("spliced from", f"/{details.build_spec}" if details.build_spec else ""),
            ("provides", " ".join(details.provided_virtuals or ())),
            ("needs", _needs(spec, one.told, options)),
        ]
    for place in known.carried.get(spec, ()):
        lines.append(("mirror", _mirror(place)))
        found = known.tarballs.get((spec, place.source, place.url))
        lines.append(("tarball", "" if found is None else probed.tarball(found)))
    lines += [("tarball", text) for text in _of_pages(spec, known)]
    for name, text in lines:
        if text:
            output.print_line(f"  {name + ':':<14}{text}")


def print_tarballs(hit: Hit, known: Facts) -> None:
    """What mirrors have of the specs of a hit, where they were looked at."""
    for spec in hit.specs:
        for line in tarballs_of(spec.hash, known):
            output.print_line(f"  {line}")


def tarballs_of(spec: str, known: Facts) -> Iterator[str]:
    """What mirrors have of a spec, where they were looked at, and what pages say; a line each."""
    for place in known.carried.get(spec, ()):
        found = known.tarballs.get((spec, place.source, place.url))
        if found is not None:
            yield f"/{spec[:7]}  {probed.tarball(found, place.url)}"
    for text in _of_pages(spec, known):
        yield f"/{spec[:7]}  {text}"


def print_not_cached(known: Facts) -> None:
    """The specs that are known and placed nowhere."""
    if not known.not_cached:
        return
    print()
    print(f"not cached: {output.number(len(known.not_cached), 'spec')}")
    for spec in known.not_cached[:SHOWN_SPECS]:
        one = known.known[spec]
        output.print_line(f"  /{spec}  {dependencies.state(one)}  {dependencies.form(one)}")
    if len(known.not_cached) > SHOWN_SPECS:
        output.print_line(
            f"  ... and {len(known.not_cached) - SHOWN_SPECS:,} more (--json lists all)"
        )


def _mirror(place: described.Carried) -> str:
    view = f", view {place.view}" if place.view else ""
    signed = {None: "", True: ", signed", False: ", not signed"}[place.signed]
    return f"{place.url}{view} ({place.source}: {place.tag}, {place.stack}){signed}"


def _carried(place: described.Carried) -> dict[str, Any]:
    """Without what is not known of signatures."""
    found = place._asdict()
    if place.signed is None:
        del found["signed"]
    return found


def _of_pages(spec: str, known: Facts) -> list[str]:
    """What pages say of the tarball of a spec, each thing once, with the first that says it."""
    said: dict[tuple[str | None, int | None], list[Told]] = {}
    for one in known.on_pages.get(spec, ()):
        said.setdefault(one.tarball, []).append(one)
    lines = []
    for (url, size), some in list(said.items())[:SHOWN_SPECS]:
        words = [] if size is None else [probed.size(size)]
        words += [] if url is None else [url]
        more = f" and {output.number(len(some) - 1, 'more page')}" if len(some) > 1 else ""
        lines.append(f"{'  '.join(words)} (by {some[0].source}: {some[0].path}{more})")
    return lines


def _tarball(found: Found | None) -> dict[str, Any]:
    return {} if found is None else {"tarball": probed.found_document(found)}


def _needs(spec: str, told: dag.Told, options: Globals) -> str:
    if not told.edges:
        return ""
    text = f"{output.number(len(told.edges), 'spec')} directly (cachesync show /{spec[:7]} --tree)"
    return reaching(text, options)


def _external(text: str | None) -> str:
    """Where an external is: a directory, or modules."""
    if text is None:
        return ""
    said = json.loads(text)
    modules = said.get("module") or () if isinstance(said, dict) else ()
    path = said.get("path") if isinstance(said, dict) else None
    words = [str(path)] if path else []
    words += [f"module {one}" for one in ([modules] if isinstance(modules, str) else modules)]
    return ", ".join(words) or "it does not say where"
