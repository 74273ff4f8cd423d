"""What a `key=value`, `+key` or `~key` says of its node (RULES 2.4 to 2.6, 3.5, 3.7)."""

from .refused import Refused
from .structure import FLAGS, Node, Variant

__all__ = ["HOSTS_OS", "HOSTS_TARGET", "give"]

ARCHITECTURE = {
    "arch": None, "architecture": None, "platform": "platform",
    "os": "os", "operating_system": "os", "target": "target",
}  # fmt: skip
NOT_PROPAGATED = {
    "1.x": {*ARCHITECTURE, "namespace", "patches", "dev_path", "branch", "commit", "ref", "tag"},
    "0.23": {*ARCHITECTURE, "namespace", "patches", "dev_path"},
}
HOSTS_TARGET = {"default_target", "frontend", "fe", "backend", "be"}
HOSTS_OS = {"default_os", "frontend", "fe", "backend", "be"}


def give(
    node: Node, key: str, *, value: str | bool, exact: bool, propagated: bool, dialect: str
) -> None:
    """Add the condition to the node; `Refused` (syntax)."""
    if propagated and key in NOT_PROPAGATED[dialect]:
        raise Refused("syntax", f"{key} cannot be propagated")
    if isinstance(value, bool) and key in (*FLAGS, "arch", "architecture", "target"):
        raise Refused("syntax", f"{key} is no boolean")
    if key in ARCHITECTURE:
        _architecture(node, ARCHITECTURE[key], str(value))
    elif key == "namespace":
        node.namespace = str(value)
    elif key in FLAGS:
        node.flags += [(key, flag) for flag in _flags(value)]
    else:
        if any(variant.name == key for variant in node.variants):
            raise Refused("syntax", f"{key} twice on a node")
        values = _values(value=value, dialect=dialect)
        exact = exact and isinstance(values, tuple)
        node.variants.append(Variant(key, values, exact, propagated))


def _architecture(node: Node, part: str | None, text: str) -> None:
    given = {part: text}
    if part is None:
        parts = text.split("-")
        given = dict(zip(("platform", "os", "target"), parts, strict=True)) if len(parts) == 3 else {
            "platform": "", "os": "", "target": text,
        }  # fmt: skip
    now = {"platform": node.platform, "os": node.os, "target": "".join(node.targets)}
    if all(now.values()) and not set(":,") & set(now["target"]):
        raise Refused("syntax", "an architecture given twice")
    for name, value in given.items():
        if now[name]:
            raise Refused("syntax", f"{name} given twice")
        # "None" is no value where it is read as a target, or first of all that is said.
        nothing = ("", "None") if name == "target" or not node.has_architecture else ("",)
        now[name] = None if value in nothing else value
    node.has_architecture = True
    node.platform, node.os = now["platform"] or None, now["os"] or None
    node.targets = [now["target"]] if now["target"] else []


def _flags(text: str) -> list[str]:
    flags: list[str] = []
    for word in text.split():
        if word.startswith("-") or not flags:
            flags.append(word)
        else:
            flags[-1] += " " + word
    return flags


def _values(*, value: str | bool, dialect: str) -> bool | tuple[str, ...] | None:
    if isinstance(value, bool):
        return value
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    values = tuple(value.split(","))
    if dialect == "0.23":
        values = tuple(part.strip() for part in values)
    if values == ("*",):
        return None
    alone = ("*",) if dialect == "1.x" else ("*", "none")
    if len(values) > 1 and set(values) & set(alone):
        raise Refused("syntax", f"{value}: several values, of which one stands alone")
    return values
