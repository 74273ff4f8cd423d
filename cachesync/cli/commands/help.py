"""`cachesync help [TOPIC]`: a command's help, or `query`: the query language with its grammar."""

from __future__ import annotations

from typing import Any

import click

from ...errors import UsageError
from ..display.output import print_text
from ..display.pager import paged

__all__ = ["QUERY", "help_command"]

QUERY = """\
The query language of `cachesync search`, `wait`, `diff`, lists for `check`, and subscriptions.

A query is a condition on placements: a spec in a tag of a source, with its stacks. Terms that
stand side by side must all hold, for the same placement.

Words, case ignored
  filelock                  a part of a package's name, or a whole value of any field
  scikit-learn              several consecutive parts
  3.12                      a version: 3.12, 3.12.4
  bxjpb                     the beginning of a hash, 5 characters or more
  hdf*                      a prefix
  numpi~1                   one letter too many, too few, wrong, or two swapped; ~2: two such
  "OR"                      quotes: no operators inside

Fields
  package:hdf5              the whole name; also package:py-*
  version:1.14              1.14 and 1.14.5
  compiler:gcc              every gcc; compiler:gcc@12.3.0 is that one
  variant:~cuda             a variant as it is printed; +mpi is variant:+mpi
  os:ubuntu22.04            whole values: os, platform, target
  tag:develop stack:e4s     where it is placed: tag, stack, source
  hash:bxjp                 the beginning of a hash
  virtual:mpi               something it depends on provides mpi, as ^mpi asks; also virtual:m*
  namespace:builtin         whose recipe is of this repository, where an index tells it
  mirror:file:*             placed by these mirrors: an address, or a name of `status`
  signed:yes signed:no      whether its manifest is signed there, where that is known

Operators
  hdf5 +mpi                 both
  hdf5 OR netcdf-c          either; OR binds least: a b OR c is (a b) OR c
  hdf5 (+mpi OR +szip)      parentheses group
  hdf5 -cuda                - always excludes: a term, a spec, or parentheses

Spack's spec syntax
  hdf5@1.14                 1.14 and 1.14.5; the first word is the exact name of a package
  hdf5@=1.14.5              this version alone
  hdf5@1.12:1.14            a range; @1.12: and @:1.14 are open
  hdf5@1.10,1.14:           a list
  py-numpy@develop          develop > main > master > ... > any number
  hdf5+mpi~szip             variants, on and off; off is never written -szip, but in a list for check
  libs=shared,static        a variant with (at least) these values; libs=* has it at all
  libs:=shared,static       with these values and no others
  * +mpi                    any package
  builtin.hdf5              a package of this repository; pages tell of builtin only
  os=ubuntu22.04            also platform=linux; os=* is "has one"
  target=x86_64_v3          this target
  target=x86_64_v2:         those that run what is built for x86_64_v2
  target=:x86_64_v4         those whose code an x86_64_v4 runs; x86_64_v2:x86_64_v4 is both
  arch=linux-ubuntu22.04-x86_64_v3
  /bxjp                     the beginning of a hash

Dependencies, as in Spack 1.x
  hdf5 ^zlib-ng@2:          somewhere below: link and run dependencies to any depth, and those for
                            building hdf5 itself; with --through build those of all types
  hdf5 %gcc@12:             directly below, by a dependency of any type; %%gcc is the same
  %c=gcc                    gcc is the C compiler; %c,cxx=gcc@13 that of C or of C++ (behind ^: of both)
  hdf5 ^mpi                 whatever provides mpi
  hdf5 ^mpi=openmpi         openmpi, as what provides mpi; also ^[virtuals=mpi] openmpi
  %[virtuals=c] gcc         the same as %c=gcc
  %[deptypes=build] cmake   by a dependency of these types: build, link, run, test (^ looks at none)
  ^[when=+mpi] openmpi      openmpi is below where the package has +mpi; where it has not, it matches
  hdf5 ^zlib-ng/4u5g        a hash, version, variant, namespace, os and target of any of them
  ^* +shared                any dependency; %* a direct one
  hdf5++mpi                 +mpi of hdf5 and of all below that have such a variant
  ~~cuda libs:==shared      likewise; x==y too. Where nothing else is spec syntax ++mpi is +mpi
  hdf5 ^zlib-ng %gcc@12:    the gcc of zlib-ng; hdf5 %gcc@12: ^zlib-ng has that of hdf5
  hdf5 %gcc@12 +mpi         +mpi is asked of gcc; hdf5 +mpi %gcc@12 asks hdf5
  hdf5 -^openmpi            nothing of that below
  ^zlib-ng@2: tag:mirror    words, fields, -x and parentheses ask the package itself, wherever they stand

Where a query has spec syntax, its first word is the exact name of a package, as in Spack, unless
a spec such as hdf5@1.14 names one already; each side of an OR, and what is excluded, is judged on
its own. Quote a word to search for it: "aarch64" %gcc. Spec syntax heeds case, and finds what
`satisfies` of Spack 1.x finds, but for a few choices (docs/search.md): %clang and %oneapi find what
is called so in specs of Spack 0.23, and %y behind ^x is asked of every x below, not of the first.

Only build caches tell of dependencies. Of pages %gcc@12 asks for the compiler that they name, what
stands behind it the package itself, and ^ is met by none; an answer says how many builds that leaves
open. %none is met where a page names no compiler. A variant that is not listed satisfies nothing.
Pages never tell compiler flags (cflags=-O3), dev_path= or commit=: none meets them, and a note says so.
The name of a virtual package (mpi) is that of no package, and ^mpi@3: is an error where no index says
which version of it a package provides.

Where nothing is found as it is, `search` (not with -q or --spack) reads bare words anew, and says how: mpi is +mpi,
openmp threads=openmp, zen4 what such a machine runs, my machine what this one does, ubuntu os:ubuntu*, clang
compiler:apple-clang; a or b is OR, not x is -x, without x is ~x, 3.30 or newer is @3.30:, and small words are left out.
Quotes keep a word as it is.

With --spack 1.x or --spack 0.23 (search, wait, diff) the text is one spec of that Spack and nothing
else, and means what its `satisfies` says: -mpi is ~mpi, a lone name is the exact package, and words,
fields, OR and parentheses are refused. 0.23 has no %c=gcc, %[...], := and *.

Grammar
  query       = alternative { "OR" alternative }
  alternative = term { term }
  term        = [ "-" ] ( "(" query ")" | word | field | spec )
  word        = text [ "*" | "~1" | "~2" ] | quoted [ "*" ] | "+" text
  field       = name ":" ( text [ "*" ] | quoted [ "*" ] )
  spec        = [ package ] { attribute | edge }, at least one
  attribute   = "@" versions | ( "+" | "~" | "++" | "~~" ) name
                | name ( "=" | ":=" | "==" | ":==" ) value | "/" hash
  edge        = ( "^" | "%" | "%%" ) [ virtuals "=" ] ( package | "*" )
                | ( "^[" | "%[" | "%%[" ) { key "=" value } "]" [ virtuals "=" ] ( package | "*" )
  package     = { namespace "." } name
  virtuals    = name { "," name }
  key         = "virtuals" | "deptypes" | "when"
  versions    = range { "," range }
  range       = [ "=" ] version | [ version ] ":" [ version ]

The package behind ^ or % may be left out before an attribute that is no key (^ +shared).
At most 10,000 characters, 200 terms, 10 prefixes and fuzzy words, 50 parentheses inside each other.
"""


@click.command("help", short_help="The help of a command, or of the query language.")
@click.argument("topic", required=False)
@click.pass_context
def help_command(ctx: click.Context, topic: str | None) -> int:
    """Print the help of a command, or of the query language (`cachesync help query`)."""
    if topic == "query":
        with paged(wanted=True):
            print_text(QUERY)
        return 0
    group: Any = ctx.find_root()
    if topic is None:
        print(group.get_help())
        return 0
    command = group.command.get_command(group, topic)
    if command is None:
        raise UsageError(f"there is no help on {topic}", hint="cachesync help query, or a command")
    with click.Context(command, info_name=topic, parent=group) as inner:
        print(command.get_help(inner))
    return 0
