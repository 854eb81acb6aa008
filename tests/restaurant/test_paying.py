"""Paying a part of the bill on the phone: evenly, an amount, with a tip; and what becomes of money nobody owed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from saoma.checkout.paper import Row
from saoma.checkout.receipt_paper import Facts, receipt_paper
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.due import drive_due
from saoma.kit.errors import Conflict
from saoma.kit.money import Money
from saoma.payments.cases import Case, CaseFilter, Kind, Move, cases
from saoma.payments.happenings import Ruling
from saoma.payments.lifecycle import Status
from saoma.payments.model import Payment
from saoma.payments.ruling import Rulings
from saoma.payments.surplus import AGREED
from saoma.restaurant.bill import AnyAmount, Even, Whole
from saoma.restaurant.model import Sitting
from saoma.restaurant.receipts import receipt_lines
from saoma.restaurant.shares import part_of
from saoma.restaurant.tables import path_of
from saoma.restaurant.tips import TIP
from tests.restaurant import make
from tests.restaurant.make import ANNA, BEN, Phone, Restaurant, app, form_value, restaurant, wallet_phone


@pytest.fixture
async def house(database: Database, clock: MovableClock) -> Restaurant:
    return await restaurant(database, clock)


async def feast(house: Restaurant) -> Sitting:
    """Anna and Ben sit at table 1; she has ordered for 11.50."""
    sitting, anna = await house.sit(ANNA)
    house.guests["anna"] = anna
    _, house.guests["ben"] = await house.sit(BEN)
    await house.eats(sitting, anna, "beef", "tea")
    return sitting


async def chooses(phone: Phone, house: Restaurant, **wish: str) -> dict[str, str]:
    """What the form of the ways to pay would send now."""
    where = path_of(house.tables[0].code)
    page = (await phone.client.get(f"{where}/ways", params=wish, headers={"HX-Request": "true"})).text
    hidden = {name: form_value(page, name) for name in ("key", "ways", "amount")}
    return {**wish, **hidden, "sheet": "ways"}


async def test_two_phones_split_evenly_with_a_tip_and_the_bill_closes_exactly_when_covered(house: Restaurant) -> None:
    sitting = await feast(house)
    bill = await house.bill(sitting)
    server = app(house)
    where = path_of(house.tables[0].code)
    async with wallet_phone(server, house, ANNA) as amy, wallet_phone(server, house, BEN) as ben:
        form = await chooses(amy, house, choice="even", people="2", tip="10")
        first = (bill.ordered.minor + 1) // 2
        tip = (first * 10 + 50) // 100
        assert form["amount"] == str(first + tip)
        answer = await amy.post(f"{where}/pay", form)
        assert answer.status_code == 204, answer.text
        [payment] = await house.payments.of_payable("sitting", sitting.id)
        assert (payment.amount, payment.part["tip"], payment.part["ways"]) == (first + tip, tip, 2)
        assert (await house.bill(sitting)).held.minor == first, "the tip is not part of the bill"

        # Ben's phone was told how many they are; he adds a tip of his own.
        form = await chooses(ben, house, choice="even", tip="own", own_tip="0.50")
        assert (form["ways"], form["amount"]) == ("2", str(bill.ordered.minor - first + 50))
        assert (await ben.post(f"{where}/pay", form)).status_code == 204
    assert not (await house.bill(sitting)).left
    both = await house.payments.of_payable("sitting", sitting.id)
    await house.money_arrives(both[0])
    assert (await house.again(sitting)).covered_at is None
    await house.money_arrives(both[1])
    assert (await house.again(sitting)).covered_at is not None
    paid = await house.bill(sitting)
    assert paid.paid == paid.ordered
    assert paid.tips.minor == tip + 50


async def test_any_amount_is_paid_up_to_what_is_left_and_more_says_how_much(house: Restaurant) -> None:
    sitting = await feast(house)
    server, where = app(house), path_of(house.tables[0].code)
    left = (await house.bill(sitting)).left
    async with wallet_phone(server, house, BEN) as ben:
        assert make.testids((await ben.get(f"{where}/bill", htmx=True)).text, "ways") == 1
        form = await chooses(ben, house, choice="amount", typed="5")
        assert (await ben.post(f"{where}/pay", form)).status_code == 204
        assert (await house.bill(sitting)).held == Money(500, "USD")
        too_much = await chooses(ben, house, choice="amount", typed="50")
        assert too_much["amount"] == "0"
        refused = (await ben.post(f"{where}/pay", too_much)).text
        assert (left - Money(500, "USD")).text in refused and make.testids(refused, "pay-this") == 0
        for nonsense in ("-1", "a", "1.234", ""):
            form = await chooses(ben, house, choice="amount", typed=nonsense)
            assert (await ben.post(f"{where}/pay", form)).status_code == 200
    assert len(await house.payments.of_payable("sitting", sitting.id)) == 1


async def test_a_sum_that_was_not_shown_is_not_charged(house: Restaurant) -> None:
    sitting = await feast(house)
    server, where = app(house), path_of(house.tables[0].code)
    async with wallet_phone(server, house, ANNA) as amy:
        form = await chooses(amy, house, choice="even", people="2")
        assert (await amy.post(f"{where}/pay", {**form, "tip": "15"})).status_code == 200
        assert (await amy.post(f"{where}/pay", {**form, "tip": "own", "own_tip": "9999"})).status_code == 200
        assert await house.payments.of_payable("sitting", sitting.id) == []
        assert (await amy.post(f"{where}/pay", form)).status_code == 204
        assert (await amy.post(f"{where}/pay", form)).status_code == 204, "pressing twice is one payment"
    assert len(await house.payments.of_payable("sitting", sitting.id)) == 1


async def test_a_phone_outside_the_wallet_is_told_how_to_pay_and_opens_no_payment(house: Restaurant) -> None:
    sitting, mia = await house.sit(None, name="Mia")
    await house.eats(sitting, mia, "tea")
    server, where = app(house), path_of(house.tables[0].code)
    async with wallet_phone(server, house, BEN) as other:
        assert (await other.get(f"{where}/ways", htmx=True)).status_code == 403


async def test_two_phones_that_press_for_their_part_at_once_never_take_the_same_cent(house: Restaurant) -> None:
    sitting = await feast(house)
    bill = await house.bill(sitting)
    ben = Even(4, house.guests["ben"].id)
    anna = Even(4, house.guests["anna"].id)
    part = bill.portion(ben).amount
    wishes = [
        house.new_payment(sitting, part, part_of(choice, bill.portion(choice), choice.guest_id))
        for choice in (anna, ben, anna, ben)
    ]
    answers = await asyncio.gather(*(house.payments.start(wish) for wish in wishes), return_exceptions=True)
    assert all(isinstance(answer, Payment | Conflict) for answer in answers)
    shares = (await house.bill(sitting)).shares
    assert len({share.guest_id for share in shares}) == len(shares), "nobody pays a part twice"
    assert (await house.again(sitting)).split_ways == 4


async def paid_with_tip(house: Restaurant, sitting: Sitting) -> Payment:
    """Anna pays everything and 2.00 on top."""
    portion = (await house.bill(sitting)).portion(Whole())
    part = part_of(Whole(), portion, house.guests["anna"].id) | {"tip": 200}
    payment = await house.payments.take(house.new_payment(sitting, portion.amount + Money(200, "USD"), part))
    return await house.money_arrives(payment)


async def test_a_refund_by_dishes_leaves_the_tip_alone_unless_it_is_asked_for(house: Restaurant) -> None:
    sitting = await feast(house)
    payment = await paid_with_tip(house, sitting)
    await house.payments.refund(payment.id, Money(200, "USD"), "cold tea", "stf", "r1", [payment.part["lines"][0]])
    bill = await house.bill(sitting)
    assert (bill.refunded.minor, bill.tips.minor) == (200, 200)
    await house.payments.refund(payment.id, Money(200, "USD"), "and rude", "stf", "r2", [TIP])
    bill = await house.bill(sitting)
    assert (bill.refunded.minor, bill.tips.minor) == (200, 0)
    assert (await house.payments.get(payment.id)).refunded == 400


async def test_the_receipt_says_what_was_for_the_bill_and_what_for_the_staff(house: Restaurant) -> None:
    sitting = await feast(house)
    payment = await paid_with_tip(house, sitting)
    async with house.db.reading() as rows:
        lines = await receipt_lines(rows, payment)
    assert lines.tip == Money(200, "USD")
    assert not lines.part, "everything was paid: the tip doesn't make it a part"
    for lang, word in (("en", "Tip"), ("zh", "小费")):
        facts = Facts(merchant=house.shop.merchant, store=house.shop.store, payment=payment, lines=lines, lang=lang)
        rows_shown = [part for part in receipt_paper(facts).parts if isinstance(part, Row)]
        assert any(row.name == word and "2.00" in row.figure for row in rows_shown)


async def waiting(house: Restaurant) -> list[Case]:
    async with house.db.reading() as rows:
        return await cases(rows, CaseFilter())


async def late(house: Restaurant, payment: Payment) -> Payment:
    """The payment was given up for certain; then Alipay says that it is paid after all."""
    trade = house.alipay.trades[payment.order_number]
    trade.state = "waiting"
    house.alipay.outbox.clear()
    await house.money_arrives(payment)
    for _ in range(3):
        house.clock.advance(timedelta(seconds=30))
        await drive_due(house.db, house.payments.works(), house.clock)
    return await house.payments.get(payment.id)


async def test_money_taken_while_the_order_stays_unpaid_is_proposed_to_be_booked(house: Restaurant) -> None:
    """The loudest complaint: the customer was charged, the bill says unpaid, and they are asked to pay again."""
    sitting = await feast(house)
    payment = await house.pays(sitting, Whole())
    await house.payments.give_up(payment.id, by="guest")
    assert (await late(house, payment)).status is Status.NEEDS_ATTENTION
    [case] = await waiting(house)
    assert (case.kind, case.proposed) == (Kind.LATE_MONEY, Move.PAID), "the bill still wants this money"
    await Rulings(house.payments, above=500).rule(case.id, Move.PAID, "stf_owner", "seen in the portal")
    assert (await house.bill(sitting)).covered
    assert await waiting(house) == []


async def test_late_money_for_a_bill_that_others_have_paid_is_proposed_to_go_back_whole(house: Restaurant) -> None:
    sitting = await feast(house)
    given_up = await house.pays(sitting, Whole())
    await house.payments.give_up(given_up.id, by="guest")
    await house.money_arrives(await house.pays(sitting, Whole(), BEN))
    await late(house, given_up)
    [case] = await waiting(house)
    assert (case.kind, case.proposed) == (Kind.LATE_MONEY, Move.REFUND)


async def test_late_money_becomes_a_case_that_proposes_exactly_the_surplus_and_one_press_gives_it_back(
    house: Restaurant,
) -> None:
    sitting = await feast(house)  # 11.50
    given_up = await house.pays(sitting, Whole())
    await house.payments.give_up(given_up.id, by="guest")
    await house.money_arrives(await house.pays(sitting, AnyAmount(Money(400, "USD")), BEN))
    await late(house, given_up)
    rulings = Rulings(house.payments, above=500)
    [case] = await waiting(house)
    assert case.proposed == Move.PAID, "7.50 of it are still owed"
    await rulings.rule(case.id, Move.PAID, "stf_owner", "seen in the portal")
    [case] = await waiting(house)
    assert (case.kind, case.proposed, case.money) == (Kind.SURPLUS, Move.GIVE_BACK, Money(400, "USD"))
    done = await rulings.rule(case.id, Move.GIVE_BACK, "stf_owner", AGREED)
    assert done.closed
    after = await house.payments.get(given_up.id)
    assert (after.refunded, (await house.bill(sitting)).covered) == (400, True)
    with pytest.raises(Conflict):
        await rulings.rule(case.id, Move.GIVE_BACK, "stf_other", "pressed twice")
    assert (await house.payments.get(given_up.id)).refunded == 400


async def test_a_surplus_that_the_till_gave_back_by_itself_needs_nobody_any_more(house: Restaurant) -> None:
    sitting = await feast(house)
    given_up = await house.pays(sitting, Whole())
    await house.payments.give_up(given_up.id, by="guest")
    await house.money_arrives(await house.pays(sitting, AnyAmount(Money(400, "USD")), BEN))
    await house.payments.rule((await late(house, given_up)).id, Ruling.PAID, "stf", "portal")
    await house.payments.refund(given_up.id, Money(300, "USD"), "a part", "stf", "r1", [])
    assert len(await waiting(house)) == 1
    await house.payments.refund(given_up.id, Money(100, "USD"), "the rest", "stf", "r2", [])
    assert await waiting(house) == []


async def test_a_surplus_that_a_later_dish_needs_is_not_given_back_by_one_press(house: Restaurant) -> None:
    sitting = await feast(house)
    given_up = await house.pays(sitting, Whole())
    await house.payments.give_up(given_up.id, by="guest")
    await house.money_arrives(await house.pays(sitting, AnyAmount(Money(400, "USD")), BEN))
    await house.payments.rule((await late(house, given_up)).id, Ruling.PAID, "stf", "portal")
    [case] = await waiting(house)
    await house.eats(sitting, None, "tea")
    with pytest.raises(Conflict, match="this money is too much now"):
        await Rulings(house.payments, above=500).rule(case.id, Move.GIVE_BACK, "stf_owner", AGREED)
    assert (await house.payments.get(given_up.id)).refunded == 0
    assert [each.id for each in await waiting(house)] == [case.id]


async def test_a_payment_that_fits_its_bill_opens_no_case_however_often_it_is_told(house: Restaurant) -> None:
    sitting = await feast(house)
    payment = await house.money_arrives(await paid_with_tip(house, sitting))
    assert (payment.status, await waiting(house)) == (Status.SUCCEEDED, [])
