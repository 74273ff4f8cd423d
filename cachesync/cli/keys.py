"""Where the secrets of webhooks are, for commands that verify them."""

from __future__ import annotations

import os

import click

from ..config.reachvalues import Secret, SecretKind
from ..config.secrets import reveal
from ..notify import webhook as webhooks

__all__ = ["keys_of", "secret_options"]

_SECRET_OPTIONS = (
    click.option(
        "--secret-env", "variables", multiple=True, metavar="NAME",
        help="The environment variable that holds a secret; may be repeated.",
    ),
    click.option(
        "--secret-file", "files", multiple=True, type=click.Path(), metavar="FILE",
        help="The file that holds a secret; may be repeated.",
    ),
)  # fmt: skip


def secret_options(command: click.decorators.FC) -> click.decorators.FC:
    """The options that say where secrets are: on a command line every user could see them."""
    for option in _SECRET_OPTIONS:
        command = option(command)
    return command


def keys_of(files: tuple[str, ...], variables: tuple[str, ...]) -> dict[str, webhooks.Key]:
    """Keys by the place of their secret. Raises CachesyncError."""
    secrets = [Secret(SecretKind.FILE, os.path.abspath(file)) for file in files]
    secrets += [Secret(SecretKind.ENV, variable) for variable in variables]
    return {
        f"{secret.kind.value} {secret.name}": webhooks.Key(reveal(secret)) for secret in secrets
    }
