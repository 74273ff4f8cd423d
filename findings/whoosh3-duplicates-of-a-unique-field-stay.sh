#!/bin/sh
# whoosh3 3.54.0 (PyPI): once two documents have one value in a `unique` field, `update_document` never
# makes it one again.
#
# That two updates of one key in one commit add two documents is documented. What is not: each later
# update, in a commit of its own, deletes only one document with the key and adds one. So one double
# in one commit leaves two documents for good, and a second one three.
#
# It matters to who indexes build caches by hash, where one spec lies in several mirrors: one pass that
# meets a hash twice, and the index counts and shows it twice from then on, the old text among it.
# `delete_by_term` before `add_document`, once a key and commit, keeps it single.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q whoosh3==3.54.0
"$dir/venv/bin/python" - "$dir" <<'END'
import pathlib
import sys

from whoosh import index
from whoosh.fields import ID, STORED, Schema

folder = pathlib.Path(sys.argv[1]) / "index"
folder.mkdir()
found = index.create_in(folder, Schema(hash=ID(unique=True, stored=True), text=STORED))
counts = []


def commit(*texts):
    writer = found.writer()
    for text in texts:
        writer.update_document(hash="7xkq", text=text)
    writer.commit()
    with found.searcher() as searcher:
        stored = sorted(document["text"] for document in searcher.documents(hash="7xkq"))
    print(f"updated with {', '.join(texts)}: now {', '.join(stored)}")
    counts.append(len(stored))


commit("one")
commit("two")
commit("three", "four")
commit("five")
commit("six")
commit("seven", "eight")
writer = found.writer()
writer.delete_by_term("hash", "7xkq")
writer.add_document(hash="7xkq", text="nine")
writer.commit()
commit("ten")
if counts[:5] != [1, 1, 2, 2, 2] or counts[5] < 3 or counts[6] != 1:
    sys.exit("changed")
END
