"""Where a webhook may be sent: which forms of an address, and which IP addresses. Pure.

A form that programs read differently is refused, so that what was checked is what is connected to.
The IP addresses of a name are checked by whoever connects, at the moment of connecting.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

__all__ = ["Endpoint", "endpoint", "path", "refusal", "refusal_of_literal", "shown", "webhook_url"]

MOST_CHARACTERS = 2048
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:.]*)\]|([^\[\]:]*))(?::([0-9]{1,5}))?")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_QUAD = re.compile(r"(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}")
_PORTS = {"http": 80, "https": 443}

# https://www.iana.org/assignments/iana-ipv4-special-registry
_IPV4 = {
    "0.0.0.0/8": "the unspecified address or this network",
    "10.0.0.0/8": "a private address",
    "100.64.0.0/10": "an address behind a carrier's NAT",
    "127.0.0.0/8": "this machine",
    "168.63.129.16/32": "a cloud's own service",  # Azure's, on a public address
    "169.254.0.0/16": "a link-local address",
    "172.16.0.0/12": "a private address",
    "192.0.0.0/24": "a reserved address",
    "192.0.2.0/24": "an address for documentation",
    "192.88.99.0/24": "a relay of 6to4",
    "192.168.0.0/16": "a private address",
    "198.18.0.0/15": "an address for benchmarks",
    "198.51.100.0/24": "an address for documentation",
    "203.0.113.0/24": "an address for documentation",
    "224.0.0.0/4": "a multicast address",
    "240.0.0.0/4": "a reserved address",
}
# https://www.iana.org/assignments/iana-ipv6-special-registry; the more exact ones first.
_IPV6 = {
    "::/128": "the unspecified address",
    "::1/128": "this machine",
    "::/96": "an IPv4 address in IPv6 clothes",
    "::ffff:0:0:0/96": "an IPv4 address in IPv6 clothes",
    "64:ff9b::/96": "an IPv4 address behind NAT64",
    "64:ff9b:1::/48": "an IPv4 address behind NAT64",
    "100::/64": "an address that discards",
    "2001::/32": "an IPv4 address behind Teredo",
    "2001:2::/48": "an address for benchmarks",
    "2001::/23": "a reserved address",
    "2001:db8::/32": "an address for documentation",
    "2002::/16": "an IPv4 address behind 6to4",
    "3fff::/20": "an address for documentation",
    "fc00::/7": "a private address",
    "fe80::/10": "a link-local address",
    "fec0::/10": "a site-local address",
    "ff00::/8": "a multicast address",
}
_ISATAP = (0x00005EFE, 0x02005EFE)
"""The upper half of interface identifiers that hold an IPv4 address (RFC 5214)."""


class Endpoint(NamedTuple):
    """What an address says to connect to."""

    scheme: str
    host: str
    """In lower case; a name or an IP address, of IPv6 without brackets."""
    port: int
    is_literal: bool
    """The host is an IP address."""


def endpoint(url: str) -> Endpoint:
    """Where `url` leads. Raises ValueError with what is expected, and nothing of the address."""
    if len(url) > MOST_CHARACTERS:
        raise ValueError(f"an address has at most {MOST_CHARACTERS:,} characters")
    if not url.isascii():
        raise ValueError("an address is ASCII: write a host in its xn-- form, other things as %XX")
    if not _PRINTABLE.fullmatch(url):
        raise ValueError("an address holds no white space or control characters")
    if "\\" in url:
        raise ValueError("an address holds no backslash")
    if "#" in url:
        raise ValueError("an address may not have a fragment (#)")
    scheme, separator, rest = url.partition("://")
    if scheme.lower() not in _PORTS or not separator:
        raise ValueError("expected an address that begins with http:// or https://")
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    if "@" in authority:
        raise ValueError("an address may not hold a user or password")
    return _split(scheme.lower(), authority)


def _split(scheme: str, authority: str) -> Endpoint:
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise ValueError("expected a host, as a name or IP address, and perhaps a port after it")
    inner, name, digits = match.groups()
    port = _PORTS[scheme] if digits is None else int(digits)
    if not 0 < port < 65536:
        raise ValueError("expected a port from 1 to 65535")
    if inner is not None and not _is_ipv6(inner):
        raise ValueError("expected an IPv6 address, without a zone, in the brackets")
    is_literal = inner is not None or _is_quad(name)
    if not is_literal:
        _check_name(name)
    return Endpoint(scheme, (inner or name).lower(), port, is_literal)


def _check_name(host: str) -> None:
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        raise ValueError("an IPv4 address is written as four decimal numbers without zeros before")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("expected the name of a host: letters, digits and - between dots")
    if host[:4].lower() == "xn--":
        import idna

        try:
            idna.decode(host.lower())  # the HTTP client does, of hosts that begin so
        except idna.IDNAError:
            raise ValueError("no name in another script gives this host (xn--)") from None


def _is_quad(host: str) -> bool:
    return bool(_QUAD.fullmatch(host)) and all(int(part) < 256 for part in host.split("."))


def _is_ipv6(text: str) -> bool:
    from ipaddress import AddressValueError, IPv6Address

    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True


def webhook_url(text: str) -> str:
    """`text`, an address that webhooks can be sent to. Raises ValueError as `endpoint` does."""
    endpoint(text)
    return text


def path(url: str) -> str:
    """What comes after the host in a valid `url`, with its query; at least `/`."""
    rest = url.partition("://")[2]
    found = rest[len(re.split(r"[/?]", rest, maxsplit=1)[0]) :]
    return found if found.startswith("/") else f"/{found}"


def shown(url: str) -> str:
    """A valid `url` as it may be shown: whoever knows the path of a webhook can often post to it.

    What comes after the host is told apart by four digits of its hash, as in
    `https://hooks.example.org/...3f2a`.
    """
    scheme, _, rest = url.partition("://")
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    secret = rest[len(authority) :]
    if secret in ("", "/"):
        return f"{scheme}://{authority}"
    from hashlib import sha256

    return f"{scheme}://{authority}/...{sha256(secret.encode()).hexdigest()[:4]}"


def refusal_of_literal(url: str) -> str | None:
    """Why the IP address in a valid `url` is refused; None where it is not, or the host is a name."""
    found = endpoint(url)
    return refusal(found.host) if found.is_literal else None


def refusal(address: str) -> str | None:
    """What forbids to connect to an IP address, such as `a private address`; None where nothing does.

    `address` is as `inet_ntop` writes it, perhaps with a zone. What is no IP address is refused.
    IPv4 in IPv6 clothes is refused whatever it wraps, but for the mapped form, which sockets
    themselves use for IPv4: it is what the IPv4 address is.
    """
    from ipaddress import IPv4Address, ip_address

    try:
        parsed = ip_address(address)
    except ValueError:
        return "no IP address"
    if isinstance(parsed, IPv4Address):
        return _refusal_v4(parsed)
    if parsed.ipv4_mapped is not None:
        return _refusal_v4(parsed.ipv4_mapped)
    return _refusal_v6(parsed)


def _refusal_v4(address: IPv4Address) -> str | None:
    return next((why for network, why in _networks_v4() if address in network), None)


def _refusal_v6(address: IPv6Address) -> str | None:
    from ipaddress import IPv6Address

    bare = IPv6Address(int(address))  # without its zone, which no network has
    for network, why in _networks_v6():
        if bare in network:
            return why
    if int(bare) >> 125 != 0b001:  # all that is global unicast is in 2000::/3
        return "a reserved address"
    if int(bare) >> 32 & 0xFFFFFFFF in _ISATAP:
        return "an IPv4 address behind ISATAP"
    return None


@cache
def _networks_v4() -> list[tuple[IPv4Network, str]]:
    from ipaddress import IPv4Network

    return [(IPv4Network(network), why) for network, why in _IPV4.items()]


@cache
def _networks_v6() -> list[tuple[IPv6Network, str]]:
    from ipaddress import IPv6Network

    return [(IPv6Network(network), why) for network, why in _IPV6.items()]
