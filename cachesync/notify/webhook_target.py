"""The target that is an address: each message is signed and posted to it, once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from threading import Event

from .. import net
from ..config.access import open_access
from ..config.reachvalues import Secret
from ..config.secrets import reveal
from ..config.settings import WebhookFormat
from ..config.settings import WebhookTarget as WebhookConfig
from ..errors import CachesyncError
from ..net import address
from ..net.policy import demanded_wait
from . import webhook
from .delivery import Delivery, Outcome, Result

__all__ = ["WebhookTarget", "judge", "open_webhook"]

GONE = 410


def open_webhook(
    config: WebhookConfig, *, poster: net.Poster, environment: Mapping[str, str]
) -> WebhookTarget:
    """The target of an entry, its secrets read now.

    Of several secrets one is enough: while they are exchanged its receiver knows one of them. Raises
    CachesyncError when none of them is to be had.
    """
    keys, lacking = [], []
    for secret in config.secrets:
        try:
            keys.append(_key(secret, environment))
        except CachesyncError as error:
            lacking.append(error)
    if lacking and not keys:
        raise lacking[0]
    access = open_access(config.proxy, config.ca_file, environment)
    return WebhookTarget(config, poster, keys, lacking=lacking, access=access)


def _key(secret: Secret, environment: Mapping[str, str]) -> webhook.Key:
    text = reveal(secret, environment)
    try:
        return webhook.Key(text)
    except CachesyncError as error:
        where = f"{secret.kind.value} {secret.name}"
        raise CachesyncError(f"{error.message} ({where})", hint=error.hint) from None


class WebhookTarget:
    """See `target.Target`."""

    def __init__(
        self,
        config: WebhookConfig,
        poster: net.Poster,
        keys: Sequence[webhook.Key],
        *,
        lacking: Sequence[CachesyncError] = (),
        access: net.Access = net.DIRECT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises CachesyncError when nothing could ever be sent to the address."""
        try:
            address.endpoint(config.url)
        except ValueError as error:
            raise CachesyncError(f"the url of a webhook: {error}") from None
        self._config = config
        self._poster = poster
        self._keys = tuple(keys)
        self._lacking = tuple(lacking)
        self._access = access
        self._clock = clock

    def describe(self) -> str:
        """Its address without path and query, which may be secrets."""
        return address.shown(self._config.url)

    def lacks(self) -> Sequence[CachesyncError]:
        """See `target.Target`."""
        return self._lacking

    def send(self, delivery: Delivery, *, stop: Event) -> Result:
        """See `target.Target`."""
        began = self._clock()
        try:
            response = self._poster.post(self._post(delivery), stop=stop)
        except net.FetchError as error:
            hint = f" ({error.hint})" if error.hint else ""
            return Result(
                Outcome.FAILED,
                None,
                _printable(error.message + hint),
                None,
                self._clock() - began,
            )
        outcome, detail = judge(response.status)
        wait = None
        if outcome is Outcome.FAILED:
            wait = demanded_wait(response.headers, delivery.timestamp + self._clock() - began)
        return Result(
            outcome,
            response.status,
            f"{net.host(self._config.url)}: {detail}",
            wait,
            self._clock() - began,
        )

    def _post(self, delivery: Delivery) -> net.Post:
        form = (
            webhook.cloudevent(delivery.body, message_id=delivery.id)
            if self._config.format is WebhookFormat.CLOUDEVENTS
            else webhook.standard(delivery.body)
        )
        headers = webhook.signed_headers(
            self._keys, message_id=delivery.id, timestamp=delivery.timestamp, body=form.body
        )
        return net.Post(
            url=self._config.url,
            body=form.body,
            headers={"Content-Type": form.content_type, **headers},
            seconds=self._config.timeout_seconds,
            refusal=None if self._config.allow_private else address.refusal,
            access=self._access,
        )


def judge(status: int) -> tuple[Outcome, str]:
    """What an answer means, and how to say it. Only 2xx is a success; a redirect is not followed."""
    if 200 <= status < 300:
        return Outcome.DELIVERED, f"answered {status}"
    if status == GONE:
        return Outcome.GONE, f"answered {status}: it wants no more messages"
    if 300 <= status < 400:
        return Outcome.FAILED, f"answered {status}, a redirect, which is never followed"
    return Outcome.FAILED, f"answered {status}"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)[:500]
