"""The sources that are fetched: what they tell of servers that lie, fail, or have nothing new."""

import gzip
import io
import json
import subprocess
import sys
import tarfile
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.config.settings import (
    ArchiveSourceConfig,
    GithubSourceConfig,
    HttpSourceConfig,
    Limits,
)
from cachesync.diff import page_order
from cachesync.errors import SourceError
from cachesync.net import FetchError, Request, Response, policy
from cachesync.net.client import HttpFetcher
from cachesync.net.fake import FakeFetcher
from cachesync.selection import Selection
from cachesync.sources import archive, github, http, remote
from cachesync.sources.base import (
    GONE,
    NOTHING,
    UNCHANGED,
    Changed,
    Entry,
    Failed,
    Gone,
    Missing,
    Past,
)
from cachesync.sources.tarstream import TarError, TarStream
from cachesync.sync import catalog
from tests.support import stubserver as stub

ROOT = Path(__file__).resolve().parents[2]
LIMITS = Limits(page_bytes=100_000, download_bytes=1_000_000, request_seconds=1.0)
PAGE = b"---\ntitle: hdf5\n---\n"
OTHER = b"---\ntitle: zlib\n---\n"
ERROR_PAGE = b"<!doctype html><title>Unicorn!</title>"
SECRET = "ghp_verysecret"


@pytest.fixture
def server():
    with stub.StubServer() as running:
        yield running


def patient(seconds):
    return HttpFetcher(
        request_seconds=seconds, stop=threading.Event(), sleep=lambda _: None, chance=lambda: 0.0
    )


@pytest.fixture
def fetcher():
    with patient(10.0) as open_one:
        yield open_one


@pytest.fixture
def hasty():
    """A fetcher for servers that are slow."""
    with patient(1.0) as open_one:
        yield open_one


class Pass:
    """What one pass over a source came to, as the ledger would have it after it."""

    def __init__(self, source, past=NOTHING):
        self.found = []
        self.listing = source.listing(self.found.extend, past)
        assert self.found == list(self.listing.entries)
        assert self.found == sorted(self.found, key=lambda entry: page_order(entry.path))
        self.read = {}
        self.signatures = dict(past.signatures)
        for path, listed_as, *_ in self.listing.entries:
            before = past.signatures.get(path)
            if before == listed_as:
                continue
            content = self.read[path] = source.read(path, listed_as, before)
            if isinstance(content, Changed):
                self.signatures[path] = content.signature
            elif content is GONE:
                self.signatures.pop(path, None)
        known = (*self.paths(), *self.listing.unlisted, *self.listing.as_before)
        for path in list(self.signatures):
            if not any(
                path == k or ((k.endswith("/") or not k) and path.startswith(k)) for k in known
            ):
                del self.signatures[path]
        self.memory = source.memory()
        assert isinstance(self.memory, Mapping)
        assert all(isinstance(text, str) for item in self.memory.items() for text in item)

    def paths(self):
        return [entry.path for entry in self.listing.entries]

    def past(self):
        return Past(json.loads(json.dumps(dict(self.memory))), self.signatures)

    def data(self):
        return {path: c.data for path, c in self.read.items() if isinstance(c, Changed)}


# -- http


def http_source(fetcher, *urls, url=None, **more):
    return http.HttpSource(HttpSourceConfig("pages", url=url, urls=urls, **more), LIMITS, fetcher)


def test_a_template_names_its_pages(fetcher):
    """One for each tag and package, in order, at the place the site has it."""
    source = http_source(
        fetcher,
        url="https://cache.example/_cache/{tag}/{package}/specs.md",
        selection=Selection(("v1", "develop"), ("zlib", "c++ tools")),
    )
    assert [entry.path for entry in source.listing().entries] == [
        "develop/c++%20tools/specs.md", "develop/zlib/specs.md", "v1/c++%20tools/specs.md", "v1/zlib/specs.md",
    ]  # fmt: skip
    assert source.listing().entries[0].signature == ""
    fake = FakeFetcher(
        {"https://cache.example/_cache/develop/c%2B%2B%20tools/specs.md": Response(200, {}, PAGE)}
    )
    source = http_source(fake, url="https://cache.example/_cache/{tag}/{package}/specs.md",
                         selection=Selection(("develop",), ("c++ tools",)))  # fmt: skip
    assert Pass(source).data() == {"develop/c++%20tools/specs.md": PAGE}


URLS = [
    "https://a.example/_cache/develop/hdf5/specs.md",
    "http://a.example/_cache/develop/hdf5/specs.md",
    "https://a.example:8443/_cache/develop/hdf5/specs.md",
    "https://a.example/_cache/develop/hdf5/specs.md?x=1",
    "https://a.example/_cache/develop/hdf5/specs.md?x=2",
    "https://a.example/_cache//develop/hdf5/specs.md",
    "https://a.example/_cache/./develop/hdf5/specs.md",
    "https://a.example/_cache/../develop/hdf5/specs.md",
    "https://a.example/%2e%2e/x/specs.md",
    "https://A.example/_cache/develop/hdf5/specs.md",
    "https://a.example/",
    "https://a.example",
    "https://[::1]:80/x",
    "https://a.example/é/specs.md",
]


def test_paths_made_of_addresses_are_safe_unique_and_stable(fetcher):
    """Each address has its own, whatever else is configured."""
    source = http_source(fetcher, *URLS)
    paths = [entry.path for entry in source.listing().entries]
    assert len(set(paths)) == len(URLS)
    assert all(remote.hostile(path) is None for path in paths)
    assert "https/a.example/_cache/develop/hdf5/specs.md" in paths
    assert {http_source(fetcher, url).listing().entries[0].path for url in URLS} == set(paths)


