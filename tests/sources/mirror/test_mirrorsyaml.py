"""What a mirrors.yaml says, as Spack reads it: see mirrors/mirror.py and schema/mirrors.py of Spack 1.2.0.dev0."""

from pathlib import Path

import pytest

from cachesync.config.reachvalues import Secret, SecretKind
from cachesync.config.sourceconfigs import Credentials, MirrorAccess
from cachesync.errors import SourceError
from cachesync.sources.mirror.mirrorsyaml import Mirror, parse

PLAIN = MirrorAccess()
ENVIRONMENT = {"SPACK_ROOT": "/opt/spack", "SITE": "/srv/site", "KEY_ID": "AKIA"}


def found(text):
    return parse(text, directory=Path("/etc/spack"), variable=ENVIRONMENT.get)


def env(name):
    return Secret(SecretKind.ENV, name)


@pytest.mark.parametrize(
    ("entry", "url", "view"),
    [
        ("https://a.example.org/m/", "https://a.example.org/m", None),
        ("{url: https://a.example.org/m, signed: false}", "https://a.example.org/m", None),
        ("{fetch: https://a.example.org/m, push: s3://b/c}", "https://a.example.org/m", None),
        ("{url: https://b.example.org, fetch: https://a.example.org/m}", "https://a.example.org/m", None),
        ("{url: https://b.example.org, fetch: {url: https://a.example.org/m}}", "https://a.example.org/m", None),
        ("{url: https://a.example.org/m, fetch: {view: arm}}", "https://a.example.org/m", "arm"),
        ("{view: x86, fetch: {url: https://a.example.org/m, view: arm}}", "https://a.example.org/m", "arm"),
        ("{view: team/x86, fetch: https://a.example.org/m, push: {url: s3://b, view: z}}", "https://a.example.org/m", "team/x86"),
        ("{url: https://a.example.org/m, source: false, autopush: true}", "https://a.example.org/m", None),
        ("/srv/mirror", "file:///srv/mirror", None),
        ("file:///srv/mirror/", "file:///srv/mirror", None),
        ("../mirror x", "file:///etc/mirror%20x", None),
        ("$spack/var/mirror", "file:///opt/spack/var/mirror", None),
        ("${SPACK}/../mirror", "file:///opt/mirror", None),
        ("$SITE/m", "file:///srv/site/m", None),
        ("oci://ghcr.io/org/cache", "oci://ghcr.io/org/cache", None),
    ],
)  # fmt: skip
def test_an_entry_is_where_spack_fetches_binaries_from(entry, url, view):
    """`fetch` wins over the entry, `push` says nothing, and what is no address is a path beside the file."""
    assert found(f"mirrors:\n  ours: {entry}\n") == (
        (Mirror("ours", url, view, PLAIN),), {},
    )  # fmt: skip


def test_a_mirror_without_binaries_is_none():
    """`binary: false` is left out without a word, whatever else is said of it."""
    assert found("mirrors: {src: {url: 'sftp://x/y', binary: false, source: true}}") == ((), {})


@pytest.mark.parametrize("text", ["mirrors: {}", "mirrors:: {}", "{'mirrors:': {}}"])
def test_a_file_may_say_that_there_are_none(text):
    """Also with `::`, which overrides what other scopes of Spack say."""
    assert found(text) == ((), {})


def test_an_override_is_the_mirror_itself():
    """`name::` says that lower scopes are not merged; of one file it says nothing."""
    (one,) = found("mirrors::\n  ours:: {url: /srv/m}\n").mirrors
    assert (one.name, one.url) == ("ours", "file:///srv/m")


def test_access_of_a_bucket():
    """The id as it is or by a variable, the secret by its variable's name only; none of them: nobody's."""
    pair = "access_pair: {id_variable: KEY_ID, secret_variable: KEY}"
    (one,) = found(
        f"mirrors: {{b: {{fetch: {{url: s3://b/p, {pair}, endpoint_url: 'https://s3.example.org',"
        " access_token_variable: TOKEN, profile: null}}}"
    ).mirrors
    assert one.access == MirrorAccess(
        Credentials(access_key="AKIA", secret_key=env("KEY"), session_token=env("TOKEN")),
        "https://s3.example.org",
    )
    (open_to_all,) = found("mirrors: {b: s3://b/p}").mirrors
    assert open_to_all.access == MirrorAccess(is_anonymous=True)


def test_access_of_a_registry():
    """A user and a password; what the entry says holds where `fetch` says nothing of it."""
    (one,) = found(
        "mirrors: {r: {fetch: 'oci://ghcr.io/o/c', access_pair: {id: bot, secret_variable: PW}}}"
    ).mirrors
    assert one.access == MirrorAccess(Credentials(username="bot", password=env("PW")))


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("sftp://host/m", "sftp: addresses are not supported"),
        ("gs://bucket/m", "gs: addresses are not supported"),
        ("{url: s3://b, profile: prod}", "profile: is not supported"),
        ("{url: s3://b, access_pair: [AKIA, secret]}", "secret_variable"),
        ("{url: s3://b, access_pair: {id: x}}", "expected id or id_variable"),
        ("{url: s3://b, access_pair: {id_variable: GONE, secret_variable: K}}", "variable GONE is not set"),
        ("{url: s3://b, access_pair: {id: x, secret_variable: 'a b'}}", "name of an environment variable"),
        ("{url: /srv/m, colour: red}", "colour: not supported"),
        ("{fetch: {url: /srv/m, signed: true}}", "fetch: signed: not supported"),
        ("{push: /srv/m}", "has no url"),
        ("7", "expected an address or a mapping"),
        ("{fetch: [a]}", "fetch: expected"),
        ("~/mirror", "write the path in full"),
        ("$user/mirror", "$user is not known here"),
        ("$GONE/mirror", "variable GONE is not set"),
        ("{url: 'oci://ghcr.io/o/c', view: x}", "no views"),
        ("{url: 'https://u:p@host.example.org/m'}", ""),
        ("{url: /srv/m, view: ../x}", "name of a view"),
    ],
)  # fmt: skip
def test_what_is_not_supported_is_said_of_the_mirror(entry, reason):
    """The others go on; no secret is in what is said."""
    got = found(f"mirrors:\n  bad: {entry}\n  good: /srv/good\n")
    assert [one.name for one in got.mirrors] == ["good"]
    assert reason in got.problems["bad"]
    assert "secret]" not in got.problems["bad"]


@pytest.mark.parametrize("other", ["'twice:'", "twice:", "'1'"])
def test_of_a_name_that_stands_twice_none_is_read(other):
    """Read one after the other, each would take the place of the other in every pass."""
    first = "1" if other == "'1'" else "twice"
    got = found(f"mirrors:\n  {first}: /srv/a\n  {other}: /srv/b\n  good: /srv/good\n")
    assert [one.name for one in got.mirrors] == ["good"]
    assert got.problems == {first: "there are 2 of this name"}


@pytest.mark.parametrize(
    "text", ["", "{}", "mirrors:\n", "mirrors: [a]", "mirrors: {a: [", "a: b", "[1]", "\x00", "x: " + "[" * 200,
             "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
                 f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(8))],
)  # fmt: skip
def test_a_file_that_says_nothing_is_no_mirrors_yaml(text):
    """Empty, torn or foreign: a failure, so that nothing leaves by it."""
    with pytest.raises(SourceError):
        found(text)
