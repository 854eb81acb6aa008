"""Giving up: cancel until certain, bounded in number and by Beijing's midnight; late money calls for a person."""

from __future__ import annotations

from datetime import timedelta

import pytest

from saoma.payments.lifecycle import Status
from saoma.payments.patience import CANCEL_ATTEMPTS
from tests.payments.make import House, new_payment, page_payment, same_day_window


async def waiting(house: House) -> str:
    house.alipay.buyer = "thinks"
    return (await house.payments.take(new_payment())).id


async def test_a_cashier_who_gives_up_has_certainty_at_once(house: House) -> None:
    payment_id = await waiting(house)
    payment = await house.payments.give_up(payment_id, "stf_ann")
    assert (payment.status, payment.gave_back) == (Status.CANCELLED, False)
    assert (await house.look_at_bill()).told == ["released"]
    assert "person:give_up" in await house.doors(payment_id)
    assert await house.faults() == []


async def test_the_cancel_of_a_payment_that_was_paid_unnoticed_gives_the_money_back_and_books_nothing(
    house: House,
) -> None:
    payment_id = await waiting(house)
    payment = await house.payments.get(payment_id)
    house.alipay.buyer_pays(payment.order_number)
    payment = await house.payments.give_up(payment_id, "stf_ann")
    assert (payment.status, payment.gave_back, payment.booked) == (Status.CANCELLED, True, False)
    assert await house.sales() == 0
    assert (await house.look_at_bill()).told == ["released"]
    # The notice of that payment is still on its way. It is explained: nobody needs to look.
    answers = await house.deliver()
    assert [answer.why for answer in answers] == ["applied", "applied"]
    payment = await house.payments.get(payment_id)
    assert payment.status is Status.CANCELLED
    assert "notice:paid_before_cancel" in await house.doors(payment_id)
    assert await house.faults() == []


async def test_money_that_arrives_after_a_cancel_calls_for_a_person(house: House) -> None:
    house.alipay.fails("open", "silence_before")
    payment_id = (await house.payments.take(new_payment())).id
    payment = await house.payments.give_up(payment_id, "stf_ann")
    assert payment.status is Status.CANCELLED
    # The request was only slow: it arrives after the cancel that found no trade.
    charge = next(subject for name, subject in house.alipay.calls if name == "open")
    await house.alipay.open(charge)
    assert [answer.accepted for answer in await house.deliver()] == [True]
    payment = await house.payments.get(payment_id)
    assert (payment.status, payment.code) == (Status.NEEDS_ATTENTION, "late_money")
    assert (await house.look_at_bill()).told == ["released"]
    assert await house.sales() == 0


async def test_a_closed_trade_that_is_paid_all_the_same_is_found_out_by_the_last_query(house: House) -> None:
    payment_id = await waiting(house)
    payment = await house.payments.give_up(payment_id, "stf_ann")
    trade = house.alipay.trades[payment.order_number]
    trade.state = "waiting"
    house.alipay.buyer_pays(payment.order_number)
    await house.deliver()
    await house.play(10)
    assert (await house.payments.get(payment_id)).status is Status.NEEDS_ATTENTION


async def test_a_repeated_cancel_that_finds_the_trade_closed_does_not_mistake_old_notices_for_late_money(
    house: House,
) -> None:
    payment_id = await waiting(house)
    payment = await house.payments.get(payment_id)
    house.alipay.buyer_pays(payment.order_number)
    house.alipay.fails("cancel", "silence_after")
    await house.payments.give_up(payment_id, "stf_ann")
    await house.play(10)
    assert (await house.payments.get(payment_id)).status is Status.CANCELLED
    await house.deliver()
    await house.play(60)
    assert (await house.payments.get(payment_id)).status is Status.CANCELLED
    assert await house.faults() == []


