"""The commands that click parses. A command's module is imported when it is run, not before."""

from __future__ import annotations

import sys
from importlib import import_module
from shlex import quote
from typing import Any

import click

from .. import __version__
from ..errors import UsageError
from .display import terminal
from .options import Globals

__all__ = ["COMMANDS", "cli", "run"]

NARROWEST_HELP = 52
"""Columns, below which click would write over the edge."""

# Command -> module in `commands` and name in it.
COMMANDS = {
    "backup": ("backup", "backup"),
    "check": ("check", "check"),
    "changes": ("changes", "changes"),
    "completion": ("completion", "completion"),
    "config": ("config", "config"),
    "deliveries": ("deliveries", "deliveries"),
    "diff": ("diff", "diff"),
    "doctor": ("doctor", "doctor"),
    "forget": ("forget", "forget"),
    "history": ("history", "history"),
    "help": ("help", "help_command"),
    "list": ("list", "list_command"),
    "listen": ("listen", "listen"),
    "probe": ("probe", "probe"),
    "rebuild": ("rebuild", "rebuild"),
    "run": ("run", "run"),
    "search": ("searching", "search"),
    "show": ("show", "show"),
    "status": ("status", "status"),
    "subscribe": ("subscribe", "subscribe"),
    "subscriptions": ("subscriptions", "subscriptions"),
    "sync": ("sync", "sync"),
    "unsubscribe": ("unsubscribe", "unsubscribe"),
    "verify": ("verify", "verify"),
    "wait": ("wait", "wait"),
    "webhook": ("webhook", "webhook"),
}


SECTIONS = {
    "Ask": ("search", "show", "list", "check", "changes", "history", "diff", "status", "help"),
    "Be told": ("wait", "subscribe", "unsubscribe", "subscriptions"),
    "Keep it up to date": (
        "sync", "run", "config", "doctor", "verify", "probe", "rebuild", "backup", "forget",
    ),
    "Messages": ("deliveries", "listen", "webhook"),
    "Shells": ("completion",),
}  # fmt: skip
"""The commands as the help lists them: what is asked most comes first."""

INSTEAD = {
    "ls": "cachesync list packages, or cachesync list --help",
    "find": "cachesync search WORDS finds builds, cachesync list packages has every package",
    "info": "cachesync show PACKAGE, cachesync list variants PACKAGE",
    "log": "cachesync changes",
    "man": "cachesync help, or man cachesync",
    "new": "cachesync changes --since 'last week'",
    "notify": "cachesync subscribe QUERY, or cachesync wait QUERY",
    "query": "cachesync search QUERY; cachesync help query",
    "spec": "cachesync show PACKAGE, cachesync search SPEC",
    "update": "cachesync sync reads the sources anew",
    "version": "cachesync --version",
    "watch": "cachesync wait QUERY, cachesync subscribe QUERY, cachesync changes --follow",
    **{
        name: f"cachesync list {name}"
        for name in (
            "packages",
            "tags",
            "stacks",
            "compilers",
            "oses",
            "targets",
            "sources",
            "variants",
        )
    },
    "versions": "cachesync list versions PACKAGE",
}
"""What people of other tools type, and what it is here."""


class _Text(click.types.StringParamType):
    """Text, as opposed to the bytes that a path may be: nothing that is searched for has others."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value as it is; fails where it is not UTF-8."""
        text = super().convert(value, param, ctx)
        try:
            text.encode()
        except UnicodeEncodeError:
            self.fail("this is not UTF-8", param, ctx)
        return text


def _take_text_only(command: click.Command) -> None:
    """Have every parameter of a command that is no path refuse what is not UTF-8."""
    for parameter in command.params:
        if parameter.type is click.STRING:
            parameter.type = _Text()
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _take_text_only(inner)


class LazyGroup(click.Group):
    """A group that knows its commands by name only."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command."""
        return sorted(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """All commands, each below what one comes for."""
        widest = max(map(len, COMMANDS))
        room = formatter.width - formatter.current_indent - widest - 6
        for section, names in SECTIONS.items():
            with formatter.section(section):
                commands = [(name, self.get_command(ctx, name)) for name in names]
                formatter.write_dl(
                    [
                        (f"{name:{widest}}", one.get_short_help_str(room))
                        for name, one in commands
                        if one
                    ]
                )

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"{__package__}.commands.{module}"), name)
        _take_text_only(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is named. Raises UsageError for one that does not exist."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            from difflib import get_close_matches

            near = get_close_matches(name, COMMANDS, n=1)
            searched = f"cachesync search {quote(name)}, if you look for it; cachesync --help"
            hint = INSTEAD.get(name) or (f"did you mean {near[0]}?" if near else searched)
            raise UsageError(f"there is no command {name}", hint=hint)
        return super().resolve_command(ctx, args)


@click.command(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=(
        "Exit status: 0 done, yes; 1 no, it failed, or what was named is not there; 2 usage, query or"
        " configuration; 3 cannot tell (check, probe, search -q, wait); 130 interrupted. With --json the last"
        " line of standard error tells the error as JSON."
    ),
)
@click.option(
    "--config",
    metavar="FILE",
    help="The configuration (default /etc/cachesync/cachesync.yaml, or your own below ~/.config).",
)
@click.option(
    "--state-dir",
    metavar="DIR",
    help="Where the ledger and the index are (default /var/lib/cachesync when it is there, else"
    " ~/.local/state/cachesync).",
)
@click.option("-v", "--verbose", is_flag=True, help="Say more on standard error.")
@click.option("-q", "--quiet", is_flag=True, help="Say less on standard error.")
@click.version_option(__version__, prog_name="cachesync", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context, /, **_options: Any) -> None:
    """Search Spack build caches, and know what changed in them.

    \b
    cachesync search hdf5 with mpi for my machine
    cachesync changes --since "last week" --summary
    cachesync wait gromacs                            until it is cached
    """
    ctx.ensure_object(Globals)


def _is_word(argument: str) -> bool:
    return not argument.startswith("-")


def _fitting() -> dict[str, Any]:
    """What has click's help fit a terminal that is narrower than the narrowest it expects."""
    if not sys.stdout.isatty() or terminal.width() >= NARROWEST_HELP:
        return {}
    return {"terminal_width": terminal.width()}


def _meant(error: click.UsageError) -> str:
    """The option that is meant by one that the command does not have, as far as that is known; else empty."""
    if not isinstance(error, click.NoSuchOption) or error.ctx is None:
        return ""
    from .otheroptions import meant_by

    known = [name for option in error.ctx.command.params for name in option.opts]
    meant = meant_by(error.option_name, known)
    return f"did you mean {meant[0]}?" if meant else ""


def run(options: Globals, arguments: list[str]) -> int:
    """Run what the arguments name; returns the exit status. Raises CachesyncError."""
    try:
        result = cli.main(
            arguments or ["--help"], prog_name="cachesync", standalone_mode=False, obj=options,
            **_fitting(),
        )  # fmt: skip
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message())
        return 2
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx is not None else "cachesync"
        wrong = UsageError(error.format_message(), hint=_meant(error) or f"{command} --help")
        if "--check" in arguments and next(filter(_is_word, arguments), None) == "status":
            from .commands.status import cannot_tell

            cannot_tell(wrong, as_json=options.json)
        raise wrong from error
    except click.exceptions.Exit as error:
        return int(error.exit_code)
    except SystemExit as error:
        # Outside of its standalone mode click ends the process only when standard output is gone.
        raise BrokenPipeError from error
    except click.Abort as error:
        raise KeyboardInterrupt from error
    return result if isinstance(result, int) else 0
