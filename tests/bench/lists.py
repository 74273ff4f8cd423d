"""A site's list of many mirrors: `python -m tests.bench.lists [--refs 80] [--mirrors 900] [--delay 0.05]`.

Small mirrors lie on a server on loopback that lets each request wait for `--delay` seconds. Measured, by whole
commands: the first sync, one that finds everything as it was, and one behind a push into a single mirror; how
many requests each made, how many at one time, and how many of them to one address.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.bench.mirrors import measured
from tests.support.listedsites import LIST, Site
from tests.support.mirrors import record
from tests.support.stubserver import StubServer

HERE = (sys.executable, "-m", "cachesync")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--refs", type=int, default=80)
    parser.add_argument("--mirrors", type=int, default=900)
    parser.add_argument("--delay", type=float, default=0.05)
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="cachesync-bench-") as scratch,
        StubServer() as server,
    ):
        root = Path(scratch)
        site = Site(server, root / "site", delay_seconds=given.delay)
        names = [
            f"v{number % given.refs}/stack{number // given.refs}" for number in range(given.mirrors)
        ]
        common = [record("zlib", f"1.{n}") for n in range(3)]
        for name in names:
            site.mirror(name, *common, record("own", name.replace("/", ".")))
        site.names(*names)
        config = root / "cachesync.yaml"
        config.write_text(
            f"sources:\n  - {{name: site, type: buildcache, list: '{server.url(LIST)}'}}\n"
        )
        command = (
            *HERE,
            "--state-dir",
            str(root / "state"),
            "--config",
            str(config),
            "sync",
            "--quiet",
        )
        print(f"| {given.mirrors} mirrors, {given.delay * 1000:.0f} ms a request | seconds |"
              " requests | at one time | to one address | memory |\n|---|---|---|---|---|---|")  # fmt: skip
        tell("first sync", site, command)
        tell("nothing new", site, command)
        site.mirror(names[0], *common, record("own", "new"))
        tell("one mirror was pushed to", site, command)


def tell(what: str, site: Site, command: tuple[str, ...]) -> None:
    """Run a command and print a line of the table."""
    site.server.most_at_once = 0
    seconds, mib = measured(command)
    asked = Counter(site.asked())
    print(f"| {what} | {seconds:.1f} | {asked.total():,} | {site.server.most_at_once} |"
          f" {max(asked.values())} | {mib} MiB |", flush=True)  # fmt: skip


if __name__ == "__main__":
    os.chdir(Path(__file__).parents[2])
    main()
