"""A counter order as something payments can pay: one at a time, all that is left of it.

The order goes to the kitchen in the transaction that books the money and never otherwise. Money that comes when nobody
waits for it (late, or too much by a printed code) is kept with the order and shows as surplus; it is never dropped."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from saoma.fastfood import counter, reckoning
from saoma.fastfood.model import KIND, CounterOrder, OrderStatus
from saoma.food.orders import ordering
from saoma.food.orders.shares import Share
from saoma.kit.clock import Clock
from saoma.kit.db import Rows, Transaction
from saoma.kit.money import Money
from saoma.payments.arrivals import ARRIVED
from saoma.payments.matching import OpenOrder
from saoma.payments.model import Payment, Refund

#: Orders that are being put together; those being paid want no other money, those at a kiosk are paid there.
_OPEN: Final = """
SELECT o.id, o.number, o.currency, o.opened_at,
    ((SELECT coalesce(sum(l.amount - l.discount), 0) FROM tab_lines AS l
      WHERE l.tab_id = o.tab_id AND l.status = 'basket')
    - (SELECT coalesce(sum(s.amount - s.refunded), 0) FROM counter_shares AS s
       WHERE s.order_id = o.id AND s.state = 'paid'))::bigint AS missing
FROM counter_orders AS o WHERE o.store_id = %(store)s AND o.status = 'building'
    AND (o.channel <> 'kiosk' OR o.left_for_counter_at IS NOT NULL) ORDER BY o.opened_at, o.id
"""


class _OpenRow(msgspec.Struct, frozen=True):
    id: str
    number: int
    currency: str
    opened_at: datetime
    missing: int


class CounterBill:
    """The payable of kind "counter_order"; its id is the order's. Implements `payments.payable.Payable`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def hold(self, tx: Transaction, payment: Payment) -> None:
        """Take the order for this payment. Raises `Conflict` when it is paid, being paid, over, or not this amount;
        `SoldOut` or `PriceChanged` when it can't be sold as it was seen."""
        at = await counter.lock(tx, payment.payable_id)
        arrived = bool(payment.part.get(ARRIVED))
        reckoning.admit(at.status, await counter.account(tx, at), payment.money, arrived=arrived)
        if not arrived:
            await ordering.check_basket(tx, at.tab_id, at=self._clock.now())
        await counter.SHARES.hold(tx, payment, at.id, self._clock.now())
        await counter.settle(tx, at, self._clock.now(), payment.id, payment.opened_by)

    async def paid(self, tx: Transaction, payment: Payment) -> Money | None:
        """The money is here: what it covers goes to the kitchen now. Answers what of it nobody owed."""
        before = await self._turned(tx, payment, "paid")
        if before.status is OrderStatus.PAYING and (await counter.account(tx, before)).held:
            return None  # late, while another payment is open: whichever of them ends last is weighed
        return await self.surplus(tx, payment)

    async def surplus(self, rows: Rows, payment: Payment) -> Money:
        """What of a payment nobody owes. Implements `payments.surplus.KnowsSurplus`."""
        at = await counter.order(rows, payment.payable_id)
        account = await counter.account(rows, at)
        share = await counter.SHARES.of_payment(rows, payment) or Share(payment.amount, "released")
        back = (await counter.forgiven(rows, at)).get(payment.id, 0) if share.refunded else 0
        return reckoning.surplus_of(at.status, account, share, back)

    async def released(self, tx: Transaction, payment: Payment) -> None:
        """The payment ended without money: the order may be changed and paid again."""
        await self._turned(tx, payment, "released")

    async def refunded(self, tx: Transaction, payment: Payment, refund: Refund) -> None:
        """Money went back: noted with the share. What is in the kitchen stays there; a refund forgives."""
        at = await counter.lock(tx, payment.payable_id)
        await counter.SHARES.refunded(tx, payment)
        await counter.settle(tx, at, self._clock.now(), payment.id, refund.requested_by)

    async def open_orders(self, rows: Rows, store_id: str) -> list[OpenOrder]:
        """The orders at a store that want money. Implements `payments.arrivals.OpenOrders`."""
        return [
            OpenOrder(KIND, row.id, Money(row.missing, row.currency), f"#{row.number}", row.opened_at)
            for row in await rows.rows(_OpenRow, _OPEN, {"store": store_id})
            if row.missing > 0
        ]

    async def whole_of(self, rows: Rows, id: str) -> dict[str, Any]:
        """All that is left of an order."""
        return part_of(await counter.order(rows, id))

    async def _turned(self, tx: Transaction, payment: Payment, state: str) -> CounterOrder:
        at = await counter.lock(tx, payment.payable_id)
        now = self._clock.now()
        if await counter.SHARES.turn(tx, payment, state, now):
            await counter.settle(tx, at, now, payment.id, payment.opened_by)
        return at


def part_of(order: CounterOrder) -> dict[str, Any]:
    """What is kept with a payment for the receipt: the number it was called by."""
    return {"choice": "whole", "number": order.number}


def may_pay(order: CounterOrder) -> bool:
    """Whether the counter offers to take money for it."""
    return order.status is OrderStatus.BUILDING
