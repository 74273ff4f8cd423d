"""The bytes of a package page to a `Page` (FORMATS.md, section 1). Pure: no I/O, no clock.

Two ways in, one meaning. The form the site's generator writes, one line of JSON each for `meta`
and `spec_details`, is decoded by msgspec; whatever else is legal YAML front matter goes through
`frontmatter`. Both end in `_page`, which validates and normalises. A page is rejected as a whole,
with the line and column of what is wrong; a page of the 2022 era is skipped.
"""

from __future__ import annotations

import re
from sys import intern
from typing import Any, NamedTuple

import msgspec

from ..errors import PageError, PageSkipped
from ..model import NO_COMPILER, Build, Listed, Page
from ..spack import variants as variant_texts
from . import frontmatter
from .summary import Meta, normalise_compiler

__all__ = ["PageParser"]

MAX_BUILD = 65_536
"""Characters of all values of a spec together; real ones have a few hundred."""
MAX_VERSION = 255
"""Characters of a version: what is derived from one (`versions.ranges_of`) grows with its square."""
MAX_INTERNED = 200_000
"""Distinct builds and stack lists a parser remembers before it starts afresh."""

_HASH = re.compile(r"[a-z2-7]{32}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,254}")
_HASH_ALPHABET = b"abcdefghijklmnopqrstuvwxyz234567"
_GENERATED = re.compile(
    rb"---\n"
    rb'title: "([A-Za-z0-9_][A-Za-z0-9._+-]{0,254})"\n'
    rb"(?:layout: [a-z]+\n)?"
    rb"categories: \[package, (?!null\b|Null\b|NULL\b)([A-Za-z0-9_][A-Za-z0-9._+-]{0,254})\]\n"
    rb"(?:meta: (.*)\n)?"
    rb"spec_details: (\[.*\])\n"
    rb"---(?:\n|\Z)"
)
"""The form the site's generator writes, in the order in which it writes it."""
_RAW_NULL = msgspec.Raw(b"null")


class _Row(msgspec.Struct, gc=False):
    """One element of `spec_details`; all but the hash is still JSON, decoded once per build."""

    hash: str
    versions: msgspec.Raw
    os: msgspec.Raw
    target: msgspec.Raw
    compiler: msgspec.Raw = _RAW_NULL
    platform: msgspec.Raw = _RAW_NULL
    variants: msgspec.Raw = _RAW_NULL
    stacks: msgspec.Raw = _RAW_NULL


_decode_rows = msgspec.json.Decoder(list[_Row]).decode
_decode_attributes = msgspec.json.Decoder(
    tuple[tuple[str], str | None, str, str | None, str, list[str] | None]
).decode
_decode_text = msgspec.json.Decoder(str).decode
_decode_any = msgspec.json.Decoder().decode


