"""A directory of a repository: what is told of trees that are cut off, budgets that end, names that lie."""

import json

import pytest

from cachesync.config.sourceconfigs import GithubSourceConfig
from cachesync.errors import SourceError
from cachesync.net import Response
from cachesync.net.fake import FakeFetcher
from cachesync.selection import Selection
from cachesync.sources import github, remote
from cachesync.sources.base import (
    NOTHING,
    Changed,
    Failed,
    Past,
)
from tests.support import stubserver as stub
from tests.support.passes import ERROR_PAGE, LIMITS, OTHER, PAGE, SECRET, Pass, only


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


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (None, "answered 401: it asks for a token (set `token:`)"),
        ("t0ken", "answered 401: the token is refused (see `token:`)"),
    ],
)
def test_401_says_whether_there_was_a_token(server, fetcher, token, said):
    """Where none is configured none was refused."""
    hub = stub.GithubStub(server, pages_of(1))
    server.mount(f"/api/repos/{hub.repository}/commits/", stub.status(401))
    with pytest.raises(SourceError) as caught:
        github_source(hub, fetcher, token=token).listing()
    assert caught.value.message == said


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
