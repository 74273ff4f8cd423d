"""Who asks is told to those who may know: once more with a new proof, and never to another host."""

import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.net import FetchError, Login, Request
from cachesync.net.challenges import basic
from cachesync.net.fake import FakeFetcher
from cachesync.net.proof import Authorized
from cachesync.net.request import Response
from tests.support import stubserver as stub

LOGIN = Login("bot", "hunter2verysecret")
BASIC = basic(*LOGIN)
MOST = 1 << 16


@pytest.fixture
def other():
    with stub.StubServer("127.0.0.2") as running:
        yield running


def asked_for(token, body=b"content"):
    """Answers those who bring this token; to others it says what brings one."""

    def answer(talk):
        if talk.seen.headers.get("authorization") == f"Bearer {token[0]}":
            stub.reply(body)(talk)
        else:
            challenge = f'Bearer realm="{token[1]}",service="s",scope="repository:a/b:pull"'
            stub.status(401, www_authenticate=challenge)(talk)

    return answer


def tokens(*values):
    return [stub.reply(json.dumps({"token": value}).encode()) for value in values]


def both(fetcher, url, login=None):
    """What `fetch` and then `stream` gives, asked by one that remembers nothing."""
    answer = Authorized(fetcher, login).fetch(Request(url, MOST))
    with Authorized(fetcher, login).stream(Request(url, MOST)) as download:
        body = b"".join(download.chunks)
    assert (download.status, body) == (answer.status, answer.body)
    return answer


def sent(server, path):
    return [seen.headers.get("authorization") for seen in server.seen if seen.path == path]


def test_a_token_is_got_for_the_scope_that_is_asked_for_and_kept(server, fetcher):
    url = server.script("/a", asked_for(("t0k", server.url("/token?x=1"))))
    server.script("/token", *tokens("t0k"))
    asking = Authorized(fetcher)
    for _ in range(3):
        assert asking.fetch(Request(url, MOST)).body == b"content"
    assert sent(server, "/a") == [None, "Bearer t0k", "Bearer t0k", "Bearer t0k"]
    (token,) = [seen for seen in server.seen if seen.path == "/token"]
    assert token.query == "x=1&service=s&scope=repository%3Aa%2Fb%3Apull&client_id=cachesync"
    assert "authorization" not in token.headers
    both(fetcher, url)


def test_a_token_that_expired_is_renewed_once(server, fetcher):
    current = ["one", server.url("/token")]
    url = server.script("/a", asked_for(current))
    server.script("/token", *tokens("one", "two"))
    asking = Authorized(fetcher)
    asking.fetch(Request(url, MOST))
    current[0] = "two"
    with asking.stream(Request(url, MOST)) as download:
        assert b"".join(download.chunks) == b"content"
    assert sent(server, "/a") == [None, "Bearer one", "Bearer one", "Bearer two"]


