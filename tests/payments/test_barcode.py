"""Barcode payments at the till: every outcome the provider can have, without waiting for real time."""

from __future__ import annotations

import pytest

from saoma.gateway import Declined
from saoma.payments.lifecycle import Status
from tests.payments.make import House, new_payment, unsigned


async def test_a_clear_yes_is_booked_at_once(house: House) -> None:
    payment = await house.payments.take(new_payment())
    assert payment.status is Status.SUCCEEDED
    assert payment.trade_number and payment.buyer_id and payment.paid_at and payment.final_at
    bill = await house.look_at_bill()
    assert (bill.held, bill.paid, bill.told) == (0, 1250, ["paid"])
    assert await house.sales() == 1250
    assert await house.next_due() is None
    assert await house.faults() == []


@pytest.mark.parametrize("code", ["BUYER_BALANCE_NOT_ENOUGH", "SOUNDWAVE_PARSER_FAIL"])
async def test_a_clear_no_frees_the_bill_for_another_try(house: House, code: str) -> None:
    house.alipay.buyer = code
    payment = await house.payments.take(new_payment())
    assert (payment.status, payment.code) == (Status.FAILED, code)
    assert (await house.look_at_bill()).told == ["released"]
    house.alipay.buyer = "pays"
    second = await house.payments.take(new_payment())
    assert second.status is Status.SUCCEEDED
    assert second.order_number != payment.order_number
    assert await house.faults() == []


async def test_unknown_and_then_the_pin_is_typed(house: House) -> None:
    house.alipay.buyer = "thinks"
    payment = await house.payments.take(new_payment())
    assert (payment.status, payment.code) == (Status.PENDING, "UNKNOWN")
    await house.tick(5)
    assert (await house.payments.get(payment.id)).code == "awaiting_buyer"
    await house.tick(4)
    house.alipay.buyer_pays(payment.order_number)
    await house.tick(4)
    payment = await house.payments.get(payment.id)
    assert payment.status is Status.SUCCEEDED
    assert house.alipay.count("open") == 1 and house.alipay.count("cancel") == 0
    assert await house.faults() == []


async def test_unknown_and_never_paid_is_cancelled_at_the_deadline(house: House) -> None:
    house.alipay.buyer = "thinks"
    payment = await house.payments.take(new_payment())
    await house.play(59)
    assert (await house.payments.get(payment.id)).status is Status.PENDING
    await house.play(2)
    payment = await house.payments.get(payment.id)
    assert (payment.status, payment.code) == (Status.CANCELLED, "cancelled")
    assert 12 <= house.alipay.count("query") <= 20
    assert house.alipay.trades[payment.order_number].state == "closed"
    assert (await house.look_at_bill()).told == ["released"]
    assert await house.sales() == 0
    assert await house.faults() == []


async def test_a_payment_in_the_last_moment_is_found_by_the_last_query(house: House) -> None:
    house.alipay.buyer = "thinks"
    payment = await house.payments.take(new_payment())
    await house.play(59)
    house.alipay.buyer_pays(payment.order_number)
    await house.play(2)
    assert (await house.payments.get(payment.id)).status is Status.SUCCEEDED
    assert house.alipay.count("cancel") == 0


@pytest.mark.parametrize("fault", ["system_error_after", "silence_after", "bad_signature", "unknown"])
async def test_an_unclear_answer_to_a_payment_that_was_made_ends_in_success(house: House, fault: str) -> None:
    house.alipay.fails("open", fault)
    payment = await house.payments.take(new_payment())
    assert payment.status is Status.PENDING
    assert (await house.look_at_bill()).told == []
    await house.tick(5)
    assert (await house.payments.get(payment.id)).status is Status.SUCCEEDED
    assert house.alipay.count("open") == 1
    assert house.alipay.trades[payment.order_number].debits == 1
    assert await house.faults() == []