@given(
    st.lists(
        st.from_regex(r"https?://[a-z]{1,3}(:[1-9]\d?)?(/[ -~]{0,6}){0,4}", fullmatch=True),
        unique=True,
    )
)
def test_paths_of_any_addresses_are_safe_and_unique(urls):
    """Printable as they are after the config has checked them."""
    urls = [url for url in urls if "#" not in url and " " not in url]
    paths = [http._path(url) for url in urls]
    assert len(set(paths)) == len(urls)
    for path in paths:
        assert remote.hostile(path) in (None, f"nested deeper than {remote.MAX_DEPTH} directories")


@pytest.mark.parametrize(
    "validators",
    [{"etag": '"one"'}, {"etag": 'W/"one"'}, {"last_modified": "Sun, 09 Mar 2025 00:00:00 GMT"}],
)
def test_an_unchanged_page_costs_a_304(server, fetcher, validators):
    """The validators come back with the next request; a changed page is read."""
    url = server.script("/p", stub.reply(PAGE, **validators), stub.status(304), stub.reply(OTHER))
    source = http_source(fetcher, url)
    first = Pass(source)
    second = Pass(source, first.past())
    assert list(first.data().values()) == [PAGE]
    assert only(second.read) is UNCHANGED
    name = "if-none-match" if "etag" in validators else "if-modified-since"
    assert server.seen[1].headers[name] == next(iter(validators.values()))
    assert list(Pass(source, second.past()).data().values()) == [OTHER]


def test_a_page_without_validators_is_asked_for_in_each_pass(server, fetcher):
    """Its signature is never that of an entry, or nobody would look."""
    source = http_source(fetcher, server.script("/p", stub.reply(PAGE)))
    first = Pass(source)
    assert "" not in first.signatures.values()
    assert Pass(source, first.past()).data()
    assert not {"if-none-match", "if-modified-since"} & server.seen[1].headers.keys()


def test_validators_of_another_address_are_not_sent(server, fetcher):
    """A template that now leads elsewhere must not get a 304 for what was never read there."""
    one, two = (server.script(f"/{n}/develop/zlib", stub.cached(PAGE)) for n in (1, 2))
    wanted = Selection(("develop",), ("zlib",))
    before, after = (
        http_source(fetcher, url=url.replace("develop", "{tag}").replace("zlib", "{package}"), selection=wanted)
        for url in (one, two)
    )  # fmt: skip
    assert Pass(after, Pass(before).past()).data() == {"develop/zlib/specs.md": PAGE}


@pytest.mark.parametrize("etag", ["x" * 600, '"\x01"', '"caf\xe9"', ""])
def test_hostile_validators_are_not_kept(fetcher, etag):
    """What could not be sent back is not stored."""
    fake = FakeFetcher({"http://a/p": Response(200, {"etag": etag}, PAGE)})
    source = http_source(fake, "http://a/p")
    Pass(source, Pass(source).past())
    assert fake.requests[1].headers == {}


def test_a_304_that_nobody_asked_for_is_a_failure(server, fetcher):
    """There is nothing it could refer to."""
    content = only(Pass(http_source(fetcher, server.script("/p", stub.status(304)))).read)
    assert content.is_passing
    assert "304" in content.reason


@pytest.mark.parametrize(
    "behaviour",
    [
        stub.status(500), stub.status(403), stub.status(401), stub.status(429), stub.status(206, PAGE),
        stub.status(429, retry_after="7200"), stub.hang_up(), stub.cut(PAGE), stub.overlong(PAGE, 5),
        stub.dripping(PAGE), stub.redirect("/p"), stub.reply(PAGE, content_encoding="gzip"),
    ],
)  # fmt: skip
def test_a_page_that_is_not_delivered_is_neither_gone_nor_rejected(server, hasty, behaviour):
    """The source failed; what was known of the page stands."""
    url = server.script("/p", stub.reply(PAGE, etag='"one"'), behaviour)
    source = http_source(hasty, url)
    first = Pass(source)
    second = Pass(source, first.past())
    content = only(second.read)
    assert isinstance(content, Failed)
    assert content.is_passing
    assert second.signatures == first.signatures


def test_a_long_wait_is_told_to_the_schedule(server, fetcher):
    """The source says how long the server wants to be left alone."""
    source = http_source(fetcher, server.script("/p", stub.status(429, retry_after="7200")))
    Pass(source)
    assert source.retry_after_seconds == pytest.approx(7200, abs=5)


@pytest.mark.parametrize("body", [ERROR_PAGE, b""])
def test_what_comes_with_200_goes_to_the_parser(server, fetcher, body):
    """It rejects it, and the last good page stands."""
    assert only(Pass(http_source(fetcher, server.script("/p", stub.reply(body)))).read).data == body


def test_a_page_that_is_too_large_is_refused_itself(server, fetcher):
    """That is the page's fault, and no reason to call the source broken."""
    url = server.script("/p", stub.reply(bytes(100_001)))
    content = only(Pass(http_source(fetcher, url)).read)
    assert not content.is_passing
    assert "larger than the limit of 100,000 bytes" in content.reason


def only(read):
    (content,) = read.values()
    return content


