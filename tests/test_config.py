"""The configuration: what it gives, every problem it can have, where it is found, and its example."""

import re
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cachesync import config, query
from cachesync.config import Config, find, load, parse
from cachesync.config.schema import SCHEMA
from cachesync.config.settings import (
    AppriseTarget,
    ArchiveSourceConfig,
    Batch,
    CommandTarget,
    DirectorySourceConfig,
    GithubSourceConfig,
    HttpSourceConfig,
    Limits,
    Log,
    LogFormat,
    LogLevel,
    Metrics,
    Secret,
    SecretKind,
    Subscription,
    Watch,
    WebhookFormat,
    WebhookTarget,
)
from cachesync.config.yamlschema import Kinds, ListOf, Record
from cachesync.diff import Guard, Selection
from cachesync.errors import ConfigError
from cachesync.model import ChangeKind

EXAMPLE = Path(__file__).parents[1] / "config" / "cachesync.yaml"


def problems(text):
    """The problems of a config without its name, and without common leading white space."""
    with pytest.raises(ConfigError) as caught:
        parse(dedent(text), name="x.yaml")
    found = caught.value.problems
    count = "1 problem" if len(found) == 1 else f"{len(found)} problems"
    assert caught.value.message == f"{count} in x.yaml"
    assert all(problem.startswith("x.yaml:") and problem.isprintable() for problem in found)
    return [problem.removeprefix("x.yaml:") for problem in found]


# -- what a configuration gives


EVERYTHING = """
sources:
  - name: mirror
    type: directory
    path: /srv/cache/_cache
    tags: ["develop", "develop-2025-*", "!develop-2025-01-*"]
    packages: ["py-*"]
    rescan: 2h
    notify_baseline: true
    mirror: file:///srv/mirror/{tag}
  - name: upstream
    type: github
    repository: spack/cache.spack.io
    ref: v1.10
    path: a/b/
    token: {file: /etc/cachesync/github-token}
    every: 15m
    api_url: http://127.0.0.1:8080/api/v3/
    raw_url: https://raw.example.org
  - name: pages
    type: http
    url: https://cache.example.org/{tag}/{package}/specs.md
    tags: [develop, 1.10]
    packages: [hdf5]
    cron: "5  4 * * mon-fri"
  - name: listed
    type: http
    urls: [https://a.example/1, https://a.example/2]
  - name: snapshot
    type: archive
    url: https://codeload.example.org/x/tar.gz
    path: .
    every: 7d
watch: {quiet: 1s, cap: 10s}
limits: {page: 1024, download: 512KiB, request: 1500ms}
guard: {removal_fraction: 1, removal_minimum: 0}
subscriptions:
  - name: hdf5-arm
    query: "hdf5 +mpi"
    events: [spec.cached, spec.evicted]
    first: no
    batch: {window: 0s, most: 1, summary_above: 2}
    backfill: true
    targets:
      - type: webhook
        url: https://ci.example.org/hooks
        secret: [{credential: new}, {env: OLD_SECRET}]
        format: cloudevents
        allow_private: true
        timeout: 1m
      - type: webhook
        url: https://ci.example.org/more
        secret: {file: /etc/secret}
      - type: apprise
        url: {env: APPRISE_URL}
      - type: command
        argv: [/usr/local/bin/on-cached, "", 7]
metrics: {listen: "[::1]:9517"}
log: {format: json, level: debug}
"""


