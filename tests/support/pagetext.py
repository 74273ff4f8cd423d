"""Package pages as text, in every form that means the same, and strategies that draw them.

The facts of a page are a title, a tag and plain rows as they stand in `spec_details`; each function
named `as_...` writes them down in one form.
"""

import json
import random
from collections.abc import Callable
from typing import Any, NamedTuple

import yaml
from hypothesis import strategies as st

HASH_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
NAME_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFXYZ0123456789._+-"


class Facts(NamedTuple):
    """What a page says, before it is written down."""

    title: str
    tag: str
    rows: list[dict[str, Any]]

    def shuffled(self, seed: int) -> "Facts":
        """The same facts with specs, keys, stacks and variants in another order."""
        order = random.Random(seed)
        rows = []
        for row in self.rows:
            keys = list(row)
            order.shuffle(keys)
            copy = {key: row[key] for key in keys}
            for key in ("stacks", "variants"):
                if copy.get(key):
                    copy[key] = order.sample(copy[key], len(copy[key]))
            rows.append(copy)
        order.shuffle(rows)
        return self._replace(rows=rows)


def spec(letter: str = "a", **changes: Any) -> dict[str, Any]:
    """A row as the generator writes it; a value of `...` leaves the key out."""
    row = {
        "compiler": "gcc@=13.2.0",
        "hash": letter * 32 if len(letter) == 1 else letter,
        "os": "ubuntu24.04",
        "platform": "linux",
        "size": "-",
        "stacks": ["e4s", "root"],
        "target": "aarch64",
        "variants": ["+mpi", "build_system=cmake"],
        "versions": ["1.14.5"],
    }
    return {key: value for key, value in {**row, **changes}.items() if value is not ...}


def page(*rows: dict[str, Any], title: str = "hdf5", tag: str = "develop") -> bytes:
    """A page in the generator's form."""
    return as_generated(Facts(title, tag, list(rows)))


def summary(facts: Facts) -> dict[str, Any]:
    """The `meta` that belongs to the facts."""
    stacks = [stack for row in facts.rows for stack in set(row.get("stacks") or ())]
    return {
        "compilers": sorted({row.get("compiler") or "none" for row in facts.rows}),
        "num_specs": len(facts.rows),
        "num_specs_by_stack": {stack: stacks.count(stack) for stack in sorted(set(stacks))},
        "oss": sorted({row["os"] for row in facts.rows}),
        "platforms": sorted({row.get("platform") or "" for row in facts.rows}),
        "stacks": sorted(set(stacks)),
        "targets": sorted({row["target"] for row in facts.rows}),
        "versions": sorted({row["versions"][0] for row in facts.rows}),
    }


def as_generated(facts: Facts) -> bytes:
    """The two JSON lines of the site's generator."""
    return (
        f'---\ntitle: "{facts.title}"\nlayout: cache\ncategories: [package, {facts.tag}]\n'
        f"meta: {json.dumps(summary(facts))}\nspec_details: {json.dumps(facts.rows)}\n---"
    ).encode()


def as_reordered(facts: Facts) -> bytes:
    """The same lines in another order, which the generator never writes."""
    return (
        f"---\nspec_details: {json.dumps(facts.rows)}\nmeta: {json.dumps(summary(facts))}\n"
        f'categories: [package, {facts.tag}]\ntitle: "{facts.title}"\n---\n'
    ).encode()


def _document(facts: Facts) -> dict[str, Any]:
    return {
        "title": facts.title,
        "categories": ["package", facts.tag],
        "spec_details": facts.rows,
        "meta": summary(facts),
    }


def as_block(facts: Facts) -> bytes:
    """Block-style YAML, as a person or another tool would write it."""
    return f"---\n{yaml.dump(_document(facts), allow_unicode=True)}---\n".encode()


def as_aliases(facts: Facts) -> bytes:
    """Block style where equal lists are one list with an anchor and aliases to it."""
    shared: dict[str, Any] = {}
    rows = [
        {k: shared.setdefault(repr(v), v) if isinstance(v, list) else v for k, v in row.items()}
        for row in facts.rows
    ]
    return as_block(facts._replace(rows=rows))


def as_crlf(facts: Facts) -> bytes:
    """Windows line ends."""
    return as_generated(facts).replace(b"\n", b"\r\n")


def as_crlf_block(facts: Facts) -> bytes:
    """Windows line ends in block style."""
    return as_block(facts).replace(b"\n", b"\r\n")


def as_bom(facts: Facts) -> bytes:
    """A byte order mark before the page."""
    return b"\xef\xbb\xbf" + as_generated(facts)


def as_commented(facts: Facts) -> bytes:
    """A comment on a line of its own and one behind a value."""
    return as_generated(facts).replace(b"layout: cache\n", b"# a comment\nlayout: cache  # more\n")


def as_with_body(facts: Facts) -> bytes:
    """A Markdown body, with a rule in it, behind the front matter."""
    return as_generated(facts) + b"\n\n# A body\n\n---\n\nspec_details: []\n"


def as_one_json_object(facts: Facts) -> bytes:
    """The whole front matter as one JSON object over many lines."""
    return f"---\n{json.dumps(_document(facts), indent=1)}\n---\n".encode()


FORMS: tuple[Callable[[Facts], bytes], ...] = (
    as_reordered,
    as_block,
    as_aliases,
    as_crlf,
    as_crlf_block,
    as_bom,
    as_commented,
    as_with_body,
    as_one_json_object,
)


names = (
    st.text(alphabet=NAME_LETTERS, min_size=1, max_size=12)
    .filter(lambda text: text[0] not in ".+-")
    .filter(lambda text: text.lower() != "null")
)
hashes = st.text(alphabet=HASH_LETTERS, min_size=32, max_size=32)
# Printable, and within the plane that JSON escapes with one \uXXXX: YAML has no surrogates.
texts = st.text(
    alphabet=st.characters(min_codepoint=32, max_codepoint=0xD7FF).filter(str.isprintable),
    min_size=1,
    max_size=8,
)
_tricky = st.sampled_from(
    ("null", "~", "yes", "1.10", "0o17", "1e3", "<<", "=", "2025-03-09", "#", ": ", "- a", "'", '"',
     "*a", "&a", "!!int 3", "{a: b}", "\\", " x ", "---", "...", "%x")
)  # fmt: skip
values = texts | _tricky
versions = st.from_regex(r"[0-9]{1,2}(\.[0-9a-z]{1,3}){0,3}", fullmatch=True) | values
_compilers = st.sampled_from(
    ("gcc@=13.2.0", "gcc@12.3.0", "none", "apple-clang@=16.0.0", "gcc", "", None, ...)
)


@st.composite
def rows(draw: st.DrawFn, hash_: str) -> dict[str, Any]:
    """A row that is accepted, now and then without what is optional."""
    row = spec(
        hash_,
        compiler=draw(_compilers),
        os=draw(values),
        platform=draw(st.sampled_from(("linux", "darwin", None, ...))),
        stacks=draw(st.lists(values, max_size=4) | st.just(None) | st.just(...)),
        target=draw(values),
        variants=draw(st.lists(values, max_size=4) | st.just(None) | st.just(...)),
        versions=[draw(versions)],
    )
    if draw(st.booleans()):
        row["tarball"] = "https://cache.example.org/a.spack"
    return row


@st.composite
def facts(draw: st.DrawFn, *, most: int = 4) -> Facts:
    """The facts of a page that is accepted."""
    chosen = draw(st.lists(hashes, unique=True, max_size=most))
    return Facts(draw(names), draw(names), [draw(rows(hash_)) for hash_ in chosen])
