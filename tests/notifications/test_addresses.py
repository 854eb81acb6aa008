"""Webhooks go to public addresses only (SSRF), whatever dress an address comes in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.kit.addresses import AddressRefused, allowed
from saoma.kit.errors import Invalid
from saoma.notifications.addresses import PublicOnly, check_url

PRIVATE = [
    *("10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "240.0.0.1"),
    *("255.255.255.255", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::"),
    *("::ffff:169.254.169.254", "fe80::1%eth0", "not an address"),
]
LOOPBACK = ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"]
WRONG_URLS = [
    *("ftp://a.example/", "file:///etc/passwd", "gopher://a.example/", "//a.example/", "a.example", "", "http://"),
    *("http://user:pw@a.example/", "http://user@a.example/", "https://a.example/#x", "http://a.example:22/"),
    *("http://a.example:99999/", "http://a exam.ple/", "http://a.example/\r\nX: y", "http://日本.example/"),
    *(
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://10.1.2.3:8080/",
        "http://169.254.169.254/latest",
        "http://printer/",
    ),
    *("http://localhost/", "http://x.localhost/", "http://db.internal/", "http://[::ffff:127.0.0.1]/", "http://[bad/"),
    *("http://localhost./", "http://2130706433/", "https://a.example/" + "x" * 500, "http://a.example\\@b.example/"),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_never_allowed(address: str) -> None:
    assert not allowed(address, loopback=False) and not allowed(address, loopback=True)


@pytest.mark.parametrize("address", LOOPBACK)
def test_loopback_is_allowed_only_where_settings_say_so(address: str) -> None:
    assert not allowed(address, loopback=False) and allowed(address, loopback=True)


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "172.16.5.4", "192.168.1.1", "100.64.0.1", "fd12::1", "::ffff:10.0.0.1"]
)
def test_a_network_of_ones_own_is_allowed_only_where_that_was_asked_for(address: str) -> None:
    assert not allowed(address, loopback=True)
    assert allowed(address, loopback=False, own_network=True)


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "100.100.100.200", "fd00:ec2::254", "fe80::1", "0.0.0.0", "224.0.0.1", "255.255.255.255"],
)
def test_where_clouds_tell_secrets_is_no_network_of_ones_own(address: str) -> None:
    assert not allowed(address, loopback=True, own_network=True)
    if ":" not in address:
        assert not allowed(f"::ffff:{address}", loopback=True, own_network=True)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_a_public_address_is_allowed(address: str) -> None:
    assert allowed(address, loopback=False)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_alike_in_its_ipv6_dress(address: object) -> None:
    for loopback in (False, True):
        assert allowed(str(address), loopback=loopback) == allowed(f"::ffff:{address}", loopback=loopback)


@pytest.mark.parametrize("url", WRONG_URLS)
def test_a_wrong_or_private_url_is_refused_when_it_is_registered(url: str) -> None:
    with pytest.raises(Invalid):
        check_url(url, loopback=False)


@pytest.mark.parametrize(
    "url", ["https://shop.example/saoma?x=1", "http://shop.example:8080/", "https://93.184.216.34/"]
)
def test_a_public_url_is_kept_as_it_is(url: str) -> None:
    assert check_url(url, loopback=False) == url


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1", "127.1"])
async def test_a_name_that_leads_home_is_refused_when_it_is_called(host: str) -> None:
    with pytest.raises(AddressRefused):
        await PublicOnly(loopback=False).resolve(host, 80)


async def test_the_address_that_was_judged_is_the_one_that_is_used() -> None:
    found = await PublicOnly(loopback=True).resolve("localhost", 8080)
    assert found and {each["host"] for each in found} <= {"127.0.0.1", "::1"}