def test_everything_that_can_be_said_is_understood():
    """Each key becomes its field, in its unit."""
    loaded = parse(EVERYTHING, name="x")
    assert loaded.sources == (
        DirectorySourceConfig(
            "mirror",
            "/srv/cache/_cache",
            selection=Selection(("develop", "develop-2025-*", "!develop-2025-01-*"), ("py-*",)),
            interval_seconds=7200,
            notify_baseline=True,
            mirror="file:///srv/mirror/{tag}",
        ),
        GithubSourceConfig(
            "upstream",
            "spack/cache.spack.io",
            ref="v1.10",
            path="a/b",
            token=Secret(SecretKind.FILE, "/etc/cachesync/github-token"),
            interval_seconds=900,
            api_url="http://127.0.0.1:8080/api/v3",
            raw_url="https://raw.example.org",
        ),
        HttpSourceConfig(
            "pages",
            "https://cache.example.org/{tag}/{package}/specs.md",
            selection=Selection(("develop", "1.10"), ("hdf5",)),
            interval_seconds=None,
            cron="5 4 * * mon-fri",
        ),
        HttpSourceConfig("listed", urls=("https://a.example/1", "https://a.example/2")),
        ArchiveSourceConfig(
            "snapshot", "https://codeload.example.org/x/tar.gz", path="", interval_seconds=604800
        ),
    )
    assert loaded.watch == Watch(quiet_seconds=1.0, cap_seconds=10.0)
    assert loaded.limits == Limits(page_bytes=1024, download_bytes=524288, request_seconds=1.5)
    assert loaded.guard == Guard(removal_fraction=1.0, removal_minimum=0)
    assert loaded.metrics == Metrics("::1", 9517)
    assert loaded.log == Log(LogFormat.JSON, LogLevel.DEBUG)
    assert loaded.subscriptions == (
        Subscription(
            "hdf5-arm",
            "hdf5 +mpi",
            query.parse("hdf5 +mpi"),
            (
                WebhookTarget(
                    "https://ci.example.org/hooks",
                    (
                        Secret(SecretKind.CREDENTIAL, "new"),
                        Secret(SecretKind.ENV, "OLD_SECRET"),
                    ),
                    format=WebhookFormat.CLOUDEVENTS,
                    allow_private=True,
                    timeout_seconds=60.0,
                ),
                WebhookTarget(
                    "https://ci.example.org/more", (Secret(SecretKind.FILE, "/etc/secret"),)
                ),
                AppriseTarget(Secret(SecretKind.ENV, "APPRISE_URL")),
                CommandTarget(("/usr/local/bin/on-cached", "", "7")),
            ),
            events=(ChangeKind.SPEC_CACHED, ChangeKind.SPEC_EVICTED),
            first=False,
            batch=Batch(0.0, 1, 2),
            backfill=True,
        ),
    )


def test_defaults():
    """What is not said is as CONFIG.md shows it."""
    loaded = Config()
    assert loaded.limits == (32 * 2**20, 2 * 2**30, 60)
    assert loaded.watch == (0.3, 5)
    assert loaded.guard == (0.5, 20)
    assert loaded.metrics is None
    assert loaded.log == ("text", "info")


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n", "\ufeff", "{}", "sources: []"])
def test_an_empty_file_is_a_config(text):
    assert parse(text, name="x") == Config()


def test_anchors_and_aliases_are_followed():
    text = "sources: [{name: a, type: directory, path: /a, tags: &t [x]}, {name: b, type: directory, path: /b, tags: *t}]"
    assert [source.selection.tags for source in parse(text, name="x").sources] == [("x",), ("x",)]


# -- one rule each: the lines of a mapping, and the problem

