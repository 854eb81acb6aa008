"""Segments: buyers that an offer may be for, as a list of names or as a rule over the store's own payments.

What an analysis finds arrives as rows of `segment_buyers`; a rule is asked anew each time, so nobody stays in it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

import msgspec

from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import Conflict, Invalid
from saoma.kit.ids import new_id

RULES: Final = ("list", "recent", "frequent", "lapsed")

_PAID: Final = (
    "SELECT buyer_id, count(*) AS times, max(paid_at) AS last FROM payments WHERE store_id = %(store)s"
    " AND status = 'succeeded' AND buyer_id <> ''"
)


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """One segment. `recent`: paid within `days`; `frequent`: paid `times` within `days`; `lapsed`: paid before, not
    within `days`."""

    id: str
    store_id: str
    name: str
    name_zh: str
    rule: str
    days: int
    times: int

    def called(self, lang: str) -> str:
        """The name in `lang`."""
        return self.name_zh if lang == "zh" and self.name_zh else self.name


class _Buyer(msgspec.Struct, frozen=True):
    buyer_id: str


async def segments(rows: Rows, store_id: str) -> list[Segment]:
    """The segments of a store, by name."""
    return await rows.rows(
        Segment,
        "SELECT id, store_id, name, name_zh, rule, days, times FROM segments WHERE store_id = %(store)s ORDER BY name",
        {"store": store_id},
    )


async def members(rows: Rows, segment: Segment, now: datetime, among: Collection[str] | None = None) -> frozenset[str]:
    """Who is in it now, or who of `among` is."""
    given = {
        "segment": segment.id,
        "store": segment.store_id,
        "now": now,
        "days": segment.days,
        "times": segment.times,
        "among": None if among is None else list(among),
    }
    if segment.rule == "list":
        sql = (
            "SELECT buyer_id FROM segment_buyers WHERE segment_id = %(segment)s"
            " AND (%(among)s::text[] IS NULL OR buyer_id = ANY(%(among)s))"
        )
    else:
        since = "%(now)s::timestamptz - make_interval(days => %(days)s)"
        mine = " AND (%(among)s::text[] IS NULL OR buyer_id = ANY(%(among)s))"
        sql = {
            "recent": f"{_PAID}{mine} AND paid_at >= {since} GROUP BY buyer_id",
            "frequent": f"{_PAID}{mine} AND paid_at >= {since} GROUP BY buyer_id HAVING count(*) >= %(times)s",
            "lapsed": f"{_PAID}{mine} GROUP BY buyer_id HAVING max(paid_at) < {since}",
        }[segment.rule]
    return frozenset(row.buyer_id for row in await rows.rows(_Buyer, sql, given))


async def newcomers(rows: Rows, store_id: str, buyers: Collection[str], before: datetime) -> frozenset[str]:
    """Who of these buyers had never paid here before the bill was opened."""
    known = await rows.rows(
        _Buyer,
        "SELECT DISTINCT buyer_id FROM payments WHERE store_id = %(store)s AND buyer_id = ANY(%(buyers)s)"
        " AND status = 'succeeded' AND paid_at < %(before)s",
        {"store": store_id, "buyers": list(buyers), "before": before},
    )
    return frozenset(buyers) - {row.buyer_id for row in known}


async def add_segment(
    tx: Transaction, store_id: str, name: str, name_zh: str, rule: str, days: int, times: int, buyers: Collection[str]
) -> Segment:
    """A new segment. Raises `Invalid` for a list of nobody, `Conflict` for a name that is taken."""
    if not name.strip():
        raise Invalid("Give it a name.")
    if rule not in RULES:
        raise Invalid("Choose how the segment is made.")
    if rule == "list" and not buyers:
        raise Invalid("Write at least one Alipay user ID, one on each line.")
    if not 1 <= days <= 3650 or not 1 <= times <= 1000:
        raise Invalid("Write whole days from 1 to 3650 and times from 1 to 1000.")
    made = await tx.maybe(
        Segment,
        "INSERT INTO segments (id, store_id, name, name_zh, rule, days, times) VALUES (%(id)s, %(store)s, %(name)s,"
        " %(name_zh)s, %(rule)s, %(days)s, %(times)s) ON CONFLICT DO NOTHING"
        " RETURNING id, store_id, name, name_zh, rule, days, times",
        {
            "id": new_id("seg"),
            "store": store_id,
            "name": name.strip()[:80],
            "name_zh": name_zh.strip()[:80],
            "rule": rule,
            "days": days,
            "times": times,
        },
    )
    if made is None:
        raise Conflict("There is a segment of this name already.")
    if rule == "list":
        await tx.run(
            "INSERT INTO segment_buyers (segment_id, buyer_id) SELECT %(segment)s, unnest(%(buyers)s::text[])"
            " ON CONFLICT DO NOTHING",
            {"segment": made.id, "buyers": sorted(set(buyers))},
        )
    return made
