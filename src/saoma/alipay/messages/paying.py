"""Opening, asking for, cancelling and closing a trade: requests and answers.

`result_code=SUCCESS` means something else for each: paid (spot.pay), created (create), the question was answered
(query), undone (cancel). Only `direct` draws conclusions; here is only what was said.
Pages: https://docs.antom.com/ac/global/spot_pay, .../overseas_query, .../acquire_cancel, .../acquire_create,
.../precreate_transaction"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final, Self

from saoma.alipay.messages import fields as f
from saoma.gateway import SecondaryMerchant
from saoma.kit.errors import Invalid
from saoma.kit.money import Money

PRODUCT: Final = "OVERSEAS_MBARCODE_PAY"
_PAYMENT_CODE: Final = re.compile(r"(?:2[5-9]|30)\d{14,22}")


def is_payment_code(code: str) -> bool:
    """Whether `code` can be what a wallet shows to be paid from: 16 to 24 digits that begin with 25 to 30."""
    return _PAYMENT_CODE.fullmatch(code) is not None


@dataclass(frozen=True, slots=True)
class SpotPay:
    """Charge the wallet that shows `payment_code`."""

    service: ClassVar[str] = "alipay.acquire.overseas.spot.pay"

    order_number: str
    amount: Money
    subject: str
    created_at: datetime
    payment_code: str
    shop: SecondaryMerchant
    seller_id: str
    notify_url: str
    memo: str = ""

    @property
    def about(self) -> str:
        """The order number."""
        return self.order_number

    def __repr__(self) -> str:
        return f"SpotPay({self.order_number!r}, {self.amount})"

    def fields(self) -> dict[str, str]:
        """As https://docs.antom.com/ac/global/spot_pay lists them; no `quantity`, which would need a price."""
        if not is_payment_code(self.payment_code):
            raise Invalid("A payment code is 16 to 24 digits that begin with 25 to 30: scan the customer's code again.")
        return {
            "alipay_seller_id": self.seller_id,
            "biz_product": PRODUCT,
            "buyer_identity_code": self.payment_code,
            "currency": self.amount.currency,
            "extend_info": f.shop(self.shop),
            "identity_code_type": "barcode",
            "memo": f.words("The memo", self.memo, 256, needed=False),
            "notify_url": f.address("The address for notifications", self.notify_url),
            "partner_trans_id": f.number("The order number", self.order_number),
            "trans_amount": f.amount("The amount", self.amount),
            "trans_create_time": f.compact_time(self.created_at),
            "trans_name": f.words("The subject", self.subject, 256),
        }


@dataclass(frozen=True, slots=True)
class PayAnswer:
    """What spot.pay said. `status` and `refund_number` are never part of it: an answer that has them is another's."""

    result: str
    error: str
    order_number: str
    trade_number: str
    amount: Money | None
    buyer_id: str
    buyer_login: str
    paid_at: datetime | None
    status: str
    refund_number: str
    extra: Mapping[str, str]

    @classmethod
    def read(cls, fields: Mapping[str, str], currency: str) -> Self:
        """Read it; amounts are in the answer's own currency, or in the order's where it names none."""
        got = f.Incoming(fields)
        return cls(
            result=got.text("result_code"),
            error=got.text("error", "detail_error_code"),
            order_number=got.text("partner_trans_id", "out_trade_no"),
            trade_number=got.text("alipay_trans_id", "trade_no"),
            amount=got.money("trans_amount", got.text("currency") or currency),
            buyer_id=got.text("alipay_buyer_user_id"),
            buyer_login=got.text("alipay_buyer_login_id"),
            paid_at=got.time("alipay_pay_time"),
            status=got.text("alipay_trans_status"),
            refund_number=got.text("partner_refund_id"),
            extra=got.extra,
        )


@dataclass(frozen=True, slots=True)
class Query:
    """Ask for the state of one trade by our order number."""

    service: ClassVar[str] = "alipay.acquire.overseas.query"

    order_number: str

    @property
    def about(self) -> str:
        """The order number."""
        return self.order_number

    def fields(self) -> dict[str, str]:
        """As https://docs.antom.com/ac/global/overseas_query lists them."""
        return {"partner_trans_id": f.number("The order number", self.order_number)}


@dataclass(frozen=True, slots=True)
class QueryAnswer:
    """What overseas.query said about one trade."""

    result: str
    error: str
    status: str
    order_number: str
    trade_number: str
    amount: Money | None
    buyer_id: str
    buyer_login: str
    paid_at: datetime | None
    extra: Mapping[str, str]

    @classmethod
    def read(cls, fields: Mapping[str, str], currency: str) -> Self:
        """Read it; amounts are in the answer's own currency, or in the order's where it names none."""
        got = f.Incoming(fields)
        return cls(
            result=got.text("result_code"),
            error=got.text("error", "detail_error_code"),
            status=got.text("alipay_trans_status"),
            order_number=got.text("partner_trans_id", "out_trade_no"),
            trade_number=got.text("alipay_trans_id"),
            amount=got.money("trans_amount", got.text("currency") or currency),
            buyer_id=got.text("alipay_buyer_user_id"),
            buyer_login=got.text("alipay_buyer_login_id"),
            paid_at=got.time("alipay_pay_time"),
            extra=got.extra,
        )


