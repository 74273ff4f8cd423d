"""What `check` makes of a file: nothing to check, YAML, bad lines, minuses; and of several systems."""

import subprocess

import pytest

from cachesync import query
from cachesync.config.file import parse as parse_config
from tests.support.console import assert_error
from tests.support.locks import entry, lock, text
from tests.support.world import World, spec

A, B = "a" * 32, "b" * 32


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> World:
    """One tag. Read only."""
    world = World(tmp_path_factory.mktemp("site"))
    world.page("develop", "hdf5", spec("a", target="x86_64_v3"), spec("b", target="x86_64_v3"))
    world.page("develop", "zlib", spec("c"))
    world.sync()
    return world


@pytest.mark.parametrize("options", [(), ("--json",), ("--subscription",)])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list", b""), ("list", b"# nothing\n"), ("spack.lock", b""), ("my.lock", b"\n"),
        ("spack.lock", text(lock([]))), ("-", b""), ("-", b"\n# x\n"),
    ],
)  # fmt: skip
def test_nothing_to_check_is_no_yes(site, tmp_path, name, content, options):
    """A list or a lock that a failed producer left empty is status 2, and no answer."""
    (tmp_path / name).write_bytes(content)
    found = subprocess.run(
        site.command("check", name, *options), env=site.environment, check=False,
        cwd=tmp_path, input=content, capture_output=True,
    )  # fmt: skip
    assert (found.returncode, found.stdout) == (2, b"")
    assert b"nothing to check" in found.stderr


@pytest.mark.parametrize("query", ["", " ", "@:", "hdf5@99 OR @:"])
def test_nothing_to_wait_for_is_no_yes(site, query):
    """`wait "$SPEC"` without a SPEC does not say that it is there."""
    assert_error(site.run("wait", query, status=2), "there is nothing to wait for")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("spack.yaml", b"spack:\n  specs: [hdf5]\n"), ("x", b"# ours\nspack:\n  view: true\n"),
        ("spack.lock", b"spack:\n  specs:\n  - hdf5\n"), ("spack.yaml", b"specs: [hdf5]\n"),
        ("spack.lock", b"specs: [hdf5]\n"), ("spack.lock", b"# ours\n\n- hdf5\n"),
    ],
)  # fmt: skip
def test_a_spack_yaml_leads_to_its_lock(site, tmp_path, name, content):
    """Whatever it is called: what it asks for is known once it is concretized."""
    (tmp_path / name).write_bytes(content)
    result = site.run("check", tmp_path / name, status=2)
    assert_error(result, "this is a spack.yaml; give its spack.lock")


def test_a_spack_lock_is_a_lock(site, tmp_path):
    """By its name: what is no JSON in it is no list either."""
    (tmp_path / "spack.lock").write_text("<html>\nhdf5\n")
    assert_error(site.run("check", tmp_path / "spack.lock", status=2), "no JSON")


def test_check_lines_pasted_from_yaml(site, tmp_path):
    """Each is the spec in it, and shown as that."""
    (tmp_path / "list").write_text(
        '  - hdf5 %gcc@13  # newest\n- \'zlib\'\n"hdf5 +mpi",\n- "hdf5@9"\n'
    )
    specs = site.run("check", tmp_path / "list", "--json", status=1).json["specs"]
    assert [(one["line"], one["spec"], one["status"]) for one in specs] == [
        (1, "hdf5 %gcc@13", "cached"), (2, "zlib", "cached"), (3, "hdf5 +mpi", "cached"),
        (4, "hdf5@9", "missing"),
    ]  # fmt: skip


@pytest.fixture
def switched(world):
    """hdf5 with and without mpi at one version each, on two systems."""
    world.page("develop", "hdf5", spec("a", versions=["1.14.6"], variants=["+mpi"], os="os1"),
               spec("b", versions=["1.12.3"], variants=["~mpi"], os="os2"))  # fmt: skip
    world.page("develop", "zlib", spec("c", variants=["+shared"], os="os1"))
    world.page("v1", "hdf5", spec("a", versions=["1.14.6"], variants=["+mpi"], os="os1"),
               spec("b", versions=["1.12.3"], variants=["~mpi"], os="os2"))  # fmt: skip
    world.sync()
    return world


