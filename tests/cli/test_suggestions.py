"""What a search that finds nothing suggests: it finds something."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cachesync import query
from cachesync.cli.display import nohit
from cachesync.search.searcher import Searcher
from tests.support.world import World, spec

PAGES = Path(__file__).parents[1] / "fixtures" / "cache"


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """The pages of the fixtures, open to be searched."""
    world = World(tmp_path_factory.mktemp("shipped"))
    world.run("sync", "--pages", PAGES)
    searcher = Searcher(world.state)
    yield searcher
    searcher.close()


def values(searcher: Searcher) -> dict[str, list[str]]:
    """Some of the values there are, by field, as they are spelled."""
    hits = searcher.search(query.parse("")).hits
    return {
        "variant": sorted({v for hit in hits for v in hit.build.variants if "=" in v}),
        "target": sorted({hit.build.target for hit in hits}),
        "package": sorted({hit.build.package for hit in hits}),
    }


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_every_suggestion_finds_something(shipped, data):
    """Of a value with one letter less, in a field as in Spack's syntax."""
    field, known = data.draw(st.sampled_from(sorted(values(shipped).items())))
    value = data.draw(st.sampled_from(known))
    at = data.draw(st.integers(0, len(value) - 1))
    value = value[:at] + value[at + 1 :]
    spack = data.draw(st.booleans()) and (field != "variant" or "=" in value)
    term = query.Term(field, value if spack else value.lower(), spack=spack)
    for suggestion in nohit.explain(shipped, term).suggestions:
        for candidate in suggestion.candidates:
            assert shipped.search(suggestion.term._replace(value=candidate)).builds


def test_a_value_is_suggested_as_it_is_spelled(world):
    """Values heed case in Spack's syntax, whichever language the query is in."""
    world.page("develop", "hdf5", spec("a", variants=["build_type=Release"]))
    world.sync()
    for options in ((), ("--spack", "0.23")):
        found = world.run("search", *options, "hdf5 build_type=Releas", "--json").json
        (suggestion,) = found["suggestions"]
        assert suggestion["candidates"] == ["build_type=Release"]


@pytest.mark.parametrize("options", [(), ("--spack", "0.23")])
def test_the_opposite_of_a_variant_is_not_proposed(world, options):
    """It is what there is instead; what is spelled much like the variant is proposed."""
    world.page("develop", "petsc", spec("a", variants=["~cuda", "+cura"]))
    world.sync()
    found = world.run("search", *options, "petsc +cuda", "--json").json
    assert [one["candidates"] for one in found["suggestions"]] == [["+cura"]]
    assert [one["instead"] for one in found["nearest"]] == [["~cuda"]]
