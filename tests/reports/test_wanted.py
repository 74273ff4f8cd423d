"""Lists of specs (wanted.py), and the subscriptions for what is missing of them (subscribing.py)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync import query
from cachesync.config.file import parse
from cachesync.errors import ListError, QueryError, UsageError
from cachesync.model import Build, First
from cachesync.reports import subscribing, wanted
from tests.support.world import hash_of

A = "a" * 32


def test_lines():
    """Hashes, their beginnings, specs and words; comments, blank lines, CRLF and a BOM are nothing."""
    data = f'\ufeff# all\r\n/{A}\r\n\n  {A} # again\n/abcd\nhdf5@1.14 +mpi\nb OR "a#1"\n'.encode()
    found = wanted.parse(data, name="x")
    assert [(one.line, one.text, one.hash) for one in found] == [
        (2, f"/{A}", A), (4, A, A), (5, "/abcd", "abcd"), (6, "hdf5@1.14 +mpi", None),
        (7, 'b OR "a#1"', None),
    ]  # fmt: skip
    assert found[3].condition == query.parse("hdf5@1.14 +mpi")


def test_a_line_is_a_spec():
    """A first word is the exact name of a package, as Spack reads it, also where it stands alone.

    What only DAGs tell, such as a namespace, stands beside it and asks nothing of pages.
    """
    package, on = (
        query.Term("package", "zlib", spack=True),
        query.Term("variant", "+v", spack=True),
    )
    lines = {
        "zlib": package, "builtin.zlib": package, "zlib +v": query.And((package, on)), "+v": on,
        "zlib OR +v": query.Or((package, on)), '"zlib"': package,
        "zlib -v": query.And((package, query.Not(query.Term(None, "v")))),
    }  # fmt: skip
    for text, tree in lines.items():
        (found,) = wanted.parse(text.encode(), name="x")
        assert query.as_pages(found.condition) == tree, text
    with pytest.raises(QueryError, match="x: line 1: c# is no name of a package"):
        wanted.parse(b"c#\n", name="x")


def test_errors_name_the_line_and_the_position():
    """A query that is not understood keeps its caret."""
    with pytest.raises(QueryError, match=r"^x: line 2: ") as caught:
        wanted.parse(b"hdf5\nzlib  ^cmake@ # no\n", name="x")
    assert (caught.value.query, caught.value.position) == ("zlib  ^cmake@", 12)
    with pytest.raises(UsageError, match="x: line 2: /abc may be too many hashes; 4 characters"):
        wanted.parse(b"a\n/abc\n", name="x")
    with pytest.raises(UsageError, match="x: line 3 is not UTF-8"):
        wanted.parse(b"a\nb\n\xff", name="x")


def test_all_bad_lines_are_told_at_once():
    """Each with its number and what is wrong, what is no text and too little of a hash among them."""
    data = b"zlib ^cmake +\nhdf5\n\xff\n/abc\n- hdf5@=\n@:\n"
    with pytest.raises(ListError, match=r"^x: 5 lines are not understood$") as caught:
        wanted.parse(data, name="x")
    first, *others = caught.value.problems
    assert first.startswith("line 1: + needs the name of a variant")
    assert first.endswith(": zlib ^cmake +")
    assert [problem.partition(":")[0] for problem in others] == [
        "line 3 is not UTF-8", "line 4", "line 5", "line 6",
    ]  # fmt: skip
    assert caught.value.exit_status == 2
    with pytest.raises(ListError) as caught:
        wanted.parse(b"^\n" * 1_000, name="x")
    assert caught.value.problems[-1] == "... and 900 more"
    assert caught.value.hint == "^* is any"


@pytest.mark.parametrize("data", [b"", b"\n \r\n", b"# hdf5\n  # zlib", b"\xef\xbb\xbf"])
def test_a_list_of_nothing_is_refused(data):
    """Whatever failed to write it must not pass for all being cached."""
    with pytest.raises(UsageError, match="x has nothing to check"):
        wanted.parse(data, name="x")


@pytest.mark.parametrize("line", ["@:", "@: OR @:", "(@: zlib) OR @:"])
def test_a_line_that_everything_matches_is_refused(line):
    """It would be cached whatever is: no more is asked than by nothing."""
    with pytest.raises(QueryError, match="line 1: this asks for nothing"):
        wanted.parse(line.encode(), name="x")


SPECS = ("hdf5", "hdf5 +mpi", "hdf5@1.14:+mpi%gcc@12:", "zlib cflags='-O3'", "+mpi", "/abcd", A,
         'hdf5 cflags="-O3 -g"', "a OR hdf5", "hdf5 -mpi")  # fmt: skip


@given(
    st.sampled_from(SPECS),
    st.sampled_from(("", "- ", "-   ", "- - ", "  - ")),
    st.sampled_from("'\""),
    st.sampled_from(("", ",", " ,", " # why", ", # why", "\r")),
)
def test_what_is_pasted_of_yaml_is_the_spec_in_it(spec, dash, quote, behind):
    """Dash, quotes and comma are no part of the item, as a YAML reader would say."""
    (plain,) = wanted.parse(spec.encode(), name="x")
    within = (
        spec.replace("'", "''") if quote == "'" else spec.replace("\\", "\\\\").replace('"', '\\"')
    )
    lines = [f"{dash}{spec}{behind}", f"{dash}{quote}{within}{quote}{behind}"]
    for line in lines:
        (found,) = wanted.parse(line.encode(), name="x")
        assert found == plain, line


def test_quotes_around_a_whole_line_are_of_yaml():
    """A name in quotes is the package; within a line quotes are the query language's."""
    for line in ('"zlib"', "'zlib'", '- "zlib"', '"zlib",'):
        (found,) = wanted.parse(line.encode(), name="x")
        assert found.condition == query.Term("package", "zlib", spack=True), line
    (found,) = wanted.parse(b'"a" OR "b"', name="x")
    assert found.condition == query.Or((query.Term(None, "a"), query.Term(None, "b")))