class _Wrong(Exception):  # noqa: N818 - becomes a PageError
    """Something wrong at a place in the page; becomes a PageError once the place is located."""

    def __init__(self, problem: str, *path: str | int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path = path


class _Fields(NamedTuple):
    """What both ways in hand over."""

    package: str
    tag: str
    rows: list[_Row]
    meta: bytes | None


class PageParser:
    """Parses pages, remembering what specs list, so that equal listings are often one object.

    What a page means does not depend on what was parsed before it; memory is bounded by
    `MAX_INTERNED`.
    """

    def __init__(self) -> None:
        self._builds: dict[bytes, Build] = {}
        self._stacks: dict[bytes, tuple[str, ...]] = {}
        self._listed: dict[bytes, Listed] = {}

    def parse(self, data: bytes) -> Page:
        """The page in `data`.

        Raises PageError (with line and column) when it is not acceptable, PageSkipped when it is
        a page of the 2022 era, which lists no hashes.
        """
        fields = _fast_fields(data)
        if fields is not None:
            try:
                return self._page(fields)
            except (_Wrong, msgspec.MsgspecError, RecursionError):
                pass  # said below with line and column, by the way that knows them
        text = _text(data)
        front = frontmatter.split(text)
        loaded = frontmatter.load(front)
        try:
            return self._page(_slow_fields(loaded))
        except _Wrong as wrong:
            place = frontmatter.locate(front, wrong.path)
            raise PageError(f"{place}: {wrong.problem}") from wrong

    def _page(self, fields: _Fields) -> Page:
        if max(len(self._listed), len(self._builds), len(self._stacks)) > MAX_INTERNED:
            for remembered in (self._builds, self._stacks, self._listed):
                remembered.clear()
        rows, listed = fields.rows, self._listed
        specs: dict[str, Listed] = {}
        package = fields.package
        prefix = package.encode()
        join = b"".join
        for position, row in enumerate(rows):
            # JSON values delimit themselves, so their concatenation identifies what is listed.
            key = join(
                (prefix, row.versions, row.compiler, row.os, row.platform, row.target,
                 row.variants, row.stacks)
            )  # fmt: skip
            found = listed.get(key)
            if found is None:
                found = listed[key] = self._list(package, row, position, key)
            specs[row.hash] = found
        if len(specs) != len(rows) or not _are_hashes(specs):
            raise _wrong_hash(rows)
        return Page(fields.tag, package, specs, fields.meta)

    def _list(self, package: str, row: _Row, position: int, key: bytes) -> Listed:
        """The build and the stacks of a row; `key` begins with what identifies the build."""
        raw = bytes(row.stacks)
        of_build = key[: len(key) - len(raw)]
        build = self._builds.get(of_build)
        if build is None:
            build = self._builds[of_build] = _build(package, row, ("spec_details", position))
        stacks = self._stacks.get(raw)
        if stacks is None:
            where = ("spec_details", position, "stacks")
            stacks = self._stacks[raw] = _values(row.stacks, *where)
        return build, stacks


def _build(package: str, row: _Row, where: tuple[str, int]) -> Build:
    attributes = (row.versions, row.compiler, row.os, row.platform, row.target, row.variants)
    try:
        (version,), compiler, os, platform, target, variants = _decode_attributes(
            b"[%b]" % b",".join(attributes)
        )
    except msgspec.MsgspecError:
        raise _wrong_attribute(row, where) from None
    compiler, platform = normalise_compiler(compiler or NO_COMPILER), platform or ""
    joined = "".join((version, compiler, os, platform, target, *(variants or ())))
    is_bounded = len(joined) <= MAX_BUILD and len(version) <= MAX_VERSION
    if not (version and os and target and joined.isprintable() and is_bounded):
        raise _wrong_attribute(row, where)
    # The same few values recur in all builds: as one object each they cost a third of the memory.
    values = tuple(map(intern, variant_texts.normal_set(variants or ())))
    return Build(package, version, compiler, os, platform, target, values)


def _wrong_attribute(row: _Row, where: tuple[str, int]) -> _Wrong:
    """What is wrong with a row of which something is."""
    versions = _decode_any(row.versions)
    if not isinstance(versions, list) or len(versions) != 1:
        return _Wrong("versions is no list of exactly one version", *where, "versions")
    try:
        for key, value in (
            ("versions", versions[0]),
            ("os", _decode_any(row.os)),
            ("target", _decode_any(row.target)),
        ):
            if not _value(value, *where, key):
                return _Wrong(f"{key} is empty", *where, key)
        if len(versions[0]) > MAX_VERSION:
            return _Wrong(
                f"the version is longer than {MAX_VERSION} characters", *where, "versions"
            )
        for key, raw in (("compiler", row.compiler), ("platform", row.platform)):
            value = _decode_any(raw)
            if value is not None:
                _value(value, *where, key)
        _values(row.variants, *where, "variants")
    except _Wrong as wrong:
        return wrong
    return _Wrong(f"the spec is longer than {MAX_BUILD:,} characters", *where)


def _are_hashes(specs: dict[str, Listed]) -> bool:
    """Whether every key is 32 characters of a-z and 2-7; one pass in C for the whole page."""
    if not specs:
        return True
    try:
        joined = " ".join(specs).encode("ascii")
    except UnicodeEncodeError:
        return False
    gaps = b" " * (len(specs) - 1)
    return (
        len(joined) == 33 * len(specs) - 1
        and joined[32::33] == gaps
        and joined.translate(None, _HASH_ALPHABET) == gaps
    )


def _wrong_hash(rows: list[_Row]) -> _Wrong:
    seen: set[str] = set()
    for position, row in enumerate(rows):
        where = ("spec_details", position, "hash")
        if _HASH.fullmatch(row.hash) is None:
            return _Wrong(f"{_quoted(row.hash)} is not a hash (32 characters of a-z, 2-7)", *where)
        if row.hash in seen:
            return _Wrong(f"hash {row.hash} is listed twice", *where)
        seen.add(row.hash)
    raise AssertionError("every hash is well formed and listed once")


def _fast_fields(data: bytes) -> _Fields | None:
    """The fields of a page in the generator's form; None where the other way must look at it."""
    form = _GENERATED.match(data)
    if form is None or not data.isascii() or b"\0" in data:
        return None
    title, tag, meta, rows = form.groups()
    try:
        return _Fields(title.decode(), tag.decode(), _decode_rows(rows), meta)
    except (msgspec.MsgspecError, RecursionError):
        return None


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PageError(
            f"{_position(data, error.start)}: byte 0x{data[error.start]:02x} is not UTF-8"
        ) from error
    nul = data.find(b"\0")
    if nul >= 0:
        raise PageError(f"{_position(data, nul)}: a NUL byte")
    return text


def _position(data: bytes, offset: int) -> str:
    line = data.count(b"\n", 0, offset) + 1
    line_start = data.rfind(b"\n", 0, offset) + 1
    return f"line {line}, column {offset - line_start + 1}"


def _slow_fields(loaded: dict[str, Any]) -> _Fields:
    rows = loaded.get("spec_details")
    if rows is None and ("spec_names" in loaded or "spec_files" in loaded):
        raise PageSkipped("2022 page without hashes")
    categories = loaded.get("categories")
    if not isinstance(categories, list) or len(categories) != 2 or categories[0] != "package":
        raise _Wrong("categories is not [package, <tag>]", "categories")
    if not isinstance(rows, list):
        raise _Wrong("spec_details is missing or no list", "spec_details")
    converted: list[_Row] = []
    raws: dict[int, msgspec.Raw] = {}
    for position, row in enumerate(rows):
        converted.append(_slow_row(row, position, raws))
    return _Fields(
        _name(loaded.get("title"), "title"),
        _name(categories[1], "categories", 1),
        converted,
        _slow_meta(loaded.get("meta")),
    )


def _slow_row(row: Any, position: int, raws: dict[int, msgspec.Raw]) -> _Row:
    """A loaded mapping as a row. `raws` remembers values by identity: aliases make one list many."""
    if not isinstance(row, dict):
        raise _Wrong("a spec is a mapping", "spec_details", position)
    for key in ("hash", "versions", "os", "target"):
        if row.get(key) is None:
            raise _Wrong(f"the spec has no {key}", "spec_details", position)
    fields: dict[str, Any] = {"hash": _value(row["hash"], "spec_details", position, "hash")}
    for key in ("versions", "os", "target", "compiler", "platform", "variants", "stacks"):
        value = row.get(key)
        raw = raws.get(id(value))
        if raw is None:
            try:
                raw = raws[id(value)] = msgspec.Raw(msgspec.json.encode(value))
            except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
                raise _Wrong(f"{key} is not text", "spec_details", position, key) from None
        fields[key] = raw
    return _Row(**fields)


def _slow_meta(value: Any) -> bytes | None:
    """The summary as JSON, its counts as numbers again (YAML scalars are read as text)."""
    if not isinstance(value, dict):
        return None
    try:
        return msgspec.json.encode(msgspec.convert(value, Meta, strict=False))
    except msgspec.MsgspecError:
        return b"{}"


def _name(value: Any, *path: str | int) -> str:
    text = _value(value, *path)
    if _NAME.fullmatch(text) is None:
        raise _Wrong(f"{_quoted(text)} is not a name (letters, digits and ._+-)", *path)
    return text


def _value(value: Any, *path: str | int) -> str:
    if not isinstance(value, str):
        raise _Wrong(f"{path[-1]} is missing" if value is None else f"{path[-1]} is no text", *path)
    if len(value) > MAX_BUILD:
        raise _Wrong(f"{path[-1]} is longer than {MAX_BUILD:,} characters", *path)
    if not value.isprintable():
        raise _Wrong(f"{_quoted(value)} has characters that cannot be printed", *path)
    return value


def _values(raw: msgspec.Raw, *path: str | int) -> tuple[str, ...]:
    """A JSON list of text as a set: sorted, without duplicates, every value printable."""
    texts = _decode_any(raw)
    if texts is None:
        return ()
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise _Wrong(f"{path[-1]} is no list of text", *path)
    joined = "".join(texts)
    if not joined.isprintable() or len(joined) > MAX_BUILD:
        for text in texts:
            _value(text, *path)
    return tuple(sorted(set(texts)))


def _quoted(text: str) -> str:
    return ascii(text if len(text) <= 60 else text[:60] + "...")
