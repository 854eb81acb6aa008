"""Payments in the wallet's page: the trade is created for a known buyer, paid later, and no phone is believed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from saoma.kit.errors import Invalid
from saoma.payments.lifecycle import Status
from tests.payments.make import House, page_payment


async def test_the_page_gets_the_trade_number_it_must_pay(house: House) -> None:
    payment = await house.payments.take(page_payment())
    assert payment.status is Status.PENDING
    assert payment.code == "awaiting_buyer"
    assert payment.trade_number == house.alipay.trades[payment.order_number].trade_number
    assert await house.faults() == []


async def test_a_phone_that_reports_makes_us_ask_at_once(house: House) -> None:
    payment = await house.payments.take(page_payment())
    house.alipay.buyer_pays(payment.order_number)
    payment = await house.payments.nudge(payment.id)
    assert payment.status is Status.SUCCEEDED
    assert (await house.look_at_bill()).told == ["paid"]


async def test_a_phone_that_lies_changes_nothing(house: House) -> None:
    payment = await house.payments.take(page_payment())
    payment = await house.payments.nudge(payment.id)
    assert payment.status is Status.PENDING
    assert await house.sales() == 0


async def test_a_phone_that_reports_without_end_makes_us_ask_once_a_second(house: House) -> None:
    payment = await house.payments.take(page_payment())
    for _ in range(20):
        await house.payments.nudge(payment.id)
    assert house.alipay.count("query") == 1
    house.clock.advance(timedelta(seconds=2))
    await house.payments.nudge(payment.id)
    assert house.alipay.count("query") == 2


async def test_a_create_that_was_lost_is_repeated_because_the_page_needs_its_number(house: House) -> None:
    house.alipay.fails("open", "silence_before")
    payment = await house.payments.take(page_payment())
    assert (payment.status, payment.trade_number) == (Status.PENDING, "")
    await house.tick(5)
    payment = await house.payments.get(payment.id)
    assert payment.trade_number
    first, second = (charge for name, charge in house.alipay.calls if name == "open")
    assert first == second


async def test_a_create_that_was_done_and_not_heard_of_is_found_by_the_query(house: House) -> None:
    house.alipay.fails("open", "silence_after")
    payment = await house.payments.take(page_payment())
    await house.tick(5)
    payment = await house.payments.get(payment.id)
    assert payment.trade_number and house.alipay.count("open") == 1


async def test_a_trade_that_alipay_closes_unpaid_ends_the_payment(house: House) -> None:
    payment = await house.payments.take(page_payment())
    house.alipay.expire(payment.order_number)
    await house.tick(5)
    payment = await house.payments.get(payment.id)
    assert payment.status is Status.CANCELLED
    assert house.alipay.count("cancel") == 0
    assert (await house.look_at_bill()).told == ["released"]
    assert await house.faults() == []


async def test_a_page_that_is_left_alone_is_cancelled_at_its_deadline(house: House) -> None:
    payment = await house.payments.take(page_payment())
    await house.play(301)
    assert (await house.payments.get(payment.id)).status is Status.CANCELLED
    assert house.alipay.trades[payment.order_number].state == "closed"
    assert 20 <= house.alipay.count("query") <= 40


async def test_a_started_payment_waits_for_a_worker(house: House) -> None:
    payment = await house.payments.start(page_payment())
    assert payment.status is Status.CREATED and house.alipay.calls == []
    await house.tick()
    payment = await house.payments.get(payment.id)
    assert payment.status is Status.PENDING and payment.trade_number
    assert await house.faults() == []


async def test_a_started_payment_that_nobody_sent_in_time_is_withdrawn_without_a_word_to_alipay(house: House) -> None:
    payment = await house.payments.start(page_payment())
    await house.tick(301)
    assert (await house.payments.get(payment.id)).status is Status.CANCELLED
    assert house.alipay.calls == []
    assert await house.faults() == []


async def test_a_page_payment_needs_a_known_buyer(house: House) -> None:
    with pytest.raises(Invalid):
        await house.payments.take(page_payment(buyer_id=""))
