"""An acquirer's webhooks: whose they are, how fresh, and what they tell. Pure.

A refund's end says nothing of its payment: whether that was paid is known, or is asked."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from saoma.alipay.acquirer_answers import Payment, opened
from saoma.alipay.acquirer_client import AcquirerAccount
from saoma.gateway import AwaitingBuyer, BadNotice, Closed, Declined, Evidence, Notice, Paid, Trade, Unclear
from saoma.kit.errors import Invalid
from saoma.kit.money import Money

#: What a webhook at the acquirer must be subscribed to, so that nothing has to be found out by asking.
EVENTS: Final = (
    "payment.succeeded", "payment.failed", "payment.cancelled", "refund.succeeded", "refund.failed",
)  # fmt: skip
_FRESH: Final = timedelta(minutes=5)


class _RefundNews(msgspec.Struct, frozen=True, kw_only=True):
    status: Literal["succeeded", "failed"]
    amount: str
    currency: str
    key: str
    payment_reference: str
    store: str


_EventId = Annotated[str, Meta(min_length=1, max_length=128)]


class _Event(msgspec.Struct, frozen=True, kw_only=True):
    id: _EventId
    type: Literal["payment.succeeded", "payment.failed", "payment.cancelled", "refund.succeeded", "refund.failed"]
    created_at: datetime
    data: msgspec.Raw


def read_webhook(account: AcquirerAccount, body: str, signature: str, now: datetime) -> Notice | BadNotice:
    """Verify a webhook and read it: `body` as it came, `signature` from its header."""
    raw = body[:4_000]
    if not _is_signed(account.webhook_secret, signature, body.encode(), now):
        return BadNotice("signature", Evidence("notify", "", signed=False, raw=raw))
    evidence = Evidence("notify", "", signed=True, raw=raw)
    try:
        notice = _news(msgspec.json.decode(body, type=_Event), account.store, evidence)
    except (ValueError, Invalid, RecursionError):
        notice = None
    return notice or BadNotice("malformed", evidence)


def _news(event: _Event, store: str, evidence: Evidence) -> Notice | None:
    """An event as a notice; None for one that tells of nothing here. Raises `ValueError`, `Invalid`."""
    if event.type.startswith("refund."):
        refund = msgspec.json.decode(event.data, type=_RefundNews)
        amount = Money.parse(refund.amount, refund.currency)
        if not refund.payment_reference or refund.store != store or amount.minor <= 0:
            return None
        # A refund says nothing of its payment: whether that was paid is known, or is asked.
        return Notice(
            event.id,
            refund.payment_reference,
            AwaitingBuyer(Trade(), evidence),
            sent_at=event.created_at,
            settles_refund=refund.key,
            refund_amount=amount,
            refused="" if refund.status == "succeeded" else "TRADE_NOT_ALLOW_REFUND",
        )
    payment = msgspec.json.decode(event.data, type=Payment)
    if not payment.reference or payment.store != store:
        return None
    match opened(payment, evidence):
        case Paid() | Closed() | AwaitingBuyer() as told:
            return Notice(event.id, payment.reference, told, sent_at=event.created_at)
        case Declined(_, about):
            return Notice(event.id, payment.reference, Closed(payment.trade, about), sent_at=event.created_at)
        case Unclear():
            return None


def _is_signed(secret: str, header: str, body: bytes, now: datetime) -> bool:
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    stamp = parts.get("t", "")
    if not secret or not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12):
        return False
    mark = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    fresh = abs(now.timestamp() - int(stamp)) <= _FRESH.total_seconds()
    return hmac.compare_digest(parts.get("v1", "").encode(), mark.encode()) and fresh
