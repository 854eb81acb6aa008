"""What a merchant's program is told of a day that is over: money that moved, and nothing that did not."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from saoma.kit.clock import beijing_day
from tests.api.make import Deployment, Program


async def the_day(house: Deployment, till: Program) -> list[dict[str, Any]]:
    """The lines of today, asked for tomorrow."""
    day = beijing_day(house.clock.now())
    house.clock.advance(timedelta(days=1))
    answer = await till.get("/statements", {"date": day.isoformat()})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_a_cancel_is_told_only_of_a_payment_whose_money_went_back(house: Deployment, till: Program) -> None:
    kept = await till.pays(reference="kept")
    refunded = await till.pays(reference="refunded")
    assert (await till.post(f"/payments/{refunded['id']}/refunds", {"amount": "2.50"})).status_code == 201
    house.alipay.buyer = "thinks"
    never = await till.pays(reference="never paid")
    undone = await till.pays(reference="paid and undone")
    async with house.rooms.db.reading() as rows:
        number = await rows.value("SELECT order_number FROM payments WHERE id = %(id)s", {"id": undone["id"]})
    house.alipay.buyer_pays(number)
    house.alipay.outbox.clear()
    answers = [await till.post(f"/payments/{each['id']}/cancel") for each in (never, undone)]
    assert [answer.json()["status"] for answer in answers] == ["cancelled", "cancelled"]
    async with house.rooms.db.reading() as rows:
        # its cancel told that money went back, not when it had come
        sql = "UPDATE payments SET paid_at = created_at WHERE id = %(id)s AND gave_back AND NOT booked"
        assert await rows.run(sql, {"id": undone["id"]}) == 1
    waiting = await till.pays(reference="nobody paid yet")
    lines = await the_day(house, till)
    told = Counter((line["payment"], line["kind"], line["amount"]) for line in lines)
    assert told == Counter(
        [
            (kept["id"], "payment", "12.50"),
            (refunded["id"], "payment", "12.50"),
            (refunded["id"], "refund", "2.50"),
            (undone["id"], "payment", "12.50"),
            (undone["id"], "cancel", "12.50"),
        ]
    )
    assert waiting["id"] not in {line["payment"] for line in lines}


async def test_a_day_that_is_not_over_is_not_told(house: Deployment, till: Program) -> None:
    await till.pays()
    today = beijing_day(house.clock.now())
    assert (await till.get("/statements", {"date": today.isoformat()})).status_code == 409
    assert (await till.get("/statements", {"date": (today - timedelta(days=1)).isoformat()})).json()["items"] == []
