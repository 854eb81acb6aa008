"""Beginning a payment: a row before it is a request, once per key, never more than the bill."""

from __future__ import annotations

import asyncio

import pytest

from saoma.gateway import Method
from saoma.kit.errors import Conflict, Invalid, NotFound
from saoma.kit.money import Money
from saoma.payments.lifecycle import Status
from tests.payments.make import House, new_payment


async def test_the_row_is_committed_before_the_first_byte_leaves(house: House) -> None:
    seen = []

    async def look(service: str) -> None:
        async with house.db.reading() as rows:
            seen.append(await rows.value("SELECT status || ' ' || sends FROM payments"))

    house.alipay.before_call = look
    await house.payments.take(new_payment())
    assert seen == ["pending 1"]


async def test_no_transaction_is_open_while_the_network_is(house: House) -> None:
    seen = []

    async def look(service: str) -> None:
        async with house.db.reading() as rows:
            seen.append(
                await rows.value(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                    "AND state LIKE 'idle in transaction%'"
                )
            )

    house.alipay.before_call = look
    house.alipay.buyer = "thinks"
    payment = await house.payments.take(new_payment())
    await house.tick(5)
    await house.payments.give_up(payment.id, "stf_ann")
    second = await house.payments.take(new_payment())
    house.alipay.buyer_pays(second.order_number)
    await house.tick(5)
    await house.payments.refund(second.id, Money(100, "USD"), "cold", "stf_ann", "r1")
    assert {house.alipay.calls[i][0] for i in range(len(seen))} == {"open", "query", "cancel", "refund"}
    assert seen == [0] * len(house.alipay.calls)


async def test_the_same_key_with_the_same_content_is_the_same_payment(house: House) -> None:
    first = await house.payments.take(new_payment(key="till-1-77"))
    second = await house.payments.take(new_payment(key="till-1-77"))
    assert (first.id, first.status) == (second.id, second.status)
    assert house.alipay.count("open") == 1
    assert (await house.look_at_bill()).paid == 1250


async def test_the_same_key_with_other_content_is_a_conflict(house: House) -> None:
    await house.payments.take(new_payment(key="till-1-77"))
    with pytest.raises(Conflict):
        await house.payments.take(new_payment(amount="12.49", key="till-1-77"))
    with pytest.raises(Conflict):
        await house.payments.take(new_payment(payment_code="281234567890123457", key="till-1-77"))
    assert house.alipay.count("open") == 1


async def test_a_double_press_sends_one_request(house: House) -> None:
    payments = await asyncio.gather(*(house.process().take(new_payment(key="press")) for _ in range(5)))
    assert len({payment.id for payment in payments}) == 1
    assert house.alipay.count("open") == 1


async def test_two_tills_can_not_pay_one_bill_twice(house: House) -> None:
    results = await asyncio.gather(*(house.process().take(new_payment()) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(result, Conflict) for result in results) == 3
    assert house.alipay.count("open") == 1
    assert (await house.look_at_bill()).paid == 1250


async def test_a_bill_that_refuses_leaves_no_row_behind(house: House) -> None:
    with pytest.raises(Conflict):
        await house.payments.take(new_payment(amount="12.51"))
    assert await house.payments.of_payable("bill", "bill_1") == []
    assert house.alipay.calls == []


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": "0.00"},
        {"payment_code": "2812345"},
        {"payment_code": "28123456789012345x"},
        {"payment_code": ""},
        {"policy": "no such"},
        {"payable_kind": "no such"},
        {"subject": " "},
        {"method": Method.CASH},
    ],
)
async def test_a_wish_that_can_not_be_a_payment_is_refused_before_anything_is_written(
    house: House, changes: dict[str, object]
) -> None:
    with pytest.raises(Invalid):
        await house.payments.take(new_payment(**changes))  # type: ignore[arg-type]
    assert await house.payments.of_payable("bill", "bill_1") == []


async def test_an_account_that_is_not_set_up_takes_no_payment(house: House) -> None:
    with pytest.raises(NotFound):
        await house.payments.take(new_payment(account_id="acc_other"))


async def test_screens_are_told_of_every_change(house: House) -> None:
    payment = await house.payments.take(new_payment())
    async with house.db.reading() as rows:
        told = await rows.value(
            "SELECT string_agg(topic || ' ' || (data->>'status'), ', ' ORDER BY id) FROM live_events"
        )
    assert told == ", ".join(
        f"{topic} {status}"
        for status in ("pending", "succeeded")
        for topic in (f"payment:{payment.id}", "till:sto_harbour")
    )


async def test_a_payment_can_be_found_by_bill_by_number_and_by_id(house: House) -> None:
    payment = await house.payments.take(new_payment())
    assert await house.payments.of_payable("bill", "bill_1") == [payment]
    assert await house.payments.of_order(payment.account_id, payment.order_number) == payment
    assert await house.payments.get(payment.id) == payment
    with pytest.raises(NotFound):
        await house.payments.get("pay_nobody")


async def test_a_caller_who_leaves_does_not_take_the_answer_along(house: House) -> None:
    sent, answered = asyncio.Event(), asyncio.Event()

    async def slow(service: str) -> None:
        if service == "open":
            sent.set()
            await answered.wait()

    house.alipay.after_call = slow
    payments = house.process()
    house.payments = payments
    begun = asyncio.create_task(payments.take(new_payment()))
    await sent.wait()
    begun.cancel()
    with pytest.raises(asyncio.CancelledError):
        await begun
    [payment] = await payments.of_payable("bill", "bill_1")
    assert payment.status is Status.PENDING
    answered.set()
    await payments.close()
    assert (await payments.get(payment.id)).status is Status.SUCCEEDED
