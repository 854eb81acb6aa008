"""Where the toy wallet goes and, above all, where it doesn't."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.kit.errors import Invalid
from saoma.sandbox.wallet.addresses import (
    Nowhere,
    Origin,
    OwnPage,
    PartnerPage,
    PaymentAddress,
    buyer_of_host,
    destination,
    inside,
    partner_origins,
    port_of_host,
)

OWN = 8001
ALLOWED = partner_origins(["https://shop.example", "http://192.168.1.20:3000"])
APP = Origin("http", "127.0.0.1", 8000)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/t/abc",
        "http://localhost:8000/t/abc",
        "http://cashier.localhost:8000/t/abc",
        "http://[::1]:8000/t/abc",
        "https://shop.example/t/abc",
        "https://shop.example:443/t/abc",
        "http://192.168.1.20:3000/t/abc",
    ],
)
def test_pages_of_this_machine_and_of_allowed_partners_are_fetched(url: str) -> None:
    found = destination(url, OWN, ALLOWED)
    assert isinstance(found, PartnerPage) and found.path == "/t/abc"


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://example.com/",
        "http://shop.example/",
        "https://shop.example:8443/",
        "https://shop.example.evil.test/",
        "http://192.168.1.20:3001/",
        "http://10.0.0.1/",
        "http://0.0.0.0:8000/",
        "http://2130706433:8000/",
        "http://0x7f.1:8000/",
        "http://localhost.evil.test/",
        "http://notlocalhost/",
        "http://localhost@evil.test/",
        "http://user:secret@localhost:8000/",
        "http://evil.test\\@localhost/",
        "http://localhost:8000\\@evil.test/",
        "http://localhost:99999/",
        "http://localhost:8000/a b",
        "http://local\thost:8000/",
        "http:///t/abc",
        "ftp://localhost/",
        "file:///etc/passwd",
        "gopher://localhost:6379/_x",
        "javascript:alert(1)",
        "//localhost:8000/",
        "/t/abc",
        "",
    ],
)
def test_nothing_else_is_ever_fetched(url: str) -> None:
    assert isinstance(destination(url, OWN, ALLOWED), Nowhere)


@given(st.text(max_size=80))
def test_whatever_is_pasted_a_page_is_only_found_on_loopback_or_on_the_list(text: str) -> None:
    found = destination(text, OWN, ALLOWED)
    if isinstance(found, PartnerPage):
        assert found.origin.on_this_machine or found.origin in ALLOWED


def test_the_sandbox_never_fetches_itself() -> None:
    assert destination("http://127.0.0.1:8001/control/trades", OWN, ALLOWED) == OwnPage("/control/trades")
    assert destination("http://ben.localhost:8001/wallet", OWN, ALLOWED) == OwnPage("/wallet")


def test_a_path_that_would_name_another_host_stays_a_path() -> None:
    assert destination("http://localhost:8001//evil.test/x", OWN, ALLOWED) == OwnPage("/.//evil.test/x")


def test_alipay_addresses_mean_the_sandbox() -> None:
    code = "https://qr.alipay.com/bax000000000000000000001"
    assert destination(code, OWN, ALLOWED) == PaymentAddress(code)
    page = "https://openauth.alipaydev.com/oauth2/publicAppAuthorize.htm?app_id=1"
    assert destination(page, OWN, ALLOWED) == OwnPage("/oauth2/publicAppAuthorize.htm?app_id=1")


@pytest.mark.parametrize(
    ("location", "seen"),
    [
        ("/bill?x=1#total", "/bill?x=1#total"),
        ("bill", "bill"),
        ("?page=2", "?page=2"),
        ("http://127.0.0.1:8000/bill?x=1", "/bill?x=1"),
        ("HTTP://127.0.0.1:8000/bill", "/bill"),
        ("//127.0.0.1:8000/bill", "/bill"),
        ("http://127.0.0.1:8001/oauth2/publicAppAuthorize.htm?a=b", "/oauth2/publicAppAuthorize.htm?a=b"),
        ("http://localhost:8000/bill", "/wallet/go?url=http%3A%2F%2Flocalhost%3A8000%2Fbill"),
        ("https://qr.alipay.com/bax1", "/wallet/go?url=https%3A%2F%2Fqr.alipay.com%2Fbax1"),
        ("http://evil.test/", "/wallet/go?url=http%3A%2F%2Fevil.test%2F"),
        ("tel:+6512345678", "tel:+6512345678"),
    ],
)
def test_a_redirect_stays_on_the_phone(location: str, seen: str) -> None:
    assert inside(location, APP, OWN, ALLOWED) == seen


def test_a_partner_origin_in_the_settings_is_an_origin_and_not_a_page() -> None:
    with pytest.raises(Invalid, match="such as https"):
        partner_origins(["https://shop.example/t/abc"])
    with pytest.raises(Invalid):
        partner_origins(["shop.example"])


@pytest.mark.parametrize(
    ("host", "buyer"),
    [
        ("amy.localhost:8001", "amy"),
        ("Amy.LOCALHOST", "amy"),
        ("localhost:8001", None),
        ("127.0.0.1:8001", None),
        ("amy.example.com", None),
        ("amy.b.localhost", None),
        (".localhost", None),
        ("[::1]:8001", None),
        ("", None),
    ],
)
def test_the_host_says_whose_phone_it_is(host: str, buyer: str | None) -> None:
    assert buyer_of_host(host) == buyer


def test_a_host_without_port_has_the_schemes_own() -> None:
    assert port_of_host("amy.localhost") == 80
    assert port_of_host("amy.localhost", "https") == 443
    assert port_of_host("amy.localhost:8001") == 8001
