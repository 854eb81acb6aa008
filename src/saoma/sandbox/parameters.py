"""Which parameters each service takes, how long they may be and what they must look like. Pure tables.

Alipay refuses what it does not document: a name outside its service's table is as wrong as a missing one. The tables
follow the pages named beside them; lengths count characters."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from saoma.kit.money import EXPONENTS
from saoma.sandbox.book import rates
from saoma.sandbox.lifetimes import is_lifetime, read_timestamp

Fits = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """One parameter. `longest` 0 means the page names no length."""

    required: bool = False
    longest: int = 0
    fits: Fits | None = None


def like(pattern: str) -> Fits:
    """Whether the whole value matches; digits are 0 to 9 and no others."""
    compiled = re.compile(pattern, re.ASCII)
    return lambda text: compiled.fullmatch(text) is not None


def one_of(*values: str) -> Fits:
    """Whether the value is one of these."""
    return frozenset(values).__contains__


def _is_wire_time(text: str) -> bool:
    if not re.fullmatch(r"[0-9]{14}", text):
        return False
    try:
        datetime.strptime(text, "%Y%m%d%H%M%S")  # noqa: DTZ007 - only its shape matters
    except ValueError:
        return False
    return True


def _is_timestamp(text: str) -> bool:
    return read_timestamp(text) is not None


def _parsed(text: str) -> Any:
    """The value of a JSON text; None when it is none, or holds half a character (`\\ud800`) that nobody can write."""
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False).encode()
        return value
    except (ValueError, RecursionError):
        return None


def is_object(text: str) -> bool:
    """Whether the value is a JSON object."""
    return isinstance(_parsed(text), dict)


_STORE_KEYS: Final[dict[str, Rule]] = {
    "secondary_merchant_id": Rule(required=True, longest=64, fits=like(r"\w+")),
    "secondary_merchant_name": Rule(required=True, longest=64),
    "secondary_merchant_industry": Rule(required=True, longest=4, fits=like(r"\d{4}")),
    "store_id": Rule(required=True, longest=64),
    "store_name": Rule(required=True),
    "terminal_id": Rule(longest=64),
    "sys_service_provider_id": Rule(longest=32),
}


def is_store(text: str) -> bool:
    """`extend_info` / `extend_params`: who sells, in which store (https://docs.antom.com/ac/global/spot_pay)."""
    data = _parsed(text)
    if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
        return False
    return fault_in(data, _STORE_KEYS, strict=False) is None


_GOODS_KEYS: Final = {"goodsId", "goodsName", "goodsCategory", "showUrl", "quantity", "body", "price"}


def is_goods(text: str) -> bool:
    """`goods_detail`: one to fifty items with known keys (https://docs.antom.com/ac/global/precreate_transaction)."""
    data = _parsed(text)
    return (
        isinstance(data, list)
        and 0 < len(data) <= 50
        and all(isinstance(item, dict) and item.keys() <= _GOODS_KEYS for item in data)
    )


PID: Final = like(r"2088\d{12}")
URL: Final = like(r"https?://\S+")
AMOUNT: Final = like(r"\d{1,9}(\.\d{1,2})?")
SMALL_AMOUNT: Final = like(r"\d{1,7}(\.\d{1,2})?")
_MILLISECONDS: Final = like(r"\d{13}")
NUMBER: Final = Rule(required=True, longest=64)
TRADE_NO: Final = Rule(longest=64, fits=like(r"\S{16,64}"))
CURRENCY: Final = Rule(required=True, longest=8, fits=EXPONENTS.__contains__)

#: The parameters of every service (https://docs.antom.com/ac/gr/apispec).
BASIC: Final[dict[str, Rule]] = {
    "service": Rule(required=True),
    "partner": Rule(required=True, longest=16, fits=PID),
    "_input_charset": Rule(),
    "sign_type": Rule(required=True),
    "sign": Rule(required=True),
}
TIMESTAMP: Final = Rule(required=True, fits=_is_timestamp)
NOTIFY_URL: Final = Rule(longest=200, fits=URL)

#: https://docs.antom.com/ac/global/spot_pay
SPOT_PAY: Final[dict[str, Rule]] = BASIC | {
    "notify_url": NOTIFY_URL,
    "alipay_seller_id": Rule(required=True, longest=16),
    "quantity": Rule(fits=like(r"\d{1,9}")),
    "trans_name": Rule(required=True, longest=256),
    "partner_trans_id": NUMBER,
    "trans_currency": Rule(longest=8, fits=EXPONENTS.__contains__),
    "currency": CURRENCY,
    "trans_amount": Rule(required=True, fits=AMOUNT),
    "buyer_identity_code": Rule(required=True, longest=32),
    "identity_code_type": Rule(required=True, longest=16, fits=one_of("barcode", "qrcode", "QRcode")),
    "trans_create_time": Rule(required=True, longest=16, fits=_is_wire_time),
    "memo": Rule(),
    "biz_product": Rule(required=True),
    "extend_info": Rule(required=True, fits=is_store),
    "trade_information": Rule(fits=is_object),
}

#: https://docs.antom.com/ac/global/overseas_query
OVERSEAS_QUERY: Final[dict[str, Rule]] = BASIC | {
    "partner_trans_id": Rule(longest=64),
    "alipay_trans_id": TRADE_NO,
}

#: https://docs.antom.com/ac/global/acquire_cancel
CANCEL: Final[dict[str, Rule]] = BASIC | {
    "timestamp": TIMESTAMP,
    "terminal_timestamp": Rule(fits=_MILLISECONDS),
    "out_trade_no": NUMBER,
    "trade_no": TRADE_NO,
}

#: No page lists it; the request class of Alipay's generic SDK does.
CLOSE: Final[dict[str, Rule]] = BASIC | {
    "out_trade_no": Rule(longest=64),
    "trade_no": TRADE_NO,
    "operator_id": Rule(longest=28),
}

#: https://docs.antom.com/ac/global/spot_refund ; the second spelling of the reason is the HK page's and the SDK's.
SPOT_REFUND: Final[dict[str, Rule]] = BASIC | {
    "notify_url": NOTIFY_URL,
    "partner_trans_id": NUMBER,
    "alipay_trans_id": TRADE_NO,
    "partner_refund_id": NUMBER,
    "refund_amount": Rule(required=True, fits=SMALL_AMOUNT),
    "currency": CURRENCY,
    "refund_reason": Rule(longest=128),
    "refund_reson": Rule(longest=128),
    "is_sync": Rule(longest=1, fits=one_of("Y", "N")),
}

#: https://docs.antom.com/ac/global/refundquery
REFUND_QUERY: Final[dict[str, Rule]] = BASIC | {
    "out_trade_no": NUMBER,
    "out_return_no": Rule(required=True, longest=128),
}

ORDER: Final[dict[str, Rule]] = BASIC | {
    "notify_url": Rule(required=True, longest=200, fits=URL),
    "timestamp": TIMESTAMP,
    "terminal_timestamp": Rule(fits=_MILLISECONDS),
    "out_trade_no": NUMBER,
    "subject": Rule(required=True, longest=256),
    "product_code": Rule(required=True, longest=32),
    "total_fee": Rule(required=True, fits=AMOUNT),
    "seller_id": Rule(longest=16),
    "seller_email": Rule(longest=100),
    "body": Rule(longest=400),
    "show_url": Rule(longest=400),
    "currency": CURRENCY,
    "trans_currency": CURRENCY,
    "price": Rule(fits=AMOUNT),
    "quantity": Rule(fits=like(r"\d{1,9}")),
    "goods_detail": Rule(fits=is_goods),
    "extend_params": Rule(required=True, fits=is_store),
    "it_b_pay": Rule(fits=is_lifetime),
    "passback_parameters": Rule(longest=256),
    "sendFormat": Rule(fits=one_of("normal")),
}

#: https://docs.antom.com/ac/global/precreate_transaction
PRECREATE: Final[dict[str, Rule]] = ORDER | {
    "qr_code_it_b_pay": Rule(fits=is_lifetime),
    "trade_information": Rule(fits=is_object),
}

#: https://docs.antom.com/ac/global/acquire_create
CREATE: Final[dict[str, Rule]] = ORDER | {
    "alipay_ca_request": Rule(fits=one_of("1", "2")),
    "total_fee": Rule(required=True, fits=SMALL_AMOUNT),
    "buyer_id": Rule(longest=16, fits=PID),
    "buyer_email": Rule(longest=100),
}

_SHOP_CODE: Final[dict[str, Rule]] = BASIC | {
    "timestamp": TIMESTAMP,
    "notify_url": NOTIFY_URL,
    "biz_type": Rule(required=True, fits=one_of("OVERSEASHOPQRCODE")),
}
_BIZ_DATA: Final = Rule(required=True, longest=2000, fits=is_object)
_QRCODE: Final = Rule(required=True, longest=256)

#: https://docs.antom.com/ac/global/qrcode_create
QRCODE_CREATE: Final[dict[str, Rule]] = _SHOP_CODE | {"biz_data": _BIZ_DATA}
#: https://docs.antom.com/ac/global/qrcode_modify
QRCODE_MODIFY: Final[dict[str, Rule]] = _SHOP_CODE | {"biz_data": _BIZ_DATA, "qrcode": _QRCODE}
QRCODE_STATUS: Final[dict[str, Rule]] = _SHOP_CODE | {
    "qrcode": _QRCODE,
    "status": Rule(required=True, fits=one_of("STOP", "RESTART", "DELETE")),
}

#: Inside `biz_data`. Whether country and address are mandatory is not readable anywhere: they may be left out.
BIZ_DATA: Final[dict[str, Rule]] = {
    "secondary_merchant_industry": Rule(required=True, longest=4, fits=like(r"\d{4}")),
    "secondary_merchant_id": Rule(required=True, longest=64, fits=like(r"\w+")),
    "secondary_merchant_name": Rule(required=True, longest=64),
    "store_id": Rule(longest=64),
    "store_name": Rule(longest=256),
    "trans_currency": CURRENCY,
    "currency": Rule(longest=8, fits=EXPONENTS.__contains__),
    "country_code": Rule(fits=like(r"[A-Z]{2}")),
    "address": Rule(),
    "sys_service_provider_id": Rule(longest=32),
}

#: https://global.alipay.com/docs/ac/global/offline_maintain
SECMERCHANT: Final[dict[str, Rule]] = BASIC | {
    "timestamp": TIMESTAMP,
    "secondary_merchant_name": Rule(required=True, longest=128),
    "secondary_merchant_id": Rule(required=True, longest=64, fits=like(r"\w+")),
    "store_id": Rule(required=True, longest=64),
    "store_name": Rule(required=True, longest=256),
    "store_country": Rule(required=True, fits=like(r"[A-Z]{2}")),
    "store_address": Rule(required=True, longest=256),
    "store_industry": Rule(required=True, fits=like(r"\d{4}")),
    "internal_store_photo": Rule(longest=256, fits=URL),
    "external_storefront_photo": Rule(longest=256, fits=URL),
    "extend_params": Rule(),
    "secondary_merchant_type": Rule(fits=one_of("INDIVIDUAL", "ENTERPRISE")),
    "registration_no": Rule(longest=128),
    "register_country": Rule(fits=like(r"[A-Z]{2}")),
    "register_address": Rule(longest=256),
    "shareholder_name": Rule(longest=128),
    "shareholder_id": Rule(longest=128),
    "representative_name": Rule(longest=128),
    "representative_id": Rule(longest=128),
    "settlement_no": Rule(longest=128),
    "contact_no": Rule(longest=64),
    "contact_email": Rule(longest=128),
    "cs_no": Rule(longest=64),
    "cs_email": Rule(longest=128),
}

#: Unconfirmed: the service is listed (https://global.alipay.com/docs/ac/vending), its parameters are not published.
SECMERCHANT_STATUS: Final[dict[str, Rule]] = BASIC | {
    "timestamp": TIMESTAMP,
    "secondary_merchant_id": Rule(required=True, longest=64, fits=like(r"\w+")),
    "store_id": Rule(required=True, longest=64),
}

_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def fault_in(fields: Mapping[str, str], rules: Mapping[str, Rule], *, strict: bool = True) -> str | None:
    """What is wrong with the fields, in words for a developer; None when nothing is. Empty values count as absent."""
    for name, value in fields.items():
        rule = rules.get(name)
        if rule is None:
            if strict:
                return f"{name} is not a parameter of this service"
        elif value:
            if rule.longest and len(value) > rule.longest:
                return f"{name} is longer than {rule.longest}"
            if _CONTROL.search(value) or (rule.fits and not rule.fits(value)):
                return f"{name} does not have the form it should"
    missing = [name for name, rule in rules.items() if rule.required and not fields.get(name)]
    return f"{missing[0]} is missing" if missing else None


def amount_fault(text: str, currency: str) -> str | None:
    """The rules of an amount that need its currency: above zero, whole for JPY and KRW."""
    if EXPONENTS[currency] == 0 and "." in text:
        return f"{currency} has no decimals"
    if not text.strip("0."):
        return "an amount is at least 0.01"
    return None


def settles(currency: str) -> bool:
    """Whether a currency can be settled in."""
    return currency in rates.SETTLEMENT
