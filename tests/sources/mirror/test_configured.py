"""A mirrors.yaml that is written while it is read: what it does not have yet leaves nothing."""

import os
import time
from types import SimpleNamespace

import pytest

from cachesync.config.settings import Limits
from cachesync.config.sourceconfigs import BuildcacheSourceConfig
from cachesync.selection import Selection
from cachesync.sources.mirror.configured import MOST_LOOKS, REST_SECONDS, Configured
from cachesync.sources.mirror.reaching import Reach
from cachesync.sources.mirror.source import MirrorSource

NOW = 1_000_000.0
WHOLE = "mirrors:\n  a: /srv/a\n  b: /srv/b\n  c: {url: sftp://x/y}\n"
KNOWN = tuple(SimpleNamespace(tag=tag, stack="root", url="", is_new=False) for tag in "abc")


class File:
    """A mirrors.yaml, what is written into it while it is waited for, and how long that is."""

    def __init__(self, path, *later):
        self.path, self.later, self.waits = path, list(later), []

    def write(self, text, *, age=0.0):
        self.path.write_text(text)
        os.utime(self.path, (NOW - age, NOW - age))

    def sleep(self, seconds):
        self.waits.append(seconds)
        if self.later:
            self.write(self.later.pop(0), age=-sum(self.waits))

    def found(self, *, tags=("*",)):
        config = BuildcacheSourceConfig("s", mirrors=str(self.path), selection=Selection(tags=tags))
        opened = Configured(
            config, Reach(Limits()), clock=lambda: NOW + sum(self.waits), sleep=self.sleep
        )
        found = opened.discover(KNOWN)
        return {one.tag for one in found.statements} | found.kept, found.failure


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mirrors.yaml"


@pytest.mark.parametrize("end", [WHOLE.index("  b:"), WHOLE.index("  c:")])
def test_the_beginning_of_a_file_lets_go_of_nothing(path, end):
    """It is YAML, and has fewer mirrors: what follows is waited for."""
    file = File(path, WHOLE)
    file.write(WHOLE[:end])
    assert file.found() == ({"a", "b", "c"}, None)
    assert file.waits == [REST_SECONDS]


def test_what_a_file_at_rest_does_not_have_is_gone(path):
    """At once where it is old, else when it has not been written for a while."""
    file = File(path)
    file.write("mirrors: {a: /srv/a}", age=REST_SECONDS)
    assert file.found() == ({"a"}, None)
    assert file.waits == []
    file.write("mirrors: {a: /srv/a}", age=0.5)
    assert file.found() == ({"a"}, None)
    assert file.waits == [REST_SECONDS - 0.5]


def test_a_file_from_a_clock_that_is_ahead_is_at_rest_when_it_stays_as_it_is(path):
    file = File(path)
    file.write("mirrors: {a: /srv/a}", age=-3600)
    assert file.found() == ({"a"}, None)
    assert file.waits == [REST_SECONDS]


def test_a_file_that_goes_on_being_written_lets_go_of_nothing(path):
    """It is a failure, after a few looks."""
    file = File(path, *(f"mirrors: {{a: /srv/{number}}}" for number in range(99)))
    file.write("mirrors: {a: /srv/a}")
    found, failure = file.found()
    assert found == set()
    assert failure == f"{path}: is being written; it is read again"
    assert len(file.waits) == MOST_LOOKS


@pytest.mark.parametrize("text", [WHOLE, WHOLE + "  d: /srv/d\n"])
def test_a_file_that_has_all_that_is_known_is_not_waited_for(path, text):
    file = File(path)
    file.write(text)
    assert file.found()[1] is None
    assert file.waits == []


def test_what_the_config_does_not_choose_any_more_is_not_waited_for(path):
    """It is not the file that lets go of it."""
    file = File(path)
    file.write("mirrors: {a: /srv/a}")
    assert file.found(tags=("a",)) == ({"a"}, None)
    assert file.waits == []


def test_a_source_lets_the_file_come_to_rest(path):
    """As a pass opens it, with real clocks: what is written while it is read is read."""
    path.write_text("mirrors: {a: $WHERE}")
    nearly = time.time() - REST_SECONDS + 0.05
    os.utime(path, (nearly, nearly))

    def reveal(_variable):
        path.write_text(WHOLE)
        return "/srv/a"

    config = BuildcacheSourceConfig("s", mirrors=str(path))
    found = MirrorSource(config, Reach(Limits(), reveal=reveal)).discover({}, KNOWN)
    assert {one.tag for one in found.statements} == {"a", "b"}
    assert found.kept == {"c"}
