"""Reading an Alipay+ body: JSON in which every scalar is a text, with what each operation needs. Pure.

Numbers and booleans are refused as the pages want texts only; names nobody documents are let pass, because the pages
name more than could be read (https://global.alipay.com/docs/ac/ams/api, https://docs.antom.com/ac/ams/upm)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from saoma.kit.clock import beijing
from saoma.kit.money import EXPONENTS, Money

UPM: Final = "PaymentCode"
ORDER_CODE: Final = "OrderCode"
ENTRY_CODE: Final = "EntryCode"
#: Sent in mixed case; the SDK also knows them in capitals.
SCENARIOS: Final = {name.upper(): name for name in (UPM, ORDER_CODE, ENTRY_CODE)}

_VALUE: Final = re.compile(r"[1-9]\d{0,14}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)")
_MONEY: Final = ("currency", "value")


class Unfit(Exception):
    """The body can't be taken; the text says why, for the developer who reads the call log."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field by its path. `longest` 0: the page names no length. `kind` is text, money, time, web or yes_no."""

    path: str
    required: bool = False
    longest: int = 0
    kind: str = "text"


_MERCHANT: Final = (
    Field("order.merchant", required=True, kind="object"),
    Field("order.merchant.referenceMerchantId", required=True),
    Field("order.merchant.merchantMCC", required=True),
    Field("order.merchant.merchantName", required=True),
    Field("order.merchant.store", required=True, kind="object"),
    Field("order.merchant.store.referenceStoreId", required=True),
    Field("order.merchant.store.storeName", required=True),
    Field("order.merchant.store.storeMCC", required=True),
)
_PAY: Final = (
    Field("productCode", required=True),
    Field("paymentRequestId", required=True, longest=64),
    Field("order", required=True, kind="object"),
    Field("order.referenceOrderId", longest=64),
    Field("order.orderDescription", required=True, longest=256),
    Field("order.orderAmount", required=True, kind="money"),
    *_MERCHANT,
    Field("paymentAmount", required=True, kind="money"),
    Field("paymentMethod", required=True, kind="object"),
    Field("paymentMethod.paymentMethodType", required=True),
    Field("paymentFactor", required=True, kind="object"),
    Field("paymentFactor.inStorePaymentScenario", required=True),
    Field("paymentExpiryTime", kind="time"),
    Field("paymentNotifyUrl", kind="web"),
    Field("paymentRedirectUrl", kind="web"),
    Field("settlementStrategy.settlementCurrency"),
)
_OF_SCENARIO: Final[Mapping[str, tuple[Field, ...]]] = {
    UPM: (
        Field("paymentMethod.paymentMethodId", required=True),
        Field("order.env.storeTerminalId", required=True),
        Field("order.env.storeTerminalRequestTime", required=True, kind="time"),
    ),
    ORDER_CODE: (),
    ENTRY_CODE: (Field("order.env.userAgent", required=True),),
}
_REFUND: Final = (
    Field("refundRequestId", required=True, longest=64),
    Field("paymentId", required=True, longest=64),
    Field("refundAmount", required=True, kind="money"),
    Field("referenceRefundId", longest=64),
    Field("refundReason", longest=256),
    Field("refundNotifyUrl", kind="web"),
    Field("isAsyncRefund", kind="yes_no"),
)
_EITHER: Final[Mapping[str, tuple[str, str]]] = {
    "inquiryPayment": ("paymentId", "paymentRequestId"),
    "cancel": ("paymentId", "paymentRequestId"),
    "inquiryRefund": ("refundId", "refundRequestId"),
}


def read_body(raw: bytes) -> dict[str, Any]:
    """A body as objects, lists and texts. Raises `Unfit`."""
    try:
        body = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique)
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeError:
        raise Unfit("the body is not UTF-8, or escapes half a character") from None
    except RecursionError:
        raise Unfit("the body is nested too deeply") from None
    except ValueError:
        raise Unfit("the body is not JSON") from None
    if not isinstance(body, dict):
        raise Unfit("the body is not a JSON object")
    if wrong := _no_text(body, ""):
        raise Unfit(wrong)
    return body


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise Unfit("a name stands twice in one object")
    return made


