"""Accounts as operators handle them: sealed and never shown, changed with a trail, stopped, and taken to production."""

from __future__ import annotations

import asyncio
from dataclasses import fields, replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from saoma.alipay.account import Account
from saoma.alipay.notify import read_notice
from saoma.alipay.signing import SignType, md5_signatory, new_rsa_key, rsa_signatory, string_to_sign
from saoma.gateway import BadNotice, Notice
from saoma.identity import accounts, audit, going_live, model
from saoma.identity.account_watch import keep_up
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict, Invalid, NotAllowed, NotFound
from tests.identity import make

BY = "stf_ann"


@cache
def pair(number: int) -> tuple[str, str]:
    return new_rsa_key(1024)


def an_account(**changes: Any) -> Account:
    """A sandbox account that signs with MD5, and with RSA where people sign in."""
    made = make.account(partner="2088100000000001", md5_key="x" * 32)
    return replace(made, private_key=pair(0)[0], alipay_public_key=pair(1)[1], **changes)


def for_production(**changes: Any) -> dict[str, str]:
    return {
        **going_live.PRODUCTION,
        "partner": "2088900000000001",
        "app_id": "2021900000000001",
        "md5_key": "p" * 32,
        "private_key": pair(2)[0],
        "alipay_public_key": pair(3)[1],
        **changes,
    }


async def added(db: Database, clock: MovableClock, account: Account | None = None) -> str:
    async with db.transaction() as tx:
        return await accounts.add_direct(tx, make.seal(), clock, account or an_account(), name="Noodles", by=BY)


async def told(db: Database, subject: str) -> list[str]:
    async with db.reading() as rows:
        return [entry.what for entry in await audit.trail(rows, subject)]


async def test_an_account_is_kept_sealed_and_shown_without_its_keys(database: Database, clock: MovableClock) -> None:
    account_id = await added(database, clock)
    async with database.reading() as rows:
        view = await accounts.account_view(rows, account_id)
        kept = await rows.value("SELECT row_to_json(a)::text FROM accounts AS a WHERE id = %(id)s", {"id": account_id})
        trail = repr(await audit.trail(rows, account_id))
        assert await model.account(rows, make.seal(), account_id) == an_account()
    assert view.has_md5 and view.has_private and view.has_alipay
    for secret in ("x" * 32, pair(0)[0][40:80], pair(1)[1][40:80]):
        assert secret not in kept and secret not in repr(view) and secret not in trail


async def test_a_pid_has_one_account_per_environment(database: Database, clock: MovableClock) -> None:
    await added(database, clock)
    with pytest.raises(Conflict):
        await added(database, clock)


async def test_a_change_is_noted_and_environment_and_currency_stay(database: Database, clock: MovableClock) -> None:
    account_id = await added(database, clock)
    async with database.transaction() as tx:
        changed = an_account(app_id="2021000000000777")
        await accounts.change_direct(tx, make.seal(), clock, account_id, changed, name="Bar", by=BY)
    async with database.reading() as rows:
        assert (await accounts.account_view(rows, account_id)).app_id == "2021000000000777"
        (entry, _) = await audit.trail(rows, account_id)
    assert entry.detail == {"app_id": "2021000000000777"} and entry.who == BY
    with pytest.raises(Conflict):
        async with database.transaction() as tx:
            other = an_account(currency="SGD")
            await accounts.change_direct(tx, make.seal(), clock, account_id, other, name="Bar", by=BY)


async def test_the_same_keys_in_another_shape_replace_nothing(database: Database, clock: MovableClock) -> None:
    account_id = await added(database, clock, an_account(sign_type=SignType.RSA2))
    private, public = ("".join(text.splitlines()[1:-1]) for text in (pair(0)[0], pair(1)[1]))
    again = accounts.with_keys(
        an_account(), sign_type="RSA2", md5_key="", private_key=private, alipay_public_key=public
    )
    async with database.transaction() as tx:
        await accounts.replace_keys(tx, make.seal(), clock, account_id, again, by=BY, believe_former=True)
    async with database.reading() as rows:
        assert (await accounts.account_view(rows, account_id)).former_until is None, "no key was given up"
        entry = (await audit.trail(rows, account_id))[0]
    assert (entry.what, entry.detail["replaced"]) == ("account_keys_replaced", [])


