"""An abstract spec: what a text in Spack's spec syntax asks of a concrete one. Plain values. Pure.

The words are Spack's (`Spec`, `DependencySpec` in its `spec.py`); what they ask for is what
`concrete.satisfies(abstract)` says of them.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["PACKAGES", "AbstractEdge", "AbstractSpec", "AskedVariant"]

PACKAGES = {
    "clang": "llvm",
    "oneapi": "intel-oneapi-compilers",
    "rocmcc": "llvm-amdgpu",
    "intel": "intel-oneapi-compilers-classic",
    "arm": "acfl",
}
"""Names that compilers had before Spack 1 -> the packages that they are (`aliases.py`)."""


class AskedVariant(NamedTuple):
    """A condition on one variant of one node."""

    name: str
    values: tuple[str, ...] | bool | None
    """`+x`, `~x` and `x=true` are a boolean; else the values in their order, each once; None is any
    value (`x=*`)."""
    exact: bool = False
    """`x:=a,b`: these values and no others."""
    propagated: bool = False
    """`++x`, `~~x`, `x==v`: asked of every node of the graph that has the variant."""


class AbstractSpec(NamedTuple):
    """A node that is asked for, with what hangs from it; all None and empty asks for nothing."""

    name: str | None = None
    namespace: str | None = None
    hash: str | None = None
    """The beginning of one."""
    versions: str | None = None
    """A version list without blanks: `1.12:1.14,=2`; git versions as written."""
    variants: tuple[AskedVariant, ...] = ()
    platform: str | None = None
    os: str | None = None
    target: str | None = None
    flags: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """By key (`cflags`), the tokens asked for."""
    compiler: str | None = None
    """`gcc@12:`, of Spack 0.23's language only, where it is an attribute of a node."""
    edges: tuple[AbstractEdge, ...] = ()
    """Of a root those behind `^` too; of others those behind `%`."""


class AbstractEdge(NamedTuple):
    """A dependency that is asked for."""

    sigil: Literal["^", "%"]
    """`^` is reached from the root, `%` is a direct dependency of the node it hangs from."""
    spec: AbstractSpec
    types: tuple[str, ...] = ()
    """Dependency types, sorted."""
    virtuals: tuple[str, ...] = ()
    """Names of virtual packages, sorted."""
    when: AbstractSpec | None = None
    start: int = 0
    end: int = 0
    """Where it stands in the text."""
