"""Signed requests: each attempt anew, to nobody else, and no secret where it could be read."""

import hashlib
import hmac
import logging
import re

import pytest

from cachesync.errors import CachesyncError
from cachesync.net import Request
from cachesync.net.signing import Keys, open_signer
from tests.support import stubserver as stub
from tests.support.fetching import MOST, PAGE, get, streamed

KEYS = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "the-token")
_EMPTY = hashlib.sha256(b"").hexdigest()


def expected(method, path, query, headers, signed, keys, region):
    """The signature by hand: AWS's Signature Version 4."""
    lines = "".join(f"{name}:{headers[name]}\n" for name in signed)
    canonical = "\n".join([method, path, query, lines, ";".join(signed), _EMPTY])
    at = headers["x-amz-date"]
    scope = f"{at[:8]}/{region}/s3/aws4_request"
    text = "\n".join(
        ["AWS4-HMAC-SHA256", at, scope, hashlib.sha256(canonical.encode()).hexdigest()]
    )
    key = f"AWS4{keys.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


@pytest.mark.parametrize("keys", [KEYS, KEYS._replace(token=None)], ids=["session", "user"])
@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/bucket/v3/a%2Bb~c%3D%20%C3%A9", ""),
        ("/bucket/", "list-type=2&prefix=v3%2Fa%2Bb%2F"),
        ("/", "continuation-token=a%2F%2B%3D&list-type=2"),
    ],
)
def test_a_signature_is_the_one_of_the_form(keys, path, query):
    """Made a second time by hand, of the path just as it is sent."""
    sign = open_signer(keys, "eu-central-1")
    url = f"https://s3.example.org:9000{path}{'?' if query else ''}{query}"
    made = {name.lower(): value for name, value in sign("GET", url).items()}
    found = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/\d{8}/eu-central-1/s3/aws4_request,"
        r" SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})",
        made["authorization"],
    )
    assert found, made
    signed = found[1].split(";")
    assert set(signed) - {"x-amz-security-token"} == {"host", "x-amz-content-sha256", "x-amz-date"}
    assert made.get("x-amz-security-token") == keys.token
    headers = {**made, "host": "s3.example.org:9000"}
    assert found[2] == expected("GET", path, query, headers, signed, keys, "eu-central-1")


def test_every_attempt_is_signed_anew(server, fetcher):
    """Also the one after a redirect to another path of the same server."""
    made = []

    def sign(method, url):
        made.append((method, url))
        return {"Authorization": f"number {len(made)}"}

    server.script("/one", stub.status(500), stub.redirect("/two"))
    server.script("/two", stub.reply(PAGE))
    assert get(fetcher, server.url("/one"), sign=sign).body == PAGE
    assert [seen.headers["authorization"] for seen in server.seen] == [
        "number 1", "number 2", "number 3",
    ]  # fmt: skip
    assert made == [("GET", server.url(path)) for path in ("/one", "/one", "/two")]


@pytest.mark.parametrize("way", [get, streamed])
def test_nothing_of_it_reaches_another_host(server, fetcher, way):
    with stub.StubServer() as other:
        other.script("/x", stub.redirect(server.url("/back")))
        server.script("/x", stub.redirect(other.url("/x")))
        server.script("/back", stub.reply(PAGE))
        way(fetcher, server.url("/x"), sign=open_signer(KEYS, "us-east-1"))
        (elsewhere,) = other.seen
        assert not {"authorization", "x-amz-security-token", "x-amz-date"} & set(elsewhere.headers)
        assert [("authorization" in seen.headers) for seen in server.seen] == [True, False]


def test_nothing_of_it_is_shown_or_logged(caplog):
    """Neither by what holds it nor by botocore, which tells all that it signs to whoever listens."""
    caplog.set_level(logging.DEBUG)
    sign = open_signer(KEYS, "us-east-1")
    url = "https://s3.example.org/b"
    sign("GET", url)
    shown = f"{KEYS!r} {KEYS} {Request(url, MOST, sign=sign)!r} {caplog.text}"
    for secret in KEYS:
        assert secret not in shown


@pytest.mark.parametrize(
    "keys", [Keys("a\nb", "c"), Keys("", "c"), Keys("a", "c", "d\r\nX: y"), Keys("ä", "c")]
)
def test_what_no_header_can_hold_is_refused(keys):
    with pytest.raises(CachesyncError, match="no header can hold"):
        open_signer(keys, "us-east-1")