def notice(sign: Any, sign_type: str) -> dict[str, str]:
    said = {
        "notify_id": "n1",
        "out_trade_no": "P1",
        "trade_status": "TRADE_SUCCESS",
        "trade_no": "2026",
        "seller_id": "2088100000000001",
        "total_fee": "12.50",
        "currency": "USD",
    }
    return said | {"sign": sign(string_to_sign(said).encode()), "sign_type": sign_type}


@pytest.mark.parametrize("believe", [True, False])
async def test_messages_on_their_way_are_believed_for_a_day_unless_the_key_is_known_to_others(
    database: Database, clock: MovableClock, *, believe: bool
) -> None:
    account_id = await added(database, clock)
    new = accounts.with_keys(
        an_account(), sign_type="RSA2", md5_key="", private_key=pair(2)[0], alipay_public_key=pair(3)[1]
    )
    async with database.transaction() as tx:
        await accounts.replace_keys(tx, make.seal(), clock, account_id, new, by=BY, believe_former=believe)
    async with database.reading() as rows:
        account = await model.account(rows, make.seal(), account_id)
    fresh = notice(rsa_signatory(SignType.RSA2, pair(3)[0], None).sign, "RSA2")
    old = notice(md5_signatory("x" * 32).sign, "MD5")
    assert isinstance(read_notice(account, fresh, "USD", clock.now()), Notice)
    assert isinstance(read_notice(account, old, "USD", clock.now()), Notice if believe else BadNotice)
    assert isinstance(read_notice(account, old | {"total_fee": "1.00"}, "USD", clock.now()), BadNotice)
    assert isinstance(read_notice(account, old, "USD"), BadNotice)
    clock.advance(timedelta(hours=25, seconds=1))
    assert isinstance(read_notice(account, old, "USD", clock.now()), BadNotice)
    assert isinstance(read_notice(account, fresh, "USD", clock.now()), Notice)
    assert (await told(database, account_id))[0] == "account_keys_replaced"


async def test_a_pair_made_here_is_used_once_and_its_private_half_moves(
    database: Database, clock: MovableClock
) -> None:
    account_id = await added(database, clock)
    async with database.transaction() as tx:
        made = await accounts.make_pair(tx, make.seal(), clock, by=BY)
        private = await accounts.private_half(tx, make.seal(), made.id)
        await accounts.pair_is_used(tx, clock, made.id, account_id)
    signed = rsa_signatory(SignType.RSA2, private, None).sign(b"a=1")
    assert rsa_signatory(SignType.RSA2, None, made.public_key).verify(b"a=1", signed)
    async with database.transaction() as tx:
        assert await accounts.spare_pairs(tx) == []
        assert await tx.value("SELECT private_key FROM key_pairs") == ""
        with pytest.raises(NotFound):
            await accounts.private_half(tx, make.seal(), made.id)
        with pytest.raises(Conflict):
            await accounts.pair_is_used(tx, clock, made.id, account_id)


async def test_a_stopped_account_takes_no_new_payments_until_it_is_resumed(
    database: Database, clock: MovableClock
) -> None:
    shop = await make.shop(database)
    async with database.transaction() as tx:
        await accounts.stop_account(tx, clock, shop.account_id, by=BY, reason="key leaked")
        with pytest.raises(Conflict):
            await model.shop_of(tx, shop.store.id)
        await accounts.resume_account(tx, clock, shop.account_id, by=BY)
        assert (await model.shop_of(tx, shop.store.id))[0] == shop.account_id
    assert await told(database, shop.account_id) == ["account_resumed", "account_stopped"]


# --- going live -------------------------------------------------------------------------------------------------------


def test_going_live_changes_addresses_pid_appid_and_keys_and_nothing_else() -> None:
    sandbox = an_account(currency="SGD", charset="GBK")
    twin = going_live.production_twin(sandbox, **for_production())
    changed = {field.name for field in fields(Account) if getattr(twin, field.name) != getattr(sandbox, field.name)}
    assert changed == set(going_live.CHANGES)
    with pytest.raises(Invalid):
        going_live.production_twin(sandbox, **for_production(), currency="USD")


