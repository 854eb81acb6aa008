"""A person decides: what they rule is booked, told and kept with their reason."""

from __future__ import annotations

import pytest

from saoma.kit.errors import Conflict, IllegalTransition
from saoma.kit.money import Money
from saoma.payments.happenings import Ruling
from saoma.payments.lifecycle import Status
from tests.payments.make import House, new_payment


async def stuck(house: House) -> str:
    """A payment whose cancel was refused; the money is at Alipay."""
    house.alipay.buyer = "thinks"
    payment = await house.payments.take(new_payment())
    house.alipay.buyer_pays(payment.order_number)
    house.alipay.outbox.clear()
    house.alipay.fails("cancel", *["silence_before"] * 100)
    house.alipay.fails("query", *["silence_before"] * 100)
    await house.payments.give_up(payment.id, "stf_ann")
    await house.play(7200)
    assert (await house.payments.get(payment.id)).status is Status.NEEDS_ATTENTION
    house.alipay.faults.clear()
    return payment.id


async def test_ruled_paid_is_booked_and_told(house: House) -> None:
    payment_id = await stuck(house)
    payment = await house.payments.rule(payment_id, Ruling.PAID, "stf_owner", "seen on the statement")
    assert payment.status is Status.SUCCEEDED and payment.paid_at
    assert (await house.look_at_bill()).told == ["paid"]
    assert await house.sales() == 1250
    assert (await house.payments.story(payment_id))[-1].said_by == "stf_owner: seen on the statement"
    assert await house.faults() == []


async def test_ruled_unpaid_releases_the_bill(house: House) -> None:
    payment_id = await stuck(house)
    payment = await house.payments.rule(payment_id, Ruling.UNPAID, "stf_owner", "not on the statement")
    assert payment.status is Status.CANCELLED
    assert (await house.look_at_bill()).told == ["released"]
    assert await house.faults() == []


async def test_ruled_refund_gives_everything_back_and_the_bill_is_due_again(house: House) -> None:
    payment_id = await stuck(house)
    payment = await house.payments.rule(payment_id, Ruling.REFUND, "stf_owner", "guest had left")
    assert (payment.status, payment.refunded) == (Status.SUCCEEDED, 1250)
    assert (await house.look_at_bill()).told == ["released"]
    assert await house.sales() == 0
    assert house.alipay.trades[payment.order_number].given_back == 1250
    assert await house.faults() == []


async def test_what_was_booked_and_is_ruled_unpaid_is_booked_back(house: House) -> None:
    payment = await house.payments.take(new_payment())
    house.alipay.outbox.clear()
    trade = house.alipay.trades[payment.order_number]
    trade.state = "closed"
    house.alipay._notice(trade, "closed")
    await house.deliver()
    payment = await house.payments.rule(payment.id, Ruling.UNPAID, "stf_owner", "returned by Alipay")
    assert payment.status is Status.CANCELLED
    assert await house.sales() == 0
    assert (await house.look_at_bill()).told == ["paid", "released"]
    assert await house.faults() == []


async def test_of_a_payment_refunded_in_part_and_undone_elsewhere_only_the_rest_is_booked_back(house: House) -> None:
    """Found by the simulation: such a payment could not be ruled upon at all."""
    payment = await house.payments.take(new_payment())
    trade = house.alipay.trades[payment.order_number]
    house.alipay.outbox.clear()
    house.alipay.fails("refund", "silence_after")
    await house.payments.refund(payment.id, Money(450, "USD"), "cold", "stf_ann", "r1")
    trade.state = "closed"
    house.alipay._notice(trade, "closed")
    await house.deliver()
    if (await house.payments.get(payment.id)).status is Status.NEEDS_ATTENTION:
        with pytest.raises(Conflict, match="refund of this payment has not ended"):
            await house.payments.rule(payment.id, Ruling.UNPAID, "stf_owner", "undone in their console")
    await house.play(600)
    [refund] = await house.payments.refunds_of(payment.id)
    assert (refund.status, (await house.payments.get(payment.id)).status) == ("succeeded", Status.NEEDS_ATTENTION)
    ruled = await house.payments.rule(payment.id, Ruling.UNPAID, "stf_owner", "undone in their console")
    assert (ruled.status, ruled.refunded) == (Status.CANCELLED, 450)
    assert (await house.look_at_bill()).told == ["paid", "refunded", "released"]
    assert await house.sales() == 0
    assert await house.faults() == []


async def test_only_what_needs_a_person_is_ruled_upon(house: House) -> None:
    payment = await house.payments.take(new_payment())
    with pytest.raises(IllegalTransition):
        await house.payments.rule(payment.id, Ruling.UNPAID, "stf_owner", "please")
    assert (await house.payments.get(payment.id)).status is Status.SUCCEEDED


async def test_what_was_booked_and_is_ruled_paid_is_not_booked_again(house: House) -> None:
    payment = await house.payments.take(new_payment())
    house.alipay.outbox.clear()
    trade = house.alipay.trades[payment.order_number]
    house.alipay._notice(trade, "closed")
    await house.deliver()
    payment = await house.payments.rule(payment.id, Ruling.PAID, "stf_owner", "Alipay confirmed by telephone")
    assert payment.status is Status.SUCCEEDED
    assert await house.sales() == 1250
    assert (await house.look_at_bill()).told == ["paid"]
    assert await house.faults() == []
