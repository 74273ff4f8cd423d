"""Every problem at once, and any text at all."""

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cachesync.config.file import parse
from cachesync.config.settings import Config
from cachesync.errors import ConfigError
from tests.support.configs import EVERYTHING, problems
from tests.support.examples import examples

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


@examples(120, 4_000, deadline=2000)
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


@examples(60, 2_000, deadline=2000)
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
    started = time.process_time()
    with pytest.raises(ConfigError) as caught:
        parse(text, name="x")
    assert time.process_time() - started < 5
    assert all(len(problem) < 400 for problem in caught.value.problems)


def test_a_large_honest_config_is_read():
    """A thousand sources are far below the bound on values."""
    text = "sources:\n" + "".join(
        f"  - {{name: s{n}, type: directory, path: /srv/{n}, tags: [a, b, c]}}\n"
        for n in range(1000)
    )
    assert len(parse(text, name="x").sources) == 1000
