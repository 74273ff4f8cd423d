"""What runs where: archspec's order, `--runs-on`, and the note on systems."""

import pytest

from cachesync import query
from cachesync.errors import UsageError
from cachesync.model import Build
from cachesync.query.machine import runnable
from cachesync.spack import targets
from tests.support.pagetext import spec
from tests.support.world import hash_of

NAMES = (
    "x86_64",
    "x86_64_v2",
    "x86_64_v3",
    "x86_64_v4",
    "zen4",
    "icelake",
    "aarch64",
    "m1",
    "neoverse_v1",
)


def test_the_order_is_archspecs_own():
    """`ancestors` says of every known pair what archspec's comparison says."""
    from archspec.cpu import TARGETS

    for one in NAMES:
        for other in TARGETS:
            assert (other in targets.ancestors(one)) == (TARGETS[other] <= TARGETS[one])


@pytest.mark.parametrize(
    ("machine", "runs", "does_not"),
    [
        ("zen4", {"zen4", "zen", "x86_64", "x86_64_v3", "x86_64_v4"}, {"icelake", "aarch64"}),
        ("x86_64", {"x86_64"}, {"x86_64_v2", "zen", "aarch64"}),
        ("aarch64", {"aarch64"}, {"m1", "x86_64"}),
        ("m1", {"m1", "aarch64"}, {"m2", "neoverse_v1"}),
        ("ppc64le", {"ppc64le"}, {"power9le"}),
    ],
)
def test_a_machine_runs_its_target_and_its_ancestors(machine, runs, does_not):
    """Families and generic targets among them."""
    assert runs <= targets.runs_on(machine)
    assert not does_not & targets.runs_on(machine)


def test_an_unknown_target_is_met_with_the_nearest():
    """One line, and what could be meant."""
    with pytest.raises(UsageError, match="archspec knows no target zenn4") as caught:
        targets.runs_on("zenn4")
    assert caught.value.hint == "did you mean zen4?"


def test_this_machine_runs_something():
    """`host` is a target archspec knows, and among what it runs."""
    assert targets.host() in targets.runs_on("host")


def test_a_runnable_query_is_the_query_and_a_condition_on_the_target():
    """Of every build: what matches and can run."""
    for text in ("", "hdf5", "hdf5 +mpi", "hdf5 OR zlib", "hdf5@1"):
        tree = query.parse(text)
        for target in (*NAMES, "own"):
            build = Build("hdf5", "1.14", "gcc@=12.3.0", "ubuntu22.04", "linux", target, ("+mpi",))
            place = {"source": "s", "tag": "t", "stacks": ()}
            expected = query.matches(tree, build, "a" * 32, **place) and target in (
                "x86_64", "x86_64_v2", "x86_64_v3", "x86_64_v4", "icelake"
            )  # fmt: skip
            assert query.matches(runnable(tree, "icelake"), build, "a" * 32, **place) is expected


def test_search_lists_what_a_machine_runs(world):
    """Only such builds, and a note where they are for several systems and the query names none."""
    world.page(
        "develop", "hdf5",
        spec(hash_of(1), target="x86_64_v3", os="ubuntu22.04"),
        spec(hash_of(2), target="x86_64_v4", os="centos7"),
        spec(hash_of(3), target="aarch64", os="ubuntu22.04"),
        spec(hash_of(4), target="zen4", os="ubuntu22.04"),
    )  # fmt: skip
    world.configure(f"sources:\n{world.directory_source()}")
    world.sync()
    found = world.run("search", "--runs-on", "icelake", "hdf5")
    listed = {line.split("\t")[4] for line in found.out.splitlines()[1:]}
    assert listed == {"x86_64_v3", "x86_64_v4"}
    assert "several systems (centos7, ubuntu22.04): add os=centos7 or another" in found.err
    assert "several systems" not in world.run("search", "--runs-on", "icelake", "os:centos7").err
    assert "several systems" not in world.run("search", "hdf5").err
    refused = world.run("search", "--runs-on", "x86_65", "hdf5", status=2)
    assert "did you mean x86_64" in refused.err
    assert "takes the name of a target" in world.run("search", "--runs-on", status=2).err
