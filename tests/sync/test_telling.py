"""What is told of a cache index that cannot be had names its mirror once."""

import pytest

from cachesync.sync import telling

URL = "https://h/m"
MANIFEST = "v3/manifests/index/index.manifest.json"
VIEW = "v3/manifests/index/a/index.manifest.json"


@pytest.mark.parametrize(
    ("url", "path", "reason", "told"),
    [
        (URL, URL, f"{URL}/{MANIFEST}: is empty", f"{URL}/{MANIFEST}: is empty"),
        (URL, URL, f"{URL}/{MANIFEST} answered 404, and was", f"{URL}/{MANIFEST} answered 404, and was"),
        (URL, URL, "the index is no JSON", f"{URL}: the index is no JSON"),
        (URL, f"{URL}/{VIEW}", f"{URL}/{VIEW}: is empty", f"{URL}/{VIEW}: is empty"),
        (URL, f"{URL}/{VIEW}", "the index is no JSON", f"{URL}/{VIEW}: the index is no JSON"),
        (
            URL, URL,
            f"no cache index: {URL}/{MANIFEST} answered 404; {URL}/build_cache/x (spack {URL})",
            f"no cache index: {MANIFEST} answered 404; build_cache/x (spack {URL})",
        ),
        ("file:///m", "file:///m", f"/m/{MANIFEST}: is empty", f"file:///m/{MANIFEST}: is empty"),
        ("file:///m%20n", "file:///m%20n", f"/m n/{MANIFEST}: is empty", f"file:///m%20n/{MANIFEST}: is empty"),
        ("file:///m", "file:///m", "/srv/m/x cannot be read", "file:///m: /srv/m/x cannot be read"),
        ("file:///m", "file:///m", "there is no directory /m", "there is no directory /m"),
        (URL, URL, "a redirect to https://h/mm/x", f"{URL}: a redirect to https://h/mm/x"),
    ],
)  # fmt: skip
def test_a_failure_names_the_mirror_once(url, path, reason, told):
    """With the file where one is to blame; what lies elsewhere is named as it is."""
    assert telling.failure(url, path, reason) == told


@pytest.mark.parametrize(
    ("path", "reason", "told"),
    [
        (URL, f"{URL}/{MANIFEST}: is empty", f"{MANIFEST}: is empty"),
        (f"{URL}/{VIEW}", f"{URL}/{VIEW}: is empty", "is empty"),
        (f"{URL}/{VIEW}", f"{URL}/blobs/x: is empty", "blobs/x: is empty"),
        (URL, "the index is no JSON", "the index is no JSON"),
    ],
)
def test_a_rejection_is_told_behind_its_place(path, reason, told):
    assert telling.rejection(URL, path, reason) == told
