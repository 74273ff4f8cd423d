"""Whether one node of a DAG is what is asked for, its edges aside. Pure.

The rules are those of Spack 1.1 and 0.23 (`Spec.satisfies(other, deps=False)` in their `spec.py`), found
by asking them; where what people mean is something else, cachesync's own rules have it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from ..errors import UnsaidError
from .abstract import AbstractSpec, AskedVariant
from .variants import PATCHES

if TYPE_CHECKING:
    from .concrete import Facts
    from .virtuals import Virtuals

__all__ = [
    "RULES",
    "Ancestors",
    "Rules",
    "architecture_holds",
    "asked_nodes",
    "asks_virtual_version",
    "check",
    "compiler_holds",
    "facts_hold",
    "flags_hold",
    "is_carried",
    "namespace_holds",
    "target_holds",
    "value_holds",
    "variant_holds",
    "version_holds",
]

MAX_ASKED = 256
"""Nodes in one question."""
ANY = "*"

Ancestors = Callable[[str], Collection[str] | None]
"""Target -> itself and all it runs the code of; None of one that is not known."""


Value = bool | frozenset[str]
"""What a variant of a node says."""


class Rules(NamedTuple):
    """What sets one way to read a spec apart from the others."""

    is_old: bool = False
    """0.23: compilers are attributes, `^` is looked for in the whole graph."""
    ends_at_any: bool = True
    """`os=*` ends the test of the architecture with yes."""
    asks_each: bool = False
    """`%y` below `^x` is asked of each node that may be x, not of the first called so."""
    means_compilers: bool = False
    """What records of old call clang is found by `%clang`, which is a name of llvm."""
    is_field: bool = False
    """Names of virtual packages and namespaces heed no case, and `m*` is any that begin so."""


RULES = {
    "1.x": Rules(),
    "0.23": Rules(is_old=True),
    "own": Rules(ends_at_any=False, asks_each=True, means_compilers=True),
    "virtual": Rules(ends_at_any=False, asks_each=True, means_compilers=True, is_field=True),
}
"""By dialect: Spack's two, to the letter, and cachesync's own; and that of a field, `virtual:mpi`."""


def is_carried(virtual: str, carried: Collection[str], rules: Rules) -> bool:
    """Whether a virtual package that is asked for is among those of some edges."""
    if not rules.is_field:
        return virtual in carried
    return any(_is_named(virtual, one) for one in carried)


def namespace_holds(wanted: str, namespace: str | None, rules: Rules) -> bool:
    """Whether a node's namespace is the one that is asked for."""
    if not rules.is_field or namespace is None:
        return namespace == wanted
    return _is_named(wanted, namespace)


def _is_named(wanted: str, name: str) -> bool:
    """See `Rules.is_field`."""
    folded = name.lower()
    return folded.startswith(wanted[:-1]) if wanted[-1:] == "*" else folded == wanted


def asked_nodes(spec: AbstractSpec) -> Iterator[AbstractSpec]:
    """A spec and every one that hangs from it, conditions of edges too."""
    waiting = [spec]
    while waiting:
        one = waiting.pop()
        yield one
        for edge in one.edges:
            waiting.append(edge.spec)
            if edge.when is not None:
                waiting.append(edge.when)


def check(
    spec: AbstractSpec, virtuals: Virtuals, ancestors: Ancestors, told: Collection[str] = ()
) -> None:
    """Raise UnsaidError for what no index can answer, whatever is in it.

    `told` are the virtual packages of which an index tells who provides which version.
    """
    for number, one in enumerate(asked_nodes(spec)):
        if number >= MAX_ASKED:
            raise UnsaidError(f"more than {MAX_ASKED} packages are asked for")
        if one.versions is not None:
            _check_versions(one.name, one.versions, virtuals, told, sigil="^" if number else "")
        for part in (one.target or "").split(","):
            if ":" in part:
                _check_range(part, ancestors)


def asks_virtual_version(asked: AbstractSpec, virtuals: Virtuals) -> bool:
    """Whether a version of a virtual package is asked for."""
    return asked.name is not None and asked.name in virtuals and asked.versions not in (None, ":")


def _check_versions(
    name: str | None,
    versions: str,
    virtuals: Virtuals,
    told: Collection[str] = (),
    *,
    sigil: str = "^",
) -> None:
    """Raise UnsaidError for versions that no index tells of; the `sigil` of what is asked for stands in its hint."""
    if name is not None and name in virtuals and versions != ":" and name not in told:
        raise UnsaidError(
            f"no cache index says which version of {name} a package provides: @{versions}",
            hint=f"ask for the package that provides it: {_example(virtuals[name], sigil)}",
        )
    bare = next(iter(_bare(versions)), None)
    if name is not None and bare is not None:
        raise UnsaidError(
            f"no cache index says which version @{bare} is",
            hint=f"give the version with it: @{bare}=VERSION",
        )


