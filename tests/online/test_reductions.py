"""Offers, coupons and points on orders made ahead: explained before paying, for the time the food is for, and once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import msgspec
import pytest

from saoma.food.model import LineStatus
from saoma.food.orders import tabs
from saoma.food.orders.discounts import discounts_of
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict
from saoma.kit.money import Money
from saoma.marketing import coupons, points
from saoma.marketing.model import Mechanism, Offer, OfferStatus
from saoma.marketing.offers import store_offer, turn
from saoma.online import benefits, orders
from saoma.online.model import COLUMNS, OnlineOrder, Pay, Status
from saoma.online.visits import path_of
from tests.online import web
from tests.online.make import ANNA, BEN, House, house


@pytest.fixture
async def of(database: Database, clock: MovableClock) -> House:
    return await house(database, clock)


async def offered(of: House, mechanism: Mechanism, **values: object) -> Offer:
    about = {"id": "", "store_id": of.store_id, "name": "Quiet hours", "name_zh": "闲时特惠", "mechanism": mechanism}
    async with of.db.transaction() as tx:
        return await store_offer(tx, msgspec.convert(about | values, Offer), of.clock.now(), "staff_a")


async def code_for(of: House, **values: object) -> str:
    voucher = await offered(of, Mechanism.AMOUNT, needs_coupon=True, **values)
    async with of.db.transaction() as tx:
        batch = await coupons.make_batch(tx, of.store_id, voucher.id, 1, of.clock.now())
        return (await coupons.codes(tx, voucher.id, batch))[0].code


async def enters(of: House, order: OnlineOrder, code: str) -> Money:
    async with of.db.transaction() as tx:
        return await benefits.enter_coupon(tx, order.id, code, of.clock.now(), None)


async def taken_off(of: House, order: OnlineOrder) -> int:
    async with of.db.reading() as rows:
        return sum(one.amount.minor for one in await discounts_of(rows, order.tab_id))


async def test_a_happy_hour_is_for_who_eats_in_it_and_the_phone_says_so_on_every_page(of: House) -> None:
    await offered(of, Mechanism.PERCENT, percent=20, from_time="14:00:00", until_time="17:00:00")
    root = path_of((await of.offer()).code)
    async with web.browser(of, web.app(of), agent=web.ALIPAY, lang="zh") as phone:
        await phone.get(f"/buyer-is/{ANNA}/{of.shop.account_id}")
        menu = await phone.get(root)
        await phone.post(f"{root}/add", {"item": of.dish("tea").id, "quantity": "2", **web.fields(menu)})
        assert "闲时特惠" not in await phone.get(f"{root}/place"), "the soonest time is not in the happy hour"
        when = await phone.get(f"{root}/when")
        slot = next(at for at in web.slots(when) if at.astimezone(web.zone(of)).hour == 15)
        await phone.post(f"{root}/when", {"mode": "eat_here", "slot": slot.isoformat()})
        for path in ("basket", "place"):
            page = await phone.get(f"{root}/{path}")
            assert "闲时特惠" in page and "全场 8 折，17:00 前" in page and "−US$0.80" in page and "US$3.20" in page, (
                path
            )
        said = {**web.fields(page), "pay": "ahead", "name": "小艾", "phone": "13800000000"}
        assert said["shown"] == "320"
        paying = await phone.post(f"{root}/place", said)
        payment = await of.payments.get(paying.headers["location"][5:].partition("?")[0])
        assert payment.amount == 320
        await of.money_arrives(payment)
        (order,) = [order for order in await _placed(of) if order.status is Status.PROMISED]
        page = await phone.get(f"{root}/o/{order.token}")
        assert "闲时特惠" in page and "−US$0.80" in page and "已付" in page
    await of.later(days=1)
    assert await of.broken_rules() == []


async def _placed(of: House) -> list[OnlineOrder]:
    async with of.db.reading() as rows:
        return await rows.rows(OnlineOrder, f"SELECT {COLUMNS} FROM online_orders")


async def test_a_coupon_that_leaves_nothing_to_pay_places_the_order_with_one_press_and_it_is_cooked_once(
    of: House,
) -> None:
    code = await code_for(of, amount=10_000)
    root = path_of((await of.offer()).code)
    async with web.browser(of, web.app(of)) as phone:
        menu = await phone.get(root)
        await phone.post(f"{root}/add", {"item": of.dish("tea").id, **web.fields(menu)})
        refused = await phone.post(f"{root}/coupon", {"coupon": "ABCD"})
        assert "There is no such coupon code." in refused.text and 'value="ABCD"' in refused.text
        assert "points" in (await phone.post(f"{root}/points", {})).text, "points are for who Alipay knows"
        for _ in range(2):
            assert "−$2.00" in (await phone.post(f"{root}/coupon", {"coupon": code})).text
        page = await phone.get(f"{root}/place")
        assert "Order it, nothing to pay" in page and "pay-ahead" not in page and "pay-later" not in page
        said = {**web.fields(page), "pay": "ahead", "name": "Li Lei", "phone": "13800000000"}
        where = (await phone.post(f"{root}/place", said)).headers["location"]
        assert (await phone.post(f"{root}/place", said)).headers["location"] == root, "pressed twice, placed once"
        page = await phone.get(where)
        assert 'data-stage="received"' in page and "Nothing to pay" in page and "Pay $" not in page
    (order,) = await _placed(of)
    await of.later(hours=1)
    order = await of.again(order)
    assert order.status is Status.FIRED and [line.status for line in await of.lines(order)] == [LineStatus.SENT]
    async with of.db.transaction() as tx:
        assert (await tabs.tab(tx, order.tab_id)).status == "settled"
        await orders.collect(tx, order.id, "staff_a", of.clock.now())
    assert await of.payments.of_payable("online_order", order.id) == []
    assert await of.broken_rules() == []


async def test_who_cancels_or_never_comes_back_gives_coupon_and_budget_back(of: House) -> None:
    code = await code_for(of, amount=150)
    offer = await offered(of, Mechanism.PERCENT, percent=10, budget=1000)
    first = await of.begin("beef")
    assert await enters(of, first, code) == Money(150, "USD")
    with pytest.raises(Conflict):
        await enters(of, await of.begin("tea"), code)
    async with of.db.transaction() as tx:
        await orders.call_off(tx, first.id, "customer", of.clock.now())
    second = await of.begin("beef")
    assert await enters(of, second, code) == Money(150, "USD"), "it is free again"
    await of.later(hours=3)
    assert (await of.again(second)).status is Status.CANCELLED
    async with of.db.reading() as rows:
        assert await rows.value("SELECT count(*) FROM coupons WHERE tab_id IS NOT NULL") == 0
        given = "SELECT coalesce(sum(amount), 0)::bigint FROM offer_uses WHERE offer_id = %(id)s"
        assert await rows.value(given, {"id": offer.id}) == 0


async def test_what_was_promised_or_is_being_paid_keeps_its_price_when_the_offer_ends(of: House) -> None:
    offer = await offered(of, Mechanism.PERCENT, percent=50)
    later = await of.promised("beef", name="Ben", phone="13900000000", buyer_id=BEN)
    paying = await of.begin("beef")
    await of.writes(paying)
    payment = await of.opens(paying)
    draft = await of.begin("beef")
    half = payment.amount
    async with of.db.transaction() as tx:
        await turn(tx, of.store_id, offer.id, OfferStatus.ENDED, of.clock.now())
        for order in (later, paying, draft):
            fresh = await orders.order(tx, order.id)
            await benefits.settle(tx, order.id, fresh.mode, of.clock.now(), fresh.slot_at)
    await of.money_arrives(payment)
    assert [await taken_off(of, order) for order in (later, paying, draft)] == [half, half, 0]
    assert (await of.takes_cash(later)).amount == half
    assert (await of.again(paying)).status is Status.PROMISED and not await of.left(paying)
    await of.later(hours=2)
    assert await of.broken_rules() == []


async def test_points_are_spent_on_an_order_ahead_kept_and_returned_when_it_is_off(of: House) -> None:
    async with of.db.transaction() as tx:
        await points.set_rule(tx, of.store_id, points.Rule(basis_points=1000, days=30, running=True))
    payment = await of.money_arrives(await of.opens(await of.writes(await of.begin("beef"))))
    async with of.db.transaction() as tx:
        await points.Collected(of.clock).payment_moved(tx, payment)
    has = payment.amount // 10
    order = await of.begin("beef", quantity=2)

    async def balance() -> int:
        async with of.db.reading() as rows:
            return await points.balance(rows, of.store_id, ANNA, of.clock.now())

    async def does(what: Callable[..., Awaitable[object]]) -> None:
        async with of.db.transaction() as tx:
            await what(tx, order.id, of.clock.now(), None, ANNA)

    assert await balance() == has
    for _ in range(2):
        await does(benefits.use_points)
    assert (await balance(), await taken_off(of, order)) == (0, has)
    await does(benefits.keep_points)
    assert (await balance(), await taken_off(of, order)) == (has, 0)
    await does(benefits.use_points)
    await of.writes(order, order.opened_at + timedelta(hours=2), Pay.LATER)
    async with of.db.transaction() as tx:
        await orders.promise(tx, order.id, of.clock.now())
        await orders.call_off(tx, order.id, "customer", of.clock.now())
    assert await balance() == has
