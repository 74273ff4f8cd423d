"""Names of tags: which of two is newer, and which tags of which sources a person means. Pure."""

from __future__ import annotations

from collections.abc import Collection

from ..errors import NotThereError
from . import versions

__all__ = ["Place", "order", "resolve"]

Place = tuple[str, str]
"""A source and a tag in it."""
SHOWN = 8


def order(tag: str) -> tuple[bool, bytes]:
    """The key that puts tags from old to new: their names in Spack's order of versions.

    A tag without a number, such as `develop`, goes on changing and is the newest of all.
    """
    return not any(c.isdecimal() for c in tag), versions.sort_key(tag)


def resolve(wanted: str, known: Collection[Place]) -> list[Place]:
    """The places that `TAG` (in any source) or `SOURCE/TAG` names, sorted.

    Raises NotThereError, with what is spelled alike, when there is none.
    """
    found = sorted((s, tag) for s, tag in known if wanted in (tag, f"{s}/{tag}"))
    if found:
        return found
    from difflib import get_close_matches

    names = sorted({tag for _, tag in known}, key=order, reverse=True)
    full = [f"{source}/{tag}" for source, tag in sorted(known)] if "/" in wanted else []
    hint: str | None = None
    near = get_close_matches(wanted, [*names, *full], n=3)
    if near:
        hint = "did you mean " + ", ".join(near) + "?"
    elif names:
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        hint = "tags: " + ", ".join(names[:SHOWN]) + more
    raise NotThereError(f"there is no tag {wanted}", hint=hint)
