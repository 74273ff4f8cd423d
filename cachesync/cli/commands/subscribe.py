"""`cachesync subscribe`: a subscription of one's own, in a file beside the configuration."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from shlex import quote
from typing import NamedTuple

import click

from ...config import file, written
from ...config.reachvalues import Secret, SecretKind
from ...config.settings import (
    AppriseTarget,
    CommandTarget,
    Config,
    Subscription,
    Target,
    WebhookTarget,
)
from ...errors import CachesyncError, ConfigError, UsageError
from ...net import address
from ...query.narrowing import narrowed
from ...sync import belonging
from .. import asking, beside, complete, fields, files, paths, reloading, targets
from ..configuration import find_config, load_config
from ..display import answer as answers
from ..display import excluding, leftopen, output, understood
from ..options import Globals
from ..remedies import reaching

__all__ = ["subscribe"]

COMMAND = "--command"
SECRET_BYTES = 32


class _Subscribe(complete.QueryCommand):
    """What stands behind `--command` is the program and its arguments, whatever it looks like."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for position, argument in enumerate(args):
            if argument == "--":
                break
            if argument == COMMAND or argument.startswith(f"{COMMAND}="):
                first = [] if argument == COMMAND else [argument.partition("=")[2]]
                words = [*first, *args[position + 1 :]]
                if words:
                    args = [*args[:position], *(f"{COMMAND}={word}" for word in words)]
                break
        return super().parse_args(ctx, args)


@click.command(
    cls=_Subscribe,
    short_help="Be told when something is cached.",
    # -h would be taken out of -hdf5, which excludes
    context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]},
)
@click.argument(
    "query", nargs=-1, required=True, type=click.UNPROCESSED, shell_complete=complete.query
)
@fields.options("tag", "os", "target", "compiler", "stack")
@click.option("--webhook", metavar="URL", help="Post what is new there, signed.")
@click.option(
    "--command", "argv", multiple=True, metavar="ARGV...",
    help="Run this program; it and its arguments are the rest of the line.",
)  # fmt: skip
@click.option(
    "--apprise", metavar="FILE", type=click.Path(),
    help="Mail or chat through Apprise, at the address in FILE.",
)  # fmt: skip
@click.option("--name", metavar="NAME", help="What it is called (default: made of QUERY).")
@click.option(
    "--allow-private", is_flag=True,
    help="The webhook may be in a private network, or on this machine.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def subscribe(
    options: Globals,
    /,
    query: tuple[str, ...],
    webhook: str | None,
    argv: tuple[str, ...],
    apprise: str | None,
    name: str | None,
    allow_private: bool,
    as_json: bool,
    **narrowing: tuple[str, ...],
) -> int:
    """Be told when something is cached that QUERY, as `cachesync search` takes it, matches.

    \b
    cachesync subscribe "hdf5 +mpi target:aarch64" --webhook https://ci.example.org/hooks/cachesync
    cachesync subscribe gromacs --command /usr/local/bin/on-cached --quietly

    It is checked, written to subscriptions.d beside the configuration, and taken over by the daemon. The
    secret that a webhook is signed with is made and shown once. Who may not write there gets what to ask the
    administrator for, and 1.
    """
    if "-h" in query:
        print(click.get_current_context().get_help())
        return 0
    whole = narrowed(" ".join(query), fields.given(**narrowing))
    text, condition = whole.text, whole.node
    target = _target(webhook, argv, apprise, allow_private=allow_private)
    _note_taken(argv)
    path = find_config(options)
    if path is None:
        raise UsageError(
            "there is no configuration that a subscription could stand beside",
            hint="an empty one will do: mkdir -p ~/.config/cachesync && touch ~/.config/cachesync/cachesync.yaml",
        )
    state_dir = paths.state_dir(options)
    belonging.require(state_dir, path)
    config = _readable(options)
    place = beside.acting(path, state_dir)
    name = _free_name(path, config, place, name, text)
    if isinstance(target, WebhookTarget):
        secret = Secret(SecretKind.FILE, str(place.secret(name)))
        target = target._replace(secrets=(secret,))
    wish = _Wish(name, text, target, place)
    lacking = beside.lacking(place, has_secret=isinstance(target, WebhookTarget))
    _check(path, config if lacking is None else None, wish)
    if config is None and lacking is None:
        load_config(options)  # which says why it cannot be read
    if not options.quiet:
        with suppress(CachesyncError):  # of the ledger, of which nothing is needed
            understood.say_of(state_dir, text)
            excluding.say_of(state_dir, text)
            leftopen.say_of(state_dir, condition, quiet=False)
    if lacking is not None:
        asking.tell(_wanted(wish, path, options), as_json=as_json)
        raise asking.refused(lacking)
    return _subscribe(options, state_dir, wish, as_json=as_json)


def _note_taken(argv: tuple[str, ...]) -> None:
    """Say what looks like an option of ours behind `--command`, and is the program's."""
    known = {option for one in subscribe.params for option in one.opts if option.startswith("--")}
    taken = [word for word in argv[1:] if word.partition("=")[0] in known]
    if taken:
        answers.note(
            f"{taken[0]} is an argument of {argv[0]}: what is meant for cachesync stands before {COMMAND}"
        )


class _Wish(NamedTuple):
    """A subscription that is to be."""

    name: str
    query: str
    target: Target
    place: beside.Place

    @property
    def text(self) -> str:
        return written.file_text(self.name, self.query, self.target)


