"""How a secret is named in a configuration: where it is found, never the secret itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from . import scalars, settings
from .yamlschema import Key, Record, exactly_one, scalar

__all__ = ["SECRET"]


def _secret(kind: settings.SecretKind) -> Callable[[str], settings.Secret]:
    convert = {
        settings.SecretKind.FILE: scalars.absolute_path,
        settings.SecretKind.ENV: scalars.environment_name,
        settings.SecretKind.CREDENTIAL: scalars.credential_name,
    }[kind]
    return lambda text: settings.Secret(kind, convert(text))


_FORMS = "{file: PATH}, {env: NAME} or {credential: NAME}"
SECRET: Final[Record[settings.Secret]] = Record(
    lambda secret: secret,
    {kind.value: Key(scalar(_secret(kind)), "secret") for kind in settings.SecretKind},
    rules=(exactly_one(*(kind.value for kind in settings.SecretKind)),),
    expected=f"a secret never stands here itself; write {_FORMS}",
    strange=f"expected {_FORMS}",
)
