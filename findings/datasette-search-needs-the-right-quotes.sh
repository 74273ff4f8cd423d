#!/bin/sh
# Datasette 0.65: whether `_search` searches depends on the quotes in CREATE VIRTUAL TABLE.
#
# An FTS5 table belongs to the table that `content=` names. SQLite takes single quotes, double quotes
# and brackets for it. With `content='builds'` Datasette does not find it: `?_search=hdf5` is ignored,
# every row comes back, with status 200. With `content="builds"` one row of three comes back.
#
# It matters to who publishes what is in build caches: a search that finds everything looks as if all
# of it matched. `fts_table` in the metadata names the table whatever its quotes.
#
# httpx is held at 0.27.2, as this Datasette's own client needs an argument that 0.28 has not.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q datasette==0.65 httpx==0.27.2
"$dir/venv/bin/python" -W ignore - "$dir" <<'END'
import asyncio
import sqlite3
import sys

from datasette.app import Datasette


def make(name, content):
    path = f"{sys.argv[1]}/{name}.db"
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE builds (spec TEXT);"
        "INSERT INTO builds VALUES ('hdf5@1.14.6'), ('zlib@1.3.1'), ('fmt@11.2.0');"
        f"CREATE VIRTUAL TABLE builds_fts USING fts5(spec, content={content});"
        "INSERT INTO builds_fts(builds_fts) VALUES ('rebuild');"
    )
    by_sql = connection.execute(
        "SELECT count(*) FROM builds_fts WHERE builds_fts MATCH 'hdf5'"
    ).fetchone()[0]
    connection.close()
    return path, by_sql


async def main():
    seen = {}
    files = {"single": "'builds'", "double": '"builds"', "bracket": "[builds]"}
    made = {name: make(name, content) for name, content in files.items()}
    published = Datasette([path for path, _ in made.values()])
    await published.invoke_startup()
    for name, content in files.items():
        answer = await published.client.get(f"/{name}/builds.json?_search=hdf5&_shape=array")
        seen[name] = len(answer.json())
        print(
            f"content={content}: status {answer.status_code}, {seen[name]} rows;",
            f"by SQL {made[name][1]}",
        )
    return seen


if asyncio.run(main()) != {"single": 3, "double": 1, "bracket": 1}:
    sys.exit("changed")
END
