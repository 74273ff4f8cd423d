"""What a shell may offer next, from the live ledger: bounded, silent, and nothing is ever made.

A completion that cannot be computed is none: a shell that prints a traceback at a tab key is worse
than one that offers nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from click.shell_completion import CompletionItem

from ..ledger import connect, names
from . import completing, paths
from .options import Globals, split_globals

__all__ = [
    "MOST",
    "QueryCommand",
    "machines",
    "of_field",
    "own_subscriptions",
    "package_names",
    "packages",
    "query",
    "query_words",
    "since",
    "sources",
    "subscriptions",
    "tags",
]

MOST = 200
"""Values offered at once; whoever has more types another character."""

Complete = Callable[[click.Context, click.Parameter, str], list[str]]


@contextmanager
def _ledger(ctx: click.Context) -> Iterator[connect.Connection]:
    db = connect.open_reader(paths.state_dir(_globals(ctx)))
    try:
        yield db
    finally:
        db.close()


def _globals(ctx: click.Context) -> Globals:
    """The options before the command, which click has parsed, or after it, which it has not."""
    params = ctx.find_root().params
    after, _ = split_globals([arg for arg in ctx.args if isinstance(arg, str)])
    return Globals(params.get("config") or after.config, params.get("state_dir") or after.state_dir)


def _values(
    ctx: click.Context, field: str, start: str, packages: tuple[str, ...] = ()
) -> list[str]:
    """The values of a field that begin so, of packages if there are such; none where anything is wrong."""
    return _read(
        ctx,
        lambda db: names.beginning_with(
            db, field, start, most=MOST, packages=names.known_packages(db, packages)
        ),
    )


def _read(ctx: click.Context, find: Callable[[connect.Connection], list[str]]) -> list[str]:
    try:
        with _ledger(ctx) as db:
            found = find(db)
    except Exception:  # see the module's docstring
        return []
    return _plain(found[:MOST])


def _plain(found: list[str]) -> list[str]:
    """Without what a shell would have to quote, or a terminal could not show: that is typed by hand."""
    return [value for value in found if value.isprintable() and not _UNSAFE & set(value)]


_UNSAFE = frozenset(" \t\n'\"\\$`;&|<>(){}!#")


def _field(field: str) -> Complete:
    def complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
        return _values(ctx, field, incomplete)

    return complete


def tags(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Tags: those of the package that is named on the line, where it has some, else all."""
    # Behind an option that has no value yet click has read no argument, and left them all.
    left = next((one for one in ctx.args if isinstance(one, str)), None)
    named = ctx.params.get("what") or ctx.params.get("package") or left
    if isinstance(named, str):
        found = _read(ctx, lambda db: names.tags_of(db, named.lower(), incomplete, most=MOST))
        if found:
            return found
    return _values(ctx, "tag", incomplete)


def of_field(field: str) -> Complete:
    """The values of a field for an option beside a query: those of the package that this names, where it has some."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        named = completing.roots(_before(ctx))
        if field == "tag":
            ctx.params.setdefault("package", named[0] if named else None)
            return tags(ctx, param, incomplete)
        return _values(ctx, field, incomplete, named) or _values(ctx, field, incomplete)

    return complete


def since(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Words of time, and tags."""
    from .times import WORDS

    return [word for word in WORDS if word.startswith(incomplete)] + tags(ctx, param, incomplete)


sources = _field("source")
package_names = _field("package")


def subscriptions(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The names of all subscriptions of the configuration."""
    from .configuration import load_config

    return _named(ctx, incomplete, lambda o: [e.name for e in load_config(o).subscriptions])


def own_subscriptions(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Those that stand in files of their own."""
    from ..config import parts
    from .configuration import find_config

    def found(options: Globals) -> list[str]:
        path = find_config(options)
        return [] if path is None else [file.stem for file in parts.files(path)]

    return _named(ctx, incomplete, found)


def _named(ctx: click.Context, start: str, find: Callable[[Globals], list[str]]) -> list[str]:
    try:
        found = find(_globals(ctx))
    except Exception:  # see the module's docstring
        return []
    return _plain([name for name in found if name.startswith(start)])[:MOST]


def machines(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Targets that archspec knows, and `host`."""
    from ..spack.targets import names as known

    return [name for name in ("host", *known()) if name.startswith(incomplete)]


_COMPLETED_FIELDS = ("package", "version", "compiler", "os", "platform", "target", "variant",
                     "stack", "tag", "source", "hash", "virtual", "namespace", "mirror", "signed")  # fmt: skip


def packages(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Packages, or hashes after a slash."""
    if incomplete.startswith("/"):
        return [f"/{value}" for value in _values(ctx, "hash", incomplete[1:])[:20]]
    return package_names(ctx, param, incomplete)


def query(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """What a word of a query may become: a value after `field:`, a variant, a field or a package."""
    return query_words(ctx, incomplete)


class QueryCommand(click.Command):
    """A command whose arguments are a query: one dash begins a word that excludes, not an option."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[Any]]:
        """Words that exclude, else the options."""
        if incomplete.startswith("-") and not incomplete.startswith("--") and incomplete != "-":
            return [CompletionItem(word) for word in query_words(ctx, incomplete)]
        return super().shell_complete(ctx, incomplete)


def query_words(ctx: click.Context, incomplete: str) -> list[str]:
    """The same, whatever argument it is for."""
    excluded = "-" if incomplete.startswith("-") else ""
    word = incomplete.removeprefix("-")
    before = _before(ctx)
    field, colon, start = word.partition(":")
    if colon and field in _COMPLETED_FIELDS:
        found = _values(ctx, field, start, completing.roots(before))
        return [f"{excluded}{field}:{value}" for value in found]
    if completing.is_known(word):
        state_dir = paths.state_dir(_globals(ctx))
        found = _read(ctx, lambda db: completing.offered(db, state_dir, before, word))
        return [f"{excluded}{one}" for one in found]
    if colon or excluded:
        return []
    from ..query import ALL_FIELDS

    fields = [f"{name}:" for name in ALL_FIELDS if name.startswith(word)]
    if not word:
        return fields
    pairs = _read(ctx, lambda db: completing.pairs(db, before, word))
    return _values(ctx, "package", word) + fields + pairs


def _before(ctx: click.Context) -> str:
    """The words of the query before the one that is completed."""
    # As above: behind an option without its value the words are left.
    words = ctx.params.get("arguments") or ctx.params.get("query") or tuple(ctx.args)
    return " ".join(word for word in words if not word.startswith("--"))
