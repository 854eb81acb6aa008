"""Makes the partner's people and places for tests; every default is valid.

Passwords are hashed for real, so ask for one only where it is checked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import count

from saoma.alipay.account import Account
from saoma.alipay.signing import SignType
from saoma.identity import model, passwords
from saoma.identity.model import Merchant, Staff, Store
from saoma.identity.roles import Role
from saoma.kit.db import Database
from saoma.kit.seal import Seal

SECRET = "a secret of the tests, thirty-two letters or more"
PASSWORD = "noodles every day"
PIN = "2468"
_numbers = count(1)


def seal() -> Seal:
    """The seal of the tests' deployment."""
    return Seal(SECRET)


def account(*, partner: str = "", app_id: str = "2021000000000001", md5_key: str = "0123456789abcdef") -> Account:
    """A sandbox account that signs with MD5."""
    return Account(
        partner=partner or f"2088{next(_numbers):012d}",
        app_id=app_id,
        sign_type=SignType.MD5,
        md5_key=md5_key,
        private_key="",
        alipay_public_key="",
        gateway_url="http://127.0.0.1:8001/gateway.do",
        openapi_url="http://127.0.0.1:8001/gateway.do",
        auth_url="http://127.0.0.1:8001/oauth2/publicAppAuthorize.htm",
        environment="sandbox",
        currency="USD",
        charset="UTF-8",
    )


@dataclass(frozen=True)
class Shop:
    """A merchant with one store."""

    account_id: str
    merchant: Merchant
    store: Store


async def shop(db: Database, *, name: str = "Noodle House", account_id: str = "") -> Shop:
    """Add a merchant with one store, and an account unless one is given."""
    async with db.transaction() as tx:
        if not account_id:
            account_id = await model.add_account(tx, seal(), account())
        merchant = await model.add_merchant(
            tx, name=name, name_zh="面馆", currency="USD", account_id=account_id, industry="5812"
        )
        store = await model.add_store(
            tx, merchant.id, name="Harbour Road", name_zh="海港路店", zone="Asia/Singapore", address="1 Harbour Road"
        )
    return Shop(account_id, merchant, store)


@lru_cache(maxsize=4)
def _hash(secret: str) -> str:
    return passwords._hash(secret)


async def staff(
    db: Database,
    at: Shop | None,
    *roles: Role,
    name: str = "Mei Lin",
    login: str = "",
    password: str = "",
    pin: str = "",
    store_id: str = "",
) -> Staff:
    """Add somebody who works at `at` (or for the partner), a cashier unless said otherwise."""
    async with db.transaction() as tx:
        return await model.add_staff(
            tx,
            name=name,
            login=login or f"staff{next(_numbers)}",
            roles=list(roles) or [Role.CASHIER],
            merchant_id=at.merchant.id if at else "",
            store_id=store_id,
            password_hash=_hash(password) if password else "",
            pin_hash=_hash(pin) if pin else "",
        )
