"""HEAD: headers without a body, whatever they say of one."""

import pytest

from cachesync.net import Request
from tests.support import stubserver as stub


def headers_only(length, **more):
    """As a server answers HEAD."""

    def answer(talk):
        talk.head(200, {"Content-Length": str(length), **more})

    return answer


def test_a_length_is_said_and_nothing_comes(server, fetcher):
    """Longer than the limit, too; and the connection is used again."""
    url = server.script("/big", headers_only(1 << 40))
    for _ in range(2):
        answer = fetcher.fetch(Request(url, 10, method="HEAD"))
        assert (answer.status, answer.body) == (200, b"")
        assert answer.headers["content-length"] == str(1 << 40)
    assert [seen.method for seen in server.seen] == ["HEAD", "HEAD"]


def test_a_redirect_is_followed_by_head(server, fetcher):
    server.script("/to", headers_only(3))
    url = server.script("/from", lambda talk: talk.head(302, {"location": "/to"}))
    assert fetcher.fetch(Request(url, 10, method="HEAD")).headers["content-length"] == "3"
    assert [seen.method for seen in server.seen] == ["HEAD", "HEAD"]


def test_a_packed_body_that_does_not_come_is_not_unpacked(server, fetcher):
    url = server.script("/packed", headers_only(30, **{"Content-Encoding": "gzip"}))
    assert fetcher.fetch(Request(url, 10, method="HEAD")).body == b""


@pytest.mark.parametrize("body", [b"abc", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_body_that_comes_all_the_same_is_no_part_of_the_next_answer(server, fetcher, body):
    server.script("/bad", stub.reply(body))
    good = server.script("/good", stub.reply(b"good"))
    assert fetcher.fetch(Request(server.url("/bad"), 10, method="HEAD")).body == b""
    assert fetcher.fetch(Request(good, 10)).body == b"good"


def test_an_answer_that_passes_is_asked_for_again(server, fetcher):
    url = server.script("/x", stub.status(503), headers_only(1))
    assert fetcher.fetch(Request(url, 10, method="HEAD")).status == 200