def missing_in_turn(server, fetcher, *codes):
    """What a known page comes to in passes in which it is answered so."""
    often = {500: policy.ATTEMPTS}
    answers = [stub.status(code) for code in codes for _ in range(often.get(code, 1))]
    url = server.script("/p", stub.reply(PAGE), *answers)
    latest = Pass(http_source(fetcher, url))
    contents = []
    for _ in codes:
        latest = Pass(http_source(fetcher, url), latest.past())
        contents.append(only(latest.read))
    return contents


def test_a_page_leaves_on_the_third_404_running(server, fetcher):
    """The count outlives the source."""
    assert missing_in_turn(server, fetcher, 404, 404, 404) == [Missing(1, 3), Missing(2, 3), GONE]


@pytest.mark.parametrize("between", [200, 500, 403])
def test_another_answer_begins_the_count_anew(server, fetcher, between):
    """404, 404, something else, 404, 404: still there."""
    contents = missing_in_turn(server, fetcher, 404, 404, between, 404, 404)
    assert GONE not in contents
    assert contents[3:] == [Missing(1, 3), Missing(2, 3)]


def test_a_page_leaves_on_410_at_once(server, fetcher):
    """That is what 410 says."""
    assert missing_in_turn(server, fetcher, 410) == [GONE]


def test_a_removal_that_was_held_comes_again(server, fetcher):
    """Where the guard holds the removal, the next pass finds the page gone as well."""
    url = server.script("/p", stub.status(404))
    path = http_source(fetcher, url).listing().entries[0].path
    memory = {}
    for expected in (Missing, Missing, Gone, Gone):
        done = Pass(http_source(fetcher, url), Past(memory, {path: "known"}))
        memory = done.memory
        assert type(only(done.read)) is expected


@pytest.mark.parametrize("signature", ["known", None])
def test_a_page_that_is_to_be_read_again_is_known(server, fetcher, signature):
    """Its signature may be missing; it is not new."""
    url = server.script("/p", stub.status(404))
    source = http_source(fetcher, url)
    path = source.listing().entries[0].path
    assert only(Pass(source, Past({}, {path: signature})).read) == Missing(1, 3)


def test_a_page_that_never_was_is_gone(server, fetcher):
    """Of a template's pages not all need exist."""
    done = Pass(http_source(fetcher, server.script("/p", stub.status(404))))
    assert only(done.read) is GONE
    assert done.memory == {}


def test_a_host_that_fails_is_not_asked_for_every_page(server, fetcher):
    """After some failures in a row the rest of the pass fails at once; the next pass asks again."""
    server.mount("/", stub.status(403, retry_after="7200"))
    fake = FakeFetcher({server.url(f"/{n}"): FetchError("broken") for n in range(40)})
    source = http_source(fake, *(server.url(f"/{n}") for n in range(40)))
    done = Pass(source)
    assert all(content.is_passing for content in done.read.values())
    assert len(fake.requests) == remote.FAILURES_IN_A_ROW
    Pass(source)
    assert len(fake.requests) == 2 * remote.FAILURES_IN_A_ROW


def test_a_location_shows_no_secret():
    """User, password and query are left out of what the ledger and `status` have."""
    entry = HttpSourceConfig("up", urls=(f"https://me:{SECRET}@a.example/p?t={SECRET}", "b"))
    assert catalog._location(entry) == "https://a.example/p and 1 more"


# -- github


def pages_of(packages, *tags):
    return {
        tag: {f"p{n:04}": b"%s %d" % (tag.encode(), n) for n in range(packages)}
        for tag in tags or ("develop", "v0.23", "v1.0")
    }


def github_source(hub, fetcher, *, token=None, limits=LIMITS, **more):
    config = GithubSourceConfig(
        "up", hub.repository, api_url=hub.api_url, raw_url=hub.raw_url, **more
    )
    return github.GithubSource(config, limits, fetcher, token=token)


def everything(hub):
    return {f"{t}/{p}/specs.md": data for t, ps in hub.pages.items() for p, data in ps.items()}


def test_a_large_repository_costs_few_requests(server, fetcher):
    """1,200 packages in 3 tags: complete in 10 tree requests; then 1 for nothing, 6 for a page."""
    hub = stub.GithubStub(server, pages_of(1200))
    source = github_source(hub, fetcher)
    listing = source.listing()
    assert len(listing.entries) == 3600
    assert (listing.faults, listing.unlisted) == ([], [])
    assert hub.counts["tree"] <= 10
    signatures = {entry.path: entry.signature for entry in listing.entries}
    del hub.pages["v1.0"]["p0007"]
    hub.pages["develop"]["p0008"] = PAGE
    done = Pass(source, Past({}, {**signatures}))
    assert done.data() == {"develop/p0008/specs.md": PAGE}

    hub.counts.clear()
    idle = Pass(source, done.past())
    assert hub.counts == {"commit": 1}
    assert idle.listing.as_before == ("",)
    assert idle.memory == done.memory

    hub.counts.clear()
    hub.pages["v0.23"]["p0100"] = OTHER
    changed = Pass(source, idle.past())
    assert changed.data() == {"v0.23/p0100/specs.md": OTHER}
    assert hub.requests() <= 6
    assert sorted(changed.listing.as_before) == ["develop/", "v1.0/"]


def test_a_first_pass_reads_everything_and_a_restart_remembers(server, fetcher):
    """What is remembered is in the memory, not in the object."""
    hub = stub.GithubStub(server, pages_of(5))
    done = Pass(github_source(hub, fetcher))
    assert done.data() == everything(hub)
    hub.counts.clear()
    assert Pass(github_source(hub, fetcher), done.past()).read == {}
    assert hub.requests() == 1