DIRECTORY = """
sources:
  - type: directory
"""
GITHUB = """
sources:
  - type: github
    name: n
"""
HTTP = """
sources:
  - type: http
    name: n
"""
ARCHIVE = """
sources:
  - type: archive
    name: n
    url: https://a.example/x
"""
SUBSCRIPTION = """
subscriptions:
  - name: n
"""
WEBHOOK = """
subscriptions:
  - name: n
    query: hdf5
    targets:
      - type: webhook
"""
APPRISE = WEBHOOK.replace("webhook", "apprise")
COMMAND = WEBHOOK.replace("webhook", "command")
NOT_SECRET = (
    "a secret never stands here itself; write {file: PATH}, {env: NAME} or {credential: NAME}"
)
NOT_URL = "expected an address that begins with http:// or https://"
NOT_DURATION = "expected a duration such as 300ms, 90s, 15m, 6h or 7d"
NOT_SIZE = "expected a size such as 32MiB, 2GiB or a number of bytes"
NOT_LISTEN = "expected host:port, such as 127.0.0.1:9517 or [::1]:9517"
NOT_INNER = "expected a path inside the repository, such as _cache, or . for its root"
NOT_PROGRAM = "expected the absolute path of a program, or a name to be found in PATH"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # the document
        ("- a", "1:1: expected a mapping, found a list"),
        ("hello", "1:1: expected a mapping, found text"),
        ("null", "1:1: expected a mapping, found nothing"),
        ("!!python/object:os.system {}", "1:1: expected a mapping, found a mapping"),
        ("log: {}\nlog: {}", "2:1: the key log already stands in line 1"),
        ("logs: {}", "1:1: there is no key 'logs'; did you mean log?"),
        (
            "zzz: 1",
            "1:1: there is no key 'zzz'; keys: sources, proxy, ca_file, watch, limits, guard, subscriptions, metrics, log",
        ),
        ("<<: {log: {}}", "1:1: there is no key '<<'; keys: sources, "),
        ("? [a]\n: b", "1:3: a list or mapping cannot be a key"),
        ('"a\\nb": 1', r"1:1: there is no key 'a\nb'; keys: "),
        ("log:\n  level: info\n\tformat: text", "3:1: "),
        ("a: [", "2:1: while parsing a flow node did not find expected node content"),
        ("a: 1\n---\nb: 2", "2:1: expected a single document in the stream but found another"),
        ("a: *b", "1:4: found undefined alias"),
        ("a: &a [*a]", "1:8: an alias inside of what it stands for"),
        ("# ä\nlog: \0", "2:6: control characters are not allowed"),
        ("ä: ö\nlög: \a", "2:6: control characters are not allowed"),
        ("log: {}\n\ud800", "2:1: not Unicode text"),
        ("[" * 100_000, "1:33: nested deeper than 32 levels"),
        # sources
        ("sources: {}", "1:10: sources: expected a list, found a mapping"),
        ("sources:", "1:9: sources: expected a list, found nothing"),
        ("sources: [a]", "1:11: sources: expected a mapping, found text"),
        (
            "sources: [{name: a}]",
            "1:11: sources: the key type is missing: one of directory, github, http, archive",
        ),
        (
            "sources: [{type: githb}]",
            "1:18: sources.type: expected one of directory, github, http, archive; did you mean github?",
        ),
        (DIRECTORY + "    path: /a", "3:5: sources: the key name is missing"),
        (DIRECTORY + "    name: a", "3:5: sources: the key path is missing"),
        (DIRECTORY + "    name: a\n    path: srv", "5:11: sources.path: expected an absolute path"),
        (
            DIRECTORY + "    name: a\n    path: /a\n    every: 1h",
            "6:5: sources: there is no key 'every'; ",
        ),
        (
            DIRECTORY + "    name: a\n    path: /a\n    tag: [x]",
            "6:5: sources: there is no key 'tag'; did you mean tags?",
        ),
        (GITHUB + "    repository: spack", "5:17: sources.repository: expected a repository as"),
        (GITHUB + "    repository: a/..", "5:17: sources.repository: expected a repository as"),
        (GITHUB, "3:5: sources: the key repository is missing"),
        (
            GITHUB + "    repository: a/b\n    rescan: 1h",
            "6:5: sources: there is no key 'rescan'; keys: ",
        ),
        (
            GITHUB + '    repository: a/b\n    every: 1h\n    cron: "* * * * *"',
            "7:5: sources: cron and every exclude each other",
        ),
        (
            GITHUB + "    repository: a/b\n    ref: a b",
            "6:10: sources.ref: may not hold white space",
        ),
        (ARCHIVE + "    path: /_cache", f"6:11: sources.path: {NOT_INNER}"),
        (ARCHIVE + "    path: ../x", f"6:11: sources.path: {NOT_INNER}"),
        (ARCHIVE + "    urls: []", "6:5: sources: there is no key 'urls'; did you mean url?"),
        (HTTP, "3:5: sources: expected one of the keys url, urls"),
        (
            HTTP + "    url: https://a.example\n    urls: [https://a.example]",
            "6:5: sources: urls and url exclude each other",
        ),
        (
            HTTP + "    urls: [https://a.example, https://a.example]",
            "5:31: sources.urls: already stands in line 5",
        ),
        (HTTP + "    urls: []", "5:11: sources.urls: the list is empty"),
        (
            HTTP + "    url: https://a.example/{tag}\n    tags: [a]\n    packages: [b]",
            "5:10: sources.url: a template needs both {tag} and {package}",
        ),
        (
            HTTP + "    url: https://a.example/{tags}",
            "5:10: sources.url: only {tag} and {package} can stand in braces",
        ),
        (
            HTTP + "    url: https://a.example/{tag",
            "5:10: sources.url: only {tag} and {package} can stand in braces",
        ),
        (
            HTTP + "    url: https://a.example/{tag}/{package}\n    tags: [a]",
            "5:5: sources: a url template needs packages",
        ),
        (
            HTTP + "    url: https://a.example/x\n    tags: [a]",
            "6:5: sources: tags goes with a url that holds {tag} and {package}",
        ),
        (
            HTTP + "    urls: [https://a.example/x]\n    packages: [a]",
            "6:5: sources: packages goes with a url that holds {tag} and {package}",
        ),
        (
            HTTP + "    url: https://a/{tag}/{package}\n    tags: [a*]\n    packages: [b]",
            "6:12: sources.tags: a url template takes plain names",
        ),
        # secrets
        (GITHUB + "    repository: a/b\n    token: x", f"6:12: sources.token: {NOT_SECRET}"),
        (
            GITHUB + "    repository: a/b\n    token: {}",
            "6:12: sources.token: expected one of the keys file, env, credential",
        ),
        (
            GITHUB + "    repository: a/b\n    token: {file: /a, env: B}",
            "6:23: sources.token: env and file exclude each other",
        ),
        (
            GITHUB + "    repository: a/b\n    token: {file: a}",
            "6:19: sources.token.file: expected an absolute path",
        ),
        (
            GITHUB + "    repository: a/b\n    token: {env: a-b}",
            "6:18: sources.token.env: expected the name of an environment variable",
        ),
        (
            GITHUB + "    repository: a/b\n    token: {credential: a/b}",
            "6:25: sources.token.credential: expected the name of a systemd credential",
        ),
        # the rest of the top
        ("watch: {quiet: 0s}", "1:16: watch.quiet: expected a duration above zero"),
        ("watch: {quiet: 2s, cap: 1s}", "1:8: watch: cap (5s unless given) is below quiet"),
        ("watch: {quiet: 9s}", "1:8: watch: cap (5s unless given) is below quiet"),
        ("watch:\n  quite: 1s", "2:3: watch: there is no key 'quite'; did you mean quiet?"),
        ("limits: {request: 60}", f"1:19: limits.request: {NOT_DURATION}"),
        ("limits: {page: [1]}", "1:16: limits.page: expected text, found a list"),
        ("guard: {removal_fraction: 2}", "1:27: guard.removal_fraction: expected a number from 0"),
        ("guard: {removal_fraction: .nan}", "1:27: guard.removal_fraction: expected a number from"),
        (
            "guard: {removal_fraction: half}",
            "1:27: guard.removal_fraction: expected a number from 0 to 1, found text",
        ),
        (
            "guard: {removal_fraction: yes}",
            "1:27: guard.removal_fraction: expected a number from 0 to 1, found true or false",
        ),
        ("guard: {removal_minimum: -1}", "1:26: guard.removal_minimum: expected a whole number, 0"),
        (
            "guard: {removal_minimum: 010}",
            "1:26: guard.removal_minimum: expected a whole number, 0",
        ),
        (
            'guard: {removal_minimum: "5"}',
            "1:26: guard.removal_minimum: expected a whole number, found text",
        ),
        ("guard: {removal_minimum: 1.5}", "1:26: guard.removal_minimum: expected a whole number"),
        (
            f"guard: {{removal_minimum: {'9' * 5000}}}",
            "1:26: guard.removal_minimum: expected a whole",
        ),
        ("metrics: {}", "1:10: metrics: the key listen is missing"),
        (
            "log: {format: xml}",
            "1:15: log.format: expected one of text, json",
        ),
        (
            "log: {level: warn}",
            "1:14: log.level: expected one of debug, info, warning, error; did you mean warning?",
        ),
        ("log: {level: !x info}", "1:14: log.level: an explicit tag (!) is not understood here"),
        ("log: {level: !!binary info}", "1:14: log.level: an explicit tag (!) is not understood"),
        # subscriptions
        (SUBSCRIPTION + "    query: a", "3:5: subscriptions: the key targets is missing"),
        (
            SUBSCRIPTION + "    query: a\n    targets: []",
            "5:14: subscriptions.targets: the list is empty",
        ),
        (COMMAND, "6:9: subscriptions.targets: the key argv is missing"),
        (COMMAND + "        argv: []", "7:15: subscriptions.targets.argv: the list is empty"),
        (COMMAND + "        argv: [./x]", f"7:16: subscriptions.targets.argv: {NOT_PROGRAM}"),
        (COMMAND + '        argv: [""]', f"7:16: subscriptions.targets.argv: {NOT_PROGRAM}"),
        (
            COMMAND + '        argv: [a, "\\0"]',
            "7:19: subscriptions.targets.argv: may not hold the character NUL",
        ),
        (WEBHOOK, "6:9: subscriptions.targets: the key url is missing"),
        (
            WEBHOOK + "        url: https://a.example\n        secret: []",
            "8:17: subscriptions.targets.secret: the list is empty",
        ),
        (
            WEBHOOK + "        url: https://a.example\n        secret: [{env: A}, b]",
            f"8:28: subscriptions.targets.secret: {NOT_SECRET}",
        ),
        (
            WEBHOOK + "        url: https://a.example\n        allow_private: 1",
            "8:24: subscriptions.targets.allow_private: expected true or false, found a number",
        ),
        (
            WEBHOOK + "        url: https://a.example\n        timeout: 0s",
            "8:18: subscriptions.targets.timeout: expected a duration above zero",
        ),
        (
            WEBHOOK + "        url: https://a.example\n        argv: [a]",
            "8:9: subscriptions.targets: there is no key 'argv'; keys: type, url, secret, ",
        ),
        (
            APPRISE + "        url: https://a.example",
            f"7:14: subscriptions.targets.url: {NOT_SECRET}",
        ),
        (
            "subscriptions: [{name: n, query: a, batch: {most: 0}, targets: [{type: command, argv: [a]}]}]",
            "1:51: subscriptions.batch.most: expected a whole number, 1 or more",
        ),
        (
            "subscriptions: [{name: n, query: a, events: [spec.cache], targets: [{type: command, argv: [a]}]}]",
            "1:46: subscriptions.events: expected one of spec.cached, spec.evicted, ",
        ),
        (
            "subscriptions: [{name: n, query: a, events: [spec.cached, spec.cached], targets: [{type: command, argv: [a]}]}]",
            "1:59: subscriptions.events: already stands in line 1",
        ),
        (
            COMMAND + "        argv: [a, b]\n      - {type: command, argv: [a, b], timeout: 1s}",
            "8:9: subscriptions.targets: this target already stands in line 6",
        ),
        (
            APPRISE + "        url: {env: A}\n      - {type: apprise, url: {env: A}}",
            "8:9: subscriptions.targets: this target already stands in line 6",
        ),
        (
            WEBHOOK + "        url: https://a.example\n"
            "      - {type: webhook, url: 'HTTPS://A.example:443/', format: cloudevents}",
            "8:9: subscriptions.targets: this target already stands in line 6",
        ),
        (
            "subscriptions: [{name: n, query: a, batch: {size: 4999}, targets: [{type: command, argv: [a]}]}]",
            "1:51: subscriptions.batch.size: expected a size of at least 5,000 bytes",
        ),
        (
            f"subscriptions: [{{name: {'n' * 65}, query: a, targets: [{{type: command, argv: [a]}}]}}]",
            "1:24: subscriptions.name: has at most 64 characters",
        ),
        (
            "subscriptions: [{name: n, query: a, events: [page.added], backfill: true, targets: [{type: command, argv: [a]}]}]",
            "1:59: subscriptions: backfill needs spec.cached among the events",
        ),
    ],
)
def test_one_problem(text, expected):
    """Exactly one problem, at its place, saying what it is."""
    found = problems(text.lstrip("\n") if text.startswith("\n\n") else text)
    assert len(found) == 1, found
    assert found[0].startswith(expected)


