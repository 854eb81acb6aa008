"""Orders made ahead: promised as far as the kitchen can keep it, fired once and in time, ended by their rules."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from saoma.food.menus.menu import set_sold_out
from saoma.food.model import LineStatus
from saoma.gateway import Method
from saoma.identity.model import Staff
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict, Invalid, NotAllowed
from saoma.kit.money import Money
from saoma.online import firing, orders, reckoning
from saoma.online.model import Mode, Pay, Status, Trouble
from saoma.payments.cases import CaseFilter, cases
from saoma.payments.lifecycle import Status as Paid
from saoma.payments.surplus import KnowsSurplus
from tests.online.make import ANNA, BEN, House, house


@pytest.fixture
async def of(database: Database, clock: MovableClock) -> House:
    return await house(database, clock)


async def test_an_order_paid_ahead_is_fired_in_time_and_once(of: House) -> None:
    made = await of.paid("tea")
    assert made.status is Status.PROMISED and made.number == 1 and made.fires_at is not None
    assert [line.status for line in await of.lines(made)] == [LineStatus.BASKET]
    of.clock.advance(made.fires_at - of.clock.now() - timedelta(seconds=1))
    await of.clock_works()
    assert (await of.again(made)).status is Status.PROMISED
    of.clock.advance(timedelta(seconds=1))
    await asyncio.gather(*(firing.look_at(of.db, of.payments, of.clock, made.id) for _ in range(3)))
    assert (await of.again(made)).status is Status.FIRED
    lines = await of.lines(made)
    assert [(line.status, line.round, line.paid) for line in lines] == [(LineStatus.SENT, 1, True)]
    await of.clock_works()
    assert await of.lines(made) == lines
    assert await of.broken_rules() == []


async def test_a_worker_that_comes_hours_late_fires_it_still_and_once(of: House) -> None:
    made = await of.paid("tea")
    await of.later(hours=3)
    assert (await of.again(made)).status is Status.FIRED
    await of.later(hours=3)
    assert [line.round for line in await of.lines(made)] == [1], "the kitchen is late: it is no no-show yet"
    assert (await of.again(made)).status is Status.FIRED


async def test_two_phones_cannot_take_the_last_place(of: House) -> None:
    """Four dishes fit: of three phones with two each that press at once, two get the time they all saw."""
    made = [await of.begin("tea", quantity=2) for _ in range(3)]
    at = await of.soonest(made[0])
    for one, buyer in zip(made, (ANNA, BEN, ANNA), strict=True):
        await of.writes(one, at, buyer_id=buyer)
    answers = await asyncio.gather(*(of.opens(one) for one in made), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert len(refused) == 1 and isinstance(refused[0], Conflict) and reckoning.SLOT_TAKEN in str(refused[0])
    assert sorted([(await of.again(one)).status for one in made]) == sorted(
        [Status.CHOOSING, Status.PAYING, Status.PAYING]
    )
    loser = next(one for one, answer in zip(made, answers, strict=True) if isinstance(answer, Exception))
    assert await of.soonest(loser) == at + timedelta(minutes=15)
    assert await of.broken_rules() == []


async def test_a_slot_is_held_while_its_payment_is_open_and_free_after_it_failed(of: House) -> None:
    first, second = await of.begin("tea", quantity=4), await of.begin("tea")
    at = await of.soonest(first)
    await of.writes(first, at)
    payment = await of.opens(first)
    assert await of.soonest(second) > at
    await of.payments.give_up(payment.id, "customer")
    await of.clock_works()
    assert (await of.payments.get(payment.id)).status is Paid.CANCELLED
    assert (await of.again(first)).status is Status.CHOOSING
    assert await of.soonest(second) == at
    assert await of.broken_rules() == []


async def test_money_never_stays_with_an_order_that_is_not_promised(of: House) -> None:
    """Money taken while the order stays unpaid: whatever came counts, at once, and is kept with the order."""
    made = await of.paid("tea")
    async with of.db.reading() as rows:
        money = await orders.account(rows, made)
    assert money.covered and not money.left and made.placed_at is not None
    with pytest.raises((Conflict, Invalid)):
        await of.opens(made)


async def test_a_press_that_is_repeated_opens_one_payment(of: House) -> None:
    made = await of.begin("tea")
    await of.writes(made)
    first = await of.opens(made, key="same")
    assert (await of.checkout.payments.of_payable("online_order", made.id))[0].id == first.id
    again = await of.checkout.pay_in_wallet(
        of.store_id, ANNA, first.money, "Order", "online_order", made.id, first.part, "same"
    )
    assert again.id == first.id


async def test_who_cancels_before_the_kitchen_begins_gets_everything_back(of: House) -> None:
    made = await of.paid("beef", "tea")
    async with of.db.transaction() as tx:
        off = await orders.call_off(tx, made.id, "customer", of.clock.now())
    assert off.giving_back
    # The process that cancelled dies here: a worker gives the money back, once.
    await asyncio.gather(*(firing.look_at(of.db, of.payments, of.clock, made.id) for _ in range(2)))
    await of.clock_works()
    payment = (await of.payments.of_payable("online_order", made.id))[0]
    assert payment.refunded == payment.amount and len(await of.payments.refunds_of(payment.id)) == 1
    assert await of.soonest(await of.begin("tea", quantity=4)) == made.slot_at
    assert await of.broken_rules() == []


def test_staff_call_off_no_more_money_than_they_may_give_back_alone() -> None:
    def person(role: Role) -> Staff:
        return Staff(id="stf", merchant_id="mer", name="Mei", login="mei", roles=[role], store_id="")

    reckoning.may_give_back(person(Role.MANAGER), Money.parse("200.00", "USD"))
    reckoning.may_give_back(person(Role.OWNER), Money.parse("200.01", "USD"))
    for role, kept in ((Role.MANAGER, "200.01"), (Role.CASHIER, "0.01")):
        with pytest.raises(NotAllowed):
            reckoning.may_give_back(person(role), Money.parse(kept, "USD"))


async def test_who_cancels_too_late_is_told_to_ask_the_staff(of: House) -> None:
    made = await of.paid("tea")
    await of.later(hours=1)
    with pytest.raises(Conflict, match="The kitchen has begun"):
        async with of.db.transaction() as tx:
            await orders.call_off(tx, made.id, "customer", of.clock.now())


@pytest.mark.parametrize(("rule", "back"), [("kept", False), ("refunded", True)])
async def test_nobody_came_ends_by_the_rule_that_was_told(of: House, rule: str, back: bool) -> None:  # noqa: FBT001
    await of.offers(no_show=rule)
    made = await of.paid("tea")
    await of.offers(no_show="kept" if back else "refunded")
    await of.later(hours=1)
    async with of.db.transaction() as tx:
        await orders.make_ready(tx, made.id, of.clock.now())
    of.clock.advance(timedelta(minutes=31))
    await of.clock_works()
    await of.clock_works()
    assert (await of.again(made)).status is Status.NO_SHOW
    payment = (await of.payments.of_payable("online_order", made.id))[0]
    assert payment.refunded == (payment.amount if back else 0)
    assert await of.broken_rules() == []


async def test_who_is_here_is_never_given_up(of: House) -> None:
    made = await of.paid("tea")
    await of.later(hours=1)
    async with of.db.transaction() as tx:
        await orders.make_ready(tx, made.id, of.clock.now())
        await orders.arrive(tx, made.id, of.clock.now(), "12")
    await of.later(hours=5)
    after = await of.again(made)
    assert after.status is Status.FIRED and after.table_name == "12"


async def test_sold_out_after_paying_is_put_before_a_person_and_never_cooked(of: House) -> None:
    """Sold-out dishes still sold: the kitchen never sees it, staff get a case, the customer is told."""
    made = await of.paid("beef", "tea")
    async with of.db.transaction() as tx:
        await set_sold_out(tx, of.dish("beef").id, sold_out=True)
    await of.later(hours=1)
    stuck = await of.again(made)
    assert (stuck.status, stuck.trouble, stuck.trouble_dish) == (Status.PROMISED, Trouble.SOLD_OUT, "Beef noodles")
    assert all(line.status is LineStatus.BASKET for line in await of.lines(made))
    async with of.db.reading() as rows:
        found = await cases(rows, CaseFilter(merchant_id=of.shop.merchant.id))
    assert [(case.kind, case.money) for case in found] == [("cannot_be_made", (await of.left_paid(made)))]
    async with of.db.transaction() as tx:
        off = await orders.call_off(tx, made.id, "staff", of.clock.now())
    await firing.give_back(of.db, of.payments, off)
    await of.clock_works()
    async with of.db.reading() as rows:
        assert await cases(rows, CaseFilter(merchant_id=of.shop.merchant.id)) == []
    assert await of.broken_rules() == []


async def test_a_person_may_make_it_anyway(of: House) -> None:
    made = await of.paid("tea")
    await of.offers(closed_on=of.clock.now().date())
    await of.later(hours=1)
    assert (await of.again(made)).trouble is Trouble.CLOSED
    async with of.db.transaction() as tx:
        after = await firing.fire(tx, await orders.lock(tx, made.id), "mei", of.clock.now(), anyway=True)
    assert after.status is Status.FIRED and not after.trouble
    assert await of.broken_rules() == []


async def test_an_order_paid_at_the_shop_is_handed_over_only_with_its_money(of: House) -> None:
    made = await of.promised("tea")
    assert made.status is Status.PROMISED and made.pay is Pay.LATER
    await of.later(hours=1)
    with pytest.raises(Conflict, match="Take the money first"):
        async with of.db.transaction() as tx:
            await orders.collect(tx, made.id, "mei", of.clock.now())
    paid = await of.takes_cash(made)
    assert paid.method is Method.CASH
    for _ in range(2):
        async with of.db.transaction() as tx:
            done = await orders.collect(tx, made.id, "mei", of.clock.now())
    assert done.status is Status.COLLECTED
    assert [(line.paid, line.status) for line in await of.lines(made)] == [(True, LineStatus.SERVED)]
    assert await of.broken_rules() == []


async def test_unpaid_food_that_nobody_fetched_is_on_no_bill(of: House) -> None:
    made = await of.promised("tea")
    await of.later(hours=1)
    async with of.db.transaction() as tx:
        await orders.make_ready(tx, made.id, of.clock.now())
    await of.later(hours=2)
    assert (await of.again(made)).status is Status.NO_SHOW
    assert [line.status for line in await of.lines(made)] == [LineStatus.VOID]
    assert await of.broken_rules() == []


async def test_codes_abused_from_home_promise_two_unpaid_orders_and_no_third(of: House) -> None:
    await of.promised("tea", buyer_id="")
    await of.promised("tea", buyer_id="")
    with pytest.raises(Conflict, match="not paid yet"):
        await of.promised("tea", buyer_id="")
    far = await of.soonest(await of.begin("tea")) + timedelta(hours=reckoning.UNPAID_HOURS)
    with pytest.raises(Conflict, match="next 3 hours only"):
        await of.promised("tea", slot_at=far, buyer_id="", phone="13900000000")
    assert (await of.promised("tea", buyer_id="", phone="13900000000")).status is Status.PROMISED


async def test_a_shop_wants_money_first_unless_its_owner_has_said_otherwise(of: House) -> None:
    async with of.db.transaction() as tx:
        await tx.run("UPDATE online_stores SET pay = DEFAULT")
    with pytest.raises(Conflict, match="only when they are paid"):
        await of.promised("tea")


async def test_one_wallet_keeps_two_times_from_others_and_no_third(of: House) -> None:
    """Opening payments that nobody pays must not fill the evening: each holds its time until it is given up."""
    made = [await of.begin("tea") for _ in range(3)]
    for one in made:
        await of.writes(one)
    first, _ = [await of.opens(one) for one in made[:2]]
    with pytest.raises(Conflict, match="paying for other orders"):
        await of.opens(made[2])
    assert (await of.opens(made[2], BEN)).buyer_id == BEN
    await of.payments.give_up(first.id, "customer")
    await of.clock_works()
    assert (await of.opens(made[0], key="again")).open
    assert await of.broken_rules() == []


async def test_late_money_is_kept_and_put_before_a_person_when_the_time_is_gone(of: House) -> None:
    made = await of.begin("tea", quantity=4)
    at = await of.soonest(made)
    await of.writes(made, at)
    payment = await of.opens(made)
    await of.payments.give_up(payment.id, "customer")
    await of.clock_works()
    other = await of.paid("tea", slot_at=at)
    assert other.slot_at == at
    async with of.db.transaction() as tx:
        # What a ruling does with money that came after its payment was cancelled.
        late = await of.payments.get(payment.id)
        await of.payments.hall.payables["online_order"].paid(tx, late)
    stuck = await of.again(made)
    assert (stuck.status, stuck.trouble) == (Status.CHOOSING, Trouble.LATE_MONEY)
    async with of.db.reading() as rows:
        assert [case.kind for case in await cases(rows, CaseFilter(merchant_id=of.shop.merchant.id))] == [
            "cannot_be_made"
        ]


async def test_a_basket_nobody_came_back_to_is_given_up(of: House) -> None:
    made = await of.begin("tea")
    await of.later(hours=1, minutes=59)
    assert (await of.again(made)).status is Status.CHOOSING
    await of.later(minutes=2)
    assert (await of.again(made)).status is Status.CANCELLED


async def test_the_kitchens_ticket_says_number_time_and_name(of: House) -> None:
    made = await of.begin("tea", mode=Mode.EAT_HERE)
    await of.writes(made)
    await of.money_arrives(await of.opens(made))
    async with of.db.transaction() as tx:
        await orders.arrive(tx, made.id, of.clock.now(), "12")
    after = await of.again(made)
    assert after.slot_at is not None
    async with of.db.reading() as rows:
        tab: Any = await rows.value("SELECT label || '|' || note || '|' || to_go FROM tabs")
    assert tab == "P1 12:15 · 12|Anna|false"


async def test_who_paid_twice_because_the_first_money_came_late_gets_exactly_that_back(of: House) -> None:
    made = await of.begin("tea")
    await of.writes(made)
    first = await of.opens(made)
    await of.payments.give_up(first.id, "customer")
    await of.clock_works()
    payable = of.payments.hall.payables["online_order"]
    assert isinstance(payable, KnowsSurplus)
    async with of.db.reading() as rows:
        assert not await payable.surplus(rows, first), "the order still wants it"
    await of.money_arrives(await of.opens(made))
    assert (await of.again(made)).status is Status.PROMISED
    async with of.db.transaction() as tx:
        late = await of.payments.get(first.id)
        assert await payable.surplus(tx, late) == late.money
        assert await payable.paid(tx, late) == late.money, "what a ruling makes of money that came after all"
        assert await payable.paid(tx, late) is None
