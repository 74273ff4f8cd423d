"""What a page says of the tarballs of its specs: as the site wrote it, and as YAML."""

import json

import pytest
import yaml

from cachesync.errors import PageError
from cachesync.pages.tarballs import Tarball, told

A, B, C, D = ("abcdefgh" * 4, "bcdefgha" * 4, "cdefghab" * 4, "defghabc" * 4)
URL = "https://binaries.spack.io/develop/build_cache/linux-x/gcc-13.2.0/zlib-1.3/x.spack"
ROWS = [
    {"hash": A, "tarball": URL, "size": "-"},
    {"hash": B, "size": 123, "tarball": None},
    {"hash": C, "size": "-"},
    {"hash": D, "tarball": "javascript:alert(1)", "size": -4},
]


def generated(rows):
    text = json.dumps(rows)
    return f'---\ntitle: "zlib"\ncategories: [package, v1]\nspec_details: {text}\n---\n'.encode()


def block(rows):
    return (
        b"---\n" + yaml.safe_dump({"title": "zlib", "spec_details": rows}).encode() + b"---\nbody\n"
    )


@pytest.mark.parametrize("form", [generated, block])
def test_addresses_and_sizes_are_told(form):
    """A `-` says nothing, nor does what is no address of a file or no number of bytes."""
    assert told(form(ROWS)) == {A: Tarball(URL, None), B: Tarball(None, 123)}


@pytest.mark.parametrize(
    "url", ["https://h/a\nb", "https://h/\x1b[1m", "x" * 9999, "about:x", 7, "a b"]
)
def test_what_cannot_be_shown_is_no_address(url):
    assert told(generated([{"hash": A, "tarball": url}])) == {}


@pytest.mark.parametrize(
    "data", [b"", b"---\n", b"---\ntitle: x\n---\n", b"\xff\xfe", b"---\nspec_details: [\n---\n"]
)
def test_what_is_no_page_says_so(data):
    with pytest.raises(PageError):
        told(data)


def test_only_the_front_matter_counts():
    """A list in the text below it is none of the page."""
    with pytest.raises(PageError):
        told(b"---\ntitle: x\n---\n" + generated(ROWS).split(b"\n", 3)[3])
