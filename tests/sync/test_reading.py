"""One look at a page: what is to be believed of bytes that changed while they were read."""

import pytest

from cachesync.ledger.outcomes import Good, Rejected
from cachesync.selection import Selection
from cachesync.sources.base import Changed
from cachesync.sync.reading import Place, looks
from tests.support.pagetext import Facts, as_generated, spec
from tests.support.world import hash_of

PAGE = as_generated(Facts("zlib", "develop", [spec(hash_of(1))]))


class Stub:
    """A source of one page."""

    name, type, concurrency = "s", "directory", 0

    def __init__(self, content):
        self.content = content

    def read(self, *_):
        return self.content


def look(data, digest, **how):
    place = Place("develop/zlib/specs.md", "listed", "before" if digest else None, digest)
    (found,) = looks(Stub(Changed(data, "now", settled=False, **how)), Selection(), [place])
    return found


@pytest.mark.parametrize("digest", [b"known", None])
def test_only_a_page_that_held_still_is_rejected(digest):
    """Of a torn one that is known what was known stands; a good one is taken, to be read again."""
    torn = look(PAGE + b"\0", digest, torn=True)
    assert (torn.outcome is None, torn.same) == (digest is not None,) * 2
    assert isinstance(look(PAGE + b"\0", digest).outcome, Rejected)
    good = look(PAGE, digest, torn=True).outcome
    assert isinstance(good, Good)
    assert good.signature is None
