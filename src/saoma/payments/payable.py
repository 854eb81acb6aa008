"""Payable: anything a customer can pay for, as the payment core sees it.

All four calls happen inside the transaction that changes the payment: they write rows and never call out."""

from __future__ import annotations

from typing import Protocol

from saoma.kit.db import Transaction
from saoma.kit.money import Money
from saoma.payments.model import Payment, Refund


class Payable(Protocol):
    """What a room hands to the payment core so that its bills can be paid.

    Each of `paid` and `released` is told at most once per payment, however often the provider repeats itself; only a
    person's ruling may follow one by the other."""

    async def hold(self, tx: Transaction, payment: Payment) -> None:
        """A payment begins: set its part of the bill aside. Raise `Conflict` when that would overpay the bill."""

    async def paid(self, tx: Transaction, payment: Payment) -> Money | None:
        """The money is there for certain. Must not refuse: the money is there whatever the bill says.

        Answers what of it nobody owed, if anything: that becomes a case."""

    async def released(self, tx: Transaction, payment: Payment) -> None:
        """The payment failed or was cancelled for certain: what was set aside is due again."""

    async def refunded(self, tx: Transaction, payment: Payment, refund: Refund) -> None:
        """Money went back for certain; `payment.refunded` already counts it."""
