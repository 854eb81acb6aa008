"""Money of a counter's order given back: found again, whole or by dish, by two people, and the kitchen told."""

from __future__ import annotations

import asyncio
import re

import pytest

from saoma.fastfood import counter
from saoma.fastfood.model import KIND, CounterOrder, OrderStatus, Stage
from saoma.fastfood.reckoning import stage
from saoma.food.kitchen import tickets as kitchen
from saoma.food.model import LineStatus
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.money import Money
from saoma.payments.model import Payment
from tests.fastfood.make import Browser, House, browser, fields, house
from tests.fastfood.test_arrivals import types
from tests.identity import make as identity


@pytest.fixture
async def shop(database: Database, clock: MovableClock) -> House:
    return await house(database, clock)


async def sold(shop: House, *codes: str) -> tuple[CounterOrder, Payment]:
    """An order that is paid and in the kitchen."""
    order = await shop.begin(*codes)
    return order, await shop.scans(order)


async def gives_back(at: Browser, order: CounterOrder, payment: Payment, **form: object) -> str:
    """Send the dialog."""
    key = fields(await at.get(f"/counter/orders/{order.id}"), "key")
    answer = await at.post(f"/counter/orders/{order.id}/payments/{payment.id}/refund", key | form)
    return answer.text


async def cooks(shop: House) -> dict[str, str]:
    """What the kitchen sees of each dish."""
    async with shop.db.reading() as rows:
        tickets = await kitchen.tickets(rows, shop.store_id)
    return {line.name: line.status.value for ticket in tickets for line in ticket.lines}


async def test_an_order_of_today_is_found_by_number_amount_and_what_is_on_its_receipt(shop: House) -> None:
    first, paid = await sold(shop, "beef", "tea")
    await sold(shop, "tea")
    async with browser(shop) as at:
        for wanted in ("1", "#1", "11.50", paid.order_number, f"https://shop/receipt/{paid.id}?k=abc"):
            found = await at.client.get("/counter/today", params={"q": wanted}, headers={"HX-Request": "true"})
            assert re.findall(r'data-number="(\d+)"', found.text) == ["1"], wanted
        assert re.findall(r'data-number="(\d+)"', await at.get("/counter/today")) == ["2", "1"]
        none = await at.client.get("/counter/today", params={"q": "77.77"}, headers={"HX-Request": "true"})
        assert "No order of today fits" in none.text
    assert first.number == 1


async def test_a_dish_is_given_back_once_and_the_kitchen_stops_making_it(shop: House) -> None:
    order, payment = await sold(shop, "beef", "tea")
    tea = next(line for line in await shop.lines(order) if line.name == "Jasmine tea")
    manager = await identity.staff(shop.db, shop.shop, Role.MANAGER)
    async with browser(shop, staff=manager) as at:
        wish = {"line": tea.id, "reason": "no tea left", "stop": "on"}
        html = await gives_back(at, order, payment, **wish)
        assert 'data-testid="struck"' in html and "$2.00 given back" in html
        # Pressed again, with a page of its own: it was given back already.
        await gives_back(at, order, payment, **wish)
    async with browser(shop, staff=await identity.staff(shop.db, shop.shop, Role.OWNER)) as other:
        await gives_back(other, order, payment, **wish)
    refunds = await shop.payments.refunds_of(payment.id)
    assert [one.amount for one in refunds] == [200] and refunds[0].lines == [tea.id]
    assert (await cooks(shop))["Jasmine tea"] == "void" and (await cooks(shop))["Beef noodles"] == "sent"
    assert await shop.broken_rules() == {}


async def test_a_whole_order_called_off_leaves_the_board_and_costs_nothing(shop: House) -> None:
    order, payment = await sold(shop, "beef", "tea")
    manager = await identity.staff(shop.db, shop.shop, Role.MANAGER)
    async with browser(shop, staff=manager) as at:
        html = await gives_back(at, order, payment, reason="changed their mind", stop="on")
        assert 'data-stage="cancelled"' in html and 'data-testid="surplus"' not in html
        assert 'data-testid="board-making"' not in await at.get(f"/board/{shop.store_id}")
    assert set((await cooks(shop)).values()) == {"void"}
    assert (await shop.payments.get(payment.id)).refunded == payment.amount
    assert await shop.broken_rules() == {}