def test_added_and_removed_tags_and_pages(server, fetcher):
    """The listing has what is there, and what is as it was stays."""
    hub = stub.GithubStub(server, pages_of(4))
    done = Pass(github_source(hub, fetcher))
    del hub.pages["v1.0"], hub.pages["develop"]["p0001"]
    hub.pages["v1.1"] = {"zlib": PAGE}
    done = Pass(github_source(hub, fetcher), done.past())
    assert set(done.signatures) == set(everything(hub))
    assert done.data() == {"v1.1/zlib/specs.md": PAGE}


def test_a_commit_that_changes_no_page_costs_no_tag(server, fetcher):
    """Its trees have the shas they had."""
    hub = stub.GithubStub(server, pages_of(4))
    done = Pass(github_source(hub, fetcher))
    changed = dict(done.memory, commit="0" * 40, etag='"older"')
    hub.counts.clear()
    again = Pass(github_source(hub, fetcher), Past(changed, done.signatures))
    assert hub.counts == {"commit": 1, "tree": 2}
    assert sorted(again.listing.as_before) == ["develop/", "v0.23/", "v1.0/"]
    assert again.memory == done.memory


@pytest.mark.parametrize(
    "other",
    [{"ref": "next"}, {"selection": Selection(("develop",))}, {"path": "_cache/develop"}],
)
def test_memory_of_other_settings_is_ignored(server, fetcher, other):
    """Where the config changed, everything is looked at anew."""
    hub = stub.GithubStub(server, pages_of(3))
    past = Pass(github_source(hub, fetcher)).past()
    done = Pass(github_source(hub, fetcher, **other), past)
    assert not done.listing.as_before
    assert "if-none-match" not in server.seen[-1].headers


def test_a_page_that_is_to_be_read_again_is_listed(server, fetcher):
    """An unchanged tree is no reason not to, where the ledger has no signature."""
    hub = stub.GithubStub(server, pages_of(3))
    done = Pass(github_source(hub, fetcher))
    past = done.past()
    past.signatures["develop/p0001/specs.md"] = None
    again = Pass(github_source(hub, fetcher), past)
    assert list(again.data()) == ["develop/p0001/specs.md"]
    assert sorted(again.listing.as_before) == ["v0.23/", "v1.0/"]


def test_a_page_that_failed_keeps_its_tag_from_being_remembered(server, fetcher):
    """Until all of a tag was delivered its tree counts for nothing, nor does the commit."""
    hub = stub.GithubStub(server, pages_of(3))
    hub.tampered = {"develop/p0001"}
    done = Pass(github_source(hub, fetcher))
    (failed,) = [c for c in done.read.values() if isinstance(c, Failed)]
    assert failed.is_passing
    assert "its sha differs" in failed.reason
    assert {key for key in done.memory if key != "settings"} == {"tree:v0.23", "tree:v1.0"}
    hub.tampered = set()
    hub.counts.clear()
    again = Pass(github_source(hub, fetcher), done.past())
    assert list(again.data()) == ["develop/p0001/specs.md"]
    assert hub.requests() == 5
    assert "commit" in again.memory


def test_a_page_asked_for_again_counts_until_it_is_delivered(server, fetcher):
    """A known page may be wanted again (other globs): its tag is remembered once it was read."""
    hub = stub.GithubStub(server, pages_of(2))
    signatures = Pass(github_source(hub, fetcher)).signatures
    source = github_source(hub, fetcher)
    path, sha = source.listing(past=Past({}, signatures)).entries[0]
    hub.tampered = {"develop/p0000"}
    assert source.read(path, sha, sha).is_passing
    assert "tree:develop" not in source.memory()
    hub.tampered = set()
    assert isinstance(source.read(path, sha, sha), Changed)
    assert {"tree:develop", "commit"} <= source.memory().keys()


def test_a_page_that_nobody_read_keeps_its_tag_from_being_remembered(server, fetcher):
    """A pass that ended before it asked for everything must not remember that it did."""
    hub = stub.GithubStub(server, pages_of(2))
    source = github_source(hub, fetcher)
    source.listing()
    assert set(source.memory()) == {"settings"}


@pytest.mark.parametrize(
    "answer", [stub.status(404), stub.status(500), stub.reply(ERROR_PAGE), stub.reply(b"")]
)
def test_a_listed_page_that_is_not_delivered_is_not_gone(server, fetcher, answer):
    """404 of a listed page, an error page with 200, nothing at all: the source failed."""
    hub = stub.GithubStub(server, pages_of(1, "develop"))
    server.script(f"/raw/{hub.repository}/{hub.commit()}/_cache/develop/p0000/specs.md", answer)
    done = Pass(github_source(hub, fetcher))
    assert only(done.read).is_passing
    assert "tree:develop" not in done.memory


def test_a_truncated_tag_retires_nothing_and_is_asked_for_again(server, fetcher):
    """What is listed is delivered, the rest stands, and the source says so."""
    hub = stub.GithubStub(server, pages_of(10))
    done = Pass(github_source(hub, fetcher))
    hub.pages["develop"]["p0001"] = PAGE
    hub.truncated = {"develop"}
    done = Pass(github_source(hub, fetcher), done.past())
    assert done.data() == {"develop/p0001/specs.md": PAGE}
    assert done.listing.unlisted == ["develop/"]
    assert [fault.path for fault in done.listing.faults] == ["develop/"]
    assert set(done.signatures) == set(everything(hub))
    assert not {"tree:develop", "commit", "etag"} & done.memory.keys()
    hub.truncated = set()
    again = Pass(github_source(hub, fetcher), done.past())
    assert (again.listing.faults, again.listing.unlisted) == ([], [])
    assert "commit" in again.memory


