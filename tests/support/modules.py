"""The modules of a package and what they import, and the rules about it, as functions of that alone.

A rule returns what breaks it, so that it can be tried on a graph that is made up.
"""

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple


class Module(NamedTuple):
    """A module as its text has it."""

    imports: frozenset[str] = frozenset()
    """Absolute names, those inside functions and of TYPE_CHECKING too; of modules, not of what is in them."""
    is_package: bool = False
    lines: int = 1


Graph = Mapping[str, Module]


def names_in(root: Path, package: str) -> dict[str, Path]:
    """The modules below `root/package` by their dotted names."""
    found = {}
    for path in sorted((root / package).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def read(root: Path, package: str) -> dict[str, Module]:
    """The modules below `root/package`."""
    paths = names_in(root, package)
    return {
        name: parsed(name, path.read_text("utf-8"), paths, is_package=path.name == "__init__.py")
        for name, path in paths.items()
    }


def parsed(name: str, text: str, known: Collection[str], *, is_package: bool) -> Module:
    """A module from its text; `known` are the modules there are."""
    package = name if is_package else name.rpartition(".")[0]
    imports = frozenset(_imports(ast.parse(text), package, known))
    return Module(imports, is_package, len(text.splitlines()))


def _imports(tree: ast.Module, package: str, known: Collection[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join((*above, *filter(None, [node.module])))
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield full if full in known else base


def is_in(name: str, places: Iterable[str]) -> bool:
    """Whether `name` is one of `places`, or inside one."""
    return any(name == place or name.startswith(f"{place}.") for place in places)


def importing(graph: Graph, wanted: str) -> set[str]:
    """The modules that import `wanted` or anything in it."""
    return {
        name for name, module in graph.items() if any(is_in(i, [wanted]) for i in module.imports)
    }


# -- circles


def circles(arrows: Mapping[str, Collection[str]]) -> list[list[str]]:
    """What can be reached from itself, together with what it reaches and that reaches it."""
    reached = {name: _reached(arrows, name) for name in arrows}
    found = {
        frozenset(other for other in reached[name] if name in reached.get(other, ()))
        for name in arrows
        if name in reached[name]
    }
    return sorted(sorted(circle) for circle in found)


def _reached(arrows: Mapping[str, Collection[str]], start: str) -> set[str]:
    found: set[str] = set()
    left = list(arrows.get(start, ()))
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += arrows.get(name, ())
    return found


def circles_of_modules(graph: Graph) -> list[list[str]]:
    """Modules that import each other, by whatever way round."""
    return circles({name: module.imports & graph.keys() for name, module in graph.items()})


def circles_of_rooms(graph: Graph) -> list[list[str]]:
    """In each package: its modules, and its packages each as one, that import each other."""
    found = []
    for package in (name for name, module in graph.items() if module.is_package):
        arrows: dict[str, set[str]] = {}
        for name, module in graph.items():
            here = _child(package, name)
            others = {_child(package, i) for i in module.imports if i in graph} - {here, None}
            if here is not None:
                arrows.setdefault(here, set()).update(other for other in others if other)
        found += circles(arrows)
    return found


def _child(package: str, name: str) -> str | None:
    """What of `package` a module is, or is in; None where it is elsewhere."""
    if name == package:
        return f"{package}.__init__"
    if not name.startswith(f"{package}."):
        return None
    return f"{package}." + name[len(package) + 1 :].partition(".")[0]


def own_packages(graph: Graph) -> list[tuple[str, str]]:
    """Modules that import the `__init__` of a package they are in; the outermost has the version."""
    return sorted(
        (name, wanted)
        for name, module in graph.items()
        for wanted in module.imports
        if "." in wanted and name != wanted and is_in(name, [wanted]) and graph[wanted].is_package
    )


# -- who may import what


def strangers(graph: Graph, wanted: str, allowed: Iterable[str]) -> set[str]:
    """Modules that import `wanted` and are neither of `allowed` nor in one of them."""
    places = [*allowed]
    return {name for name in importing(graph, wanted) if not is_in(name, [*places, wanted])}


def impure(
    graph: Graph,
    pure: Collection[str],
    libraries: Collection[str],
    more: Mapping[str, Collection[str]],
) -> list[tuple[str, str]]:
    """What pure modules import that is neither pure nor a library without I/O."""
    return sorted(
        (name, wanted)
        for name, module in graph.items()
        if is_in(name, pure)
        for wanted in module.imports
        if not (
            (wanted in graph and is_in(wanted, pure))
            or wanted in libraries
            or wanted in more.get(name, ())
        )
    )


def commands_that_meet(graph: Graph, room: str, commands: Collection[str]) -> list[tuple[str, str]]:
    """Commands that import each other, and what stands beside one command but serves several."""
    users = {
        name: {n for n in importing(graph, name) if n.startswith(f"{room}.")} - {name}
        for name in graph
        if name.startswith(f"{room}.")
    }
    found = []
    for name, direct in users.items():
        served: set[str] = set()
        waiting, seen = list(direct), set(direct)
        while waiting:
            one = waiting.pop()
            served |= {one} & set(commands)
            fresh = set() if one in commands else users[one] - seen
            seen |= fresh
            waiting += fresh
        if direct and (name in commands or len(served) > 1):
            found += [(user, name) for user in sorted(direct)]
    return found


def too_long(graph: Graph, most: int) -> list[str]:
    """Modules of more than `most` lines."""
    return sorted(name for name, module in graph.items() if module.lines > most)
