"""Processes that die between any two steps: whoever comes next finds the row and carries on."""

from __future__ import annotations

import asyncio

import pytest

from saoma.kit.money import Money
from saoma.payments.lifecycle import RefundStatus, Status
from tests.payments.make import House, ProcessDied, new_payment, page_payment


async def dies(house: House, *, service: str, fault: str) -> str:
    """A process begins a payment and is killed around its call; the payment's id."""
    house.alipay.fails(service, fault)
    with pytest.raises(ProcessDied):
        await house.process().take(new_payment())
    [payment] = await house.payments.of_payable("bill", "bill_1")
    assert payment.status is Status.PENDING
    return payment.id


async def test_killed_between_commit_and_send(house: House) -> None:
    payment_id = await dies(house, service="open", fault="dies_before")
    await house.tick(5)
    assert (await house.payments.get(payment_id)).status is Status.PENDING
    # Whether the dead process had sent is not known, so nothing is sent again while its request may be on its way.
    assert house.alipay.count("open") == 1
    await house.play(30)
    assert (await house.payments.get(payment_id)).status is Status.SUCCEEDED
    assert house.alipay.trades[(await house.payments.get(payment_id)).order_number].debits == 1
    assert await house.faults() == []


async def test_killed_after_the_send(house: House) -> None:
    payment_id = await dies(house, service="open", fault="dies_after")
    await house.tick(5)
    payment = await house.payments.get(payment_id)
    assert payment.status is Status.SUCCEEDED
    assert house.alipay.count("open") == 1
    assert (await house.look_at_bill()).told == ["paid"]
    assert await house.faults() == []


async def test_killed_with_the_answer_in_hand(house: House) -> None:
    async def database_goes_away(service: str) -> None:
        raise ProcessDied

    house.alipay.after_call = database_goes_away
    with pytest.raises(ProcessDied):
        await house.process().take(new_payment())
    house.alipay.after_call = None
    await house.tick(5)
    [payment] = await house.payments.of_payable("bill", "bill_1")
    assert payment.status is Status.SUCCEEDED
    assert await house.faults() == []


async def test_a_task_that_is_cancelled_while_it_sends(house: House) -> None:
    async def hang(service: str) -> None:
        house.alipay.before_call = None
        raise asyncio.CancelledError

    house.alipay.before_call = hang
    with pytest.raises(asyncio.CancelledError):
        await house.process().take(new_payment())
    await house.play(30)
    [payment] = await house.payments.of_payable("bill", "bill_1")
    assert payment.status is Status.SUCCEEDED


@pytest.mark.parametrize("fault", ["dies_before", "dies_after"])
async def test_a_worker_killed_while_it_asks(house: House, fault: str) -> None:
    house.alipay.buyer = "thinks"
    payment = await house.payments.take(new_payment())
    house.alipay.buyer_pays(payment.order_number)
    house.alipay.fails("query", fault)
    with pytest.raises(ProcessDied):
        await house.tick(5)
    assert await house.tick(1) == 0
    await house.tick(30)
    assert (await house.payments.get(payment.id)).status is Status.SUCCEEDED
    assert await house.faults() == []


@pytest.mark.parametrize("fault", ["dies_before", "dies_after"])
async def test_a_process_killed_while_it_cancels(house: House, fault: str) -> None:
    house.alipay.buyer = "thinks"
    payment = await house.payments.take(new_payment())
    house.alipay.buyer_pays(payment.order_number)
    house.alipay.fails("cancel", fault)
    with pytest.raises(ProcessDied):
        await house.process().give_up(payment.id, "stf_ann")
    assert (await house.payments.get(payment.id)).status is Status.CANCELLING
    await house.tick(30)
    assert (await house.payments.get(payment.id)).status is Status.CANCELLED
    assert house.alipay.trades[payment.order_number].given_back == 1250
    assert await house.faults() == []


@pytest.mark.parametrize("fault", ["dies_before", "dies_after"])
async def test_a_process_killed_while_it_gives_back(house: House, fault: str) -> None:
    payment = await house.payments.take(new_payment())
    house.alipay.fails("refund", fault)
    with pytest.raises(ProcessDied):
        await house.process().refund(payment.id, Money(500, "USD"), "cold", "stf_ann", "r1")
    await house.tick(30)
    [refund] = await house.payments.refunds_of(payment.id)
    assert refund.status is RefundStatus.SUCCEEDED
    assert house.alipay.trades[payment.order_number].given_back == 500
    assert await house.faults() == []


async def test_killed_before_the_page_had_its_trade_number(house: House) -> None:
    house.alipay.fails("open", "dies_before")
    with pytest.raises(ProcessDied):
        await house.process().take(page_payment())
    await house.play(30)
    [payment] = await house.payments.of_payable("bill", "bill_1")
    assert payment.status is Status.PENDING and payment.trade_number


async def test_a_house_that_is_dead_past_the_deadline_comes_back_and_ends_it(house: House) -> None:
    payment_id = await dies(house, service="open", fault="dies_before")
    await house.tick(3600)
    payment = await house.payments.get(payment_id)
    assert payment.status is Status.CANCELLED
    assert house.alipay.count("open") == 1 and house.alipay.count("cancel") == 1
    assert await house.faults() == []


async def test_the_hall_that_can_not_commit_changes_nothing_and_is_tried_again(house: House) -> None:
    async with house.db.reading() as rows:
        await rows.run("ALTER TABLE bills ADD CONSTRAINT closed_for_now CHECK (paid = 0)")
    house.alipay.fails("open", "silence_after")
    payment = await house.payments.take(new_payment())
    await house.tick(5)
    assert (await house.payments.get(payment.id)).status is Status.PENDING
    assert await house.sales() == 0
    async with house.db.reading() as rows:
        await rows.run("ALTER TABLE bills DROP CONSTRAINT closed_for_now")
    await house.tick(30)
    assert (await house.payments.get(payment.id)).status is Status.SUCCEEDED
    assert await house.faults() == []
