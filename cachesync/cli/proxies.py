"""What `doctor` says of the way to sources, asking nobody: proxies, certificates, and files of secrets."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from ..config.reachvalues import ProxyKind, SecretKind
from ..config.secrets import named_in
from ..config.settings import Config
from ..config.sourceconfigs import DirectorySourceConfig
from ..net.access import named_variable
from . import files

__all__ = ["look_at_proxies"]

_Found = tuple[str, str, str, str | None]
"""As the fields of a finding: check, state, text, remedy."""


def look_at_proxies(
    config: Config, environment: Mapping[str, str] = os.environ
) -> Iterator[_Found]:
    """Variables that are set and not used, or wanted and not set; files that cannot be read."""
    from ..sync.opening import address, is_fetched

    remote = [
        s for s in config.sources if not isinstance(s, DirectorySourceConfig) and is_fetched(s)
    ]
    unused = {
        name: source.name
        for source in reversed(remote)
        if source.proxy.kind is ProxyKind.ABOVE
        and (name := named_variable(environment, address(source))) is not None
    }
    for name, source_name in sorted(unused.items()):
        text = f"{name} is set and not used: {source_name} is reached directly"
        yield "proxy", "warning", text, "`proxy: environment` in the config, or `proxy: none`"
    for source in remote:
        is_wanted = source.proxy.kind is ProxyKind.ENVIRONMENT
        names = ("http_proxy", "https_proxy", "all_proxy")
        if is_wanted and not any(environment.get(n) or environment.get(n.upper()) for n in names):
            text = f"{source.name} has `proxy: environment`, and no variable names one here"
            yield "proxy", "warning", text, "Environment=https_proxy=http://... in the unit"
            break
    yield from _certificates(config)
    yield from _secrets(config)


def _certificates(config: Config) -> Iterator[_Found]:
    named = [] if config.ca_file is None else [("ca_file", config.ca_file)]
    named += [(f"{name}: ca_file", path) for name, path in files.own(config)]
    for check, path in named:
        found = files.certificates(path)
        yield check, found.state, found.text, found.remedy


def _secrets(config: Config) -> Iterator[_Found]:
    """Those of sources and proxies in files; what targets need is looked at with them."""
    named = named_in(config._replace(subscriptions=()))
    for secret in sorted(named, key=lambda secret: secret.name):
        if secret.kind is SecretKind.FILE:
            found = files.secret(secret)
            yield "secret", found.state, found.text, found.remedy
