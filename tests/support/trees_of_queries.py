"""Trees of queries, drawn and looked at."""

from cachesync.errors import QueryError
from cachesync.model import Build
from cachesync.query import Node, matches, parse

FILELOCK = Build(
    "py-filelock", "3.12.4", "gcc@=13.2.0", "ubuntu24.04", "linux", "aarch64",
    ("build_system=python_pip",),
)  # fmt: skip

HASH = "bxjpbzp6ar2cezwvhbxsx35wxgtsrzah"

PLACE = {"source": "Site", "tag": "develop-2025-03-09", "stacks": ("ml-linux-aarch64-cpu", "root")}


def found(text: str, build: Build = FILELOCK, **place) -> bool:
    return matches(parse(text), build, HASH, **{**PLACE, **place})


def read_or_refused(text: str) -> Node | None:
    """The tree of any text, which can be judged; None where an error lies within the text."""
    outcome: Node | QueryError
    try:
        outcome = parse(text)
    except QueryError as error:
        outcome = error
    if isinstance(outcome, QueryError):
        assert 0 <= outcome.position <= len(text)
        assert outcome.length >= 1
        assert outcome.message
        assert outcome.query == text
        return None
    assert found(text) in (True, False)
    return outcome
