"""How much may be paid, by whom and to whom: limits of buyers and of merchants, in fen and Beijing days. Pure.

The XML gateway's lists know fewer words than the Open API's: a no of the merchant's side carries both
(https://docs.antom.com/ac/global/spot_pay, https://jaq-doc.alibaba.com/docs/doc.htm?articleId=104632)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from saoma.kit.errors import Invalid
from saoma.kit.money import Money

#: The words of Alipay's lists that speak of the buyer's account or phone, and so can turn all its payments down.
REFUSALS: Final = frozenset(
    {
        "BUYER_BANKCARD_BALANCE_NOT_ENOUGH", "BUYER_ENABLE_STATUS_FORBID", "BUYER_NOT_MAINLAND_CERT",
        "BUYER_SELLER_EQUAL", "CLIENT_VERSION_NOT_MATCH", "ERROR_BALANCE_PAYMENT_DISABLE",
        "ERROR_BUYER_CERTIFY_LEVEL_LIMIT", "MOBILE_PAYMENT_SWITCH_OFF", "NO_PAYMENT_INSTRUMENTS_AVAILABLE",
        "PAYMENT_FAIL", "PAYMENT_REQUEST_HAS_RISK", "PULL_MOBILE_CASHIER_FAIL", "USER_FACE_PAYMENT_SWITCH_OFF",
    }
)  # fmt: skip

DAY: Final = "BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR"
MONTH: Final = "BUYER_PAYMENT_AMOUNT_MONTH_LIMIT_ERROR"

#: What fen were paid from a first day to a last one, both included.
Used = Callable[[date, date], int]


class TurnedDown(Exception):
    """The trade engine says no; `code` is the word that travels in `error` or `detail_error_code`.

    `fine` is the Open API's word where that gateway has a finer one; `why` is for the call log."""

    def __init__(self, code: str, fine: str = "", why: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.fine = fine or code
        self.why = why


class BuyerTerms(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a buyer's account allows, in fen. None: no limit; `refused_with` is the word all payments end with."""

    payment_limit: int | None = None
    day_limit: int | None = None
    month_limit: int | None = None
    #: A till's scan of more than this waits for the PIN, whatever the buyer's habit.
    pin_above: int | None = None
    refused_with: str = ""

    def check(self, fen: int, today: date, used: Used, payment_code: str) -> None:
        """May `fen` be paid today? `payment_code` is the word for too large a payment. Raises `TurnedDown`."""
        if self.refused_with:
            raise TurnedDown(self.refused_with)
        if _over(self.payment_limit, fen):
            raise TurnedDown(payment_code)
        if self.day_limit is not None and _over(self.day_limit, fen + used(today, today)):
            raise TurnedDown(DAY)
        if self.month_limit is not None and _over(self.month_limit, fen + used(*month_of(today))):
            raise TurnedDown(MONTH)

    def wants_pin(self, fen: int) -> bool:
        """Whether an amount is too large to be paid by showing a code alone."""
        return _over(self.pin_above, fen)


class MerchantLimits(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a contract lets a merchant take, in fen of CNY. None: no limit."""

    payment_limit: int | None = None
    day_limit: int | None = None
    month_limit: int | None = None

    def check_one(self, fen: int) -> None:
        """Is one payment small enough? Raises `TurnedDown`."""
        if _over(self.payment_limit, fen):
            raise TurnedDown("BEYOND_PAY_RESTRICTION", "BEYOND_PER_RECEIPT_SINGLE_RESTRICTION")

    def check(self, fen: int, today: date, used: Used) -> None:
        """May `fen` more be taken today? Raises `TurnedDown`."""
        self.check_one(fen)
        if self.day_limit is not None and _over(self.day_limit, fen + used(today, today)):
            raise TurnedDown("BEYOND_PAY_RESTRICTION", "BEYOND_PER_RECEIPT_DAY_RESTRICTION")
        if self.month_limit is not None and _over(self.month_limit, fen + used(*month_of(today))):
            raise TurnedDown("BEYOND_PER_RECEIPT_RESTRICTION")


#: What a buyer reads in the wallet when the engine says no; screens translate it.
SENTENCES: Final = {
    "BUYER_BALANCE_NOT_ENOUGH": "There is not enough money in your wallet for this.",
    DAY: "This is more than you may pay in one day.",
    MONTH: "This is more than you may pay in one month.",
    "BEYOND_PAY_RESTRICTION": "This is more than the shop may take. Ask there for another way to pay.",
    "BEYOND_PER_RECEIPT_RESTRICTION": "This is more than the shop may take. Ask there for another way to pay.",
    "PARTNER_ERROR": "This shop can't take payments at the moment.",
    "ACCESS_FORBIDDEN": "This shop can't take payments at the moment.",
    "INVALID_PARAMETER": "This shop can't take payments at the moment.",
}
OTHERWISE: Final = "Alipay does not let you pay this. Choose another way to pay."


def month_of(day: date) -> tuple[date, date]:
    """The first and the last day of a day's month."""
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def fen(amount: Decimal | None) -> int | None:
    """A limit as people write it, in CNY. Raises `Invalid` for less than nothing or more than two decimals."""
    if amount is None:
        return None
    if not amount.is_finite() or amount < 0:
        raise Invalid("A limit is not less than nothing.")
    return Money.parse(f"{amount:f}", "CNY").minor


def _over(limit: int | None, amount: int) -> bool:
    return limit is not None and amount > limit
