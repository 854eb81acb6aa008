"""Listener: a room that wants to hear of every change of a payment or refund, in the transaction that makes it.

What a listener writes is committed with the change or not at all; it never calls out, and must not refuse."""

from __future__ import annotations

from typing import Protocol

from saoma.kit.db import Transaction
from saoma.payments.model import Payment, Refund


class Listener(Protocol):
    """Hears of each new status once."""

    async def payment_moved(self, tx: Transaction, payment: Payment) -> None:
        """The payment has just entered its status."""

    async def refund_moved(self, tx: Transaction, payment: Payment, refund: Refund) -> None:
        """The refund has just entered its status; `payment.refunded` already counts it."""
