"""Which orders made ahead the pickup board calls: those being made or ready whose customers come for them.

What a courier takes, and what is eaten at a table, is called nowhere."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from saoma.food.model import LineStatus
from saoma.food.orders.calling import Called
from saoma.kit.db import Rows
from saoma.online.model import Stage, Status, stage

_WAITED_FOR: Final = """
SELECT o.id, o.number, o.fired_at, array_agg(l.status) AS dishes, max(l.ready_at) AS ready_at
FROM online_orders AS o JOIN tab_lines AS l ON l.tab_id = o.tab_id
WHERE o.tab_id IN (SELECT tab_id FROM tab_lines WHERE store_id = %(store)s AND status IN ('sent', 'cooking', 'ready'))
    AND o.status = 'fired' AND o.mode = 'pick_up'
GROUP BY o.id
"""


class _Waiting(msgspec.Struct):
    id: str
    number: int
    fired_at: datetime
    dishes: list[LineStatus]
    ready_at: datetime | None


async def called(rows: Rows, store_id: str) -> list[Called]:
    """Their numbers, one question. A number leaves when its dishes are handed over, by staff or by the kitchen."""
    found = []
    for one in await rows.rows(_Waiting, _WAITED_FOR, {"store": store_id}):
        ready = stage(Status.FIRED, one.dishes) is Stage.READY
        since = one.ready_at if ready and one.ready_at else one.fired_at
        found.append(Called(id=one.id, label=f"P{one.number}", ready=ready, since=since))
    return found