@pytest.mark.parametrize("agreed", [True, False])
async def test_a_dish_of_a_refund_that_waits_is_made_until_a_second_person_agrees(
    shop: House,
    agreed: bool,  # noqa: FBT001
) -> None:
    order, payment = await sold(shop, "tea", "plain")
    tea = next(line for line in await shop.lines(order) if line.name == "Jasmine tea")
    async with browser(shop) as at:
        html = await gives_back(at, order, payment, line=tea.id, reason="spilt", stop="on")
        assert 'data-testid="refund-waits"' in html
        assert 'data-testid="struck"' not in html and 'data-testid="surplus"' not in html
        assert 'data-testid="refunds-waiting"' in await at.get("/counter/waiting", htmx=True)
    (refund,) = await shop.payments.refunds_of(payment.id)
    assert refund.status == "requested" and (await shop.payments.get(payment.id)).refunded == 0
    assert (await cooks(shop))["Jasmine tea"] == "sent", "nobody has decided yet"
    boss = await identity.staff(shop.db, shop.shop, Role.MANAGER)
    if agreed:
        await shop.checkout.approve_refund(refund, boss)
    else:
        await shop.checkout.refuse_refund(refund, boss, "it was not spilt")
    after = await shop.payments.get(payment.id)
    assert (after.refunded, (await cooks(shop))["Jasmine tea"]) == ((200, "void") if agreed else (0, "sent"))
    assert (await cooks(shop))["Plain noodles"] == "sent"
    async with shop.db.reading() as rows:
        assert not await rows.value("SELECT count(*) FROM counter_stops")


async def test_a_refund_without_a_reason_or_of_too_much_keeps_what_was_typed(shop: House) -> None:
    order, payment = await sold(shop, "tea")
    manager = await identity.staff(shop.db, shop.shop, Role.MANAGER)
    async with browser(shop, staff=manager) as at:
        html = await gives_back(at, order, payment, typed="1.23", reason="")
        assert "Write why" in html and "data-open-now" in html and 'value="1.23"' in html
        assert "more than what is left" in await gives_back(at, order, payment, typed="99", reason="all of it")
        assert await shop.payments.refunds_of(payment.id) == []


async def test_what_came_beyond_the_order_is_shown_and_proposed_to_be_given_back(shop: House) -> None:
    order = await shop.begin("tea")
    typed = await types(shop, "2.20")
    await shop.payments.arrivals.assign(typed.id, KIND, order.id, shop.cashier.id)
    manager = await identity.staff(shop.db, shop.shop, Role.MANAGER)
    async with browser(shop, staff=manager) as at:
        html = await at.get(f"/counter/orders/{order.id}")
        assert 'data-testid="give-surplus"' in html and 'value="0.20"' in html
        await gives_back(at, order, typed, typed="0.20", reason="more than it cost")
        assert 'data-testid="surplus"' not in await at.get(f"/counter/orders/{order.id}")
    assert (await shop.payments.get(typed.id)).refunded == 20


async def test_a_dish_given_back_does_not_settle_the_case_of_what_came_beyond_the_order(shop: House) -> None:
    order = await shop.begin("tea", "plain")
    typed = await types(shop, "10.00")
    await shop.payments.arrivals.assign(typed.id, KIND, order.id, shop.cashier.id)
    tea = next(line for line in await shop.lines(order) if line.name == "Jasmine tea")

    async def case() -> str:
        async with shop.db.reading() as rows:
            return str(await rows.value("SELECT status FROM cases WHERE kind = 'surplus'"))

    for number, (amount, lines, stands) in enumerate(((200, [tea.id], "open"), (50, [], "open"), (150, [], "closed"))):
        await shop.payments.refund(typed.id, Money(amount, "USD"), "cold", "stf", f"key {number}", lines)
        assert await case() == stands
    async with shop.db.reading() as rows:
        account = await counter.account(rows, await counter.order(rows, order.id))
    assert (account.surplus.minor, account.kept) == (0, 600)


def test_an_order_whose_dishes_were_all_called_off_is_over() -> None:
    assert stage(OrderStatus.PAID, [LineStatus.VOID, LineStatus.VOID]) is Stage.CANCELLED
    assert stage(OrderStatus.PAID, [LineStatus.VOID, LineStatus.SERVED]) is Stage.COLLECTED
    assert stage(OrderStatus.PAID, [LineStatus.VOID, LineStatus.SENT]) is Stage.MAKING


async def test_two_people_who_give_the_same_dish_back_at_once_do_it_once(shop: House) -> None:
    order, payment = await sold(shop, "tea", "plain")
    tea = next(line for line in await shop.lines(order) if line.name == "Jasmine tea")
    manager = await identity.staff(shop.db, shop.shop, Role.MANAGER)
    async with browser(shop, staff=manager) as one, browser(shop, staff=manager) as two:
        wish = {"line": tea.id, "reason": "cold"}
        await asyncio.gather(*(gives_back(at, order, payment, **wish) for at in (one, two)))
    assert (await shop.payments.get(payment.id)).money_refunded == Money.parse("2.00", "USD")
