"""Records of a cache index to nodes. Pure.

Almost all of a spec but its hash and its edges occurs many times in an index: 64,000 records of a big
one have 27,000 *shapes*, 900 sets of parameters, 30 kinds of edges. So the parts of a spec are left
undecoded and looked up by their bytes; only what was not seen before is decoded and checked.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from sys import intern
from typing import TypeVar

import msgspec

from ..model import NO_COMPILER, Build, Compilers, Details, Doubt, Node
from ..pages.summary import normalise_compiler
from . import hashes, values
from .edges import NULL, Dependency, EdgeReader
from .index import Record, Refused, Split
from .lookups import Lookup
from .places import Wrong, at_place, shown

__all__ = ["FORMATS", "MAX_SPEC_BYTES", "nodes"]

MAX_SPEC_BYTES = 1 << 20
"""Of one record; real ones have some 2,000."""
FORMATS = {6: 3, 7: 4, 8: 5, 9: 6}
"""Database version -> the format of its specs where they do not say it (BUILDCACHE, 1.2)."""

_T = TypeVar("_T")
_NO_PARAMETERS = msgspec.Raw(b"{}")


class _Spec(msgspec.Struct, gc=False):
    name: str
    version: str
    arch: msgspec.Raw
    hash: str | None = None
    namespace: str | None = None
    package_hash: str | None = None
    parameters: msgspec.Raw = _NO_PARAMETERS
    dependencies: list[Dependency] | None = None
    annotations: msgspec.Raw = NULL
    compiler: msgspec.Raw = NULL
    patches: msgspec.Raw = NULL
    external: msgspec.Raw = NULL
    build_spec: msgspec.Raw = NULL
    provided_virtuals: msgspec.Raw = NULL


_decode_spec = msgspec.json.Decoder(_Spec).decode


def nodes(
    split: Split,
    wanted: Iterable[str] | None = None,
    compiler_of: Callable[[str], str | None] = lambda _hash: None,
    doubt: Callable[[str, str], None] = lambda _hash, _reason: None,
) -> Iterator[Node | Refused]:
    """The nodes of an index, decoded one after the other as they are asked for.

    `wanted` are hashes among `split.records`, without it all of them, in the order of the index.
    `compiler_of` gives `name@=version` for the hash of a compiler that the index does not have, or of
    which it has a record from whose bytes the hash does not follow. A record that is not
    acceptable is a Refused with the place; the records that refer to it are not. `doubt` is called with a
    hash and a warning where the hash does not follow from the record as it should.
    """
    reader = _Reader(split, compiler_of, doubt)
    records = split.records
    for spec_hash in records if wanted is None else wanted:
        yield reader.read(spec_hash, records[spec_hash])


class _Reader:
    """Reads the records of one index, and remembers the parts it has seen."""

    def __init__(
        self,
        split: Split,
        compiler_of: Callable[[str], str | None],
        doubt: Callable[[str, str], None],
    ) -> None:
        self._format = FORMATS[split.version]
        self._doubt = doubt
        self._edges = EdgeReader(split, compiler_of)
        self._serial = 0
        self._arches: Lookup[bytes, tuple[int, values.Arch]] = Lookup()
        self._parameters: Lookup[bytes, tuple[int, values.Parameters]] = Lookup()
        self._rests: Lookup[bytes, tuple[int, values.Rest]] = Lookup()
        self._shapes: Lookup[Hashable, tuple[Build, Details]] = Lookup()
        self._builds: Lookup[Build, Build] = Lookup()
        self._details: Lookup[Hashable, Details] = Lookup()
        self._same: Lookup[Details, Details] = Lookup()

    def read(self, spec_hash: str, record: Record) -> Node | Refused:
        try:
            return self._node(spec_hash, record)
        except Wrong as wrong:
            reason = wrong.below("installs", spec_hash, "spec")
        except msgspec.ValidationError as error:
            reason = at_place(error, "installs", spec_hash, "spec")
        except RecursionError:
            reason = Wrong("is nested too deeply").below("installs", spec_hash, "spec")
        except (msgspec.DecodeError, UnicodeDecodeError):
            reason = _no_text(record.spec).below("installs", spec_hash, "spec")
        return Refused(spec_hash, reason)

    def _node(self, spec_hash: str, record: Record) -> Node:
        if len(record.spec) > MAX_SPEC_BYTES:
            raise Wrong(f"is larger than {MAX_SPEC_BYTES >> 10:,} KiB")
        spec = _decode_spec(record.spec)
        if spec.hash is not None and spec.hash != spec_hash:
            raise Wrong(f"{shown(spec.hash)} is not the key", "hash")
        edges, by = self._edges.read(spec.dependencies, record) if spec.dependencies else ((), ())
        build, details = self._shape(spec, by)
        checksum, is_so = hashes.examine(record, spec_hash)
        doubt = Doubt.NONE if is_so else self._examine(record, spec_hash, details)
        return Node(spec_hash, build, record.cached, details, edges, checksum, doubt)

    def _examine(self, record: Record, spec_hash: str, details: Details) -> Doubt:
        """Look closer at a record whose bytes are not those that its hash was made of."""
        spec = hashes.loaded(bytes(record.spec))
        made_as = details.format
        is_native = made_as == self._format and made_as in hashes.FORMATS
        if not is_native or details.build_spec is not None:
            return Doubt.UNCHECKED
        digest = hashes.dag_hash(spec)
        if digest == spec_hash:
            return Doubt.NONE
        reason = f"its hash does not follow from it (that would be {digest})"
        self._doubt(spec_hash, Wrong(reason).below("installs", spec_hash, "spec"))
        return Doubt.WRONG

    def _shape(self, spec: _Spec, by: Compilers) -> tuple[Build, Details]:
        """What a record has in common with others, looked up by the numbers of its parts."""
        arch_key, parameters_key = bytes(spec.arch), bytes(spec.parameters)
        # JSON values delimit themselves, so their concatenation identifies them.
        rest_key = b"".join(
            (
                spec.annotations,
                spec.compiler,
                spec.patches,
                spec.external,
                spec.build_spec,
                spec.provided_virtuals,
            )
        )
        of_arch, arch = self._arches.get(arch_key) or self._numbered(
            self._arches, arch_key, values.arch(arch_key)
        )
        of_parameters, parameters = self._parameters.get(parameters_key) or self._numbered(
            self._parameters, parameters_key, values.parameters(parameters_key)
        )
        of_rest, rest = self._rests.get(rest_key) or self._numbered(
            self._rests, rest_key, _rest(spec)
        )
        said = (spec.namespace, spec.package_hash, of_arch, of_parameters, of_rest, by)
        key = (spec.name, spec.version, said)
        shape = self._shapes.get(key)
        if shape is None:
            details = self._details.get(said)
            if details is None:
                found = _details(spec, arch, parameters, rest, by, self._format)
                details = self._same.get(found) or self._same.learn(found, found)
                self._details.learn(said, details)
            build = _build(spec, arch, parameters, rest, by)
            build = self._builds.get(build) or self._builds.learn(build, build)
            shape = self._shapes.learn(key, (build, details))
        return shape

    def _numbered(
        self, known: Lookup[bytes, tuple[int, _T]], key: bytes, value: _T
    ) -> tuple[int, _T]:
        """Remember a part under a number that no other part ever has."""
        self._serial += 1
        return known.learn(key, (self._serial, value), len(key))


def _no_text(spec: msgspec.Raw) -> Wrong:
    """What is wrong with a spec that was split as JSON, and yet is none."""
    try:
        bytes(spec).decode()
    except UnicodeDecodeError as error:
        return Wrong(f"is no JSON: no UTF-8 (byte {error.start:,} of the spec)")
    return Wrong("is no JSON")


def _rest(spec: _Spec) -> values.Rest:
    return values.rest(
        annotations=bytes(spec.annotations),
        compiler=bytes(spec.compiler),
        patches=bytes(spec.patches),
        external=bytes(spec.external),
        build_spec=bytes(spec.build_spec),
        provided=bytes(spec.provided_virtuals),
    )


def _build(
    spec: _Spec, arch: values.Arch, parameters: values.Parameters, rest: values.Rest, by: Compilers
) -> Build:
    """The build; its compiler is that of C, else of C++, else of Fortran (BUILDCACHE, 1.7)."""
    compiler = by[0][1] if by else intern(normalise_compiler(rest.compiler or NO_COMPILER))
    return Build(
        intern(values.name(spec.name, "name")),
        intern(values.text(spec.version, "version", most=values.MAX_VERSION)),
        compiler,
        arch.os,
        arch.platform,
        arch.target,
        parameters.variants,
        _where_they_differ(by),
    )


def _where_they_differ(by: Compilers) -> Compilers:
    return by if len({compiler for _, compiler in by}) > 1 else ()


def _details(
    spec: _Spec, arch: values.Arch, parameters: values.Parameters, rest: values.Rest,
    by: Compilers, spec_format: int,
) -> Details:  # fmt: skip
    for key, value in (("namespace", spec.namespace), ("package_hash", spec.package_hash)):
        if value is not None:
            values.text(value, key, most=values.MAX_WORD)
    return Details(
        intern(spec.namespace) if spec.namespace else None,
        spec.package_hash,
        parameters.flags,
        parameters.patches if rest.patches is None else rest.patches,
        arch.target_object,
        rest.external,
        rest.build_spec,
        _where_they_differ(by),
        spec_format if rest.format is None else rest.format,
        parameters.lists,
        rest.provided,
    )
