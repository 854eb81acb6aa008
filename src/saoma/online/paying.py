"""An order made ahead as something payments can pay: all that is left of it, by one payment at a time.

The slot is taken in the transaction that opens the payment, so two phones can't pay for the last place; it is free
again when that payment ends without money. Money that comes when the promise can't be given any more is kept, and a
case proposes to give it back."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from saoma.food.orders import ordering
from saoma.food.orders.shares import Account, Share
from saoma.identity import model
from saoma.kit.clock import Clock
from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import Conflict
from saoma.kit.money import Money
from saoma.online import offers, orders, reckoning
from saoma.online.model import Event, OnlineOrder, Status, Trouble
from saoma.payments.cases import Kind, Move, close_cases_of, open_case
from saoma.payments.model import Payment, Refund

_PAYING: Final = """
SELECT count(*) FROM online_orders AS o JOIN online_shares AS s ON s.order_id = o.id AND s.state = 'held'
JOIN payments AS p ON p.id = s.payment_id
WHERE o.store_id = %(store)s AND o.status = 'paying' AND o.id <> %(id)s AND p.buyer_id = %(buyer)s
"""


class Payer(msgspec.Struct, frozen=True):
    """A payment as far as lines care: its id."""

    id: str


class OnlineBill:
    """The payable of kind "online_order"; its id is the order's. Implements `payments.payable.Payable`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def hold(self, tx: Transaction, payment: Payment) -> None:
        """Take the order, and its slot, for this payment. Raises `Conflict` when either is taken or over, or the
        amount is another; `SoldOut` or `PriceChanged` when it can't be sold as it was seen."""
        now = self._clock.now()
        of = await orders.lock(tx, payment.payable_id)
        reckoning.admit(of, await orders.account(tx, of), payment.money)
        if of.status is Status.CHOOSING:
            taking = await orders.reserve(tx, of, now)
            await ordering.check_basket(tx, of.tab_id, at=of.slot_at)
            # Asked behind the store's lock, which `reserve` holds.
            about = {"store": of.store_id, "id": of.id, "buyer": payment.buyer_id}
            if payment.buyer_id and await tx.value(_PAYING, about) >= reckoning.MOST_PAYING:
                raise Conflict(reckoning.PAYING_ELSEWHERE)
            of = await orders.moved(tx, of, now, event=Event.HOLD, **taking)
        await orders.SHARES.hold(tx, payment, of.id, now)

    async def paid(self, tx: Transaction, payment: Payment) -> Money | None:
        """The money is here: the order is promised, or what was promised unpaid is covered.

        Answers what of it nobody owed; None where nothing is, or where a case of this room's own says so."""
        now = self._clock.now()
        of = await orders.lock(tx, payment.payable_id)
        if not await orders.SHARES.turn(tx, payment, "paid", now):
            return None
        money = await orders.account(tx, of)
        match of.status:
            case Status.PAYING if money.covered:
                await orders.promised(tx, of, now, {})
            case Status.CHOOSING if money.covered:
                await self._late(tx, of, payment, now)
            case Status.PROMISED:
                await orders.tell(tx, of)
                return _beyond(of, money, payment)
            case Status.FIRED:
                await covered(tx, of, money, payment.id)
                return _beyond(of, money, payment)
            case _:
                await propose_refund(tx, of, payment, now, "money came after the order had ended")
                await orders.tell(tx, of)
        return None

    async def surplus(self, rows: Rows, payment: Payment) -> Money:
        """What of a payment nobody owes. Implements `payments.surplus.KnowsSurplus`."""
        of = await orders.order(rows, payment.payable_id)
        share = await orders.SHARES.of_payment(rows, payment) or Share(payment.amount, "released")
        return reckoning.surplus_of(of.status, await orders.account(rows, of), share)

    async def _late(self, tx: Transaction, of: OnlineOrder, payment: Payment, now: datetime) -> None:
        """The payment had ended without money and its slot was free again: it is promised if there is still room."""
        try:
            taking = await orders.reserve(tx, of, now)
        except Conflict:
            await propose_refund(tx, of, payment, now, "money came when its time was no longer free")
            await orders.moved(tx, of, now, trouble=Trouble.LATE_MONEY.value)
        else:
            await orders.promised(tx, of, now, taking)

    async def released(self, tx: Transaction, payment: Payment) -> None:
        """The payment ended without money: the order may be changed and paid again, its slot is free."""
        now = self._clock.now()
        of = await orders.lock(tx, payment.payable_id)
        if not await orders.SHARES.turn(tx, payment, "released", now):
            return
        if of.status is Status.PAYING:
            await orders.moved(tx, of, now, event=Event.RELEASE)
        else:
            await orders.tell(tx, of)

    async def refunded(self, tx: Transaction, payment: Payment, refund: Refund) -> None:
        """Money went back. An order that the kitchen has not begun and that has lost all its money is off."""
        now = self._clock.now()
        of = await orders.lock(tx, payment.payable_id)
        await orders.SHARES.refunded(tx, payment)
        if payment.refunded >= payment.amount:
            await close_cases_of(tx, "payment", payment.id, "saoma", Move.DEALT_WITH.value, "given back", now)
        money = await orders.account(tx, of)
        if of.status in (Status.PROMISED, Status.CHOOSING) and not money.kept and not money.held:
            await orders.cancelled(tx, of, refund.requested_by, now, back=False)
        else:
            await orders.tell(tx, of)


def _beyond(of: OnlineOrder, money: Account, payment: Payment) -> Money | None:
    """What nobody owed of money that is here; while another payment is open, whichever ends last is weighed."""
    share = Share(payment.amount, "paid", payment.refunded)
    return None if money.held else reckoning.surplus_of(of.status, money, share)


async def covered(tx: Transaction, of: OnlineOrder, money: Account, payment_id: str) -> None:
    """What the kitchen has begun is paid now: its dishes belong to the payment. The order is locked."""
    if money.covered:
        sent = [line.id for line in await ordering.lines(tx, of.tab_id) if line.ordered]
        await ordering.pay_lines(tx, Payer(payment_id), sent)
        await ordering.settle_tab(tx, of.tab_id)
    await orders.tell(tx, of)


async def propose_refund(tx: Transaction, of: OnlineOrder, payment: Payment, now: datetime, why: str) -> None:
    """Put the money of an order that can't be made before a person, once per payment."""
    offer = await offers.offer_of_store(tx, of.store_id)
    store = await model.store(tx, offer.store_id)
    left = payment.amount - payment.refunded
    await open_case(
        tx,
        merchant_id=store.merchant_id,
        kind=Kind.CANNOT_BE_MADE,
        subject_kind="payment",
        subject_id=payment.id,
        title=f"Order {of.label or of.id} can't be made: {why}",
        at_risk=Money(left, payment.currency),
        proposed=Move.DEALT_WITH.value,
        detail={
            "order": of.id,
            "proposed refund": str(Money(left, payment.currency)),
            "why": why,
            "store_id": of.store_id,
        },
        key=f"cannot_be_made:{payment.id}",
        now=now,
    )


def part_of(order: OnlineOrder) -> dict[str, Any]:
    """What is kept with a payment for the receipt."""
    return {"choice": "whole", "order": order.id}
