"""Orders that nobody comes back to are given up by a worker: killed browsers, customers who left, forgotten ones.

An order with money on it, or on its way, is never given up by a clock: that is for people."""

from __future__ import annotations

from datetime import timedelta

from saoma.fastfood import counter
from saoma.fastfood.model import OrderStatus
from saoma.kit.clock import Clock
from saoma.kit.db import Database
from saoma.kit.due import DueWork


async def give_up_if_forgotten(db: Database, order_id: str, clock: Clock) -> None:
    """When its time has come: give up an order that nobody has touched since and nobody pays."""
    async with db.transaction() as tx:
        at, now = await counter.lock(tx, order_id), clock.now()
        touched = await tx.value("SELECT changed_at FROM counter_orders WHERE id = %(id)s", {"id": order_id})
        so_far = await counter.account(tx, at)
        wait = counter.patience(at)
        if at.status is OrderStatus.BUILDING and not so_far.here and touched + wait <= now:
            await counter.give_up(tx, at, now)
            return
        due = None
        if at.status in (OrderStatus.BUILDING, OrderStatus.PAYING):
            due = touched + wait if touched + wait > now else now + wait
        await tx.run("UPDATE counter_orders SET due_at = %(due)s WHERE id = %(id)s", {"id": order_id, "due": due})


def works(db: Database, clock: Clock) -> list[DueWork]:
    """What a worker does for counter orders: give up those that nobody comes back to."""

    async def handle(order_id: str) -> None:
        await give_up_if_forgotten(db, order_id, clock)

    return [DueWork("counter_orders", "counter_orders", timedelta(minutes=1), handle)]
