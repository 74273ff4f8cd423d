"""What may be said of the way to the network: `proxy:` and `ca_file:`, and to whom it applies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from . import reachvalues, scalars, settings, sourceconfigs
from .reachvalues import Proxy, ProxyKind
from .yamlnodes import Node, Problem, problem_at
from .yamlschema import Fields, Key, Reader, Record, choice, scalar

__all__ = ["CA_FILE", "OF_TARGET", "joined", "keys", "settled"]

CA_FILE = Key(scalar(scalars.absolute_path))
_WORDS = choice({kind.value: Proxy(kind) for kind in (ProxyKind.ENVIRONMENT, ProxyKind.NONE)})
OF_TARGET = Key(choice({"none": Proxy(ProxyKind.NONE), "inherit": Proxy()}))


def keys(secret: Reader[reachvalues.Secret]) -> dict[str, Key]:
    """`proxy` and `ca_file`, with the reader of secrets."""
    address = Record(
        lambda **values: Proxy(ProxyKind.ADDRESS, **values),
        {
            "url": Key(scalar(scalars.proxy_url), required=True),
            "username": Key(scalar(scalars.proxy_user)),
            "password": Key(secret),
        },
        rules=(_both_or_neither,),
        expected="expected environment, none, or {url, username, password}",
    )

    def read(node: Node) -> Proxy:
        return _WORDS(node) if isinstance(node, yaml.ScalarNode) else address(node)

    return {"proxy": Key(read), "ca_file": CA_FILE}


def _both_or_neither(fields: Fields) -> Iterator[Problem]:
    present = [name for name in ("username", "password") if name in fields.places]
    if len(present) == 1:
        yield problem_at(fields.places[present[0]], "username and password go together")


def settled(**values: Any) -> settings.Config:
    """A configuration in which every source and webhook holds what is said for it at the top."""
    config = settings.Config(**values)
    return config._replace(
        sources=tuple(
            source
            if isinstance(source, sourceconfigs.DirectorySourceConfig)
            else source._replace(
                proxy=_inherited(source.proxy, config), ca_file=source.ca_file or config.ca_file
            )
            for source in config.sources
        ),
        subscriptions=_reaching(config.subscriptions, config),
    )


def joined(config: settings.Config, more: Iterable[settings.Subscription]) -> settings.Config:
    """A settled configuration with further subscriptions behind its own, for which the same is said."""
    subscriptions = config.subscriptions + _reaching(more, config)
    return config._replace(subscriptions=subscriptions)


def _reaching(
    subscriptions: Iterable[settings.Subscription], config: settings.Config
) -> tuple[settings.Subscription, ...]:
    return tuple(
        one._replace(targets=tuple(_target(target, config) for target in one.targets))
        for one in subscriptions
    )


def _target(target: settings.Target, config: settings.Config) -> settings.Target:
    if not isinstance(target, settings.WebhookTarget):
        return target
    return target._replace(proxy=_inherited(target.proxy, config), ca_file=config.ca_file)


def _inherited(proxy: Proxy, config: settings.Config) -> Proxy:
    return config.proxy if proxy.kind is ProxyKind.ABOVE else proxy
