"""Queries that are typed as one would say them (english.py)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync import query
from cachesync.errors import QueryError
from cachesync.query import english, minus
from cachesync.query.english import Role
from tests.support.examples import examples


def roles(text: str) -> list[tuple[str, str]]:
    """The pieces of a query that are not as they are, as typed, and what they are for."""
    node = query.parse(text)
    words = {term.value for term, _ in query.terms(node) if term.field is None}
    found = english.pieces(text, words, minus.names_of(node))
    return [(piece.typed, piece.role.name) for piece in found if piece.role is not Role.AS_IT_IS]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("is trilinos 16 cached?", [("is", "LEFT_OUT"), ("trilinos", "WORD"), ("16", "WORD"), ("cached?", "LEFT_OUT")]),
        ("hdf5 | zlib", [("hdf5", "WORD"), ("|", "OR"), ("zlib", "WORD")]),
        ("hdf5 or", [("hdf5", "WORD"), ("or", "LEFT_OUT")]),
        ("or and or hdf5", [("or", "LEFT_OUT"), ("and", "LEFT_OUT"), ("or", "LEFT_OUT"), ("hdf5", "WORD")]),
        ("a OR b or c", [("a", "LEFT_OUT"), ("b", "WORD"), ("or", "OR"), ("c", "WORD")]),
        ("hdf5 not develop", [("hdf5", "WORD"), ("not develop", "NOT")]),
        ("hdf5 but not the develop", [("hdf5", "WORD"), ("but", "LEFT_OUT"), ("the", "LEFT_OUT"), ("not develop", "NOT")]),
        ("hdf5 without mpi", [("hdf5", "WORD"), ("without mpi", "WITHOUT")]),
        ("hdf5 without +mpi", [("hdf5", "WORD"), ("without +mpi", "WITHOUT")]),
        ("hdf5 without target:zen4", [("hdf5", "WORD"), ("without target:zen4", "NOT")]),
        ("hdf5 without", [("hdf5", "WORD")]),
        ("hdf5 not -x", [("hdf5", "WORD")]),
        ("is hdf5@1.14 cached", [("is", "LEFT_OUT"), ("hdf5@1.14", "NAME"), ("cached", "LEFT_OUT")]),
        ("hdf5 for my machine?", [("hdf5", "WORD"), ("for", "LEFT_OUT"), ("my machine?", "HERE")]),
        ("hdf5 that runs here", [("hdf5", "WORD"), ("that", "LEFT_OUT"), ("runs here", "HERE")]),
        ("is hdf5 cached here", [("is", "LEFT_OUT"), ("hdf5", "WORD"), ("cached", "LEFT_OUT"), ("here", "LEFT_OUT")]),
        ("which hdf5 do you have", [("which", "LEFT_OUT"), ("hdf5", "WORD"), ("do", "LEFT_OUT"), ("you", "LEFT_OUT"), ("have", "LEFT_OUT")]),
        ('my hdf5 "my machine"', [("my", "LEFT_OUT"), ("hdf5", "WORD")]),
        ("is hdf5 %gcc", [("is", "LEFT_OUT"), ("hdf5", "WORD")]),
        ('"is" hdf5 tag:is is=on', [("hdf5", "WORD")]),
        ("hdf5 tag:develop +mpi -cuda py-* numpi~1 ^zlib", [("hdf5", "NAME")]),
    ],
)  # fmt: skip
def test_what_each_piece_is_for(text, expected):
    """Only bare words are read; what is quoted, a field, or spec syntax is as it is."""
    assert roles(text) == expected


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("hdf5 1.14 or newer", {"1.14 or newer": "@1.14:"}),
        ("hdf5 1.14 and up, mpi", {"1.14 and up,": "@1.14:"}),
        ("at least 1.14 or older", {"at least 1.14": "@1.14:"}),
        ("at most 1.14 hdf5 2 or lower", {"at most 1.14": "@:1.14", "2 or lower": "@:2"}),
        ("hdf5 newer than 1.14", {"newer than 1.14": "@1.14: -version:1.14"}),
        ("hdf5 older than 1.14?", {"older than 1.14?": "@:1.14 -version:1.14"}),
        ("hdf5 other than 1.14", {}),
        ("hdf5 1.14 or newest", {}),
        ("hdf5 or newer", {}),
        ('hdf5 1.14 or "newer"', {}),
        ("at least hdf5", {}),
    ],
)
def test_a_version_or_newer(text, bounds):
    """A version with `or newer` behind it, or `at least` before it, asks for all from there on; nothing else does."""
    node = query.parse(text)
    words = {term.value for term, _ in query.terms(node) if term.field is None}
    found = english.pieces(text, words, minus.names_of(node))
    assert {p.typed: p.text for p in found if p.role is Role.AS_IT_IS and "@" in p.text} == bounds


@examples(100, 2_500)
@given(
    st.lists(
        st.sampled_from(["hdf5", "(", ")", "OR", "or", "not", "is", "without", "-a", '"x y"', "mpi?", "@1:", "at", "least", "1.14", "newer"]),
        max_size=8,
    )
)  # fmt: skip
def test_nothing_is_lost(parts):
    """The pieces of any query are all of its text; written as typed they are the same query."""
    text = " ".join(parts)
    try:
        node = query.parse(text)
    except QueryError:
        return
    words = {term.value for term, _ in query.terms(node) if term.field is None}
    found = english.pieces(text, words, minus.names_of(node))
    typed = english.written(piece.typed for piece in found)
    assert "".join(sorted(typed.split())) == "".join(sorted(text.split())) or query.parse(typed)
    assert len("".join(typed.split())) == len("".join(text.split()))


def test_parentheses_are_written_as_they_are_typed():
    """No space inside of them, and none behind the minus before them."""
    parts = ["hdf5", "-", "(", "a", "OR", "(", "b", ")", ")", "c"]
    assert english.written(parts) == "hdf5 -(a OR (b)) c"


def test_a_number_belongs_to_the_word_before_it():
    """Where it is said to; of others nothing is put together."""
    words = {"hdf5", "1.14", "gcc", "12", "on"}
    found = english.pieces("hdf5 1.14 gcc 12 on 12", words, set())
    pairs = english.paired(found, lambda pair: pair == "gcc 12")
    assert [piece.typed for piece in pairs] == ["hdf5", "1.14", "gcc 12", "on", "12"]
