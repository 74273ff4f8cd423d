"""What may stand in a configuration: one rule each."""

import pytest

from tests.support.configs import NOT_DURATION, problems

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
            "1:11: sources: the key type is missing: one of directory, github, http, archive, buildcache",
        ),
        (
            "sources: [{type: githb}]",
            "1:18: sources.type: expected one of directory, github, http, archive, buildcache; did you mean github?",
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
        ("watch: {mode: events, every: 0s}", "1:30: watch.every: expected a duration above zero"),
        ("watch: {mode: inotify}", "1:15: watch.mode: expected one of auto, events, poll"),
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
        (
            "sources: !!python/tuple [a]",
            "1:10: sources: expected a list, found a list with an explicit tag (!)",
        ),
        (
            "sources: !!omap [a: b]",
            "1:10: sources: expected a list, found a list with an explicit tag",
        ),
        (
            "sources: !!set {a}",
            "1:10: sources: expected a list, found a mapping with an explicit tag",
        ),
        (
            "sources: !!python/none x",
            "1:10: sources: expected a list, found text with an explicit tag",
        ),
        (
            "log: !!python/object:a.B {}",
            "1:6: log: expected a mapping, found a mapping with an explicit",
        ),
        ("log: !!map [a]", "1:6: log: expected a mapping, found a list with an explicit tag (!)"),
        (
            "sources: [!x {type: directory}]",
            "1:11: sources: expected a mapping, found a mapping with an explicit tag (!)",
        ),
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
