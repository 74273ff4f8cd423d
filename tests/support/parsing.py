"""Pages that are parsed, as values to compare."""

from pathlib import Path

from cachesync.model import Page
from cachesync.pages.parse import PageParser
from tests.support import pagetext
from tests.support.pagetext import Facts, page, spec

ROOT = Path(__file__).resolve().parents[2]


def parse(data: bytes) -> Page:
    return PageParser().parse(data)


GOOD = page(spec("a"), spec("b", variants=["~mpi"]))

BLOCK = pagetext.as_block(Facts("hdf5", "develop", [spec("a"), spec("b", variants=["~mpi"])]))

_HEAD = b'---\ntitle: "a"\ncategories: [package, b]\n'
