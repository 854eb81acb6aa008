"""Counter orders on a real database: begun once, fired once, numbers that nobody else waits for."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from saoma.fastfood import board, counter, forgotten
from saoma.fastfood.model import CounterOrder, OrderStatus, Stage
from saoma.food.kitchen import tickets as kitchen
from saoma.food.menus.menu import set_sold_out
from saoma.food.model import LineStatus
from saoma.food.orders import ordering
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.due import drive_due
from saoma.kit.errors import Conflict, NotFound
from saoma.kit.money import Money
from saoma.payments.lifecycle import Status
from saoma.payments.model import Payment
from tests.fastfood.make import House, house


@pytest.fixture
async def shop(database: Database, clock: MovableClock) -> House:
    return await house(database, clock)


async def stage_of(shop: House, of: CounterOrder) -> Stage:
    from saoma.fastfood.reckoning import stage

    return stage((await shop.again(of)).status, [line.status for line in await shop.lines(of)])


async def test_an_order_goes_from_the_counter_through_the_kitchen_to_the_customer(shop: House) -> None:
    order = await shop.begin("beef", "tea")
    async with shop.db.reading() as rows:
        assert await kitchen.tickets(rows, shop.store_id) == []
    payment = await shop.scans(order)
    assert payment.status is Status.SUCCEEDED and payment.policy == "fast_food"
    async with shop.db.reading() as rows:
        (ticket,) = await kitchen.tickets(rows, shop.store_id)
        assert ticket.label == "#1" and len(ticket.lines) == 2
        shown = await board.numbers(rows, shop.store_id)
        assert [one.number for one in shown.making] == [1] and shown.ready == ()
    async with shop.db.transaction() as tx:
        await counter.make_ready(tx, order.id)
    async with shop.db.reading() as rows:
        shown = await board.numbers(rows, shop.store_id)
        assert [one.number for one in shown.ready] == [1] and shown.making == ()
    for _ in range(2):
        async with shop.db.transaction() as tx:
            await counter.collect(tx, order.id)
    async with shop.db.reading() as rows:
        shown = await board.numbers(rows, shop.store_id)
        best = await board.best_sellers(rows, shop.store_id, "Asia/Singapore")
    assert (shown.making, shown.ready) == ((), ())
    assert {one.name: one.sold for one in best} == {"Beef noodles": 1, "Jasmine tea": 1}
    assert await stage_of(shop, order) is Stage.COLLECTED
    assert await shop.broken_rules() == {}


async def test_a_bump_in_the_kitchen_calls_the_number_and_a_recall_takes_it_back(shop: House) -> None:
    order = await shop.begin("tea")
    await shop.takes_cash(order)
    for seen in (LineStatus.SENT, LineStatus.COOKING):
        async with shop.db.transaction() as tx:
            await kitchen.bump(tx, shop.store_id, order.tab_id, 1, seen)
    assert await stage_of(shop, order) is Stage.READY
    async with shop.db.transaction() as tx:
        await kitchen.recall(tx, shop.store_id, order.tab_id, 1, LineStatus.READY)
    assert await stage_of(shop, order) is Stage.MAKING


async def test_twenty_presses_begin_one_order_and_twenty_orders_get_twenty_numbers(shop: House) -> None:
    same = await asyncio.gather(*(shop.begin(key="one") for _ in range(20)))
    assert len({order.id for order in same}) == 1
    others = await asyncio.gather(*(shop.begin() for _ in range(20)))
    assert sorted(order.number for order in [same[0], *others]) == list(range(1, 22))


async def test_numbers_begin_anew_each_day_but_never_with_one_that_somebody_waits_for(shop: House) -> None:
    waiting = await shop.begin("tea")
    await shop.takes_cash(waiting)
    done = await shop.begin("tea")
    await shop.takes_cash(done)
    async with shop.db.transaction() as tx:
        await counter.collect(tx, done.id)
    shop.clock.advance(timedelta(days=1))
    assert (await shop.begin()).number == 2


async def test_two_tills_that_charge_at_once_take_the_money_once(shop: House) -> None:
    order = await shop.begin("beef")
    amount = await shop.left(order)
    answers = await asyncio.gather(
        *(shop.scans(order, amount, code=f"28123456789012345{n}") for n in range(4)), return_exceptions=True
    )
    assert sum(isinstance(answer, Payment) for answer in answers) == 1
    assert all(isinstance(answer, Conflict) for answer in answers if not isinstance(answer, Payment))
    assert [line.status for line in await shop.lines(order)] == [LineStatus.SENT]


async def test_nothing_is_added_or_taken_out_while_it_is_being_paid(shop: House) -> None:
    order = await shop.begin("beef")
    shop.alipay.buyer = "thinks"
    payment = await shop.scans(order)
    assert payment.status is Status.PENDING
    (line,) = await shop.lines(order)
    for refused in (
        shop.add(order, "tea"),
        _in(shop, lambda tx: counter.change(tx, order.id, line.id, 0, shop.clock.now())),
        _in(shop, lambda tx: counter.cancel(tx, order.id, shop.clock.now())),
        shop.scans(order, line.money),
    ):
        with pytest.raises(Conflict):
            await refused
    shop.alipay.buyer_pays(payment.order_number)
    shop.clock.advance(timedelta(seconds=6))
    await drive_due(shop.db, shop.payments.works(), shop.clock)
    assert (await shop.again(order)).status is OrderStatus.PAID
    assert (await shop.payments.get(payment.id)).amount == sum(line.amount for line in await shop.lines(order))


async def test_who_never_types_the_pin_is_asked_for_a_minute_then_cancelled_and_may_pay_again(shop: House) -> None:
    order = await shop.begin("beef")
    shop.alipay.buyer = "thinks"
    payment = await shop.scans(order)
    began = shop.clock.now()
    while (payment := await shop.payments.get(payment.id)).open and shop.clock.now() - began < timedelta(seconds=90):
        shop.clock.advance(timedelta(seconds=1))
        await drive_due(shop.db, shop.payments.works(), shop.clock)
    assert payment.status is Status.CANCELLED
    assert timedelta(seconds=59) <= shop.clock.now() - began <= timedelta(seconds=66)
    assert shop.alipay.count("query") >= 11
    assert (await shop.again(order)).status is OrderStatus.BUILDING
    assert [line.status for line in await shop.lines(order)] == [LineStatus.BASKET]
    await shop.takes_cash(order)
    assert (await shop.again(order)).status is OrderStatus.PAID
    assert await shop.broken_rules() == {}


async def test_a_sold_out_dish_is_refused_before_money_is_asked_for(shop: House) -> None:
    order = await shop.begin("beef", "tea")
    async with shop.db.transaction() as tx:
        await set_sold_out(tx, shop.dish("tea").id, sold_out=True)
    with pytest.raises(ordering.SoldOut):
        await shop.scans(order)
    assert shop.alipay.count("open") == 0
    assert (await shop.again(order)).status is OrderStatus.BUILDING


async def test_a_dish_that_sells_out_while_it_is_paid_is_still_made(shop: House) -> None:
    order = await shop.begin("tea")
    shop.alipay.buyer = "thinks"
    payment = await shop.scans(order)
    async with shop.db.transaction() as tx:
        await set_sold_out(tx, shop.dish("tea").id, sold_out=True)
    shop.alipay.buyer_pays(payment.order_number)
    await shop.payments.notified(payment.account_id, shop.alipay.outbox.pop())
    assert [line.status for line in await shop.lines(order)] == [LineStatus.SENT]


async def test_an_order_that_nobody_touched_for_long_is_given_up(shop: House) -> None:
    left_behind, paid = await shop.begin("tea"), await shop.begin("tea")
    await shop.takes_cash(paid)
    shop.clock.advance(timedelta(hours=3))
    await drive_due(shop.db, forgotten.works(shop.db, shop.clock), shop.clock)
    assert (await shop.again(left_behind)).status is OrderStatus.CANCELLED
    assert (await shop.again(paid)).status is OrderStatus.PAID
    with pytest.raises(Conflict):
        await shop.add(left_behind, "tea")


async def test_a_refund_forgives_and_takes_nothing_back_from_the_kitchen(shop: House) -> None:
    order = await shop.begin("tea")
    payment = await shop.takes_cash(order)
    await shop.payments.refund(payment.id, payment.money, "cold", shop.cashier.id, "key", [])
    assert (await shop.again(order)).status is OrderStatus.PAID
    assert await shop.left(await shop.again(order)) == Money(0, "USD")
    assert [line.status for line in await shop.lines(order)] == [LineStatus.SENT]
    assert await shop.broken_rules() == {}


async def test_an_unknown_order_and_another_stores_are_told_in_the_same_words(shop: House) -> None:
    order = await shop.begin("tea")
    async with shop.db.reading() as rows:
        for store, which in (("store_other", order.id), (shop.store_id, "ctr_none")):
            with pytest.raises(NotFound, match="no such order"):
                await counter.order_at(rows, store, which)


async def _in(shop: House, work: object) -> object:
    async with shop.db.transaction() as tx:
        return await work(tx)  # type: ignore[operator]
