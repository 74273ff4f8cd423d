"""What `doctor` says of the proxies that the environment names, and of certificates, asking nobody."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from ..config.access import open_access
from ..config.settings import Config, DirectorySourceConfig, ProxyKind
from ..errors import CachesyncError
from ..net.access import named_variable

__all__ = ["look_at_proxies"]

_Found = tuple[str, str, str, str | None]
"""As the fields of a finding: check, state, text, remedy."""


def look_at_proxies(
    config: Config, environment: Mapping[str, str] = os.environ
) -> Iterator[_Found]:
    """Variables that are set and not used, or wanted and not set; certificates that cannot be read."""
    from ..sync.opening import address

    remote = [s for s in config.sources if not isinstance(s, DirectorySourceConfig)]
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
    if config.ca_file is not None:
        try:
            open_access(config.proxy._replace(kind=ProxyKind.NONE), config.ca_file, environment)
        except CachesyncError as error:
            yield "ca_file", "error", error.message, error.hint
        else:
            yield "ca_file", "ok", config.ca_file, None
