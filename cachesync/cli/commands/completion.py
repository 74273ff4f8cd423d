"""`cachesync completion SHELL`: the script that teaches a shell to complete cachesync."""

from __future__ import annotations

import click

__all__ = ["completion"]


@click.command(short_help="Print a shell completion script.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> int:
    """Print the completion script for a shell.

    It completes commands and options, and from the ledger packages, tags, stacks, sources and the
    values of `field:` in a query.

    \b
    bash:  d=~/.local/share/bash-completion/completions; mkdir -p $d
           cachesync completion bash > $d/cachesync
    zsh:   cachesync completion zsh > ~/.zfunc/_cachesync
    fish:  cachesync completion fish > ~/.config/fish/completions/cachesync.fish
    """
    from click.shell_completion import get_completion_class

    from .. import shells  # noqa: F401 - registers what click asks for

    kind = get_completion_class(shell)
    assert kind is not None, "click knows the shells it is asked for"
    print(kind(ctx.find_root().command, {}, "cachesync", "_CACHESYNC_COMPLETE").source())
    return 0
