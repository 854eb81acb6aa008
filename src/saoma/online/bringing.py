"""Orders that are brought to an address: what the delivery room is told about them, and what it tells back.

The fee is part of what is paid, so it is settled before the page that shows the amount; the delivery itself begins when
the kitchen does."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from saoma.delivery import deliveries
from saoma.delivery.asking import Asked
from saoma.delivery.model import Delivery, Stage
from saoma.delivery.quoting import quote
from saoma.delivery.zones import Quote, Refusal
from saoma.food.model import LineStatus
from saoma.food.orders import ordering
from saoma.kit.db import Rows, Transaction
from saoma.kit.money import Money, total
from saoma.online import orders, reckoning
from saoma.online.model import KIND, Event, Mode, OnlineOrder, Status


class Terms(StrEnum):
    """How an order stands with its address and its fee before it is paid."""

    SETTLED = "settled"
    NO_ADDRESS = "no_address"
    REFUSED = "refused"


async def dishes_cost(rows: Rows, of: OnlineOrder) -> Money:
    """What the dishes of the basket cost, without what bringing them does."""
    lines = await ordering.lines(rows, of.tab_id)
    return total((line.due for line in lines if line.status is LineStatus.BASKET), of.currency)


async def planned(rows: Rows, of: OnlineOrder) -> Delivery | None:
    """Where the order goes, as far as the customer has said so."""
    return await deliveries.of_order(rows, KIND, of.id)


async def lay_plan(tx: Transaction, order_id: str, asked: Asked, now: datetime) -> OnlineOrder:
    """Keep address and fee of an order that is not placed yet. Raises `Conflict` once it is."""
    of = await orders.lock(tx, order_id)
    reckoning.may_change(of)
    await deliveries.plan(
        tx, KIND, of.id, of.store_id, asked.address, asked.contact, asked.quote, tab_id=of.tab_id, label=of.label
    )
    name, phone = reckoning.check_contact(asked.contact.name, asked.contact.phone)
    return await orders.moved(tx, of, now, mode=Mode.BRING.value, fee=asked.quote.fee.minor, name=name, phone=phone)


async def settle(tx: Transaction, order_id: str, mode: Mode, now: datetime) -> tuple[Terms, Refusal | None]:
    """Bring the fee in line with the basket of now, or drop it where the order is collected after all."""
    of = await orders.lock(tx, order_id)
    if of.status is not Status.CHOOSING:
        return Terms.SETTLED, None
    known = await planned(tx, of)
    if mode is not Mode.BRING:
        if of.fee or known is not None or of.mode is Mode.BRING:
            await deliveries.unplan(tx, KIND, of.id)
            await orders.moved(tx, of, now, mode=mode.value, fee=0)
        return Terms.SETTLED, None
    if known is None:
        return Terms.NO_ADDRESS, None
    found = await quote(tx, of.store_id, known.point or known.zone_id, await dishes_cost(tx, of))
    match found:
        case Refusal():
            return Terms.REFUSED, found
        case Quote():
            if (found.fee.minor, found.zone.id) != (of.fee, known.zone_id):
                await deliveries.requote(tx, KIND, of.id, found)
                await orders.moved(tx, of, now, mode=mode.value, fee=found.fee.minor)
            return Terms.SETTLED, None


async def begin(tx: Transaction, of: OnlineOrder, now: datetime) -> None:
    """The kitchen has begun: somebody has to bring it. Nothing for orders that are not brought."""
    known = await planned(tx, of)
    if known is not None and of.mode is Mode.BRING:
        promised = (of.slot_at or now) + timedelta(minutes=known.minutes)
        await deliveries.start(tx, KIND, of.id, promised, now, label=of.label)


async def ended(tx: Transaction, order_id: str, stage: Stage, by: str, now: datetime) -> None:
    """The delivery is over: the order is with its customer, or back at the shop, where a case looks at the money."""
    if stage is Stage.DELIVERED:
        await orders.collect(tx, order_id, by, now, brought=True)
        return
    of = await orders.lock(tx, order_id)
    if stage is Stage.RETURNED and of.status is Status.FIRED:
        await ordering.close_tab(tx, of.tab_id)
        await orders.moved(tx, of, now, event=Event.NOBODY_CAME, ended_at=now, ended_by=by)
