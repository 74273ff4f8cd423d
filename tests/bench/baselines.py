"""What the benchmark compares with: the plain loops somebody would write first.

Each is a program of its own (`python baselines.py NAME ARGUMENTS`), so that its start is counted as
cachesync's is.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys


def walk(root: str) -> int:
    """Stat every file below `root`; returns how many there are."""
    count = 0
    with os.scandir(root) as children:
        for child in children:
            if child.is_dir(follow_symlinks=False):
                count += walk(child.path)
            else:
                child.stat(follow_symlinks=False)
                count += 1
    return count


def fts5(root: str, database: str) -> int:
    """Read every page, decode its two JSON lines, insert a row a placement into SQLite FTS5."""
    db = sqlite3.connect(database)
    db.execute(
        "CREATE VIRTUAL TABLE placed USING fts5"
        "(package, version, compiler, os, platform, target, variants, stacks, tag, hash)"
    )
    rows = 0
    for tag in sorted(os.listdir(root)):
        for package in sorted(os.listdir(f"{root}/{tag}")):
            with open(f"{root}/{tag}/{package}/specs.md", "rb") as file:
                lines = file.read().split(b"\n")
            json.loads(lines[4].removeprefix(b"meta: "))
            specs = json.loads(lines[5].removeprefix(b"spec_details: "))
            db.executemany(
                "INSERT INTO placed VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        package, s["versions"][0], s["compiler"], s["os"], s["platform"],
                        s["target"], " ".join(s["variants"]), " ".join(s["stacks"]), tag, s["hash"],
                    )
                    for s in specs
                ],
            )  # fmt: skip
            rows += len(specs)
    db.commit()
    db.close()
    return rows


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    print({"walk": walk, "fts5": fts5}[name](*arguments))
