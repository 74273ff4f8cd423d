"""Reading a spack.lock (lockfile.py): its versions, what is in it, and what is refused."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.errors import UsageError
from cachesync.spack import lockfile
from tests.support.locks import entry, lock, text
from tests.support.world import hash_of

A, B, C, D = (hash_of(number) for number in range(1, 5))


def parse(document, name: str = "spack.lock") -> lockfile.Lock:
    return lockfile.parse(text(document), name=name)


@pytest.mark.parametrize("version", [4, 5, 6, 7])
def test_each_version(version):
    """Versions 4 to 7 say the same, each in its own way."""
    found = parse(
        lock(
            [A],
            entry(A, "hdf5", link=[B], build=[C], version=version),
            entry(B, "zlib", version=version),
            entry(C, "cmake", version=version),
            version=version,
        )
    )
    assert found.roots == (lockfile.Root(A, "hdf5"),)
    assert found.specs[A] == lockfile.LockSpec(
        A, "hdf5", "1.2", "ubuntu24.04", "linux", "x86_64_v3",
        external=False, developed=False, lasting=(B,), for_build=(C,),
    )  # fmt: skip


def test_a_target_with_its_features_is_its_name():
    """Unknown microarchitectures are written as an object."""
    spec = entry(A, "hdf5")
    spec["arch"]["target"] = {"name": "zen4", "vendor": "AMD", "features": ["avx"], "parents": []}
    assert parse(lock([A], spec)).specs[A].target == "zen4"


def test_external_and_developed_specs():
    """`external` is an object, `dev_path` a parameter; null is neither."""
    specs = [entry(h, "x") for h in (A, B, C, D)]
    specs[0]["external"] = {"path": "/usr", "module": None, "extra_attributes": {}}
    specs[1]["parameters"]["dev_path"] = "/home/me/src"
    specs[2]["external"] = None
    found = parse(lock([A], *specs)).specs
    assert [(found[h].external, found[h].developed) for h in (A, B, C, D)] == [
        (True, False), (False, True), (False, False), (False, False),
    ]  # fmt: skip


def test_included_environments_are_part_of_it():
    """Their roots and specs count, however deep they are included; shared specs once."""
    document = lock([A], entry(A, "hdf5", link=[B]), entry(B, "zlib"), version=5)
    inner = lock([C, B], entry(C, "cmake"), entry(B, "zlib"))
    innermost = lock([D], entry(D, "perl"))
    inner["include_concrete"] = {"/envs/innermost": innermost}
    document["include_concrete"] = {"/envs/inner": inner}
    found = parse(document)
    assert [root.hash for root in found.roots] == [A, C, B, D]
    assert found.specs.keys() == {A, B, C, D}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"{", "no JSON: Input data was truncated"),
        (b'{\n "_meta": {},\n "roots": ]', "at line 3, column 11"),
        (b"[]", "no lockfile: Expected `object`, got `array`"),
        (b"{}", "no spack.lock: it has no _meta"),
        (b'{"_meta": {"file-type": "package-lock"}}', "no spack.lock"),
        (text(lock([], version=3)), "lockfile version 3, which knows its specs by other hashes"),
        (text(lock([], version=8)), "lockfile version 8; this cachesync reads 4 to 7"),
        (text(lock([A])), "the root spec-of-root .* is not in concrete_specs"),
        (
            text(lock([A], entry(A, "hdf5", link=[B]))),
            "hdf5 .* depends on .* not in concrete_specs",
        ),
        (text(lock([], entry("A" * 32, "hdf5"))), "a key that is no hash: AAAA"),
        (b'{"roots": [{"hash": 3}]}', r"Expected `str`, got `int` - at `\$\.roots\[0\]\.hash`"),
        (b'{"concrete_specs": {"a": 1}}', r"at `\$\.concrete_specs\[\.\.\.\]`"),
        (b'{"concrete_specs": {"a": {"name": "\xff"}}}', "no JSON"),
        (b'{"x": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"include_concrete": {"a": ' * 50_000, "nested too deeply"),
    ],
    ids=range(15),
)
def test_what_is_refused(data, says):
    """One line that says what is wrong, and where."""
    with pytest.raises(UsageError, match=says) as caught:
        lockfile.parse(data, name="spack.lock")
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 300


V3 = b'{"_meta": {"file-type": "spack-lockfile", "lockfile-version": %d}, '


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize(
    "body",
    [
        b'"roots": [], "concrete_specs": {"a": {"zlib": {"version": "1.2.11"}}}}',
        b'"roots": [{"hash": "a", "spec": "zlib"}], "concrete_specs": {"a": {"zlib": {}}}}',
        b'"roots": 7, "concrete_specs": []}\n',
    ],
)
def test_an_old_version_is_named_whatever_its_body(version, body):
    """Versions 1 to 3 have another shape: the version is what one has to hear of."""
    with pytest.raises(UsageError, match=f"has lockfile version {version}, which knows") as caught:
        lockfile.parse(V3 % version + body, name="spack.lock")
    assert "concretize" in caught.value.hint


@pytest.mark.parametrize(
    "behind", [b"\n", b"x", b" {}", b"}", b"\n<<<<<<< HEAD\n", b"\x00\xff", b"]"]
)
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\n "])
def test_bytes_behind_the_document_are_nothing(before, behind):
    """As to Spack's reader, which stops where the JSON ends."""
    whole = text(lock([A], entry(A, "hdf5")))
    assert lockfile.parse(before + whole + behind, name="x") == lockfile.parse(whole, name="x")
    with pytest.raises(UsageError, match="lockfile version 3"):
        lockfile.parse(before + text(lock([A], version=3)) + behind, name="x")


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"", "is empty"), (b" \n", "is empty"), (text(lock([])), "no roots"),
     (text(lock([], entry(A, "hdf5"))), "no roots")],
)  # fmt: skip
def test_a_lock_that_asks_for_nothing_is_refused(data, why):
    """Whatever failed to write it must not pass for all being cached."""
    with pytest.raises(UsageError, match=f"spack.lock has nothing to check: .*{why}"):
        lockfile.parse(data, name="spack.lock")


