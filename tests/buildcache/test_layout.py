"""Where the files of a mirror lie."""

import pytest

from cachesync.buildcache.layout import blob_path, index_places, is_view
from tests.support.mirrors import make_mirror, record

SPEC = record("zlib")


@pytest.mark.parametrize("layout", [2, 3])
def test_an_index_is_found_where_its_layout_has_it(layout, tmp_path):
    """Layout 3 is looked at first; each tells its own."""
    mirror = make_mirror(tmp_path, [SPEC], layout=layout)
    there = [place for place in index_places() if (tmp_path / place.first).is_file()]
    assert [place.layout for place in there] == [layout]
    if layout == 2:
        assert tmp_path / there[0].first == mirror.index
        assert tmp_path / there[0].checksum == mirror.manifest
    else:
        assert tmp_path / there[0].first == mirror.manifest
    assert [place.layout for place in index_places()] == [3, 2]


@pytest.mark.parametrize("view", ["arm", "team/x86", "v2026.10.0"])
def test_a_view_has_a_manifest_of_its_own_and_no_layout_2(view, tmp_path):
    """Its blob lies among all others."""
    mirror = make_mirror(tmp_path, [SPEC], view=view)
    (place,) = index_places(view)
    assert tmp_path / place.first == mirror.manifest
    assert mirror.index == tmp_path / blob_path("sha256", mirror.index.name)


@pytest.mark.parametrize(
    "text", ["", "/", "a/", "/a", "a//b", "..", "a/../b", ".a", "a b", "a\n", "ä", "a" * 256, "a?b"]
)
def test_what_would_leave_the_directory_is_no_view(text):
    """Nor what no URL takes as it is."""
    assert not is_view(text)
    with pytest.raises(ValueError, match="no name of a view"):
        index_places(text)
