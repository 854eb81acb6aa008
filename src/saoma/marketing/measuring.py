"""What the office sees of an offer: what it gave, to how many bills, and its measured effect.

Everybody who ever paid here with a known account counts, also who has not come since: leaving them out would measure
only those whom the offer brought."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from saoma.kit.db import Rows
from saoma.marketing.applying import held_out
from saoma.marketing.model import Audience, Offer
from saoma.marketing.segments import members, segments
from saoma.marketing.uplift import Buyer, Uplift, uplift


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What one offer gave so far: reserved on open bills, and taken on bills that were paid."""

    offer_id: str
    bills: int
    amount: int
    paid: int
    today: int


class _Row(msgspec.Struct, frozen=True):
    id: str
    orders: int
    spent: int


async def given(rows: Rows, store_id: str, zone: str, now: datetime) -> Mapping[str, Given]:
    """What each offer of a store gave."""
    found = await rows.rows(
        Given,
        "SELECT u.offer_id, count(*) AS bills, sum(u.amount)::bigint AS amount,"
        " coalesce(sum(u.amount) FILTER (WHERE u.day = (%(now)s::timestamptz AT TIME ZONE %(zone)s)::date), 0)::bigint"
        " AS today, coalesce(sum((SELECT sum(s.amount) FROM line_discounts s"
        " JOIN tab_discounts d ON d.id = s.discount_id JOIN tab_lines l ON l.id = s.line_id"
        " JOIN tabs t ON t.id = l.tab_id"
        " WHERE d.tab_id = u.tab_id AND d.source = u.offer_id AND (l.paid OR t.status <> 'open'))), 0)::bigint AS paid"
        " FROM offer_uses u JOIN offers o ON o.id = u.offer_id WHERE o.store_id = %(store)s GROUP BY u.offer_id",
        {"store": store_id, "zone": zone, "now": now},
    )
    return {one.offer_id: one for one in found}


async def measured(rows: Rows, offer: Offer, now: datetime) -> Uplift | None:
    """The effect of an offer that holds some buyers out and has begun; None for any other."""
    begun = await rows.value("SELECT begun_at FROM offers WHERE id = %(id)s", {"id": offer.id})
    if begun is None or not offer.holdout or offer.needs_coupon:
        return None
    found = await rows.rows(
        _Row,
        "SELECT buyer_id AS id, count(DISTINCT payable_id) FILTER (WHERE paid_at >= %(begun)s) AS orders,"
        " coalesce(sum(amount - refunded) FILTER (WHERE paid_at >= %(begun)s), 0)::bigint AS spent"
        " FROM payments WHERE store_id = %(store)s AND status = 'succeeded' AND buyer_id <> ''"
        " AND paid_at < coalesce((SELECT ended_at FROM offers WHERE id = %(offer)s), 'infinity')"
        " GROUP BY buyer_id ORDER BY buyer_id",
        {"store": offer.store_id, "begun": begun, "offer": offer.id},
    )
    if offer.audience is Audience.SEGMENT:
        groups = [one for one in await segments(rows, offer.store_id) if one.id == offer.segment_id]
        inside = await members(rows, groups[0], now) if groups else frozenset()
        found = [row for row in found if row.id in inside]
    buyers = [Buyer(row.id, row.orders, row.spent) for row in found]
    return uplift(
        [buyer for buyer in buyers if not held_out(offer, buyer.id)],
        [buyer for buyer in buyers if held_out(offer, buyer.id)],
    )
