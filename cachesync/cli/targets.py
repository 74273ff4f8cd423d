"""What `doctor` and `config check` say of the targets of subscriptions, without sending anything."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from ..config.reachvalues import Secret, SecretKind
from ..config.secrets import environment_names
from ..config.settings import AppriseTarget, CommandTarget, Config, Target, WebhookTarget
from ..errors import CachesyncError
from ..notify.command_target import find_program

__all__ = ["TargetFinding", "look_at", "require_extras"]

UNCHECKED = frozenset(("json", "jsons", "xml", "xmls", "form", "forms"))
"""Services of Apprise that post to any host."""


class TargetFinding(NamedTuple):
    """What is to say of one target."""

    name: str
    """`subscription: target`."""
    state: str
    """`ok`, `warning`, `error`, or `not asked` for what cannot be known from here."""
    text: str
    remedy: str | None = None


def require_extras(config: Config) -> None:
    """Raises CachesyncError, with the remedy, when a target needs what is not installed."""
    targets = [target for subscription in config.subscriptions for target in subscription.targets]
    if any(isinstance(target, AppriseTarget) for target in targets):
        from ..notify.apprise_target import require

        require()


def look_at(config: Config) -> Iterator[TargetFinding]:
    """Each target: whether its secrets are there, its extra is installed, its program can be run."""
    if not any(subscription.targets for subscription in config.subscriptions):
        return
    from .. import net
    from ..notify.target import open_target

    hidden = environment_names(config)
    with net.open_poster() as poster:
        for subscription in config.subscriptions:
            for target in subscription.targets:
                name = f"{subscription.name}: {target.type}"
                if isinstance(target, AppriseTarget) and not _is_seen(target.url):
                    text = f"its address is the credential {target.url.name}"
                    yield TargetFinding(name, "not asked", text)
                    continue
                try:
                    opened = open_target(_as_seen(target), poster=poster, hidden=hidden)
                    _check(target)
                except CachesyncError as error:
                    yield TargetFinding(name, "error", error.message, error.hint)
                    continue
                text, remedy = _remark(target, opened.describe())
                state = "ok" if remedy is None else "warning"
                yield TargetFinding(name, state, f"{opened.describe()}{text}", remedy)
                for lacking in opened.lacks():
                    text = f"signed without one of its secrets: {lacking.message}"
                    yield TargetFinding(name, "warning", text, lacking.hint)


def _is_seen(secret: Secret) -> bool:
    """Whether this process can see a secret: credentials are the service's own (`credentials`)."""
    return secret.kind is not SecretKind.CREDENTIAL or "CREDENTIALS_DIRECTORY" in os.environ


def _as_seen(target: Target) -> Target:
    """A target with those of its secrets that this process can see."""
    if not isinstance(target, WebhookTarget):
        return target
    return target._replace(secrets=tuple(filter(_is_seen, target.secrets)))


def _check(target: Target) -> None:
    if isinstance(target, CommandTarget):
        find_program(target.argv[0], os.environ)


def _remark(target: Target, described: str) -> tuple[str, str | None]:
    """What is to say besides its name, and a remedy where something is weak."""
    if isinstance(target, AppriseTarget) and described.partition(" ")[0] in UNCHECKED:
        return ", wherever that is: Apprise checks no addresses", "use a target of type webhook"
    if not isinstance(target, WebhookTarget):
        return "", None
    if not target.secrets:
        return ", not signed: its receiver cannot tell who sends", "give it a `secret:`"
    if target.url.lower().startswith("http:") and not target.allow_private:
        return ", signed and not encrypted", "use https, if its receiver can"
    count = len(target.secrets)
    return f", signed by {count} secret{'' if count == 1 else 's'}", None
