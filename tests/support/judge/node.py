"""One node of the query against one record (RULES 3, 5.3, 5.4; 4c)."""

from archspec.cpu import TARGETS

from .records import Index, Record
from .structure import Node, Variant
from .versions import holds

__all__ = ["passes", "unknown_in_range"]


def passes(index: Index, record: Record, node: Node, dialect: str) -> bool:
    """NODE(record, node)."""
    if not all(record.hash.startswith(beginning) for beginning in node.hashes):
        return False
    if node.name is not None and node.name != record.name:
        # What a package provides, and in which version, is in no index: seen in use is enough.
        return index.is_virtual(node.name) and record.name in index.providers[node.name]
    if node.namespace is not None and node.namespace != record.namespace:
        return False
    return (
        all(holds(record.version, asked) for asked in node.versions)
        and all(_compiler(record, *asked) for asked in node.compilers)
        and all(_variant(record, asked, dialect) for asked in node.variants)
        and _architecture(record, node, dialect)
        and all(flag in record.flags[key] for key, flag in node.flags)
    )


def _compiler(record: Record, name: str, versions) -> bool:
    if record.compiler is None or record.compiler[0] != name:
        return False
    return versions is None or holds(record.compiler[1], versions)


def _variant(record: Record, asked: Variant, dialect: str) -> bool:
    if asked.propagated:
        return all(
            _has(below, asked, dialect) for below in record.whole if asked.name in below.variants
        )
    return asked.name in record.variants and _has(record, asked, dialect)


def _has(record: Record, asked: Variant, dialect: str) -> bool:
    value = record.variants[asked.name]
    if asked.values is None:
        return True
    if isinstance(asked.values, bool) or isinstance(value, bool):
        return value is asked.values
    values = {value} if isinstance(value, str) else value
    if asked.exact:
        return set(asked.values) == values
    if asked.name == "patches":
        return all(any(v.startswith(start) for v in values) for start in asked.values)
    if dialect == "0.23" and isinstance(value, str) and len(asked.values) > 1:
        return False
    return set(asked.values) <= values


def _architecture(record: Record, node: Node, dialect: str) -> bool:
    any_value = "*" if dialect == "1.x" else object()
    for asked, value in ((node.platform, record.platform), (node.os, record.os)):
        if asked == any_value:
            return True  # as Spack does: the rest of the architecture is not looked at
        if asked is not None and asked != value:
            return False
    return all(
        asked == any_value or any(_target(record.target, member) for member in asked.split(","))
        for asked in node.targets
    )


def _lineage(name: str) -> set[str]:
    if name not in TARGETS:
        return {name}
    return {name, *(ancestor.name for ancestor in TARGETS[name].ancestors)}


def _target(target: str, asked: str) -> bool:
    if ":" not in asked:
        return asked == target
    low, _, high = asked.partition(":")
    return (not low or low in _lineage(target)) and (not high or target in _lineage(high))


def unknown_in_range(node: Node) -> str | None:
    """A side of a range of targets that archspec does not know."""
    for asked in node.targets:
        for member in asked.split(","):
            low, colon, high = member.partition(":")
            for side in (low, high):
                if colon and side and side not in TARGETS:
                    return side
    return None
