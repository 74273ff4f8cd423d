"""The options that every command has, taken from wherever they stand."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Globals", "split_globals"]

WITH_VALUE = ("--config", "--state-dir")


class Globals(NamedTuple):
    """The options that stand before the command, or anywhere when they are long."""

    config: str | None = None
    state_dir: str | None = None
    verbose: bool = False
    quiet: bool = False
    json: bool = False
    """Whether `--json` stands among the other arguments: then errors are told to programs too."""


def split_globals(argv: list[str]) -> tuple[Globals, list[str]]:
    """The global options, and everything else in its order.

    Raises CachesyncError-free: what is wrong is left in the rest for the command to complain about.
    """
    values: dict[str, str] = {}
    flags = {"-v": False, "-q": False}
    rest: list[str] = []
    position = 0
    while position < len(argv):
        argument = argv[position]
        name, equals, value = argument.partition("=")
        # A program's options are its own.
        if argument == "--" or (name == "--command" and rest[:1] == ["subscribe"]):
            return _globals(values, flags, rest), rest + argv[position:]
        if name in WITH_VALUE and (equals or position + 1 < len(argv)):
            if not equals:
                position += 1
                value = argv[position]
            values[name] = value
        elif not rest and argument in flags:
            flags[argument] = True
        elif argument in ("--verbose", "--quiet"):
            flags[argument[1:3]] = True
        else:
            rest.append(argument)
        position += 1
    return _globals(values, flags, rest), rest


def _globals(values: dict[str, str], flags: dict[str, bool], rest: list[str]) -> Globals:
    # After `search`, and nowhere else, a short option may stand among the words.
    quiet = flags["-q"] or (rest[:1] == ["search"] and "-q" in rest)
    named = values.get("--config"), values.get("--state-dir")
    return Globals(*named, flags["-v"], quiet, "--json" in rest)
