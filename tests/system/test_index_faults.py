"""Whatever happens to the search index, searches answer as before, and the next writer mends it."""

import json
import os
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.nobody import let_pass
from tests.support.rig import State, Tree, call, in_parallel, owner_prefix, spec, unprivileged

QUERIES = ((), ("hdf5", "aarch64"), ("tag:develop", "-stack:gpu"))
WRITING = ("MAIN_WRITELOCK", "_MAIN_0.toc-checksums")
"""Files of the index that no search reads."""


class Indexed(NamedTuple):
    """A synced state directory, what it answers, and older and foreign indexes to put in."""

    state: State
    answers: list[dict[str, Any]]
    older: Path
    foreign: Path


def answers(state: State) -> list[dict[str, Any]]:
    return [state.search(*words) for words in QUERIES]


def build_tree(root: Path) -> Tree:
    tree = Tree(root)
    for number in range(30):
        rows = [
            spec("i", number, n, target=target, stacks=["root", "gpu" if n % 2 else "e4s"],
                 versions=[f"1.{n}.{number}"])
            for n, target in enumerate(("aarch64", "x86_64_v3", "aarch64", "zen4"))
        ]  # fmt: skip
        tree.write("develop" if number % 3 else "v1.0", f"pkg-{number}", rows)
    tree.write("develop", "hdf5", [spec("hdf5", n) for n in range(5)])
    return tree


@pytest.fixture(scope="module")
def indexed(tmp_path_factory) -> Indexed:
    root = tmp_path_factory.mktemp("indexed")
    tree = build_tree(root / "tree")
    state = State(root / "state", tree.root)
    state.sync()
    shutil.copytree(state.path / "index", root / "older", symlinks=True)
    tree.write("develop", "hdf5", [spec("hdf5", n, stacks=["root"]) for n in range(1, 7)])
    tree.write("develop", "new", [spec("new", n) for n in range(2)])
    state.sync()
    state.assert_sound()
    stranger = State(root / "stranger", build_tree(root / "tree-of-others").root)
    stranger.sync()
    return Indexed(state, answers(state), root / "older", stranger.path / "index")


def files(index: Path) -> list[str]:
    """The index's files, those without which it answers first."""
    names = os.listdir(index / "current")
    return sorted(names, key=lambda name: (name in WRITING, name))


def check(
    indexed: Indexed, workdir: Path, damage: Callable[[Path], None], *, rebuild: bool
) -> None:
    """After `damage` every search answers as before and says so in one line; a writer mends it."""
    workdir.mkdir(parents=True)
    state = indexed.state.copy_to(workdir / "state")
    damage(state.path / "index")
    verified = state.run("verify", "--json")
    differences = verified.json["differences"]
    assert verified.status == (1 if differences else 0), verified
    assert all(text.startswith("index: ") for text in differences), differences
    assert differences, "verify does not see it"
    for words, expected in zip(QUERIES, indexed.answers, strict=True):
        done = state.run("search", "--limit", 0, "--json", *words)
        assert done.status == 0, done
        found = done.json
        del found["took_ms"]
        assert found == expected, f"{words}: another answer"
        assert len(done.talk) == 1, done
        assert done.talk[0].startswith("cachesync: note: "), done
        assert "the ledger answered" in done.talk[0], done
    state.good("rebuild", "index") if rebuild else state.sync()
    state.assert_sound()
    done = state.run("search", "--limit", 0, "--json", *QUERIES[1])
    assert not done.talk, done
    assert answers(state) == indexed.answers or not rebuild, "mended, it answers otherwise"
    shutil.rmtree(workdir)


def test_the_intact_index_answers_without_a_word(indexed):
    """The baseline of everything below: the index is used, and nothing is said."""
    for words in QUERIES:
        assert not indexed.state.good("search", "--json", *words).talk


def read_files(indexed: Indexed) -> list[str]:
    return [name for name in files(indexed.state.path / "index") if name not in WRITING]


def test_truncated_files(indexed, tmp_path):
    """Each file cut at half, by two bytes, and to nothing."""

    def work(item: tuple[str, float]) -> None:
        name, part = item

        def damage(index: Path) -> None:
            path = index / "current" / name
            size = path.stat().st_size
            os.truncate(path, size - 2 if part == 1 else int(size * part))

        check(indexed, tmp_path / f"{name}-{part}", damage, rebuild=part == 0.5)

    assert not in_parallel(work, [(n, part) for n in read_files(indexed) for part in (0, 0.5, 1)])


def flip(indexed: Indexed, workdir: Path, name: str, seed: int) -> None:
    def damage(index: Path) -> None:
        path = index / "current" / name
        data = bytearray(path.read_bytes())
        chosen = random.Random(f"{name[-4:]} {seed}")
        data[chosen.randrange(len(data))] ^= 1 << chosen.randrange(8)
        path.write_bytes(data)

    check(indexed, workdir / f"{name}-{seed}", damage, rebuild=bool(seed % 2))


def test_a_flipped_bit(indexed, tmp_path):
    """One bit of each file, at random positions."""
    items = [(name, seed) for name in read_files(indexed) for seed in range(2)]
    assert not in_parallel(lambda item: flip(indexed, tmp_path, *item), items)


