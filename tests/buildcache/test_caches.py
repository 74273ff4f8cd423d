"""Mirrors that real Spack wrote: what is read of them is what Spack reads of them."""

import json
from functools import lru_cache
from typing import Any

import pytest

from cachesync.buildcache.index import Split, split
from cachesync.buildcache.nodes import nodes
from cachesync.model import NO_COMPILER, Node
from cachesync.pages.parse import PageParser
from cachesync.spack import dag, printed, variants
from tests.support import caches
from tests.support.mirrors import FLAGS
from tests.support.pagetext import page
from tests.support.pagetext import spec as row

pytestmark = caches.needs_caches

STATEMENTS = [
    ("v2-0.23", None),
    ("v3-1.1", None),
    ("v3-1.1-next", None),
    ("v3-1.1-signed", None),
    ("v3-1.2dev", None),
    ("v3-1.2dev", "arm"),
    ("v3-1.2dev", "team/x86"),
    ("v3-migrated-from-v2", None),
]


@lru_cache
def _split(name: str, view: str | None = None) -> Split:
    return split(caches.index_of(name, view))


@lru_cache
def _nodes(name: str, view: str | None = None) -> dict[str, Node]:
    found = list(nodes(_split(name, view)))
    assert all(isinstance(one, Node) for one in found)
    return {one.hash: one for one in found}


def _installs(name: str, view: str | None = None) -> dict[str, dict]:
    return json.loads(caches.index_of(name, view))["database"]["installs"]


@pytest.mark.parametrize(("name", "view"), STATEMENTS)
def test_what_is_cached_is_what_the_mirror_has(name, view):
    """Every record becomes a node, and those cached are the ones known to be in the cache."""
    known = caches.contents()["mirrors"][name]
    if view is not None:
        known = known["views"][view]
    found = _nodes(name, view)
    assert sorted(one.hash for one in found.values() if one.cached) == sorted(known["cached"])
    assert len(found) == len(_installs(name, view)) == known.get("records", len(found))
    assert _split(name, view).refused == ()


@pytest.mark.parametrize(("name", "view"), STATEMENTS)
def test_the_hash_follows_from_every_native_record(name, view):
    """No warning: spliced and migrated specs, of which it is not so, are left out."""
    doubts: list[tuple[str, str]] = []
    for _ in nodes(_split(name, view), doubt=lambda *doubt: doubts.append(doubt)):
        pass
    assert doubts == []


def test_the_next_state_differs_by_what_was_pushed_and_pruned():
    """A forced push of another tarball is no difference."""
    known = caches.contents()["v3-1.1 -> v3-1.1-next"]
    before, after = (_nodes(name) for name in ("v3-1.1", "v3-1.1-next"))
    was, now = ({one.hash for one in some.values() if one.cached} for some in (before, after))
    assert sorted(now - was) == sorted(known["added"])
    assert sorted(was - now) == sorted(known["removed"])
    assert sorted(after.keys() - before.keys()) == sorted(known["records_new"])
    both = before.keys() & after.keys()
    assert [one for one in both if before[one].checksum != after[one].checksum] == []


def test_a_record_says_what_spack_prints_of_it():
    """Compilers, variants, flags, architecture, as Spack 1.1.1 reads and prints the same index."""
    found = _nodes("v3-1.1")
    assert found.keys() == caches.facts().keys()
    for spec_hash, fact in caches.facts().items():
        node, said = found[spec_hash], fact["format"]
        build, details = node.build, node.details
        name, _, version = build.compiler.partition("@=")
        assert printed.spec(build, details) == fact["short"]
        assert printed.compilers(build, node.edges) == said["{compilers}"]
        assert (name, version or NO_COMPILER) == (
            said["{compiler.name}"],
            said["{compiler.version}"],
        )
        assert f"{build.platform}-{build.os}-{build.target}" == said["{architecture}"]
        assert (build.package, build.version) == (said["{name}"], said["{version}"])
        assert details.namespace == said["{namespace}"]
        assert (details.external is not None) is fact["external"]
        assert details.format == fact["original_spec_format"]
        assert node.cached is fact["in_buildcache"]
        assert details.compilers == ()  # in this mirror one compiler is for all languages


def test_the_edges_of_a_record_are_those_spack_has():
    """Counted by type; the tree has as many lines, that of some types as many nodes."""
    found = _nodes("v3-1.1")

    def edges_of(spec_hash: str):
        return sorted(found[spec_hash].edges, key=lambda edge: found[edge[0]].build.package)

    for spec_hash, fact in caches.facts().items():
        node = found[spec_hash]
        for of_type, count in fact["direct"].items():
            assert sum(of_type in kind.types for _, kind in node.edges) == count
        assert len(dag.tree(spec_hash, edges_of).lines) == fact["tree_lines"]
        for types, count in fact["closure"].items():
            wanted = dag.ALL_TYPES if types == "all" else types.split(",")
            assert len(dag.tree(spec_hash, edges_of, types=wanted).lines) - 1 == count
    assert dag.cycle(found, edges_of) == []


@pytest.mark.parametrize(("name", "view"), STATEMENTS)
def test_edges_are_those_of_the_record(name, view):
    """Hashes, types and virtuals, none lost; an equal kind is one object."""
    installs, kinds = _installs(name, view), {}
    for node in _nodes(name, view).values():
        said = {
            one["hash"]: (one["parameters"]["deptypes"], one["parameters"]["virtuals"])
            for one in installs[node.hash]["spec"].get("dependencies", ())
        }
        assert {to: (list(kind.types), list(kind.virtuals)) for to, kind in node.edges} == said
        for _, kind in node.edges:
            assert kinds.setdefault(kind, kind) is kind


@pytest.mark.parametrize("name", ["v2-0.23", "v3-migrated-from-v2"])
def test_old_specs_say_their_compiler_themselves(name):
    """As an object in layout 2, in the annotations after a migration, which is about the same builds."""
    installs = _installs("v2-0.23")
    for node in _nodes(name).values():
        compiler = installs[node.hash]["spec"]["compiler"]
        assert node.build.compiler == f"{compiler['name']}@={compiler['version']}"
        assert node.details.format == 4
    assert {one.build for one in _nodes(name).values()} == {
        one.build for one in _nodes("v2-0.23").values()
    }


@pytest.mark.parametrize("name", ["v2-0.23", "v3-1.1", "v3-1.2dev"])
def test_a_page_about_the_same_specs_agrees(name):
    """A page of what Spack prints, which is what the site's generator wrote, has the same builds.

    It has the first digits of patches only, `:=` before the values of a list, and no flags.
    """
    parser, installs = PageParser(), _installs(name)
    for node in _nodes(name).values():
        build, parameters = node.build, installs[node.hash]["spec"]["parameters"]
        texts = [_printed(key, value) for key, value in parameters.items() if key not in FLAGS]
        described = row(
            node.hash, versions=[build.version], compiler=build.compiler, os=build.os,
            platform=build.platform, target=build.target, variants=texts,
        )  # fmt: skip
        paged, _ = parser.parse(page(described, title=build.package)).specs[node.hash]
        whole = variants.lengthened(paged.variants, build.variants)
        assert paged._replace(variants=whole) == build


def _printed(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return f"{'+' if value else '~'}{key}"
    if isinstance(value, str):
        return f"{key}={value}"
    joined = ",".join(sorted(one[:7] for one in value) if key == "patches" else sorted(value))
    return f"{key}:='{joined}'" if "+" in joined else f"{key}:={joined}"
