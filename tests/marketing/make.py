"""Makers for marketing: offers of a restaurant, and what is on a table's bill."""

from __future__ import annotations

import msgspec

from saoma.food.orders.discounts import Discount, discounts_of
from saoma.marketing.model import Mechanism, Offer
from saoma.marketing.offers import store_offer
from saoma.restaurant.model import Sitting
from tests.restaurant.make import Restaurant


async def running_offer(of: Restaurant, mechanism: Mechanism, **values: object) -> Offer:
    """An offer that is given now."""
    about = {"id": "", "store_id": of.store_id, "name": "Happy hour", "name_zh": "欢乐时光", "mechanism": mechanism}
    async with of.db.transaction() as tx:
        return await store_offer(tx, msgspec.convert(about | values, Offer), of.clock.now(), "staff_a")


async def off(of: Restaurant, sitting: Sitting) -> list[Discount]:
    """What is taken off a table's bill."""
    async with of.db.reading() as rows:
        return await discounts_of(rows, sitting.tab_id)


async def given_in_all(of: Restaurant, offer: Offer) -> int:
    """What an offer's budget has given."""
    async with of.db.reading() as rows:
        return int(
            await rows.value(
                "SELECT coalesce(sum(amount), 0)::bigint FROM offer_uses WHERE offer_id = %(id)s", {"id": offer.id}
            )
        )
