"""Payments and a sitting's bill, on a real database: held under one lock, covered exactly, let go completely."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saoma.food.model import TabStatus
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.due import drive_due
from saoma.kit.errors import Conflict, Refused
from saoma.kit.money import Money
from saoma.payments.lifecycle import Status
from saoma.payments.model import Payment
from saoma.restaurant import sittings
from saoma.restaurant.bill import AnyAmount, Choice, OwnDishes, Whole
from saoma.restaurant.bills import open_bills
from saoma.restaurant.receipts import receipt_lines
from tests.restaurant.make import ANNA, BEN, Restaurant, restaurant


@pytest.fixture
async def house(database: Database, clock: MovableClock) -> Restaurant:
    return await restaurant(database, clock)


async def told(house: Restaurant, topic: str) -> list[str]:
    async with house.db.reading() as rows:
        found = await rows.connection.execute("SELECT kind FROM live_events WHERE topic = %s ORDER BY id", (topic,))
        return [row["kind"] for row in await found.fetchall()]


async def test_twenty_phones_that_pay_the_whole_bill_at_once_open_one_payment(house: Restaurant) -> None:
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, "beef", "tea")
    answers = await asyncio.gather(*(house.pays(sitting, Whole()) for _ in range(20)), return_exceptions=True)
    opened = [answer for answer in answers if isinstance(answer, Payment)]
    assert len(opened) == 1
    assert all(isinstance(answer, Conflict) for answer in answers if not isinstance(answer, Payment))
    bill = await house.bill(sitting)
    assert bill.held == bill.ordered


async def test_many_small_amounts_at_once_stop_exactly_at_the_bill(house: Restaurant) -> None:
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, "beef")  # 9.50
    two = AnyAmount(Money(200, "USD"))
    portion = (await house.bill(sitting)).portion(two)
    wishes = [house.new_payment(sitting, portion.amount, {"choice": "amount", "lines": []}) for _ in range(8)]
    answers = await asyncio.gather(*(house.payments.start(wish) for wish in wishes), return_exceptions=True)
    assert sum(isinstance(answer, Payment) for answer in answers) == 4
    assert (await house.bill(sitting)).left.minor == 150


async def test_own_dishes_of_two_people_are_held_side_by_side(house: Restaurant) -> None:
    sitting, anna = await house.sit(ANNA)
    _, ben = await house.sit(BEN)
    await house.eats(sitting, anna, "beef")
    await house.eats(sitting, ben, "tea")
    first, second = await asyncio.gather(
        house.pays(sitting, OwnDishes(anna.id), ANNA), house.pays(sitting, OwnDishes(ben.id), BEN)
    )
    assert (first.amount, second.amount) == (950, 200)
    assert not (await house.bill(sitting)).left


async def test_a_part_that_is_let_go_can_be_paid_by_someone_else(house: Restaurant) -> None:
    sitting, anna = await house.sit(ANNA)
    lines = await house.eats(sitting, anna, "beef")
    payment = await house.pays(sitting, Whole())
    with pytest.raises(Conflict):
        await house.payments.start(house.new_payment(sitting, payment.money, {"choice": "dishes", "lines": lines}))
    ended = await house.payments.give_up(payment.id, by="anna")
    assert ended.status is Status.CANCELLED
    assert (await house.bill(sitting)).left.minor == 950
    again = await house.pays(sitting, Whole(), BEN)
    await house.money_arrives(again)
    assert (await house.bill(sitting)).covered


async def test_an_unpaid_payment_that_runs_out_gives_its_part_back(house: Restaurant) -> None:
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, "beef")
    payment = await house.pays(sitting, Whole())
    for _ in range(400):
        house.clock.advance(timedelta(seconds=15))
        await drive_due(house.db, house.payments.works(), house.clock)
        if (await house.payments.get(payment.id)).final:
            break
    assert (await house.payments.get(payment.id)).status is Status.CANCELLED
    assert (await house.bill(sitting)).left.minor == 950


async def test_the_tab_is_settled_when_the_bill_is_covered_and_not_before(house: Restaurant) -> None:
    sitting, anna = await house.sit(ANNA)
    _, ben = await house.sit(BEN)
    await house.eats(sitting, anna, "beef")
    await house.eats(sitting, ben, "tea")
    await house.money_arrives(await house.pays(sitting, OwnDishes(anna.id)))
    async with house.db.reading() as rows:
        assert (await sittings.ordering.tab(rows, sitting.tab_id)).status is TabStatus.OPEN
    assert (await house.again(sitting)).covered_at is None
    await house.money_arrives(await house.pays(sitting, Whole(), BEN))
    async with house.db.reading() as rows:
        assert (await sittings.ordering.tab(rows, sitting.tab_id)).status is TabStatus.SETTLED
        assert all(line.paid for line in await sittings.ordering.lines(rows, sitting.tab_id))
    assert (await house.again(sitting)).covered_at is not None


async def test_money_that_arrives_while_a_dish_waits_in_the_basket_does_not_lose_the_dish(house: Restaurant) -> None:
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, "beef")
    payment = await house.pays(sitting, Whole())
    async with house.db.transaction() as tx:
        await sittings.ordering.add_line(tx, sitting.tab_id, house.dish("tea").id, [], 1, anna.id, "", "later")
    await house.money_arrives(payment)
    assert (await house.bill(sitting)).covered
    await sittings.ordering.order(house.db, sitting.tab_id, anna.id)
    bill = await house.bill(sitting)
    assert (bill.left.minor, bill.covered) == (200, False)


async def test_a_repeated_notice_pays_once(house: Restaurant) -> None:
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, "beef")
    payment = await house.pays(sitting, Whole())
    house.alipay.buyer_pays(payment.order_number)
    notice = house.alipay.outbox[0]
    for _ in range(3):
        await house.payments.notified(payment.account_id, notice)
    assert (await house.bill(sitting)).paid.minor == 950


async def test_phones_and_till_are_told_of_each_step(house: Restaurant) -> None:
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, "beef")
    before = (await told(house, sitting.topic)).count("bill")
    payment = await house.pays(sitting, Whole())
    held = (await told(house, sitting.topic)).count("bill")
    assert held > before
    await house.money_arrives(payment)
    assert (await told(house, sitting.topic)).count("bill") > held
    assert "bill" in await told(house, f"till:{house.store_id}")


async def test_a_refund_is_kept_with_its_share_and_leaves_the_bill_covered(house: Restaurant) -> None:
    sitting, anna = await house.sit(ANNA)
    lines = await house.eats(sitting, anna, "beef", "tea")
    payment = await house.money_arrives(await house.pays(sitting, Whole()))
    await house.payments.refund(payment.id, Money(200, "USD"), "cold tea", "stf", "key 1", [lines[1]])
    bill = await house.bill(sitting)
    assert bill.refunded.minor == 200
    assert bill.covered
    assert not bill.left


async def test_money_that_went_back_because_nobody_owed_it_pays_for_no_dessert(house: Restaurant) -> None:
    """Split evenly, then a dish is struck and its money given back: what is ordered afterwards is owed in full."""
    sitting, anna = await house.sit(ANNA)
    tea, _ = await house.eats(sitting, anna, "tea", "plain")
    payment = await house.money_arrives(await house.pays(sitting, AnyAmount(Money(800, "USD"))))
    async with house.db.transaction() as tx:
        await sittings.ordering.void_line(tx, tea, "stf", "never came")
        await sittings.reckon(tx, await sittings.lock(tx, sitting.id), house.clock.now())
    assert (await house.bill(sitting)).surplus_of(payment.id) == Money(200, "USD")
    await house.payments.refund(payment.id, Money(150, "USD"), "never came", "stf", "key 1")
    assert (await house.bill(sitting)).surplus_of(payment.id) == Money(50, "USD")
    await house.payments.refund(payment.id, Money(50, "USD"), "the rest", "stf", "key 2")
    bill = await house.bill(sitting)
    assert (bill.covered, bill.surplus.minor, bill.surplus_of(payment.id).minor) == (True, 0, 0)
    await house.eats(sitting, anna, "tea")
    bill = await house.bill(sitting)
    assert (bill.left, bill.covered) == (Money(200, "USD"), False)
    async with house.db.reading() as rows:
        (tile,) = await open_bills(rows, house.store_id)
        assert tile.left == bill.left
    # A refund for dishes that stay on the bill forgives as before.
    rest = await house.money_arrives(await house.pays(sitting, Whole()))
    await house.payments.refund(rest.id, Money(200, "USD"), "cold", "stf", "key 3")
    assert not (await house.bill(sitting)).left


async def test_nothing_can_be_paid_on_a_closed_bill(house: Restaurant) -> None:
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, "tea")
    await house.money_arrives(await house.pays(sitting, Whole()))
    async with house.db.transaction() as tx:
        await sittings.close(tx, sitting.id, house.clock.now(), by="staff")
    with pytest.raises(Conflict):
        await house.payments.start(house.new_payment(sitting, Money(100, "USD"), {"choice": "amount", "lines": []}))


async def test_a_bill_with_an_open_payment_cannot_be_closed(house: Restaurant) -> None:
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, "tea")
    await house.pays(sitting, Whole())
    with pytest.raises(Conflict):
        async with house.db.transaction() as tx:
            await sittings.close(tx, sitting.id, house.clock.now(), by="staff")


async def test_a_receipt_lists_the_dishes_its_payment_covered(house: Restaurant) -> None:
    sitting, anna = await house.sit(ANNA)
    _, ben = await house.sit(BEN)
    await house.eats(sitting, anna, "beef")
    await house.eats(sitting, ben, "tea")
    payment = await house.pays(sitting, OwnDishes(anna.id))
    async with house.db.reading() as rows:
        said = await receipt_lines(rows, payment)
    assert [(line.name, line.name_zh, line.note, line.amount.minor) for line in said.lines] == [
        ("Beef noodles", "牛肉面", "Regular", 950)
    ]
    assert (said.title, said.title_zh) == ("Table 1", "1 号桌")
    assert said.part
    assert said.back == f"/t/{house.tables[0].code}"


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["order", "whole", "mine", "amount", "pay", "let_go", "both_pay"]),
        st.sampled_from([ANNA, BEN]),
        st.integers(1, 1500),
    ),
    min_size=4,
    max_size=14,
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=STEPS)
async def test_whatever_two_people_do_a_bill_is_never_overpaid(
    house: Restaurant, steps: list[tuple[str, str, int]]
) -> None:
    async with house.db.transaction() as tx:
        table = await sittings_table(house, tx)
    people = {}
    for buyer in (ANNA, BEN):
        async with house.db.transaction() as tx:
            sitting, guest = await sittings.join(tx, table, buyer, "", house.clock.now())
        people[buyer] = guest
    opened: list[Payment] = []

    async def pay(buyer: str, choice: Choice) -> None:
        with contextlib.suppress(Refused):
            opened.append(await house.pays(sitting, choice, buyer))

    for what, buyer, minor in steps:
        match what:
            case "order":
                await house.eats(sitting, people[buyer], "tea" if minor % 2 else "plain")
            case "whole":
                await pay(buyer, Whole())
            case "mine":
                await pay(buyer, OwnDishes(people[buyer].id))
            case "amount":
                await pay(buyer, AnyAmount(Money(minor, "USD")))
            case "both_pay":
                await asyncio.gather(pay(ANNA, OwnDishes(people[ANNA].id)), pay(BEN, Whole()))
            case "pay" if opened:
                await house.money_arrives(opened.pop(0))
            case "let_go" if opened:
                await house.payments.give_up(opened.pop(0).id, by=buyer)
        bill = await house.bill(sitting)
        assert bill.paid + bill.held <= bill.ordered
        assert bill.paid + bill.held + bill.left == bill.ordered
        assert ((await house.again(sitting)).covered_at is not None) == bill.covered or not bill.shares
    for payment in opened:
        await house.money_arrives(payment)
    if (await house.bill(sitting)).left:
        await house.money_arrives(await house.pays(sitting, Whole()))
    bill = await house.bill(sitting)
    assert bill.paid == bill.ordered
    async with house.db.reading() as rows:
        sales = await rows.value(
            "SELECT coalesce(sum(amount), 0)::bigint FROM postings WHERE kind = 'sale' AND payment_id IN"
            " (SELECT id FROM payments WHERE payable_id = %(id)s)",
            {"id": sitting.id},
        )
    assert sales == bill.ordered.minor


async def sittings_table(house: Restaurant, tx: object) -> str:
    """A table nobody has used: every example begins with an empty one."""
    from saoma.kit.ids import new_id
    from saoma.restaurant.tables import add_table

    return (await add_table(tx, house.store_id, new_id("t"), house.clock.now())).code  # type: ignore[arg-type]
