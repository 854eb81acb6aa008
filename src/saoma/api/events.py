"""What webhooks are told of: the ends of payments and refunds, in the transaction that makes them so.

Costs nothing but a look into memory where a merchant has no webhook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from saoma.api.answers import payment_answer, refund_news
from saoma.gateway import Gateway
from saoma.kit.db import Transaction
from saoma.notifications.outbox import EventKind, Outbox
from saoma.payments.lifecycle import RefundStatus, Status
from saoma.payments.model import Payment, Refund

_OF_PAYMENT: Final = {
    Status.SUCCEEDED: EventKind.PAYMENT_SUCCEEDED,
    Status.FAILED: EventKind.PAYMENT_FAILED,
    Status.CANCELLED: EventKind.PAYMENT_CANCELLED,
    Status.NEEDS_ATTENTION: EventKind.PAYMENT_NEEDS_ATTENTION,
}
_OF_REFUND: Final = {
    RefundStatus.SUCCEEDED: EventKind.REFUND_SUCCEEDED,
    RefundStatus.FAILED: EventKind.REFUND_FAILED,
}
_KEY: Final = "SELECT key FROM refunds WHERE id = %(id)s"


class Events:
    """A `Listener` of the payment core. Bodies are in English; a program reads their fields, not their sentences."""

    def __init__(self, outbox: Outbox, gateways: Mapping[str, Gateway]) -> None:
        self.outbox = outbox
        self.gateways = gateways

    async def payment_moved(self, tx: Transaction, payment: Payment) -> None:
        """Write the event of a payment that has ended, or needs a person."""
        kind = _OF_PAYMENT.get(payment.status)
        if kind is None or not await self.outbox.listened_to(tx, payment.merchant_id):
            return
        await self.outbox.write(
            tx,
            kind=kind,
            merchant_id=payment.merchant_id,
            store_id=payment.store_id,
            subject_id=payment.id,
            data=payment_answer(payment, self.gateways.get(payment.account_id), "en"),
        )

    async def refund_moved(self, tx: Transaction, payment: Payment, refund: Refund) -> None:
        """Write the event of a refund that has ended."""
        kind = _OF_REFUND.get(refund.status)
        if kind is None or not await self.outbox.listened_to(tx, payment.merchant_id):
            return
        await self.outbox.write(
            tx,
            kind=kind,
            merchant_id=payment.merchant_id,
            store_id=payment.store_id,
            subject_id=refund.id,
            data=refund_news(payment, refund, str(await tx.value(_KEY, {"id": refund.id})), "en"),
        )
