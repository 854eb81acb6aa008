"""What the clock does to orders made ahead: fires them in time, ends them when nobody came, gives money back.

Each step asks the locked row whether it is still meant, so a worker that was killed, or comes twice, does it once.
Money goes back outside of any transaction, with a key that makes a repeat the same refund."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from saoma.delivery import deliveries
from saoma.food.menus.menu import menu
from saoma.food.model import LineStatus
from saoma.food.orders import ordering
from saoma.food.orders.quoting import Quoted, quote_line
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows, Transaction
from saoma.kit.due import DueWork
from saoma.kit.errors import Conflict
from saoma.marketing import applying
from saoma.online import bringing, offers, orders, reckoning
from saoma.online.model import KIND, Event, Mode, NoShow, OnlineOrder, Status, Trouble
from saoma.online.paying import Payer, propose_refund
from saoma.payments.lifecycle import Status as Paid
from saoma.payments.of_payable import payments_for
from saoma.payments.payments import Payments

SAOMA: Final = "saoma"
_LEASE: Final = timedelta(seconds=60)


def works(db: Database, payments: Payments, clock: Clock) -> list[DueWork]:
    """What a worker drives."""

    async def handle(order_id: str) -> None:
        await look_at(db, payments, clock, order_id)

    return [DueWork("orders_ahead", "online_orders", _LEASE, handle)]


async def look_at(db: Database, payments: Payments, clock: Clock, order_id: str) -> None:
    """Do what the clock asks of one order now, if it asks anything."""
    now = clock.now()
    async with db.transaction() as tx:
        of = await orders.lock(tx, order_id)
        due = reckoning.due_at(of)
        if due is None or due > now:
            await tx.run("UPDATE online_orders SET due_at = %(due)s WHERE id = %(id)s", {"id": of.id, "due": due})
            return
        if not of.giving_back:
            of = await _step(tx, of, now)
    if of.giving_back:
        await give_back(db, payments, of)


async def _step(tx: Transaction, of: OnlineOrder, now: datetime) -> OnlineOrder:
    match of.status:
        case Status.CHOOSING:
            return await orders.cancelled(tx, of, SAOMA, now, back=False)
        case Status.PROMISED:
            return await fire(tx, of, SAOMA, now)
        case Status.FIRED:
            return await nobody_came(tx, of, SAOMA, now)
        case Status.COLLECTED | Status.NO_SHOW | Status.CANCELLED:
            return await forget(tx, of, now)
        case Status.PAYING:
            return of


async def forget(tx: Transaction, of: OnlineOrder, now: datetime) -> OnlineOrder:
    """Keep what was ordered and paid, and no longer for whom: name, number, door and notes go. The order is over."""
    await deliveries.forget(tx, KIND, of.id)
    await tx.run("UPDATE tabs SET note = '' WHERE id = %(tab)s", {"tab": of.tab_id})
    return await orders.moved(tx, of, now, name="", phone="", note="")


async def fire(tx: Transaction, of: OnlineOrder, by: str, now: datetime, *, anyway: bool = False) -> OnlineOrder:
    """Let the kitchen begin, once; or, where it can't be made as promised, put it before a person.

    `anyway` is a person's word: it is made whatever the menu says. The order is locked and promised."""
    money = await orders.account(tx, of)
    trouble, gone = (Trouble.NONE, "") if anyway else await whats_wrong(tx, of)
    if trouble is not Trouble.NONE:
        after = await orders.moved(tx, of, now, trouble=trouble.value, trouble_dish=gone)
        for payment in await payments_for(tx, KIND, of.id):
            if payment.status is Paid.SUCCEEDED and payment.refunded < payment.amount:
                why = "closed" if trouble is Trouble.CLOSED else f"sold out: {gone}"
                await propose_refund(tx, of, payment, now, why)
        return after
    sent = await ordering.fire(tx, of.tab_id, by, at=of.slot_at)
    paid = [each for each in await payments_for(tx, KIND, of.id) if each.status is Paid.SUCCEEDED]
    if paid and money.covered:
        await ordering.pay_lines(tx, Payer(paid[0].id), [line.id for line in sent])
    if money.covered or not money.ordered:
        await ordering.settle_tab(tx, of.tab_id)
    after = await orders.moved(tx, of, now, event=Event.FIRE, fired_at=now, trouble="", trouble_dish="")
    await bringing.begin(tx, after, now)
    return after


async def whats_wrong(rows: Rows, of: OnlineOrder) -> tuple[Trouble, str]:
    """Why the kitchen could not make this order now, and the dish that is missing."""
    offer = await offers.offer_of_store(rows, of.store_id)
    now_on = await menu(rows, of.store_id)
    at = of.slot_at or of.changed_at
    gone = ""
    channel = offers.CHANNELS[of.mode]
    for line in await ordering.lines(rows, of.tab_id):
        # What it took of a counted dish is its own; what the menu's hours say was asked when it was promised.
        if line.status is LineStatus.BASKET and not isinstance(
            quote_line(line, now_on, channel, at, counted=False), Quoted
        ):
            gone = gone or line.name
    return reckoning.trouble_of(of, offer, at.astimezone(ZoneInfo(offer.zone)).date(), gone), gone


async def nobody_came(tx: Transaction, of: OnlineOrder, by: str, now: datetime) -> OnlineOrder:
    """The food waited as long as was promised: the order ends by its rule. A kitchen that is late makes it wait on.

    The order is locked and fired."""
    if of.mode is Mode.BRING:
        raise Conflict(reckoning.COURIER_BRINGS_IT)
    lines = await ordering.lines(tx, of.tab_id)
    if by == SAOMA and any(line.status in (LineStatus.SENT, LineStatus.COOKING) for line in lines):
        due = now + reckoning.LOOK_AGAIN
        await tx.run("UPDATE online_orders SET due_at = %(due)s WHERE id = %(id)s", {"id": of.id, "due": due})
        return of
    money = await orders.account(tx, of)
    if money.held:
        raise Conflict(reckoning.BEING_PAID)
    for line in lines:
        if line.ordered and line.paid_by is None:
            await ordering.void_line(tx, line.id, by, "no-show")
        elif line.status is LineStatus.BASKET:
            await ordering.set_quantity(tx, line.id, 0, None)
    await ordering.close_tab(tx, of.tab_id)
    await applying.let_go(tx, of.tab_id, now)
    back = "no_show" if of.no_show is NoShow.REFUNDED and money.kept else ""
    return await orders.moved(tx, of, now, event=Event.NOBODY_CAME, ended_at=now, ended_by=by, giving_back=back)


#: What the customer reads with a refund.
_REASONS: Final = {"cancelled": "order cancelled before it was made", "no_show": "not collected"}


async def give_back(db: Database, payments: Payments, of: OnlineOrder) -> None:
    """Give back all that is left of the order's money, then note that it is done. A repeat is the same refund."""
    async with db.reading() as rows:
        found = await payments_for(rows, KIND, of.id)
    for payment in found:
        if payment.status is not Paid.SUCCEEDED:
            continue
        if payment.money_refundable:
            key = f"online:{of.id}:{of.giving_back}"
            await payments.refund(payment.id, payment.money_refundable, _REASONS[of.giving_back], SAOMA, key, [])
    async with db.transaction() as tx:
        done = msgspec.structs.replace(await orders.lock(tx, of.id), giving_back="")
        await tx.run(
            "UPDATE online_orders SET giving_back = '', due_at = %(due)s WHERE id = %(id)s",
            {"id": of.id, "due": reckoning.due_at(done)},
        )
        await orders.tell(tx, done)
