"""The page of API keys: made, seen once, ended at once; an owner's for the shop, an operator's for adding merchants."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from saoma.identity import audit
from saoma.identity.api_keys import PARTNER_SCOPES, ApiKey, Scope, api_key_for, api_keys_of
from saoma.identity.model import Staff, add_store
from saoma.identity.roles import Role
from saoma.identity.screens import api_keys
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from tests.identity import make, web

WISH: dict[str, Any] = {"name": "Till software", "scope": ["payments:read", "payments:write"]}


@asynccontextmanager
async def desk(db: Database, clock: MovableClock, person: Staff, lang: str = "en") -> AsyncIterator[web.Browser]:
    """A browser at the page, with somebody signed in."""
    async with web.browsers(web.app([api_keys.router], db, clock)) as (browser,):
        browser.client.headers["Accept-Language"] = lang
        await browser.plant(staff_id=person.id)
        yield browser


def shown(page: str) -> str:
    """The key that a page shows."""
    found = re.search(r'id="new-key">(sk_[\w-]{43})<', page)
    assert found, web.text_of(page)
    return found[1]


async def kept(db: Database, merchant_id: str) -> list[ApiKey]:
    async with db.reading() as rows:
        return await api_keys_of(rows, merchant_id)


async def test_a_key_is_shown_once_and_works_until_it_is_revoked(database: Database, clock: MovableClock) -> None:
    shop = await make.shop(database)
    owner = await make.staff(database, shop, Role.OWNER)
    async with desk(database, clock, owner) as browser:
        made = await browser.post("/office/api-keys", WISH)
        assert (made.status_code, made.headers["cache-control"]) == (200, "no-store")
        secret = shown(made.text)
        again = await browser.get("/office/api-keys")
        assert secret not in again.text and secret[:9] in again.text and "Never used" in again.text
        key = await api_key_for(database, clock, secret)
        assert key is not None and (key.merchant_id, key.store_ids) == (shop.merchant.id, [])
        assert key.scopes == [Scope.PAYMENTS_READ, Scope.PAYMENTS_WRITE]
        assert (await browser.post(f"/office/api-keys/{key.id}/revoke")).status_code == 303
        assert await api_key_for(database, clock, secret) is None
        assert "Revoked" in (await browser.get("/office/api-keys")).text
    async with database.reading() as rows:
        assert [line.what for line in await audit.trail(rows, key.id)] == ["api_key_revoked", "api_key_made"]
        assert secret not in str(await rows.rows(audit.Entry, "SELECT at, who, what, subject, detail FROM audit"))


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({**WISH, "name": ""}, "Give the key a name"),
        ({**WISH, "name": "x" * 65}, "Give the key a name"),
        ({**WISH, "scope": []}, "Choose at least one thing"),
        ({**WISH, "scope": ["everything"]}, "Choose at least one thing"),
        ({**WISH, "store": "sto_" + "0" * 25}, "Choose stores of this merchant"),
    ],
)
async def test_a_wish_that_is_wrong_makes_no_key_and_says_why(
    database: Database, clock: MovableClock, wish: dict[str, Any], says: str
) -> None:
    shop = await make.shop(database)
    async with desk(database, clock, await make.staff(database, shop, Role.OWNER)) as browser:
        answer = await browser.post("/office/api-keys", wish)
    assert answer.status_code == 422 and says in web.text_of(answer.text)
    assert await kept(database, shop.merchant.id) == []


async def test_an_owner_of_one_store_makes_keys_for_that_store_alone(database: Database, clock: MovableClock) -> None:
    shop = await make.shop(database)
    async with database.transaction() as tx:
        other = await add_store(tx, shop.merchant.id, name="Pier", zone="Asia/Singapore")
    owner = await make.staff(database, shop, Role.OWNER, store_id=shop.store.id)
    async with desk(database, clock, owner) as browser:
        shown((await browser.post("/office/api-keys", {**WISH, "store": other.id})).text)
    [key] = await kept(database, shop.merchant.id)
    assert key.store_ids == [shop.store.id]


async def test_nobody_but_an_owner_or_an_operator_gets_in(database: Database, clock: MovableClock) -> None:
    shop = await make.shop(database)
    for role in (Role.MANAGER, Role.CASHIER, Role.WAITER, Role.KITCHEN):
        async with desk(database, clock, await make.staff(database, shop, role)) as browser:
            assert (await browser.get("/office/api-keys")).status_code == 403
            assert (await browser.post("/office/api-keys", WISH)).status_code == 403
    assert await kept(database, shop.merchant.id) == []


async def test_an_operator_makes_partner_keys_and_touches_no_merchants_key(
    database: Database, clock: MovableClock
) -> None:
    shop = await make.shop(database)
    owner, operator = await make.staff(database, shop, Role.OWNER), await make.staff(database, None, Role.OPERATOR)
    async with desk(database, clock, owner) as browser:
        shown((await browser.post("/office/api-keys", WISH)).text)
    [theirs] = await kept(database, shop.merchant.id)
    wish: dict[str, Any] = {
        "name": "Portal",
        "scope": [scope.value for scope in PARTNER_SCOPES],
        "account": shop.account_id,
    }
    async with desk(database, clock, operator) as browser:
        page = await browser.get("/office/api-keys")
        assert "Partner keys" in page.text and theirs.id not in page.text
        for wrong in ({"account": ""}, {"account": "acc_x"}, {"scope": ["payments:write"]}):
            assert (await browser.post("/office/api-keys", wish | wrong)).status_code == 422
        secret = shown((await browser.post("/office/api-keys", wish)).text)
        assert (await browser.post(f"/office/api-keys/{theirs.id}/revoke")).status_code == 404
        key = await api_key_for(database, clock, secret)
        assert key is not None and (key.merchant_id, key.account_id) == ("", shop.account_id)
    async with desk(database, clock, owner) as browser:
        assert key.id not in (await browser.get("/office/api-keys")).text
        assert (await browser.post(f"/office/api-keys/{key.id}/revoke")).status_code == 404
    async with desk(database, clock, operator) as browser:
        assert (await browser.post(f"/office/api-keys/{key.id}/revoke")).status_code == 303
    assert await api_key_for(database, clock, secret) is None


async def test_the_page_speaks_chinese(database: Database, clock: MovableClock) -> None:
    shop = await make.shop(database)
    for person in (await make.staff(database, shop, Role.OWNER), await make.staff(database, None, Role.OPERATOR)):
        async with desk(database, clock, person, "zh") as browser:
            page = web.text_of((await browser.get("/office/api-keys")).text)
        assert "密钥" in page
        left = set(re.findall(r"[A-Za-z]{4,}", page)) - {"Saoma", "saoma", "English", "Harbour", "Road"}
        assert not {word for word in left if word not in make.account().partner}, left