def test_a_budget_that_ends_midway_is_spent_on_what_it_reaches(server, fetcher):
    """Tags listed before the limit are delivered and remembered; the next pass goes on from there."""
    hub = stub.GithubStub(server, pages_of(2))
    done = NOTHING
    limited = f"/api/repos/{hub.repository}/git/trees/"
    trees = {line["path"]: line["sha"] for line in hub._shape()[1][hub._tags_sha(*hub._shape())]}
    server.script(
        limited + trees["v0.23"],
        stub.status(403, x_ratelimit_remaining="0", x_ratelimit_reset="9999999999"),
    )
    source = github_source(hub, fetcher)
    done = Pass(source)
    assert done.listing.unlisted == ["v0.23/", "v1.0/"]
    (fault,) = done.listing.faults
    assert fault.path == "v0.23/"
    assert "not to be asked before" in fault.reason
    assert "1 more tags" in fault.reason
    assert source.retry_after_seconds > 3600
    assert set(done.data()) == set()  # the host is the same, and not to be asked
    assert "commit" not in done.memory


def test_when_no_tag_can_be_listed_the_source_failed(server, fetcher):
    """And says when to come back."""
    hub = stub.GithubStub(server, pages_of(2))
    server.mount(f"/api/repos/{hub.repository}/git/trees/", stub.status(429, retry_after="1800"))
    with pytest.raises(SourceError, match="not to be asked before") as caught:
        github_source(hub, fetcher).listing()
    assert caught.value.retry_after_seconds == pytest.approx(1800, abs=5)


@pytest.mark.parametrize(
    ("commit", "tree"),
    [
        (stub.status(404), None), (stub.status(401), None), (stub.status(403), None), (stub.status(409), None),
        (stub.status(500), None), (stub.reply(ERROR_PAGE), None), (stub.reply(b""), None),
        (stub.status(304), None), (stub.reply(b"../../x"), None),
        (None, stub.reply(ERROR_PAGE)), (None, stub.reply(b"")), (None, stub.status(404)), (None, stub.reply(b"[" * 100_000)),
        (None, stub.reply(b'{"tree": [1]}')), (None, stub.reply(b'{"tree": []}')),
        (None, stub.reply(b'{"tree": [{"path": "_cache", "type": "tree", "sha": "../.."}], "truncated": false}')),
        (None, stub.dripping(b"{}" * 40)),
    ],
)  # fmt: skip
def test_what_cannot_be_listed_is_an_error(server, hasty, commit, tree):
    """Never an empty listing; and what was remembered stays remembered."""
    hub = stub.GithubStub(server, pages_of(2))
    done = Pass(github_source(hub, hasty))
    hub.pages["develop"]["new"] = PAGE
    if commit:
        server.mount(f"/api/repos/{hub.repository}/commits/", commit)
    if tree:
        server.mount(f"/api/repos/{hub.repository}/git/trees/", tree)
    past = done.past() if tree else NOTHING
    source = github_source(hub, hasty)
    with pytest.raises(SourceError):
        source.listing(past=past)
    assert source.memory() == past.memory


def test_a_directory_that_is_not_there_is_an_error(server, fetcher):
    """A renamed directory is not a cache without pages."""
    hub = stub.GithubStub(server, pages_of(2), path="a/b")
    assert Pass(github_source(hub, fetcher, path="a/b")).data() == everything(hub)
    with pytest.raises(SourceError, match="holds no directory a/c"):
        github_source(hub, fetcher, path="a/c").listing()


def test_names_in_a_tree_are_not_trusted(server, fetcher):
    """They become faults under harmless names; links are passed over, other files ignored."""
    hub = stub.GithubStub(server, pages_of(1, "develop"))
    blob = hub._blob(PAGE)
    hostile = ["/etc/specs.md", "../../specs.md", "a/../specs.md", "a//specs.md", "./specs.md", "a\0b/specs.md",
               "a\nb/specs.md", "a\ud800/specs.md", "d/" * 9 + "specs.md", "l" * 5000 + "/specs.md"]  # fmt: skip
    hub.extra["develop"] = [
        *({"path": path, **blob} for path in hostile),
        {"path": "link/specs.md", **blob, "mode": "120000"},
        {"path": "module/specs.md", "mode": "160000", "type": "commit", "sha": "0" * 40},
        {"path": "big/specs.md", **blob, "size": 100_001},
        {"path": ".git/specs.md", **blob},
        {"path": "p0000/specs.md.orig", **blob},
        {"path": "x/SPECS.md", **blob},
        {"path": "tool/specs.md", **blob, "mode": "100755"},
    ]
    server.script(
        f"/raw/{hub.repository}/{hub.commit()}/_cache/develop/tool/specs.md", stub.reply(PAGE)
    )
    done = Pass(github_source(hub, fetcher))
    assert done.paths() == ["develop/p0000/specs.md", "develop/tool/specs.md"]
    faults = {fault.path: fault.reason for fault in done.listing.faults}
    assert len(faults) == len(hostile) + 2
    for path in faults:
        assert remote.hostile(path) is None
        assert path.startswith("develop/")
    assert "larger than" in faults["develop/big/specs.md"]
    assert [note.path for note in done.listing.notes] == ["develop/link/specs.md"]
    assert "tree:develop" in done.memory


