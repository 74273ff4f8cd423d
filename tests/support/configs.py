"""Configurations as tests write them, and the problems they have."""

import re
from pathlib import Path
from textwrap import dedent

import pytest

from cachesync.config.file import parse
from cachesync.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / "config" / "cachesync.yaml"
_ENTRIES = re.compile(r"^( *)#(?=- |  |subscriptions:)", re.MULTILINE)


def whole_example():
    """The shipped example with every entry that stands behind `#` taken in."""
    before, mark, text = EXAMPLE.read_text().partition("\nsources:\n")
    return before + mark + _ENTRIES.sub(r"\1", text)


def problems(text):
    """The problems of a config without its name, and without common leading white space."""
    with pytest.raises(ConfigError) as caught:
        parse(dedent(text), name="x.yaml")
    found = caught.value.problems
    count = "1 problem" if len(found) == 1 else f"{len(found)} problems"
    assert caught.value.message == f"{count} in x.yaml"
    assert all(problem.startswith("x.yaml:") and problem.isprintable() for problem in found)
    return [problem.removeprefix("x.yaml:") for problem in found]


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
  - name: release
    type: buildcache
    url: https://binaries.example.org/releases/v2026.10/
    views: [v2026.10.0, team/x86]
    tag: v2026.10.0
    settle: 3
    probe: {every: 12h, sample: 20}
    every: 10m
  - name: ours
    type: buildcache
    url: file:///srv/our%20mirror
    view: arm
    tag: ours
    stack: arm
  - name: site
    type: buildcache
    list: https://binaries.example.org/index.json
    tags: ["v*", develop]
    stacks: ["*", "!deprecated"]
    bucket_url: https://binaries.example.org/bucket
  - name: site-mirrors
    type: buildcache
    mirrors: /etc/spack/mirrors.yaml
  - name: registry
    type: buildcache
    url: oci+http://registry.example.org:5000/org/cache
    credentials: {username: bot, password: {credential: registry}}
    read: manifests
  - name: bucket
    type: buildcache
    url: s3://bucket/prefix
    endpoint: https://s3.example.org
    region: eu-central-1
    credentials: {access_key: AK, secret_key: {env: SK}, session_token: {env: ST}}
  - name: open-bucket
    type: buildcache
    url: s3://open
    anonymous: true
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

NOT_DURATION = "expected a duration such as 300ms, 90s, 15m, 6h or 7d"