@pytest.mark.parametrize("fault", ["system_error_before", "silence_before"])
async def test_a_request_that_was_lost_is_repeated_unchanged(house: House, fault: str) -> None:
    house.alipay.fails("open", fault)
    payment = await house.payments.take(new_payment())
    assert payment.status is Status.PENDING
    await house.tick(5)
    assert (await house.payments.get(payment.id)).status is Status.SUCCEEDED
    first, second = (charge for name, charge in house.alipay.calls if name == "open")
    assert first == second
    assert await house.faults() == []


@pytest.mark.parametrize("fault", ["system_error_before", "silence_before"])
async def test_a_request_that_never_gets_through_is_cancelled_at_the_deadline(house: House, fault: str) -> None:
    house.alipay.fails("open", *[fault] * 100)
    payment = await house.payments.take(new_payment())
    await house.play(61)
    payment = await house.payments.get(payment.id)
    assert payment.status is Status.CANCELLED
    assert house.alipay.count("cancel") == 1
    assert house.alipay.trades == {}
    assert await house.faults() == []


async def test_a_refusal_of_a_repeated_request_is_no_proof_and_ends_in_a_cancel(house: House) -> None:
    house.alipay.fails("open", "silence_before")
    payment = await house.payments.take(new_payment())
    house.alipay.buyer = "PAYMENT_AUTH_CODE_INVALID"
    await house.tick(5)
    payment = await house.payments.get(payment.id)
    assert (payment.status, payment.code) == (Status.CANCELLED, "PAYMENT_AUTH_CODE_INVALID")
    assert "answer:repeat_declined" in await house.doors(payment.id)
    assert house.alipay.count("cancel") == 1


async def test_a_refusal_after_refused_connections_is_the_first_answer_there_is(house: House) -> None:
    house.alipay.fails("open", "not_sent", "not_sent")
    house.alipay.buyer = "BUYER_BALANCE_NOT_ENOUGH"
    payment = await house.payments.take(new_payment())
    assert (payment.status, payment.code, payment.sends) == (Status.PENDING, "not_sent", 0)
    await house.play(20)
    payment = await house.payments.get(payment.id)
    assert (payment.status, payment.code) == (Status.FAILED, "BUYER_BALANCE_NOT_ENOUGH")
    assert house.alipay.count("query") == 0


async def test_without_a_network_nothing_was_sent_and_nothing_needs_a_person(house: House) -> None:
    for service in ("open", "query", "cancel"):
        house.alipay.fails(service, *["not_sent"] * 200)
    payment = await house.payments.take(new_payment())
    await house.play(120)
    payment = await house.payments.get(payment.id)
    assert (payment.status, payment.code) == (Status.CANCELLED, "cancelled")
    assert house.alipay.count("cancel") == 0
    assert (await house.look_at_bill()).told == ["released"]
    assert await house.faults() == []


async def test_a_yes_without_a_signature_proves_nothing(house: House) -> None:
    house.alipay.fails("open", "unsigned")
    payment = await house.payments.take(new_payment())
    assert (payment.status, payment.code) == (Status.PENDING, "unproven")
    await house.tick(5)
    assert (await house.payments.get(payment.id)).status is Status.SUCCEEDED


async def test_a_no_whose_signature_does_not_hold_proves_nothing(house: House) -> None:
    house.alipay.buyer = "PAYMENT_FAIL"
    house.alipay.fails("open", "unsigned")
    payment = await house.payments.take(new_payment())
    assert payment.status is Status.PENDING


async def test_a_gateway_that_refuses_to_send_is_believed_without_a_signature(house: House) -> None:
    async def refuse(charge: object) -> Declined:
        return Declined("not_a_payment_code", unsigned("open", "not_a_payment_code"))

    house.alipay.open = refuse  # type: ignore[method-assign, assignment]
    payment = await house.payments.take(new_payment())
    assert (payment.status, payment.code) == (Status.FAILED, "not_a_payment_code")
    assert await house.faults() == []


async def test_a_gateway_that_raises_counts_as_no_answer(house: House) -> None:
    house.alipay.fails("open", "raises")
    payment = await house.payments.take(new_payment())
    assert (payment.status, payment.code) == (Status.PENDING, "fault")
    await house.tick(5)
    assert (await house.payments.get(payment.id)).status is Status.SUCCEEDED