@pytest.mark.parametrize("line", ["-hdf5", "'-mpi'", "-/abcdefg", "-hdf5 -zlib", "hdf5 OR -zlib"])
def test_a_line_that_only_excludes_is_refused(line):
    """Nearly everything meets it: a dash without its blank is no item, and no green light."""
    with pytest.raises(QueryError, match="line 1: this only says what shall not be there"):
        wanted.parse(line.encode(), name="x")


def test_the_marks_of_a_yaml_document_are_passed_over():
    """`---` and `...` begin and end one."""
    (found,) = wanted.parse(b"---\n- hdf5\n...\n", name="x")
    assert found.condition == query.Term("package", "hdf5", spack=True)


@pytest.mark.parametrize("line", ["- matrix:", "- $compilers", "- [$packages]", "specs: [hdf5]"])
def test_what_only_a_spack_yaml_has_leads_to_its_lock(line):
    """Matrices and references stand for specs that only Spack knows."""
    with pytest.raises(QueryError, match="line 1: ") as caught:
        wanted.parse(line.encode(), name="x")
    assert "check its spack.lock" in caught.value.hint


@pytest.mark.parametrize(
    ("data", "is_one"),
    [
        (b"spack:\n  specs: [hdf5]\n", True), (b"# ours\n---\nspack: # x\r\n", True),
        (b"env:\n  specs:\n  - a\n", True), (b"spack: {specs: [a]}\n", True),
        (b"hdf5\nspack\n", False), (b"- spack\n", False), (b"  spack:\n", False), (b"", False),
        (b'"spack":\n  specs: [a]\n', True), (b"spack::\n  specs: [a]\n", True),
        (b"\xef\xbb\xbfspack:\r\n", True), (b'"spack"\n', False),
    ],
)  # fmt: skip
def test_a_spack_yaml_is_recognised(data, is_one):
    """By its key, whatever stands before it."""
    assert wanted.is_spack_yaml(data) is is_one