async def test_money_that_arrives_after_a_refusal_calls_for_a_person(house: House) -> None:
    house.alipay.buyer = "PAYMENT_FAIL"
    payment = await house.payments.take(new_payment())
    assert payment.status is Status.FAILED
    notice = {"sign": "good", "notice_id": "late", "order_number": payment.order_number, "trade_number": "2026777"}
    await house.payments.notified(
        payment.account_id, notice | {"state": "paid", "amount": "12.50", "refund_number": ""}
    )
    payment = await house.payments.get(payment.id)
    assert payment.status is Status.NEEDS_ATTENTION
    assert (await house.look_at_bill()).told == ["released"]


@pytest.mark.parametrize(
    "fault", ["silence_before", "silence_after", "system_error_before", "bad_signature", "unknown"]
)
async def test_an_unclear_cancel_is_repeated_unchanged_with_growing_gaps(house: House, fault: str) -> None:
    payment_id = await waiting(house)
    house.alipay.fails("cancel", fault, fault, fault)
    payment = await house.payments.give_up(payment_id, "stf_ann")
    assert payment.status is Status.CANCELLING
    assert (await house.look_at_bill()).told == []
    moments = []
    while (due := await house.next_due()) is not None:
        house.clock.advance(due - house.clock.now())
        moments.append(house.clock.now())
        await house.tick()
    assert (await house.payments.get(payment_id)).status is Status.CANCELLED
    assert house.alipay.count("cancel") == 4
    first, second = moments[1] - moments[0], moments[2] - moments[1]
    assert second > first * 1.5
    assert await house.faults() == []


async def test_a_cancel_that_never_gets_through_needs_a_person_in_the_end(house: House) -> None:
    payment_id = await waiting(house)
    house.alipay.fails("cancel", *["silence_before"] * 100)
    house.alipay.fails("query", *["silence_before"] * 100)
    await house.payments.give_up(payment_id, "stf_ann")
    await house.play(7200)
    payment = await house.payments.get(payment_id)
    assert (payment.status, payment.code) == (Status.NEEDS_ATTENTION, "attempts_exhausted")
    assert house.alipay.count("cancel") == CANCEL_ATTEMPTS
    assert payment.due_at is None
    bill = await house.look_at_bill()
    assert (bill.held, bill.told) == (1250, [])
    assert await house.faults() == []


async def test_before_a_person_is_called_the_last_question_may_settle_it(house: House) -> None:
    payment_id = await waiting(house)
    house.alipay.fails("cancel", *["silence_after"] * 100)
    await house.payments.give_up(payment_id, "stf_ann")
    await house.play(7200)
    assert (await house.payments.get(payment_id)).status is Status.CANCELLED


async def test_a_refused_cancel_needs_a_person(house: House) -> None:
    payment_id = await waiting(house)
    payment = await house.payments.get(payment_id)
    house.alipay.trades[payment.order_number].refunds["elsewhere"] = 1
    payment = await house.payments.give_up(payment_id, "stf_ann")
    assert (payment.status, payment.code) == (Status.NEEDS_ATTENTION, "REASON_TRADE_REFUND_FEE_ERR")


async def test_after_the_window_no_cancel_is_sent(house: House) -> None:
    payment_id = await waiting(house)
    house.clock.advance(same_day_window(house))
    house.alipay.buyer_pays((await house.payments.get(payment_id)).order_number)
    house.alipay.fails("query", "silence_before", "silence_before")
    await house.tick()
    payment = await house.payments.get(payment_id)
    assert (payment.status, payment.code) == (Status.NEEDS_ATTENTION, "window_closed")
    assert house.alipay.count("cancel") == 0


async def test_within_the_quarter_of_an_hour_after_midnight_a_cancel_is_still_sent(house: House) -> None:
    payment_id = await waiting(house)
    house.clock.advance(same_day_window(house) - timedelta(seconds=1))
    await house.tick()
    assert (await house.payments.get(payment_id)).status is Status.CANCELLED
    assert house.alipay.count("cancel") == 1


