"""What a configuration says of build caches: addresses, views, and the tags and stacks they get."""

import pytest

from cachesync.config import mirrors
from cachesync.config.sourceconfigs import BuildcacheSourceConfig
from tests.support.configs import problems

HTTPS = "https://b.example/releases/v2026.10"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({}, [(None, "v2026.10", "root")]),
        ({"tag": "t", "stack": "s"}, [(None, "t", "s")]),
        ({"view": "v"}, [("v", "v", "root")]),
        ({"view": "v", "tag": "t"}, [("v", "t", "root")]),
        ({"views": ("a", "b")}, [("a", "a", "root"), ("b", "b", "root")]),
        ({"views": ("a", "b"), "stack": "s"}, [("a", "a", "s"), ("b", "b", "s")]),
        ({"views": ("a", "b"), "tag": "t"}, [("a", "t", "a"), ("b", "t", "b")]),
        ({"views": ("a",), "tag": "t"}, [("a", "t", "a")]),
    ],
)
def test_each_view_is_a_tag_or_with_a_tag_a_stack(said, meant):
    assert mirrors.places(BuildcacheSourceConfig("x", HTTPS, **said)) == tuple(
        mirrors.Place(*one) for one in meant
    )


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("file:///srv/mirror/", "file:///srv/mirror"),
        ("file://localhost/srv/m%20x", "file:///srv/m%20x"),
        ("file:///srv/our mirror/", "file:///srv/our%20mirror"),
        ("http://a.example:81/x//", "http://a.example:81/x"),
        ("https://a.example", "https://a.example"),
    ],
)
def test_addresses_of_mirrors_have_no_slash_at_their_end(text, url):
    assert mirrors.url(text) == url


def test_a_file_address_is_decoded():
    assert mirrors.path("file:///srv/m%20x%25") == "/srv/m x%"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("/srv/mirror", "a path is no address; write file:///srv/mirror"),
        ("../mirror", "a path is no address; write file:///PATH"),
        (
            "gs://bucket/x",
            "expected an address that begins with file:///, http://, https://, s3://,",
        ),
        (
            "oci://ghcr.io",
            "expected oci://HOST/NAME, its name in lower case: oci://ghcr.io/org/cache",
        ),
        (
            "oci://ghcr.io/Org/cache",
            "expected oci://HOST/NAME, its name in lower case: oci://ghcr.io/org/cache",
        ),
        ("oci:/ghcr.io/x", "expected oci://HOST/NAME, its name in lower case"),
        ("s3://", "expected s3://BUCKET/PREFIX; the server of buckets is its endpoint:"),
        ("s3:bucket/x", "expected s3://BUCKET/PREFIX; the server of buckets is its endpoint:"),
        ("s3://key:secret@bucket/x", "an address may not hold a user or password"),
        ("file://host/x", "expected file:/// and an absolute path: file:///srv/mirror"),
        ("file:srv", "expected file:/// and an absolute path: file:///srv/mirror"),
        ("file:///a?b", "write ? and # in a file: address as %3F and %23"),
        ("file:///a%00", "may not hold %00"),
        ("file:///a\tb", "write what cannot be printed in a file: address as %XX"),
        ("https://u:p@a.example", "an address may not hold a user or password"),
    ],
)
def test_what_is_no_address_of_a_mirror_is_refused_with_the_remedy(text, reason):
    with pytest.raises(ValueError) as caught:
        mirrors.url(text)
    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ("url: https://a.example/x, view: ../up", "sources.view: expected the name of a view: letters"),
        ("url: https://a.example/x, view: a, views: [b]", "sources: views and view exclude"),
        ("url: https://a.example", "sources: no tag follows from this url; say tag: as well"),
        ("url: https://a.example/x, views: [a, b], tag: t, stack: s", "sources: with a tag each"),
        ("url: https://a.example/x, settle: 0", "sources.settle: "),
        ("url: https://a.example/x, probe: {sample: 0}", "sources.probe.sample: "),
        ("url: https://a.example/x, probe: {every: 10}", "sources.probe.every: "),
        ("url: https://a.example/x, probe: 1d", "sources.probe: expected {every, sample}"),
        ("url: https://a.example/x, probe: {evry: 1d}", "did you mean every"),
        ("tags: [a]", "sources: expected one of the keys url, list, mirrors"),
        ("mirrors: /m, view: a", "sources: view goes with url: it is of one mirror"),
        ("list: https://a.example/l, mirrors: /m", "sources: mirrors and list exclude each other"),
        ("list: https://a.example/l, view: a", "sources: view goes with url: it is of one mirror"),
        ("mirrors: /m, stacks: [a]", "sources: stacks goes with list"),
        ("url: https://a.example/x, region: a", "sources: region goes with an s3:// address"),
        ("url: oci://a.example/x, view: a", "sources: a registry has no views"),
        ("url: file:///x, view: a, read: manifests", "sources: a view is an index; read: manifests"),
        ("url: https://a.example/x, read: manifests", "sources: a web server cannot be listed"),
        (
            "url: https://a.example/x, credentials: {username: a, password: {env: P}}",
            "sources: https: addresses take no credentials",
        ),
        (
            "url: s3://a/x, credentials: {username: a, password: {env: P}}",
            "sources: s3: addresses take credentials with access_key",
        ),
        (
            "url: s3://a/x, anonymous: true, credentials: {access_key: a, secret_key: {env: P}}",
            "sources: anonymous and credentials exclude each other",
        ),
        (
            "url: oci://a.example/x, credentials: {username: a}",
            "sources.credentials: username and password go together",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_a_problem(keys, found):
    (problem,) = problems(f"sources: [{{name: n, type: buildcache, {keys}}}]")
    assert found in problem
