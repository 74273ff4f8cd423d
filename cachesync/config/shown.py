"""A configuration as a document with the keys of the file, defaults included, and no secret in it. Pure.

It walks the schema, so a key that is added there is shown here. Of secrets it says where they are found.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Any

from ..model import ChangeKind
from ..net import address
from . import mirrors, reachvalues, settings, sourceconfigs
from .scalars import is_template
from .schema import SCHEMA
from .yamlschema import Kinds, ListOf, Record

__all__ = ["document", "masked"]

MASK = "***"
_USER = re.compile(r"(?<=://)[^/?#\s]*@")
_VALUE = re.compile(r"(?<==)[^&#\s]+")


def document(config: settings.Config) -> dict[str, Any]:
    """Every setting that has a value, by its key."""
    shown: dict[str, Any] = _shown(SCHEMA, config)
    return shown


def masked(text: str) -> str:
    """A text without what is secret in an address: its user, its password, the values of its query."""
    if "://" not in text:
        return text
    before, mark, query = _USER.sub(f"{MASK}@", text).partition("?")
    return before + mark + _VALUE.sub(MASK, query)


def _shown(read: object, value: Any) -> Any:
    if isinstance(read, Kinds):
        read = read.kinds[value.type]
    if isinstance(value, reachvalues.Secret):
        return {value.kind.value: value.name}
    if isinstance(read, Record):
        return _shown_record(read, value)
    if isinstance(read, ListOf):
        return [_shown(read.item, item) for item in value]
    return _shown_scalar(value)


def _shown_scalar(value: Any) -> Any:
    if isinstance(value, ChangeKind):
        return value.label
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, bool | int | float):
        return value
    raise TypeError(f"{type(value).__name__} is nothing that is known to hold no secret")


def _shown_record(record: Record[Any], value: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, key in record.keys.items():
        special = _special(name, value)
        inner = getattr(value, key.into or name, None) if special is None else special
        is_said = special is not None or not isinstance(value, settings.Config)
        if inner is None or (inner == () and is_said):
            continue
        if special is not None:
            found[name] = special
        elif (key.into or "").endswith("_seconds"):
            found[name] = _duration(inner)
        elif (key.into or "").endswith("_bytes"):
            found[name] = _size(inner)
        else:
            found[name] = _shown(key.read, inner)
    return found


def _special(name: str, value: Any) -> Any:
    """What is not where its key says, or is shown in another way; None for everything else."""
    selection = getattr(value, "selection", None)
    if selection is not None and name in selection._fields:
        is_listed = isinstance(value, sourceconfigs.HttpSourceConfig) and not is_template(
            value.url or ""
        )
        return () if is_listed else list(getattr(selection, name))
    if isinstance(value, sourceconfigs.BuildcacheSourceConfig) and not mirrors.applies(name, value):
        return ()
    if name == "path":
        return getattr(value, name) or "."
    if name == "proxy":
        return _proxy(getattr(value, name))
    return _rewritten(name, value)


def _rewritten(name: str, value: Any) -> Any:
    if isinstance(value, settings.Metrics):
        host = f"[{value.host}]" if ":" in value.host else value.host
        return f"{host}:{value.port}"
    if isinstance(value, settings.WebhookTarget) and name == "url":
        return address.shown(value.url)
    if isinstance(value, settings.Subscription) and name == "first":
        return value.first.shown
    if isinstance(value, settings.CommandTarget) and name == "argv":
        program, *arguments = value.argv  # which may be secret
        return [program, *(MASK for _ in arguments)]
    return None


def _proxy(proxy: reachvalues.Proxy) -> Any:
    if proxy.kind is reachvalues.ProxyKind.ABOVE:
        return ()
    if proxy.kind is not reachvalues.ProxyKind.ADDRESS:
        return proxy.kind.value
    found: dict[str, Any] = {"url": masked(proxy.url or "")}
    if proxy.username is not None:
        found["username"] = proxy.username
    if proxy.password is not None:
        found["password"] = _shown(None, proxy.password)
    return found


def _duration(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"


def _size(count: int) -> str | int:
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count % size == 0:
            return f"{count // size}{unit}"
    return count
