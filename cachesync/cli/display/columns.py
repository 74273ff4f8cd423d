"""The columns of the table that `search` prints, by the names that `--columns` takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from ...errors import UsageError
from ...model import NO_COMPILER, Build

if TYPE_CHECKING:
    from ...search.answers import Hit

__all__ = [
    "COLUMNS",
    "DEFAULT",
    "chosen",
    "compiler",
    "compilers",
    "default_row",
    "headers",
    "row",
    "tags",
]

DEFAULT = ("package", "version", "compiler", "os", "target", "specs", "tags", "variants")
SHOWN_TAGS = 2


def tags(hit: Hit) -> list[str]:
    """The tags that any of its specs is in, sorted."""
    return sorted({placement.tag for spec in hit.specs for placement in spec.placements})


def _stacks(hit: Hit) -> set[str]:
    return {stack for spec in hit.specs for place in spec.placements for stack in place.stacks}


def _sources(hit: Hit) -> set[str]:
    return {placement.source for spec in hit.specs for placement in spec.placements}


def _joined(values: Iterable[str]) -> str:
    return ",".join(sorted(values))


def compiler(value: str) -> str:
    """A compiler as tables show it: `-` where the pages name none."""
    return "-" if value == NO_COMPILER else value


def compilers(build: Build) -> str:
    """The compiler of a build as tables show it; by language where the languages have several."""
    if build.compilers:
        return " ".join("=".join(one) for one in build.compilers)
    return compiler(build.compiler)


COLUMNS: dict[str, Callable[[Hit], object]] = {
    "package": lambda hit: hit.build.package,
    "version": lambda hit: hit.build.version,
    "compiler": lambda hit: compilers(hit.build),
    "os": lambda hit: hit.build.os,
    "platform": lambda hit: hit.build.platform,
    "target": lambda hit: hit.build.target,
    "arch": lambda hit: f"{hit.build.platform}-{hit.build.os}-{hit.build.target}",
    "variants": lambda hit: " ".join(hit.build.variants),
    "specs": lambda hit: len(hit.specs),
    "tags": lambda hit: ",".join(tags(hit)),
    "stacks": lambda hit: _joined(_stacks(hit)),
    "sources": lambda hit: _joined(_sources(hit)),
    "hashes": lambda hit: ",".join(spec.hash for spec in hit.specs),
    "score": lambda hit: f"{hit.score:g}",
}

# The fields of the query language where the column has another name.
_ALSO = {"variant": "variants", "tag": "tags", "stack": "stacks", "source": "sources",
         "hash": "hashes", "spec": "specs"}  # fmt: skip


def chosen(text: str) -> tuple[str, ...]:
    """The columns in a list such as `package,version,tags`.

    Raises UsageError for one that does not exist, for one named twice, and for none at all.
    """
    names = [_ALSO.get(name, name) for name in (part.strip().lower() for part in text.split(","))]
    for name in names:
        if name not in COLUMNS:
            raise UsageError(
                f"there is no column {name!r}"
                if name
                else "--columns has an empty name in its list",
                hint="columns: " + ", ".join(COLUMNS),
            )
    if len(set(names)) < len(names):
        raise UsageError("--columns names a column twice")
    return tuple(names)


def headers(names: Sequence[str]) -> list[str]:
    """What stands above the columns."""
    return [name.upper() for name in names]


def row(hit: Hit, names: Sequence[str]) -> list[object]:
    """A build in some columns, with everything in each of them."""
    return [COLUMNS[name](hit) for name in names]


def default_row(hit: Hit) -> list[object]:
    """A build in the columns of `DEFAULT`: of many tags only some are named."""
    found = tags(hit)
    more = f" +{len(found) - SHOWN_TAGS}" if len(found) > SHOWN_TAGS else ""
    shown = ", ".join(found[:SHOWN_TAGS]) + more
    return [shown if name == "tags" else COLUMNS[name](hit) for name in DEFAULT]
