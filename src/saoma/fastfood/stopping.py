"""Telling the kitchen to stop making what is given back: once that is decided, not while it waits for a second person.

The wish is kept with its refund. Turned down, it is forgotten, and the kitchen never saw it: a dish is never struck
and paid because somebody only asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from saoma.fastfood import counter
from saoma.fastfood.model import KIND
from saoma.food.orders.calling_off import call_off
from saoma.identity import audit
from saoma.kit.clock import Clock
from saoma.kit.db import Transaction
from saoma.payments.lifecycle import RefundStatus
from saoma.payments.model import Payment, Refund

_WISH: Final = """
INSERT INTO counter_stops (refund_id, order_id, lines, asked_by, reason, asked_at)
VALUES (%(refund)s, %(order)s, %(lines)s, %(by)s, %(reason)s, %(now)s) ON CONFLICT (refund_id) DO NOTHING
"""


class _Wish(msgspec.Struct, frozen=True):
    order_id: str
    lines: list[str]
    asked_by: str
    reason: str


async def stop(
    tx: Transaction, clock: Clock, payment: Payment, refund_id: str, lines: Sequence[str], by: str, reason: str
) -> None:
    """Have the kitchen stop these dishes of a counter order: now, or when the refund that waits is agreed to.

    The payment is locked by the caller, so that nobody decides meanwhile. A repeat changes nothing."""
    status = await tx.value("SELECT status FROM refunds WHERE id = %(id)s", {"id": refund_id})
    wish = _Wish(payment.payable_id, list(lines), by, reason)
    if status == RefundStatus.REQUESTED:
        values = {"refund": refund_id, "order": wish.order_id, "lines": wish.lines, "by": by, "reason": reason}
        await tx.run(_WISH, values | {"now": clock.now()})
    elif status != RefundStatus.FAILED:
        await _strike(tx, clock, payment, wish)


async def _strike(tx: Transaction, clock: Clock, payment: Payment, wish: _Wish) -> None:
    at = await counter.lock(tx, wish.order_id)
    struck = await call_off(tx, at.tab_id, wish.lines, wish.asked_by, wish.reason)
    await counter.tell(tx, at)
    if struck:
        await audit.note(
            tx,
            clock,
            who=wish.asked_by,
            what="called_off",
            subject=at.id,
            merchant_id=payment.merchant_id,
            detail={"dishes": len(struck), "reason": wish.reason},
        )


class Stops:
    """A `Listener` of the payment core: what was to stop is struck when its refund is agreed to, and not before."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def payment_moved(self, tx: Transaction, payment: Payment) -> None:
        """Nothing follows from it."""

    async def refund_moved(self, tx: Transaction, payment: Payment, refund: Refund) -> None:
        """A refund of a counter order that waited is decided."""
        if payment.payable_kind != KIND or refund.status is RefundStatus.REQUESTED:
            return
        wish = await tx.maybe(
            _Wish,
            "DELETE FROM counter_stops WHERE refund_id = %(id)s RETURNING order_id, lines, asked_by, reason",
            {"id": refund.id},
        )
        if wish is not None and refund.status is not RefundStatus.FAILED:
            await _strike(tx, self._clock, payment, wish)
