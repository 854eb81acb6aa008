"""What the noodle house of the demo offers: points, a saving for large tables, coupon codes, a happy hour to begin.

None of it touches an ordinary bill by itself, so that what the demo's orders come to stays what their dishes cost."""

from __future__ import annotations

from datetime import datetime, time

from saoma.kit.db import Transaction
from saoma.marketing.coupons import make_batch
from saoma.marketing.model import Mechanism, Offer, OfferStatus
from saoma.marketing.offers import store_offer
from saoma.marketing.points import Rule, set_rule


async def make_offers(tx: Transaction, store_id: str, now: datetime) -> None:
    """Put them into a store whose menu is there."""
    await set_rule(tx, store_id, Rule(basis_points=300, days=365, running=True))
    await store_offer(
        tx,
        Offer(
            id="",
            store_id=store_id,
            name="Big table",
            name_zh="聚餐满减",
            mechanism=Mechanism.SPEND_SAVE,
            threshold=200_00,
            amount=25_00,
        ),
        now,
        "demo",
    )
    welcome = await store_offer(
        tx,
        Offer(
            id="",
            store_id=store_id,
            name="Welcome back",
            name_zh="回头客礼券",
            mechanism=Mechanism.AMOUNT,
            amount=3_00,
            needs_coupon=True,
            budget=150_00,
        ),
        now,
        "demo",
    )
    await make_batch(tx, store_id, welcome.id, 50, now)
    await store_offer(
        tx,
        Offer(
            id="",
            store_id=store_id,
            name="Happy hour",
            name_zh="欢乐时光",
            status=OfferStatus.DRAFT,
            mechanism=Mechanism.PERCENT,
            percent=20,
            days=(0, 1, 2, 3, 4),
            from_time=time(15),
            until_time=time(18),
            holdout=10,
        ),
        now,
        "demo",
    )
