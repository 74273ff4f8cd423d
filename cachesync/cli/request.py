"""What the arguments of `search` ask for: its options, its help, and the query between them.

No click here (see `entry`); `OPTIONS` is what both the parser below and click's help know.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .. import query
from ..errors import UsageError
from .display import columns

__all__ = [
    "HELP",
    "OPTIONS",
    "SORTS",
    "THROUGH",
    "Option",
    "Request",
    "help_text",
    "parse_arguments",
]

SHORT = {"-q": "--quiet", "-h": "--help"}
SORTS = ("relevance", "package", "version", "recent")
OLD_NAMES = {"newest": "recent"}
"""Of orders, by what they were called: `newest` sounds like versions."""
THROUGH = "build"


class Option(NamedTuple):
    """A long option of `search`."""

    name: str
    value: str | None
    help: str


FIELDS = ("tag", "os", "target", "compiler", "stack")
"""Fields of the query that can be given as options too (`query.narrowing`)."""

OPTIONS = (
    Option("--limit", "N", "builds to show (default 20; 0: all)"),
    Option("--offset", "N", "builds to pass over first"),
    Option("--sort", "|".join(SORTS), "the order (default relevance), see below"),
    Option("--runs-on", "TARGET|host", "only what a machine of this target, or this one, can run"),
    Option("--long", None, "every variant of each build, in a table also on a terminal"),
    Option("--tag", "TAG", "as tag:TAG in the query; once more: in any of these"),
    Option("--os", "OS", "as os:OS; so are these"),
    Option("--target", "TARGET", "as target:TARGET"),
    Option("--compiler", "NAME[@VERSION]", "as compiler:NAME[@VERSION]"),
    Option("--stack", "STACK", "as stack:STACK"),
    Option("--columns", "LIST", "the table's columns, such as package,version,tags"),
    Option("--group-by", "package", "one row a package instead of one a build"),
    Option("--spack", "0.23|1.x", "the query is a spec of this Spack and nothing else"),
    Option("--through", THROUGH, "^ goes on through what only building needs, to any depth"),
    Option("--why", None, "which dependencies matched: the way from each spec to them"),
    Option(
        "--facets",
        None,
        "count specs and builds by target, os, compiler, stack, tag, virtual, namespace, mirror, ...",
    ),
    Option("--hashes", None, "all hashes of each build; in a pipe nothing else, one a line"),
    Option(
        "--install",
        None,
        "the commands that install the best hit from its cache: one that this machine runs, if any",
    ),
    Option("--json", None, "one JSON document"),
    Option("--no-pager", None, "never start a pager"),
    Option("--quiet", None, "print nothing; exit 1 when nothing matches (also -q)"),
    Option("--help", None, "this text (also -h)"),
)

_ONLY = {"--group-by": "package", "--through": THROUGH}
_NEEDED = {"--runs-on": "the name of a target, or host", "--spack": "0.23 or 1.x"}

HELP = """\
Usage: cachesync search [OPTIONS] [QUERY...]

  Builds that match the query, best first. Without a query: every build.

  filelock aarch64           words, all of them, in any field
  package:hdf5 +mpi          a field; +mpi is variant:+mpi
  compiler:gcc@12.3.0        this compiler (compiler:gcc: every gcc)
  version:3.12               3.12 and 3.12.4, as Spack's @3.12
  tag:develop stack:e4s      where it is placed
  hash:bxjp, py-*            beginnings
  virtual:mpi                something it depends on provides mpi
  mirror:file:*              placed by a mirror on disk; signed:yes where that is known
  -cuda -target:aarch64      excluded
  "OR"                       quoted: no operators inside
  a OR (b c)                 alternatives
  numpi~1                    one letter may be wrong; ~2: two
  hdf5@1.14: +mpi %gcc@12:   Spack's spec syntax; the first word is a package
  target=x86_64_v2:          what these targets and their descendants run

  What finds nothing is read as one would say it (hdf5 mpi or cuda, without x,
  for zen4, on ubuntu), and the answer says how.

  All of it: cachesync help query

  Fields: {fields}
  Columns: {columns}

Options:
{options}

