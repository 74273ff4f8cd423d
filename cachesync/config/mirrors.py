"""What may be said of a build cache's mirror: where it is, its views, and the tags and stacks of these. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from . import scalars, sourceconfigs
from .yamlnodes import Problem, problem_at

if TYPE_CHECKING:
    from .yamlschema import Fields

__all__ = [
    "DEFAULT_STACK",
    "Place",
    "applies",
    "credentials_are_whole",
    "has_stack",
    "has_tag",
    "is_registry",
    "keys_go_with_it",
    "last_part",
    "path",
    "places",
    "region",
    "url",
    "view",
    "web_address",
]

DEFAULT_STACK = "root"
_SCHEMES = "file:///, http://, https://, s3://, oci:// or oci+http://"
_OF_ONE = (
    "view",
    "views",
    "tag",
    "stack",
    "credentials",
    "endpoint",
    "region",
    "anonymous",
    "read",
)
"""The keys that say something of one mirror, and go with `url` only."""
_OF_LIST = ("stacks", "bucket_url")
_REGISTRIES = ("oci", "oci+http")
_OF_BUCKET = ("endpoint", "region", "anonymous")
_CREDENTIALS = {"s3": "access_key", "oci": "username", "oci+http": "username"}
"""What credentials begin with, by the scheme of the address."""


_REPOSITORY = re.compile(r"(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)+")
"""The name of a repository (OCI distribution specification 1.1, Pulling manifests)."""

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_BUCKET_FORM = "expected s3://BUCKET/PREFIX; the server of buckets is its endpoint:"
_REGISTRY_FORM = "expected oci://HOST/NAME, its name in lower case: oci://ghcr.io/org/cache"
_REGION = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


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
    if scheme == "s3" or scheme in _REGISTRIES:
        return _remote_url(scheme, text)
    if scheme not in ("http", "https"):
        raise ValueError(f"expected an address that begins with {_SCHEMES}")
    return scalars.base_url(text)


def is_registry(url: str) -> bool:
    """Whether the address of a mirror is that of a repository in a registry (OCI)."""
    return url.startswith(("oci://", "oci+http://"))


def web_address(url: str) -> str:
    """Where the repository of a registry is asked for, without a slash at its end."""
    scheme, _, rest = url.partition("://")
    server, _, name = rest.partition("/")
    return f"{'http' if scheme == 'oci+http' else 'https'}://{server}/v2/{name}"


def region(text: str) -> str:
    """Where buckets are: a part of their host's name."""
    if not _REGION.fullmatch(text):
        raise ValueError("expected a region, such as eu-central-1")
    return text


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
    """The last part of an address, decoded; of a bucket its name. Empty where it can be no tag."""
    parts = urlsplit(url)
    part = unquote(parts.path.rpartition("/")[2])
    if parts.scheme == "s3" and not part:
        part = parts.netloc
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


def keys_go_with_it(fields: Fields) -> Iterator[Problem]:
    """Each key stands where it says something."""
    for wanted, names, why in (
        ("url", _OF_ONE, "goes with url: it is of one mirror"),
        ("list", _OF_LIST, "goes with list"),
    ):
        if wanted not in fields.places:
            for name in _present(fields, names):
                yield problem_at(fields.places[name], f"{name} {why}")
    if (address := fields.values.get("url")) is not None:
        scheme = address.partition(":")[0]
        yield from _of_scheme(fields, scheme)
        yield from _of_reading(fields, scheme)


def _of_scheme(fields: Fields, scheme: str) -> Iterator[Problem]:
    for name in _present(fields, _OF_BUCKET):
        if scheme != "s3":
            yield problem_at(fields.places[name], f"{name} goes with an s3:// address")
    said = fields.values.get("credentials")
    if said is None:
        return
    wanted = _CREDENTIALS.get(scheme)
    if wanted is None or getattr(said, wanted) is None:
        which = "no credentials" if wanted is None else f"credentials with {wanted}"
        yield problem_at(fields.places["credentials"], f"{scheme}: addresses take {which}")
    if fields.values.get("anonymous"):
        yield problem_at(fields.places["anonymous"], "anonymous and credentials exclude each other")


def _of_reading(fields: Fields, scheme: str) -> Iterator[Problem]:
    is_by_manifests = fields.values.get("read") is sourceconfigs.ReadMode.MANIFESTS
    for name in _present(fields, ("view", "views")):
        if scheme in _REGISTRIES:
            yield problem_at(fields.places[name], "a registry has no views")
        elif is_by_manifests:
            yield problem_at(fields.places[name], "a view is an index; read: manifests reads none")
    if is_by_manifests and scheme in ("http", "https"):
        yield problem_at(
            fields.places["read"], "a web server cannot be listed, as reading manifests needs"
        )


def applies(key: str, entry: sourceconfigs.BuildcacheSourceConfig) -> bool:
    """Whether a key says something of this source, or its default does."""
    if key in ("url", *_OF_ONE) and not entry.url:
        return False
    if key in _OF_LIST:
        return entry.list is not None
    if key == "credentials":
        return any(entry.credentials)
    return key not in _OF_BUCKET or entry.url.startswith("s3:")


def credentials_are_whole(fields: Fields) -> Iterator[Problem]:
    """A user has a password, a key its secret."""
    for name, other in (("username", "password"), ("access_key", "secret_key")):
        if (name in fields.places) != (other in fields.places):
            found = name if name in fields.places else other
            yield problem_at(fields.places[found], f"{name} and {other} go together")
    if "session_token" in fields.places and "access_key" not in fields.places:
        yield problem_at(fields.places["session_token"], "session_token goes with access_key")


def _present(fields: Fields, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if name in fields.places]


def _remote_url(scheme: str, text: str) -> str:
    """Of a bucket or a registry; its form is that of a web address in which the scheme is another."""
    rest = text.partition(":")[2]
    form = _BUCKET_FORM if scheme == "s3" else _REGISTRY_FORM
    if not re.match(r"//[^/]", rest):
        raise ValueError(form)
    checked = scalars.base_url(f"https:{rest}").partition(":")[2]
    if scheme == "s3":
        _require_bucket(urlsplit(f"https:{checked}"))
    elif not _REPOSITORY.fullmatch(urlsplit(f"https:{checked}").path):
        raise ValueError(form)
    return f"{scheme}:{checked}"


def _require_bucket(parts: SplitResult) -> None:
    if not _BUCKET.fullmatch(parts.netloc):
        raise ValueError(_BUCKET_FORM)
    if any(part in ("", ".", "..") for part in parts.path.split("/")[1:]):
        raise ValueError("a prefix in a bucket has no empty part, and none that is . or ..")


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
