"""An order made ahead meets its customer at a table: whose phone it is, and where the food goes.

Implements `restaurant.ordered_ahead.AheadOrders`. A phone proves by its session that it placed the order, or by the
buyer Alipay names that it placed or paid it; whoever only knows a name or a number asks the staff."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from saoma.kit.db import Rows, Transaction
from saoma.online import orders
from saoma.online.visits import path_of, placed_tokens

#: Whoever sits down so long before their time is offered their food; one for tomorrow is not for this table.
EARLY: Final = timedelta(hours=2)
_MINE: Final = """
SELECT o.id, o.number, o.token, o.slot_at, o.table_name, s.code,
    (SELECT coalesce(sum(l.quantity), 0)::int FROM tab_lines AS l WHERE l.tab_id = o.tab_id AND l.status <> 'void')
        AS dishes
FROM online_orders AS o JOIN online_stores AS s ON s.store_id = o.store_id
WHERE o.store_id = %(store)s AND o.mode = 'eat_here' AND o.status IN ('promised', 'fired') AND o.trouble = ''
    AND o.slot_at < %(until)s AND (o.token = ANY(%(tokens)s) OR (%(buyer)s <> '' AND (o.buyer_id = %(buyer)s
        OR EXISTS (SELECT FROM payments AS p WHERE p.payable_kind = 'online_order' AND p.payable_id = o.id
            AND p.buyer_id = %(buyer)s AND p.status = 'succeeded'))))
ORDER BY o.slot_at, o.id
"""


class _Mine(msgspec.Struct, frozen=True):
    id: str
    number: int
    token: str
    slot_at: datetime
    table_name: str
    code: str
    dishes: int


class Meeting(msgspec.Struct, frozen=True, kw_only=True):
    """One order as the table's page shows it."""

    id: str
    label: str
    path: str
    slot_at: datetime
    dishes: int
    table_name: str


class Seating:
    """The orders made ahead, for the tables."""

    async def of_phone(
        self, rows: Rows, session: Mapping[str, Any], store_id: str, buyer_id: str, now: datetime
    ) -> list[Meeting]:
        """The orders for about now that this phone placed, or this buyer (if known) placed or paid."""
        tokens = placed_tokens(session, store_id)
        if not tokens and not buyer_id:
            return []
        about = {"store": store_id, "until": now + EARLY, "tokens": tokens, "buyer": buyer_id}
        return [
            Meeting(
                id=one.id,
                label=f"P{one.number}",
                path=f"{path_of(one.code)}/o/{one.token}",
                slot_at=one.slot_at,
                dishes=one.dishes,
                table_name=one.table_name,
            )
            for one in await rows.rows(_Mine, _MINE, about)
        ]

    async def bring(self, tx: Transaction, order_id: str, table: str, now: datetime) -> None:
        """Their customer sits at this table. Again changes nothing. Raises `Conflict` for an order that is over."""
        await orders.arrive(tx, order_id, now, table)
