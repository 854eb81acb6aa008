"""Stores in Alipay's register: told by a worker, reviewed over there, followed until there is a word."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from saoma.alipay.account import Account
from saoma.app import works
from saoma.identity.registrations import Registration, Registrations, RegistrationStatus, ask_to_register, registrations
from saoma.kit.due import drive_due
from saoma.kit.errors import Conflict, Invalid
from saoma.kit.i18n import texts
from tests.gateway.house import House, Shop

pytestmark = pytest.mark.asyncio(loop_scope="session")

MAINTAIN = "alipay.overseas.secmerchant.offline.maintain"
REVIEW = "alipay.overseas.secmerchant.maintain.queryStatus"


@pytest.fixture
def shop(house: House) -> Shop:
    """A shop with RSA2 keys."""
    return house.shops["RSA2"]


async def ask(house: House, shop: Shop, country: str = "SG") -> Registration:
    """Somebody wants it registered."""
    async with house.rooms.db.transaction() as tx:
        return await ask_to_register(tx, house.clock, shop.store.id, country, "stf_1", at_acquirer=False)


async def work(house: House, minutes: float = 0) -> None:
    """Time passes, and a worker does what is due."""
    await house.move_to(house.clock.now() + timedelta(minutes=minutes))
    mine = [one for one in works(house.rooms) if one.table == "store_registrations"]
    await drive_due(house.rooms.db, mine, house.clock)


async def stands(house: House, shop: Shop) -> Registration:
    """How it stands."""
    async with house.rooms.db.reading() as rows:
        return (await registrations(rows, [shop.store.id]))[shop.store.id]


async def rename(house: House, shop: Shop, name: str) -> None:
    """Hang up another sign."""
    async with house.rooms.db.transaction() as tx:
        await tx.run("UPDATE stores SET name = %(name)s WHERE id = %(id)s", {"name": name, "id": shop.store.id})


async def test_a_store_is_told_to_alipay_reviewed_and_registered(house: House, shop: Shop) -> None:
    assert (await ask(house, shop)).status is RegistrationStatus.WANTED
    await work(house)
    at = await stands(house, shop)
    assert (at.status, at.why, at.due_at is None) == (RegistrationStatus.IN_REVIEW, "", False)
    await work(house, 1.5)
    assert (await stands(house, shop)).status is RegistrationStatus.IN_REVIEW, "the review takes its time"
    await work(house, 5)
    at = await stands(house, shop)
    assert (at.status, at.due_at, at.decided_at is None) == (RegistrationStatus.REGISTERED, None, False)


async def test_a_store_that_is_turned_down_says_why_and_may_ask_again(house: House, shop: Shop) -> None:
    await rename(house, shop, "Turnmedown Noodles")
    await ask(house, shop)
    await work(house)
    await work(house, 6)
    at = await stands(house, shop)
    assert (at.status, at.due_at) == (RegistrationStatus.REFUSED, None)
    assert "sign" in at.why
    await rename(house, shop, "Harbour Road")
    assert (await ask(house, shop)).why == ""
    await work(house)
    await work(house, 6)
    assert (await stands(house, shop)).status is RegistrationStatus.REGISTERED


@pytest.mark.parametrize("fault", ["silence_before", "silence_after", "system_error_before", "bad_signature"])
async def test_no_answer_is_asked_again_and_never_counts_as_a_no(house: House, shop: Shop, fault: str) -> None:
    await ask(house, shop)
    await house.alipay.fails(MAINTAIN, fault)
    await work(house)
    at = await stands(house, shop)
    assert at.status in (RegistrationStatus.WANTED, RegistrationStatus.IN_REVIEW)
    await house.alipay.fails(REVIEW, fault)
    for _ in range(6):
        await work(house, 10)
    assert (await stands(house, shop)).status is RegistrationStatus.REGISTERED


class Interrupted:
    """A socket on which somebody asks anew while the answer to the older wish is on its way."""

    def __init__(self, house: House, shop: Shop) -> None:
        self.house = house
        self.shop = shop

    async def call(self, account: Account, request: Any) -> Any:
        """Ask Alipay, and be overtaken."""
        reply = await self.house.rooms.client.call(account, request)
        self.house.clock.advance(timedelta(seconds=1))
        await ask(self.house, self.shop, "HK")
        return reply


async def test_an_answer_to_an_older_wish_does_not_settle_a_newer_one(house: House, shop: Shop) -> None:
    older = await ask(house, shop)
    client: Any = Interrupted(house, shop)
    await Registrations(house.rooms.db, house.clock, house.rooms.seal, client).drive(older.id)
    at = await stands(house, shop)
    assert (at.id, at.country, at.status) == (older.id, "HK", RegistrationStatus.WANTED)
    assert at.due_at is not None
    await work(house)
    assert (await stands(house, shop)).status is RegistrationStatus.IN_REVIEW


@pytest.mark.parametrize("country", ["", "S", "Singapore", "1!", "新加"])
async def test_a_country_is_two_letters(house: House, shop: Shop, country: str) -> None:
    with pytest.raises(Invalid):
        await ask(house, shop, country)


async def test_a_store_at_an_acquirer_is_the_acquirers_to_register(house: House, shop: Shop) -> None:
    async with house.rooms.db.transaction() as tx:
        with pytest.raises(Conflict) as refusal:
            await ask_to_register(tx, house.clock, shop.store.id, "SG", "stf_1", at_acquirer=True)
    assert "收单机构" in texts("zh")(refusal.value.msgid)