@pytest.mark.parametrize(
    ("line", "read_as", "status"),
    [
        ("hdf5@1.14.6 -mpi", "hdf5@1.14.6 ~mpi", "missing"), ("hdf5 -mpi", "hdf5 ~mpi", "cached"),
        ("- hdf5@1.14.6 -mpi # why", "hdf5@1.14.6 ~mpi", "missing"),
        ("hdf5@1.14.6/aaaa -mpi", "hdf5@1.14.6/aaaa ~mpi", "missing"),
        ("hdf5@1.14.6 -shared", None, "cached"), ("hdf5@1.14.6 -zlib", None, "cached"),
        ("zlib -mpi", None, "cached"), ('hdf5@1.14.6 -"mpi"', None, "cached"),
    ],
)  # fmt: skip
def test_a_minus_in_a_list_is_a_variant_off(switched, line, read_as, status):
    """Where the package has such a variant; that is said, and so is what still excludes."""
    (switched.root / "list").write_text(f"{line}\n")
    result = switched.run("check", "list", "--json", status=int(status == "missing"))
    (found,) = result.json["specs"]
    assert (found["status"], found.get("read_as")) == (status, read_as)
    said = "`-mpi` was read as `~mpi`: variant off (line 1)" in result.err
    assert said is (read_as is not None)
    assert ("excludes: it stands behind no package" in result.err) is (
        read_as is None and '"' not in line
    )
    assert switched.run("-q", "check", "list", "--json", status=None).err == ""
    if status == "missing":
        subscriptions = switched.run("check", "list", "--subscription", status=1).out
        (subscription,) = parse_config(subscriptions, name="x").subscriptions
        assert subscription.condition == query.parse(read_as)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hdf5 -mpi", "`-mpi` excludes, and turns no variant off: variant off is `~mpi`"),
        ("-mpi hdf5@1.14:", "`-mpi` excludes, and turns no variant off: variant off is `~mpi`"),
        ("package:hdf5 -mpi", "variant off is `~mpi`"), ("hdf5@1: -mpi+cxx", "is `~mpi`"),
        ("hdf5 -foo", "`-foo` excludes nothing: variant off is `~foo`"),
        ("hdf5 -foo OR zlib", "`-foo` excludes nothing"),
        ("hdf5 -v1", None), ("hdf5 -v1 OR zlib", None), ("zlib -v1", "`-v1` excludes nothing"),
        ("hdf5 -os2", None), ("hdf5 -target:zen4", None), ("hdf5 ~mpi", None), ("hdf5 -(foo)", None),
        ("nothing -foo", None), ('hdf5 -"foo"', None),
    ],
)  # fmt: skip
def test_a_minus_in_a_search_excludes_and_that_is_said(switched, text, says):
    """Where it excludes nothing, or names a variant of the package; the answer is what it was."""
    said = []
    for command in (
        ("search", text), ("search", text, "--json"), ("search", text, "--group-by", "package"),
        ("wait", "--timeout", "1ms", text), ("diff", "develop", "develop", text),
    ):  # fmt: skip
        said.append(switched.run(*command, status=None).err)
        assert switched.run("-q", *command, status=None).err == ""
    quoted = text.replace("'", "''")
    switched.configure(
        f"subscriptions:\n- name: all\n  query: '{quoted}'\n  targets: [{{type: command, argv: [x]}}]"
    )
    test = ("subscriptions", "test", "all", "--dry-run")
    said.append(switched.run(*test).err)
    assert switched.run("-q", *test).err == ""
    for err in said:
        assert says in err if says else "variant off" not in err, err
    if text == "hdf5 -mpi":
        assert switched.run("search", text, "--json").json["builds"] == 2


