"""The summary that a page carries of itself (`meta`), compared with what its specs say. Pure."""

from __future__ import annotations

from itertools import islice

import msgspec

from ..model import NO_COMPILER, Listed, Page

__all__ = ["Meta", "disagreements", "normalise_compiler"]


class Meta(msgspec.Struct, gc=False):
    """The page's own summary; only ever compared with the specs."""

    compilers: set[str] | None = None
    num_specs: int | None = None
    num_specs_by_stack: dict[str, int] | None = None
    oss: set[str] | None = None
    platforms: set[str] | None = None
    stacks: set[str] | None = None
    targets: set[str] | None = None
    versions: set[str] | None = None


_COMPARED = (
    "num_specs", "num_specs_by_stack", "stacks", "versions", "compilers", "oss", "platforms",
    "targets",
)  # fmt: skip

_decode_meta = msgspec.json.Decoder(Meta).decode


def normalise_compiler(text: str) -> str:
    """`gcc@12.3.0` and `gcc@=12.3.0` as `gcc@=12.3.0`; a bare name and `none` as they are."""
    name, at, version = text.partition("@")
    version = version.removeprefix("=")
    if not at or not version:
        return name or NO_COMPILER
    return f"{name}@={version}"


def disagreements(page: Page) -> tuple[str, ...]:
    """One warning for each part of the page's `meta` that its specs contradict.

    `meta` is derived from the specs by the site's generator; where they differ the specs count.
    """
    if page.meta is None:
        return ()
    try:
        meta = _decode_meta(page.meta)
    except (msgspec.MsgspecError, RecursionError):
        return ("meta does not have the expected form",)
    counts: dict[int, int] = {}
    listed: dict[int, Listed] = {}
    for pair in page.specs.values():
        key = id(pair)
        counts[key] = counts.get(key, 0) + 1
        listed[key] = pair
    by_stack: dict[str, int] = {}
    for key, (_, stacks) in listed.items():
        for stack in stacks:
            by_stack[stack] = by_stack.get(stack, 0) + counts[key]
    columns = [
        set(column) for column in islice(zip(*(b for b, _ in listed.values()), strict=True), 6)
    ]
    _, versions, compilers, systems, platforms, targets = columns or [set[str]()] * 6
    found = (
        len(page.specs), by_stack, set(by_stack), versions, compilers, systems, platforms, targets,
    )  # fmt: skip
    said = (
        meta.num_specs, meta.num_specs_by_stack, meta.stacks, meta.versions, meta.compilers,
        meta.oss, meta.platforms, meta.targets,
    )  # fmt: skip
    if said == found:
        return ()
    if meta.compilers is not None:
        said = (*said[:4], {normalise_compiler(c) for c in meta.compilers}, *said[5:])
    return tuple(
        f"meta disagrees with spec_details about {name}"
        for name, claimed, is_so in zip(_COMPARED, said, found, strict=True)
        if claimed is not None and claimed != is_so
    )
