"""Search for a text that breaks the query language, guided by coverage: `python tests/query/fuzz.py`.

Arguments are those of libFuzzer: `-runs=100000`, `-max_total_time=60`, a directory to keep the corpus
in. A text breaks it that is neither a tree nor a `QueryError` within the text, that takes longer than
`MOST_SECONDS` to read, that does not print as itself, or that cannot be judged. Needs atheris
(`pip install atheris`), which takes minutes to build where there is no wheel, and is not in the lock.
"""

from __future__ import annotations

import sys
import time

try:
    import atheris
except ImportError:
    sys.exit("fuzz_query: this needs atheris: pip install atheris")

with atheris.instrument_imports(include=["cachesync.query", "cachesync.spack"]):
    from cachesync import query
    from cachesync.errors import QueryError
    from cachesync.model import Build
    from cachesync.query import dags, naming, printing, satisfies, sigils, specsyntax  # noqa: F401 - to be instrumented
    from cachesync.query.printing import show
    from cachesync.spack import specparser
    from cachesync.spack.spectokens import SpecTextError

MOST_SECONDS = 0.05
LONGEST = 400
BUILD = Build(
    "hdf5", "1.14.5", "gcc@=12.3.0", "ubuntu22.04", "linux", "x86_64_v3",
    ("+mpi", "libs=shared,static", "~cuda"),
)  # fmt: skip
FRAGMENTS = (
    "hdf5", "@1.14:", "@=", "%gcc@12:", "+mpi", "++", "~cuda", "x=1:", "libs=shared", "libs:=shared", "arch=--aarch64",
    "target=x86_64:", "os=None", "namespace=builtin", "tag:develop", "variant:", " OR ", "(", ")", " -",
    "/abc", '"', "*", "~1", " ", " ", "^", "^zlib", "%c,cxx=gcc", "^mpi=openmpi", "virtual:mpi", "virtual:m", "namespace:site", "namespace:b*", "^[virtuals=", "%[when='+m'] ",
    "deptypes=build", "]", "%%", "--x", "libs==a", "git.main=1", "/", "* ", "*@", "@git.main", "++mpi", "1=false",
)  # fmt: skip


def text_of(data: bytes) -> str:
    """A text of what people write and of any characters, surrogates among them."""
    provider = atheris.FuzzedDataProvider(data)
    parts: list[str] = []
    while provider.remaining_bytes() and sum(map(len, parts)) < LONGEST:
        if provider.ConsumeBool():
            parts.append(FRAGMENTS[provider.ConsumeIntInRange(0, len(FRAGMENTS) - 1)])
        else:
            parts.append(provider.ConsumeUnicode(provider.ConsumeIntInRange(1, 12)))
    return "".join(parts)


def seconds_to_read(text: str) -> float:
    """How long `text` takes to read, whatever comes of it."""
    started = time.perf_counter()
    try:
        query.parse(text)
    except QueryError:
        pass
    return time.perf_counter() - started


def check_spack(text: str) -> None:
    """A text as each Spack reads it: a spec, or a refusal that lies in the text."""
    for dialect in ("1.x", "0.23"):
        try:
            specparser.parse(text, dialect)  # type: ignore[arg-type]
        except SpecTextError as error:
            assert 0 <= error.position <= len(text), text  # noqa: PT017


def check(data: bytes) -> None:
    """One text; AssertionError, or whatever else is raised, is a defect."""
    text = text_of(data)
    check_spack(text)
    if seconds_to_read(text) > MOST_SECONDS:
        # The machine may have been busy: the least of some counts.
        assert min(seconds_to_read(text) for _ in range(5)) <= MOST_SECONDS, text
    for is_spec in (False, True):
        try:
            tree = query.parse(text, is_spec=is_spec)
        except QueryError as error:
            assert 0 <= error.position <= len(text), text  # noqa: PT017
            assert error.message, text  # noqa: PT017
            continue
        assert query.parse(show(tree)) == tree, (text, show(tree))
        found = query.matches(tree, BUILD, "a" * 32, source="s", tag="develop", stacks=("e4s",))
        assert found in (True, False), text


if __name__ == "__main__":
    query.parse("target=x86_64:")  # archspec is loaded once a process
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()
