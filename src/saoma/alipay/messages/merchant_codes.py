"""Static merchant codes: create, modify, stop, restart and delete (`alipay.commerce.qrcode.*`).

The customer types the amount and the payment is born at Alipay, so the only push is the notification: `notify_url` is
always sent. The names in the answers come from public code, not from a page; what else comes stays in `extra`.
Pages: https://docs.antom.com/ac/global/qrcode_create, https://docs.antom.com/ac/global/qrcode_modify"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final, Self

from saoma.alipay.messages import fields as f
from saoma.gateway import SecondaryMerchant
from saoma.kit.errors import Invalid
from saoma.kit.money import exponent

BIZ_TYPE: Final = "OVERSEASHOPQRCODE"
TAXI: Final = "4121"
_COUNTRY: Final = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, slots=True)
class Taxi:
    """What a code in a car must name (industry 4121)."""

    operation_id: str
    number: str
    driver_name: str
    driver_mobile: str


@dataclass(frozen=True, slots=True)
class Counter:
    """Where a code stands and what it is paid in. `currency` settles; it must be CNY or equal the currency the
    customer types (`trans_currency`)."""

    shop: SecondaryMerchant
    trans_currency: str
    currency: str
    country: str = ""
    address: str = ""
    pass_back: Mapping[str, str] = field(default_factory=dict)
    taxi: Taxi | None = None
    notify_sign_type: str = ""
    notify_charset: str = ""

    def biz_data(self) -> str:
        """The JSON of `biz_data`, at most 2,000 characters."""
        for currency in (self.trans_currency, self.currency):
            exponent(currency)
        if self.currency not in ("CNY", self.trans_currency):
            raise Invalid("A merchant code settles in CNY or in the currency the customer types.")
        if self.country and not _COUNTRY.fullmatch(self.country):
            raise Invalid("The country must be two capital letters, such as SG.")
        if self.shop.industry == TAXI and self.taxi is None:
            raise Invalid("A code in a taxi must name the car and its driver.")
        about: dict[str, object] = {k: v for k, v in f.shop_fields(self.shop).items() if k != "terminal_id"}
        about |= {
            "address": f.words("The store's address", self.address, 256, needed=False),
            "country_code": self.country,
            "currency": self.currency,
            "notify_charset": self.notify_charset,
            "notify_sign_type": self.notify_sign_type,
            "passback_parameters": dict(self.pass_back),
            "trans_currency": self.trans_currency,
        }
        if self.taxi is not None:
            about |= {
                "taxi_operation_id": f.words("The taxi's operation id", self.taxi.operation_id, 64),
                "taxi_number": f.words("The taxi's number", self.taxi.number, 64),
                "taxi_driver_name": f.words("The driver's name", self.taxi.driver_name, 64),
                "taxi_driver_mobile": f.words("The driver's mobile", self.taxi.driver_mobile, 64),
            }
        text = f.as_json({name: value for name, value in about.items() if value})
        if len(text) > 2000:
            raise Invalid("The data of a merchant code is longer than 2,000 characters: shorten names or address.")
        return text


@dataclass(frozen=True, slots=True)
class QrcodeCreate:
    """Make the code of one store. Repeating the request gives the existing code back."""

    service: ClassVar[str] = "alipay.commerce.qrcode.create"

    counter: Counter
    notify_url: str
    sent_at: datetime

    @property
    def about(self) -> str:
        """The store's id."""
        return self.counter.shop.store_id

    def fields(self) -> dict[str, str]:
        """As https://docs.antom.com/ac/global/qrcode_create lists them."""
        return {
            "biz_data": self.counter.biz_data(),
            "biz_type": BIZ_TYPE,
            "notify_url": f.address("The address for notifications", self.notify_url),
            "timestamp": f.day_and_time(self.sent_at),
        }


@dataclass(frozen=True, slots=True)
class QrcodeModify:
    """Change what a code says of its store; the merchant's id can't change."""

    service: ClassVar[str] = "alipay.commerce.qrcode.modify"

    qrcode: str
    counter: Counter
    notify_url: str
    sent_at: datetime

    @property
    def about(self) -> str:
        """The code's address."""
        return self.qrcode

    def fields(self) -> dict[str, str]:
        """As https://docs.antom.com/ac/global/qrcode_modify lists them."""
        return {
            "biz_data": self.counter.biz_data(),
            "biz_type": BIZ_TYPE,
            "notify_url": f.address("The address for notifications", self.notify_url),
            "qrcode": f.words("The code", self.qrcode, 256),
            "timestamp": f.day_and_time(self.sent_at),
        }


class CodeStatus(StrEnum):
    """What to do with a code. `DELETE` is for good."""

    STOP = "STOP"
    RESTART = "RESTART"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class QrcodeModifyStatus:
    """Stop, restart or delete a code."""

    service: ClassVar[str] = "alipay.commerce.qrcode.modifyStatus"

    qrcode: str
    status: CodeStatus
    sent_at: datetime

    @property
    def about(self) -> str:
        """The code's address."""
        return self.qrcode

    def fields(self) -> dict[str, str]:
        """As the published merchant-code pages list them."""
        return {
            "biz_type": BIZ_TYPE,
            "qrcode": f.words("The code", self.qrcode, 256),
            "status": self.status.value,
            "timestamp": f.day_and_time(self.sent_at),
        }


@dataclass(frozen=True, slots=True)
class QrcodeAnswer:
    """What a code service said. `result` and `error` may be missing: a `qrcode` then is the success."""

    result: str
    error: str
    qrcode: str
    picture: str
    extra: Mapping[str, str]

    @classmethod
    def read(cls, fields: Mapping[str, str]) -> Self:
        """Read it; the business node is `qrcodeinfo`, where it is not `alipay`."""
        got = f.Incoming(fields)
        return cls(
            result=got.text("result_code"),
            error=got.text("error", "detail_error_code"),
            qrcode=got.text("qrcode"),
            picture=got.text("qrcode_img_url"),
            extra=got.extra,
        )