def test_tags_and_packages_are_selected_as_in_a_directory(server, fetcher):
    """By the first and second component."""
    hub = stub.GithubStub(server, pages_of(3) | {".hidden": {"x": PAGE}})
    wanted = Selection(("v*", "!v1*"), ("*", "!p0001"))
    done = Pass(github_source(hub, fetcher, selection=wanted))
    assert done.paths() == ["v0.23/p0000/specs.md", "v0.23/p0002/specs.md"]
    assert hub.counts["tree"] == 3


def test_odd_names_are_asked_for_as_they_are(server, fetcher):
    """Quoted where an address needs it."""
    hub = stub.GithubStub(server, {"v1 #?": {"c++%41": PAGE, "é": OTHER}})
    assert Pass(github_source(hub, fetcher)).data() == everything(hub)


def test_a_token_goes_where_it_is_needed(server, fetcher):
    """A private repository is readable with it, and only with it."""
    hub = stub.GithubStub(server, pages_of(2, "develop"), token=SECRET)
    with pytest.raises(SourceError, match="token"):
        github_source(hub, fetcher).listing()
    assert Pass(github_source(hub, fetcher, token=SECRET)).data() == everything(hub)


def test_a_token_is_not_shown_to_those_who_do_not_ask(fetcher):
    """Raw files of another origin are asked for without, and with it only when that is refused."""
    api, raw = "https://api.example", "https://raw.example"
    sha = remote.blob_sha(PAGE)
    line = {
        "path": "zlib/specs.md",
        "mode": "100644",
        "type": "blob",
        "sha": sha,
        "size": len(PAGE),
    }
    tree = {"sha": "", "truncated": False}
    root = f"{api}/repos/o/n"
    answers = {
        f"{root}/commits/main": Response(200, {"etag": '"c"'}, b"c" * 40),
        f"{root}/git/trees/{'c' * 40}": Response(200, {}, json.dumps(
            {**tree, "tree": [{"path": "develop", "mode": "040000", "type": "tree", "sha": "d" * 40}]}).encode()),
        f"{root}/git/trees/{'d' * 40}?recursive=1": Response(200, {}, json.dumps({**tree, "tree": [line]}).encode()),
    }  # fmt: skip
    config = GithubSourceConfig("up", "o/n", path="", api_url=api, raw_url=raw)
    page = f"{raw}/o/n/{'c' * 40}/develop/zlib/specs.md"

    def raw_requests(answer):
        fake = FakeFetcher({**answers, page: answer})
        assert Pass(github.GithubSource(config, LIMITS, fake, token=SECRET)).data()
        assert all(r.authorization for r in fake.requests if r.url.startswith(api))
        return [r.authorization for r in fake.requests if r.url == page]

    assert raw_requests(Response(200, {}, PAGE)) == [None]
    assert raw_requests([Response(404, {}, b""), Response(200, {}, PAGE)]) == [
        None,
        f"Bearer {SECRET}",
    ]


# -- archives


def archive_source(fetcher, url, *, limits=LIMITS, **more):
    return archive.ArchiveSource(ArchiveSourceConfig("snapshot", url, **more), limits, fetcher)


PAGES = {"develop": {"hdf5": PAGE, "zlib": OTHER}, "v1.0": {"zlib": OTHER}}
PATHS = ["develop/hdf5/specs.md", "develop/zlib/specs.md", "v1.0/zlib/specs.md"]


def test_an_archive_is_read_once_and_remembered(server, fetcher):
    """An unchanged one costs a conditional request; of a new one only what changed is kept."""
    url = server.script("/a", stub.cached(stub.tarball(PAGES)))
    done = Pass(archive_source(fetcher, url))
    assert done.data() == dict(zip(PATHS, (PAGE, OTHER, OTHER), strict=True))
    assert done.memory["etag"] == '"one"'
    idle = Pass(archive_source(fetcher, url), done.past())
    assert idle.listing.as_before == ("",)
    assert idle.memory == done.memory
    assert len(server.seen) == 2

    pages = {**PAGES, "v1.0": {"zlib": PAGE}}
    server.script("/a", stub.cached(stub.tarball(pages), etag='"two"'))
    source = archive_source(fetcher, url)
    source.listing(past=idle.past())
    assert list(source._kept) == ["v1.0/zlib/specs.md"]
    changed = Pass(archive_source(fetcher, url), idle.past())
    assert changed.data() == {"v1.0/zlib/specs.md": PAGE}
    assert changed.memory["etag"] == '"two"'


def test_other_settings_read_the_archive_anew(server, fetcher):
    """Globs that were widened may want pages that were passed over."""
    url = server.script("/a", stub.cached(stub.tarball(PAGES)))
    narrow = Pass(archive_source(fetcher, url, selection=Selection(("v*",))))
    assert narrow.paths() == PATHS[2:]
    wide = archive_source(fetcher, url)
    assert [e.path for e in wide.listing(past=narrow.past()).entries] == PATHS
    assert isinstance(wide.read(PATHS[2], remote.blob_sha(OTHER), remote.blob_sha(OTHER)), Changed)


def test_content_is_kept_compressed_and_forgotten_when_read(fetcher):
    """A large cache fits into memory, and leaves it again."""
    big = b"spec " * 10_000
    fake = FakeFetcher(
        {"http://a/": Response(200, {}, stub.tarball({"v": {str(n): big for n in range(9)}}))}
    )
    source = archive_source(fake, "http://a/")
    entries = source.listing().entries
    assert sum(map(len, source._kept.values())) < len(big) / 10
    for entry in entries:
        assert source.read(*entry).data == big
    assert source._kept == {}
    assert source.read(*entries[0]).is_passing


