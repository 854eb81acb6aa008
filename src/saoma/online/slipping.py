"""An unpaid "as soon as possible": a soonest time that slips a little is still meant; about one that slips far we ask.

Nothing is promised here; `orders.reserve` asks again under the store's lock."""

from __future__ import annotations

from datetime import datetime

from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import Conflict
from saoma.online import offers, orders, reckoning
from saoma.online.model import OnlineOrder, Status
from saoma.online.slots import soonest


async def renewed(tx: Transaction, order_id: str, now: datetime) -> OnlineOrder:
    """Bring an unpaid "as soon as possible" up to date: a soonest time that has slipped a little is still meant.

    Raises `Conflict` (after which `slipped` keeps the new time) when it slipped far, or nothing is free."""
    of = await orders.lock(tx, order_id)
    if of.status is not Status.CHOOSING or not of.asap or of.slot_at is None:
        return of
    found = await soonest_for(tx, of, now)
    if found is None:
        raise Conflict(reckoning.SLOT_TAKEN)
    if found > of.slot_at + reckoning.SLIPS:
        raise Conflict(reckoning.SLOT_MOVED)
    return of if found == of.slot_at else await orders.moved(tx, of, now, slot_at=found)


async def slipped(tx: Transaction, order_id: str, now: datetime) -> None:
    """Keep the soonest time there is now, so that the customer sees it before pressing again."""
    of = await orders.lock(tx, order_id)
    if of.status is Status.CHOOSING and of.asap:
        found = await soonest_for(tx, of, now)
        if found is not None and found != of.slot_at:
            await orders.moved(tx, of, now, slot_at=found)


async def soonest_for(rows: Rows, of: OnlineOrder, now: datetime) -> datetime | None:
    """The first time with room for what is in its basket."""
    offer = await offers.offer_of_store(rows, of.store_id)
    asks = await offers.effort(rows, offer, of.tab_id)
    found = soonest(await offers.free_slots(rows, offer, asks, now, besides=of.id))
    return found.at if found else None
