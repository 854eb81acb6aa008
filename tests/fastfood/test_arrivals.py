"""Money that a customer typed at the counter's printed code, and the orders that it may be for."""

from __future__ import annotations

import pytest

from saoma.fastfood import counter
from saoma.fastfood.model import KIND, CounterOrder, OrderStatus
from saoma.food.model import LineStatus
from saoma.gateway import SecondaryMerchant
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.errors import NotFound
from saoma.kit.money import Money
from saoma.payments.arrivals import waiting_at
from saoma.payments.cases import CaseFilter, Kind, Move, cases
from saoma.payments.codes import NewCode
from saoma.payments.model import Payment
from saoma.payments.ruling import Rulings
from tests.fastfood.make import House, browser, house


@pytest.fixture
async def shop(database: Database, clock: MovableClock) -> House:
    return await house(database, clock)


async def types(shop: House, amount: str) -> Payment:
    """A customer scans the code on the counter and types `amount`."""
    at = shop.shop
    told = SecondaryMerchant(at.merchant.secondary_id, at.merchant.name, "5812", at.store.id, at.store.name)
    new = NewCode(
        merchant_id=at.merchant.id,
        store_id=at.store.id,
        account_id=at.account_id,
        label=f"Counter {amount}",
        currency="USD",
        country="SG",
        shop=told,
    )
    code = await shop.payments.codes.create(new, "mei")
    number = shop.alipay.pays_at_counter(code.id, Money.parse(amount, "USD"))
    assert (await shop.payments.notified(at.account_id, shop.alipay.outbox.pop())).accepted
    payment = await shop.payments.of_order(at.account_id, number)
    assert payment is not None
    return payment


async def stands(shop: House, order: CounterOrder) -> tuple[OrderStatus, set[LineStatus]]:
    """The order's state and its dishes'."""
    return (await shop.again(order)).status, {line.status for line in await shop.lines(order)}


async def test_the_exact_amount_of_one_open_order_sends_that_order_to_the_kitchen(shop: House) -> None:
    order, other = await shop.begin("beef"), await shop.begin("tea")
    payment = await types(shop, "9.50")
    assert (payment.payable_kind, payment.payable_id) == (KIND, order.id)
    assert await stands(shop, order) == (OrderStatus.PAID, {LineStatus.SENT})
    assert await stands(shop, other) == (OrderStatus.BUILDING, {LineStatus.BASKET})
    assert await shop.broken_rules() == {}


async def test_two_orders_of_one_amount_wait_for_the_cashier_who_says_which(shop: House) -> None:
    order, other = await shop.begin("tea"), await shop.begin("tea")
    payment = await types(shop, "2.00")
    assert payment.payable_kind != KIND
    async with browser(shop) as at:
        assert "Which order?" in await at.get("/counter/waiting", htmx=True)
    await shop.payments.arrivals.assign(payment.id, KIND, other.id, shop.cashier.id)
    assert await stands(shop, other) == (OrderStatus.PAID, {LineStatus.SENT})
    assert await stands(shop, order) == (OrderStatus.BUILDING, {LineStatus.BASKET})
    async with shop.db.reading() as rows:
        assert await waiting_at(rows, shop.store_id) == []


async def test_too_little_keeps_the_order_open_for_the_rest_and_its_dishes_as_they_are(shop: House) -> None:
    order = await shop.begin("tea")
    payment = await types(shop, "1.50")
    await shop.payments.arrivals.assign(payment.id, KIND, order.id, shop.cashier.id)
    assert await stands(shop, order) == (OrderStatus.BUILDING, {LineStatus.BASKET})
    assert await shop.left(order) == Money(50, "USD")
    async with browser(shop) as at:
        page = await at.get(f"/counter/orders/{order.id}")
        assert "$0.50" in page and 'data-testid="cancel"' not in page
    await shop.takes_cash(order)
    assert await stands(shop, order) == (OrderStatus.PAID, {LineStatus.SENT})
    assert await shop.broken_rules() == {}


async def test_too_much_pays_the_order_and_shows_as_surplus_until_it_is_given_back(shop: House) -> None:
    order = await shop.begin("tea")
    payment = await types(shop, "2.20")
    await shop.payments.arrivals.assign(payment.id, KIND, order.id, shop.cashier.id)
    assert await stands(shop, order) == (OrderStatus.PAID, {LineStatus.SENT})
    async with browser(shop) as at:
        assert "more than the order costs" in await at.get(f"/counter/orders/{order.id}")
        await shop.payments.refund(payment.id, Money(20, "USD"), "too much", shop.cashier.id, "back", [])
        assert "more than the order costs" not in await at.get(f"/counter/orders/{order.id}")


async def test_an_order_that_is_being_paid_or_was_cancelled_takes_no_arriving_money(shop: House) -> None:
    paying, gone = await shop.begin("tea"), await shop.begin("tea")
    shop.alipay.buyer = "thinks"
    await shop.scans(paying)
    async with shop.db.transaction() as tx:
        await counter.cancel(tx, gone.id, shop.clock.now())
    payment = await types(shop, "2.00")
    assert payment.payable_kind != KIND
    for order in (paying, gone):
        with pytest.raises(NotFound):
            await shop.payments.arrivals.assign(payment.id, KIND, order.id, shop.cashier.id)


async def test_too_much_typed_at_the_printed_code_becomes_a_case_that_proposes_exactly_the_surplus(shop: House) -> None:
    order = await shop.begin("tea")
    payment = await types(shop, "2.20")
    await shop.payments.arrivals.assign(payment.id, KIND, order.id, shop.cashier.id)
    async with shop.db.reading() as rows:
        [case] = await cases(rows, CaseFilter())
    assert (case.kind, case.proposed, case.money) == (Kind.SURPLUS, Move.GIVE_BACK, Money(20, "USD"))
    await Rulings(shop.payments, above=500).rule(case.id, Move.GIVE_BACK, "stf_owner", "agreed")
    assert (await shop.payments.get(payment.id)).refunded == 20
    assert await stands(shop, order) == (OrderStatus.PAID, {LineStatus.SENT})


async def test_late_money_for_an_order_that_grew_and_is_paid_again_is_explained_to_the_cent(shop: House) -> None:
    order = await shop.begin("tea")
    shop.alipay.buyer = "thinks"
    first = await shop.scans(order)
    await shop.payments.give_up(first.id, shop.cashier.id)
    await shop.add(order, "tea")
    second = await shop.scans(order)
    payable = shop.payments.hall.payables[KIND]
    async with shop.db.transaction() as tx:
        late = await shop.payments.get(first.id)
        assert await payable.paid(tx, late) is None, "the second may yet bring nothing"
    shop.alipay.buyer_pays(second.order_number)
    await shop.payments.nudge(second.id)
    async with shop.db.reading() as rows:
        [case] = [one for one in await cases(rows, CaseFilter()) if one.kind == Kind.SURPLUS]
    assert (case.subject_id, case.money) == (second.id, late.money)
    assert await stands(shop, order) == (OrderStatus.PAID, {LineStatus.SENT})
