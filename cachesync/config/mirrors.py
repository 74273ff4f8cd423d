"""What may be said of a build cache's mirror: where it is, its views, and the tags and stacks of these. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from . import scalars, sourceconfigs
from .yamlnodes import Problem, problem_at

if TYPE_CHECKING:
    from .yamlschema import Fields

__all__ = [
    "DEFAULT_STACK",
    "Place",
    "has_stack",
    "has_tag",
    "last_part",
    "path",
    "places",
    "url",
    "view",
]

DEFAULT_STACK = "root"
_SCHEMES = "file:///, http:// or https://"


class Place(NamedTuple):
    """A cache index of a mirror, and what it is called here."""

    view: str | None
    tag: str
    stack: str


def url(text: str) -> str:
    """The address of a mirror, without a slash at its end."""
    if text.startswith(("/", "./", "../", "~")):
        path = text if text.startswith("/") else "/PATH"
        raise ValueError(f"a path is no address; write file://{path}")
    scheme = text.partition(":")[0].lower()
    if scheme == "file":
        return _file_url(text)
    if scheme not in ("http", "https"):
        raise ValueError(f"expected an address that begins with {_SCHEMES}")
    return scalars.base_url(text)


def path(url: str) -> str:
    """The directory that a file: address names, decoded."""
    return unquote(urlsplit(url).path, errors="surrogateescape") or "/"


def view(text: str) -> str:
    """The name of a view: `team/x86` lies in two directories."""
    from ..buildcache.layout import is_view  # here: searching needs none of it

    if not is_view(text):
        raise ValueError(
            "expected the name of a view: letters, digits, . _ + - and / between parts"
        )
    return text


def places(entry: sourceconfigs.BuildcacheSourceConfig) -> tuple[Place, ...]:
    """The cache indexes of a source. With a tag each of several views is a stack, else each a tag."""
    if not entry.views:
        tag = entry.tag or entry.view or last_part(entry.url)
        return (Place(entry.view, tag, entry.stack or DEFAULT_STACK),)
    if entry.tag is not None:
        return tuple(Place(one, entry.tag, entry.stack or one) for one in entry.views)
    return tuple(Place(one, one, entry.stack or DEFAULT_STACK) for one in entry.views)


def last_part(url: str) -> str:
    """The last part of an address, decoded; empty where it has none that can be a tag."""
    part = unquote(urlsplit(url).path.rpartition("/")[2])
    try:
        return scalars.word(part)
    except ValueError:
        return ""


def has_tag(fields: Fields) -> Iterator[Problem]:
    """A tag is said, or follows from a view or the address."""
    address = fields.values.get("url")
    said = any(name in fields.places for name in ("tag", "view", "views"))
    if address is not None and not said and not last_part(address):
        yield problem_at(fields.places["url"], "no tag follows from this url; say tag: as well")


def has_stack(fields: Fields) -> Iterator[Problem]:
    """Several views of one tag are a stack each, none of which has another name."""
    views = fields.values.get("views") or ()
    if len(views) > 1 and "tag" in fields.values and "stack" in fields.places:
        yield problem_at(
            fields.places["stack"], "with a tag each of several views is a stack; leave stack out"
        )


def _file_url(text: str) -> str:
    if not text.isprintable():
        raise ValueError("write what cannot be printed in a file: address as %XX")
    text = text.replace(" ", "%20")  # a shell's $PWD is no address yet
    parts = urlsplit(text)
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise ValueError("expected file:/// and an absolute path: file:///srv/mirror")
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise ValueError("write ? and # in a file: address as %3F and %23")
    if "\0" in unquote(parts.path):
        raise ValueError("may not hold %00")
    return f"file://{parts.path.rstrip('/')}" if parts.path.strip("/") else "file:///"
