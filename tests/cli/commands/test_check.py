"""`check`: how much of a lock or a list is cached."""

import subprocess

import pytest

from cachesync.config.file import parse
from tests.support.commands import NEW, OLD, A, C
from tests.support.console import assert_error, on_terminal
from tests.support.locks import entry, lock, text
from tests.support.world import hash_of, spec


def test_check_a_lock(site, lockfile):
    """Coverage by root and in total, where each spec is, and status 1 while something is missing."""
    document = site.run("check", lockfile, "--json", status=1).json
    assert (document["schema"], document["kind"]) == (1, "lock")
    assert document["total"] == {
        "total": 6, "cached": 2, "missing": 2, "unexpected": 2, "coverage": 0.5,
    }  # fmt: skip
    roots = {root["spec"]: root for root in document["roots"]}
    assert (roots["hdf5"]["cached"], roots["hdf5"]["missing"], roots["hdf5"]["total"]) == (2, 1, 3)
    assert (roots["petsc"]["missing"], roots["petsc"]["unexpected"]) == (2, 2)
    statuses = {one["spec"]: one["status"] for one in document["specs"]}
    assert statuses == {
        "hdf5@1.2": "cached", "zlib@1.2": "cached", "petsc@1.2": "missing", "cmake@1.2": "missing",
        "openmpi@1.2": "external", "mine@1.2": "developed",
    }  # fmt: skip
    (hdf5,) = (one for one in document["specs"] if one["spec"] == "hdf5@1.2")
    assert {place["tag"] for place in hdf5["placements"]} == {OLD, NEW, "develop"}
    assert {row["tag"]: row["specs"] for row in document["tags"]} == {OLD: 2, NEW: 1, "develop": 1}


def test_a_lock_may_begin_with_a_bom(site, lockfile):
    """As a list may: editors of other systems write one."""
    plain = site.run("check", lockfile, status=1).out
    lockfile.write_bytes(b"\xef\xbb\xbf" + lockfile.read_bytes())
    assert site.run("check", lockfile, status=1).out == plain


@pytest.mark.parametrize("count", [1, 20_000])
@pytest.mark.parametrize("options", [(), ("--json",), ("--subscription",)])
def test_a_reader_who_leaves_changes_no_status(site, tmp_path, count, options):
    """`check list | head -1` is still 1, whether or not all of it was written by then."""
    (tmp_path / "list").write_text("".join(f"/{hash_of(n)}\n" for n in range(1_000, 1_000 + count)))
    with site.start("check", tmp_path / "list", *options) as process:
        process.stdout.close()
        error = process.stderr.read()
        assert process.wait(60) == 1
    assert "Traceback" not in error
    assert "BrokenPipe" not in error


def test_check_within_bounds(site, lockfile):
    """A tag, a source, a machine and no build dependencies narrow what counts."""

    def counts(*arguments):
        total = site.run("check", lockfile, "--json", *arguments, status=1).json["total"]
        return total["cached"], total["missing"]

    assert counts("--tag", "develop") == (1, 3)
    assert counts("--tag", OLD, "--source", "site") == (2, 2)
    assert counts("--runs-on", "zen4") == (1, 3)
    assert counts("--no-build-deps") == (2, 1)
    unsuitable = site.run("check", lockfile, "--json", "--runs-on", "zen4", status=1).json["specs"]
    assert [one["spec"] for one in unsuitable if one["status"] == "unsuitable"] == ["zlib@1.2"]
    site.run("check", lockfile, "--runs-on", "host", status=1)


def test_check_everything_cached(site, tmp_path):
    """Nothing missing is status 0, and the subscriptions are none."""
    path = tmp_path / "spack.lock"
    path.write_bytes(text(lock([A], entry(A, "hdf5", link=[C]), entry(C, "zlib"))))
    assert "2 of 2 specs cached (100.0%), 0 missing" in site.run("check", path).err
    assert "subscriptions: []" in site.run("check", path, "--subscription").out


def test_check_for_people(site, lockfile):
    """Roots, what is missing, tags and the sum."""
    shown = on_terminal(site, "check", lockfile)
    for part in ("ROOT", "petsc", "missing: 2", f"cmake@1.2 x86_64_v3 /{hash_of(2)}",
                 "2 of 4 specs cached (50.0%), 2 missing; 1 external; 1 developed"):  # fmt: skip
        assert part in shown


