"""A judge of Spack's queries over a cache index: brute force, and nothing of the product's.

Written from the rules of what `concrete.satisfies(query)` of Spack 1.1.1, 1.2.0.dev0 (dialect
"1.x") and 0.23.2 ("0.23") does, as far as an index can tell it; "RULES n" in these modules names
their sections. A text goes through tokens, reading (attributes, merging) to a structure, which is
asked of each record. What an index cannot say it takes as the rules tell: a package provides the
virtuals that it is seen to provide, in any version.
"""

from dataclasses import dataclass
from typing import Any

from .attributes import HOSTS_OS, HOSTS_TARGET
from .meaning import Question
from .node import unknown_in_range
from .reading import read
from .records import Index
from .refused import Kind, Refused
from .structure import Node
from .versions import Asked, Git

__all__ = ["Answer", "Judge", "Kind", "Refused"]


@dataclass(frozen=True, slots=True)
class Answer:
    """The hashes of the records that satisfy a query."""

    hashes: frozenset[str]


class Judge:
    """An index document (`{"database": ...}`) and the Spack that is asked.

    `dialect` is "1.x" or "0.23"; `release` tells "1.1.1" from "1.2.0.dev0", which differ in one
    rule of reading.
    """

    def __init__(self, document: dict[str, Any], dialect: str, *, release: str = "1.1.1") -> None:
        self.index = Index(document)
        self.dialect = dialect
        self.nameless_meets_all = not release.startswith("1.2")

    def ask(self, text: str, *, cached_only: bool = False) -> Answer:
        """The records that satisfy the text, or those of them in the cache; `Refused`."""
        root, nodes = read(text, self.dialect, nameless_meets_all=self.nameless_meets_all)
        for node in nodes:
            self._can_be_judged(node)
        question = Question(self.index, root, self.dialect)
        return Answer(
            frozenset(
                record.hash
                for record in self.index.records.values()
                if (record.in_buildcache or not cached_only) and question.holds(record)
            )
        )

    def unsaid(self, text: str) -> frozenset[str]:
        """What the text touches that no index tells or the rules leave open; `Refused`.

        The judge takes one side there, and another evaluator may rightly take the other.
        """
        root, nodes = read(text, self.dialect, nameless_meets_all=self.nameless_meets_all)
        found = set()
        if self.index.is_virtual(root.name):
            found.add("a virtual package as the root")
        for node in nodes:
            if node.versions and self.index.is_virtual(node.name):
                found.add("the version of a virtual package")
            if unknown_in_range(node) is not None:
                found.add("an unknown target in a range")
            if any(_is_bare(member) for asked in node.versions for member in asked):
                found.add("a git reference alone")
            if node.has_merged_target:
                found.add("the target of merged nodes")
            propagated = {(variant.name, variant.propagated) for variant in node.variants}
            if len(propagated) > len(dict(propagated)):
                found.add("a variant of merged nodes, propagated and not")
        return frozenset(found)

    def _can_be_judged(self, node: Node) -> None:
        if node.os in HOSTS_OS or HOSTS_TARGET & set(node.targets):
            raise Refused("evaluation", "what the word means depends on the machine")
        unknown = unknown_in_range(node)
        if unknown is not None:
            raise Refused("evaluation", f"no target of archspec's in a range: {unknown}")
        for asked in node.versions:
            for member in asked:
                if _is_bare(member):
                    self._bare_reference(node, member.exact.ref)

    def _bare_reference(self, node: Node, ref: str) -> None:
        """A git version whose place in the order of versions only the repository knows."""
        versions = (record.version for record in self.index.records.values())
        known = {version.ref for version in versions if isinstance(version, Git)}
        if node.name is not None or ref in known:
            raise Refused("evaluation", f"the version that {ref} is must be asked of git")


def _is_bare(asked: Asked) -> bool:
    return isinstance(asked.exact, Git) and asked.exact.version is None
