"""What of a build is indexed, and under which terms. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .. import query
from ..spack import versions

if TYPE_CHECKING:
    from ..ledger.documents import Document

__all__ = ["CASED", "NOT_SO", "SO", "cased", "postings"]

SO, NOT_SO = 1, 2
"""Weights of a value: some value of the build is spelled so, or all have capitals somewhere."""
CASED = "cased"
"""The field of the values with capitals, as they are spelled: `variant:build_type=Release`."""


def cased(field: str, value: str) -> str:
    """The term of `CASED` for a value with capitals."""
    return f"{field}:{value}"


def postings(document: Document) -> dict[str, dict[str, int]]:
    """Field -> term -> weight, as a document is indexed.

    Terms are in lower case. The weight of a tag, stack or source is the number of the build's specs
    it stands for.
    """
    build = document.build
    one = dict.fromkeys
    capitals: dict[str, int] = {}
    compilers = [query.plain_compiler(one) for one in query.every_compiler(build)]
    return {
        "any": {"": document.specs},
        "package": _spelled("package", (build.package,), capitals),
        "name": one(query.name_runs(build.package), 1),
        "version": one(versions.ranges_of(build.version.lower()), 1),
        "version_text": {build.version.lower(): 1},
        "compiler": _spelled("compiler", _with_names(compilers), capitals),
        "os": _spelled("os", (build.os,), capitals),
        "platform": _spelled("platform", (build.platform,), capitals),
        "target": _spelled("target", (build.target,), capitals),
        "variant": _spelled("variant", build.variants, capitals),
        CASED: capitals,
        "tag": document.tags,
        "stack": document.stacks,
        "source": document.sources,
    }


def _with_names(compilers: Iterable[str]) -> list[str]:
    return [value for one in compilers for value in (one.partition("@")[0], one)]


def _spelled(field: str, values: Iterable[str], capitals: dict[str, int]) -> dict[str, int]:
    """The terms of a field that is also searched as it is spelled; those with capitals are noted."""
    found: dict[str, int] = {}
    for value in values:
        lower = value.lower()
        if lower == value:
            found[lower] = SO
        else:
            found.setdefault(lower, NOT_SO)
            capitals[cased(field, value)] = 1
    return found
