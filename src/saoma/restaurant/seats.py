"""Seats that staff give to people without a phone, so that each has their own dishes and can pay their own.

A seat is a guest like any other; it has no Alipay user until somebody pays."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from saoma.kit.db import Transaction
from saoma.kit.errors import Conflict
from saoma.kit.ids import new_id
from saoma.restaurant import sittings
from saoma.restaurant.model import Guest

MOST_SEATS: Final = 60


async def add_seat(tx: Transaction, sitting_id: str, known: int, now: datetime, by: str) -> list[Guest]:
    """One more person at the table, as far as there are still `known` of them (a repeated press adds nobody).

    Raises `Conflict` once the bill is closed."""
    held = await sittings.lock(tx, sitting_id)
    if not held.is_open:
        raise Conflict(sittings.SITTING_OVER)
    here = await sittings.guests(tx, sitting_id)
    if len(here) != known:
        return here
    if len(here) >= MOST_SEATS:
        raise Conflict(sittings.TOO_MANY)
    await tx.run(
        "INSERT INTO guests (id, sitting_id, seat, joined_at, admitted_at, admitted_by)"
        " VALUES (%(id)s, %(sitting)s, %(seat)s, %(now)s, %(now)s, %(by)s)",
        {
            "id": new_id("gst"),
            "sitting": sitting_id,
            "seat": max((guest.seat for guest in here), default=0) + 1,
            "now": now,
            "by": by,
        },
    )
    await tx.tell(held.topic, "guests")
    await tx.tell(f"till:{held.store_id}", "bill", {"sitting": sitting_id})
    return await sittings.guests(tx, sitting_id)