@pytest.mark.soak
def test_many_flipped_bits(indexed, tmp_path):
    """As above, more often."""
    items = [(name, seed) for name in read_files(indexed) for seed in range(100, 160)]
    assert not in_parallel(lambda item: flip(indexed, tmp_path, *item), items)


def replace(index: Path, other: Path) -> None:
    shutil.rmtree(index)
    shutil.copytree(other, index, symlinks=True)


def remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def replace_by_file(path: Path) -> None:
    remove(path)
    path.write_bytes(b"not an index")


def dangle(index: Path) -> None:
    (index / "current").unlink()
    (index / "current").symlink_to("999")


def remove_half(index: Path) -> None:
    for name in read_names(index)[::2]:
        (index / "current" / name).unlink()


def read_names(index: Path) -> list[str]:
    return [name for name in files(index) if name not in WRITING]


def empty_current(index: Path) -> None:
    for path in (index / "current").iterdir():
        path.unlink()


def current_is_directory(index: Path) -> None:
    (index / "current").unlink()
    (index / "current").mkdir()


def current_loops(index: Path) -> None:
    (index / "current").unlink()
    (index / "current").symlink_to("current")


def garbage(index: Path) -> None:
    for name in read_names(index):
        (index / "current" / name).write_bytes(random.Random(name[-4:]).randbytes(3000))


def foreign_segment(index: Path) -> None:
    """The right names with the content of others: only a checksum can tell."""
    segments = [n for n in read_names(index) if n.endswith(".seg")]
    path = index / "current" / segments[0]
    data = bytearray(path.read_bytes())
    half = len(data) // 2
    path.write_bytes(bytes(data[half:] + data[:half]))


DAMAGES: dict[str, Callable[[Path], None]] = {
    "deleted": shutil.rmtree,
    "half deleted": remove_half,
    "every file deleted": empty_current,
    "the directory it is in is a file": replace_by_file,
    "current deleted": lambda index: (index / "current").unlink(),
    "current dangling": dangle,
    "current a loop": current_loops,
    "current a file": lambda index: replace_by_file(index / "current"),
    "current an empty directory": current_is_directory,
    "garbage": garbage,
    "halves exchanged": foreign_segment,
}


@pytest.mark.parametrize(
    ("damage", "rebuild"),
    [
        pytest.param(damage, rebuild, id=f"{damage}, {'rebuild' if rebuild else 'sync'}",
                     marks=[pytest.mark.soak] if rebuild is not bool(number % 2) else [])
        for number, damage in enumerate(DAMAGES) for rebuild in (False, True)
    ],
)  # fmt: skip
def test_a_damaged_index(indexed, tmp_path, damage, rebuild):
    """Searches answer from the ledger, one line says so, `verify` names it, writers mend it."""
    check(indexed, tmp_path / "work", DAMAGES[damage], rebuild=rebuild)


@pytest.mark.parametrize("rebuild", [False, True], ids=["sync", "rebuild"])
def test_the_index_of_another_ledger(indexed, tmp_path, rebuild):
    """An index that is sound but of another ledger is not believed."""
    check(indexed, tmp_path / "w", lambda index: replace(index, indexed.foreign), rebuild=rebuild)


def test_each_file_deleted(indexed, tmp_path):
    """Without any one of its files the index is not used, or not needed."""

    def work(name: str) -> None:
        def damage(index: Path) -> None:
            (index / "current" / name).unlink()

        check(indexed, tmp_path / name, damage, rebuild=True)

    assert not in_parallel(work, read_files(indexed))


def test_an_older_copy_of_the_index_is_only_behind(indexed, tmp_path):
    """An index of an hour ago answers as of now: what changed since is asked of the ledger."""
    state = indexed.state.copy_to(tmp_path / "state")
    replace(state.path / "index", indexed.older)
    verified = state.good("verify", "--json").json
    assert verified["differences"] == []
    assert verified["index"]["behind"] > 0
    assert answers(state) == indexed.answers
    state.sync()
    state.assert_sound()


def restore_older(indexed: Indexed, workdir: Path) -> State:
    """A state directory whose ledger was restored from a backup older than its index."""
    state = indexed.state.copy_to(workdir / "state")
    state.good("backup", workdir / "copy.sqlite")
    tree = Tree(workdir / "more")
    tree.write("develop", "later", [spec("later", n, versions=[f"2.{n}"]) for n in range(3)])
    State(state.path, *indexed.state.sources, tree.root).sync()
    for path in state.path.glob("ledger.sqlite*"):
        path.unlink()
    shutil.copy(workdir / "copy.sqlite", state.path / "ledger.sqlite")
    return state


def test_an_index_ahead_of_the_ledger_is_not_believed(indexed, tmp_path):
    """Over a restored ledger searches answer what that ledger holds; `verify` names the index."""
    state = restore_older(indexed, tmp_path)
    done = state.run("verify", "--json")
    assert done.status == 1, done
    assert any("another past" in text for text in done.json["differences"]), done
    for words, expected in zip(QUERIES, indexed.answers, strict=True):
        found = state.search(*words)
        assert (found["builds"], found["specs"]) == (expected["builds"], expected["specs"]), words
        assert found == expected


