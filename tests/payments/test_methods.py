"""Every method of payment: order codes, printed codes and their inbox, what staff take; and the second person."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.gateway import CodeMove, Method
from saoma.kit.errors import Conflict, Invalid, NotAllowed, NotFound
from saoma.kit.money import Money
from saoma.payments import ledger
from saoma.payments.arrivals import waiting_at
from saoma.payments.by_staff import change_for, taken, takings
from saoma.payments.codes import CodeStatus, MerchantCode, NewCode
from saoma.payments.lifecycle import RefundStatus, Status
from saoma.payments.matching import Exact, Near, NoMatch, OpenOrder, match
from saoma.payments.model import NewPayment
from tests.payments.make import ACCOUNT, MERCHANT, SHOP, STORE, House, new_payment

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def usd(text: str) -> Money:
    return Money.parse(text, "USD")


def order_code(**changes: Any) -> NewPayment:
    return new_payment(**{"method": Method.ORDER_CODE, "policy": "order_code", "payment_code": ""} | changes)


def by_hand(method: Method, **changes: Any) -> NewPayment:
    return new_payment(**{"method": method, "policy": "at_once", "payment_code": ""} | changes)


async def balances(house: House) -> dict[str, str]:
    async with house.db.reading() as rows:
        return {b.account: b.balance.text for b in await ledger.balances(rows, MERCHANT)}


# --- order codes ------------------------------------------------------------------------------------------------------


async def test_an_order_code_is_shown_and_paid_by_whoever_scans_it(house: House) -> None:
    payment = await house.payments.take_by_order_code(order_code())
    assert (payment.status, payment.qr_code) == (Status.PENDING, f"https://qr.example/{payment.order_number}")
    house.alipay.buyer_pays(payment.order_number)
    await house.deliver()
    assert (await house.payments.get(payment.id)).status is Status.SUCCEEDED
    assert await house.faults() == []


async def test_an_order_without_a_code_is_undone_and_another_number_takes_its_place(house: House) -> None:
    house.alipay.fails("open", "no_code")
    payment = await house.payments.take_by_order_code(order_code(key="tap"))
    first, second = await house.payments.of_payable("bill", "bill_1")
    assert (first.status, first.code, second.id) == (Status.CANCELLED, "no_code", payment.id)
    assert first.order_number != second.order_number
    assert (payment.status, bool(payment.qr_code)) == (Status.PENDING, True)
    assert (await house.payments.take_by_order_code(order_code(key="tap"))).id == payment.id
    assert (await house.look_at_bill()).held == payment.amount
    assert await house.faults() == []


async def test_after_three_orders_without_a_code_the_bill_is_free_again(house: House) -> None:
    house.alipay.fails("open", "no_code", "no_code", "no_code")
    payment = await house.payments.take_by_order_code(order_code())
    assert payment.status is Status.CANCELLED
    every = await house.payments.of_payable("bill", "bill_1")
    assert [one.status for one in every] == [Status.CANCELLED] * 3
    assert (await house.look_at_bill()).held == 0
    assert await house.faults() == []


async def test_an_order_code_that_nobody_scans_is_cancelled_at_its_end(house: House) -> None:
    payment = await house.payments.take_by_order_code(order_code())
    await house.play(400)
    assert (await house.payments.get(payment.id)).status is Status.CANCELLED
    assert (await house.look_at_bill()).told == ["released"]


# --- what staff take --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "where"),
    [(Method.CASH, "cash_drawer"), (Method.CARD_TERMINAL, "card_clearing"), (Method.ACCOUNT, "suspense")],
)
async def test_what_staff_take_is_paid_at_once_and_kept_apart(house: House, method: Method, where: str) -> None:
    payment = await house.payments.record(by_hand(method), reference="  slip   17 ")
    assert (payment.status, payment.method, payment.due_at) == (Status.SUCCEEDED, method, None)
    assert house.alipay.calls == []
    assert (await house.look_at_bill()).told == ["paid"]
    assert await balances(house) == {where: "12.50", "sales": "-12.50"}
    async with house.db.reading() as rows:
        written = await taken(rows, payment.id)
    assert written is not None
    assert (written.given, written.change, written.reference) == (1250, 0, "slip 17")
    assert await house.faults() == []


async def test_cash_remembers_what_was_given_and_the_change(house: House) -> None:
    payment = await house.payments.record(by_hand(Method.CASH), usd("20.00"))
    async with house.db.reading() as rows:
        written = await taken(rows, payment.id)
    assert written is not None
    assert (written.money_given, written.money_change) == (usd("20.00"), usd("7.50"))
    assert payment.money == usd("12.50")


async def test_too_little_cash_is_nothing(house: House) -> None:
    with pytest.raises(Invalid):
        await house.payments.record(by_hand(Method.CASH), usd("12.49"))
    assert await house.payments.of_payable("bill", "bill_1") == []


async def test_the_same_tap_is_the_same_cash(house: House) -> None:
    first, second = await asyncio.gather(
        *[house.process().record(by_hand(Method.CASH, key="tap"), usd("20.00")) for _ in range(2)]
    )
    assert first.id == second.id
    assert (await balances(house))["cash_drawer"] == "12.50"


async def test_cash_is_given_back_by_hand_and_booked_at_once(house: House) -> None:
    payment = await house.payments.record(by_hand(Method.CASH))
    refund = await house.payments.refund(payment.id, usd("2.50"), "cold", "stf_ann", "r1")
    assert (refund.status, house.alipay.calls) == (RefundStatus.SUCCEEDED, [])
    assert (await balances(house))["cash_drawer"] == "10.00"
    assert await house.faults() == []


@pytest.mark.parametrize("method", [Method.CASH, Method.MERCHANT_CODE])
async def test_nobody_sends_to_alipay_what_it_can_not_take(house: House, method: Method) -> None:
    with pytest.raises(Invalid):
        await house.payments.take(by_hand(method))


@pytest.mark.parametrize("method", [Method.BARCODE, Method.ORDER_CODE, Method.MERCHANT_CODE])
async def test_nobody_writes_down_what_only_alipay_can_say(house: House, method: Method) -> None:
    with pytest.raises(Invalid):
        await house.payments.record(by_hand(method))


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_the_change_and_the_price_make_what_was_given(price: int, given_: int) -> None:
    amount, given = Money(price, "USD"), Money(given_, "USD")
    if given < amount:
        with pytest.raises(Invalid):
            change_for(amount, given)
    else:
        assert change_for(amount, given) + amount == given


async def test_a_days_takings_tell_the_methods_apart(house: House) -> None:
    await house.payments.record(by_hand(Method.CASH, bill="bill_1"), usd("20.00"))
    await house.bill("5.00", id="bill_2")
    second = await house.payments.record(by_hand(Method.CARD_TERMINAL, bill="bill_2", amount="5.00"))
    await house.payments.refund(second.id, usd("1.00"), "cold", "stf_ann", "r1")
    now = house.clock.now()
    async with house.db.reading() as rows:
        found = await takings(rows, STORE, now - timedelta(hours=1), now + timedelta(hours=1))
    assert [(one.method, one.money_kept.text) for one in found] == [("card_terminal", "4.00"), ("cash", "12.50")]


# --- printed codes and their inbox ------------------------------------------------------------------------------------


async def printed(house: House, label: str = "Counter 1") -> MerchantCode:
    new = NewCode(merchant_id=MERCHANT, store_id=STORE, account_id=ACCOUNT, label=label, currency="USD", shop=SHOP)
    return await house.payments.codes.create(new, "stf_ann")


async def arrives(house: House, code: MerchantCode, amount: str, **changes: str) -> str:
    """Somebody scans the printed code and types `amount`; the payment's id."""
    number = house.alipay.pays_at_counter(code.id, usd(amount))
    for answer in await house.deliver(**changes):
        assert answer.accepted, answer
    payment = await house.payments.of_order(ACCOUNT, number)
    assert payment is not None
    return payment.id


