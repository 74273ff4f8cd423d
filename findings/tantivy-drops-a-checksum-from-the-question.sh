#!/bin/sh
# tantivy 0.27.0 (PyPI): `hdf5 AND <checksum>` finds every hdf5, whatever the checksum.
#
# A text field left at its tokenizer ("default") drops words of 40 bytes and more; the Rust documentation
# says so, the Python one names the tokenizer only. `parse_query` drops them from the question as well: a
# SHA-256 in hexadecimal finds nothing alone, also where it stands, and next to another word it is gone,
# with AND, with + and in a phrase, which want both. Nothing is raised, and 39 characters of it work.
#
# It matters to who searches build caches by the checksum of a tarball or a manifest: "is this file of hdf5
# in the cache" is yes for any file. Give such a field the tokenizer "raw".
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q tantivy==0.27.0
"$dir/venv/bin/python" - <<'END'
import hashlib
import sys

import tantivy

builder = tantivy.SchemaBuilder()
builder.add_text_field("text", stored=True)
builder.add_text_field("checksum", stored=True, tokenizer_name="raw")
schema = builder.build()
index = tantivy.Index(schema)
writer = index.writer()
there = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("hdf5 1.12", "hdf5 1.14", "zlib 1.3")}
for name, checksum in there.items():
    document = {"text": f"{name} {checksum}", "checksum": checksum}
    writer.add_document(tantivy.Document.from_dict(document, schema))
writer.commit()
index.reload()
checksum, absent = there["hdf5 1.14"], hashlib.sha256(b"no such file").hexdigest()


def count(text, shown, fields=("text",)):
    found = index.searcher().search(index.parse_query(text, list(fields)), 10).count
    print(f"{shown}: {found} of 3 documents")
    return found


seen = [
    count(checksum, "the checksum of hdf5 1.14"),
    count(f"hdf5 AND {checksum}", "hdf5 AND the checksum of hdf5 1.14"),
    count(f"hdf5 AND {absent}", "hdf5 AND a checksum of nothing"),
    count(f"+hdf5 +{absent}", "+hdf5 +a checksum of nothing"),
    count(f'"hdf5 {absent}"', '"hdf5 a checksum of nothing"'),
    count(f"hdf5 AND {absent[:39]}", "hdf5 AND 39 characters of it"),
    count(f"text:hdf5 AND checksum:{absent}", "the same of a field that is raw"),
    count(f"text:hdf5 AND checksum:{checksum}", "hdf5 AND the checksum that is there, raw"),
]
if seen != [0, 2, 2, 2, 2, 0, 0, 1]:
    sys.exit("changed")
END
