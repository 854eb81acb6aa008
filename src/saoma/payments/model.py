"""What the payment core keeps, as rows read back, and what it is asked for.

`Payment` is what screens see: it never holds the payment code, which is kept only while it may still be sent."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec

from saoma.gateway import Charge, Method, SecondaryMerchant
from saoma.kit.money import Money
from saoma.payments.lifecycle import FINAL, RefundStatus, Status
from saoma.payments.patience import Patience, patience


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPayment:
    """A wish to take money. `part` is kept for the payable alone; `by` says who asked (staff or guest id).

    The same `key` with the same content names the same payment; with other content it is a `Conflict`."""

    merchant_id: str
    account_id: str
    method: Method
    amount: Money
    subject: str
    payable_kind: str
    payable_id: str
    shop: SecondaryMerchant
    policy: str
    part: Mapping[str, Any] = field(default_factory=dict)
    payment_code: str = ""
    buyer_id: str = ""
    key: str = ""
    by: str = ""
    store_id: str = ""
    terminal_id: str = ""

    def fingerprint(self) -> str:
        """Tells two wishes with one key apart. A digest, so that it gives no payment code away."""
        content = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "by"}
        return _digest(content)


def _digest(content: object) -> str:
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """One payment of ours, as its row stands.

    `code` is the provider's last word about the money; `sends` counts requests that may have arrived."""

    id: str
    merchant_id: str
    store_id: str
    terminal_id: str
    account_id: str
    order_number: str
    method: Method
    status: Status
    amount: int
    currency: str
    subject: str
    payable_kind: str
    payable_id: str
    part: dict[str, Any]
    policy: str
    shop: dict[str, str]
    buyer_id: str
    buyer_login: str
    opened_by: str
    version: int
    trade_number: str
    qr_code: str
    code: str
    refunded: int
    refund_reserved: int
    gave_back: bool
    trade_closed: bool
    booked: bool
    payable_state: str
    sends: int
    sending_until: datetime | None
    created_at: datetime
    opened_at: datetime | None
    looked_at: datetime | None
    give_up_at: datetime
    due_at: datetime | None
    tries: int
    paid_at: datetime | None
    final_at: datetime | None

    @property
    def money(self) -> Money:
        """What is to be paid."""
        return Money(self.amount, self.currency)

    @property
    def money_refunded(self) -> Money:
        """What has been given back by refunds so far."""
        return Money(self.refunded, self.currency)

    @property
    def money_refundable(self) -> Money:
        """What a further refund may give back at most."""
        left = self.amount - self.refund_reserved if self.status is Status.SUCCEEDED else 0
        return Money(left, self.currency)

    @property
    def final(self) -> bool:
        """Whether this has ended, as far as anyone knows."""
        return self.status in FINAL

    @property
    def open(self) -> bool:
        """Whether it is being followed: nobody knows yet, and nobody may hand over goods."""
        return self.status in (Status.CREATED, Status.PENDING, Status.CANCELLING)

    @property
    def patience(self) -> Patience:
        """How long and how often to ask."""
        return patience(self.policy)

    def charge(self, payment_code: str, notify_url: str) -> Charge:
        """The request, the same however often it is sent."""
        return Charge(
            order_number=self.order_number,
            method=self.method,
            amount=self.money,
            subject=self.subject,
            created_at=self.created_at,
            expires_at=self.give_up_at,
            shop=SecondaryMerchant(**self.shop),
            notify_url=notify_url,
            payment_code=payment_code,
            buyer_id=self.buyer_id if self.method is not Method.BARCODE else "",
        )


#: The columns of `Payment`, in its order.
PAYMENT_COLUMNS: Final = ", ".join(Payment.__struct_fields__)


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """One refund of one payment. `refund_number` goes over the wire unchanged until the answer is final.

    `approved_by` is the second person, where one was needed; the same who asked it can never be."""

    id: str
    payment_id: str
    merchant_id: str
    refund_number: str
    amount: int
    currency: str
    status: RefundStatus
    reason: str
    requested_by: str
    approved_by: str
    lines: list[str]
    code: str
    created_at: datetime
    due_at: datetime | None
    tries: int
    final_at: datetime | None

    @property
    def money(self) -> Money:
        """What is to be given back."""
        return Money(self.amount, self.currency)


REFUND_COLUMNS: Final = ", ".join(Refund.__struct_fields__)


def refund_fingerprint(amount: Money, reason: str, lines: list[str]) -> str:
    """Tells two refund wishes with one key apart."""
    return _digest([amount, reason, lines])


class PaymentEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a payment's story: by which door, what it said, what it did. `signed` is None for our own words."""

    id: int
    payment_id: str
    refund_id: str | None
    at: datetime
    door: str
    event: str
    status_before: str
    status_after: str
    source: str
    code: str
    signed: bool | None
    said_by: str
    raw: str


EVENT_COLUMNS: Final = ", ".join(PaymentEvent.__struct_fields__)


@dataclass(frozen=True, slots=True)
class NoticeAnswer:
    """What to answer a notice: `success` when `accepted`, anything else otherwise.

    `why` is `applied`, `repeated`, or the check that failed: `signature`, `account`, `sign_type`, `malformed`,
    `order`, `amount`, `trade`."""

    accepted: bool
    why: str