On a terminal: a build is what has the same version, compiler, system, target
and variants; a spec is one hash of it. `3 in develop +2`, or `3 develop +2`: 3
specs, in develop and 2 more tags. `-` where a compiler is: the pages name none.
`with @1.14: x`: the builds of 1.14 have x. `unless said: x`: those have it that
do not end with another.

Orders: relevance: what suits the words best; where the query has no word and
names no package, as package. package: by name, of each package the newest
version first. version: the newest version first, in Spack's order, whatever the
package. recent (its old name: newest): what became cached last first, whatever
its version.

Exit status: 0 also without a hit; with -q 1 without one; 1 before anything was
ever synced, with -q 3: nobody can tell; 2 for a query that is not understood.
"""


class Request(NamedTuple):
    """What the arguments of `search` ask for."""

    text: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    """Fields and values that options gave."""
    limit: int | None = None
    offset: int = 0
    sort: str = "relevance"
    runs_on: str | None = None
    columns: tuple[str, ...] | None = None
    long: bool = False
    group_by: str | None = None
    spack: str | None = None
    through: str | None = None
    why: bool = False
    facets: bool = False
    hashes: bool = False
    install: bool = False
    json: bool = False
    no_pager: bool = False
    quiet: bool = False
    help: bool = False


def parse_arguments(arguments: list[str]) -> Request:
    """The request in the arguments after `search`.

    Raises UsageError for an unknown long option or a value that does not fit.
    """
    by_name = {option.name: option for option in OPTIONS}
    given: dict[str, Any] = {}
    words: list[str] = []
    fields: list[tuple[str, str]] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            words.extend(rest)
            break
        name, equals, value = SHORT.get(argument, argument).partition("=")
        if not name.startswith("--"):
            words.append(argument)
            continue
        option = by_name.get(name)
        if option is None:
            from .otheroptions import unknown_option

            raise unknown_option(name, by_name)
        if option.value is None:
            if equals:
                raise UsageError(f"{name} takes no value")
            given[_key(name)] = True
            continue
        if not equals:
            value = next(rest, "")
        if _key(name) in FIELDS:
            fields.append((_key(name), value))
        else:
            given[_key(name)] = _value(option, value)
    request = Request(" ".join(words), tuple(fields), **given)
    _refuse_contradictions(request)
    return request


def _key(name: str) -> str:
    return name[2:].replace("-", "_")


def _refuse_contradictions(request: Request) -> None:
    """Raise UsageError for options of which one would have to be ignored."""
    if request.help:
        return
    for one, others in {
        "columns": ("json", "hashes", "install", "group_by"),
        "group_by": ("hashes", "install", "facets"),
        "why": ("hashes", "install", "group_by"),
        "long": ("columns", "install", "group_by"),
        "install": ("hashes", "facets"),
    }.items():
        for other in others:
            if getattr(request, one) and getattr(request, other):
                both = (f"--{name.replace('_', '-')}" for name in (one, other))
                raise UsageError("{} and {} exclude each other".format(*both))


def _value(option: Option, value: str) -> int | str | tuple[str, ...]:
    if option.name == "--columns":
        return columns.chosen(value)
    if option.name in _ONLY:
        if value != _ONLY[option.name]:
            raise UsageError(f"{option.name} takes {_ONLY[option.name]}")
        return value
    if option.name in _NEEDED:
        if not value:
            raise UsageError(f"{option.name} takes {_NEEDED[option.name]}")
        return value
    if option.name == "--sort":
        if OLD_NAMES.get(value, value) not in SORTS:
            raise UsageError(f"--sort takes one of {', '.join(SORTS)}")
        return OLD_NAMES.get(value, value)
    if not (value.isdecimal() and value.isascii() and len(value) < 10):
        raise UsageError(f"{option.name} takes a number from 0 on")
    return int(value)


def help_text() -> str:
    """The help of `search`."""
    lines = [f"  {f'{o.name} {o.value or str()}':<44}{o.help}" for o in OPTIONS]
    return HELP.format(
        fields=", ".join(query.ALL_FIELDS),
        columns=", ".join(columns.COLUMNS),
        options="\n".join(lines),
    )
