"""Offers, coupons and points on real bills: explained, once, and within their budgets when phones press at once."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import timedelta

import pytest

from saoma.food.orders import ordering
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict, NotFound, Refused
from saoma.kit.money import Money
from saoma.marketing import coupons, points
from saoma.marketing.applying import held_out
from saoma.marketing.model import Audience, Mechanism, Offer, OfferStatus
from saoma.marketing.offers import turn
from saoma.marketing.segments import add_segment, members
from saoma.payments.lifecycle import RefundStatus
from saoma.restaurant import moving, sittings
from saoma.restaurant.bill import OwnDishes, Whole
from saoma.restaurant.bills import open_bills
from saoma.restaurant.model import Guest, Sitting
from saoma.restaurant.offers import told
from saoma.restaurant.receipts import receipt_lines
from saoma.restaurant.shares import KIND, part_of
from saoma.restaurant.tips import TIP
from tests.food.make import wake
from tests.marketing.make import given_in_all, off, running_offer
from tests.restaurant.make import ANNA, BEN, Restaurant, restaurant


@pytest.fixture
async def house(database: Database, clock: MovableClock) -> Restaurant:
    return await restaurant(database, clock)


async def reckoned(house: Restaurant, sitting: Sitting) -> None:
    async with house.db.transaction() as tx:
        await sittings.reckon(tx, await sittings.lock(tx, sitting.id), house.clock.now())


async def entered(house: Restaurant, sitting: Sitting, code: str) -> Money:
    async with house.db.transaction() as tx:
        await sittings.lock(tx, sitting.id)
        known = told(await sittings.guests(tx, sitting.id), await sittings.shares(tx, sitting.id))
        return await coupons.enter(tx, sitting.tab_id, code, house.clock.now(), **known)


async def new_code(house: Restaurant, offer: Offer) -> str:
    async with house.db.transaction() as tx:
        batch = await coupons.make_batch(tx, house.store_id, offer.id, 1, house.clock.now())
        return (await coupons.codes(tx, offer.id, batch))[0].code


async def test_an_offer_explains_itself_on_the_bill_in_both_languages_and_the_receipt_adds_up(
    house: Restaurant,
) -> None:
    noodles = house.menu.sections[0].id
    await running_offer(house, Mechanism.PERCENT, percent=20, sections=[noodles], until_time="23:59:00")
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, "beef", "tea")
    (one,) = await off(house, sitting)
    assert (one.amount, one.called("zh")) == (Money(190, "USD"), "欢乐时光")
    assert one.explained("en") == "20% off Noodles until 23:59"
    assert one.explained("zh") == "面 8 折，23:59 前"
    bill = await house.bill(sitting)
    payment = await house.money_arrives(await house.pays(sitting, Whole()))
    assert payment.money == bill.ordered
    async with house.db.reading() as rows:
        paper = await receipt_lines(rows, payment)
    assert [line.name for line in paper.lines][-1] == "Happy hour"
    assert sum(line.amount.minor for line in paper.lines) == payment.amount


async def test_a_struck_dish_gives_its_part_of_the_budget_back(house: Restaurant) -> None:
    offer = await running_offer(house, Mechanism.PERCENT, percent=10, budget=150)
    sitting, anna = await house.sit(ANNA)
    beef, _ = await house.eats(sitting, anna, "beef", "plain")
    assert await given_in_all(house, offer) == 150
    assert "what was left" in (await off(house, sitting))[0].why
    async with house.db.transaction() as tx:
        await ordering.void_line(tx, beef, "staff_a", "cold")
    await reckoned(house, sitting)
    assert await given_in_all(house, offer) == 60


async def test_tables_that_order_at_once_never_give_more_than_the_budget(house: Restaurant) -> None:
    offer = await running_offer(house, Mechanism.AMOUNT, amount=300, budget=700)
    tables = [await house.sit(f"buyer_{number}", table=number) for number in range(3)]
    await wake(house.db)
    await asyncio.gather(*(house.eats(sitting, guest, "beef") for sitting, guest in tables))
    assert await given_in_all(house, offer) == 700
    amounts = [one.amount.minor for sitting, _ in tables for one in await off(house, sitting)]
    assert sorted(amounts) == [100, 300, 300]


async def test_paid_dishes_keep_their_discount_when_the_offer_ends(house: Restaurant) -> None:
    offer = await running_offer(house, Mechanism.PERCENT, percent=10)
    sitting, anna = await house.sit(ANNA)
    _, ben = await house.sit(BEN)
    await house.eats(sitting, anna, "beef")
    await house.eats(sitting, ben, "plain")
    await house.money_arrives(await house.pays(sitting, OwnDishes(anna.id), ANNA, anna.id))
    async with house.db.transaction() as tx:
        await turn(tx, house.store_id, offer.id, OfferStatus.ENDED, house.clock.now())
    await reckoned(house, sitting)
    (one,) = await off(house, sitting)
    assert one.amount.minor == 95
    bill = await house.bill(sitting)
    assert (bill.left.minor, bill.surplus.minor) == (600, 0)


async def test_a_coupon_entered_by_two_phones_at_once_is_used_on_one_bill(house: Restaurant) -> None:
    offer = await running_offer(house, Mechanism.AMOUNT, amount=200, needs_coupon=True)
    code = await new_code(house, offer)
    tables = [await house.sit(f"buyer_{number}", table=number) for number in range(2)]
    for sitting, guest in tables:
        await house.eats(sitting, guest, "beef")
        assert await off(house, sitting) == []
    await wake(house.db)
    answers = await asyncio.gather(
        *(entered(house, sitting, coupons.printed(code).lower()) for sitting, _ in tables), return_exceptions=True
    )
    assert [each for each in answers if isinstance(each, Money)] == [Money(200, "USD")]
    assert [str(each) for each in answers if isinstance(each, Conflict)] == [coupons.USED]
    assert len([one for sitting, _ in tables for one in await off(house, sitting)]) == 1


async def test_a_coupon_that_does_not_fit_says_why_and_stays_free(house: Restaurant) -> None:
    save = await running_offer(house, Mechanism.SPEND_SAVE, threshold=1500, amount=300, needs_coupon=True)
    code = await new_code(house, save)
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, "beef")
    with pytest.raises(NotFound):
        await entered(house, sitting, "NOSUCHCODE22")
    with pytest.raises(Conflict) as refusal:
        await entered(house, sitting, code)
    assert refusal.value.values == {"amount": Money(550, "USD")}
    await house.eats(sitting, anna, "plain")
    assert await entered(house, sitting, code) == Money(300, "USD")
    assert await entered(house, sitting, code) == Money(300, "USD")


async def test_a_second_code_of_an_offer_is_kept_for_another_bill(house: Restaurant) -> None:
    voucher = await running_offer(house, Mechanism.AMOUNT, amount=200, needs_coupon=True)
    one, two = await new_code(house, voucher), await new_code(house, voucher)
    (source, anna), (target, ben) = await house.sit(ANNA), await house.sit(BEN, table=1)
    await house.eats(source, anna, "beef")
    await house.eats(target, ben, "beef")
    assert await entered(house, source, one) == Money(200, "USD")
    with pytest.raises(Conflict, match="already"):
        await entered(house, source, two)
    assert await entered(house, target, two) == Money(200, "USD"), "it is still good"
    async with house.db.transaction() as tx:
        await moving.merge(tx, house.store_id, source.id, target.id, house.clock.now(), "staff_a")
    assert len(await off(house, target)) == 1
    third, carla = await house.sit("buyer_3", table=2)
    await house.eats(third, carla, "beef")
    assert await entered(house, third, one) == Money(200, "USD"), "together they need one of the two"


async def test_a_tip_earns_no_points_and_gives_none_back(house: Restaurant) -> None:
    listener, now = points.Collected(house.clock), house.clock.now()
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, "beef")
    portion = replace((await house.bill(sitting)).portion(Whole()), tip=100)
    part = part_of(Whole(), portion, anna.id)
    asked = (house.store_id, ANNA, portion.charged, "Dinner", KIND, sitting.id, part, "key")
    payment = await house.money_arrives(await house.checkout.pay_in_wallet(*asked))
    async with house.db.transaction() as tx:
        await points.set_rule(tx, house.store_id, points.Rule(basis_points=1000, days=30, running=True))
        await listener.payment_moved(tx, payment)
    for amount, lines, left in ((100, [TIP], 95), (475, [], 47)):
        refund = await house.payments.refund(payment.id, Money(amount, "USD"), "cold", "stf", f"{amount}", list(lines))
        async with house.db.transaction() as tx:
            await listener.refund_moved(tx, await house.payments.get(payment.id), refund)
            assert await points.balance(tx, house.store_id, ANNA, now) == left


async def test_a_first_order_offer_is_given_once_and_a_segment_knows_who_came(house: Restaurant) -> None:
    await running_offer(house, Mechanism.PERCENT, percent=50, audience=Audience.FIRST_ORDER)
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, "beef")
    assert (await house.bill(sitting)).ordered.minor == 475
    await house.money_arrives(await house.pays(sitting, Whole()))
    house.clock.advance(timedelta(days=1))
    again, anna = await house.sit(ANNA, table=1)
    await house.eats(again, anna, "beef")
    assert await off(house, again) == []
    async with house.db.transaction() as tx:
        recent = await add_segment(tx, house.store_id, "Lately here", "", "recent", 7, 1, ())
        lapsed = await add_segment(tx, house.store_id, "Long gone", "", "lapsed", 7, 1, ())
        now = house.clock.now()
        assert await members(tx, recent, now) == {ANNA} == await members(tx, lapsed, now + timedelta(days=30))
        assert await members(tx, lapsed, now) == frozenset() == await members(tx, recent, now, ["nobody"])


async def test_points_are_earned_spent_returned_and_taken_back_and_the_ledger_sums(house: Restaurant) -> None:
    listener = points.Collected(house.clock)
    async with house.db.transaction() as tx:
        await points.set_rule(tx, house.store_id, points.Rule(basis_points=1000, days=30, running=True))
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, "beef")
    payment = await house.money_arrives(await house.pays(sitting, Whole()))
    async with house.db.transaction() as tx:
        await listener.payment_moved(tx, payment)
        await listener.payment_moved(tx, payment)
        assert await points.balance(tx, house.store_id, ANNA, house.clock.now()) == 95
    again, anna = await house.sit(ANNA, table=1)
    (line,) = await house.eats(again, anna, "plain")
    async with house.db.transaction() as tx:
        assert await points.spend(tx, again.tab_id, ANNA, house.clock.now()) == Money(95, "USD")
        assert await points.spend(tx, again.tab_id, ANNA, house.clock.now()) == Money(95, "USD")
        assert await points.balance(tx, house.store_id, ANNA, house.clock.now()) == 0
    assert (await house.bill(again)).left.minor == 505
    async with house.db.transaction() as tx:
        await ordering.void_line(tx, line, "staff_a", "cold")
    await reckoned(house, again)
    refund = await house.payments.refund(payment.id, Money(475, "USD"), "cold", "staff_a", "r1")
    async with house.db.transaction() as tx:
        assert await points.balance(tx, house.store_id, ANNA, house.clock.now()) == 95
        assert refund.status is RefundStatus.SUCCEEDED
        await listener.refund_moved(tx, await house.payments.get(payment.id), refund)
        assert await points.balance(tx, house.store_id, ANNA, house.clock.now()) == 47
        later = house.clock.now() + timedelta(days=31)
        assert await points.balance(tx, house.store_id, ANNA, later) == 0
        assert (await points.expire(tx, house.store_id, later), await points.expire(tx, house.store_id, later)) == (
            47,
            0,
        )
        moves = await tx.value("SELECT sum(points)::bigint FROM points_moves")
        assert moves == await tx.value("SELECT sum(remaining)::bigint FROM points_earned") == 0


async def test_points_that_were_spent_before_their_payment_went_back_are_taken_when_they_return(
    house: Restaurant,
) -> None:
    listener = points.Collected(house.clock)
    async with house.db.transaction() as tx:
        await points.set_rule(tx, house.store_id, points.Rule(basis_points=1000, days=30, running=True))
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, "beef")
    payment = await house.money_arrives(await house.pays(sitting, Whole()))
    async with house.db.transaction() as tx:
        await listener.payment_moved(tx, payment)
    again, anna = await house.sit(ANNA, table=1)
    (line,) = await house.eats(again, anna, "plain")
    async with house.db.transaction() as tx:
        await points.spend(tx, again.tab_id, ANNA, house.clock.now())
    refund = await house.payments.refund(payment.id, payment.money, "cold", "staff_a", "r1")
    async with house.db.transaction() as tx:
        await listener.refund_moved(tx, await house.payments.get(payment.id), refund)
        assert await points.balance(tx, house.store_id, ANNA, house.clock.now()) == 0
        await ordering.void_line(tx, line, "staff_a", "cold")
    for _ in range(2):
        await reckoned(house, again)
    async with house.db.transaction() as tx:
        await listener.refund_moved(tx, await house.payments.get(payment.id), refund)
        assert await points.balance(tx, house.store_id, ANNA, house.clock.now()) == 0, "nobody keeps what was refunded"
        assert await tx.value("SELECT sum(points)::bigint FROM points_moves") == 0


async def test_a_bill_that_a_coupon_makes_free_is_covered_everywhere_until_more_is_ordered(house: Restaurant) -> None:
    code = await new_code(house, await running_offer(house, Mechanism.AMOUNT, amount=1000, needs_coupon=True))
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, "plain")
    await entered(house, sitting, code)
    await reckoned(house, sitting)
    async with house.db.reading() as rows:
        (tile,) = await open_bills(rows, house.store_id)
        assert (tile.state, tile.left.minor) == ("covered", 0) and tile.covered_at == house.clock.now()
        assert (await ordering.tab(rows, sitting.tab_id)).status == "settled"
    await house.eats(sitting, anna, "beef")
    await reckoned(house, sitting)
    async with house.db.reading() as rows:
        (tile,) = await open_bills(rows, house.store_id)
        assert tile.state == "owing" and tile.covered_at is None and tile.left.minor > 0


async def test_bills_put_together_keep_the_coupon_the_points_and_one_count_of_the_budget(house: Restaurant) -> None:
    voucher = await running_offer(house, Mechanism.AMOUNT, amount=200, needs_coupon=True, budget=1000)
    code = await new_code(house, voucher)
    async with house.db.transaction() as tx:
        await points.set_rule(tx, house.store_id, points.Rule(basis_points=1000, days=30, running=True))
    first, anna = await house.sit(ANNA, table=2)
    await house.eats(first, anna, "beef")
    payment = await house.money_arrives(await house.pays(first, Whole()))
    async with house.db.transaction() as tx:
        await points.Collected(house.clock).payment_moved(tx, payment)
    source, anna = await house.sit(ANNA)
    target, ben = await house.sit(BEN, table=1)
    (line,) = await house.eats(source, anna, "plain")
    await house.eats(target, ben, "beef")
    assert await entered(house, source, code) == Money(200, "USD")
    async with house.db.transaction() as tx:
        await points.spend(tx, source.tab_id, ANNA, house.clock.now())
    owed = (await house.bill(source)).left + (await house.bill(target)).left
    async with house.db.transaction() as tx:
        await moving.merge(tx, house.store_id, source.id, target.id, house.clock.now(), "staff_a")
    assert (await house.bill(target)).left == owed, "the coupon and the points came along"
    assert await given_in_all(house, voucher) == 200
    with pytest.raises(Conflict):
        await entered(house, first, code)
    async with house.db.transaction() as tx:
        await ordering.void_line(tx, line, "staff_a", "cold")
    await reckoned(house, target)
    async with house.db.reading() as rows:
        assert await points.balance(rows, house.store_id, ANNA, house.clock.now()) == 95, "struck: hers again"


async def test_an_offer_that_both_bills_had_is_given_once_when_they_are_put_together(house: Restaurant) -> None:
    noodles = house.menu.sections[0].id
    offer = await running_offer(house, Mechanism.AMOUNT, amount=300, sections=[noodles], most_per_bill=300)
    source, anna = await house.sit(ANNA)
    target, ben = await house.sit(BEN, table=1)
    await house.eats(source, anna, "beef")
    await house.eats(target, ben, "beef")
    async with house.db.transaction() as tx:
        await moving.merge(tx, house.store_id, source.id, target.id, house.clock.now(), "staff_a")
    assert sum(one.amount.minor for one in await off(house, target)) == 300 == await given_in_all(house, offer)


def test_who_is_held_out_is_always_the_same_and_about_the_share_that_was_asked_for() -> None:
    offer = Offer(id="ofr_1", store_id="s", name="n", mechanism=Mechanism.PERCENT, percent=1, holdout=20)
    out = sum(held_out(offer, f"buyer_{number}") for number in range(5000))
    assert 900 < out < 1100
    assert not held_out(offer, "")


async def test_whatever_tables_do_the_books_of_offers_agree_with_the_bills(house: Restaurant) -> None:
    """Random tables, dishes, voids, coupons and payments, some at once; the seed is fixed, the interleaving is not."""
    chance = random.Random(20261121)
    capped = await running_offer(house, Mechanism.PERCENT, percent=20, budget=900, name="Capped")
    code_offer = await running_offer(house, Mechanism.AMOUNT, amount=250, needs_coupon=True, name="Coupon")
    codes = [await new_code(house, code_offer) for _ in range(2)]
    await wake(house.db)
    tables = [await house.sit(f"buyer_{number}", table=number) for number in range(3)]

    async def act(sitting: Sitting, guest: Guest) -> None:
        for _ in range(4):
            try:
                match chance.choice(["eat", "eat", "void", "coupon", "pay"]):
                    case "eat":
                        await house.eats(sitting, guest, chance.choice(["beef", "plain", "tea"]))
                    case "void":
                        async with house.db.transaction() as tx:
                            every = [one for one in await ordering.lines(tx, sitting.tab_id) if one.ordered]
                            await ordering.void_line(tx, chance.choice(every).id, "staff_a", "cold") if every else None
                        await reckoned(house, sitting)
                    case "coupon":
                        await entered(house, sitting, chance.choice(codes))
                    case _:
                        await house.pays(sitting, Whole(), f"{guest.buyer_id}", guest.id)
            except Refused:
                continue

    await asyncio.gather(*(act(*table) for table in tables))
    for sitting, _ in tables:
        bill = await house.bill(sitting)
        assert bill.surplus.minor == 0
    async with house.db.reading() as rows:
        assert await given_in_all(house, capped) <= 900
        wrong = await rows.value(
            "SELECT count(*) FROM (SELECT d.source, d.tab_id, sum(s.amount) AS amount FROM tab_discounts d"
            " JOIN line_discounts s ON s.discount_id = d.id GROUP BY d.source, d.tab_id) AS given"
            " FULL JOIN offer_uses u ON u.offer_id = given.source AND u.tab_id = given.tab_id"
            " WHERE u.amount IS DISTINCT FROM given.amount"
        )
        assert wrong == 0
        twice = await rows.value(
            "SELECT count(*) FROM tab_lines l WHERE l.discount <>"
            " coalesce((SELECT sum(amount) FROM line_discounts s WHERE s.line_id = l.id), 0)"
        )
        assert twice == 0
