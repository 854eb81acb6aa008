"""A payment that really got stuck: the local Alipay answers its call, its cancels and the last question with errors.

Only the waiting is shortened: the row is told that eighteen of its twenty cancels were made already."""

from __future__ import annotations

import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from saoma.api.references import KIND
from saoma.app import Rooms
from saoma.gateway import Method
from saoma.identity.model import shop_of
from saoma.kit.money import Money
from saoma.payments.lifecycle import Status
from saoma.payments.model import NewPayment, Payment
from saoma.settings import read_settings

if TYPE_CHECKING:
    from tests.journeys.conftest import House


def leave_stuck(house: House) -> tuple[str, str]:
    """Leave a payment that needs a person; its id and its order number."""
    for service, times in (("alipay.acquire.cancel", 2), ("alipay.acquire.overseas.query", 1)):
        house.control("faults", {"service": service, "fault": "system_error_before", "times": times})
    buyer = house.control("buyers")["buyers"][0]["id"]
    code = str(house.control(f"buyers/{buyer}/payment-code", {})["code"])
    with ThreadPoolExecutor(1) as thread:
        payment = thread.submit(lambda: asyncio.run(_take(house.told, code[:-2] + "95"))).result(60)
    assert payment.status is Status.NEEDS_ATTENTION
    return payment.id, payment.order_number


async def _take(told: dict[str, Any], code: str) -> Payment:
    settings = read_settings({}, database_url=told["database_url"], secret=told["secret"], public_url=told["app_url"])
    rooms = Rooms.build(settings)
    async with rooms.running():
        async with rooms.db.reading() as rows:
            store_id = str(await rows.value("SELECT id FROM stores ORDER BY id LIMIT 1"))
            account_id, shop, merchant, store = await shop_of(rows, store_id)
        key = uuid.uuid4().hex
        payment = await rooms.payments.take(
            NewPayment(
                merchant_id=merchant.id,
                account_id=account_id,
                method=Method.BARCODE,
                amount=Money.parse("36.50", merchant.currency),
                subject="Table 5",
                payable_kind=KIND,
                payable_id=key,
                shop=shop,
                policy="barcode",
                payment_code=code,
                key=key,
                by="stf_journey",
                store_id=store.id,
            )
        )
        await rooms.payments.give_up(payment.id, "stf_journey")
        async with rooms.db.reading() as rows:
            later = "UPDATE payments SET tries = 19, due_at = now() + interval '1 hour' WHERE id = %(id)s"
            await rows.run(later, {"id": payment.id})
        return await rooms.payments.drive(payment.id)