def test_an_archive_whose_pages_were_not_read_is_not_remembered(fetcher):
    """The next pass must deliver them; nothing is held meanwhile."""
    fake = FakeFetcher({"http://a/": Response(200, {"etag": '"one"'}, stub.tarball(PAGES))})
    source = archive_source(fake, "http://a/")
    source.listing()
    assert source.memory() == {}
    assert source._kept == {}


def test_a_page_that_is_to_be_read_again_is_fetched_again(server, fetcher):
    """No conditional request then."""
    url = server.script("/a", stub.cached(stub.tarball(PAGES)))
    past = Pass(archive_source(fetcher, url)).past()
    past.signatures[PATHS[1]] = None
    assert list(Pass(archive_source(fetcher, url), past).data()) == [PATHS[1]]


WHOLE = stub.tarball(PAGES)
TAR = gzip.decompress(WHOLE)


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        (stub.reply(WHOLE[: len(WHOLE) // 2]), "ends early"),
        (stub.reply(WHOLE[:-4]), "ends early"),
        (stub.reply(WHOLE[:-8] + b"\0\0\0\0" + WHOLE[-4:]), "is damaged"),
        (stub.reply(gzip.compress(TAR[:700])), "ends early"),
        (stub.reply(gzip.compress(TAR[: TAR.rindex(b"zlib")])), "ends early"),
        (stub.reply(WHOLE + b"more"), "data after the end"),
        (stub.reply(ERROR_PAGE), "neither gzip nor tar"),
        (stub.reply(ERROR_PAGE * 20), "neither gzip nor tar"),
        (stub.reply(gzip.compress(ERROR_PAGE * 20)), "is not a tar archive"),
        (stub.reply(b""), "is empty"),
        (stub.reply(gzip.compress(b"")), "ends early"),
        (stub.reply(gzip.compress(bytes(1024))), "holds no selected page"),
        (stub.reply(stub.tarball(PAGES, root="repo/elsewhere")), "holds no selected page"),
        (stub.status(404), "answered 404"),
        (stub.status(500), "answered 500"),
        (stub.status(304), "304"),
        (stub.cut(WHOLE), "announced|complete"),
        (stub.dripping(WHOLE, every=0.3), "no complete answer"),
        (stub.reply(bytes(1_000_001)), "larger than the limit"),
    ],
)
def test_an_archive_that_is_not_whole_tells_nothing(server, hasty, behaviour, why):
    """Cut, damaged, an error page, no page at all: an error, and nothing is remembered."""
    source = archive_source(hasty, server.script("/a", behaviour))
    found = []
    with pytest.raises(SourceError, match=why):
        source.listing(found.extend)
    assert found == []
    assert source.memory() == {}
    assert source._kept == {}


def member(name, kind=tarfile.REGTYPE, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def listed(fetcher, tar, **more):
    fake = FakeFetcher({"http://a/": Response(200, {}, gzip.compress(tar))}, chunk_bytes=100)
    return Pass(archive_source(fake, "http://a/", **more))


def test_what_lies_in_an_archive_is_not_trusted(fetcher):
    """Names that lead out, links, devices and pages too large; the rest is taken."""
    good = {
        f"r/_cache/{path}": data for path, data in zip(PATHS, (PAGE, OTHER, OTHER), strict=True)
    }
    tar = stub.tar_of(
        {
            **good,
            "r/_cache/../up/specs.md": PAGE, "/_cache/a/b/specs.md": PAGE, "../_cache/a/c/specs.md": PAGE,
            "r/_cache/a\nb/specs.md": PAGE, "r/_cache/big/x/specs.md": bytes(100_001), "r/_cache/a/b/README": b"x",
            "r/_cache/.git/b/specs.md": PAGE, "r/specs.md": PAGE,
        },
        member("r/_cache/l/link/specs.md", tarfile.SYMTYPE, "/etc/passwd"),
        member("r/_cache/l/hard/specs.md", tarfile.LNKTYPE, "r/_cache/x"),
        member("r/_cache/l/pipe/specs.md", tarfile.FIFOTYPE),
        member("r/_cache/l/device/specs.md", tarfile.CHRTYPE),
        member("r/_cache/l/directory/specs.md", tarfile.DIRTYPE),
    )  # fmt: skip
    done = listed(fetcher, tar)
    assert done.paths() == PATHS
    faults = {fault.path: fault.reason for fault in done.listing.faults}
    assert len(faults) == 5
    assert all(remote.hostile(path) is None for path in faults)
    assert [note.path for note in done.listing.notes] == [
        f"l/{kind}/specs.md" for kind in ("link", "hard", "pipe", "device")
    ]


def test_of_two_members_of_one_name_the_last_counts(fetcher):
    """As it does when an archive is unpacked."""
    twice = [
        ("r/_cache/v/a/specs.md", PAGE),
        ("r/_cache/v/b/specs.md", PAGE),
        ("r/_cache/v/a/specs.md", OTHER),
    ]
    assert listed(fetcher, stub.tar_of(twice)).data() == {
        "v/a/specs.md": OTHER,
        "v/b/specs.md": PAGE,
    }
    linked = stub.tar_of(twice, member("r/_cache/v/b/specs.md", tarfile.SYMTYPE, "a"))
    assert listed(fetcher, linked).data() == {"v/a/specs.md": OTHER}


def test_archives_of_other_shapes(fetcher):
    """Not packed, packed twice by an overeager server, at its root, made by `tar .`."""
    tar = stub.tar_of({f"./_cache/{path}": PAGE for path in PATHS})
    assert listed(fetcher, tar).paths() == PATHS
    root = stub.tar_of({f"r/{path}": PAGE for path in PATHS})
    assert listed(fetcher, root, path="").paths() == PATHS
    fake = FakeFetcher({"http://a/": Response(200, {}, tar)})
    assert Pass(archive_source(fake, "http://a/")).paths() == PATHS


def test_an_archive_that_unpacks_to_too_much_is_refused(server, fetcher):
    """A bomb in front of the pages, or in one: the cap holds, however small the download."""
    huge = tarfile.TarInfo("r/filler")
    huge.size = 64 * stub.MIB
    bomb = stub.zeros_gzipped(64, before=huge.tobuf())
    with pytest.raises(SourceError, match="unpacks to more than 20,000,000 bytes"):
        archive_source(fetcher, server.script("/a", stub.reply(bomb))).listing()
    page = tarfile.TarInfo("r/_cache/v/a/specs.md")
    page.size = 64 * stub.MIB
    bomb = stub.zeros_gzipped(64, before=page.tobuf())
    with pytest.raises(SourceError, match="unpacks to more than"):
        archive_source(fetcher, server.script("/b", stub.reply(bomb))).listing()


BOMB = """
import sys, threading
from cachesync.config.settings import ArchiveSourceConfig, Limits
from cachesync.errors import SourceError
from cachesync.net import Request, open_fetcher
from cachesync.sources.archive import ArchiveSource
def kib(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field))
with open_fetcher(request_seconds=20, stop=threading.Event()) as fetcher:
    fetcher.fetch(Request(sys.argv[1] + "/small", 1000))
    before = kib("VmRSS")
    for download in (8 << 20, 1 << 30):
        limits = Limits(page_bytes=4 << 20, download_bytes=download)
        try:
            ArchiveSource(ArchiveSourceConfig("a", sys.argv[1] + "/bomb"), limits, fetcher).listing()
        except SourceError as error:
            print(error)
    print((kib("VmHWM") - before) // 1024)
"""


def test_a_bomb_costs_no_memory(server):
    """512 MiB in 500 kB, refused at the cap or passed over: less than 32 MiB, in a process of its own."""
    page = tarfile.TarInfo("r/_cache/v/a/specs.md")
    page.size = 511 * stub.MIB
    server.script("/bomb", stub.reply(stub.zeros_gzipped(512, before=page.tobuf())))
    server.script("/small", stub.reply(b"x"))
    done = subprocess.run(
        [sys.executable, "-c", BOMB, server.origin],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    first, second, grown = done.stdout.splitlines()
    assert "unpacks to more than 167,772,160 bytes" in first
    assert "is damaged" in second  # a wrong checksum, found at the very end
    assert int(grown) < 32


# -- tar


def test_tar_headers_that_claim_much_are_refused():
    """A long name or an extended header is never read beyond a bound."""
    for kind in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XGLTYPE):
        info = tarfile.TarInfo("x")
        info.type, info.size = kind, 1 << 30
        with pytest.raises(TarError, match="has a header of"):
            list(TarStream(iter([info.tobuf(), bytes(1 << 16)])))


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=200)
            .filter(lambda name: name.strip("/")),
            st.binary(max_size=1500),
        ),
        max_size=4,
    ),
    st.integers(1, 2000),
)  # fmt: skip
def test_tar_is_read_as_tarfile_reads_it(form, files, step):
    """Names of any length in any script, contents of any size, however the bytes are cut."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as written:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            written.addfile(info, io.BytesIO(content))
    data = out.getvalue()
    with tarfile.open(fileobj=io.BytesIO(data)) as archived:
        expected = [(m.name, archived.extractfile(m).read()) for m in archived if m.isfile()]
    stream = TarStream(data[at : at + step] for at in range(0, len(data), step))
    read = [(m.name.rstrip("/"), stream.read(m.size)) for m in stream if m.is_file]
    assert read == [(name.rstrip("/"), content) for name, content in expected]


@given(st.binary(max_size=2000), st.integers(0, 3000), st.integers(1, 700))
def test_damaged_tar_is_an_error_or_a_shorter_story(noise, at, step):
    """Whatever is overwritten: TarError, or members; nothing else."""
    data = bytearray(TAR)
    data[at : at + len(noise)] = noise
    stream = TarStream(bytes(data[i : i + step]) for i in range(0, len(data), step))
    try:
        for found in stream:
            if found.is_file and found.size < 10_000:
                assert len(stream.read(found.size)) == found.size
    except TarError:
        pass


# -- names


@given(st.text(max_size=40), st.text(max_size=8))
def test_a_refused_path_has_a_harmless_name(path, prefix):
    """Whatever it was, its fault can be stored and shown."""
    fault = remote.refused("develop/", path or "x", "why")
    assert remote.hostile(fault.path) is None
    assert fault.path.count("/") == 1


def test_sources_ask_within_their_limits(fetcher):
    """Every request is bounded by what the config allows."""
    fake = FakeFetcher({"http://a/p": Response(200, {}, PAGE)})
    Pass(http_source(fake, "http://a/p"))
    with pytest.raises(SourceError):
        archive_source(fake, "http://a/archive").listing()
    assert [request.most_bytes for request in fake.requests] == [100_000, 1_000_000]
    assert fake.requests[0] == Request("http://a/p", 100_000, {})
    assert Entry("x", "y") == ("x", "y")
