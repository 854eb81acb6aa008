"""What the sandbox remembers of Alipay+ beside its book: payment requests and refunds, and how things are written.

A payment has a `paymentId` before anybody scanned its code, when the book has no trade number yet."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from saoma.kit.clock import beijing
from saoma.kit.money import Money
from saoma.sandbox.book.model import Partner
from saoma.sandbox.plus.reading import at

#: What marks a trade as one of Alipay+, and how its messages are signed.
API: Final = "plus"
SIGN_TYPE: Final = "RSA256"
#: What happened to a trade whose buyer has done their part while the result is still open.
PENDING: Final = "pendingAction"

Answer = dict[str, Any]


class Payment(msgspec.Struct, omit_defaults=True):
    """One payment request. `content` is a hash of what must not change; `failed` is the code of a pay that failed."""

    partner: str
    request_id: str
    payment_id: str
    scenario: str
    content: str
    created_at: datetime
    expires_at: datetime | None = None
    failed: str = ""


class PaymentRefund(msgspec.Struct, omit_defaults=True):
    """What the book's refund lacks: Alipay+'s own number for it, and whose payment it is.

    `content` is a hash of what must not change; one that `failed` with a code is in no book."""

    partner: str
    refund_request_id: str
    refund_id: str
    payment_id: str
    content: str = ""
    failed: str = ""


class Failed(Exception):
    """The operation ends with this `resultCode`."""

    def __init__(self, code: str, why: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.why = why


@dataclass(frozen=True, slots=True)
class Call:
    """One checked request. `hold` asks for the planned "unknown": the work is done, but its outcome stays open."""

    partner: Partner
    body: Mapping[str, Any]
    hold: bool = False


def amount(money: Money) -> dict[str, str]:
    """As it travels: the currency and a whole number of its smallest unit."""
    return {"currency": money.currency, "value": str(money.minor)}


def iso(moment: datetime) -> str:
    """As times travel: ISO 8601 with the offset of Alipay's wall clock."""
    return beijing(moment).isoformat(timespec="seconds")


def content_of(body: Mapping[str, Any]) -> str:
    """What a repeat must not change: everything but the terminal's own words, which tell the time of each try."""
    rest = {name: value for name, value in body.items() if name != "env"}
    if isinstance(order := at(body, "order"), dict):
        rest["order"] = {name: value for name, value in order.items() if name != "env"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()
