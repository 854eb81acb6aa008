"""What is paid through the API: the partner's own order, which Saoma knows by its reference only.

A reference is paid once at a time in a store; one whose payment failed or was cancelled is free again."""

from __future__ import annotations

from typing import Final

from saoma.api.problems import ReferenceTaken
from saoma.kit.db import Transaction
from saoma.payments.model import Payment, Refund

KIND: Final = "api"

_HOLD = """
INSERT INTO api_references (store_id, reference, payment_id)
VALUES (%(store_id)s, %(reference)s, %(payment_id)s) ON CONFLICT (store_id, reference) DO NOTHING
"""
_HELD_BY = "SELECT payment_id FROM api_references WHERE store_id = %(store_id)s AND reference = %(reference)s"
_WITHDRAWN: Final = "withdrawn:"


async def withdraw(tx: Transaction, store_id: str, reference: str) -> None:
    """Spend a reference for good: a request for it that comes late is refused like any second one.

    Raises `ReferenceTaken` where a payment has it, which is then to be cancelled."""
    mark = f"{_WITHDRAWN}{store_id}:{reference}"
    given = {"store_id": store_id, "reference": reference, "payment_id": mark}
    if not await tx.run(_HOLD, given) and await tx.value(_HELD_BY, given) != mark:
        raise ReferenceTaken("This reference is paid or being paid already. Look at its payment.")


class References:
    """The payable of payments through the API. Without a reference there is nothing to hold."""

    async def hold(self, tx: Transaction, payment: Payment) -> None:
        """Take the reference. Raises `ReferenceTaken` when another payment has it."""
        reference = payment.part.get("reference", "")
        if not reference:
            return
        given = {"store_id": payment.store_id, "reference": reference, "payment_id": payment.id}
        if not await tx.run(_HOLD, given):
            raise ReferenceTaken("This reference is paid or being paid already. Look at its payment.")

    async def paid(self, tx: Transaction, payment: Payment) -> None:
        """The reference stays taken."""

    async def released(self, tx: Transaction, payment: Payment) -> None:
        """The reference is free again."""
        if payment.part.get("reference"):
            await tx.run("DELETE FROM api_references WHERE payment_id = %(id)s", {"id": payment.id})

    async def refunded(self, tx: Transaction, payment: Payment, refund: Refund) -> None:
        """What was given back is still the same order: its reference stays taken."""
