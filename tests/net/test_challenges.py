"""What a 401 asks for, as servers write it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.net.challenges import Challenge, basic, challenges

TOKENS = 'Bearer realm="https://auth.example/token",service="hub",scope="repository:a/b:pull,push"'


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", ()),
        ("Basic", (Challenge("basic", {}),)),
        ('basic realm="x y"', (Challenge("basic", {"realm": "x y"}),)),
        (
            TOKENS,
            (
                Challenge(
                    "bearer",
                    {
                        "realm": "https://auth.example/token",
                        "service": "hub",
                        "scope": "repository:a/b:pull,push",
                    },
                ),
            ),
        ),
        (
            'Basic realm="a", Bearer realm="b" , error="invalid_token"',
            (
                Challenge("basic", {"realm": "a"}),
                Challenge("bearer", {"realm": "b", "error": "invalid_token"}),
            ),
        ),
        (
            "Negotiate abc==, Bearer REALM=https://a.example/t",
            (Challenge("negotiate", {}), Challenge("bearer", {"realm": "https://a.example/t"})),
        ),
        (r'Bearer realm="a\"b\\c"', (Challenge("bearer", {"realm": 'a"b\\c'}),)),
        ('Bearer realm="a", realm="b"', (Challenge("bearer", {"realm": "a"}),)),
        ('Bearer realm="open', (Challenge("bearer", {}),)),
        ('="x"', ()),
    ],
)
def test_challenges_are_told_apart(header, expected):
    assert challenges(header) == expected


@given(st.text(max_size=200))
def test_whatever_is_sent_ends_and_raises_nothing(header):
    for one in challenges(header):
        assert one.scheme == one.scheme.lower()


def test_a_long_header_is_read_in_no_time():
    """Linear in its length: what is not understood is looked at once."""
    for piece in ("a ", "a=", 'a="', '\\"', ", ", "a==,"):
        challenges(piece * 50_000)


def test_a_password_of_any_language_is_told_in_utf_8():
    assert basic("ü", "p:w") == "Basic w7w6cDp3"