@pytest.mark.parametrize(
    "wrong",
    [
        {"partner": "2088100000000001"},
        {"md5_key": "x" * 32},
        {"private_key": "PRIVATE"},
        {"gateway_url": "https://mapi.alipaydev.com/gateway.do"},
        {"gateway_url": "http://globalmapi.alipay.com/gateway.do"},
        {"auth_url": "http://127.0.0.1:8001/oauth2/publicAppAuthorize.htm"},
    ],
)
def test_what_is_the_sandboxs_is_refused_for_production(wrong: dict[str, str]) -> None:
    if wrong.get("private_key"):
        # the same key in another armour is the same key
        wrong = {"private_key": "".join(pair(0)[0].splitlines()[1:-1])}
    with pytest.raises(Invalid):
        going_live.production_twin(an_account(), **for_production(**wrong))


async def prepared(db: Database, clock: MovableClock) -> tuple[make.Shop, str]:
    sandbox_id = await added(db, clock)
    shop = await make.shop(db, account_id=sandbox_id)
    async with db.transaction() as tx:
        twin = going_live.production_twin(an_account(), **for_production())
        production_id = await going_live.prepare(tx, make.seal(), clock, sandbox_id, twin, by=BY)
    return shop, production_id


async def account_of(db: Database, shop: make.Shop) -> str:
    async with db.reading() as rows:
        return (await model.shop_of(rows, shop.store.id))[0]


async def test_merchants_move_when_every_point_is_seen_to_and_back_when_somebody_says_why(
    database: Database, clock: MovableClock
) -> None:
    shop, production = await prepared(database, clock)
    assert await account_of(database, shop) == shop.account_id, "preparing moves nobody"
    with pytest.raises(Conflict):
        async with database.transaction() as tx:
            await going_live.go_live(tx, make.seal(), clock, production, by=BY, open_points=["https"], two=False)
    async with database.transaction() as tx:
        assert await going_live.go_live(tx, make.seal(), clock, production, by=BY, open_points=[], two=False)
    assert await account_of(database, shop) == production
    async with database.transaction() as tx:
        await going_live.go_back(tx, clock, production, by=BY, reason="wrong settlement account")
    assert await account_of(database, shop) == shop.account_id
    assert (await told(database, production))[:2] == ["went_back", "went_live"]


async def test_where_the_house_wants_two_people_the_second_is_another_one(
    database: Database, clock: MovableClock
) -> None:
    shop, production = await prepared(database, clock)

    async def switch(by: str) -> bool:
        async with database.transaction() as tx:
            return await going_live.go_live(tx, make.seal(), clock, production, by=by, open_points=[], two=True)

    assert not await switch(BY)
    with pytest.raises(NotAllowed):
        await switch(BY)
    assert await account_of(database, shop) == shop.account_id
    assert await switch("stf_bob")
    assert await account_of(database, shop) == production


async def test_production_is_prepared_once_and_for_sandbox_accounts_only(
    database: Database, clock: MovableClock
) -> None:
    shop, production = await prepared(database, clock)
    for account_id in (shop.account_id, production):
        with pytest.raises(Conflict):
            async with database.transaction() as tx:
                twin = going_live.production_twin(an_account(), **for_production(partner="2088900000000002"))
                await going_live.prepare(tx, make.seal(), clock, account_id, twin, by=BY)
    with pytest.raises(NotFound):
        async with database.transaction() as tx:
            await going_live.go_back(tx, clock, shop.account_id, by=BY, reason="x")


async def test_a_change_is_noticed_by_a_process_that_runs_and_not_before_it_is_committed(
    database: Database, clock: MovableClock
) -> None:
    seen: list[int] = []
    looked = asyncio.Event()

    async def refresh() -> None:
        async with database.reading() as rows:
            seen.append(len(await model.accounts(rows, make.seal())))
        looked.set()

    async def nothing() -> None: ...

    watching = asyncio.create_task(keep_up(database, refresh, nothing, every=0.01))
    try:
        async with asyncio.timeout(10):
            async with database.transaction() as tx:
                await accounts.add_direct(tx, make.seal(), clock, an_account(), name="Noodles", by=BY)
                await looked.wait()
                looked.clear()
            await looked.wait()
    finally:
        watching.cancel()
    assert seen == [0, 1], "read anew when something changed, and only then"