async def test_a_house_that_slept_a_day_finds_the_money_by_asking_first(house: House) -> None:
    payment_id = await waiting(house)
    house.alipay.buyer_pays((await house.payments.get(payment_id)).order_number)
    await house.tick(86400)
    assert (await house.payments.get(payment_id)).status is Status.SUCCEEDED
    assert house.alipay.count("cancel") == 0


async def test_giving_up_what_was_paid_a_moment_ago_changes_nothing(house: House) -> None:
    payment = await house.payments.take(new_payment())
    again = await house.payments.give_up(payment.id, "stf_ann")
    assert again.status is Status.SUCCEEDED
    assert house.alipay.count("cancel") == 0
    assert (await house.look_at_bill()).told == ["paid"]


async def test_a_cancel_never_overtakes_our_own_request(house: House) -> None:
    order = []

    async def note(service: str) -> None:
        order.append(service)
        if service == "open":
            other = house.process()
            payment = (await other.of_payable("bill", "bill_1"))[0]
            payment = await other.give_up(payment.id, "stf_bob")
            assert payment.status is Status.CANCELLING

    house.alipay.before_call = note
    payment = await house.payments.take(new_payment())
    assert payment.status is Status.CANCELLED and payment.gave_back
    assert order == ["open", "cancel"]
    assert await house.sales() == 0
    assert await house.faults() == []


async def test_giving_up_a_payment_that_never_left_needs_no_cancel(house: House) -> None:
    house.alipay.fails("open", "not_sent")
    payment = await house.payments.take(page_payment())
    payment = await house.payments.give_up(payment.id, "gst_1")
    assert payment.status is Status.CANCELLED
    assert house.alipay.count("cancel") == 0


async def test_a_payment_seen_paid_whose_cancel_says_nothing_of_money_is_looked_at_once_more(house: House) -> None:
    payment_id = await waiting(house)
    payment = await house.payments.get(payment_id)
    house.alipay.buyer_pays(payment.order_number)
    house.alipay.fails("cancel", "silence_after")
    await house.payments.give_up(payment_id, "stf_ann")
    await house.deliver()
    await house.play(60)
    payment = await house.payments.get(payment_id)
    assert payment.status is Status.CANCELLED
    assert house.alipay.trades[payment.order_number].given_back == 1250
    assert await house.next_due() is None


async def cancelled_by_notice(house: House) -> str:
    """A payment whose cancel was carried out and not heard of; the notice of the closed trade comes first."""
    payment_id = await waiting(house)
    payment = await house.payments.get(payment_id)
    house.alipay.buyer_pays(payment.order_number)
    house.alipay.fails("cancel", "silence_after")
    await house.payments.give_up(payment_id, "stf_ann")
    paid, closed = house.alipay.outbox
    house.alipay.outbox = [closed, paid]
    assert [answer.why for answer in await house.deliver()] == ["applied", "applied"]
    return payment_id


async def test_notices_in_the_wrong_order_are_put_right_by_one_more_query(house: House) -> None:
    payment_id = await cancelled_by_notice(house)
    assert (await house.payments.get(payment_id)).status is Status.CANCELLED
    await house.play(60)
    assert house.alipay.calls[-1][0] == "query"
    payment = await house.payments.get(payment_id)
    assert (payment.status, payment.due_at) == (Status.CANCELLED, None)
    assert await house.faults() == []


async def test_the_last_query_decides_against_us_too(house: House) -> None:
    payment_id = await cancelled_by_notice(house)
    house.alipay.trades[(await house.payments.get(payment_id)).order_number].state = "paid"
    await house.play(60)
    payment = await house.payments.get(payment_id)
    assert (payment.status, payment.code) == (Status.NEEDS_ATTENTION, "late_money")


async def test_a_confirming_query_that_stays_unclear_is_not_repeated_for_ever(house: House) -> None:
    payment_id = await cancelled_by_notice(house)
    house.alipay.fails("query", *["silence_before"] * 100)
    await house.play(3600)
    payment = await house.payments.get(payment_id)
    assert (payment.status, payment.due_at) == (Status.CANCELLED, None)
    assert 5 < house.alipay.count("query") < 40
