"""What is done with an answer: going elsewhere, waiting, trying again."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.net import (
    FetchError,
    policy,
)
from cachesync.net.client import HttpFetcher
from tests.support import stubserver as stub
from tests.support.fetching import PAGE, SECRET, both_ways, get

# -- redirects


def test_redirects_are_followed(server, fetcher):
    """Five of them, relative ones too, and the fragment stays here."""
    server.script("/1", stub.redirect("/2", 301))
    server.script("/2", stub.redirect("3?x=1#fragment", 302))
    server.script("/3", stub.redirect(server.url("/4"), 303))
    server.script("/4", stub.redirect("/5", 307))
    server.script("/5", stub.redirect("/6", 308))
    server.script("/6", stub.reply(PAGE))
    assert get(fetcher, server.url("/1")).body == PAGE
    assert server.seen[2].query == "x=1"
    server.script("/0", stub.redirect("/1"))
    with pytest.raises(FetchError, match="more than 5 redirects"):
        get(fetcher, server.url("/0"))


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("/here", "in a circle"),
        ("ftp://127.0.0.1/x", "neither http nor https"),
        ("file:///etc/passwd", "neither http nor https"),
        ("http://user:pass@127.0.0.1/", "a user or password"),
        ("http://[::1", "an invalid address"),
        ("http://127.0.0.1:99999/", "an invalid address"),
        ("", "to nowhere"),
    ],
)
def test_redirects_to_where_nobody_may_be_sent_are_refused(server, fetcher, location, why):
    """And are not tried again."""
    url = server.script("/here", stub.redirect(location))
    for error in both_ways(fetcher, url):
        assert why in error.message
        assert "pass@" not in error.message


def test_a_longer_circle_is_found(server, fetcher):
    """a -> b -> a."""
    server.script("/a", stub.redirect("/b"))
    server.script("/b", stub.redirect("/a"))
    with pytest.raises(FetchError, match="in a circle"):
        get(fetcher, server.url("/a"))
    assert server.paths() == ["/a", "/b"]


def test_a_credential_stays_with_its_origin(server, fetcher):
    """Another port is another origin, and coming back does not bring the credential back."""
    with stub.StubServer() as other:
        server.script("/same", stub.redirect("/away"))
        server.script("/away", stub.redirect(other.url("/there")))
        other.script("/there", stub.redirect(server.url("/back")))
        server.script("/back", stub.reply(PAGE))
        assert get(fetcher, server.url("/same"), authorization=f"Bearer {SECRET}").body == PAGE
        with_it = [seen.path for seen in server.seen if "authorization" in seen.headers]
        assert with_it == ["/same", "/away"]
        assert other.seen
        assert not any(SECRET in str(seen) for seen in other.seen)


def test_no_redirect_from_https_to_http():
    """Whoever can read the one must not be told of the other; the other way is fine."""
    with pytest.raises(FetchError, match="from https to http"):
        policy.redirected("https://a.example/x", "http://a.example/x")
    assert policy.redirected("http://a.example/x", "https://b.example/y#z") == "https://b.example/y"


# -- retries and waits


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_passing_failures_are_tried_again(server, fetcher, sleep, code):
    """With growing pauses; then that is the failure."""
    url = server.script("/page", stub.status(code), stub.status(code), stub.reply(PAGE))
    assert get(fetcher, url).body == PAGE
    assert sleep.slept == [0.25, 0.5]
    with pytest.raises(FetchError, match=rf"answered {code} \(4 attempts\)") as caught:
        get(fetcher, server.script("/for-ever", stub.status(code)))
    assert server.paths().count("/for-ever") == 4
    assert caught.value.retry_after_seconds == (60.0 if code == 429 else None)


@pytest.mark.parametrize("code", [403, 429, 503])
def test_retry_after_is_obeyed(server, sleep, code):
    """A short wait is sat out; meanwhile nobody else asks this host."""
    now = [1000.0]

    def clocked_sleep(seconds):
        sleep(seconds)
        now[0] += seconds

    url = server.script("/page", stub.status(code, retry_after="7"), stub.reply(PAGE))
    with HttpFetcher(
        request_seconds=5, stop=threading.Event(), sleep=clocked_sleep, clock=lambda: now[0],
        chance=lambda: 0.0,
    ) as fetcher:  # fmt: skip
        assert get(fetcher, url).body == PAGE
    assert sum(sleep.slept) == 7


@pytest.mark.parametrize(
    "headers",
    [
        {"retry_after": "3600"},
        {"retry_after": "Sun, 22 Nov 2026 17:00:00 GMT"},
        {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "1795366800"},
    ],
    ids=["seconds", "date", "rate-limit"],
)
@pytest.mark.parametrize("code", [403, 429, 503])
def test_a_long_wait_is_left_to_the_schedule(server, sleep, headers, code):
    """The error says until when, and until then the host is not asked at all."""
    server.script("/page", stub.status(code, **headers))
    with HttpFetcher(
        request_seconds=5, stop=threading.Event(), sleep=sleep, wall_clock=lambda: 1795363200.0
    ) as fetcher:
        for path in ("/page", "/other"):
            with pytest.raises(FetchError) as caught:
                get(fetcher, server.url(path))
            assert caught.value.retry_after_seconds == pytest.approx(3600, abs=2)
            assert f"answered {code}; not to be asked before 2026-11-22T1" in caught.value.message
    assert server.paths() == ["/page"]


def test_a_long_wait_of_one_host_is_nothing_to_another(server, fetcher):
    """Waits belong to an origin."""
    with stub.StubServer() as other, pytest.raises(FetchError):
        get(fetcher, other.script("/", stub.status(429, retry_after="3600")))
    assert get(fetcher, server.script("/page", stub.reply(PAGE))).body == PAGE


def test_a_plain_403_is_an_answer(server, fetcher):
    """Forbidden is not a rate limit: a remaining budget, or none named."""
    for headers in ({}, {"x_ratelimit_remaining": "12", "x_ratelimit_reset": "1795366800"}):
        assert get(fetcher, server.script("/page", stub.status(403, **headers))).status == 403


def test_a_refused_connection_is_tried_again_and_told(fetcher, sleep):
    """Nobody listens there."""
    with stub.StubServer() as gone:
        url = gone.url("/")
    with pytest.raises(FetchError, match=r"connection refused \(4 attempts\)"):
        get(fetcher, url)
    assert len(sleep.slept) == 3


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_back_off_grows_to_a_bound_with_full_jitter(attempt, chance):
    """Between nothing and the bound, which doubles up to 8 s."""
    bound = policy.backoff_seconds(attempt, 1.0)
    assert bound == min(8.0, 0.5 * 2 ** min(attempt, 10))
    assert policy.backoff_seconds(attempt, chance) == pytest.approx(bound * chance)


@given(
    st.sampled_from([403, 429, 503]),
    st.text(max_size=30) | st.integers(-9, 10**20).map(str),
    st.text(max_size=30) | st.integers(-9, 10**20).map(str),
)
def test_what_servers_demand_is_bounded(status, retry_after, reset):
    """Whatever stands in the headers: no crash, no negative wait, none longer than a day."""
    headers = {
        "retry-after": retry_after, "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset,
    }  # fmt: skip
    wait = policy.wait_before_retry(status, headers, 1795363200.0)
    if wait is not None and wait.seconds is not None:
        assert 0 <= wait.seconds <= 86400


@pytest.mark.parametrize("digits", [5, 15, 16, 400, 5_000])
def test_a_wait_beyond_all_numbers_is_a_day(digits):
    """And not none at all."""
    for headers in (
        {"retry-after": "9" * digits},
        {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" * max(digits, 11)},
    ):
        assert policy.demanded_wait(headers, 1795363200.0) == min(86_400, float("9" * digits))
    assert policy.demanded_wait({"retry-after": "0" * digits + "7"}, 0.0) == 7


def test_a_host_is_asked_by_eight_at_a_time(server):
    """Forty threads, eight connections; waiting for one does not count to the deadline."""
    server.mount("/", stub.slowly(stub.reply(b"x"), 0.5))
    answers = []
    with HttpFetcher(request_seconds=2.0, stop=threading.Event()) as fetcher:
        threads = [
            threading.Thread(target=lambda n=n: answers.append(get(fetcher, server.url(f"/{n}"))))
            for n in range(40)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(answers) == 40
    assert server.most_at_once == 8