def test_bounds(monkeypatch):
    """Neither bytes nor lines beyond the bounds are taken."""
    monkeypatch.setattr(wanted, "MAX_LINES", 3)
    assert len(wanted.parse(b"a\n" * 3, name="x")) == 3
    with pytest.raises(UsageError, match="more than 3 specs"):
        wanted.parse(b"a\n" * 4, name="x")
    monkeypatch.setattr(wanted, "MAX_BYTES", 2**20)
    with pytest.raises(UsageError, match="larger than 1 MiB"):
        wanted.parse(b" " * (2**20 + 1), name="x")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_list_or_an_error(data):
    """Never anything but those two."""
    try:
        wanted.parse(data, name="x")
    except (QueryError, UsageError) as error:
        assert "\n" not in error.message  # noqa: PT017


LINES = ("hdf5@1.14: +mpi", "filelock aarch64", "hdf5", "hdf5 +mpi", "+mpi", '"filelock"', "a OR hdf5", "%gcc@12:13 target=zen4", "a OR (b -c)", "a -cuda",
         "hdf5~mpi build_type=Release", "zlib@=1.3 OR zlib-ng", "wor~1", "py-*")  # fmt: skip
WITHIN = (
    query.Term("tag", "develop"),
    query.Term("target", "zen3,zen4", spack=True),
)


@given(
    st.lists(st.sampled_from(range(300)), max_size=250, unique=True),
    st.lists(st.sampled_from(LINES), max_size=4),
    st.sampled_from(((), WITHIN[:1], WITHIN)),
    st.booleans(),
)
def test_subscriptions_are_read_back(numbers, lines, within, first):
    """Whatever is missing: the config loads them, and a query means what was missing within the bounds."""
    hashes = [hash_of(number) for number in numbers]
    listed = wanted.parse("\n".join(lines).encode(), name="x") if lines else []
    trees = [one.condition for one in listed]
    texts = list(subscribing.queries_for(hashes, trees, within))
    read = parse(
        subscribing.yaml_of(texts, name="spack lock\x1b: {}", first=first), name="x"
    ).subscriptions
    assert [s.query for s in read] == texts
    assert all(s.first is First(first) for s in read)
    of_hashes, of_lines = read[: len(read) - len(lines)], read[len(read) - len(lines) :]
    builds = [
        Build(name, version, compiler, "os", "linux", target, ("+mpi", "build_type=Release"))
        for name, version in (("hdf5", "1.14.5"), ("zlib", "1.3"), ("py-filelock", "3"), ("a", "1"))
        for compiler in ("gcc@=12.3.0", "none")
        for target in ("zen4", "aarch64")
    ]
    for build in builds:
        for tag in ("develop", "v1"):
            place = {"source": "s", "tag": tag, "stacks": ("root",)}
            inside = all(query.matches(node, build, A, **place) for node in within)
            for spec_hash in (*hashes[:3], "z" * 32):
                found = any(
                    query.matches(s.condition, build, spec_hash, **place) for s in of_hashes
                )
                assert found == (inside and spec_hash in hashes)
            for tree, subscription in zip(trees, of_lines, strict=True):
                assert query.matches(subscription.condition, build, A, **place) == (
                    inside and query.matches(tree, build, A, **place)
                )


def test_nothing_missing_is_an_empty_list():
    """Which a config may have."""
    assert parse(subscribing.yaml_of([], name="x", first=True), name="x").subscriptions == ()


def test_a_query_beyond_the_basic_plane_is_read_as_it_is():
    """YAML has no pairs of surrogates, which JSON writes such a character as."""
    (entry,) = parse(subscribing.yaml_of(["🦀"], name="x", first=True), name="x").subscriptions
    assert entry.query == "🦀"
