"""The records of a cache index, and what is below each (RULES 3, 4.2, 4.3, 5). Raw JSON in."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import Any, NamedTuple

from .structure import FLAGS
from .versions import version_of

__all__ = ["Index", "Link", "Record"]

TYPE_BITS = {"build": 1, "link": 2, "run": 4, "test": 8}


class Link(NamedTuple):
    """A direct dependency of a record."""

    child: Record
    types: frozenset[str]
    virtuals: frozenset[str]

    def is_called(self, name: str) -> bool:
        """Whether the child has the name or the edge provides it."""
        return self.child.name == name or name in self.virtuals


class Record:
    """One record of an index, with what follows from it."""

    def __init__(self, fields: dict[str, Any], database: str) -> None:
        spec = fields["spec"]
        notes = spec.get("annotations") or {}
        self.spec = spec
        self.hash: str = spec["hash"]
        self.name: str = spec["name"]
        self.namespace: str | None = spec.get("namespace")
        self.version = version_of(spec["version"])
        self.in_buildcache = bool(fields.get("in_buildcache"))
        arch = spec["arch"]
        self.platform, self.os, target = arch["platform"], arch["platform_os"], arch["target"]
        self.target: str = target if isinstance(target, str) else target["name"]
        parameters = spec["parameters"]
        self.flags = {key: set(parameters.get(key) or ()) for key in FLAGS}
        self.variants = {
            name: _value(value) for name, value in parameters.items() if name not in FLAGS
        }
        if "patches" in spec:
            self.variants["patches"] = frozenset(spec["patches"])
        self.is_v4 = int(database) < 8 or notes.get("original_specfile_version") == 4
        compiler = spec.get("compiler") or notes.get("compiler")
        if isinstance(compiler, dict):
            compiler = f"{compiler['name']}@={compiler['version']}"
        name, _, version = (compiler or "").partition("@")
        self.compiler = (name, version_of(version.removeprefix("="))) if name else None
        self.links: list[Link] = []

    @cached_property
    def whole(self) -> list[Record]:
        """This record and all below it, by all types of edges."""
        found = {self.hash: self}
        ahead = [self]
        while ahead:
            for link in ahead.pop().links:
                if link.child.hash not in found:
                    found[link.child.hash] = link.child
                    ahead.append(link.child)
        return list(found.values())

    @cached_property
    def runtime(self) -> list[Link]:
        """All link and run edges from here to any depth, breadth first, children by name."""
        found: list[Link] = []
        seen = {self.hash}
        level = [self]
        while level:
            links = [link for record in level for link in record.sorted_runtime_links]
            found += links
            level = []
            for link in links:
                if link.child.hash not in seen:
                    seen.add(link.child.hash)
                    level.append(link.child)
        return found

    @property
    def sorted_runtime_links(self) -> list[Link]:
        """Its own link and run edges, children by name."""
        links = [link for link in self.links if link.types & {"link", "run"}]
        return sorted(links, key=lambda link: link.child.name)

    @cached_property
    def reach(self) -> list[Link]:
        """The edges that `^` looks at: `runtime` and its own build edges."""
        return [*self.runtime, *(link for link in self.links if "build" in link.types)]

    @cached_property
    def reach_by_name(self) -> dict[str, list[Link]]:
        """`reach` by the names of children and virtuals."""
        found = defaultdict(list)
        for link in self.reach:
            for name in {link.child.name, *link.virtuals}:
                found[name].append(link)
        return found

    def below(self, name: str) -> Record | None:
        """What Spack calls `spec[name]`."""
        order = {link.child.name: place for place, link in reversed([*enumerate(self.links)])}
        own = sorted(
            (link for link in self.links if link.types & {"build", "test"}),
            key=lambda link: (order[link.child.name], sum(TYPE_BITS[kind] for kind in link.types)),
        )
        for link in own:
            if link.is_called(name):
                return link.child
        if self.name == name:
            return self
        return next((link.child for link in self.runtime if link.is_called(name)), None)


def _value(value: Any) -> bool | str | frozenset[str]:
    """A record's variant: boolean, single or multi."""
    if isinstance(value, list):
        return frozenset(map(str, value))
    if str(value).lower() in ("true", "false"):
        return str(value).lower() == "true"
    return str(value)


class Index:
    """All records of a document, and the virtual packages that its edges tell of."""

    def __init__(self, document: dict[str, Any]) -> None:
        database = document["database"]
        version = str(database["version"])
        installs = database["installs"].items()
        self.records = {key: Record(fields, version) for key, fields in installs}
        self.providers: dict[str, set[str]] = defaultdict(set)
        for record in self.records.values():
            for entry in record.spec.get("dependencies") or ():
                edge = entry.get("parameters") or {"deptypes": entry.get("type") or ()}
                child = self.records[entry["hash"]]
                virtuals = frozenset(edge.get("virtuals") or ())
                record.links.append(Link(child, frozenset(edge["deptypes"]), virtuals))
                for virtual in virtuals:
                    self.providers[virtual].add(child.name)
        self.names = {record.name for record in self.records.values()}

    def is_virtual(self, name: str | None) -> bool:
        """Whether the name is one of a virtual package, as far as an index can say."""
        return name in self.providers and name not in self.names
