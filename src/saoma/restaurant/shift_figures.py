"""What tables add to a shift's report and to a day's takings: discounts, and tips.

A tip taken at a till lies in its drawer (or came with its card slips) and is in the sums above already; it is told
apart here so that it can be handed to those who served. Tips that guests pay on their phones pass no till."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from saoma.checkout.shift_report import Figure
from saoma.checkout.shifts import Shift
from saoma.kit.db import Rows
from saoma.kit.money import Money

_DISCOUNTS: Final = """
SELECT d.kind, CASE WHEN d.kind = 'manual' THEN d.by ELSE '' END AS by, count(DISTINCT d.id)::int AS count,
       sum(s.amount)::bigint AS amount
FROM tab_discounts d JOIN line_discounts s ON s.discount_id = d.id JOIN tabs t ON t.id = d.tab_id
    JOIN tab_lines l ON l.id = s.line_id
WHERE t.store_id = %(store)s AND t.currency = %(currency)s AND l.status NOT IN ('basket', 'void')
  AND d.created_at >= %(since)s AND d.created_at < coalesce(%(until)s, 'infinity'::timestamptz)
GROUP BY 1, 2 ORDER BY 1, 2
"""
_TIPS_HERE: Final = """
SELECT p.method AS kind, '' AS by, count(*)::int AS count, sum(b.tip - b.tip_refunded)::bigint AS amount
FROM drawer_entries e JOIN bill_shares b ON b.payment_id = e.payment_id JOIN payments p ON p.id = e.payment_id
WHERE e.shift_id = %(shift)s AND e.kind = 'sale' AND b.tip > b.tip_refunded GROUP BY p.method ORDER BY p.method
"""
_TIPS_ON_PHONES: Final = """
SELECT 'phone' AS kind, '' AS by, count(*)::int AS count, sum(b.tip - b.tip_refunded)::bigint AS amount
FROM bill_shares b JOIN payments p ON p.id = b.payment_id
WHERE p.store_id = %(store)s AND b.currency = %(currency)s AND b.state = 'paid' AND b.tip > 0 AND b.tip > b.tip_refunded
  AND b.settled_at >= %(since)s AND b.settled_at < coalesce(%(until)s, 'infinity'::timestamptz)
  AND p.method = 'wallet_page' HAVING count(*) > 0
"""
_TIPS_BY_METHOD: Final = """
SELECT p.method AS kind, '' AS by, count(*)::int AS count, sum(b.tip - b.tip_refunded)::bigint AS amount
FROM bill_shares b JOIN payments p ON p.id = b.payment_id
WHERE p.store_id = %(store)s AND b.state = 'paid' AND b.tip > 0 AND b.tip > b.tip_refunded
  AND p.paid_at >= %(since)s AND p.paid_at < %(until)s AND b.currency = %(currency)s GROUP BY p.method
"""
#: How the report calls what took something off; keys of the texts.
_KINDS: Final = {
    "manual": "Discounts by hand",
    "offer": "Offers used",
    "coupon": "Coupons used",
    "points": "Points used",
}


class _Told(msgspec.Struct, frozen=True):
    kind: str
    by: str
    count: int
    amount: int


async def discounts_and_tips(rows: Rows, shift: Shift) -> Sequence[Figure]:
    """Discounts given in the store while the shift was open, tips taken at its till, and tips paid on phones."""
    given = {
        "store": shift.store_id,
        "shift": shift.id,
        "currency": shift.currency,
        "since": shift.opened_at,
        "until": shift.closed_at,
    }
    off = await rows.rows(_Told, _DISCOUNTS, given)
    here = await rows.rows(_Told, _TIPS_HERE, given)
    phones = await rows.rows(_Told, _TIPS_ON_PHONES, given)
    names = [(each, _KINDS[each.kind]) for each in off]
    names += [(each, "Tips in this drawer" if each.kind == "cash" else "Tips at this till, not cash") for each in here]
    names += [(each, "Tips paid on phones") for each in phones]
    return [Figure(name, each.count, Money(each.amount, shift.currency), each.by) for each, name in names]


async def tips_of(rows: Rows, store_id: str, currency: str, since: datetime, until: datetime) -> dict[str, Money]:
    """The tips in what a store took in a time, less what was given back of them, by method."""
    given = {"store": store_id, "currency": currency, "since": since, "until": until}
    return {each.kind: Money(each.amount, currency) for each in await rows.rows(_Told, _TIPS_BY_METHOD, given)}


async def discounts_given(
    rows: Rows, store_id: str, currency: str, since: datetime, until: datetime
) -> list[tuple[str, int, Money]]:
    """What was taken off bills in a time: what gave it, how often, how much."""
    given = {"store": store_id, "currency": currency, "since": since, "until": until}
    found: dict[str, tuple[int, int]] = {}
    for each in await rows.rows(_Told, _DISCOUNTS, given):
        count, amount = found.get(each.kind, (0, 0))
        found[each.kind] = (count + each.count, amount + each.amount)
    return [(_KINDS[kind], count, Money(amount, currency)) for kind, (count, amount) in found.items()]
