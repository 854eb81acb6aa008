"""Coupon codes and points on an order that is not placed yet, under the order's lock.

What doesn't fit is refused with a sentence that says why, and then nothing has changed."""

from __future__ import annotations

from datetime import datetime

from saoma.kit.db import Transaction
from saoma.kit.money import Money
from saoma.marketing import coupons, points
from saoma.online import offers, orders
from saoma.online.model import Mode, Status
from saoma.online.reductions import renew, told


async def enter_coupon(
    tx: Transaction, order_id: str, code: str, now: datetime, meant: datetime | None, buyer: str = ""
) -> Money:
    """Use a code on this order; answers what it takes off. Raises a `Refused` that says why it doesn't fit."""
    of = await orders.changing(tx, order_id, now)
    return await coupons.enter(tx, of.tab_id, code, now, **told(of, meant, buyer))


async def use_points(tx: Transaction, order_id: str, now: datetime, meant: datetime | None, buyer: str) -> Money:
    """Spend this buyer's points on the dishes. Raises `Conflict` when there is nothing to spend, or nothing to pay."""
    of = await orders.changing(tx, order_id, now)
    off = await points.spend(tx, of.tab_id, buyer, now)
    await renew(tx, of, now, meant, buyer)
    return off


async def keep_points(tx: Transaction, order_id: str, now: datetime, meant: datetime | None, buyer: str) -> None:
    """Not to spend points on this order after all."""
    of = await orders.changing(tx, order_id, now)
    await points.give_back(tx, of.tab_id, buyer, now)
    await renew(tx, of, now, meant, buyer)


async def settle(
    tx: Transaction, order_id: str, mode: Mode, now: datetime, meant: datetime | None, buyer: str = ""
) -> None:
    """Bring offers in line with the way and the time that are meant now. An order that is placed keeps what it has."""
    of = await orders.lock(tx, order_id)
    if of.status is not Status.CHOOSING or of.trouble:
        return
    await tx.run(
        "UPDATE tabs SET channel = %(channel)s WHERE id = %(tab)s AND channel <> %(channel)s",
        {"tab": of.tab_id, "channel": offers.CHANNELS[mode]},
    )
    await renew(tx, of, now, meant, buyer)