@pytest.mark.parametrize(
    ("quoted", "column"),
    [
        ("hdf5 *x", 19),
        ('"hdf5 *x"', 20),
        ("'hdf5 *x'", 20),
        ('"\\x68df5 *x"', 14),
        (">\n    hdf5 *x", 14),
    ],
)
def test_a_query_problem_points_at_the_character(quoted, column):
    """Where the text stands in the file as it is; else at its beginning. It always says which."""
    text = f"subscriptions:\n- name: n\n  targets: [{{type: command, argv: [a]}}]\n  query:     {quoted}"
    found = problems(text)
    assert len(found) == 1
    line, at, said = found[0].split(":", 2)
    assert (int(line), int(at)) == (4, column)
    assert said == (
        " subscriptions.query: * stands at the end of a word only (at character 6 of the query)"
    )


def test_a_query_problem_has_its_hint():
    text = "subscriptions: [{name: n, query: 'tga:x', targets: [{type: command, argv: [a]}]}]"
    (problem,) = problems(text)
    assert problem == (
        "1:35: subscriptions.query: no field is called tga (at character 1 of the query)"
        "; did you mean tag:?"
    )


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


# -- all of them at once


def test_every_problem_is_reported_in_the_order_of_the_lines():
    """Nothing hides behind something else that is wrong."""
    text = """\
    log: {level: loud}
    sources:
      - name: a
        type: directory
        path: relative
        rescan: often
        tags: [good, "", bad tag]
      - type: github
        name: a
        repository: nothing
        token: hunter2
        evry: 1h
      - type: nowhere
      - 7
    subscriptions:
      - query: "a:b"
        first: perhaps
        targets:
          - type: webhook
            secret: hunter2
          - type: command
    watch: {quiet: fast, cap: 1s, cap: 2s}
    """
    found = problems(text)
    places = [tuple(map(int, problem.split(":")[:2])) for problem in found]
    assert places == [
        (1, 14), (5, 11), (6, 13), (7, 18), (7, 22), (9, 11), (10, 17), (11, 12), (12, 5),
        (13, 11), (14, 5), (16, 5), (16, 13), (17, 12), (19, 9), (20, 17), (21, 9), (22, 16), (22, 31),
    ]  # fmt: skip
    assert found[5] == "9:11: sources.name: already stands in line 3"
    assert not any("hunter2" in problem for problem in found)


