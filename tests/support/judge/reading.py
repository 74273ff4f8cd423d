"""From tokens to structure: which attribute belongs to which node, which node to which (RULES 2)."""

from . import attributes
from .merging import hang
from .refused import Refused
from .structure import Edge, Node
from .tokens import Token, plain_value, tokens
from .versions import members

__all__ = ["read"]

TRANSLATED = {
    "clang": "llvm",
    "oneapi": "intel-oneapi-compilers",
    "rocmcc": "llvm-amdgpu",
    "intel": "intel-oneapi-compilers-classic",
    "arm": "acfl",
}
TYPES = {"build", "link", "run", "test"}


def read(text: str, dialect: str, *, nameless_meets_all: bool) -> tuple[Node, list[Node]]:
    """The one spec that a text asks for, and all nodes read; `Refused` (syntax, count).

    Among all nodes are those of conditions, those merged into others and what was lost by that.
    """
    reader = _Reader(tokens(text, dialect), dialect, nameless_meets_all=nameless_meets_all)
    specs = []
    while reader.rest:
        before = len(reader.rest)
        specs.append(reader.spec())
        if len(reader.rest) == before:
            raise Refused("syntax", f"out of place: {reader.rest[0].text}")
    if len(specs) != 1:
        raise Refused("count", f"{len(specs)} specs")
    return specs[0], reader.nodes


class _Reader:
    """The tokens not read yet."""

    def __init__(self, found: list[Token], dialect: str, *, nameless_meets_all: bool) -> None:
        self.rest = found
        self.dialect = dialect
        self.nameless_meets_all = nameless_meets_all
        self.nodes: list[Node] = []

    def next(self, *kinds: str) -> Token | None:
        """The next token where it is of one of the kinds."""
        if self.rest and self.rest[0].kind in kinds:
            token, *self.rest = self.rest
            return token
        return None

    def spec(self) -> Node:
        root = current = self.node(Node())
        while token := self.next("open", "sigil"):
            sigil = "^" if token.parts["sigil"] == "^" else "%"
            parent = root if sigil == "^" else current
            edge = self.edge(token, sigil)
            hang(parent, edge, nameless_meets_all=self.nameless_meets_all)
            if sigil == "^":
                current = edge.node
        return root

    def edge(self, token: Token, sigil: str) -> Edge:
        edge = Edge(sigil, Node())
        if token.kind == "open":
            token = self.brackets(edge)
        elif sigil == "%" and not self.rest and not token.parts.get("package"):
            raise Refused("syntax", "nothing behind the last %")
        if token.parts.get("package"):
            edge.virtuals |= set(token.parts["virtuals"].split(","))
            _name(edge.node, token.parts["package"])
            self.attributes(edge.node)
        else:
            before = len(self.rest)
            self.node(edge.node)
            if self.dialect == "0.23" and len(self.rest) == before:
                raise Refused("syntax", "nothing behind a ^")
        if sigil == "%":
            edge.node.name = TRANSLATED.get(edge.node.name, edge.node.name)
        return edge

    def brackets(self, edge: Edge) -> Token:
        """Read the attributes of an edge; the token that closes them."""
        while token := self.next("pair"):
            key, value = token.parts["key"], token.parts["value"]
            if key not in ("deptypes", "virtuals", "when") or (key, self.dialect) == (
                "when",
                "0.23",
            ):
                raise Refused("syntax", f"no attribute of an edge: {key}")
            parts = value.strip("'\" ").split(",")
            if key == "virtuals":
                edge.virtuals = frozenset(parts)
            elif key == "deptypes":
                if not set(parts) <= TYPES:
                    raise Refused("syntax", f"no types of a dependency: {value}")
                edge.types = frozenset(parts)
            else:
                edge.when = self.condition(parts[0])
        token = self.next("close")
        if token is None:
            raise Refused("syntax", "the brackets of an edge do not close")
        return token

    def condition(self, text: str) -> Node:
        try:
            root, nodes = read(text, self.dialect, nameless_meets_all=self.nameless_meets_all)
        except Refused as refused:
            raise Refused("syntax", f"when: {refused.why}") from refused
        self.nodes += nodes
        return root

    def node(self, node: Node) -> Node:
        name = self.next("name")
        if name and name.text != "*":
            _name(node, name.text)
        self.attributes(node)
        return node

    def attributes(self, node: Node) -> None:
        self.nodes.append(node)
        while self.rest and not (self.rest[0].kind == "hash" and node.hashes):
            token = self.next(
                "version", "propagated boolean", "boolean", "propagated pair", "pair",
                "compiler", "hash",
            )  # fmt: skip
            if token is None:
                return
            self.attribute(node, token)

    def attribute(self, node: Node, token: Token) -> None:
        parts = token.parts
        if token.kind == "version":
            if node.versions:
                raise Refused("syntax", "two versions on a node")
            node.versions.append(members(parts["list"]))
        elif token.kind == "hash":
            node.hashes.append(parts["hash"])
        elif token.kind == "compiler":
            if node.compilers:
                raise Refused("syntax", "two compilers on a node")
            versions = members(parts["list"]) if parts["list"] else None
            node.compilers.append((parts["name"], versions))
        else:
            propagated = token.kind.startswith("propagated")
            if "sign" in parts:
                value, exact = parts["sign"][0] == "+", False
            else:
                value = plain_value(parts["value"])
                exact = parts["equals"].startswith(":")
                if self.dialect == "0.23" and parts["value"] == "=":
                    value = ""
            attributes.give(
                node, parts["key"], value=value,
                exact=exact, propagated=propagated, dialect=self.dialect,
            )  # fmt: skip


def _name(node: Node, text: str) -> None:
    *namespace, node.name = text.split(".")
    if namespace:
        node.namespace = ".".join(namespace)
