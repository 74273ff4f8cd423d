"""What stands side by side in a query with spec syntax, as a tree. Pure.

Attributes in spec syntax belong to the package behind the last `^` or `%`, or to the root where none
stands before them, or where the name of the root stands between. Everything else is the root's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import QueryError
from ..spack.variants import FLAGS
from .items import Part, together
from .specsyntax import NAMESPACE
from .tree import And, Everything, Node, Term

if TYPE_CHECKING:
    from .dags import Folding

__all__ = ["Conjunction", "is_below_too"]

_ONCE = ("version", "hash", "platform", "os", "target")

"""Variants, to us, of which all that is given is meant."""
_OF_ONE = (*FLAGS, "patches", "dev_path", "branch", "commit", "ref", "tag")
"""What Spack asks of no other package; `patches==a` of the root is `patches=a`."""


class Conjunction:
    """Takes what stands side by side, in its order."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._nodes: list[Node] = []
        self._folding: Folding | None = None
        self._place = 0
        self._is_below = False
        self._given: dict[tuple[str, str], str] = {}

    def node(self, node: Node, start: int) -> None:
        """Take what asks the root, whatever stands before it, and where it begins."""
        for one in node.nodes if isinstance(node, And) else (node,):
            if isinstance(one, Term) and one.spack:
                self._once(Part((one,), start, start + 1))
        self._nodes.append(node)

    def parts(self, parts: tuple[Part, ...]) -> None:
        """Take spec syntax.

        Raises QueryError where one node is asked for two values, or cannot be asked for.
        """
        for part in parts:
            if part.edge is not None:
                self._folded().open(part)
                self._is_below = True
            elif part.is_name:
                self._once(part)
                self._name(part)
                self._is_below = False
            elif self._is_below and not _is_of_compiler(part):
                self._folded().attribute(part)
            elif _is_untold(part) or (part.is_propagated and is_below_too(part)):
                self._once(part)
                self._folded().at_root(part)
            else:
                self._once(part)
                self._nodes += part.terms

    def tree(self, *, excluded: bool) -> Node:
        """All of it; `excluded` says that what does not match is asked for."""
        if self._folding is not None:
            self._nodes.insert(self._place, self._folding.dag(excluded=excluded))
        return together(self._nodes) if self._nodes else Everything

    def _folded(self) -> Folding:
        if self._folding is None:
            from .dags import Folding

            self._folding = Folding(self._text)
            self._place = len(self._nodes)
        return self._folding

    def _name(self, part: Part) -> None:
        """Take the name of a package; its namespace is asked where it is known."""
        self._nodes += [term for term in part.terms if term.field == "package"]
        namespace = self._text[part.start : part.end].rpartition(".")[0]
        if namespace:
            asked = tuple(term for term in part.terms if term.field != "package")
            pair = NAMESPACE, namespace, False
            self._folded().at_root(Part(asked, part.start, part.end, pair=pair))

    def _once(self, part: Part) -> None:
        """Refuse what asks the root for two values of one attribute."""
        for term in part.terms:
            field = term.field or ""
            name = term.value.lstrip("+~").partition("=")[0].removesuffix(":")
            if field != "variant":
                name = ""
            if (field not in _ONCE and field != "variant") or name in FLAGS:
                continue
            known = self._given.setdefault((field, name), term.value)
            if known != term.value:
                what = f"the variant {name}" if name else f"the {field}"
                if name == NAMESPACE:
                    what = "the namespace"
                raise QueryError(
                    f"{what} is asked to be {known} and {term.value}", query=self._text,
                    position=part.start, length=part.end - part.start,
                    hint=_hint(field, name, known, term.value),
                )  # fmt: skip


def _is_untold(part: Part) -> bool:
    """Whether a part asks for what no page tells and cache indices do, beside what a build consists of."""
    return part.pair is not None and part.pair[0] in (*FLAGS, NAMESPACE)


def is_below_too(part: Part) -> bool:
    """Whether a part asks for a variant that Spack asks of all below the root too."""
    return not any(term.value.lstrip("+~").partition("=")[0] in _OF_ONE for term in part.terms)


def _is_of_compiler(part: Part) -> bool:
    """Whether a part is `%none`, which is a word of our own and asks the root."""
    return any(term.field == "compiler" for term in part.terms)


def _hint(field: str, name: str, known: str, value: str) -> str:
    if field == "version":
        return "one list holds several: @1.12,1.14; what is in two ranges is one range: @1.12:1.14"
    if name and name != NAMESPACE and "=" in known and "=" in value:
        signs = known.partition("=")[2], value.partition("=")[2]
        return f"both at once are {name}={','.join(signs)}, either of them is joined with OR"
    return "join what you would have either of with OR"
