"""What this sandbox chose where the pages of Alipay+ are silent: one answer each, another one from the settings file.

Every field is an open question of the wire; the default is what `docs/sandbox.md` describes."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

import msgspec

from saoma.kit.errors import Invalid
from saoma.sandbox.lifetimes import DEFAULT_CODE_LIFETIME, end_of, is_lifetime
from saoma.sandbox.plus.codes import SPELLED_BY_ALIPAY_PLUS


class PlusChoices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table `[plus]` of the settings file."""

    #: Three codes have two spellings: SIGNATURE_INVALID is AMS, INVALID_SIGNATURE is Alipay+.
    spelling: Literal["ams", "alipay_plus"] = "ams"
    #: The word for digits that are no payment code, or one that was used.
    invalid_code: Literal["INVALID_CODE", "INVALID_PAYMENT_CODE"] = "INVALID_CODE"
    #: How far `Request-Time` may be from this clock, in minutes. 0: only its form matters.
    clock_minutes: float = 0
    #: How long an order or entry code can be paid that names no `paymentExpiryTime`.
    order_lifetime: str = DEFAULT_CODE_LIFETIME
    #: What a cancel of an id nobody paid with is told; SUCCESS spends the id.
    unknown_cancel: Literal["ORDER_NOT_EXIST", "SUCCESS"] = "ORDER_NOT_EXIST"
    #: What an asynchronous refund is told when it was accepted.
    accepted_refund: Literal["REFUND_IN_PROCESS", "SUCCESS"] = "REFUND_IN_PROCESS"
    #: What inquiryRefund is told of an id nobody knows.
    unknown_refund: Literal["REFUND_NOT_EXIST", "ORDER_NOT_EXIST"] = "REFUND_NOT_EXIST"
    #: Whether cancels are told by notification, too.
    tell_cancel: bool = False
    #: Whether PAYMENT_PENDING is told when the buyer has done their part and the result is open.
    tell_pending: bool = True

    def __post_init__(self) -> None:
        if not is_lifetime(self.order_lifetime):
            raise Invalid(f"{self.order_lifetime!r} is no lifetime: write 1m to 15d, or 1c.")

    def spelled(self, code: str) -> str:
        """A code as this sandbox is set to spell it."""
        if code == "INVALID_CODE":
            return self.invalid_code
        return SPELLED_BY_ALIPAY_PLUS.get(code, code) if self.spelling == "alipay_plus" else code

    def order_ends(self, now: datetime) -> datetime:
        """When an order that is made now can't be paid any more."""
        return end_of(self.order_lifetime, now)


#: What there is when the file says nothing.
DEFAULT: Final = PlusChoices()
