"""Coupon codes and points on a table's bill: entered by a diner or at the till, under the sitting's lock.

What doesn't fit is refused with a sentence that says why, and then nothing has changed."""

from __future__ import annotations

from datetime import datetime

from saoma.kit.db import Transaction
from saoma.kit.errors import Conflict
from saoma.kit.money import Money
from saoma.marketing import coupons, points
from saoma.restaurant import offers, sittings
from saoma.restaurant.model import Sitting


async def _open(tx: Transaction, sitting_id: str) -> tuple[Sitting, offers.Told]:
    held = await sittings.lock(tx, sitting_id)
    if not held.is_open:
        raise Conflict(sittings.SITTING_OVER)
    return held, offers.told(await sittings.guests(tx, held.id), await sittings.shares(tx, held.id))


async def enter_coupon(tx: Transaction, sitting_id: str, code: str, now: datetime) -> Money:
    """Use a code on this bill; answers what it takes off. Raises a `Refused` that says why it doesn't fit."""
    held, known = await _open(tx, sitting_id)
    off = await coupons.enter(tx, held.tab_id, code, now, **known)
    await sittings.reckon(tx, held, now)
    return off


async def use_points(tx: Transaction, sitting_id: str, buyer_id: str, now: datetime) -> Money:
    """Spend a buyer's points on this bill. Raises `Conflict` when there is nothing to spend, or nothing to pay."""
    held, known = await _open(tx, sitting_id)
    off = await points.spend(tx, held.tab_id, buyer_id, now, at_least=known["at_least"])
    await sittings.reckon(tx, held, now)
    return off


async def keep_points(tx: Transaction, sitting_id: str, buyer_id: str, now: datetime) -> None:
    """Not to spend points on this bill after all."""
    held, _ = await _open(tx, sitting_id)
    await points.give_back(tx, held.tab_id, buyer_id, now)
    await sittings.reckon(tx, held, now)
