"""An acquirer's payments as its answers and webhooks tell them, and what they prove. Pure.

Only the ends of the acquirer's lifecycle are final: `succeeded`, `failed`, `cancelled`. Nothing else proves a thing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from saoma.alipay import codes
from saoma.gateway import AwaitingBuyer, Closed, Declined, Evidence, Paid, Trade, Unclear
from saoma.kit.money import Money

#: Ends without money.
UNDONE: Final = ("failed", "cancelled")
_Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_]{1,64}$")]


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """One payment at the acquirer. `reference` is our order number."""

    id: _Id
    status: str
    amount: str
    currency: str
    method: str
    trade_no: str
    refunded: str
    reference: str
    store: str
    paid_at: datetime | None
    qr_code: str
    code: str
    gave_back: bool

    @property
    def money(self) -> Money:
        """What was asked."""
        return Money.parse(self.amount, self.currency)

    @property
    def money_refunded(self) -> Money:
        """What was given back of it."""
        return Money.parse(self.refunded, self.currency)

    @property
    def trade(self) -> Trade:
        """Alipay's record behind it."""
        return Trade(trade_number=self.trade_no, amount=self.money, paid_at=self.paid_at)


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Payments, newest first."""

    items: list[Payment]
    next_cursor: str | None


def opened(payment: Payment, evidence: Evidence) -> Paid | Declined | AwaitingBuyer | Closed | Unclear:
    """What a payment's state proves. Raises `Invalid` for amounts that are none."""

    def about(code: str) -> Evidence:
        return Evidence(evidence.source, code, evidence.signed, evidence.raw)

    match payment.status:
        case "succeeded" if payment.money_refunded == payment.money:
            return Closed(payment.trade, about("TRADE_CLOSED"))
        case "succeeded":
            return Paid(payment.trade, about("TRADE_SUCCESS"))
        case "failed":
            code = word(payment.code, "TRADE_CLOSED")
            return Declined(code, about(code))
        case "cancelled":
            return Closed(payment.trade, about("TRADE_CLOSED"))
        case "created" | "pending" if payment.trade_no or payment.qr_code:
            return AwaitingBuyer(payment.trade, about("WAIT_BUYER_PAY"), qr_code=payment.qr_code)
        case _:
            # under way, being undone, or before a person over there
            code = word(payment.code, "fault")
            return Unclear(code, about(code))


def the_one(page: Page) -> Payment:
    """The payment that counts: where an order got no code, those before it were undone, and it has the same reference.

    Raises `ValueError` where more than one may have taken money."""
    if page.next_cursor is not None or not page.items:
        raise ValueError("more payments of one reference than can be")
    alive = [payment for payment in page.items if payment.status not in UNDONE]
    if len(alive) > 1:
        raise ValueError("one reference and two payments")
    return alive[0] if alive else page.items[0]


def word(code: str, otherwise: str) -> str:
    """The acquirer's word where we have sentences for it that promise nothing; `not_sent` is theirs, never ours."""
    known = code in codes.CODES and not codes.say(code).hand_over and code not in ("not_sent", "no_code")
    return code if known else otherwise
