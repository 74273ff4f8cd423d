"""How a secret is named in a configuration: where it is found, never the secret itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from . import reachvalues, scalars
from .yamlschema import Key, Record, exactly_one, scalar

__all__ = ["SECRET"]


def _secret(kind: reachvalues.SecretKind) -> Callable[[str], reachvalues.Secret]:
    convert = {
        reachvalues.SecretKind.FILE: scalars.absolute_path,
        reachvalues.SecretKind.ENV: scalars.environment_name,
        reachvalues.SecretKind.CREDENTIAL: scalars.credential_name,
    }[kind]
    return lambda text: reachvalues.Secret(kind, convert(text))


_FORMS = "{file: PATH}, {env: NAME} or {credential: NAME}"
SECRET: Final[Record[reachvalues.Secret]] = Record(
    lambda secret: secret,
    {kind.value: Key(scalar(_secret(kind)), "secret") for kind in reachvalues.SecretKind},
    rules=(exactly_one(*(kind.value for kind in reachvalues.SecretKind)),),
    expected=f"a secret never stands here itself; write {_FORMS}",
    strange=f"expected {_FORMS}",
)