def test_subscription_names_are_unique():
    entry = "{name: n, query: a, targets: [{type: command, argv: [a]}]}"
    assert problems(f"subscriptions:\n- {entry}\n- {entry}") == [
        "3:10: subscriptions.name: already stands in line 2"
    ]


def test_what_an_alias_stands_for_is_reported_once():
    text = "sources: [{name: a, type: directory, path: /a, tags: &t ['']}, {name: b, type: directory, path: /b, tags: *t}]"
    assert problems(text) == ["1:58: sources.tags: is empty"]


SECRET = "hunter2-S3cr3t"


@pytest.mark.parametrize(
    "value",
    [
        SECRET,
        f'"{SECRET}"',
        f"{{{SECRET}}}",
        f"{{{SECRET}: x}}",
        f"{{file: {SECRET}}}",
        f"{{env: {SECRET}}}",
        f"{{credential: /{SECRET}}}",
        f"{{file: /a, {SECRET}: b}}",
        f"{{? [{SECRET}] : b}}",
        f"{{file: {{env: {SECRET}}}}}",
        f"[{SECRET}]",
        f"[[{SECRET}]]",
        f"!{SECRET} x",
        f"!!str,{SECRET} [",
        f"*{SECRET}",
        f"&{SECRET} [",
        f"@{SECRET}",
        f"`{SECRET}",
        f"%{SECRET}",
        f"'{SECRET}",
        f"https://u:{SECRET}@a.example/",
        f"https://u:{SECRET}@[a.example/",
        f"https://a:{SECRET}/",
        f"|\n{SECRET}",
    ],
)
@pytest.mark.parametrize("key", ["token", "secret", "url", "apprise", "webhook"])
def test_a_secret_in_the_wrong_place_is_never_repeated(key, value):
    """Neither in the problems nor in the causes, which a traceback would show."""
    texts = {
        "token": f"sources: [{{name: n, type: github, repository: a/b, token: {value}}}]",
        "secret": f"subscriptions: [{{targets: [{{type: webhook, secret: {value}}}]}}]",
        "url": f"sources: [{{name: n, type: archive, url: {value}}}]",
        "apprise": f"subscriptions: [{{targets: [{{type: apprise, url: {value}}}]}}]",
        "webhook": f"subscriptions: [{{targets: [{{type: webhook, url: {value}}}]}}]",
    }
    with pytest.raises(ConfigError) as caught:
        parse(texts[key], name="x")
    assert SECRET not in str(caught.value) + "".join(caught.value.problems)
    assert caught.value.__suppress_context__
    assert caught.value.__cause__ is None