async def test_another_amount_under_our_number_is_never_booked_as_ours(house: House) -> None:
    house.alipay.fails("open", "silence_after")
    payment = await house.payments.take(new_payment())
    trade = house.alipay.trades[payment.order_number]
    trade.amount = type(trade.amount)(1, "USD")
    await house.tick(5)
    payment = await house.payments.get(payment.id)
    assert (payment.status, payment.code) == (Status.NEEDS_ATTENTION, "mismatched")
    assert await house.sales() == 0
    bill = await house.look_at_bill()
    assert (bill.held, bill.told) == (1250, [])


async def test_another_currency_under_our_number_is_never_booked_as_ours(house: House) -> None:
    house.alipay.fails("open", "silence_after")
    payment = await house.payments.take(new_payment())
    trade = house.alipay.trades[payment.order_number]
    trade.amount = type(trade.amount)(1250, "HKD")
    await house.tick(5)
    assert (await house.payments.get(payment.id)).status is Status.NEEDS_ATTENTION


async def test_a_second_trade_under_our_number_calls_for_a_person(house: House) -> None:
    payment = await house.payments.take(new_payment(policy="ticket"))
    house.alipay.trades[payment.order_number].trade_number = "2026999"
    await house.tick(4)
    assert (await house.payments.get(payment.id)).status is Status.NEEDS_ATTENTION


async def test_a_ticket_terminal_asks_again_after_a_clear_answer(house: House) -> None:
    payment = await house.payments.take(new_payment(policy="ticket"))
    assert payment.status is Status.SUCCEEDED and payment.due_at is not None
    await house.tick(4)
    assert house.alipay.count("query") == 1
    payment = await house.payments.get(payment.id)
    assert (payment.status, payment.due_at) == (Status.SUCCEEDED, None)
    assert await house.doors(payment.id) == ["start:submitted", "answer:paid", "query:paid"]


async def test_a_refused_ticket_payment_is_asked_about_until_alipay_says_there_is_no_trade(house: House) -> None:
    house.alipay.buyer = "BUYER_BALANCE_NOT_ENOUGH"
    house.alipay.fails("query", "system_error_before")
    payment = await house.payments.take(new_payment(policy="ticket"))
    assert payment.status is Status.FAILED and payment.due_at is not None
    await house.tick(4)
    assert (await house.payments.get(payment.id)).due_at is not None, "a system error proves nothing"
    await house.play(60)
    payment = await house.payments.get(payment.id)
    assert (payment.status, payment.code, payment.due_at) == (Status.FAILED, "BUYER_BALANCE_NOT_ENOUGH", None)
    assert house.alipay.count("query") == 2, "refused, and no trade: nothing is left to ask"


async def test_the_payment_code_is_forgotten_when_it_can_not_be_sent_again(house: House) -> None:
    async def kept() -> object:
        async with house.db.reading() as rows:
            return await rows.value("SELECT payment_code FROM payments")

    house.alipay.buyer = "thinks"
    payment = await house.payments.take(new_payment())
    assert await kept() == "281234567890123456"
    await house.payments.give_up(payment.id, "stf_ann")
    assert await kept() == ""


async def test_every_answer_is_kept_as_evidence(house: House) -> None:
    house.alipay.buyer = "thinks"
    house.alipay.fails("query", "bad_signature")
    payment = await house.payments.take(new_payment())
    await house.tick(5)
    house.alipay.buyer_pays(payment.order_number)
    await house.tick(5)
    story = await house.payments.story(payment.id)
    assert [(e.door, e.event, e.source, e.code, e.signed) for e in story] == [
        ("start", "submitted", "", "", None),
        ("answer", "unclear", "open", "UNKNOWN", True),
        ("query", "unclear", "query", "bad_signature", False),
        ("query", "paid", "query", "TRADE_SUCCESS", True),
    ]
    assert story[0].said_by == "stf_ann" and story[-1].raw
