"""The other side is killed without warning, between any two calls and inside one, and comes back on the same file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from saoma.alipay.signing import SignType
from saoma.kit.money import Money
from saoma.payments.lifecycle import RefundStatus, Status
from tests.gateway import make
from tests.gateway.alipay import CANCEL, PAY, REFUND, Alipay
from tests.gateway.house import House, Shop, Watched

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def mortal(one_house: House, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """The same house, at an Alipay of its own that may be killed."""
    alipay = Alipay(tmp_path_factory.mktemp("mortal"))
    await asyncio.to_thread(alipay.start)
    async with aiohttp.ClientSession() as session:
        alipay.http = session
        house = House(alipay, one_house.box, one_house.clock, one_house.rooms, one_house.url)
        await house.meet()
        await house.open_shop("Mortal", await make.account(alipay, SignType.RSA2))
        yield house
        for shop in house.shops.values():
            await shop.browser.aclose()
    alipay.kill()


@pytest_asyncio.fixture(loop_scope="session")
async def house(mortal: House) -> House:
    await mortal.alipay.behave()
    await mortal.meet()
    mortal.began = mortal.clock.now()
    return mortal


@pytest.fixture
def shop(house: House) -> Shop:
    return house.shops["Mortal"]


async def restart(house: House) -> None:
    """The process comes back, on its file; time went on meanwhile."""
    await asyncio.to_thread(house.alipay.start)
    await house.meet()


async def scan(house: House, shop: Shop, code: str) -> Watched:
    """Scan without looking into the log of calls: it may be gone."""
    money = Money.parse("36.50", "USD")
    bill = await house.bill(money.minor)
    payment = await house.rooms.checkout.pay_by_barcode(
        shop.store.id, "", shop.staff, money, "Table 5", "bill", bill, {}, code, bill
    )
    opened_at = payment.opened_at or house.clock.now()
    return Watched(house, shop, payment.id, payment.order_number, opened_at, attentive=False)


async def test_whatever_stage_a_payment_is_in_when_alipay_dies_the_money_agrees_afterwards(
    house: House, shop: Shop
) -> None:
    before = {buyer: await house.alipay.balance(buyer) for buyer in ("anna", "pia")}
    done = await house.scan(shop, await house.alipay.code())
    refunding = await house.scan(shop, await house.alipay.code())
    thinking = await house.scan(shop, await house.alipay.code("pia"))
    late, undone = await house.page(shop), await house.page(shop)
    for paid in (late, undone):
        await house.alipay.pays(paid.number)
    codes = [await house.alipay.code() for _ in range(3)]

    await house.alipay.fails(CANCEL, "silence_after", seconds=30)
    await house.alipay.fails(REFUND, "silence_after", seconds=30)
    await house.alipay.fails(PAY, "silence_after", seconds=30)
    in_the_act: list[asyncio.Task[Any]] = [
        asyncio.create_task(house.rooms.payments.give_up(undone.id, by="gst_anna")),
        asyncio.create_task(
            house.rooms.payments.refund(refunding.id, Money.parse("6.50", "USD"), "cold", "stf_boss", "k")
        ),
        asyncio.create_task(scan(house, shop, codes[0])),
    ]
    for _ in range(500):
        if (
            len(await house.alipay.trades(shop.account.partner)) == 6
            and not (await house.alipay.control("GET", "faults"))["faults"]
        ):
            break
        await asyncio.sleep(0.01)
    house.alipay.kill()
    cancelled, refund, silent = await asyncio.gather(*in_the_act)
    assert cancelled.status is Status.CANCELLING
    assert refund.status is RefundStatus.PENDING
    assert isinstance(silent, Watched)
    assert (await silent.payment()).code == "silence"

    unheard = await scan(house, shop, codes[1])
    assert (await unheard.payment()).code == "not_sent"
    pane, words = await unheard.panel()
    assert pane == "waiting"
    assert "No connection to Alipay: the request did not leave the shop." in words
    assert "无法连接支付宝，请求没有发出。" in (await unheard.panel("zh"))[1]
    house.clock.advance((await unheard.payment()).due_at - house.clock.now())  # type: ignore[operator]
    await house.work()
    assert await thinking.status() is Status.PENDING

    await restart(house)
    await house.alipay.pays(thinking.number)
    for watched in (thinking, late, undone, silent, unheard):
        watched.attentive = False
        await watched.follow()
    for _ in range(10):
        (refund_now,) = await house.rooms.payments.refunds_of(refunding.id)
        if refund_now.due_at is None:
            break
        await house.move_to(refund_now.due_at)
        await house.work()
    for watched in (done, refunding, thinking, late, silent, unheard):
        assert await watched.status() is Status.SUCCEEDED
    assert (await undone.payment()).gave_back
    assert refund_now.status is RefundStatus.SUCCEEDED
    await house.assert_books_agree(shop)

    trades = await house.alipay.trades(shop.account.partner)
    spent = {"anna": 0.0, "pia": 0.0}
    for trade in trades.values():
        share = 1 - float(trade["refunded"]) / float(trade["amount"])
        spent[trade["buyer_id"]] += float(trade["amount_cny"]) * share
    for buyer, was in before.items():
        assert abs(was - await house.alipay.balance(buyer) - spent[buyer]) < 0.01, buyer


async def test_a_crowd_at_the_tills_while_alipay_dies_twice_is_charged_once_each(house: House, shop: Shop) -> None:
    before = await house.alipay.balance("anna")
    crowd: list[Watched] = []
    codes = [await house.alipay.code() for _ in range(24)]
    for death in range(2):
        tills = [asyncio.create_task(scan(house, shop, code)) for code in codes[death * 12 : death * 12 + 12]]
        await asyncio.wait(tills, return_when=asyncio.FIRST_COMPLETED)
        house.alipay.kill()
        crowd += await asyncio.gather(*tills)
        await restart(house)
    for watched in crowd:
        await watched.follow()
    statuses = {await watched.status() for watched in crowd}
    assert statuses == {Status.SUCCEEDED}
    await house.assert_books_agree(shop)
    (paid,) = {trade["amount_cny"] for trade in (await house.alipay.trades(shop.account.partner)).values()
               if trade["out_trade_no"] in {watched.number for watched in crowd}}  # fmt: skip
    assert abs(before - await house.alipay.balance("anna") - 24 * float(paid)) < 0.01
