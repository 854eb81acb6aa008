"""Things that happen at once: the row's lock decides an order, and every order ends well."""

from __future__ import annotations

import asyncio

from saoma.payments.lifecycle import Status
from tests.payments.make import House, new_payment, page_payment


def meeting(parties: int) -> asyncio.Barrier:
    return asyncio.Barrier(parties)


async def test_two_drivers_on_one_payment_book_it_once(house: House) -> None:
    house.alipay.buyer = "thinks"
    payment = await house.payments.take(new_payment())
    house.alipay.buyer_pays(payment.order_number)
    together = meeting(4)

    async def wait(service: str) -> None:
        await together.wait()

    house.alipay.after_call = wait
    await asyncio.gather(*(house.process().drive(payment.id) for _ in range(4)))
    assert (await house.payments.get(payment.id)).status is Status.SUCCEEDED
    assert (await house.look_at_bill()).told == ["paid"]
    assert await house.sales() == 1250
    assert await house.faults() == []


async def test_two_drivers_never_send_one_request_at_the_same_time(house: House) -> None:
    payment = await house.payments.start(new_payment())
    await asyncio.gather(*(house.process().drive(payment.id) for _ in range(4)))
    assert house.alipay.count("open") == 1
    assert (await house.payments.get(payment.id)).status is Status.SUCCEEDED


async def test_workers_side_by_side_take_each_row_once(house: House) -> None:
    house.alipay.buyer = "thinks"
    for number in range(8):
        await house.bill(id=f"b{number}")
        await house.payments.take(new_payment(f"b{number}"))
    handled = await asyncio.gather(house.tick(5), house.tick(), house.tick())
    assert sum(handled) == 8
    assert house.alipay.count("query") == 8


async def test_a_notice_racing_the_answer_is_booked_once(house: House) -> None:
    together = meeting(2)

    async def wait(service: str) -> None:
        await together.wait()

    async def notice() -> None:
        await together.wait()
        await house.deliver()

    house.alipay.after_call = wait
    payment, _ = await asyncio.gather(house.payments.take(new_payment()), notice())
    payment = await house.payments.get(payment.id)
    assert payment.status is Status.SUCCEEDED
    assert (await house.look_at_bill()).told == ["paid"]
    assert await house.faults() == []


async def test_giving_up_racing_a_payment_never_ends_half_way(house: House) -> None:
    for number in range(12):
        bill = await house.bill(id=f"race{number}")
        payment = await house.payments.take(page_payment(bill))

        async def pays(order_number: str = payment.order_number) -> None:
            house.alipay.buyer_pays(order_number)
            await house.deliver()

        async def gives_up(payment_id: str = payment.id) -> None:
            await house.process().give_up(payment_id, "gst_1")

        both = [gives_up(), pays()] if number % 2 else [pays(), gives_up()]
        await asyncio.gather(*both)
        payment = await house.payments.get(payment.id)
        trade = house.alipay.trades[payment.order_number]
        kept = trade.debits * 1250 - trade.given_back
        assert payment.status in (Status.SUCCEEDED, Status.CANCELLED)
        assert kept == (1250 if payment.status is Status.SUCCEEDED else 0)
        assert (await house.look_at_bill(bill)).told == ["paid" if kept else "released"]
    await house.deliver()
    assert await house.faults() == []


async def test_cashier_and_clock_giving_up_together_cancel_to_one_end(house: House) -> None:
    house.alipay.buyer = "thinks"
    payment = await house.payments.take(new_payment())
    await house.play(59)
    await asyncio.gather(house.tick(1), house.process().give_up(payment.id, "stf_ann"))
    assert (await house.payments.get(payment.id)).status is Status.CANCELLED
    assert (await house.look_at_bill()).told == ["released"]
    assert await house.faults() == []