def test_bounds(monkeypatch):
    """Neither bytes nor specs beyond the bounds are taken."""
    monkeypatch.setattr(lockfile, "MAX_SPECS", 2)
    specs = [entry(h, "x") for h in (A, B, C)]
    assert len(parse(lock([A], *specs[:2])).specs) == 2
    with pytest.raises(UsageError, match="more than 2 specs"):
        parse(lock([A], *specs))
    monkeypatch.setattr(lockfile, "MAX_BYTES", 2**20)
    with pytest.raises(UsageError, match="larger than 1 MiB"):
        lockfile.parse(b" " * (2**20 + 1), name="x")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = ("_meta", "roots", "concrete_specs", "include_concrete", "spack")


@given(st.dictionaries(st.sampled_from(KEYS), json_values) | json_values)
def test_any_json_is_a_lock_or_an_error(document):
    """Whatever the shape: a lock, or a UsageError of one line."""
    data = json.dumps(document).encode()
    try:
        lockfile.parse(data, name="x")
    except UsageError as error:
        assert "\n" not in error.message  # noqa: PT017


@given(st.data())
def test_a_damaged_lock_is_a_lock_or_an_error(data):
    """A byte changed anywhere, or the end cut off: never anything but those two."""
    whole = text(lock([A], entry(A, "hdf5", link=[B]), entry(B, "zlib")))
    at = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255))
    for damaged in (whole[:at], whole[:at] + bytes([byte]) + whole[at + 1 :]):
        try:
            lockfile.parse(damaged, name="x")
        except UsageError as error:
            assert "\n" not in error.message  # noqa: PT017


@pytest.mark.parametrize("count", [10_000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_very_many_specs_are_read(count):
    """A hundred thousand in seconds, not minutes, and as much less for fewer."""
    hashes = [hash_of(number) for number in range(count)]
    specs = [
        entry(h, "x", link=[hashes[(number * 7 + 1) % len(hashes)]])
        for number, h in enumerate(hashes)
    ]
    data = text(lock(hashes[:1], *specs))
    started = time.process_time()
    assert len(lockfile.parse(data, name="x").specs) == count
    assert time.process_time() - started < 20 * count / 100_000
