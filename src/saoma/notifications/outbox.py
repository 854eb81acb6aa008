"""The outbox: what partners shall hear, written in the transaction of what it speaks of, sent afterwards.

Whether a merchant has webhooks at all is remembered for a second, so that those without cost payments nothing; a new
webhook is therefore told to its owner only after that second (`Webhooks.add`)."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final

import msgspec

from saoma.kit.clock import Clock
from saoma.kit.db import Transaction
from saoma.kit.ids import new_id

REMEMBERED_FOR: Final = 1.0
_REMEMBERED: Final = 10_000


class EventKind(StrEnum):
    """What partners can be told of."""

    PAYMENT_SUCCEEDED = "payment.succeeded"
    PAYMENT_FAILED = "payment.failed"
    PAYMENT_CANCELLED = "payment.cancelled"
    PAYMENT_NEEDS_ATTENTION = "payment.needs_attention"
    REFUND_SUCCEEDED = "refund.succeeded"
    REFUND_FAILED = "refund.failed"


_ANY = "SELECT EXISTS (SELECT FROM webhooks WHERE merchant_id = %(id)s AND deleted_at IS NULL AND disabled_at IS NULL)"
_WANTED = """
SELECT id FROM webhooks WHERE merchant_id = %(merchant_id)s AND deleted_at IS NULL AND disabled_at IS NULL
  AND %(kind)s = ANY (events) AND (store_ids = '{}' OR %(store_id)s = ANY (store_ids))
"""
_EVENT = """
INSERT INTO webhook_events (id, merchant_id, kind, subject_id, body, created_at)
VALUES (%(id)s, %(merchant_id)s, %(kind)s, %(subject_id)s, %(body)s, %(now)s)
"""
_DELIVERY = """
INSERT INTO webhook_deliveries (id, webhook_id, event_id, status, created_at, begun_at, due_at)
VALUES (%(id)s, %(webhook_id)s, %(event_id)s, 'pending', %(now)s, %(now)s, %(now)s)
"""


class _Id(msgspec.Struct, frozen=True):
    id: str


class Outbox:
    """Writes events for whoever subscribed to them."""

    def __init__(
        self,
        clock: Clock,
        *,
        remembered_for: float = REMEMBERED_FOR,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self.clock = clock
        self.remembered_for = remembered_for
        self._ticks = ticks
        self._known: OrderedDict[str, tuple[bool, float]] = OrderedDict()

    async def listened_to(self, tx: Transaction, merchant_id: str) -> bool:
        """Whether this merchant has any webhook, as known at most `remembered_for` seconds ago."""
        now = self._ticks()
        known = self._known.get(merchant_id)
        if known is not None and now < known[1] + self.remembered_for:
            return known[0]
        found = bool(await tx.value(_ANY, {"id": merchant_id}))
        self._known[merchant_id] = (found, now)
        self._known.move_to_end(merchant_id)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return found

    async def write(
        self, tx: Transaction, *, kind: EventKind, merchant_id: str, store_id: str, subject_id: str, data: Any
    ) -> int:
        """Write one event with a delivery for each webhook that wants it; how many want it."""
        about = {"merchant_id": merchant_id, "kind": kind.value, "store_id": store_id}
        webhooks = await tx.rows(_Id, _WANTED, about)
        if not webhooks:
            return 0
        now, event_id = self.clock.now(), new_id("evt")
        event = {"id": event_id, "type": kind.value, "created_at": now, "data": data}
        body = msgspec.json.encode(event).decode()
        await tx.run(_EVENT, about | {"id": event_id, "subject_id": subject_id, "body": body, "now": now})
        for webhook in webhooks:
            await tx.run(_DELIVERY, {"id": new_id("dlv"), "webhook_id": webhook.id, "event_id": event_id, "now": now})
        return len(webhooks)
