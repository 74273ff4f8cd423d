"""Passes over the images of a registry: whatever it does for a while, nothing comes or goes that did not."""

import json
from contextlib import ExitStack

import pytest

from cachesync.buildcache import image
from cachesync.config.settings import Limits
from cachesync.config.sourceconfigs import BuildcacheSourceConfig, ReadMode
from cachesync.diff import Guard
from cachesync.ledger import log
from cachesync.model import SourceState
from cachesync.selection import Selection
from cachesync.sources.mirror.manifests import ManifestSource
from cachesync.sources.mirror.reaching import Reach
from cachesync.sources.remote import FAILURES_IN_A_ROW
from cachesync.sync.passes import run_pass
from tests.support import stubserver as stub
from tests.support.mirrors import record
from tests.support.passes import patient
from tests.support.registries import (
    NAME,
    Images,
    RegistryStub,
    error,
    tag_of,
    tokens_of_one_use,
)
from tests.support.statements import placed
from tests.support.writing import writing

MANY = [record("pkg", f"1.{number}") for number in range(12)]
NEW = record("new", "1")
MORE = sorted((record("more", f"1.{number}") for number in range(4)), key=lambda one: one.hash)[
    ::-1
]
"""The one that is whole is read last."""
TAGS = f"/v2/{NAME}/tags/list"


class Ours:
    """A registry with twelve specs, and the ledger that passes over it write."""

    def __init__(self, root, server, fetcher):
        self.images = Images()
        for one in MANY:
            self.images.spec(one)
        self.server = server
        self.registry = RegistryStub(server, self.images)
        self._fetcher = fetcher
        self._now = 1_000_000
        self.opened = ExitStack()
        self.writer = self.opened.enter_context(writing(root, self._clock))

    def _clock(self):
        self._now += 1_000_000
        return self._now

    def run(self, packages=("*",)):
        """A pass; its state and the labels of its changes."""
        config = BuildcacheSourceConfig(
            "ours", self.registry.url, tag="t", read=ReadMode.MANIFESTS,
            selection=Selection(packages=packages),
        )  # fmt: skip
        row = self.writer.source("ours", "buildcache", "ours", configured=True, interval=None)
        source, seq = ManifestSource(config, Reach(Limits(), self._fetcher)), self.writer.seq
        result = run_pass(
            self.writer, source, row, selection=config.selection, guard=Guard()
        )  # fmt: skip
        return result.state, log.counts_since(self.writer.db, seq)

    def hashes(self):
        return {spec_hash for _, _, spec_hash in placed(self.writer.db)}


@pytest.fixture
def ours(tmp_path):
    with stub.StubServer() as server, patient(10.0) as fetcher:
        one = Ours(tmp_path, server, fetcher)
        one.run()
        with one.opened:
            yield one


def pages(*, circle=False):
    """The tags one a page, by number; in a circle of five, or with one that comes in between."""
    tags = sorted(map(tag_of, MANY))
    numbers = [*range(5), *range(4, 12)]

    def answer(talk):
        number = int(talk.seen.query.partition("page=")[2] or 0)
        following = (number + 1) % 5 if circle else number + 1
        link = {"link": f'<{TAGS}?page={following}>; rel="next"'}
        is_last = not circle and following == len(numbers)
        body = json.dumps({"tags": [tags[numbers[number]]]}).encode()
        stub.reply(body, **({} if is_last else link))(talk)

    return answer


ILLS = {
    "a circle": pages(circle=True),
    "pages that move on": pages(),
    "no tags": stub.reply(b'{"tags": null}'),
    "other tags": stub.reply(b'{"tags": ["latest"]}'),
    "unknown": error("NAME_UNKNOWN"),
    "HTML": stub.reply(b"<html>", content_type="text/html"),
    "no JSON": stub.reply(b'{"tags": ["a"'),
    "an answer elsewhere": stub.reply(b'{"tags": []}', link='<http://127.0.0.2/>; rel="next"'),
    "a page of others": stub.status(404),
    "a 401 loop": stub.status(401, www_authenticate=f'Bearer realm="http://127.0.0.1:1/t",scope="{NAME}"'),
    "no tokens": stub.status(401, www_authenticate="Bearer"),
    "denied": error("DENIED", 403),
}  # fmt: skip


