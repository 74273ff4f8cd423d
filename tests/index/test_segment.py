"""A segment that is read without Whoosh is what Whoosh reads of it."""

import os
import pickle
import tempfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whoosh.index import TOC, FileIndex

from cachesync.errors import IndexUnusableError
from cachesync.index.codec import NUMBER, Storage, new_schema
from cachesync.index.layout import NAME, latest_generation, toc_name
from cachesync.index.segment import Segment, _unpickled, segments_of
from cachesync.index.writer import _put, _writer
from tests.support.examples import examples

FIELDS = ("any", "os", "tag")
WORDS = st.text(alphabet="abü\N{LINEAR B SYLLABLE B008 A}", min_size=1, max_size=3)
DOCUMENTS = st.lists(
    st.dictionaries(
        st.sampled_from(FIELDS),
        st.dictionaries(WORDS, st.sampled_from((1, 2, 300)), min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=12,
)


def written(folder, commits, *, removed=()):
    """An index of a segment a commit; the last commit removes documents of those before it."""
    FileIndex.create(Storage(os.fspath(folder)), new_schema(), indexname=NAME)
    number = 0
    for last, documents in enumerate(commits, 1 - len(commits)):
        writer = _writer(folder)
        for document in removed if last == 0 else ():
            writer.delete_document(document)
        for postings in documents:
            number += 1
            _put(writer, number, number % 3, postings)
        writer.commit(merge=False)
    return folder


def as_whoosh_reads(folder):
    """Of each segment: its postings by field and term, and its columns, without what was removed."""
    storage = Storage(os.fspath(folder), readonly=True)
    schema = new_schema()
    for segment in TOC.read(storage, NAME, schema=schema).segments:
        files = segment.open_compound_file(storage)
        codec = segment.codec()
        alive = [n for n in range(segment.doc_count_all()) if not segment.is_deleted(n)]
        terms = codec.terms_reader(files, segment)
        postings = {}
        for field, term in terms.terms():
            matcher = terms.matcher(field, term, schema[field].format)
            found = {}
            while matcher.is_active():
                found[matcher.id()] = int(matcher.weight())
                matcher.next()
            kept = {n: found[n] for n in alive if n in found}
            if kept:
                postings.setdefault(field, {})[term.decode()] = kept
        documents = codec.per_document_reader(files, segment)
        columns = {
            name: {n: reader[n] for n in alive}
            for name in ("id", "specs")
            if documents.has_column(name) and (reader := documents.column_reader(name, NUMBER))
        }
        terms.close()
        documents.close()
        files.close()
        yield postings, columns


def opened(folder):
    """The segments that the newest table of contents names, each numbered from 0."""
    toc = (folder / toc_name(latest_generation(folder))).read_bytes()
    for stem, size, deleted in segments_of(toc):
        path = folder / f"{stem}.seg"
        checksum = zlib.crc32(path.read_bytes())
        yield Segment(path, base=0, size=size, deleted=deleted, checksum=checksum)


@examples(15, 400)
@given(commits=st.lists(DOCUMENTS, min_size=1, max_size=3), data=st.data())
def test_it_is_what_whoosh_reads(commits, data):
    """Terms, postings, weights and columns, whatever was removed since."""
    numbers = range(sum(map(len, commits[:-1])))
    removed = data.draw(st.sets(st.sampled_from(numbers))) if numbers else ()
    with tempfile.TemporaryDirectory() as name:
        folder = written(Path(name), commits, removed=removed)
        segments = list(opened(folder))
        expected = list(as_whoosh_reads(folder))
        assert len(segments) == len(expected)
        for segment, (postings, columns) in zip(segments, expected, strict=True):
            for field in FIELDS:
                terms = postings.get(field, {})
                assert list(segment.terms(field, "")) == list(terms)
                assert list(segment.terms(field, "b")) == [t for t in terms if t[0] == "b"]
                assert {term: segment.weights(field, term) for term in terms} == terms
                for weight in (None, 2):
                    assert {t: segment.documents(field, t, weight=weight) for t in terms} == {
                        term: {n for n, w in found.items() if weight in (None, w)}
                        for term, found in terms.items()
                    }
            for column, values in columns.items():
                assert segment.values(column, segment.everything()) == values
            segment.close()


def test_postings_of_several_blocks(tmp_path):
    """A term of more documents than a block holds, with one weight and with many."""
    documents = [{"any": {"all": 1, "each": 1 + n % 7}} for n in range(9_000)]
    (segment,) = opened(written(tmp_path, [documents]))
    assert segment.weights("any", "all") == dict.fromkeys(range(9_000), 1)
    assert segment.weights("any", "each") == {n: 1 + n % 7 for n in range(9_000)}
    segment.close()


def test_what_is_not_there(tmp_path):
    """A term before all others, between them and behind them, and a field without terms: nothing."""
    (segment,) = opened(written(tmp_path, [[{"os": {"b": 1, "d": 1}}]]))
    for field, term in (
        ("os", "a"),
        ("os", "c"),
        ("os", "e"),
        ("os", ""),
        ("tag", "b"),
        ("x", "b"),
    ):
        assert segment.documents(field, term) == set()
    assert list(segment.terms("tag", "")) == list(segment.terms("os", "e")) == []
    segment.close()


def test_another_checksum_is_refused(tmp_path):
    """Before anything is read."""
    folder = written(tmp_path, [[{"os": {"b": 1}}]])
    (path,) = folder.glob("*.seg")
    with pytest.raises(IndexUnusableError, match="a checksum does not match"):
        Segment(path, base=0, size=1, deleted=frozenset(), checksum=1)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_makes_nothing_but_values(protocol):
    """What would call something else is refused, and not called."""
    assert _unpickled(pickle.dumps(b"\xff", protocol))[0] == b"\xff"
    for other in (os.getcwd, print, Path("x"), st.text):
        with pytest.raises(pickle.UnpicklingError, match="in the search index"):
            _unpickled(pickle.dumps(other, protocol))