async def test_a_code_is_made_stopped_restarted_and_deleted(house: House) -> None:
    code = await printed(house)
    assert (code.status, bool(code.address)) == (CodeStatus.ACTIVE, True)
    with pytest.raises(Conflict):
        await printed(house)
    for move, status in ((CodeMove.STOP, "stopped"), (CodeMove.RESTART, "active"), (CodeMove.DELETE, "deleted")):
        assert (await house.payments.codes.move(code.id, move)).status == status
    with pytest.raises(Conflict):
        await house.payments.codes.move(code.id, CodeMove.RESTART)
    assert (await printed(house)).id != code.id


async def test_a_code_that_got_no_answer_is_asked_for_again(house: House) -> None:
    house.alipay.fails("code", "silence_after")
    code = await printed(house)
    assert code.status is CodeStatus.WANTED
    assert (await house.payments.codes.ask_again(code.id)).status is CodeStatus.ACTIVE


async def test_a_payment_is_born_from_its_notification_and_waits(house: House) -> None:
    code = await printed(house)
    payment = await house.payments.get(await arrives(house, code, "7.77"))
    assert (payment.status, payment.method, payment.money) == (Status.SUCCEEDED, Method.MERCHANT_CODE, usd("7.77"))
    async with house.db.reading() as rows:
        (waits,) = await waiting_at(rows, STORE)
    assert (waits.payment_id, waits.code_label, waits.fits) == (payment.id, "Counter 1", "none")
    assert await balances(house) == {"alipay_clearing": "7.77", "sales": "-7.77"}
    assert await house.faults() == []


