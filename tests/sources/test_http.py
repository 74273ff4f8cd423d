"""Pages at known addresses: what is told of servers that lie, fail, or have nothing new."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.config.sourceconfigs import HttpSourceConfig
from cachesync.net import FetchError, Response, policy
from cachesync.net.fake import FakeFetcher
from cachesync.selection import Selection
from cachesync.sources import http, remote
from cachesync.sources.base import (
    GONE,
    UNCHANGED,
    Failed,
    Gone,
    Missing,
    Past,
)
from cachesync.sync import catalog
from tests.support import stubserver as stub
from tests.support.passes import ERROR_PAGE, OTHER, PAGE, SECRET, Pass, http_source, only


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
def test_what_comes_with_200_and_is_no_page_is_garbage(server, fetcher, body):
    """Its content type is the reason."""
    portal = stub.reply(body, content_type="Text/HTML; charset=utf-8")
    read = only(Pass(http_source(fetcher, server.script("/p", portal))).read)
    assert read == Failed("answered with text/html, not with a page", is_garbage=True)
    read = only(Pass(http_source(fetcher, server.script("/q", stub.reply(body)))).read)
    assert read.is_garbage
    assert not read.is_passing


def test_a_page_that_is_too_large_is_refused_itself(server, fetcher):
    """That is the page's fault, and no reason to call the source broken."""
    url = server.script("/p", stub.reply(bytes(100_001)))
    content = only(Pass(http_source(fetcher, url)).read)
    assert not content.is_passing
    assert "larger than the limit of 100,000 bytes" in content.reason


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
