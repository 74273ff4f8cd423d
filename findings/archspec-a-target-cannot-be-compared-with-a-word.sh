#!/bin/sh
# archspec 0.2.7: `target == "zen4"` is True or False, and with a word that is no target it is an exception.
#
# A string is taken for the name of a target in every comparison, == and != among them. Of a name that this
# version does not know ("zen9", "gfx942", "") a ValueError comes. Python's documentation lets == of what
# cannot be compared be False, and `in` of a list, `list.index` and `dict.get` stand on it: whether
# `target in ["linux", "zen4"]` works depends on which of them comes first.
#
# It matters to who compares the targets of a build cache with those a site lists: the first name of a
# processor that is newer than the library ends the program. Compare `target.name`.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q archspec==0.2.7
"$dir/venv/bin/python" - <<'END'
import sys

from archspec.cpu import TARGETS

zen4 = TARGETS["zen4"]
questions = {
    '== "zen4"': lambda: zen4 == "zen4",
    '== "zen3"': lambda: zen4 == "zen3",
    '== "zen9"': lambda: zen4 == "zen9",
    '!= "zen9"': lambda: zen4 != "zen9",
    "== None": lambda: zen4 == None,  # noqa: E711
    "== 9": lambda: zen4 == 9,
    'in ["zen4", "zen9"]': lambda: zen4 in ["zen4", "zen9"],
    'in ["zen9", "zen4"]': lambda: zen4 in ["zen9", "zen4"],
}
seen = []
for question, answer in questions.items():
    try:
        said = answer()
        seen.append(said)
    except ValueError as error:
        said = f"ValueError: {error}"
        seen.append(None)
    print(f"zen4 {question}:", said)
if seen != [True, False, None, None, False, False, True, None]:
    sys.exit("changed")
END