def test_an_index_ahead_of_the_ledger_is_mended(indexed, tmp_path):
    """The next sync sees that the index is of a future that did not come."""
    state = restore_older(indexed, tmp_path)
    state.config()
    state.sync()
    state.assert_sound()
    assert state.search("later")["builds"] == 0


def test_an_index_of_another_future_is_mended(indexed, tmp_path):
    """Also when that sync makes more changes than the index was ahead: the same number is not
    the same change."""
    state = restore_older(indexed, tmp_path)
    tree = Tree(tmp_path / "other")
    tree.write("develop", "other", [spec("other", n, versions=[f"3.{n}"]) for n in range(40)])
    restored = State(state.path, *indexed.state.sources, tree.root)
    restored.sync()
    restored.assert_sound()
    assert restored.search("later")["builds"] == 0
    assert restored.search("other")["builds"] == 40


# -- searching without the right to write


def freeze(path: Path) -> None:
    """Nobody without special rights may change anything below."""
    for folder, _, names in os.walk(path):
        for name in names:
            if not os.path.islink(os.path.join(folder, name)):
                os.chmod(os.path.join(folder, name), 0o444)
        os.chmod(folder, 0o555)


@pytest.fixture
def frozen(indexed, tmp_path) -> Callable[[Path], State]:
    prefix = unprivileged()
    if prefix is None:
        pytest.skip("no way to give up the rights of root here (setpriv is missing)")
    if prefix and "--reuid=65534" in prefix:
        let_pass(tmp_path, indexed.state.path.parent)

    def freezing(state_dir: Path) -> State:
        freeze(state_dir)
        probe = call([*prefix, "touch", os.fspath(state_dir / "x")])
        assert probe.status != 0, "the state directory can still be written to"
        return State(state_dir, prefix=prefix)

    return freezing


def test_a_user_without_write_permission_searches_a_closed_ledger(indexed, frozen, tmp_path):
    """With no writer about, and no WAL, every reading command works without a word."""
    state = indexed.state.copy_to(tmp_path / "state")
    state.sync()
    assert (state.path / "ledger.sqlite-wal").stat().st_size == 0
    reader = frozen(state.path)
    assert [{**a, "as_of": None} for a in answers(reader)] == [
        {**a, "as_of": None} for a in indexed.answers
    ]
    for arguments in (("status",), ("changes",), ("show", "hdf5"), ("verify",)):
        assert not reader.good(*arguments).talk


def test_a_user_without_write_permission_searches_a_left_wal(indexed, frozen, tmp_path):
    """A writer that was killed leaves a WAL: what it committed is found, by this user too."""
    state = indexed.state.copy_to(tmp_path / "state")
    program = (
        "import os, sqlite3, sys\n"
        "db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "db.execute('UPDATE source SET last_attempt = last_attempt + 1')\n"
        "os.kill(os.getpid(), 9)\n"
    )
    ledger = os.fspath(state.path / "ledger.sqlite")
    assert call([sys.executable, "-c", program, ledger]).status == -9
    assert (state.path / "ledger.sqlite-wal").stat().st_size > 0
    reader = frozen(state.path)
    assert answers(reader) == indexed.answers
    for arguments in (("status",), ("changes",), ("show", "hdf5"), ("verify",)):
        assert not reader.good(*arguments).talk


def test_a_user_without_write_permission_and_a_damaged_index(indexed, frozen, tmp_path):
    """Where the index is damaged the ledger answers this user too, in one line more."""
    state = indexed.state.copy_to(tmp_path / "state")
    garbage(state.path / "index")
    reader = frozen(state.path)
    done = reader.good("search", "--limit", 0, "--json", *QUERIES[1])
    assert json.loads(done.out)["results"] == indexed.answers[1]["results"]
    assert len(done.talk) == 1


def test_a_writer_without_write_permission_says_so(indexed, frozen, tmp_path):
    """Syncing into a directory one may not write is one error with a hint."""
    state = indexed.state.copy_to(tmp_path / "state")
    reader = frozen(state.path)
    done = reader.run("sync", "--pages", os.fspath(indexed.state.sources[0]))
    assert done.status == 1, done
    assert len(done.talk) == 2, done
    assert done.talk[0].startswith("cachesync: error: "), done
    assert done.talk[1].startswith("hint: "), done


def test_an_index_that_may_not_be_read(indexed, tmp_path):
    """An index without read permission is one more that cannot be used."""
    if unprivileged() is None:
        pytest.skip("no way to give up the rights of root here (setpriv is missing)")
    state = indexed.state.copy_to(tmp_path / "state")
    reader = State(state.path, prefix=owner_prefix())
    os.chmod(state.path / "index", 0)
    done = reader.good("search", "--limit", 0, "--json", *QUERIES[1])
    assert json.loads(done.out)["results"] == indexed.answers[1]["results"]
    assert len(done.talk) == 1
    assert "Permission denied" in done.talk[0]
    assert b"Permission denied" in reader.good("status").out
    os.chmod(state.path / "index", 0o755)