async def test_a_notification_that_comes_twice_at_once_makes_one_payment(house: House) -> None:
    code = await printed(house)
    house.alipay.pays_at_counter(code.id, usd("7.77"))
    (notice,) = house.alipay.outbox
    answers = await asyncio.gather(*[house.process().notified(ACCOUNT, notice) for _ in range(4)])
    assert all(answer.accepted for answer in answers)
    assert (await balances(house))["alipay_clearing"] == "7.77"
    assert await house.faults() == []


@pytest.mark.parametrize("changes", [{"code": ""}, {"code": "mco_other"}, {"sign": "forged"}, {"state": "closed"}])
async def test_what_proves_no_payment_by_our_code_makes_none(house: House, changes: dict[str, str]) -> None:
    code = await printed(house)
    number = house.alipay.pays_at_counter(code.id, usd("7.77"))
    (answer,) = await house.deliver(**changes)
    assert not answer.accepted
    assert await house.payments.of_order(ACCOUNT, number) is None


async def test_exactly_what_one_bill_wants_is_assigned_without_anybody(house: House) -> None:
    code = await printed(house)
    payment = await house.payments.get(await arrives(house, code, "12.50"))
    assert (payment.payable_kind, payment.payable_id) == ("bill", "bill_1")
    assert (await house.look_at_bill()).paid == 1250
    async with house.db.reading() as rows:
        assert await waiting_at(rows, STORE) == []
    assert await house.faults() == []


async def test_two_bills_of_the_same_amount_are_for_a_person(house: House) -> None:
    await house.bill("12.50", id="bill_2")
    payment_id = await arrives(house, await printed(house), "12.50")
    async with house.db.reading() as rows:
        (waits,) = await waiting_at(rows, STORE)
        found = await house.payments.arrivals.suggestions(rows, waits)
    assert isinstance(found, Near)
    assert {order.id for order in found.orders} == {"bill_1", "bill_2"}
    payment = await house.payments.arrivals.assign(payment_id, "bill", "bill_2", "stf_ann")
    assert payment.payable_id == "bill_2"
    for again in ("bill_1", "bill_2"):
        with pytest.raises((Conflict, NotFound)):
            await house.payments.arrivals.assign(payment_id, "bill", again, "stf_ann")
    assert await house.faults() == []


async def test_two_people_assign_one_payment_and_only_one_of_them_does(house: House) -> None:
    await house.bill("12.00", id="bill_2")
    payment_id = await arrives(house, await printed(house), "12.20")
    said = await asyncio.gather(
        *[house.process().arrivals.assign(payment_id, "bill", bill, "stf_ann") for bill in ("bill_1", "bill_2")],
        return_exceptions=True,
    )
    assert sum(isinstance(one, Conflict) for one in said) == 1
    paid = [(await house.look_at_bill(bill)).paid for bill in ("bill_1", "bill_2")]
    assert sorted(paid) == [0, 1220]
    assert await house.faults() == []


async def test_money_without_a_bill_is_kept_or_given_back_once(house: House) -> None:
    code = await printed(house)
    kept, back = await arrives(house, code, "1.00"), await arrives(house, code, "2.00")
    await house.payments.arrivals.keep(kept, "stf_ann")
    with pytest.raises(Conflict):
        await house.payments.arrivals.keep(kept, "stf_ann")
    refund = await house.payments.refund(back, usd("2.00"), "paid twice", "stf_ann", "r1")
    assert refund.status is RefundStatus.SUCCEEDED
    await house.deliver()
    async with house.db.reading() as rows:
        assert await waiting_at(rows, STORE) == []
    with pytest.raises(Conflict):
        await house.payments.arrivals.assign(back, "bill", "bill_1", "stf_ann")
    assert await house.faults() == []


amounts = st.integers(1, 3000)
orders_of = st.lists(amounts, max_size=8).map(
    lambda lefts: [
        OpenOrder("bill", f"b{at}", Money(left, "USD"), str(at), NOON + timedelta(minutes=at))
        for at, left in enumerate(lefts)
    ]
)


@given(amounts, orders_of)
def test_exact_comes_before_near_and_near_before_nothing(minor: int, orders: list[OpenOrder]) -> None:
    amount = Money(minor, "USD")
    same = [order for order in orders if order.left == amount]
    match match(amount, orders):
        case Exact(order):
            assert same == [order]
        case Near(found):
            assert len(same) != 1
            assert list(found[: len(same)]) == same[: len(found)]
            assert all(abs(order.left.minor - minor) * 5 <= order.left.minor for order in found)
        case NoMatch():
            assert not same
            assert all(abs(order.left.minor - minor) * 5 > order.left.minor for order in orders)


