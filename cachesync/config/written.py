"""The file of `subscriptions.d` that a command writes for a subscription, as text; and whether one is such a file.

Pure. What is written here is read by `file` as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator

from ..yamlguard import quoted
from .reachvalues import Secret
from .settings import AppriseTarget, CommandTarget, Target, WebhookTarget

__all__ = ["MOST_NAME", "file_text", "is_name", "is_written", "name_for", "target_lines"]

MARK = "# Written by `cachesync subscribe`; "
MOST_NAME = 64
_MOST_OF_QUERY = 48
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_]+")


def is_name(name: str) -> bool:
    """Whether a subscription of this name can have a file of its own, which is called the same."""
    return _NAME.fullmatch(name) is not None and len(name) <= MOST_NAME


def name_for(query: str, taken: Container[str]) -> str:
    """A name made of what is asked, that is not `taken`."""
    base = (
        _NOT_A_NAME.sub("-", query).strip("-")[:_MOST_OF_QUERY].strip("-").lower() or "everything"
    )
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    return name


def file_text(name: str, query: str, target: Target) -> str:
    """The file with one subscription."""
    head = f"{MARK}`cachesync unsubscribe {name}` removes it.\nsubscriptions:\n"
    return head + "".join(f"  {line}\n" for line in entry_lines(name, query, target))


def entry_lines(name: str, query: str, target: Target) -> list[str]:
    """The subscription as it stands below `subscriptions:`, a line each."""
    lines = [f"- name: {quoted(name)}", f"  query: {quoted(query)}", "  targets:"]
    first, *rest = target_lines(target)
    return [*lines, f"    - {first}", *(f"      {line}" for line in rest)]


def target_lines(target: Target) -> Iterator[str]:
    """What a target is, a key a line."""
    yield f"type: {target.type}"
    if isinstance(target, WebhookTarget):
        yield f"url: {quoted(target.url)}"
        for secret in target.secrets:
            yield f"secret: {_place(secret)}"
        if target.allow_private:
            yield "allow_private: true"
    elif isinstance(target, AppriseTarget):
        yield f"url: {_place(target.url)}"
    elif isinstance(target, CommandTarget):
        yield f"argv: [{', '.join(map(quoted, target.argv))}]"


def is_written(text: str, names: list[str], name: str) -> bool:
    """Whether a command wrote the file in `text`, in which subscriptions of these names stand, for this one."""
    return text.startswith(MARK) and names == [name]


def _place(secret: Secret) -> str:
    return f"{{{secret.kind.value}: {quoted(secret.name)}}}"