def test_check_a_list(site, tmp_path):
    """Specs in Spack's syntax, words and hashes, a line each, with comments; also from a pipe."""
    path = tmp_path / "list"
    path.write_text(
        f"# what we need\nhdf5@1.14.6: %gcc@13  # newest\n\n/{A}\n{C}\n/eeee\nzlib@2:\n/{'z' * 32}\n"
    )
    document = site.run("check", path, "--json", status=1).json
    found = [(one["line"], one["status"]) for one in document["specs"]]
    assert found == [
        (2, "cached"), (4, "cached"), (5, "cached"), (6, "cached"), (7, "missing"), (8, "missing"),
    ]  # fmt: skip
    assert document["total"]["coverage"] == 0.6667
    within = site.run("check", path, "--json", "--tag", NEW, status=1).json
    assert [one["status"] for one in within["specs"]] == [
        "cached", "cached", "missing", "cached", "missing", "missing",
    ]  # fmt: skip
    piped = subprocess.run(
        site.command("check", "-"), env=site.environment, check=False,
        input=f"{A}\n", text=True, capture_output=True,
    )  # fmt: skip
    assert (piped.returncode, piped.stdout.split("\n")[1].split("\t")[0]) == (0, "cached")


def test_a_line_names_one_package_and_no_other(world):
    """zlib-ng is no zlib: what only contains the word does not answer for it, not even later."""
    world.page("develop", "zlib-ng", spec("a", variants=["+shared"]))
    world.sync()
    for line, status in (("zlib", "missing"), ("zlib +shared", "missing"), ("zlib-ng", "cached"),
                         ("zlib-ng +shared", "cached"), ('"zlib"', "missing")):  # fmt: skip
        (world.root / "list").write_text(f"{line}\n")
        missing = int(status == "missing")
        found = world.run("check", "list", "--json", status=missing).json["specs"]
        assert [one["status"] for one in found] == [status], line
        text = world.run("check", "list", "--subscription", status=missing).out
        for subscription in parse(text, name="x").subscriptions:
            assert world.run("search", subscription.query, "--json").json["builds"] == 0


def test_check_a_list_of_specs_with_hashes(site, tmp_path):
    """What `spack find --format '{name}{@version}/{hash}'` prints: name and hash must agree."""
    path = tmp_path / "list"
    path.write_text(f"hdf5@1.14.5/{A}\nzlib/{A}\nhdf5@1.14.6/eee\nhdf5/{hash_of(1)}\n")
    document = site.run("check", path, "--json", status=1).json
    assert [one["status"] for one in document["specs"]] == [
        "cached",
        "missing",
        "cached",
        "missing",
    ]
    machine = site.run("check", path, "--json", "--runs-on", "zen4", status=1).json
    assert [one["status"] for one in machine["specs"]] == [
        "cached", "missing", "unsuitable", "missing",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"hdf5\nzlib ^\n", "list: line 2: ^ needs the name of a package"),
        (b"hdf5\n\xff\n", "line 2 is not UTF-8"),
        (b'{"_meta": {}}', "no spack.lock: it has no _meta with file-type"),
        (b'\n {"_meta": ', "no JSON"),
    ],
)
def test_files_that_are_not_understood(site, tmp_path, content, says):
    """One line with the position, status 2."""
    (tmp_path / "list").write_bytes(content)
    result = site.run("check", tmp_path / "list", status=2)
    assert_error(result)
    assert says in result.err


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["/nonexistent"], 2, "cannot read /nonexistent: No such file"),
        (["/"], 2, "cannot read /: Is a directory"),
        (["{}", "--tag", "develp"], 1, "there is no tag develp"),
        (["{}", "--source", "other"], 1, "no source is called other"),
        (["{}", "--runs-on", "zen99"], 2, "archspec knows no target zen99"),
    ],
)
def test_what_cannot_be_checked(site, lockfile, arguments, status, says):
    """Files and targets that do not exist are status 2, tags and sources that are not there 1."""
    filled = [str(lockfile) if argument == "{}" else argument for argument in arguments]
    assert_error(site.run("check", *filled, status=status), says)


def test_the_subscriptions_for_what_is_missing(site, tmp_path):
    """They are read by the config as they stand, and together match exactly what is missing."""
    missing = [hash_of(number) for number in range(250)]
    path = tmp_path / "my list.txt"
    path.write_text("".join(f"/{h}\n" for h in [*missing, A]) + "zlib@9: +mpi\nhdf5 OR zlib@9\n")
    result = site.run("check", path, "--subscription", "--tag", "develop", status=1)
    read = parse(result.out, name="x").subscriptions
    assert [s.name for s in read] == [f"my-list.txt-{n}" for n in (1, 2, 3, 4)]
    assert {s.first for s in read} == {False}
    from cachesync import query
    from cachesync.model import Build

    build = Build("p", "1", "none", "os", "linux", "aarch64", ())
    where = {"source": "site", "stacks": ("root",)}
    for tag in ("develop", "v1"):
        matched = {
            h
            for h in [*missing, A]
            if any(query.matches(s.condition, build, h, tag=tag, **where) for s in read)
        }
        assert matched == (set(missing) if tag == "develop" else set())
    everywhere = site.run("check", path, "--subscription", status=1).out
    assert "first: false" not in everywhere
    assert len(parse(everywhere, name="x").subscriptions) == 4