def _no_text(value: Any, path: str) -> str:
    """The first scalar that is no text, in words; empty when all are."""
    match value:
        case str():
            return ""
        case dict():
            return next((no for name, each in value.items() if (no := _no_text(each, f"{path}.{name}"))), "")
        case list():
            return next((no for number, each in enumerate(value) if (no := _no_text(each, f"{path}[{number}]"))), "")
        case _:
            return f"{path[1:]} is {json.dumps(value)}: every scalar is written as a text, in quotes"


def at(body: Mapping[str, Any], path: str) -> Any:
    """What stands at a dotted path; None where nothing does. `order.env` may also stand at the top, as SDKs send it."""
    found: Any = body
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    if found is None and path.startswith("order.env"):
        return at(body, path.removeprefix("order."))
    return found


def text(body: Mapping[str, Any], path: str) -> str:
    """A text at a dotted path, empty where there is none."""
    found = at(body, path)
    return found if isinstance(found, str) else ""


def money(body: Mapping[str, Any], path: str) -> Money:
    """A checked amount. Raises `Invalid` for a currency nobody here knows."""
    return Money(int(text(body, f"{path}.value")), text(body, f"{path}.currency"))


def moment(body: Mapping[str, Any], path: str) -> datetime | None:
    """A checked time."""
    found = text(body, path)
    return datetime.fromisoformat(found) if found else None


def scenario_of(body: Mapping[str, Any]) -> str:
    """Who scans whom, in mixed case; empty for an unknown one."""
    return SCENARIOS.get(text(body, "paymentFactor.inStorePaymentScenario").upper(), "")


def fault_in(operation: str, body: Mapping[str, Any]) -> str:
    """What is wrong with a body for `operation` (the last part of its path); empty when nothing is."""
    match operation:
        case "pay":
            return _fault_of_pay(body)
        case "refund":
            return _first(_REFUND, body)
        case _:
            one, other = _EITHER[operation]
            fields = (Field(one, longest=64), Field(other, longest=64))
            if fault := _first(fields, body):
                return fault
            return "" if text(body, one) or text(body, other) else f"one of {one} and {other} is needed"


def _fault_of_pay(body: Mapping[str, Any]) -> str:
    if fault := _first(_PAY, body):
        return fault
    if text(body, "productCode") != "IN_STORE_PAYMENT":
        return "productCode is IN_STORE_PAYMENT for payments in a store"
    if text(body, "paymentMethod.paymentMethodType") != "CONNECT_WALLET":
        return "paymentMethod.paymentMethodType is CONNECT_WALLET"
    scenario = scenario_of(body)
    if not scenario:
        return f"paymentFactor.inStorePaymentScenario is one of {', '.join(_OF_SCENARIO)}"
    if at(body, "order.orderAmount") != at(body, "paymentAmount"):
        return "order.orderAmount and paymentAmount differ"
    return _first(_OF_SCENARIO[scenario], body)


def _first(fields: tuple[Field, ...], body: Mapping[str, Any]) -> str:
    return next((fault for field in fields if (fault := _fault(field, at(body, field.path)))), "")


def _fault(field: Field, value: Any) -> str:
    if value in (None, "", {}):
        return f"{field.path} is missing" if field.required else ""
    wanted = dict if field.kind in ("object", "money") else str
    if not isinstance(value, wanted):
        return f"{field.path} is {'an object' if wanted is dict else 'a text'}"
    if field.longest and len(value) > field.longest:
        return f"{field.path} has more than {field.longest} characters"
    if isinstance(value, dict):
        if field.kind == "object" or (set(value) == set(_MONEY) and _VALUE.fullmatch(str(value["value"]))):
            return ""
        return f"{field.path} is a currency and a value, digits in the smallest unit"
    return _misspelled(field, value)


def _misspelled(field: Field, value: str) -> str:
    match field.kind:
        case "time" if not _is_time(value):
            return f"{field.path} is a time such as 2024-01-01T12:00:00+08:00"
        case "web" if not re.fullmatch(r"https?://[^/\s]+\S*", value):
            return f"{field.path} is no web address"
        case "yes_no" if value not in ("true", "false"):
            return f"{field.path} is true or false, as a text"
        case _:
            return ""


def _is_time(value: str) -> bool:
    if not _TIME.fullmatch(value):
        return False
    try:
        beijing(datetime.fromisoformat(value))
    except (ValueError, OverflowError):
        return False
    return True


def is_known(currency: str) -> bool:
    """Whether amounts in `currency` can be reckoned here."""
    return currency in EXPONENTS