def test_many_that_find_their_token_expired_get_one_new(server, fetcher):
    """And none waits for another's connection: the token comes from the same host."""
    current = ["one", server.url("/token")]
    url = server.script("/a", asked_for(current))
    server.script("/token", *tokens("one", "two"))
    asking = Authorized(fetcher)
    asking.fetch(Request(url, MOST))
    current[0] = "two"
    found = []

    def ask():
        with asking.stream(Request(url, MOST)) as download:
            found.append(b"".join(download.chunks))

    threads = [threading.Thread(target=ask) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [b"content"] * 24
    assert server.paths().count("/token") == 2


def test_a_401_to_a_new_token_is_final(server, fetcher):
    challenge = f'Bearer realm="{server.url("/token")}",scope="s",error="insufficient_scope"'
    url = server.script("/a", stub.status(401, www_authenticate=challenge))
    server.script("/token", *tokens("one", "two", "three", "four"))
    asking = Authorized(fetcher)
    for number in (1, 2):
        with pytest.raises(FetchError, match="answered 401, insufficient_scope, to a new token"):
            asking.fetch(Request(url, MOST))
        assert server.paths().count("/token") == number
    assert server.paths().count("/a") == 4


def test_a_password_is_told_when_it_is_asked_for(server, fetcher):
    def answer(talk):
        is_known = talk.seen.headers.get("authorization") == BASIC
        (stub.reply(b"x") if is_known else stub.status(401, www_authenticate='Basic realm="r"'))(
            talk
        )

    url = server.script("/a", answer)
    assert both(fetcher, url, LOGIN).body == b"x"
    with pytest.raises(FetchError, match=r"wants to know who asks \(answered 401\)") as caught:
        Authorized(fetcher).fetch(Request(url, MOST))
    assert "credentials" in caught.value.hint
    with pytest.raises(FetchError, match="answered 401 to the password") as caught:
        Authorized(fetcher, Login("bot", "wrongpass")).fetch(Request(url, MOST))
    assert "wrongpass" not in f"{caught.value.message}{caught.value.hint}"


def test_the_token_server_is_told_the_password(server, fetcher):
    url = server.script("/a", asked_for(("t0k", server.url("/token"))))
    server.script("/token", *tokens("t0k"))
    both(fetcher, url, LOGIN)
    assert set(sent(server, "/token")) == {BASIC}
    assert BASIC not in sent(server, "/a")


# -- whom nothing is told


def test_a_redirect_to_another_host_is_told_nothing(server, other, fetcher):
    """Neither token nor password, and what that host asks for is not answered."""

    def answer(talk):
        if talk.seen.headers.get("authorization") == BASIC:
            stub.redirect(other.url("/blob"))(talk)
        else:
            stub.status(401, www_authenticate="Basic")(talk)

    url = server.script("/a", answer)
    other.script("/blob", stub.reply(b"content"))
    assert both(fetcher, url, LOGIN).body == b"content"
    asks = f'Basic realm="x", Bearer realm="{other.url("/token")}"'
    other.script("/blob", stub.status(401, www_authenticate=asks))
    assert both(fetcher, url, LOGIN).status == 401
    assert sent(other, "/blob") == [None] * 4
    assert other.paths().count("/token") == 0


def test_a_token_server_that_redirects_passes_no_password_on(server, other, fetcher):
    url = server.script("/a", asked_for(("t0k", server.url("/token"))))
    server.script("/token", stub.redirect(other.url("/token")))
    other.script("/token", *tokens("t0k"))
    assert both(fetcher, url, LOGIN).body == b"content"
    assert set(sent(server, "/token")) == {BASIC}
    assert set(sent(other, "/token")) == {None}


@pytest.mark.parametrize(
    ("url", "realm", "may_know"),
    [
        ("https://r.example/a", "https://r.example/token", True),
        ("https://r.example/a", "https://auth.example/token", True),
        ("https://r.example/a", "http://r.example/token", False),
        ("https://r.example/a", "http://auth.example/token", False),
        ("https://r.example/a", "http://127.0.0.1:81/token", True),
        ("https://r.example/a", "http://[::1]/token", True),
        ("https://r.example/a", "http://localhost/token", True),
        ("https://r.example/a", "http://127.0.0.1.evil.example/token", False),
        ("http://r.example/a", "http://r.example:81/token", True),
        ("http://r.example/a", "https://auth.example/token", True),
        ("http://r.example/a", "http://auth.example/token", False),
    ],
)
def test_which_token_server_is_told_the_password(url, realm, may_know):
    """https, this machine, or the host that is asked without TLS itself; all others only nothing."""
    challenge = {"www-authenticate": f'Bearer realm="{realm}"'}
    fake = FakeFetcher({
        url: [Response(401, challenge, b""), Response(200, {}, b"x")] * 2,
        f"{realm}?client_id=cachesync": Response(200, {}, b'{"access_token": "t"}'),
    })  # fmt: skip
    if may_know:
        assert Authorized(fake, LOGIN).fetch(Request(url, MOST)).body == b"x"
        assert [one.authorization for one in fake.requests] == [None, BASIC, "Bearer t"]
    else:
        with pytest.raises(FetchError, match="a token server that no password is sent to"):
            Authorized(fake, LOGIN).fetch(Request(url, MOST))
        assert [one.url for one in fake.requests] == [url]
        fake.answer(url, [Response(401, challenge, b""), Response(200, {}, b"x")])
        assert Authorized(fake).fetch(Request(url, MOST)).body == b"x"
        assert fake.requests[-2].authorization is None


@pytest.mark.parametrize(
    ("realm", "said"),
    [
        ("", "that is no address"),
        ("ftp://a.example/t", "neither http nor https"),
        ("file:///etc/passwd", "neither http nor https"),
        ("https://u:pass@a.example/t", "with a user or password"),
        ("https://[/", "an invalid address"),
        ("/token", "neither http nor https"),
        ("https://a.example/" + "x" * 3000, "that is no address"),
    ],
)
def test_a_token_server_at_no_address_is_refused(realm, said):
    challenge = {"www-authenticate": f'Bearer realm="{realm}"'}
    fake = FakeFetcher({"https://r.example/a": Response(401, challenge, b"")})
    with pytest.raises(FetchError, match="names a token server") as caught:
        Authorized(fake, LOGIN).fetch(Request("https://r.example/a", MOST))
    assert said in caught.value.message
    assert len(fake.requests) == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (stub.reply(b"<html>hunter2verysecret</html>"), "its answer is no JSON"),
        (stub.reply(b"[" * 100_000), "its answer is no JSON"),
        (stub.reply(b'["hunter2verysecret"]'), "its answer holds none"),
        (stub.reply(b'{"token": 7}'), "its answer holds none"),
        (stub.reply(b'{"token": "a\\r\\nX: hunter2verysecret"}'), "its answer holds none"),
        (stub.status(401, b"hunter2verysecret"), "answered 401"),
        (stub.status(404), "answered 404"),
        (stub.status(500), r"answered 500 \(4 attempts\)"),
        (stub.reply(b" " * (1 << 19)), "larger than the limit"),
    ],
)
def test_a_token_server_that_gives_none_is_told_of_without_what_it_said(
    server, fetcher, answer, said
):
    url = server.script("/a", asked_for(("t0k", server.url("/token"))))
    server.script("/token", answer)
    with pytest.raises(FetchError, match=said) as caught:
        Authorized(fetcher, LOGIN).fetch(Request(url, MOST))
    assert caught.value.message.startswith("no token from ")
    assert "hunter2" not in f"{caught.value.message}{caught.value.hint}"


