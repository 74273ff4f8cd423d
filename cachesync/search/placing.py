"""What `mirror:` and `signed:` ask, as placements: which source, tag and stack a mirror is.

`mirror:` is the address of a mirror, with or without its scheme, or what it is called (see
`ledger.mirrors`). `signed:` is known of specs whose manifests were read, and of registries: in these
nothing is signed. Of others neither `yes` nor `no` is met, wanted or excluded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from .. import query
from ..ledger import connect
from ..ledger import mirrors as ledger
from ..ledger.mirrors import Mirror

__all__ = ["Mirrors", "Of", "is_called", "resolved"]

Of = Callable[[Mirror, bool | None], query.Node]
"""The specs whose manifests in a mirror are signed, or are not; with None those of which it is known."""

_NOTHING = query.Or(())


class Mirrors(NamedTuple):
    """What is known of the mirrors of a ledger, at one moment."""

    every: tuple[Mirror, ...]
    signatures: Mapping[int, Collection[bool]]
    """See `ledger.mirrors.known_signatures`."""

    @classmethod
    def of(cls, db: connect.Connection) -> Mirrors:
        """Those of a ledger."""
        signatures = {one: tuple(sorted(s)) for one, s in ledger.known_signatures(db).items()}
        return cls(tuple(ledger.mirrors(db)), signatures)


def is_called(mirror: Mirror, term: query.Term) -> bool:
    """Whether a mirror is what a term of the field `mirror` names."""
    wanted = term.value if term.prefix else (term.value.rstrip("/") or term.value)
    url = mirror.url.lower()
    called = (url, url.partition("://")[2], mirror.name.lower())
    return any(one.startswith(wanted) if term.prefix else one == wanted for one in called)


def unknown(node: query.Node, mirrors: Iterable[Mirror]) -> list[query.Term]:
    """What a query wants of mirrors by names and addresses that none of them has, each once."""
    asked = [term for term, wanted in query.terms(node) if wanted and term.field == "mirror"]
    every = tuple(mirrors)
    return [term for term in dict.fromkeys(asked) if not any(is_called(one, term) for one in every)]


def resolved(node: query.Node, mirrors: Mirrors, of: Of, *, opened: bool = False) -> query.Node:
    """The tree with placements in place of the fields of mirrors.

    With `opened` what is not known of signatures is as it would have to be.
    """
    return _Resolving(mirrors, of, opened).of(node, excluded=False)


class _Resolving(NamedTuple):
    """Puts placements in place of fields."""

    mirrors: Mirrors
    of_signed: Of
    opened: bool

    def of(self, node: query.Node, *, excluded: bool) -> query.Node:
        if isinstance(node, query.Term):
            if node.field == "mirror":
                return self._placed([one for one in self.mirrors.every if is_called(one, node)])
            return self._signed(node, excluded) if node.field == "signed" else node
        if isinstance(node, query.Not):
            return query.Not(self.of(node.node, excluded=not excluded))
        if isinstance(node, (query.And, query.Or)):
            return type(node)(tuple(self.of(child, excluded=excluded) for child in node.nodes))
        return node

    def _signed(self, term: query.Term, excluded: bool) -> query.Node:  # noqa: FBT001
        met = self._with_signature(signed=term.value == "yes")
        if excluded is self.opened:
            return met
        return query.Or((met, query.Not(self._with_signature(signed=None))))

    def _with_signature(self, *, signed: bool | None) -> query.Node:
        every = self.mirrors.every
        found: list[query.Node] = []
        if signed is not True:
            found.append(self._placed([one for one in every if one.is_registry]))
        for one in every:
            known = self.mirrors.signatures.get(one.id, ())
            if signed in known or (signed is None and known):
                found.append(query.And((self._placed([one]), self.of_signed(one, signed))))
        return _either(found)

    def _placed(self, chosen: Iterable[Mirror]) -> query.Node:
        """What is placed by some mirrors: by all of a source, or of tags, where it comes to that."""
        wanted, every = _stacks(chosen), _stacks(self.mirrors.every)
        return _either([_of_source(source, tags, every[source]) for source, tags in wanted.items()])


class _Source(NamedTuple):
    name: str
    is_alone: bool


_Stacks = dict[_Source, dict[str, frozenset[str]]]
"""By source and tag."""


def _stacks(mirrors: Iterable[Mirror]) -> _Stacks:
    found: _Stacks = {}
    for one in mirrors:
        tags = found.setdefault(_Source(one.source, one.is_alone), {})
        tags[one.tag] = tags.get(one.tag, frozenset()) | {one.stack}
    return found


def _of_source(
    source: _Source, wanted: Mapping[str, frozenset[str]], every: Mapping[str, frozenset[str]]
) -> query.Node:
    """What some stacks of some tags of a source carry; tags with the same stacks stand together."""
    where = query.Term("source", source.name.lower())
    if source.is_alone and wanted == every:
        return where
    tags: dict[frozenset[str] | None, list[str]] = {}
    for tag, stacks in wanted.items():
        is_whole = source.is_alone and stacks == every[tag]
        tags.setdefault(None if is_whole else stacks, []).append(tag)
    return _either(
        [
            query.And((where, _any("tag", some), *([] if held is None else [_any("stack", held)])))
            for held, some in tags.items()
        ]
    )


def _any(field: str, values: Iterable[str]) -> query.Node:
    return _either([query.Term(field, value) for value in sorted({v.lower() for v in values})])


def _either(nodes: Sequence[query.Node]) -> query.Node:
    some = [node for node in nodes if node != _NOTHING]
    return some[0] if len(some) == 1 else query.Or(tuple(some))