# -- any text


YAML_BITS = [
    "sources", "type", "name", "directory", "http", "urls", "query", "targets", ": ", "- ", "\n", "  ",
    "{", "}", "[", "]", ", ", "&a ", "*a", "? ", "<<", "!!int ", "'", '"', "|", ">", "#", "~", "1", "1h",
    "true", "/a", "\t", "---\n", "%", "\0", "\ud800", "\x85", "\ufeff", "@", "!", "\\", "=", "...",
]  # fmt: skip


def outcome(text):
    """What a text gives: the config, or the problems."""
    try:
        return parse(text, name="x"), ()
    except ConfigError as error:
        return None, error.problems


@settings(max_examples=400, deadline=2000)
@given(st.text() | st.lists(st.sampled_from(YAML_BITS), max_size=60).map("".join))
@example("\ud800")
@example("%YAML 3.0\n---\n{}")
@example("%TAG ! a\n%TAG ! a\n---\n{}")
@example("%YAML 1.1\n%YAML 1.1\n---\n{}")
@example("&a a: &a b")
@example("? : ")
def test_any_text_is_a_config_or_a_config_error(text):
    """Nothing else comes out, and each problem is one line with its place."""
    loaded, found = outcome(text)
    assert isinstance(loaded, Config) or found
    assert all(re.fullmatch(r"x:[1-9]\d*:[1-9]\d*: \S.*", problem) for problem in found)


@settings(max_examples=200, deadline=2000)
@given(st.data())
def test_a_damaged_config_is_a_config_or_a_config_error(data):
    """A line of a good one is lost, doubled, or another value stands in its place."""
    lines = EVERYTHING.splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    value = data.draw(st.sampled_from(["", "~", "[]", "{}", "[[]]", "{a: b}", "-1", "yes", "x y"]))
    changed = data.draw(
        st.sampled_from([[], [lines[at]] * 2, [lines[at].partition(":")[0] + ": " + value]])
    )
    loaded, found = outcome("\n".join(lines[:at] + changed + lines[at + 1 :]))
    assert isinstance(loaded, Config) or found