def test_another_currency_never_matches() -> None:
    order = OpenOrder("bill", "b1", Money.parse("12.50", "EUR"), "1", NOON)
    assert isinstance(match(usd("12.50"), [order]), NoMatch)


# --- a second person --------------------------------------------------------------------------------------------------


async def paid(house: House) -> str:
    return (await house.payments.take(new_payment())).id


async def ask(house: House, payment_id: str, amount: str, key: str, alone: str = "5.00", by: str = "stf_ann") -> Any:
    return await house.payments.refund(payment_id, usd(amount), "cold", by, key, alone=usd(alone))


async def test_up_to_the_limit_one_person_is_enough(house: House) -> None:
    assert (await ask(house, await paid(house), "5.00", "r1")).status is RefundStatus.SUCCEEDED


async def test_above_the_limit_nothing_is_sent_before_another_person_agrees(house: House) -> None:
    payment_id = await paid(house)
    waits = await ask(house, payment_id, "5.01", "r1")
    await house.play(timedelta(days=3).total_seconds())
    assert (waits.status, house.alipay.count("refund")) == (RefundStatus.REQUESTED, 0)
    with pytest.raises(NotAllowed):
        await house.payments.approve_refund(waits.id, "stf_ann")
    done = await house.payments.approve_refund(waits.id, "stf_mei")
    assert (done.status, done.approved_by) == (RefundStatus.SUCCEEDED, "stf_mei")
    with pytest.raises(Conflict):
        await house.payments.approve_refund(waits.id, "stf_kai")
    assert house.alipay.count("refund") == 1
    assert await house.faults() == []


async def test_many_small_refunds_are_one_large_one(house: House) -> None:
    payment_id = await paid(house)
    said = [(await ask(house, payment_id, "2.00", f"r{at}")).status for at in range(4)]
    assert said == [RefundStatus.SUCCEEDED, RefundStatus.SUCCEEDED, RefundStatus.REQUESTED, RefundStatus.REQUESTED]


async def test_what_waits_is_set_aside_and_free_again_when_refused(house: House) -> None:
    payment_id = await paid(house)
    waits = await ask(house, payment_id, "10.00", "r1")
    with pytest.raises(Invalid):
        await ask(house, payment_id, "3.00", "r2", by="stf_kai")
    refused = await house.payments.refuse_refund(waits.id, "stf_mei", "no")
    assert (refused.status, refused.code) == (RefundStatus.FAILED, "refused")
    with pytest.raises(Conflict):
        await house.payments.approve_refund(waits.id, "stf_mei")
    assert (await house.payments.get(payment_id)).money_refundable == usd("12.50")
    assert await house.faults() == []


async def test_two_people_approve_at_once_and_it_goes_back_once(house: House) -> None:
    waits = await ask(house, await paid(house), "12.50", "r1")
    said = await asyncio.gather(
        *[house.process().approve_refund(waits.id, by) for by in ("stf_mei", "stf_kai", "stf_lin")],
        return_exceptions=True,
    )
    assert sum(isinstance(one, Conflict) for one in said) == 2
    assert house.alipay.count("refund") == 1


async def test_cash_above_the_limit_waits_too(house: House) -> None:
    payment = await house.payments.record(by_hand(Method.CASH))
    waits = await ask(house, payment.id, "12.50", "r1")
    assert waits.status is RefundStatus.REQUESTED
    assert (await house.payments.approve_refund(waits.id, "stf_mei")).status is RefundStatus.SUCCEEDED
    assert (await balances(house))["cash_drawer"] == "0.00"
    assert await house.faults() == []


@pytest.mark.parametrize("given_back", [True, False])
async def test_a_person_rules_a_refund_that_nobody_could_settle(house: House, *, given_back: bool) -> None:
    payment_id = await paid(house)
    house.alipay.fails("refund", *["silence_after"] * 400)
    refund = await house.payments.refund(payment_id, usd("2.50"), "cold", "stf_ann", "r1")
    await house.play(timedelta(hours=37).total_seconds())
    ruled = await house.payments.rule_refund(refund.id, "stf_op", "asked Alipay", given_back=given_back)
    assert ruled.status is (RefundStatus.SUCCEEDED if given_back else RefundStatus.FAILED)
    assert (await house.payments.get(payment_id)).refunded == (250 if given_back else 0)
    assert await house.faults() == []
