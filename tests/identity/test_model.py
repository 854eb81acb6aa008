"""Merchants, stores and staff: what may be added, whose is whose, and that keys are sealed at rest."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from saoma.identity import audit, model
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.errors import Invalid, NotFound
from saoma.kit.seal import Seal, SealBroken
from tests.identity import make


async def test_an_accounts_keys_come_back_as_they_went_in(database: Database) -> None:
    account = make.account(md5_key="key of the partner")
    async with database.transaction() as tx:
        account_id = await model.add_account(tx, make.seal(), account)
    async with database.reading() as rows:
        assert await model.accounts(rows, make.seal()) == [(account_id, account)]


async def test_no_key_stands_readable_in_the_database(database: Database) -> None:
    async with database.transaction() as tx:
        account_id = await model.add_account(tx, make.seal(), make.account(md5_key="key of the partner"))
    async with database.reading() as rows:
        row = str(await rows.value("SELECT accounts::text FROM accounts WHERE id = %(id)s", {"id": account_id}))
        assert "key of the partner" not in row
        with pytest.raises(SealBroken):
            await model.account(rows, Seal("another secret, also long enough for it"), account_id)


@pytest.mark.parametrize(
    "wrong",
    [
        {"industry": "58"},
        {"industry": "food"},
        {"name": ""},
        {"name": "n" * 65},
        {"currency": "XXX"},
        {"secondary_id": "a-b"},
        {"secondary_id": "a" * 65},
    ],
)
async def test_a_merchant_alipay_would_refuse_is_not_added(database: Database, wrong: dict[str, str]) -> None:
    async with database.transaction() as tx:
        account_id = await model.add_account(tx, make.seal(), make.account())
        given = {"name": "N", "currency": "USD", "account_id": account_id, "industry": "5812"} | wrong
        with pytest.raises(Invalid):
            await model.add_merchant(tx, **given)


async def test_a_store_needs_a_time_zone_that_exists(database: Database) -> None:
    shop = await make.shop(database)
    async with database.transaction() as tx:
        for zone in ("Asia/Atlantis", "", "../etc/passwd"):
            with pytest.raises(Invalid):
                await model.add_store(tx, shop.merchant.id, name="x", zone=zone)


async def test_a_login_is_given_once_whatever_its_letters(database: Database) -> None:
    shop = await make.shop(database)
    await make.staff(database, shop, login="mei")
    with pytest.raises(Invalid):
        await make.staff(database, shop, login=" MEI ")


@pytest.mark.parametrize(
    ("of_merchant", "roles"),
    [(True, [Role.OPERATOR]), (False, [Role.CASHIER]), (True, [Role.OPERATOR, Role.OWNER]), (True, [])],
)
async def test_roles_that_do_not_go_together_are_refused(
    database: Database,
    of_merchant: bool,  # noqa: FBT001
    roles: list[Role],
) -> None:
    shop = await make.shop(database)
    async with database.transaction() as tx:
        with pytest.raises(Invalid):
            await model.add_staff(
                tx, name="x", login="xx", roles=roles, merchant_id=shop.merchant.id if of_merchant else ""
            )


async def test_staff_of_one_merchant_find_nothing_of_another(database: Database) -> None:
    mine, other = await make.shop(database), await make.shop(database, name="Burrito Bar")
    owner = await make.staff(database, mine, Role.OWNER)
    async with database.reading() as rows:
        assert [store.id for store in await model.stores_of(rows, owner)] == [mine.store.id]
        with pytest.raises(NotFound):
            await model.store_for(rows, owner, other.store.id)
        with pytest.raises(NotFound):
            await model.merchant_for(rows, owner, other.merchant.id)


async def test_staff_of_one_store_find_only_that_store(database: Database) -> None:
    shop = await make.shop(database)
    async with database.transaction() as tx:
        second = await model.add_store(tx, shop.merchant.id, name="Airport", zone="Asia/Singapore")
    waiter = await make.staff(database, shop, Role.WAITER, store_id=shop.store.id)
    async with database.reading() as rows:
        assert (await model.store_for(rows, waiter)).id == shop.store.id
        with pytest.raises(NotFound):
            await model.store_for(rows, waiter, second.id)


async def test_an_operator_sees_every_merchant(database: Database) -> None:
    first, second = await make.shop(database), await make.shop(database)
    operator = await make.staff(database, None, Role.OPERATOR)
    async with database.reading() as rows:
        assert {store.id for store in await model.stores_of(rows, operator)} == {first.store.id, second.store.id}
        assert (await model.merchant_for(rows, operator, second.merchant.id)).id == second.merchant.id


async def test_a_payment_is_told_the_shop_as_alipay_knows_it(database: Database) -> None:
    shop = await make.shop(database)
    async with database.transaction() as tx:
        terminal = await model.add_terminal(tx, shop.store.id, name="Till 1")
    async with database.reading() as rows:
        account_id, told, merchant, store = await model.shop_of(rows, shop.store.id, terminal.id)
    assert (account_id, merchant, store) == (shop.account_id, shop.merchant, shop.store)
    assert (told.id, told.name, told.industry) == (shop.merchant.secondary_id, "Noodle House", "5812")
    assert (told.store_id, told.store_name, told.terminal_id) == (store.id, "Harbour Road", terminal.id)


async def test_a_terminal_of_another_store_takes_no_payment_here(database: Database) -> None:
    mine, other = await make.shop(database), await make.shop(database)
    async with database.transaction() as tx:
        theirs = await model.add_terminal(tx, other.store.id, name="Till 1")
    async with database.reading() as rows:
        with pytest.raises(NotFound):
            await model.shop_of(rows, mine.store.id, theirs.id)


async def test_whoever_is_dismissed_is_found_no_more(database: Database) -> None:
    shop = await make.shop(database)
    cashier = await make.staff(database, shop)
    async with database.transaction() as tx:
        await model.dismiss(tx, cashier.id)
    async with database.reading() as rows:
        assert await model.staff_by_id(rows, cashier.id) is None


async def test_the_audit_trail_can_not_be_rewritten(database: Database, clock: MovableClock) -> None:
    async with database.transaction() as tx:
        await audit.note(tx, clock, who="stf_1", what="refunded", subject="pay_1", detail={"amount": "3.00 USD"})
    clock.advance(timedelta(minutes=1))
    async with database.transaction() as tx:
        await audit.note(tx, clock, who="stf_2", what="ruled", subject="pay_1")
    for command in ("UPDATE audit SET who = 'x'", "DELETE FROM audit", "TRUNCATE audit"):
        with pytest.raises(psycopg.errors.RaiseException):
            async with database.transaction() as tx:
                await tx.run(command)
    async with database.reading() as rows:
        trail = await audit.trail(rows, "pay_1")
    assert [entry.what for entry in trail] == ["ruled", "refunded"]
    assert trail[1].detail == {"amount": "3.00 USD"}
