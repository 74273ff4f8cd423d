"""Which addresses a webhook may have: every form and every IP address that is refused, and why."""

import ipaddress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.net.address import Endpoint, endpoint, refusal, refusal_of_literal, shown
from tests.support.messages import REFUSED_FORMS

REFUSED_ADDRESSES = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254",
    "127.0.0.1", "127.255.255.254", "168.63.129.16", "169.254.169.254", "169.254.0.1",
    "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1",
    "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::2", "::7f00:1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1",
    "::ffff:a9fe:a9fe", "::ffff:0.0.0.0", "::ffff:0:127.0.0.1", "64:ff9b::169.254.169.254",
    "64:ff9b::8.8.8.8", "64:ff9b:1::1", "64:ff9b:1:ffff::8.8.8.8", "100::1",
    "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:2::1", "2001:10::1", "2001:20::1",
    "2001:db8::1", "2002:7f00:1::1", "2002:808:808::1", "3fff::1", "4000::1", "5f00::1", "fc00::1",
    "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "febf::1", "fec0::1", "feff::1", "ff02::1", "ff0e::1",
    "2607:f8b0::5efe:10.0.0.1", "2607:f8b0::200:5efe:8.8.8.8",
    "", "example.org", "127.1", "2130706433", "1.2.3.4.5", "::g",
]  # fmt: skip

PERMITTED_ADDRESSES = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
    "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0",
    "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
    "::ffff:8.8.8.8", "2606:4700::1111", "2001:4860:4860::8888", "2a00:1450::1", "2001:200::1",
    "2003::1", "3ffe::1",
]  # fmt: skip


@pytest.mark.parametrize("url", REFUSED_FORMS.values(), ids=REFUSED_FORMS)
def test_a_form_that_programs_read_differently_is_refused(url):
    """And what is said of it repeats nothing of it."""
    with pytest.raises(ValueError) as caught:
        endpoint(url)
    assert str(caught.value).isprintable()
    assert "password" not in str(caught.value).replace("a user or password", "")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://ci.example.org/hooks/x?y=z", Endpoint("https", "ci.example.org", 443, False)),
        ("HTTP://Example.ORG:8080", Endpoint("http", "example.org", 8080, False)),
        ("http://localhost/", Endpoint("http", "localhost", 80, False)),
        ("http://under_score.example/", Endpoint("http", "under_score.example", 80, False)),
        ("http://xn--bcher-kva.example/", Endpoint("http", "xn--bcher-kva.example", 80, False)),
        ("http://3com.example/", Endpoint("http", "3com.example", 80, False)),
        ("http://192.0.2.1:81/", Endpoint("http", "192.0.2.1", 81, True)),
        ("https://[2001:DB8::1]:8443/a", Endpoint("https", "2001:db8::1", 8443, True)),
        ("http://[::ffff:10.0.0.1]/", Endpoint("http", "::ffff:10.0.0.1", 80, True)),
        ("http://example.org/a@b:c", Endpoint("http", "example.org", 80, False)),
        ("http://example.org?a@b", Endpoint("http", "example.org", 80, False)),
    ],
)
def test_a_plain_form_is_read(url, expected):
    """Scheme, host and port, the host in lower case."""
    assert endpoint(url) == expected


@given(st.text(max_size=40))
def test_whatever_stands_after_the_scheme_is_read_or_refused(text):
    """Nothing but ValueError is raised, and what is read names a host that other parsers agree on."""
    from urllib.parse import urlsplit

    url = "http://" + text
    try:
        found = endpoint(url)
    except ValueError:
        return
    assert urlsplit(url).hostname == found.host
    assert (urlsplit(url).port or 80) == found.port


@pytest.mark.parametrize("address", REFUSED_ADDRESSES)
def test_no_address_inside_is_connected_to(address):
    """Each refusal says what kind of address it is."""
    assert refusal(address)


