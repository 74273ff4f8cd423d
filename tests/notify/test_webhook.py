"""Signing and verifying: the published library agrees, and nothing that was changed passes."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cachesync.errors import CachesyncError
from cachesync.notify import webhook
from cachesync.notify.webhook import Key, VerificationError, signed_headers, verify
from tests.support.documents import blocks

NOW = 1_763_820_000
OLD = "whsec_" + base64.b64encode(b"old secret, 24 bytes long").decode()
NEW = "whsec_" + base64.b64encode(b"new secret, 24 bytes long").decode()
BODY = json.dumps(
    {
        "schema": 1,
        "type": "specs.cached",
        "timestamp": "2025-11-22T14:00:00Z",
        "data": {"subscription": "hdf5 arm/64", "query": "hdf5 “+mpi”", "total": 0, "changes": []},
    },
    ensure_ascii=False,
).encode()


def request(*secrets, body=BODY, at=NOW):
    keys = [Key(secret) for secret in secrets]
    return signed_headers(keys, message_id="msg_2b", timestamp=at, body=body)


def check(headers, *secrets, body=BODY, now=NOW, **more):
    return verify(headers, body, [Key(secret) for secret in secrets], now=now, **more)


# -- the published library


@pytest.fixture(scope="module")
def library():
    return pytest.importorskip("standardwebhooks", reason="tests/requirements.lock has it")


SECRETS = [
    OLD,
    OLD.removeprefix("whsec_"),
    OLD.rstrip("="),
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "0123456789abcdef0123456789abcdef",  # openssl rand -hex 16
]


@pytest.mark.parametrize("secret", SECRETS)
def test_the_published_library_verifies_what_is_signed(library, secret):
    """Whatever form it takes a secret in."""
    now = int(datetime.now(tz=UTC).timestamp())
    headers = request(secret, at=now)
    assert library.Webhook(secret).verify(BODY, headers) == json.loads(BODY)


def test_a_secret_that_is_no_base64_is_the_key_itself(library):
    """The library takes such a key as bytes."""
    now = int(datetime.now(tz=UTC).timestamp())
    headers = request("correct horse \u2013 battery", at=now)
    key = "correct horse \u2013 battery".encode()
    assert library.Webhook(key).verify(BODY, headers) == json.loads(BODY)


@given(st.binary(min_size=1, max_size=80), st.text(max_size=200), st.integers(0, 10**11))
def test_signatures_are_those_of_the_library(key, text, at):
    """For random keys, bodies and times."""
    library = pytest.importorskip("standardwebhooks")
    secret = "whsec_" + base64.b64encode(key).decode()
    assume(at < 250_000_000_000)
    body = text.encode("utf-8", "replace")
    theirs = library.Webhook(secret).sign("msg_1", datetime.fromtimestamp(at, UTC), body.decode())
    ours = signed_headers([Key(secret)], message_id="msg_1", timestamp=at, body=body)
    assert ours["webhook-signature"] == theirs


def test_both_secrets_pass_while_one_replaces_the_other(library):
    """Each receiver finds its signature among the two; a third secret finds none."""
    now = int(datetime.now(tz=UTC).timestamp())
    headers = request(NEW, OLD, at=now)
    assert headers["webhook-signature"].count("v1,") == 2
    for secret in (OLD, NEW):
        assert library.Webhook(secret).verify(BODY, headers)
    with pytest.raises(library.WebhookVerificationError):
        library.Webhook("whsec_" + base64.b64encode(b"another").decode()).verify(BODY, headers)


def test_a_message_without_secrets_has_no_signature():
    """It has an id and a time all the same."""
    assert request() == {"webhook-id": "msg_2b", "webhook-timestamp": str(NOW)}


# -- verifying


def test_what_was_signed_is_verified():
    """Header names may be written in any case, and several secrets be tried."""
    headers = {name.title(): value for name, value in request(NEW).items()}
    assert check(headers, OLD, NEW) == webhook.Verified("msg_2b", NOW, 1)


@given(st.data())
def test_a_changed_byte_is_refused(data):
    """Anywhere in the body."""
    position = data.draw(st.integers(0, len(BODY) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != BODY[position]))
    changed = BODY[:position] + bytes([byte]) + BODY[position + 1 :]
    with pytest.raises(VerificationError, match="no signature fits"):
        check(request(OLD), OLD, body=changed)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_changed_or_missing_header_is_refused(name):
    """Id and time are signed too."""
    headers = request(OLD)
    value = headers[name]
    changed = value[:-5] + ("1" if value[-5] != "1" else "2") + value[-4:]
    with pytest.raises(VerificationError):
        check(headers | {name: changed}, OLD, tolerance_seconds=1e12)
    for nothing in ({}, {name: ""}, {name: " "}):
        with pytest.raises(VerificationError, match=f"{name} is missing"):
            check({k: v for k, v in headers.items() if k != name} | nothing, OLD)


def test_a_wrong_secret_is_refused():
    """And the error holds neither secret nor signature."""
    headers = request(OLD)
    with pytest.raises(VerificationError) as caught:
        check(headers, NEW)
    said = f"{caught.value!r} {caught.value.hint}"
    assert not any(part in said for part in (OLD[6:], NEW[6:], headers["webhook-signature"][3:]))


@pytest.mark.parametrize("away", [-301, 301, 10**6])
def test_a_time_that_is_far_away_is_refused(away):
    """Before and after; within the tolerance it passes."""
    with pytest.raises(VerificationError, match="timestamp"):
        check(request(OLD), OLD, now=NOW + away)
    assert check(request(OLD), OLD, now=NOW + away, tolerance_seconds=abs(away))
    assert check(request(OLD), OLD, now=NOW + 300)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"webhook-timestamp": "soon"}, "no number of seconds"),
        ({"webhook-timestamp": "1.5"}, "no number of seconds"),
        ({"webhook-timestamp": "-5"}, "no number of seconds"),
        ({"webhook-timestamp": "\uff11"}, "no number of seconds"),
        ({"webhook-signature": "v1a,AAAA"}, "no signature of version v1"),
        ({"webhook-signature": "v1,???"}, "no signature of version v1"),
        ({"webhook-signature": "v1"}, "no signature fits"),
        ({"webhook-signature": "v1, "}, "no signature fits"),
        ({"webhook-signature": "v1,é"}, "no signature of version v1"),
        ({"webhook-signature": "v1,AAAA " * 2000}, "too long"),
        ({"WEBHOOK-ID": "msg_2b"}, "there twice"),
    ],
)
def test_a_header_that_is_not_understood_is_refused(change, problem):
    """Each with its reason."""
    with pytest.raises(VerificationError, match=problem):
        check(request(OLD) | change, OLD)


@given(
    st.dictionaries(
        st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text()
    )
)
def test_no_headers_make_it_raise_anything_else(headers):
    """Whatever they hold."""
    with pytest.raises(VerificationError):
        check(headers, OLD)


@given(st.binary(max_size=300), st.text(min_size=1, max_size=30), st.integers(0, 10**11))
def test_verify_accepts_what_signed_headers_makes(body, message_id, at):
    """For any body, id and time."""
    assume(message_id.strip() == message_id and message_id.isprintable())
    headers = signed_headers([Key(OLD), Key(NEW)], message_id=message_id, timestamp=at, body=body)
    for secret in (OLD, NEW):
        assert check(headers, secret, body=body, now=at).id == message_id


def test_the_receiver_in_the_documents_verifies(library):
    """Its code, on a message that was signed as the daemon does."""
    (code,) = blocks("docs/notifications.md", "python")
    names = {}
    exec(code, names)
    headers = request(NEW, OLD, at=int(datetime.now(tz=UTC).timestamp()))
    assert names["receive"](headers, BODY, OLD) == json.loads(BODY)
    with pytest.raises(library.WebhookVerificationError):
        names["receive"](headers, BODY + b" ", OLD)


# -- secrets


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_?", "whsec_AAAAA", "whsec_é"])
def test_a_secret_that_is_none_is_refused(secret):
    """Without being repeated."""
    with pytest.raises(CachesyncError) as caught:
        Key(secret)
    assert "AAAAA" not in str(caught.value)


def test_a_key_does_not_show_itself():
    """Neither as text nor by its attributes' names."""
    key = Key(OLD)
    assert f"{key!r}{key}{[key]}" == "Key(...)Key(...)[Key(...)]"
    assert not hasattr(key, "__dict__")


# -- CloudEvents


def test_a_cloudevent_has_what_the_specification_asks_for():
    """https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#required-attributes"""
    form = webhook.cloudevent(BODY, message_id="msg_2b")
    assert form.content_type == "application/cloudevents+json"
    assert json.loads(form.body) == {
        "specversion": "1.0",
        "id": "msg_2b",
        "source": "/cachesync/subscriptions/hdf5%20arm%2F64",
        "type": "cachesync.specs.cached",
        "time": "2025-11-22T14:00:00Z",
        "datacontenttype": "application/json",
        "bodyschema": 1,
        "data": json.loads(BODY)["data"],
    }


def test_a_cloudevent_is_a_function_of_body_and_id():
    """So that every attempt sends the same bytes."""
    assert webhook.cloudevent(BODY, message_id="a") == webhook.cloudevent(BODY, message_id="a")
    assert webhook.standard(BODY) == webhook.Form("application/json", BODY)
