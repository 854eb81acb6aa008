"""Valid things of the Alipay room: accounts, charges, shops; and the gateway's side of the wire."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from typing import Any

from saoma.alipay.account import Account
from saoma.alipay.signing import SignType, new_rsa_key, rsa_signatory
from saoma.gateway import Charge, Method, SecondaryMerchant
from saoma.kit.money import Money
from tests.alipay.vectors import SAMPLE_KEY

PARTNER = "2088000000000001"
BUYER = "2088000000009999"
ORDER = "POS-20240105-000001"
TRADE = "2024010521001000000000000001"
NOON = datetime(2024, 1, 5, 4, 15, 30, tzinfo=UTC)


@functools.cache
def rsa_pair(name: str) -> tuple[str, str]:
    """A key pair that stays the same within one run, by name (`ours`, `alipay`)."""
    return new_rsa_key(1024 if name == "small" else 2048)


def account(sign_type: SignType = SignType.MD5, **changes: Any) -> Account:
    """An account in the sandbox; with RSA keys whatever its sign type."""
    values: dict[str, Any] = {
        "partner": PARTNER,
        "app_id": "2016000000000000",
        "sign_type": sign_type,
        "md5_key": SAMPLE_KEY,
        "private_key": rsa_pair("ours")[0],
        "alipay_public_key": rsa_pair("alipay")[1],
        "gateway_url": "https://mapi.alipaydev.com/gateway.do",
        "openapi_url": "https://openapi.alipaydev.com/gateway.do",
        "auth_url": "https://openauth.alipaydev.com/oauth2/publicAppAuthorize.htm",
    }
    return Account(**(values | changes))


def alipay_side(sign_type: SignType) -> Any:
    """Alipay's signatory for an account of `account()`."""
    if sign_type is SignType.MD5:
        return account(sign_type).signatory
    return rsa_signatory(sign_type, rsa_pair("alipay")[0], rsa_pair("ours")[1])


def shop() -> SecondaryMerchant:
    """The shop of every sample."""
    return SecondaryMerchant(
        id="SM_1001",
        name="Example Noodle Bar",
        industry="5812",
        store_id="ST_01",
        store_name="Harbour Branch",
        terminal_id="T01",
    )


def charge(method: Method = Method.BARCODE, **changes: Any) -> Charge:
    """12.50 USD of noodles."""
    values: dict[str, Any] = {
        "order_number": ORDER,
        "method": method,
        "amount": Money.parse("12.50", "USD"),
        "subject": "Noodle set",
        "created_at": NOON,
        "expires_at": NOON + timedelta(minutes=10),
        "shop": shop(),
        "notify_url": "https://pos.example.com/alipay/notify",
        "payment_code": "281234567890123456",
        "buyer_id": BUYER,
    }
    return Charge(**(values | changes))
