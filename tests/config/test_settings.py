"""What a configuration gives, its example, and what reading it costs."""

import re
import subprocess
import sys

import pytest
import yaml

from cachesync import query
from cachesync.config.file import load, parse
from cachesync.config.reachvalues import Secret, SecretKind
from cachesync.config.schema import SCHEMA
from cachesync.config.settings import (
    AppriseTarget,
    Batch,
    CommandTarget,
    Config,
    Limits,
    Log,
    LogFormat,
    LogLevel,
    Metrics,
    Subscription,
    Watch,
    WebhookFormat,
    WebhookTarget,
)
from cachesync.config.sourceconfigs import (
    ArchiveSourceConfig,
    BuildcacheSourceConfig,
    Credentials,
    DirectorySourceConfig,
    GithubSourceConfig,
    HttpSourceConfig,
    Probe,
    ReadMode,
)
from cachesync.config.yamlschema import Kinds, ListOf, Record
from cachesync.diff import Guard
from cachesync.model import TOLD, ChangeKind
from cachesync.selection import Selection
from tests.support.configs import EVERYTHING, EXAMPLE, whole_example

# -- what a configuration gives


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
        BuildcacheSourceConfig(
            "release",
            "https://binaries.example.org/releases/v2026.10",
            views=("v2026.10.0", "team/x86"),
            tag="v2026.10.0",
            settle=3,
            probe=Probe(43_200, 20),
            interval_seconds=600,
        ),
        BuildcacheSourceConfig(
            "ours", "file:///srv/our%20mirror", view="arm", tag="ours", stack="arm"
        ),
        BuildcacheSourceConfig(
            "site",
            list="https://binaries.example.org/index.json",
            selection=Selection(tags=("v*", "develop")),
            stacks=("*", "!deprecated"),
            bucket_url="https://binaries.example.org/bucket",
        ),
        BuildcacheSourceConfig("site-mirrors", mirrors="/etc/spack/mirrors.yaml"),
        BuildcacheSourceConfig(
            "registry",
            "oci+http://registry.example.org:5000/org/cache",
            credentials=Credentials("bot", Secret(SecretKind.CREDENTIAL, "registry")),
            read=ReadMode.MANIFESTS,
        ),
        BuildcacheSourceConfig(
            "bucket",
            "s3://bucket/prefix",
            endpoint="https://s3.example.org",
            region="eu-central-1",
            credentials=Credentials(
                access_key="AK",
                secret_key=Secret(SecretKind.ENV, "SK"),
                session_token=Secret(SecretKind.ENV, "ST"),
            ),
        ),
        BuildcacheSourceConfig("open-bucket", "s3://open", anonymous=True),
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
    assert loaded.watch == (0.3, 5, "auto", 60)
    assert loaded.guard == (0.5, 20)
    assert loaded.metrics is None
    assert loaded.log == ("text", "info")


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n", "\ufeff", "{}", "sources: []"])
def test_an_empty_file_is_a_config(text):
    assert parse(text, name="x") == Config()


def test_anchors_and_aliases_are_followed():
    text = "sources: [{name: a, type: directory, path: /a, tags: &t [x]}, {name: b, type: directory, path: /b, tags: *t}]"
    assert [source.selection.tags for source in parse(text, name="x").sources] == [("x",), ("x",)]


# -- the example

COMMENTED = re.compile(r"^( *)#(?=[a-z]|- |  - )", re.MULTILINE)

NOT_A_DEFAULT = {"token", "cron", "metrics", "mirror", "proxy", "ca_file", "tag", "stack"} | {
    "bucket_url", "region", "session_token", "probe",
}  # fmt: skip


def _commented_keys():
    lines = whole_example().splitlines()
    found = (re.match(r" *#([a-z_]+):", line) for line in lines)
    return [(at, match[1]) for at, match in enumerate(found) if match]


def test_the_example_reaches_nobody_until_its_entries_are_taken_in():
    """It is the defaults and one directory, so whoever runs it as it is downloads nothing."""
    loaded = load(EXAMPLE)
    assert [source.type for source in loaded.sources] == ["directory"]
    assert loaded == parse("", name="x")._replace(sources=loaded.sources)


def test_the_example_loads_with_all_its_entries():
    loaded = parse(whole_example(), name="x")
    assert [source.type for source in loaded.sources] == [
        "directory", "github", "http", "archive", *["buildcache"] * 5,
    ]  # fmt: skip
    targets = loaded.subscriptions[0].targets  # none that needs what is not installed with it
    assert [target.type for target in targets] == ["webhook", "command"]


@pytest.mark.parametrize(("at", "key"), _commented_keys(), ids=str)
def test_what_the_example_comments_out_is_the_default(at, key):
    """Taking in any one of these keys changes nothing, or gives what has no default."""
    if key in ("urls", "views"):
        return  # excludes url: below, and view:
    lines = whole_example().splitlines()
    lines[at] = COMMENTED.sub(r"\1", lines[at])
    changed = parse("\n".join(lines), name="x")
    assert (changed == parse(whole_example(), name="x")) is (key not in NOT_A_DEFAULT)


def test_the_example_list_of_urls_is_an_alternative():
    text = whole_example()
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
    text = COMMENTED.sub(r"\1", whole_example())
    assert list(_missing(SCHEMA, [yaml.compose(text)], text)) == []


def test_the_drift_test_sees_a_key_that_is_not_there():
    text = COMMENTED.sub(r"\1", whole_example()).replace("raw_url", "raw")
    assert list(_missing(SCHEMA, [yaml.compose(text)], text)) == [".sources<github>.raw_url"]


def test_the_example_names_every_event():
    assert all(kind.label in EXAMPLE.read_text() for kind in TOLD)


# -- what it costs


def test_importing_it_brings_in_nothing_heavy():
    heavy = "{'httpx', 'apscheduler', 'click', 'rich', 'whoosh', 'dataclasses', 'difflib'}"
    code = f"import sys, cachesync.config.file; print(sorted({heavy} & set(sys.modules)))"
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
