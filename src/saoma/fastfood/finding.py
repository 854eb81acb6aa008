"""Finding an order of today again: by the number that was called, what it cost, or what stands on its receipt."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import msgspec

from saoma.fastfood.model import Channel, OrderStatus, Stage
from saoma.fastfood.reckoning import stage
from saoma.food.model import LineStatus
from saoma.kit.db import Rows
from saoma.kit.errors import Invalid
from saoma.kit.money import Money

#: More than a counter looks through by eye.
MOST: Final = 60

_RECEIPT: Final = re.compile(r"pay_[0-9a-z]{25}")
_FOUND: Final = """
WITH sold AS (
    SELECT o.id, o.number, o.channel, o.status, o.currency, o.fired_at, o.opened_at,
        (SELECT coalesce(sum(s.amount), 0) FROM counter_shares AS s
         WHERE s.order_id = o.id AND s.state = 'paid')::bigint AS amount,
        (SELECT coalesce(sum(s.refunded), 0) FROM counter_shares AS s WHERE s.order_id = o.id)::bigint AS refunded,
        ARRAY(SELECT l.status FROM tab_lines AS l WHERE l.tab_id = o.tab_id AND l.round IS NOT NULL) AS dishes
    FROM counter_orders AS o
    WHERE o.store_id = %(store)s AND o.day >= %(day)s::date AND EXISTS (
        SELECT FROM counter_shares AS s WHERE s.order_id = o.id AND s.state = 'paid')
)
SELECT id, number, channel, status, currency, opened_at, fired_at, amount, refunded, dishes FROM sold
WHERE (%(number)s::int IS NULL AND %(amount)s::bigint IS NULL AND %(text)s = '')
    OR number = %(number)s OR amount = %(amount)s
    OR (%(text)s <> '' AND EXISTS (SELECT FROM counter_shares AS s JOIN payments AS p ON p.id = s.payment_id
        WHERE s.order_id = sold.id AND (p.id = %(text)s OR upper(p.order_number) LIKE %(like)s
            OR p.trade_number LIKE %(like)s)))
ORDER BY coalesce(fired_at, opened_at) DESC, id DESC LIMIT %(most)s
"""


class Sold(msgspec.Struct, frozen=True, kw_only=True):
    """One order on which money came."""

    id: str
    number: int
    channel: Channel
    status: OrderStatus
    currency: str
    opened_at: datetime
    fired_at: datetime | None
    amount: int
    refunded: int
    dishes: list[LineStatus]

    @property
    def money(self) -> Money:
        """What came."""
        return Money(self.amount, self.currency)

    @property
    def money_back(self) -> Money:
        """What went back of it."""
        return Money(self.refunded, self.currency)

    @property
    def stage(self) -> Stage:
        """What it is called now."""
        return stage(self.status, self.dishes)


async def find(rows: Rows, store_id: str, day: str, currency: str, wanted: str) -> list[Sold]:
    """The orders of a store since `day` that fit what was typed or scanned, the last one first; all for nothing."""
    typed = wanted.strip()[:200]
    receipt = _RECEIPT.search(typed)
    digits = typed.removeprefix("#")
    number = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 3 else None
    amount = _amount(typed, currency)
    text = receipt[0] if receipt else typed if number is None and amount is None else ""
    if len(text) > 3 and not receipt:
        text = text.upper()
    elif not receipt and text:
        return []
    escaped = text.replace("\\", "").replace("%", "").replace("_", "\\_")
    return await rows.rows(
        Sold,
        _FOUND,
        {
            "store": store_id,
            "day": day,
            "number": number,
            "amount": amount,
            "text": text,
            "like": f"%{escaped}%",
            "most": MOST,
        },
    )


def _amount(typed: str, currency: str) -> int | None:
    try:
        return Money.parse(typed.lstrip("$¥€£ "), currency).minor
    except Invalid:
        return None