@pytest.mark.parametrize("ill", ILLS)
def test_a_list_of_tags_that_is_not_whole_takes_nothing(ours, ill):
    ours.server.script(TAGS, ILLS[ill])
    changes = ours.run()[1] | ours.run()[1]
    ours.server.script(TAGS)
    changes |= ours.run()[1]
    assert changes.keys() <= {"source.failed", "source.held", "source.recovered"}
    assert ours.hashes() == {one.hash for one in MANY}


def test_tokens_that_expire_in_the_middle_are_nobodys_news(ours):
    """Each holds for one request, of a page with one tag or of an image: all is as it is, and what is new comes."""
    _, used = tokens_of_one_use(ours.registry, ours.server)
    ours.registry.page = 1
    assert ours.run() == (SourceState.OK, {})
    ours.images.spec(NEW)
    state, changes = ours.run()
    assert (state, changes["spec.cached"]) == (SourceState.OK, 1)
    assert "spec.evicted" not in changes
    assert len(used) > 2 * len(MANY)


@pytest.mark.parametrize(
    "behaviour",
    [
        error("MANIFEST_UNKNOWN"),
        error("DENIED", 403),
        stub.status(401),
        stub.reply(b"<html>", content_type="text/html"),
        stub.reply(b'{"schemaVersion":2,"manifests":[]}'),
        stub.reply(b"{}", docker_content_digest=f"sha256:{'a' * 64}"),
        stub.hang_up(),
    ],
)
def test_an_image_that_cannot_be_had_is_not_there_yet(ours, behaviour):
    """And takes no other with it: a tag deleted since it was listed, an index of images, a lie."""
    tag = ours.images.spec(NEW)
    ours.server.script(f"/v2/{NAME}/manifests/{tag}", behaviour)
    ours.run()
    assert ours.hashes() == {one.hash for one in MANY}
    ours.server.script(f"/v2/{NAME}/manifests/{tag}")
    state, changes = ours.run()
    assert (state, changes["spec.cached"]) == (SourceState.OK, 1)
    assert "spec.evicted" not in changes


@pytest.mark.parametrize("is_huge", [True, False])
def test_one_image_that_is_damaged_hinders_no_other(ours, is_huge):
    """The real registry answers 500 for one that was altered; one that is too large is refused."""
    tags = [ours.images.spec(one) for one in MORE]
    damaged = error("UNKNOWN", 507)
    if is_huge:
        damaged = stub.reply(b" " * (image.MAX_BYTES + 1))
    for tag in tags[1:]:
        ours.server.script(f"/v2/{NAME}/manifests/{tag}", damaged)
    state, changes = ours.run()
    assert changes["spec.cached"] == 1
    assert "spec.evicted" not in changes
    assert state is (SourceState.OK if is_huge else SourceState.FAILED)
    for tag in tags:
        ours.server.script(f"/v2/{NAME}/manifests/{tag}")
    assert ours.run()[1]["spec.cached"] == len(MORE) - 1


def test_a_registry_that_is_down_is_left_alone(ours):
    for number in range(40):
        tag = ours.images.spec(record("more", f"1.{number}"))
        ours.server.script(f"/v2/{NAME}/manifests/{tag}", error("UNKNOWN", 507))
    before = len(ours.server.seen)
    assert ours.run()[0] is SourceState.FAILED
    assert len(ours.server.seen) == before + 1 + FAILURES_IN_A_ROW


def test_images_of_packages_that_are_not_wanted_are_not_asked_for(ours):
    """They are never placed, so every pass would find them new."""
    ours.images.spec(NEW)
    ours.run(packages=("pkg",))
    before = len(ours.server.seen)
    ours.run(packages=("pkg",))
    assert len(ours.server.seen) == before + 1
    assert ours.hashes() == {one.hash for one in MANY}
