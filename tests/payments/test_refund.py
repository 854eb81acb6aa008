"""Giving money back: never twice, never more than was paid, with one number until the answer is final."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from saoma.kit.errors import Conflict, Invalid
from saoma.kit.money import Money
from saoma.payments import ledger
from saoma.payments.happenings import Ruling
from saoma.payments.lifecycle import RefundStatus, Status
from tests.payments.make import House, new_payment


def usd(text: str) -> Money:
    return Money.parse(text, "USD")


async def paid(house: House) -> str:
    return (await house.payments.take(new_payment())).id


async def test_a_part_goes_back_and_everything_agrees(house: House) -> None:
    payment_id = await paid(house)
    refund = await house.payments.refund(payment_id, usd("2.50"), "item missing", "stf_ann", "r1", ["line_3"])
    assert (refund.status, refund.lines) == (RefundStatus.SUCCEEDED, ["line_3"])
    payment = await house.payments.get(payment_id)
    assert (payment.status, payment.refunded, payment.money_refundable) == (Status.SUCCEEDED, 250, usd("10.00"))
    bill = await house.look_at_bill()
    assert (bill.refunded, bill.told) == (250, ["paid", "refunded"])
    assert house.alipay.trades[payment.order_number].refunds == {refund.refund_number: 250}
    async with house.db.reading() as rows:
        accounts = {b.account: b.balance.text for b in await ledger.balances(rows, payment.merchant_id)}
    assert accounts == {"alipay_clearing": "10.00", "refunds": "2.50", "sales": "-12.50"}
    assert await house.payments.refunds_of(payment_id) == [refund]
    assert await house.faults() == []


async def test_the_same_key_is_the_same_refund(house: House) -> None:
    payment_id = await paid(house)
    first = await house.payments.refund(payment_id, usd("2.50"), "cold", "stf_ann", "r1")
    second = await house.payments.refund(payment_id, usd("2.50"), "cold", "stf_ann", "r1")
    assert first == second
    assert house.alipay.count("refund") == 1
    with pytest.raises(Conflict):
        await house.payments.refund(payment_id, usd("2.51"), "cold", "stf_ann", "r1")


async def test_more_than_was_paid_never_goes_back(house: House) -> None:
    payment_id = await paid(house)
    await house.payments.refund(payment_id, usd("10.00"), "cold", "stf_ann", "r1")
    with pytest.raises(Invalid):
        await house.payments.refund(payment_id, usd("2.51"), "cold", "stf_ann", "r2")
    await house.payments.refund(payment_id, usd("2.50"), "cold", "stf_ann", "r3")
    with pytest.raises(Invalid):
        await house.payments.refund(payment_id, usd("0.01"), "cold", "stf_ann", "r4")
    assert house.alipay.count("refund") == 2


async def test_more_than_was_paid_never_goes_back_though_many_ask_at_once(house: House) -> None:
    payment_id = await paid(house)
    results = await asyncio.gather(
        *(house.process().refund(payment_id, usd("5.00"), "cold", "stf_ann", f"r{i}") for i in range(6)),
        return_exceptions=True,
    )
    assert sum(not isinstance(result, BaseException) for result in results) == 2
    assert (await house.payments.get(payment_id)).refunded == 1000
    assert await house.faults() == []


async def test_many_who_press_the_same_button_make_one_refund(house: House) -> None:
    payment_id = await paid(house)
    refunds = await asyncio.gather(
        *(house.process().refund(payment_id, usd("5.00"), "cold", "stf_ann", "r1") for _ in range(6))
    )
    assert len({refund.id for refund in refunds}) == 1
    assert house.alipay.count("refund") == 1


async def test_the_book_itself_refuses_a_sum_above_the_payment(house: House) -> None:
    payment_id = await paid(house)
    async with house.db.reading() as rows:
        with pytest.raises(psycopg.errors.CheckViolation):
            await rows.run("UPDATE payments SET refund_reserved = 1251 WHERE id = %(id)s", {"id": payment_id})


@pytest.mark.parametrize(
    "fault", ["silence_before", "silence_after", "system_error_after", "bad_signature", "not_sent"]
)
async def test_an_unclear_refund_is_repeated_with_the_same_number(house: House, fault: str) -> None:
    payment_id = await paid(house)
    house.alipay.fails("refund", fault, fault)
    refund = await house.payments.refund(payment_id, usd("5.00"), "cold", "stf_ann", "r1")
    assert refund.status is RefundStatus.PENDING
    assert (await house.look_at_bill()).told == ["paid"]
    await house.play(60)
    [refund] = await house.payments.refunds_of(payment_id)
    assert refund.status is RefundStatus.SUCCEEDED
    assert {number for name, number in house.alipay.calls if name == "refund"} == {refund.refund_number}
    assert house.alipay.count("refund") == 3
    payment = await house.payments.get(payment_id)
    assert house.alipay.trades[payment.order_number].given_back == 500
    assert await house.faults() == []


async def test_what_is_on_its_way_back_counts_as_gone(house: House) -> None:
    payment_id = await paid(house)
    house.alipay.fails("refund", "silence_before")
    await house.payments.refund(payment_id, usd("10.00"), "cold", "stf_ann", "r1")
    with pytest.raises(Invalid):
        await house.payments.refund(payment_id, usd("3.00"), "cold", "stf_ann", "r2")


async def test_a_refused_refund_can_be_asked_for_again(house: House) -> None:
    payment_id = await paid(house)
    payment = await house.payments.get(payment_id)
    house.alipay.trades[payment.order_number].given_back = 1250
    refund = await house.payments.refund(payment_id, usd("5.00"), "cold", "stf_ann", "r1")
    assert (refund.status, refund.code) == (RefundStatus.FAILED, "RETURN_AMOUNT_EXCEED")
    assert (await house.payments.get(payment_id)).money_refundable == usd("12.50")
    house.alipay.trades[payment.order_number].given_back = 0
    second = await house.payments.refund(payment_id, usd("5.00"), "cold", "stf_ann", "r2")
    assert second.status is RefundStatus.SUCCEEDED
    assert second.refund_number != refund.refund_number
    assert await house.faults() == []


async def test_a_night_s_pause_is_outlasted(house: House) -> None:
    payment_id = await paid(house)
    house.clock.advance(datetime(2026, 3, 2, 16, 0, tzinfo=UTC) - house.clock.now())  # midnight in Beijing
    house.alipay.fails("refund", *["system_error_before"] * 12)
    await house.payments.refund(payment_id, usd("5.00"), "cold", "stf_ann", "r1")
    await house.play(timedelta(hours=2).total_seconds())
    [refund] = await house.payments.refunds_of(payment_id)
    assert refund.status is RefundStatus.SUCCEEDED


async def test_a_refund_that_stays_unclear_needs_a_person_and_keeps_its_reservation(house: House) -> None:
    payment_id = await paid(house)
    house.alipay.fails("refund", *["silence_before"] * 1000)
    await house.payments.refund(payment_id, usd("5.00"), "cold", "stf_ann", "r1")
    await house.play(timedelta(hours=37).total_seconds())
    [refund] = await house.payments.refunds_of(payment_id)
    assert refund.status is RefundStatus.NEEDS_ATTENTION and refund.due_at is None
    assert (await house.payments.get(payment_id)).money_refundable == usd("7.50")
    assert house.alipay.count("refund") < 250
    assert await house.faults() == []


@pytest.mark.parametrize("amount", ["0.00", "-1.00"])
async def test_nothing_is_no_refund(house: House, amount: str) -> None:
    payment_id = await paid(house)
    with pytest.raises(Invalid):
        await house.payments.refund(payment_id, usd(amount), "cold", "stf_ann", "r1")


async def test_another_currency_is_no_refund(house: House) -> None:
    payment_id = await paid(house)
    with pytest.raises(Invalid):
        await house.payments.refund(payment_id, Money(100, "HKD"), "cold", "stf_ann", "r1")


async def test_what_was_never_paid_is_never_given_back(house: House) -> None:
    house.alipay.buyer = "thinks"
    payment = await house.payments.take(new_payment())
    with pytest.raises(Conflict):
        await house.payments.refund(payment.id, usd("1.00"), "cold", "stf_ann", "r1")


async def test_a_trade_closed_by_our_own_full_refund_is_no_surprise(house: House) -> None:
    payment_id = await paid(house)
    house.alipay.outbox.clear()
    await house.payments.refund(payment_id, usd("12.50"), "cold", "stf_ann", "r1")
    assert [answer.why for answer in await house.deliver()] == ["applied"]
    payment = await house.payments.get(payment_id)
    assert (payment.status, payment.refunded) == (Status.SUCCEEDED, 1250)
    assert "notice:closed_by_refund" in await house.doors(payment_id)
    assert await house.faults() == []


async def test_a_trade_closed_by_somebody_else_while_our_refund_was_under_way_calls_for_a_person(house: House) -> None:
    """Found by the simulation: our refund explained the closed trade, and then Alipay refused that refund."""
    payment_id = await paid(house)
    payment = await house.payments.get(payment_id)
    house.alipay.fails("refund", "silence_before")
    await house.payments.refund(payment_id, usd("12.50"), "cold", "stf_ann", "r1")
    # in Alipay's own console somebody undoes the trade, which we are told before we ask again
    house.alipay._cancel(payment.order_number)
    await house.deliver()
    assert (await house.payments.get(payment_id)).status is Status.SUCCEEDED
    await house.play(120)
    [refund] = await house.payments.refunds_of(payment_id)
    after = await house.payments.get(payment_id)
    assert (refund.status, refund.code) == (RefundStatus.FAILED, "TRADE_HAS_CLOSE")
    assert (after.status, after.code) == (Status.NEEDS_ATTENTION, "closed_unexplained")
    assert await house.faults() == []
    ruled = await house.payments.rule(payment_id, Ruling.UNPAID, "stf_olga", "undone in their console")
    assert ruled.status is Status.CANCELLED
    assert (await house.sales(), await house.faults()) == (0, [])


async def test_a_trade_closed_by_nothing_of_ours_calls_for_a_person(house: House) -> None:
    payment_id = await paid(house)
    await house.payments.refund(payment_id, usd("2.50"), "cold", "stf_ann", "r1")
    payment = await house.payments.get(payment_id)
    house.alipay.outbox.clear()
    trade = house.alipay.trades[payment.order_number]
    trade.state = "closed"
    house.alipay._notice(trade, "closed")
    await house.deliver()
    payment = await house.payments.get(payment_id)
    assert (payment.status, payment.code) == (Status.NEEDS_ATTENTION, "closed_unexplained")
    assert await house.sales() == 1000


async def test_a_notice_about_a_refund_that_was_not_heard_of_settles_it(house: House) -> None:
    payment_id = await paid(house)
    house.alipay.outbox.clear()
    house.alipay.fails("refund", "silence_after")
    await house.payments.refund(payment_id, usd("12.50"), "cold", "stf_ann", "r1")
    await house.deliver()
    [refund] = await house.payments.refunds_of(payment_id)
    assert refund.status is RefundStatus.SUCCEEDED
    await house.play(60)
    assert house.alipay.count("refund") == 1
    assert (await house.look_at_bill()).refunded == 1250
    assert await house.faults() == []
