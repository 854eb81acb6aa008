"""What a kitchen's till adds to a shift's report: dishes that were voided meanwhile, person by person.

A void belongs to nobody's drawer: it is shown in every shift of the store that was open when it happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from saoma.checkout.shift_report import Figure
from saoma.checkout.shifts import Shift
from saoma.kit.db import Rows
from saoma.kit.money import Money

_VOIDS: Final = """
SELECT l.void_by AS by, count(*)::int AS count, sum(l.amount)::bigint AS amount
FROM tab_lines AS l
WHERE l.store_id = %(store)s AND l.status = 'void' AND l.round IS NOT NULL AND l.currency = %(currency)s
  AND l.voided_at >= %(since)s AND l.voided_at < coalesce(%(until)s, 'infinity'::timestamptz)
GROUP BY l.void_by ORDER BY l.void_by
"""


class _Voids(msgspec.Struct, frozen=True):
    by: str
    count: int
    amount: int


async def voids(rows: Rows, shift: Shift) -> Sequence[Figure]:
    """Dishes voided in the store while the shift was open."""
    given = {
        "store": shift.store_id,
        "currency": shift.currency,
        "since": shift.opened_at,
        "until": shift.closed_at,
    }
    found = await rows.rows(_Voids, _VOIDS, given)
    return [Figure("Voided dishes", each.count, Money(each.amount, shift.currency), each.by) for each in found]
