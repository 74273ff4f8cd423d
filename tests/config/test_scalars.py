"""Single values: what is accepted, and what is refused why."""

import re

import pytest

from cachesync.config.file import parse
from cachesync.errors import ConfigError
from tests.support.configs import NOT_DURATION

# -- one rule each: the lines of a mapping, and the problem

NOT_URL = "expected an address that begins with http:// or https://"

NOT_SIZE = "expected a size such as 32MiB, 2GiB or a number of bytes"

NOT_LISTEN = "expected host:port, such as 127.0.0.1:9517 or [::1]:9517"


# -- single values


def value_problem(section, text):
    """The problem of one value, without place and keys; None when it is accepted."""
    quoted = "'" + text.replace("'", "''") + "'"
    try:
        parse(section.replace("VALUE", quoted), name="x")
    except ConfigError as error:
        (problem,) = error.problems
        return re.sub(r"^x:\d+:\d+: (?:[a-z_]+\.)*[a-z_]+: ", "", problem)
    return None


NAME = "sources: [{type: directory, path: /a, name: VALUE}]"

GLOB = "sources: [{type: directory, path: /a, name: n, tags: [VALUE]}]"

RESCAN = "sources: [{type: directory, path: /a, name: n, rescan: VALUE}]"

CRON = "sources: [{type: archive, url: 'https://a.example', name: n, cron: VALUE}]"

URL = "sources: [{type: archive, url: VALUE, name: n}]"

API_URL = "sources: [{type: github, repository: a/b, name: n, api_url: VALUE}]"

REQUEST = "limits: {request: VALUE}"

PAGE = "limits: {page: VALUE}"

LISTEN = "metrics: {listen: VALUE}"


@pytest.mark.parametrize(
    ("section", "values"),
    [
        (NAME, ["mirror", "é", "a/b", "1", "!"]),
        (GLOB, ["*", "!*", "[a-z]?", "v1.0"]),
        (RESCAN, ["1s", "1000ms", "365d"]),
        (REQUEST, ["1ms", "90s", "15m", "6h", "7d"]),
        (PAGE, ["1", "1B", "512KiB", "32MiB", "2GiB", "1TiB"]),
        (URL, ["http://a", "https://a.example:8443/b?c=d", "https://[::1]/", "https://a/%20"]),
        (API_URL, ["https://a.example", "https://a.example/api/"]),
        (LISTEN, ["127.0.0.1:9517", "localhost:1", "0.0.0.0:65535", "[::]:0", "[::1]:9517"]),
        (
            CRON,
            [
                "* * * * *",
                "*/5 0-6/2 1,15 jan-mar sun",
                "0 0 31 12 7",
                " 5 4\t* * MON-FRI ",
                "59 23 1-31 * 0,6",
            ],
        ),
    ],
)
def test_values_that_are_accepted(section, values):
    assert {text: value_problem(section, text) for text in values} == dict.fromkeys(values)


@pytest.mark.parametrize(
    ("section", "problem", "values"),
    [
        (NAME, "is empty", [""]),
        (NAME, "may not hold white space or control characters", ["a b", "a\u00a0b", "a\u200b", " "]),
        (NAME, "may not begin with / (reserved for `cachesync sync --pages`)", ["/", "/srv"]),
        (GLOB, "is empty", [""]),
        (GLOB, "expected a glob after !", ["!"]),
        (RESCAN, "expected whole seconds, at least 1s", ["0s", "1ms", "1500ms", "0d"]),
        (REQUEST, NOT_DURATION, ["", "1", "s", "-1s", "1.5h", "1h30m", "1 s", "1S", "1w", "\u0661s"]),
        (REQUEST, "a duration is at most 3650d", ["3651d", "999999999d"]),
        (PAGE, NOT_SIZE, ["", "-1", "1MB", "1 MiB", "1.5GiB", "1mib", "9" * 17]),
        (PAGE, "a size is above zero and at most 1024TiB", ["0", "0MiB", "1025TiB"]),
        (
            URL,
            NOT_URL,
            ["", "a", "ftp://a", "//a/b", "https://", "https:///x", "https://a b", "https://[x", "https://a:x", "https://a:0", "https://a:65536", "file:///etc/passwd", "https://a\u202eb"],
        ),
        (URL, "an address may not hold a user or password", ["https://u:hunter2@a", "http://u@a"]),
        (URL, "an address may not have a fragment (#)", ["https://a/#x"]),
        (
            API_URL,
            "an address that paths are appended to may not have a query (?)",
            ["https://a/?x", "https://a?"],
        ),
        (LISTEN, NOT_LISTEN, ["", "9517", ":9517", "a:", "a:65536", "::1:80", "a b:1", "http://a:1"]),
        (LISTEN, "expected an IPv6 address in the brackets", ["[1]:80", "[127.0.0.1]:80"]),
    ],
)  # fmt: skip
def test_values_that_are_refused(section, problem, values):
    assert {text: value_problem(section, text) for text in values} == dict.fromkeys(values, problem)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "expected five fields"),
        ("* * * *", "expected five fields"),
        ("* * * * * *", "expected five fields"),
        ("@daily", "expected five fields"),
        ("60 * * * *", "the minute"),
        ("a * * * *", "the minute"),
        ("*/0 * * * *", "the minute"),
        ("5/2 * * * *", "the minute"),
        ("1,,2 * * * *", "the minute"),
        ("-1 * * * *", "the minute"),
        ("0 24 * * *", "the hour"),
        ("0 5-1 * * *", "the hour"),
        ("0 0 0 * *", "the day of the month"),
        ("0 0 * 13 *", "the month"),
        ("0 0 * sun *", "the month"),
        ("0 0 * * 8", "the day of the week"),
        ("0 0 * * monday", "the day of the week"),
        ("0 0 * * 1#2", "the day of the week"),
        ("0 0 * * ٣", "the day of the week"),
    ],
)
def test_cron_schedules_that_are_refused(text, what):
    problem = value_problem(CRON, text)
    assert problem is not None
    assert problem.startswith(what)