def _target(
    webhook: str | None, argv: tuple[str, ...], apprise: str | None, *, allow_private: bool
) -> Target:
    """The target that the options name, without its secret. Raises UsageError."""
    given = [webhook is not None, bool(argv), apprise is not None]
    if sum(given) != 1:
        raise UsageError(
            "tell who is to be told, in one way" if any(given) else "tell who is to be told",
            hint="--webhook URL, --apprise FILE, or --command ARGV... at the end",
        )
    if allow_private and webhook is None:
        raise UsageError("--allow-private is for --webhook")
    if webhook is not None:
        try:
            why = address.refusal_of_literal(address.webhook_url(webhook))
        except ValueError as error:
            raise UsageError(f"--webhook: {error}") from None
        if why is not None and not allow_private:
            raise UsageError(f"--webhook leads to {why}", hint="--allow-private permits it")
        return WebhookTarget(webhook, allow_private=allow_private)
    if apprise is not None:
        return AppriseTarget(Secret(SecretKind.FILE, os.path.abspath(apprise)))
    program, *arguments = argv
    if "/" in program:
        program = os.path.abspath(program)
    return CommandTarget((program, *arguments))


def _readable(options: Globals) -> Config | None:
    """The configuration that applies; None where this user may not read it. Raises ConfigError."""
    try:
        return load_config(options)
    except ConfigError as error:
        if isinstance(error.__cause__, PermissionError):
            return None
        raise


def _free_name(
    path: Path, config: Config | None, place: beside.Place, name: str | None, query: str
) -> str:
    """The name that was asked for, or one that is free. Raises UsageError."""
    names = {entry.name for entry in config.subscriptions} if config is not None else set()
    if name is None:
        return written.name_for(query, names | beside.taken(place))
    if not written.is_name(name):
        raise UsageError(
            f"--name: {name} is no name for a file",
            hint=f"letters, digits and . _ - after the first, {written.MOST_NAME} at most",
        )
    if name in names:
        found = file.place_of(path, name)
        where = "" if found is None else f", in {found[0]}:{found[1]}"
        raise UsageError(
            f"a subscription is called {name} already{where}", hint="--name takes another"
        )
    return name


def _check(path: Path, config: Config | None, wish: _Wish) -> None:
    """Raise CachesyncError where the file would be no part of the configuration, or its target cannot work."""
    part = file.Text(str(wish.place.file(wish.name)), wish.text)
    if config is None:
        whole = file.parse("", name="defaults", parts=[part])
    else:
        whole = file.load(path, more=[part])
    (entry,) = (entry for entry in whole.subscriptions if entry.name == wish.name)
    alone = whole._replace(subscriptions=(_without_secrets(entry),))
    targets.require_extras(alone)
    if isinstance(wish.target, AppriseTarget):
        found = files.secret(wish.target.url)
        if found.state == "not asked":
            answers.note(found.text)
            return
    for finding in targets.look_at(alone):
        if finding.state == "error":
            raise CachesyncError(finding.text, hint=finding.remedy)


def _without_secrets(entry: Subscription) -> Subscription:
    """With webhooks that need no secret, which is made last."""
    return entry._replace(
        targets=tuple(
            target._replace(secrets=()) if isinstance(target, WebhookTarget) else target
            for target in entry.targets
        )
    )


def _wanted(wish: _Wish, path: Path, options: Globals) -> asking.Wanted:
    target, words = wish.target, [wish.query, "--name", wish.name]
    notes = [] if wish.place.is_there else [f"mkdir -p -m 755 {quote(str(wish.place.folder))}"]
    if isinstance(target, WebhookTarget):
        words += ["--webhook", target.url, *(["--allow-private"] if target.allow_private else [])]
        notes.append(_making_a_secret(wish))
    elif isinstance(target, AppriseTarget):
        words += ["--apprise", target.url.name]
    else:
        words += [COMMAND, *target.argv]
    every = ["subscribe", *words]
    command = None if wish.place.is_roots else asking.command(every, path, options)
    return asking.Wanted(wish.name, command, str(wish.place.file(wish.name)), wish.text, notes)


def _making_a_secret(wish: _Wish) -> str:
    """What makes the file of a webhook's secret by hand, the daemon's user's alone from the first moment."""
    path, reader = quote(str(wish.place.secret(wish.name))), wish.place.reader
    owned = "" if reader == 0 else f" && chown {reader} {path}"
    return f'(umask 077; echo "whsec_$(openssl rand -base64 32)" > {path}){owned}'


def _subscribe(options: Globals, state_dir: Path, wish: _Wish, *, as_json: bool) -> int:
    from ...notify import naming

    secret = _new_secret() if isinstance(wish.target, WebhookTarget) else None
    beside.write(wish.place, wish.name, wish.text, secret)
    done = reloading.reload(state_dir)
    if done.refusal is not None:
        beside.remove(wish.place, wish.name)
        raise CachesyncError(
            f"{done.said()}; nothing was written", hint="cachesync config check, as its user"
        )
    if done.names is not None and wish.name not in done.names:
        done = done._replace(names=None, problem="it runs by another configuration")
    label, path = naming.label(wish.target), str(wish.place.file(wish.name))
    place = None if secret is None else str(wish.place.secret(wish.name))
    if as_json:
        output.print_json(
            {"subscription": wish.name, "query": wish.query, "target": label, "written": True,
             "file": path, "secret": secret, "secret_file": place, **asking.document(done)}
        )  # fmt: skip
        return 0
    lines = [f"{wish.name}: {path}", f"target: {label}"]
    if secret is not None:
        lines += [
            f"secret: {secret}",
            f"  not shown again; the receiver checks with it, {place} keeps it",
        ]
    for line in (*lines, done.said(), f"try it: cachesync subscriptions test {wish.name}"):
        print(output.visible(reaching(line, options)))
    return 0


def _new_secret() -> str:
    """As Standard Webhooks has them."""
    import base64
    import secrets

    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
