"""Pages that are not accepted, claims of two pages, descriptions of one hash."""

from tests.support.manypages import letter_hashes
from tests.support.world import spec

# -- pages that are not accepted


def test_a_rejected_page_keeps_its_specs_and_recovers(world):
    """The last good page stands while its file is broken, and the next good version clears it."""
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    seq = world.seq()
    world.write("develop/hdf5", b"---\ntitle: hdf5\n")
    result = world.sync()
    assert (result["sources"][0]["state"], result["sources"][0]["rejected"]) == ("ok", 1)
    assert world.sync()["changes"] == {}
    assert world.kinds(seq) == ["page.rejected"]
    (rejected,) = world.status()["rejected"]
    assert rejected["page"] == "develop/hdf5/specs.md"
    assert rejected["reason"]
    assert "develop/hdf5/specs.md" in world.run("status").out
    assert world.found("hdf5") == letter_hashes("a")
    world.verify()
    world.page("develop", "hdf5", spec("a"), spec("b"))
    world.sync()
    assert world.kinds(seq) == ["page.rejected", "page.recovered", "spec.cached"]
    assert world.status()["rejected"] == []
    world.verify()


def test_a_rejected_page_that_goes_is_removed(world):
    """A broken file that is gone takes the page with it: absence is not failure, and not the reverse."""
    world.page("develop", "hdf5", spec("a"))
    world.page("develop", "zlib", spec("z"))
    world.sync()
    world.write("develop/hdf5", b"nonsense")
    world.write("develop/new", b"nonsense")
    world.sync()
    assert len(world.status()["rejected"]) == 2
    world.remove("develop/hdf5")
    world.remove("develop/new")
    world.sync()
    assert world.status()["rejected"] == []
    assert world.found() == letter_hashes("z")
    world.verify()


def counts(result: dict) -> dict[str, int]:
    """What became of the pages of the only source."""
    (source,) = result["sources"]
    return {key: source[key] for key in ("listed", "changed", "unchanged", "skipped")}


def test_a_page_that_is_skipped_now_was_good(world):
    """It is rejected, since what it said stands; so it is not skipped."""
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    world.write(
        "develop/hdf5", b'---\ntitle: "hdf5"\nlayout: cache\nspec_files: []\nspec_names: []\n---'
    )
    result = world.sync()
    assert counts(result) == {"listed": 1, "changed": 1, "unchanged": 0, "skipped": 0}
    assert result["sources"][0]["rejected"] == 1


def test_a_page_of_2022_is_skipped(world):
    """A page without hashes is recognised, skipped with a reason, and no failure."""
    data = b'---\ntitle: "adlbx"\nlayout: cache\ncategory: package\nspec_files: []\nspec_names: []\n---'
    world.write("adlbx", data)
    world.page("develop", "hdf5", spec("a"))
    result = world.sync()
    assert result["changes"] == {"page.added": 1, "spec.cached": 1}
    assert result["sources"][0]["rejected"] == 0
    assert counts(result) == {"listed": 2, "changed": 1, "unchanged": 0, "skipped": 1}
    (skipped,) = world.status()["skipped"]
    assert (skipped["page"], "2022" in skipped["reason"]) == ("adlbx/specs.md", True)
    world.settle()
    for _ in ("not read again", "read again, of another age"):
        result = world.sync()
        assert result["changes"] == {}
        assert counts(result) == {"listed": 2, "changed": 0, "unchanged": 1, "skipped": 1}
        world.write("adlbx", data)
    world.write("adlbx", data + b"\n")
    assert counts(world.sync()) == {"listed": 2, "changed": 0, "unchanged": 1, "skipped": 1}
    assert ", 1 unchanged, 0 removed, 0 rejected, 1 skipped\n" in world.run("sync").out
    world.remove("adlbx")
    assert world.sync()["changes"] == {}
    assert world.status()["skipped"] == []


# -- two pages, one claim