@pytest.mark.parametrize("asks", ["", "Negotiate", "Digest realm=x"])
def test_what_asks_for_neither_a_password_nor_a_token_is_not_asked_again(server, fetcher, asks):
    url = server.script("/a", stub.status(401, www_authenticate=asks))
    with pytest.raises(FetchError, match="asks for neither a password nor a token"):
        Authorized(fetcher, LOGIN).fetch(Request(url, MOST))
    assert server.paths() == ["/a"]


ASKS = ["Basic", 'Bearer realm="https://t.example/",scope="a"',
        'Bearer realm="https://t.example/",scope="b"', 'Bearer realm="http://o.example/"', ""]  # fmt: skip


@given(
    st.lists(st.lists(st.sampled_from(["", *ASKS]), max_size=6), min_size=1, max_size=4),
    st.booleans(),
)
def test_whatever_is_answered_asking_ends_and_tells_no_other_host(fetches, has_login):
    """At most three requests, and one for a token, however a server changes its mind; no secret at another host."""
    url = "https://r.example/a"

    def token(request):
        number = len(fake.requests)
        return Response(200, {}, json.dumps({"token": f"t{number}"}).encode())

    fake = FakeFetcher({})
    for scope in ("a", "b"):
        fake.answer(f"https://t.example/?scope={scope}&client_id=cachesync", token)
    fake.answer("http://o.example/?client_id=cachesync", token)
    asking = Authorized(fake, LOGIN if has_login else None)
    for asks in fetches:
        answers = [Response(401, {"www-authenticate": one}, b"") for one in asks]
        fake.answer(url, [*answers, Response(200, {}, b"x")])
        before = len(fake.requests)
        said = ""
        try:
            asking.fetch(Request(url, MOST))
        except FetchError as error:
            said = f"{error.message}{error.hint}"
        assert "hunter2" not in said
        urls = [one.url for one in fake.requests[before:]]
        assert urls.count(url) <= 3
        assert len(urls) - urls.count(url) <= 1
    for one in fake.requests:
        if one.url.startswith("http:"):
            assert one.authorization is None
        elif one.url != url:
            assert one.authorization == (BASIC if has_login else None)


def test_nothing_of_a_login_is_shown():
    assert "hunter2" not in repr(LOGIN)
    assert "bot" not in repr(LOGIN)