@pytest.mark.parametrize("address", PERMITTED_ADDRESSES)
def test_public_addresses_are_connected_to(address):
    """Also those next to what is refused."""
    assert refusal(address) is None


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_what_is_not_global_is_refused(address):
    """As Python's own table has it, which is the less strict one."""
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert refusal(str(address))


@given(st.integers(0, 2**128 - 1).map(IPv6Address))
def test_what_is_not_global_in_ipv6_is_refused(address):
    """As Python's own table has it, but for the mapped form."""
    if address.ipv4_mapped is None and (
        not address.is_global
        or address.is_multicast
        or address.is_reserved
        or address.is_site_local
    ):
        assert refusal(str(address))


def _inside(network: IPv6Network, at: int):
    """The IPv4 address put into a network, so many bits from the right."""
    return lambda v4: IPv6Address(int(network.network_address) | int(v4) << at)


WRAPPERS = {
    "compatible": _inside(IPv6Network("::/96"), 0),
    "translated": _inside(IPv6Network("::ffff:0:0:0/96"), 0),
    "NAT64": _inside(IPv6Network("64:ff9b::/96"), 0),
    "NAT64 of a site": _inside(IPv6Network("64:ff9b:1::/96"), 0),
    "6to4": _inside(IPv6Network("2002::/16"), 80),
    "Teredo server": _inside(IPv6Network("2001::/32"), 64),
    "Teredo client": lambda v4: IPv6Address(
        int(IPv6Address("2001:0:4136:e378:8000:63bf::")) | (int(v4) ^ 0xFFFFFFFF)
    ),
    "ISATAP": _inside(IPv6Network("2607:f8b0::5efe:0:0/96"), 0),
}


@given(
    st.one_of(
        st.integers(0, 2**32 - 1).map(IPv4Address),
        st.sampled_from(
            ["127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.0.1", "224.0.0.1"]
        ).map(IPv4Address),
    ),
    st.sampled_from(sorted(WRAPPERS)),
)
def test_a_wrapped_address_is_refused_whatever_it_wraps(address, wrapper):
    """`is_global` of Python calls some of these global: there NAT64 of the metadata address is."""
    assert refusal(str(WRAPPERS[wrapper](address)))


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_a_mapped_address_is_what_the_ipv4_address_is(address):
    """A socket connects to the same machine by either."""
    mapped = f"::ffff:{address}"
    assert refusal(mapped) == refusal(str(address))
    assert refusal(str(IPv6Address(mapped))) == refusal(str(address))


def test_every_network_that_is_named_is_refused_to_its_ends():
    """First and last address of each."""
    for text in [
        "100.64.0.0/10",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "198.18.0.0/15",
        "224.0.0.0/4",
    ]:
        network = IPv4Network(text)
        assert refusal(str(network[0]))
        assert refusal(str(network[-1]))
    for text in [
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "2002::/16",
    ]:
        network = ipaddress.ip_network(text)
        assert refusal(str(network[0]))
        assert refusal(str(network[-1]))


def test_only_a_host_that_is_an_address_is_refused_without_asking_anybody():
    """A name is judged by its addresses, when it is connected to."""
    assert refusal_of_literal("http://127.0.0.1:9/") == "this machine"
    assert refusal_of_literal("http://[fd00::1]/") == "a private address"
    assert refusal_of_literal("http://localhost/") is None
    assert refusal_of_literal("http://8.8.8.8/") is None


def test_an_address_is_shown_without_what_may_be_a_secret():
    """Two on one host can be told apart all the same."""
    assert (
        shown("http://127.0.0.1:9518/") == shown("http://127.0.0.1:9518") == "http://127.0.0.1:9518"
    )
    urls = [
        "https://hooks.example.org/services/T1/hunter2",
        "https://hooks.example.org?key=hunter2",
    ]
    told = [shown(url) for url in urls]
    assert len(set(told)) == 2
    assert all(
        text.startswith("https://hooks.example.org/...") and len(text) == 33 for text in told
    )
