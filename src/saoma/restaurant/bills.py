"""The bills of a whole restaurant, as tiles: which tables are taken, for how long, and what they owe.

One question for all of them; the arithmetic of one bill is in `bill.py` and is the one that counts."""

from __future__ import annotations

from datetime import datetime

import msgspec

from saoma.kit.db import Rows
from saoma.kit.money import Money
from saoma.restaurant.model import Table


class BillTile(msgspec.Struct, frozen=True):
    """One sitting on the till. Amounts in minor units; `ready` counts dishes that wait to be carried out."""

    sitting_id: str
    table_name: str
    area: str
    currency: str
    opened_at: datetime
    covered_at: datetime | None
    closed_at: datetime | None
    people: int
    ordered: int
    paid: int
    held: int
    choosing: int
    ready: int
    bill_asked_at: datetime | None = None

    @property
    def owed(self) -> Money:
        """What has not arrived yet."""
        return Money(max(0, self.ordered - self.paid), self.currency)

    @property
    def left(self) -> Money:
        """What nobody has paid or is paying."""
        return Money(max(0, self.ordered - self.paid - self.held), self.currency)

    @property
    def total(self) -> Money:
        """What was ordered in all, after discounts."""
        return Money(self.ordered, self.currency)

    @property
    def state(self) -> str:
        """What the tile says besides the amount: `paying`, `covered`, `owing` or `choosing`."""
        if self.held:
            return "paying"
        if self.paid >= self.ordered and (self.ordered or self.covered_at is not None):
            return "covered"
        return "owing" if self.ordered else "choosing"


_TILES = """
SELECT s.id AS sitting_id, t.name AS table_name, t.area, s.currency, s.opened_at, s.covered_at, s.closed_at,
       s.bill_asked_at,
       (SELECT count(*) FROM guests g WHERE g.sitting_id = s.id) AS people,
       coalesce(l.ordered, 0)::bigint AS ordered, coalesce(b.paid, 0)::bigint AS paid,
       coalesce(b.held, 0)::bigint AS held, coalesce(l.choosing, 0)::bigint AS choosing,
       coalesce(l.ready, 0)::bigint AS ready
FROM sittings s JOIN dining_tables t ON t.id = s.table_id
LEFT JOIN LATERAL (
    SELECT sum(amount - discount) FILTER (WHERE status IN ('sent', 'cooking', 'ready', 'served')) AS ordered,
           sum(quantity) FILTER (WHERE status = 'basket') AS choosing,
           sum(quantity) FILTER (WHERE status = 'ready') AS ready
    FROM tab_lines WHERE tab_id = s.tab_id) l ON true
LEFT JOIN LATERAL (
    SELECT sum(amount - surplus_refunded) FILTER (WHERE state = 'paid') AS paid,
           sum(amount) FILTER (WHERE state = 'held') AS held
    FROM bill_shares WHERE sitting_id = s.id) b ON true
"""


async def open_bills(rows: Rows, store_id: str) -> list[BillTile]:
    """The sittings that are open, the oldest first."""
    return await rows.rows(
        BillTile,
        _TILES + " WHERE s.store_id = %(store)s AND s.status = 'open' ORDER BY s.opened_at, s.id",
        {"store": store_id},
    )


async def closed_bills(rows: Rows, store_id: str, limit: int = 12) -> list[BillTile]:
    """The last sittings that ended with something ordered, the latest first: where refunds are found."""
    return await rows.rows(
        BillTile,
        _TILES + " WHERE s.store_id = %(store)s AND s.status = 'closed' AND l.ordered > 0"
        " ORDER BY s.closed_at DESC, s.id LIMIT %(limit)s",
        {"store": store_id, "limit": limit},
    )


async def free_tables(rows: Rows, store_id: str) -> list[Table]:
    """Tables where nobody sits, in the order people count."""
    return await rows.rows(
        Table,
        "SELECT id, store_id, code, name, area FROM dining_tables t"
        " WHERE store_id = %(store)s AND retired_at IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM sittings s WHERE s.table_id = t.id AND s.status = 'open')"
        " ORDER BY area, substring(name from '^[^0-9]*'), length(substring(name from '[0-9]+')) NULLS LAST,"
        " substring(name from '[0-9]+'), name",
        {"store": store_id},
    )
