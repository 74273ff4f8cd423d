"""Changes for people, one on a line."""

from __future__ import annotations

from ...model import Change
from ...spack.printed import by_language
from . import output

__all__ = ["print_line"]


def print_line(change: Change) -> None:
    """A change for people, on one line."""
    parts = [
        str(change.seq),
        output.timestamp(change.at) or "",
        change.kind.label + (" (first)" if change.flag and change.kind.name == "SPEC_CACHED" else "")
        + (" (last)" if change.flag and change.kind.name == "SPEC_EVICTED" else ""),
        change.source or change.subscription or "",
        f"{change.tag}/{change.package}" if change.tag is not None and change.package is not None
        else change.path or change.target or _needs(change),
    ]  # fmt: skip
    if change.hash is not None and change.build is not None:
        build = change.build
        parts.append(
            f"/{change.hash[:7]} {build.package}@{build.version} {by_language(build.compiler, dict(build.compilers))}"
            f" {build.os} {build.target}"
        )
    if change.stacks_before is not None and change.stacks is not None:
        gained = sorted(set(change.stacks) - set(change.stacks_before))
        lost = sorted(set(change.stacks_before) - set(change.stacks))
        parts.append(" ".join([f"+{stack}" for stack in gained] + [f"-{stack}" for stack in lost]))
    if change.reason is not None:
        parts.append(change.reason)
    output.print_line("  ".join(parts), hang=4)


def _needs(change: Change) -> str:
    """Of a spec that is described: how many it depends on."""
    if change.edges is None:
        return ""
    return output.number(len(change.edges), "edge")