def test_of_two_claims_the_first_by_path_stands(world):
    """The first by path stands, the other is rejected naming it, and stands when the first goes."""
    world.page("develop", "hdf5", spec("a"))
    world.page("develop", "hdf5", spec("b"), where="develop/hdf5-copy")
    world.sync()
    assert world.found("hdf5") == letter_hashes("a")
    (rejected,) = world.status()["rejected"]
    assert rejected["page"] == "develop/hdf5-copy/specs.md"
    assert "develop/hdf5/specs.md" in rejected["reason"]
    assert world.sync()["changes"] == {}
    world.verify()
    seq = world.seq()
    world.remove("develop/hdf5")
    world.sync()
    world.sync()
    assert world.found("hdf5") == letter_hashes("b")
    assert world.status()["rejected"] == []
    assert world.kinds(seq) == ["page.recovered", "spec.cached", "spec.evicted"]
    world.verify()


def test_a_claim_earlier_by_path_takes_over(world):
    """A new page that comes first by path takes the claim over; the other is rejected once."""
    world.page("develop", "hdf5", spec("b"), where="develop/m")
    world.sync()
    seq = world.seq()
    world.page("develop", "hdf5", spec("a"), where="develop/a")
    world.sync()
    assert world.found("hdf5") == letter_hashes("a")
    (rejected,) = world.status()["rejected"]
    assert rejected["page"] == "develop/m/specs.md"
    assert world.kinds(seq).count("page.rejected") == 1
    assert world.sync()["changes"] == {}
    world.verify()


def test_a_claim_taken_over_while_the_other_is_rewritten(world):
    """A page that loses its claim in the pass in which it changed is rejected once, not twice."""
    world.page("develop", "hdf5", spec("b"), where="develop/m")
    world.sync()
    seq = world.seq()
    world.page("develop", "hdf5", spec("a"), where="develop/a")
    world.page("develop", "hdf5", spec("c"), where="develop/m")
    world.sync()
    assert world.kinds(seq).count("page.rejected") == 1
    assert world.found("hdf5") == letter_hashes("a")
    world.verify()


def test_two_pages_that_exchange_their_claims(world):
    """Pages that exchange tag and package in one pass are both good, and the log says so."""
    world.page("develop", "hdf5", spec("a"), where="develop/one")
    world.page("develop", "zlib", spec("z"), where="develop/two")
    world.sync()
    seq = world.seq()
    world.page("develop", "zlib", spec("z"), where="develop/one")
    world.page("develop", "hdf5", spec("a"), where="develop/two")
    world.sync()
    kinds = world.kinds(seq)
    assert world.status()["rejected"] == []
    assert kinds.count("page.rejected") == kinds.count("page.recovered")
    assert world.found() == letter_hashes("a", "z")
    world.verify()


def test_the_second_claim_stands_after_the_first_shrank_and_went(world):
    """A first page that loses specs does not make the second look as if it were up to date."""
    world.page("develop", "hdf5", spec("a"), spec("c"))
    world.page("develop", "hdf5", spec("b"), where="develop/hdf5-copy")
    world.sync()
    world.settle()
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    assert world.found("hdf5") == letter_hashes("a")
    world.remove("develop/hdf5")
    world.sync()
    world.sync()
    assert world.found("hdf5") == letter_hashes("b")
    world.verify()


def test_the_same_claim_in_two_sources(world):
    """Claims are of one source: the same tag and package in another are another page."""
    other = world.root / "other"
    world.page("develop", "hdf5", spec("a"))
    world.page("develop", "hdf5", spec("b"), root=other)
    world.sync("--pages", world.pages)
    world.sync("--pages", other)
    assert world.status()["rejected"] == []
    assert world.found(f'source:"{other}"') == letter_hashes("b")
    world.verify()


def test_a_page_directory_that_is_renamed(world):
    """A page is what it says: moved to another path it is the same page, with a warning and no change."""
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    seq = world.seq()
    (world.pages / "develop" / "hdf5").rename(world.pages / "develop" / "renamed")
    world.sync()
    assert world.kinds(seq) == []
    (warning,) = world.status()["warnings"]
    assert warning["page"] == "develop/renamed/specs.md"
    assert "hdf5" in warning["reason"]
    world.verify()
    (world.pages / "develop" / "renamed").rename(world.pages / "develop" / "hdf5")
    world.sync()
    assert world.kinds(seq) == []
    assert world.status()["warnings"] == []
    world.verify()


