"""How long events of a source are gathered before it is looked at."""

import pytest

from cachesync.config.settings import Watch
from cachesync.config.sourceconfigs import BuildcacheSourceConfig, ReadMode
from cachesync.daemon.parts import debouncer


@pytest.mark.parametrize(
    ("read", "cap", "first"),
    [(ReadMode.MANIFESTS, 5.0, 0.6), (ReadMode.MANIFESTS, 0.4, 0.4), (ReadMode.INDEX, 5.0, 5.0)],
)
def test_pushes_that_go_on_are_looked_at_sooner_than_files_that_are_written_slowly(
    read, cap, first
):
    """A package of manifests waits twice as long as quiet at most, and never longer than `cap`."""
    entry = BuildcacheSourceConfig("ours", "file:///srv/mirror", read=read)
    gathered = debouncer(entry, Watch(quiet_seconds=0.3, cap_seconds=cap))
    looks = []
    for hundredth in range(600):
        gathered.add("zlib/", hundredth / 100)
        looks += [hundredth / 100 for _ in gathered.due(hundredth / 100)]
    assert looks[0] == pytest.approx(first)


def test_pushes_into_many_packages_are_looked_at_by_package():
    """409 packages at once are 409 parts; what stands in the others is looked at where it is 2,001."""
    entry = BuildcacheSourceConfig("ours", "file:///srv/mirror", read=ReadMode.MANIFESTS)
    for packages, parts in ((409, 409), (2001, 1)):
        gathered = debouncer(entry, Watch())
        for number in range(packages):
            gathered.add(f"p{number}/", 0.0)
        assert len(gathered.due(1.0)) == parts
