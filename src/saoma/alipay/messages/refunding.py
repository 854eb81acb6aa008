"""Giving money back, and asking whether one refund happened: requests and answers.

Refunds are asked for synchronously: with `is_sync=N` a SUCCESS would only mean "accepted".
Pages: https://docs.antom.com/ac/global/spot_refund, https://docs.antom.com/ac/global/refundquery"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from saoma.alipay.messages import fields as f
from saoma.kit.errors import Invalid
from saoma.kit.money import Money


@dataclass(frozen=True, slots=True)
class SpotRefund:
    """Return all or part of a paid trade. The same `refund_number` never moves money twice."""

    service: ClassVar[str] = "alipay.acquire.overseas.spot.refund"

    order_number: str
    refund_number: str
    amount: Money
    reason: str = ""

    @property
    def about(self) -> str:
        """The order number."""
        return self.order_number

    def fields(self) -> dict[str, str]:
        """As https://docs.antom.com/ac/global/spot_refund lists them."""
        if self.refund_number == self.order_number:
            raise Invalid("A refund needs a number of its own, other than the order's.")
        return {
            "currency": self.amount.currency,
            "is_sync": "Y",
            "partner_refund_id": f.number("The refund number", self.refund_number),
            "partner_trans_id": f.number("The order number", self.order_number),
            "refund_amount": f.amount("The refund", self.amount, 9),
            "refund_reason": f.words("The reason", self.reason, 128, needed=False),
        }


@dataclass(frozen=True, slots=True)
class RefundAnswer:
    """What spot.refund said."""

    result: str
    error: str
    order_number: str
    trade_number: str
    refund_number: str
    amount: Money | None
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
            refund_number=got.text("partner_refund_id"),
            amount=got.money("refund_amount", got.text("currency") or currency),
            extra=got.extra,
        )


@dataclass(frozen=True, slots=True)
class RefundQuery:
    """Ask whether one refund, by its own number, was carried out."""

    service: ClassVar[str] = "alipay.acquire.refund.query"

    order_number: str
    refund_number: str

    @property
    def about(self) -> str:
        """The order number."""
        return self.order_number

    def fields(self) -> dict[str, str]:
        """As https://docs.antom.com/ac/global/refundquery lists them."""
        return {
            "out_return_no": f.number("The refund number", self.refund_number),
            "out_trade_no": f.number("The order number", self.order_number),
        }


@dataclass(frozen=True, slots=True)
class RefundQueryAnswer:
    """What refund.query said: `response` is about the question, `result` about the refund.

    The names of its amount fields are not published, so they stay in `extra`."""

    response: str
    result: str
    error: str
    order_number: str
    trade_number: str
    refund_number: str
    extra: Mapping[str, str]

    @classmethod
    def read(cls, fields: Mapping[str, str]) -> Self:
        """Read it."""
        got = f.Incoming(fields)
        return cls(
            response=got.text("response_code", "result_code"),
            result=got.text("refund_result_code"),
            error=got.text("refund_error_code"),
            order_number=got.text("out_trade_no"),
            trade_number=got.text("trade_no"),
            refund_number=got.text("out_return_no"),
            extra=got.extra,
        )