def _laughs(levels):
    lines = ["sources:", "- &a0 {type: directory, name: n, path: /a}"]
    lines += [f"- &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines)


HOSTILE = {
    "nested lists": "[" * 1_000_000,
    "nested mappings": "{a: " * 200_000,
    "nested blocks": "- " * 400_000,
    "question marks": "? " * 400_000,
    "billion laughs": _laughs(12),
    "many aliases": "sources:\n- &a {type: directory, name: n, path: x}\n" + "- *a\n" * 40_000,
    "many aliases of much": "x: &a [" + "b, " * 20_000 + "]\nsources: [" + "*a, " * 200_000 + "]",
    "many values": "- a\n" * 250_000,
    "many keys": "".join(f"a{n}: 1\n" for n in range(24_000)),
    "the same key": "log: {}\n" * 16_000,
    "one long key": "a" * 1_000_000 + ": 1",
    "one long value": "log: {level: " + "a" * 1_000_000 + "}",
    "one long url": "sources: [{name: n, type: archive, url: 'https://" + "[" * 900_000 + "'}]",
    "one long cron": f"sources: [{{name: n, type: archive, url: 'https://a', cron: '{'1,' * 400_000} * * * *'}}]",
    "one long query": "subscriptions: [{name: n, query: '" + "a " * 400_000 + "'}]",
    "anchors": "".join(f"- &a{n} x\n" for n in range(50_000)),
    "open quotes": "'" + "\n" * 900_000,
    "too large": "#" * 2_000_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_refused_quickly(text):
    started = time.perf_counter()
    with pytest.raises(ConfigError) as caught:
        parse(text, name="x")
    assert time.perf_counter() - started < 5
    assert all(len(problem) < 400 for problem in caught.value.problems)


def test_a_large_honest_config_is_read():
    """A thousand sources are far below the bound on values."""
    text = "sources:\n" + "".join(
        f"  - {{name: s{n}, type: directory, path: /srv/{n}, tags: [a, b, c]}}\n"
        for n in range(1000)
    )
    assert len(parse(text, name="x").sources) == 1000


# -- files


def test_load_names_the_file(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("\nlogs: {}\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.message == f"1 problem in {path}"
    assert caught.value.problems == (f"{path}:2:1: there is no key 'logs'; did you mean log?",)


def test_a_byte_order_mark_and_crlf_are_accepted(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbflog:\r\n  level: error\r\n")
    assert load(path).log.level is LogLevel.ERROR


@pytest.mark.parametrize("name", ["missing.yaml", ".", "a\0b", "file/x.yaml", "loop"])
def test_an_unreadable_file_is_named(tmp_path, name):
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / name)
    assert caught.value.message.startswith(f"cannot read {tmp_path / name}: ")
    assert caught.value.problems == ()


def test_a_file_that_is_not_utf8_is_a_problem_at_its_place(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes("# ä\n# ö\xff".encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.problems == (f"{path}:1:3: not UTF-8",)
    path.write_bytes("# ä\n# ö".encode() + b"\xff")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.problems == (f"{path}:2:4: not UTF-8",)


@pytest.mark.parametrize("content", [b"#" * (2**20 + 1), b"# \xc3\xa4" * 2**19])
def test_a_file_over_a_mebibyte_is_refused(tmp_path, content):
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.problems == (f"{path}:1:1: larger than 1 MiB",)


def test_an_endless_file_is_refused():
    with pytest.raises(ConfigError):
        load(Path("/dev/zero"))


# -- where it is found


@pytest.fixture
def places(tmp_path):
    """The places of the search order, best first, with the environment that leads to them."""
    system = tmp_path / "etc" / "cachesync.yaml"
    environ = {
        "CONFIGURATION_DIRECTORY": f"{tmp_path}/unit:{tmp_path}/second",
        "XDG_CONFIG_HOME": f"{tmp_path}/xdg",
        "HOME": f"{tmp_path}/home",
    }
    files = [
        tmp_path / "unit" / "cachesync.yaml",
        tmp_path / "second" / "cachesync.yaml",
        tmp_path / "xdg" / "cachesync" / "cachesync.yaml",
        system,
    ]
    for file in files:
        file.parent.mkdir(parents=True)
        file.touch()
    return environ, files


def test_the_first_place_that_has_a_file_wins(places):
    environ, files = places
    for file in files:
        assert find(None, environ, system_file=files[-1]) == file
        file.unlink()
    assert find(None, environ, system_file=files[-1]) is None


def test_the_system_file_is_in_etc():
    assert str(config.SYSTEM_FILE) == "/etc/cachesync/cachesync.yaml"


def test_an_explicit_file_beats_every_place(places):
    environ, files = places
    assert find(files[2], environ) == files[2]
    files[2].unlink()
    with pytest.raises(ConfigError) as caught:
        find(files[2], environ)
    assert caught.value.message == f"there is no config file {files[2]}"
    assert caught.value.problems == ()


@pytest.mark.parametrize("xdg", [None, "", "relative"])
def test_without_a_usable_xdg_directory_it_is_below_home(places, tmp_path, xdg):
    environ, files = places
    file = tmp_path / "home" / ".config" / "cachesync" / "cachesync.yaml"
    file.parent.mkdir(parents=True)
    file.touch()
    environ = {"HOME": environ["HOME"]} | ({} if xdg is None else {"XDG_CONFIG_HOME": xdg})
    assert find(None, environ, system_file=files[-1]) == file


def test_without_any_environment_only_the_system_file_is_left(places):
    _, files = places
    assert find(None, {}, system_file=files[-1]) == files[-1]


def test_a_file_that_cannot_be_seen_is_found_and_then_not_read(places):
    """So that a config without permission is not taken for none."""
    environ, files = places
    files[0].unlink()
    files[0].symlink_to(files[0].name)  # a loop: any reason but absence
    assert find(None, environ, system_file=files[-1]) == files[0]
    with pytest.raises(ConfigError):
        load(files[0])


# -- the example


COMMENTED = re.compile(r"^( *)#(?=[a-z]|  - )", re.MULTILINE)
NOT_A_DEFAULT = {"token", "cron", "metrics", "urls", "mirror", "proxy", "ca_file"}


def _commented_keys():
    lines = EXAMPLE.read_text().splitlines()
    found = (re.match(r" *#([a-z_]+):", line) for line in lines)
    return [(at, match[1]) for at, match in enumerate(found) if match]


def test_the_example_loads():
    loaded = load(EXAMPLE)
    assert [source.type for source in loaded.sources] == ["directory", "github", "http", "archive"]
    assert [target.type for target in loaded.subscriptions[0].targets] == [
        "webhook", "apprise", "command",
    ]  # fmt: skip


@pytest.mark.parametrize(("at", "key"), _commented_keys(), ids=str)
def test_what_the_example_comments_out_is_the_default(at, key):
    """Taking in any one of these keys changes nothing, or gives what has no default."""
    if key == "urls":
        return  # excludes url: below
    lines = EXAMPLE.read_text().splitlines()
    lines[at] = COMMENTED.sub(r"\1", lines[at])
    changed = parse("\n".join(lines), name="x")
    assert (changed == load(EXAMPLE)) is (key not in NOT_A_DEFAULT)


def test_the_example_list_of_urls_is_an_alternative():
    text = EXAMPLE.read_text()
    block = text[text.index("  - name: pages") : text.index("  # A tarball")]
    lines = [line for line in block.splitlines() if not re.match(r"    (url|tags|packages):", line)]
    source = "\n".join(COMMENTED.sub(r"\1", line) for line in lines if "every" not in line)
    (loaded,) = parse("sources:\n" + source, name="x").sources
    assert loaded.urls == ("https://cache.example.org/_cache/develop/hdf5/specs.md",)


def _missing(reader, nodes, text, where=""):
    """The keys of the schema that neither stand in `nodes` nor, as `{key: `, in the text."""
    if isinstance(reader, ListOf):
        items = [item for node in nodes for item in _items(node)]
        yield from _missing(reader.item, items, text, where)
    elif isinstance(reader, Kinds):
        for kind, record in reader.kinds.items():
            chosen = [
                n for n in nodes if any(v.value == kind for k, v in n.value if k.value == "type")
            ]
            yield from _missing(record, chosen, text, f"{where}<{kind}>")
    elif isinstance(reader, Record):
        for name, key in reader.keys.items():
            values = [value for node in nodes for k, value in node.value if k.value == name]
            if not values and f"{{{name}: " not in text:
                yield f"{where}.{name}"
            yield from _missing(key.read, values, text, f"{where}.{name}")


def _items(node):
    return node.value if isinstance(node, yaml.SequenceNode) else [node]


def test_the_example_has_every_key_of_the_schema():
    text = COMMENTED.sub(r"\1", EXAMPLE.read_text())
    assert list(_missing(SCHEMA, [yaml.compose(text)], text)) == []


def test_the_drift_test_sees_a_key_that_is_not_there():
    text = COMMENTED.sub(r"\1", EXAMPLE.read_text()).replace("raw_url", "raw")
    assert list(_missing(SCHEMA, [yaml.compose(text)], text)) == [".sources<github>.raw_url"]


def test_the_example_names_every_event():
    assert all(kind.label in EXAMPLE.read_text() for kind in ChangeKind)


# -- what it costs


def test_importing_it_brings_in_nothing_heavy():
    heavy = "{'httpx', 'apscheduler', 'click', 'rich', 'whoosh', 'dataclasses', 'difflib'}"
    code = f"import sys, cachesync.config; print(sorted({heavy} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_targets_that_differ_in_anything_are_several():
    """Paths and arguments tell them apart, and so do the names of their secrets."""
    text = """
    subscriptions:
      - name: n
        query: a
        events: [page.added, spec.cached]
        backfill: true
        targets:
          - {type: webhook, url: "https://a.example/A"}
          - {type: webhook, url: "https://a.example/a"}
          - {type: webhook, url: "https://a.example:8443/a"}
          - {type: webhook, url: "http://a.example/a?"}
          - {type: command, argv: [a]}
          - {type: command, argv: [a, ""]}
          - {type: apprise, url: {env: A}}
          - {type: apprise, url: {file: /A}}
    """
    assert len(parse(text, name="x").subscriptions[0].targets) == 8