@dataclass(frozen=True, slots=True)
class _Order:
    """What create and precreate have in common: an order that a buyer will pay on the phone."""

    order_number: str
    amount: Money
    subject: str
    shop: SecondaryMerchant
    notify_url: str
    sent_at: datetime
    time_to_pay: timedelta | None = None
    pass_back: str = ""
    seller_id: str = ""

    @property
    def about(self) -> str:
        """The order number."""
        return self.order_number

    def _fields(self, digits: int) -> dict[str, str]:
        return {
            "currency": self.amount.currency,
            "extend_params": f.shop(self.shop),
            "it_b_pay": f.time_to_pay(self.time_to_pay) if self.time_to_pay is not None else "",
            "notify_url": f.address("The address for notifications", self.notify_url, 190),
            "out_trade_no": f.number("The order number", self.order_number),
            "passback_parameters": f.words("The value to hand back", self.pass_back, 256, needed=False),
            "product_code": PRODUCT,
            "seller_id": self.seller_id,
            "subject": f.words("The subject", self.subject, 256),
            "timestamp": f.day_and_time(self.sent_at),
            "total_fee": f.amount("The amount", self.amount, digits),
            "trans_currency": self.amount.currency,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Create(_Order):
    """Create the trade of a known buyer, for `tradePay` inside the wallet."""

    service: ClassVar[str] = "alipay.acquire.create"

    buyer_id: str

    def fields(self) -> dict[str, str]:
        """As https://docs.antom.com/ac/global/acquire_create lists them."""
        return {**self._fields(9), "buyer_id": f.buyer("The buyer's id", self.buyer_id)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Precreate(_Order):
    """Place an order whose buyer is not known: the answer is an address to show as QR or to redirect to."""

    service: ClassVar[str] = "alipay.acquire.precreate"

    code_valid_for: timedelta | None = None

    def fields(self) -> dict[str, str]:
        """As https://docs.antom.com/ac/global/precreate_transaction lists them."""
        valid = f.time_to_pay(self.code_valid_for) if self.code_valid_for is not None else ""
        return {**self._fields(11), "qr_code_it_b_pay": valid}


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    """What create or precreate said: a trade number, or the address of a code."""

    result: str
    error: str
    order_number: str
    trade_number: str
    qr_code: str
    extra: Mapping[str, str]

    @classmethod
    def read(cls, fields: Mapping[str, str]) -> Self:
        """Read it; picture addresses of precreate stay in `extra`."""
        got = f.Incoming(fields)
        return cls(
            result=got.text("result_code"),
            error=got.text("detail_error_code", "error"),
            order_number=got.text("out_trade_no"),
            trade_number=got.text("trade_no"),
            qr_code=got.text("qr_code"),
            extra=got.extra,
        )


@dataclass(frozen=True, slots=True)
class Cancel:
    """Undo one payment attempt of the current Beijing day, whatever its state."""

    service: ClassVar[str] = "alipay.acquire.cancel"

    order_number: str
    sent_at: datetime

    @property
    def about(self) -> str:
        """The order number."""
        return self.order_number

    def fields(self) -> dict[str, str]:
        """As https://docs.antom.com/ac/global/acquire_cancel lists them; `timestamp` is in milliseconds here.

        Only our own number is sent: it is known from the start, so every repeat asks for the same."""
        return {
            "out_trade_no": f.number("The order number", self.order_number),
            "timestamp": f.milliseconds(self.sent_at),
        }


@dataclass(frozen=True, slots=True)
class Close:
    """Close a trade nobody has paid. No global page lists it; overseas products cancel instead (SDK only)."""

    service: ClassVar[str] = "alipay.acquire.close"

    order_number: str
    trade_number: str = ""
    operator_id: str = ""

    @property
    def about(self) -> str:
        """The order number."""
        return self.order_number

    def fields(self) -> dict[str, str]:
        """As Alipay's own SDK sends them."""
        return {
            "operator_id": f.words("The operator", self.operator_id, 28, needed=False),
            "out_trade_no": f.number("The order number", self.order_number),
            "trade_no": f.number("The trade number", self.trade_number) if self.trade_number else "",
        }


@dataclass(frozen=True, slots=True)
class CancelAnswer:
    """What cancel or close said. `retry` is the flag's letter, or empty; `action` is `close`, `refund` or empty."""

    result: str
    error: str
    order_number: str
    trade_number: str
    retry: str
    action: str
    extra: Mapping[str, str]

    @classmethod
    def read(cls, fields: Mapping[str, str]) -> Self:
        """Read it."""
        got = f.Incoming(fields)
        return cls(
            result=got.text("result_code"),
            error=got.text("detail_error_code", "error"),
            order_number=got.text("out_trade_no"),
            trade_number=got.text("trade_no"),
            retry=got.text("retry_flag"),
            action=got.text("action"),
            extra=got.extra,
        )