def _example(providers: Collection[str], sigil: str) -> str:
    return ", ".join(f"{sigil}{name}@..." for name in sorted(providers)[:3])


def _check_range(part: str, ancestors: Ancestors) -> None:
    low, _, high = part.partition(":")
    for side in (low, high):
        if side and ancestors(side) is None:
            from . import targets

            near = targets.nearest(side)
            raise UnsaidError(
                f"archspec knows no target {side!a}, so the range {part!a} says nothing",
                hint=f"did you mean {near}?" if near else "`spack arch --known-targets` lists them",
            )


@lru_cache(maxsize=1024)
def _bare(versions: str) -> tuple[str, ...]:
    from . import ranges  # here and below: few ask for a version

    return tuple(part for part in versions.split(",") if ranges.is_bare_ref(part))


def facts_hold(facts: Facts, asked: AbstractSpec, rules: Rules, ancestors: Ancestors) -> bool:
    """Whether a node is what is asked for, but for hash, name, and what is asked of its whole graph."""
    return (
        (asked.namespace is None or namespace_holds(asked.namespace, facts.namespace, rules))
        and (asked.versions is None or version_holds(asked, facts.version))
        and all(one.propagated or variant_holds(facts, one) for one in asked.variants)
        and architecture_holds((facts.platform, facts.os, facts.target), asked, rules, ancestors)
        and flags_hold(facts.flags, asked)
        and (not rules.is_old or compiler_holds(facts.compiler, asked.compiler))
    )


@lru_cache(maxsize=4096)
def _holds(versions: str, version: str) -> bool:
    from . import ranges

    return ranges.contains(versions, version)


def version_holds(asked: AbstractSpec, version: str) -> bool:
    """Whether the version of a node is in the list. Raises UnsaidError where a commit would have to be ordered."""
    versions = asked.versions or ":"
    if not _holds(versions, version):
        return False
    for bare in _bare(versions):
        if _holds(bare, version):
            _check_versions(asked.name or "", versions, {})
    return True


def variant_holds(facts: Facts, asked: AskedVariant) -> bool:
    """Whether a node has a variant, with the values that are asked for."""
    found = facts.variants.get(asked.name)
    return found is not None and value_holds(found, asked)


def value_holds(found: Value, asked: AskedVariant) -> bool:
    """Whether a variant with that name and these values is what is asked for."""
    if asked.values is None:
        return True
    if isinstance(asked.values, bool) or isinstance(found, bool):
        return asked.values is found
    wanted = frozenset(asked.values)
    if asked.exact:
        return wanted == found
    if asked.name == PATCHES:
        return all(any(one.startswith(part) for one in found) for part in wanted)
    return wanted <= found


def architecture_holds(
    said: tuple[str, str, str], asked: AbstractSpec, rules: Rules, ancestors: Ancestors
) -> bool:
    """Whether platform, os and target of a node are what is asked for."""
    for wanted, found in ((asked.platform, said[0]), (asked.os, said[1])):
        if wanted is None:
            continue
        if wanted == ANY and not rules.is_old:
            if rules.ends_at_any:
                return True
            if not found:
                return False
        elif wanted != found:
            return False
    return asked.target is None or target_holds(asked.target, said[2], rules, ancestors)


def target_holds(wanted: str, target: str, rules: Rules, ancestors: Ancestors) -> bool:
    """Whether a target is one of a list of names and ranges, by archspec's partial order."""
    if wanted == ANY and not rules.is_old:
        return True
    for part in wanted.split(","):
        low, colon, high = part.partition(":")
        if not colon:
            if part and part == target:
                return True
        elif (not low or low in (ancestors(target) or (target,))) and (
            not high or target in (ancestors(high) or (high,))
        ):
            return True
    return False


def flags_hold(flags: Mapping[str, frozenset[str]], asked: AbstractSpec) -> bool:
    """Whether a node was compiled with all the flags asked for."""
    return all(flags.get(key, frozenset()).issuperset(said) for key, said in asked.flags)


def compiler_holds(compiler: tuple[str, str] | None, wanted: str | None) -> bool:
    """Whether the compiler of a node is the one asked for, as 0.23 compares it: `gcc@12:`."""
    if wanted is None:
        return True
    if compiler is None:
        return False
    name, _, versions = wanted.partition("@")
    found, version = compiler
    return found == name and (not versions or _holds(versions, version))