def test_a_rejected_page_that_moved_and_was_mended(world):
    """A page rejected at its old path is recovered, in the log too, when it is good at a new one."""
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    world.write("develop/hdf5", b"nonsense")
    world.sync()
    seq = world.seq()
    world.remove("develop/hdf5")
    world.page("develop", "hdf5", spec("a"), where="develop/moved")
    world.sync()
    assert world.status()["rejected"] == []
    assert world.kinds(seq) == ["page.recovered"]
    world.verify()


def test_front_matter_that_changes_its_tag(world):
    """A page that says another tag is another page: one is added, the other removed."""
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    seq = world.seq()
    world.page("v1", "hdf5", spec("a"), where="develop/hdf5")
    world.sync()
    changes = [(c["kind"], c["tag"]) for c in world.changes("--since", seq)]
    assert changes == [
        ("page.added", "v1"),
        ("spec.cached", "v1"),
        ("spec.evicted", "develop"),
        ("page.removed", "develop"),
    ]
    assert not any(c.get("first") or c.get("last") for c in world.changes("--since", seq))
    assert world.found("tag:v1") == letter_hashes("a")
    (warning,) = world.status()["warnings"]
    assert "v1" in warning["reason"]
    world.verify()


# -- the same hash described differently


def test_none_never_replaces_a_compiler(world):
    """A page of 2025 that says `none` keeps the known compiler, with a warning, and is accepted."""
    world.page("v1", "hdf5", spec("a", compiler="gcc@=12.3.0"))
    world.sync()
    seq = world.seq()
    world.page("v2", "hdf5", spec("a", compiler="none"))
    world.sync()
    assert world.kinds(seq) == ["page.added", "spec.cached"]
    (warning,) = world.status()["warnings"]
    assert (warning["page"], "none" in warning["reason"]) == ("v2/hdf5/specs.md", True)
    assert world.status()["rejected"] == []
    answer = world.search("hdf5")
    assert [r["compiler"] for r in answer["results"]] == ["gcc@=12.3.0"]
    assert [p["tag"] for p in answer["results"][0]["specs"][0]["placements"]] == ["v1", "v2"]
    assert world.found("compiler:none") == []
    world.verify()


def test_the_old_spelling_of_a_compiler_is_the_same(world):
    """`gcc@12.3.0` and `gcc@=12.3.0` are one compiler: no change, no warning."""
    world.page("v1", "hdf5", spec("a", compiler="gcc@12.3.0"))
    world.page("v2", "hdf5", spec("a", compiler="gcc@=12.3.0"))
    world.sync()
    assert world.status()["warnings"] == []
    assert [r["compiler"] for r in world.search("hdf5")["results"]] == ["gcc@=12.3.0"]


def test_a_refined_compiler(world):
    """A compiler that becomes known refines the spec, and search finds it under the new one only."""
    world.page("v2", "hdf5", spec("a", compiler="none"), spec("b", compiler="none"))
    world.sync()
    seq = world.seq()
    world.page("v1", "hdf5", spec("a", compiler="gcc@12.3.0"))
    world.sync()
    refined = [c for c in world.changes("--since", seq) if c["kind"] == "spec.refined"]
    assert [(c["hash"][0], c["build_before"]["compiler"], c["build"]["compiler"])
            for c in refined] == [("a", "none", "gcc@=12.3.0")]  # fmt: skip
    assert world.found("compiler:none") == letter_hashes("b")
    assert world.found("compiler:gcc@12.3.0") == letter_hashes("a")
    world.verify()
    world.remove("v1/hdf5")
    world.sync()
    assert world.found("compiler:gcc") == letter_hashes("a"), "what was learnt stays known"
    assert world.sync()["changes"] == {}
    world.verify()


def test_a_refined_compiler_on_the_same_page(world):
    """A page that says more of its own specs than before refines them."""
    world.page("develop", "hdf5", spec("a", compiler="none"))
    world.sync()
    seq = world.seq()
    world.page("develop", "hdf5", spec("a", compiler="gcc@=12.3.0"))
    world.sync()
    assert world.kinds(seq) == ["spec.refined"]
    assert world.found("compiler:gcc") == letter_hashes("a")
    assert world.found("compiler:none") == []
    world.verify()
