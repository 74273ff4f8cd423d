"""What AWS's variables say of buckets, and where the configuration is before them."""

import pytest

from cachesync.config import awsvariables
from cachesync.config.file import parse
from cachesync.config.reachvalues import Secret, SecretKind
from cachesync.config.secrets import environment_names, named_in
from cachesync.config.sourceconfigs import Credentials, MirrorAccess
from cachesync.errors import CachesyncError

EVERYTHING = {
    "AWS_ACCESS_KEY_ID": "AK",
    "AWS_SECRET_ACCESS_KEY": "hidden",
    "AWS_SESSION_TOKEN": "token",
    "AWS_ENDPOINT_URL": "https://all.example/",
    "AWS_ENDPOINT_URL_S3": "https://s3.example/",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-2",
    "AWS_PROFILE": "other",
}
CONFIGURED = Credentials(access_key="OURS", secret_key=Secret(SecretKind.CREDENTIAL, "s3"))


def test_the_environment_says_what_the_configuration_does_not():
    assert awsvariables.settled(MirrorAccess(), EVERYTHING) == MirrorAccess(
        Credentials(
            access_key="AK",
            secret_key=Secret(SecretKind.ENV, "AWS_SECRET_ACCESS_KEY"),
            session_token=Secret(SecretKind.ENV, "AWS_SESSION_TOKEN"),
        ),
        "https://s3.example",
        "eu-west-1",
    )
    said = MirrorAccess(endpoint="https://ours.example", region="r", is_anonymous=True)
    assert awsvariables.settled(said, EVERYTHING) == said


def test_beside_credentials_it_says_nothing():
    """Else a key would go where the environment says."""
    said = MirrorAccess(CONFIGURED)
    assert awsvariables.settled(said, EVERYTHING) == said


@pytest.mark.parametrize("environment", [{}, dict.fromkeys(EVERYTHING, "")])
def test_what_is_empty_says_nothing(environment):
    assert awsvariables.settled(MirrorAccess(), environment) == MirrorAccess()


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"AWS_ACCESS_KEY_ID": "AK"}, "AWS_ACCESS_KEY_ID and no AWS_SECRET_ACCESS_KEY"),
        ({"AWS_SECRET_ACCESS_KEY": "hidden"}, "AWS_SECRET_ACCESS_KEY and no AWS_ACCESS_KEY_ID"),
        ({"AWS_ENDPOINT_URL": "s3.hidden.example"}, "AWS_ENDPOINT_URL: expected an address"),
        ({"AWS_REGION": "hidden/x"}, "AWS_REGION: expected a region"),
    ],
)
def test_half_of_it_or_nonsense_is_an_error(environment, reason):
    with pytest.raises(CachesyncError) as caught:
        awsvariables.settled(MirrorAccess(), environment)
    assert reason in caught.value.message
    assert "hidden" not in f"{caught.value.message} {caught.value.hint}"


def config(*entries):
    return parse("sources:\n" + "".join(f"  - {{{one}}}\n" for one in entries), name="x.yaml")


def test_what_a_mirror_is_asked_with_is_known_as_a_secret():
    """So that it is checked, and no other program gets it."""
    made = config(
        "name: a, type: buildcache, url: s3://b/x, credentials: {access_key: k,"
        " secret_key: {credential: one}, session_token: {env: TWO}}",
        "name: b, type: buildcache, url: 'oci://h.example/x', credentials: {username: u,"
        " password: {env: THREE}}",
    )
    assert {secret.name for secret in named_in(made)} == {"one", "TWO", "THREE"}
    assert environment_names(made) == {"TWO", "THREE", "CREDENTIALS_DIRECTORY"}


@pytest.mark.parametrize(
    ("more", "are_hidden"),
    [
        ("", True),
        (", anonymous: true", False),
        (", credentials: {access_key: k, secret_key: {file: /x}}", False),
    ],
)
def test_the_variables_are_hidden_from_other_programs_where_a_bucket_is_asked_with_them(
    more, are_hidden
):
    made = config(f"name: a, type: buildcache, url: s3://b/x{more}")
    assert (environment_names(made) >= awsvariables.SECRETS) is are_hidden


@pytest.mark.parametrize(
    "url", ["s3://a b/x", "s3://b:80/x", "s3://user@b/x", "s3:///x", "s3://b/a//c", "s3://b/../c", "s3://b/./c"]
)  # fmt: skip
def test_what_is_no_address_of_a_bucket_is_a_problem(url):
    with pytest.raises(CachesyncError) as caught:
        config(f"name: a, type: buildcache, tag: t, url: '{url}'")
    assert any("sources.url" in problem for problem in caught.value.problems)
