"""The money of an order that is paid before it is made: what it costs, and what each payment brings to it.

Money that an open payment may still bring counts as taken; money given back counts as gone only until the order is
fired (or promised to somebody), for after that a refund forgives and asks for nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import msgspec

from saoma.kit.db import Rows, Transaction
from saoma.kit.money import Money


class Share(msgspec.Struct, frozen=True):
    """What one payment brings to an order. `state` is held, paid or released."""

    amount: int
    state: str
    refunded: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """An order's dishes and its money, in minor units of `currency`."""

    currency: str
    ordered: int
    shares: tuple[Share, ...] = ()
    fired: bool = False
    #: What went back for dishes that are still on the order.
    forgiven: int = 0

    @property
    def here(self) -> int:
        """Money that arrived and stayed; once the order is fired, also what was given back since."""
        paid = [share for share in self.shares if share.state == "paid"]
        return sum(share.amount if self.fired else share.amount - share.refunded for share in paid)

    @property
    def held(self) -> int:
        """Money that open payments may still bring."""
        return sum(share.amount for share in self.shares if share.state == "held")

    @property
    def kept(self) -> int:
        """Money that arrived and was not given back."""
        return sum(share.amount - share.refunded for share in self.shares if share.state == "paid")

    @property
    def left(self) -> Money:
        """What nobody has paid or is paying."""
        return Money(max(0, self.ordered - self.here - self.held), self.currency)

    @property
    def total(self) -> Money:
        """What the dishes cost."""
        return Money(self.ordered, self.currency)

    @property
    def surplus(self) -> Money:
        """What arrived beyond the dishes and was not given back: late money, or too much by a printed code."""
        return Money(max(0, self.kept + self.forgiven - self.ordered), self.currency)

    @property
    def covered(self) -> bool:
        """There are dishes, and all of them are paid."""
        return 0 < self.ordered <= self.here


class Paying(Protocol):
    """As much of a payment as a share needs."""

    @property
    def id(self) -> str:
        """The payment."""

    @property
    def amount(self) -> int:
        """What it brings, in minor units."""

    @property
    def currency(self) -> str:
        """Of what."""

    @property
    def refunded(self) -> int:
        """What of it was given back."""


class Shares:
    """A table of shares, one row per payment: columns payment_id, order_id, amount, currency, refunded, state,
    held_at, settled_at."""

    def __init__(self, table: str) -> None:
        if not table.isidentifier():
            raise ValueError(table)
        self._hold, self._turn, self._refunded, self._of, self._of_payment = (
            text.format(table=table) for text in (_HOLD, _TURN, _REFUNDED, _OF, _OF_PAYMENT)
        )

    async def hold(self, tx: Transaction, payment: Paying, order_id: str, now: datetime) -> None:
        """A payment begins: what it may bring is set aside."""
        params = {"payment": payment.id, "order": order_id, "amount": payment.amount, "currency": payment.currency}
        await tx.run(self._hold, params | {"now": now})

    async def turn(self, tx: Transaction, payment: Paying, state: str, now: datetime) -> bool:
        """The payment has ended; tells whether that is news."""
        return bool(await tx.run(self._turn, {"payment": payment.id, "state": state, "now": now}))

    async def refunded(self, tx: Transaction, payment: Paying) -> None:
        """Money of it went back."""
        await tx.run(self._refunded, {"payment": payment.id, "refunded": payment.refunded})

    async def of(self, rows: Rows, order_id: str) -> tuple[Share, ...]:
        """Every share of an order, the oldest first."""
        return tuple(await rows.rows(Share, self._of, {"order": order_id}))

    async def of_payment(self, rows: Rows, payment: Paying) -> Share | None:
        """What this payment brings; None for one that never began."""
        return await rows.maybe(Share, self._of_payment, {"payment": payment.id})


_HOLD = """
INSERT INTO {table} (payment_id, order_id, amount, currency, state, held_at)
VALUES (%(payment)s, %(order)s, %(amount)s, %(currency)s, 'held', %(now)s)
"""
_TURN = """
UPDATE {table} SET state = %(state)s, settled_at = %(now)s WHERE payment_id = %(payment)s AND state <> %(state)s
"""
_REFUNDED = "UPDATE {table} SET refunded = least(amount, %(refunded)s) WHERE payment_id = %(payment)s"
_OF = "SELECT amount, state, refunded FROM {table} WHERE order_id = %(order)s ORDER BY held_at, payment_id"
_OF_PAYMENT = "SELECT amount, state, refunded FROM {table} WHERE payment_id = %(payment)s"
