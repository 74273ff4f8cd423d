"""What a tree means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync import query
from cachesync.errors import QueryError
from cachesync.model import Build
from cachesync.query import (
    FIELDS,
    And,
    Judged,
    Not,
    Or,
    Term,
    matches,
    parse,
    terms,
)
from tests.support.trees_of_queries import FILELOCK, HASH, found

HDF5 = Build(
    "hdf5", "1.14.5", "gcc@=7.5.0", "ubuntu18.04", "linux", "x86_64_v3",
    ("+mpi", "build_type=Release", "~cuda"),
)  # fmt: skip

LEARN = FILELOCK._replace(package="py-scikit-learn", version="1.5.2", compiler="none")

_YES_NO = [
    (FILELOCK, "filelock", True),
    (FILELOCK, "FileLock", True),
    (FILELOCK, "py-filelock", True),
    (FILELOCK, "py", True),
    (FILELOCK, "file", False),
    (FILELOCK, "file*", True),
    (FILELOCK, "package:filelock", False),
    (FILELOCK, "package:py-filelock", True),
    (FILELOCK, "package:py*", True),
    (FILELOCK, "package:Py-FileLock", True),
    (LEARN, "scikit-learn", True),
    (LEARN, "scikit", True),
    (LEARN, "learn", True),
    (LEARN, "py-scikit", True),
    (LEARN, "py-learn", False),
    (LEARN, "scikit-l*", True),
    (LEARN, '"scikit learn"', False),
    (LEARN, "scikit learn", True),
    # versions
    (FILELOCK, "version:3.12", True),
    (FILELOCK, "version:3.12.4", True),
    (FILELOCK, "version:3", True),
    (FILELOCK, "version:3.1", False),
    (FILELOCK, "version:3.1*", True),
    (FILELOCK, "version:3-12", True),
    (FILELOCK, "version:3.12.4.1", False),
    (FILELOCK, "3.12", True),
    (FILELOCK, "3.1", False),
    (FILELOCK, "-version:3.12", False),
    # compilers
    (HDF5, "compiler:gcc", True),
    (HDF5, "compiler:gcc@7.5.0", True),
    (HDF5, "compiler:gcc@=7.5.0", True),
    (HDF5, "compiler:GCC@7.5.0", True),
    (HDF5, "compiler:gcc@7", False),
    (HDF5, "compiler:gcc@7*", True),
    (HDF5, "compiler:gcc@=7*", True),
    (HDF5, "compiler:gc", False),
    (HDF5, "compiler:gc*", True),
    (HDF5, "compiler:gcc@13.2.0", False),
    (HDF5, "gcc", True),
    (HDF5, '"gcc@7.5.0"', True),
    (HDF5, '"gcc@=7.5.0"', True),
    (LEARN, "compiler:none", True),
    (LEARN, "compiler:gcc", False),
    # variants
    (HDF5, "+mpi", True),
    (HDF5, "-+mpi", False),
    (HDF5, "variant:+mpi", True),
    (HDF5, "+cuda", False),
    (HDF5, "variant:~cuda", True),
    (HDF5, "~cuda", True),
    (HDF5, "+m*", True),
    (HDF5, "mpi", False),
    (HDF5, "variant:build_type=release", True),
    (HDF5, "variant:build_type", False),
    (HDF5, "variant:build_type=*", True),
    (HDF5, "hdf5 -cuda", True),
    # whole values elsewhere
    (HDF5, "os:ubuntu18.04", True),
    (HDF5, "os:ubuntu", False),
    (HDF5, "os:ubuntu*", True),
    (HDF5, "target:x86_64_v3", True),
    (HDF5, "target:x86_64", False),
    (HDF5, "platform:linux", True),
    (HDF5, "linux x86_64_v3 ubuntu18.04", True),
    (HDF5, "linux aarch64", False),
    # hashes
    (HDF5, "bxjpb", True),
    (HDF5, "BXJPB", True),
    (HDF5, "bxjp", False),
    (HDF5, "bxjp*", False),
    (HDF5, "hash:b", True),
    (HDF5, "hash:bxjp", True),
    (HDF5, "hash:xjp", False),
    (HDF5, f"hash:{HASH}", True),
    (HDF5, f"hash:{HASH}a", False),
    (HDF5, "xjpbz", False),
    # placements
    (HDF5, "tag:develop-2025-03-09", True),
    (HDF5, "tag:develop", False),
    (HDF5, "tag:develop*", True),
    (HDF5, "develop-2025-03-09", True),
    (HDF5, "stack:root", True),
    (HDF5, "root", True),
    (HDF5, "stack:ml-linux-aarch64-cpu stack:root", True),
    (HDF5, "stack:ml-linux", False),
    (HDF5, "source:site", True),
    (HDF5, "SITE", True),
    (HDF5, "source:other", False),
    (HDF5, "-stack:e4s", True),
]


@pytest.mark.parametrize(("build", "text", "expected"), _YES_NO, ids=[t for _, t, _ in _YES_NO])
def test_what_words_and_fields_match(build, text, expected):
    """The facts of the query language, one by one."""
    if expected is QueryError:
        with pytest.raises(QueryError):
            parse(text)
    else:
        assert found(text, build) is expected


def test_conditions_on_placements_hold_for_the_same_placement():
    """A spec in one tag by one stack and in another tag by another is not in the one by the other."""
    placements = [
        {"source": "site", "tag": "develop", "stacks": ("developer-tools", "root")},
        {"source": "site", "tag": "develop-2024-10-13", "stacks": ("e4s", "root")},
        {"source": "other", "tag": "v0.23.0", "stacks": ("root",)},
    ]

    def placed(text):
        return [matches(parse(text), HDF5, HASH, **place) for place in placements]

    assert placed("stack:developer-tools") == [True, False, False]
    assert placed("tag:develop-2024-10-13") == [False, True, False]
    assert placed("stack:developer-tools tag:develop-2024-10-13") == [False, False, False]
    assert placed("developer-tools develop-2024-10-13") == [False, False, False]
    assert placed("tag:develop* -stack:e4s") == [True, False, False]
    assert placed("source:site stack:root") == [True, True, False]
    assert placed("source:other tag:develop") == [False, False, False]
    assert placed("hdf5 gcc -source:site") == [False, False, True]


_terms = st.builds(
    Term,
    st.sampled_from((None, *FIELDS)),
    st.sampled_from(
        ("py", "filelock", "hdf5", "3.12", "gcc", "gcc@7.5.0", "+mpi", "linux", "root", "site",
         "develop-2025-03-09", "bxjpb", "b", "e4s", "aarch64")
    ),
    st.booleans(),
    st.just(0),
    st.just(False),
)  # fmt: skip

_nodes = st.recursive(
    _terms,
    lambda inner: (
        st.builds(Not, inner)
        | st.lists(inner, max_size=3).map(lambda nodes: And(tuple(nodes)))
        | st.lists(inner, max_size=3).map(lambda nodes: Or(tuple(nodes)))
    ),
    max_leaves=8,
)

_builds = st.sampled_from((FILELOCK, HDF5, LEARN))

_places = st.fixed_dictionaries(
    {
        "source": st.sampled_from(("site", "other")),
        "tag": st.sampled_from(("develop", "develop-2025-03-09")),
        "stacks": st.lists(st.sampled_from(("e4s", "root")), unique=True).map(tuple),
    }
)


@given(_nodes, _builds, _places)
def test_not_is_the_opposite(node, build, place):
    """Of a node and its exclusion exactly one matches."""
    assert matches(Not(node), build, HASH, **place) is not matches(node, build, HASH, **place)


@given(st.lists(_nodes, max_size=3), _builds, _places)
def test_and_is_all_and_or_is_any(nodes, build, place):
    """In any order; and what no node excludes is what each includes (De Morgan)."""
    each = [matches(node, build, HASH, **place) for node in nodes]
    assert matches(And(tuple(nodes)), build, HASH, **place) is all(each)
    assert matches(And(tuple(reversed(nodes))), build, HASH, **place) is all(each)
    assert matches(Or(tuple(nodes)), build, HASH, **place) is any(each)
    denied = And(tuple(Not(node) for node in nodes))
    assert matches(Or(tuple(nodes)), build, HASH, **place) is not matches(
        denied, build, HASH, **place
    )


@given(_terms, _builds, _places)
def test_a_word_matches_what_it_matches_in_any_field(term, build, place):
    """Every match of `field:word` is a match of the word, short hash beginnings apart."""
    word = term._replace(field=None)
    for field in FIELDS:
        if field == "hash" and len(term.value) < query.MIN_HASH_WORD:
            continue
        if matches(term._replace(field=field), build, HASH, **place):
            assert matches(word, build, HASH, **place)


@given(_terms, _builds, _places)
def test_a_prefix_matches_whatever_the_whole_value_matches(term, build, place):
    """`x*` finds what `x` finds, but for versions, where x is a range and x* is text."""
    if term.field in (None, "version"):
        return
    if matches(term._replace(prefix=False), build, HASH, **place):
        assert matches(term._replace(prefix=True), build, HASH, **place)


@given(_nodes)
def test_terms_are_all_there_with_their_sign(node):
    """A term below an odd number of exclusions is excluded."""

    def naive(node, sign):
        if isinstance(node, Term):
            return [(node, sign)]
        if isinstance(node, Not):
            return naive(node.node, not sign)
        return [pair for child in node.nodes for pair in naive(child, sign)]

    assert list(terms(node)) == naive(node, True)


def test_a_conjunction_is_no_alternative():
    """Of the same nodes, or of none: who keeps answers by tree keeps them apart."""
    nodes = (Term(None, "a"), Term(None, "b"))
    assert And(nodes) != Or(nodes)
    assert Or(()) != And(())
    assert And((Not(nodes[0]),)) != Not(And((nodes[0],)))
    assert len({And(nodes), Or(nodes), Judged(None, And(())), Judged(None, Or(()))}) == 4
    assert And(nodes) == And(nodes)
    assert hash(Or(nodes)) == hash(Or(nodes))
