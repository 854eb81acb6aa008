"""Sittings whose time has come: a table that owes nothing is closed by itself, one that owes waits for staff.

Driven by a worker; a second one that does the same finds nothing left to do."""

from __future__ import annotations

from datetime import timedelta

from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.due import DueWork
from saoma.restaurant import sittings


async def close_if_done(db: Database, sitting_id: str, clock: Clock) -> None:
    """When its time has come: close a sitting that owes nothing; one that owes waits for staff."""
    async with db.transaction() as tx:
        now = clock.now()
        held = await sittings.lock(tx, sitting_id)
        bill = await sittings.bill_of(tx, held)
        if held.is_open and not bill.held and not bill.left:
            await sittings.close(tx, sitting_id, now, by="time")
        else:
            due = now + sittings.FORGOTTEN_AFTER if held.is_open else None
            await tx.run("UPDATE sittings SET due_at = %(due)s WHERE id = %(id)s", {"id": sitting_id, "due": due})


def works(db: Database, clock: Clock) -> list[DueWork]:
    """What a worker does for sittings: close those that are over."""

    async def handle(sitting_id: str) -> None:
        await close_if_done(db, sitting_id, clock)

    return [DueWork("sittings", "sittings", timedelta(minutes=1), handle)]