@pytest.mark.parametrize(
    "command", [("search",), ("wait", "--timeout", "1ms"), ("diff", "develop", "develop")]
)
def test_to_spack_a_minus_is_a_variant_off_and_nothing_is_said(switched, command):
    """`--spack` reads Spack's own syntax, where `-mpi` means `~mpi`."""
    result = switched.run(*command, "--spack", "1.x", "hdf5 -mpi", status=None)
    assert "excludes" not in result.err


def test_a_word_that_excludes_is_no_option_of_wait(switched):
    """Also where it has an h; `-h` alone is help."""
    assert switched.run("wait", "-hdf5", "zlib").out == "1 build, 1 spec\n"
    assert switched.run("wait", "-h").out.startswith("Usage:")


def test_wait_says_what_a_minus_does_when_the_package_comes(world):
    """At its start no build says that there is such a variant; the one it ends with does."""
    world.page("develop", "zlib", spec("c"))
    world.sync()
    with world.start("wait", "--timeout", "30s", "hdf5 -mpi") as waiting:
        assert "waiting for `hdf5 -mpi`" in waiting.stderr.readline()
        world.page("develop", "hdf5", spec("a", variants=["~mpi"]))
        world.sync()
        out, err = waiting.communicate(timeout=30)
    assert out == "1 build, 1 spec\n"
    assert err.count("variant off is `~mpi`") == 1


@pytest.mark.parametrize(
    ("lines", "systems"),
    [
        ("hdf5\n", "(os1, os2): add os=os1"), ("hdf5@1.14:\nhdf5@:1.12\n", "(os1, os2)"),
        ("hdf5 os=os1\nzlib\n", None), ("zlib\nhdf5@1.14.6\n", None),
        (f"/{A}\n/{B}\n", "(os1, os2)"), (f"/{A}\n", None), ("hdf5@9\nzlib\n", None),
    ],
)  # fmt: skip
def test_a_machine_has_one_system(switched, lines, systems):
    """`check --runs-on` says so as `search --runs-on` does, unless the lines name one."""
    (switched.root / "list").write_text(lines)
    result = switched.run("check", "list", "--runs-on", "aarch64", "--json", status=None)
    assert any(one["status"] == "cached" for one in result.json["specs"])
    said = f"these are for several systems {systems}"
    assert said in result.err if systems else "several systems" not in result.err
    assert "several systems" not in switched.run("check", "list", status=None).err


def test_a_lock_of_several_systems_is_told(site, tmp_path):
    """Of specs that are cached and no externals; a hash leaves no choice."""
    other = {"platform": "linux", "platform_os": "rocky9", "target": "x86_64_v3"}
    for external, says in ((None, True), ({"path": "/usr"}, False)):
        document = lock([A, B], entry(A, "hdf5"), entry(B, "hdf5", arch=other, external=external))
        (tmp_path / "lock").write_bytes(text(document))
        said = site.run("check", tmp_path / "lock", "--runs-on", "zen4").err
        assert ("several systems (rocky9, ubuntu24.04): a machine has one" in said) is says


def test_check_tells_all_bad_lines(site, tmp_path):
    """One a line on standard error, status 2, and no answer."""
    (tmp_path / "list").write_text("hdf5 ^cmake@\nzlib\n/abc\n\x1b[31m ^\n")
    result = site.run("check", tmp_path / "list", status=2)
    assert result.out == ""
    assert "list: 3 lines are not understood" in result.err
    for part in ("  line 1: @ needs a version", "  line 3: /abc may be", "  line 4: "):
        assert part in result.err
    assert "\x1b" not in result.err


def test_to_spack_a_minus_needs_no_note(switched):
    """There `-mpi` is `~mpi`, so nothing is said to be excluded; without `--spack` it is said."""
    told = switched.run("search", "--spack", "0.23", "hdf5 -mpi", "--json")
    assert (told.json["builds"], "excludes" in told.err) == (1, False)
    assert "excludes" in switched.run("search", "hdf5 -mpi").err
