"""Shops as Alipay knows them: printed codes where the buyer types the amount, and the register of sub-merchants.

A store has at most two codes, one with and one without commission; asking again gives the same one back
(https://docs.antom.com/ac/global/qrcode_create). Alipay, not the merchant, numbers the trades paid through them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec

from saoma.sandbox import parameters
from saoma.sandbox.book.buyers import TurnedDown
from saoma.sandbox.book.model import CNY, StaticCode
from saoma.sandbox.book.trades import new_token
from saoma.sandbox.mapi import hongkong
from saoma.sandbox.mapi.asking import Asked, Operation, Rejected, Words

#: Merchant category of taxis: they have a car and a driver instead of a store.
_TAXI: Final = "4121"
#: How long a review takes; a store with this word in its name does not pass it.
REVIEW_TAKES: Final = timedelta(minutes=2)
REFUSED_WORD: Final = "turnmedown"
_HIGHEST_RATE: Final = Decimal("0.05")
_TAXI_KEYS: Final = ("taxi_operation_id", "taxi_number", "taxi_driver_name", "taxi_driver_mobile")
_TEXT_KEYS: Final = (
    *_TAXI_KEYS, "notify_mobile", "notify_wangwang", "notify_alipay_account", "is_show_memo", "notify_sign_type",
    "notify_charset",
)  # fmt: skip
_OTHER_KEYS: Final = frozenset({*_TEXT_KEYS, "channel_fee", "passback_parameters"})


def _data_fault(fields: Mapping[str, str]) -> str | None:
    data = json.loads(fields["biz_data"])
    texts = {name: value for name, value in data.items() if isinstance(value, str)}
    if unknown := data.keys() - parameters.BIZ_DATA.keys() - _OTHER_KEYS:
        return f"{sorted(unknown)[0]} is not a key of biz_data"
    if wrong := (data.keys() & {*parameters.BIZ_DATA, *_TEXT_KEYS}) - texts.keys():
        return f"{sorted(wrong)[0]} is not text"
    if fault := parameters.fault_in(texts, parameters.BIZ_DATA, strict=False):
        return fault
    needed = _TAXI_KEYS if data["secondary_merchant_industry"] == _TAXI else ("store_id", "store_name")
    if missing := [name for name in needed if not texts.get(name)]:
        return f"{missing[0]} is missing"
    if texts.get("notify_sign_type", "MD5") not in ("MD5", "RSA", "RSA2"):
        return "notify_sign_type is MD5, RSA or RSA2"
    if texts.get("notify_charset", "UTF-8").upper() not in ("UTF-8", "GBK", "GB2312"):
        return "notify_charset is UTF-8, GBK or GB2312"
    if data.get("currency", CNY) not in (CNY, data["trans_currency"]):
        return "currency is CNY or the same as trans_currency"
    if texts.get("is_show_memo", "true") not in ("true", "false"):
        return "is_show_memo is true or false"
    return _commission_fault(data.get("channel_fee")) or _pass_back_fault(data.get("passback_parameters"))


def _commission_fault(fee: Any) -> str | None:
    """`channel_fee`: an amount FIXED or a RATE, at most five of a hundred."""
    if fee is None:
        return None
    if isinstance(fee, str):
        try:
            fee = json.loads(fee)
        except ValueError:
            return "channel_fee is no JSON"
    if not isinstance(fee, dict) or fee.keys() != {"type", "value"}:
        return "channel_fee has a type and a value"
    value = str(fee["value"])
    if fee["type"] not in ("FIXED", "RATE") or not re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,6})?", value):
        return "channel_fee is FIXED or RATE, and its value a number"
    if fee["type"] == "RATE" and Decimal(value) > _HIGHEST_RATE:
        return "a RATE is between 0 and 0.05"
    return None


def _pass_back_fault(back: Any) -> str | None:
    if isinstance(back, str):
        try:
            back = json.loads(back)
        except ValueError:
            return None  # plain text comes back as it is
    flat = not isinstance(back, dict) or not any(isinstance(value, dict | list) for value in back.values())
    return None if flat else "passback_parameters is flat JSON"


def _check(asked: Asked, data: Mapping[str, Any]) -> None:
    """What the contract and the choices add. Raises `Rejected`."""
    choices = asked.book.choices
    why = hongkong.shop_fault(asked.partner, data)
    if choices.shop_address_required and not why:
        missing = [name for name in ("country_code", "address") if not data.get(name)]
        why = f"{missing[0]} is missing" if missing else None
    if why:
        raise Rejected(choices.parameter_code, why)


def _place(data: Mapping[str, Any]) -> str:
    return "|".join([data["secondary_merchant_id"], data.get("store_id") or data.get("taxi_number", "")])


def _create(asked: Asked) -> dict[str, str]:
    data = json.loads(asked.get("biz_data"))
    _check(asked, data)
    book, partner = asked.book, asked.partner.partner
    place = _place(data)
    with_fee = "channel_fee" in data
    with book.moving() as now:
        for known in book.static_codes.values():
            same = (known.partner, known.store_key, known.with_fee) == (partner, place, with_fee)
            if same and known.status != "DELETE":
                return _said(asked, known)
        token = new_token("stx")
        code = StaticCode(
            token=token, partner=partner, qrcode=book.code_url(token), store_key=place, with_fee=with_fee,
            trans_currency="", currency="", merchant="", store="", biz_data="", created_at=now,
        )  # fmt: skip
        _fill(code, data, asked)
        book.static_codes[token] = code
        return _said(asked, code)


def _modify(asked: Asked) -> dict[str, str]:
    data = json.loads(asked.get("biz_data"))
    _check(asked, data)
    with asked.book.moving():
        code = _known(asked)
        if code.status == "DELETE":
            raise TurnedDown("INVALID_PARAMETER")
        before = json.loads(code.biz_data)
        for name in ("secondary_merchant_id", "sys_service_provider_id"):
            if before.get(name) != data.get(name):
                raise TurnedDown("INVALID_PARAMETER")
        if "channel_fee" in before and "channel_fee" not in data:
            raise TurnedDown("INVALID_PARAMETER")
        place, with_fee = _place(data), "channel_fee" in data
        if any(
            (other.partner, other.store_key, other.with_fee) == (code.partner, place, with_fee)
            for other in asked.book.static_codes.values()
            if other is not code and other.status != "DELETE"
        ):
            # a store has one code of each kind: it can't be given a second by moving another store's
            raise TurnedDown("INVALID_PARAMETER")
        code.store_key, code.with_fee = place, with_fee
        _fill(code, data, asked)
        return _only(asked, code)


def _modify_status(asked: Asked) -> dict[str, str]:
    with asked.book.moving():
        code = _known(asked)
        if code.status == "DELETE":
            raise TurnedDown("INVALID_PARAMETER")
        code.status = {"STOP": "STOP", "RESTART": "ACTIVE", "DELETE": "DELETE"}[asked.get("status")]
        asked.book.store.keep("static", code.token, code)
        return _only(asked, code)


def _known(asked: Asked) -> StaticCode:
    for code in asked.book.static_codes.values():
        if code.qrcode == asked.get("qrcode") and code.partner == asked.partner.partner:
            return code
    raise TurnedDown("INVALID_PARAMETER")


def _fill(code: StaticCode, data: dict[str, Any], asked: Asked) -> None:
    code.trans_currency, code.currency = data["trans_currency"], data.get("currency") or CNY
    code.merchant, code.store = data["secondary_merchant_name"], data.get("store_name", data.get("taxi_number", ""))
    code.merchant_id, code.industry = data["secondary_merchant_id"], data["secondary_merchant_industry"]
    fee = data.get("channel_fee") or {}
    fee = json.loads(fee) if isinstance(fee, str) else fee
    code.channel_fee = {name: str(value) for name, value in fee.items()}
    code.biz_data = asked.get("biz_data")
    code.notify_url = asked.get("notify_url") or code.notify_url
    code.notify_sign_type = data.get("notify_sign_type") or asked.sign_type
    code.notify_charset = data.get("notify_charset") or asked.charset
    back = data.get("passback_parameters", "")
    code.pass_back = back if isinstance(back, str) else json.dumps(back, ensure_ascii=False, separators=(",", ":"))
    asked.book.store.keep("static", code.token, code)


def _only(asked: Asked, code: StaticCode) -> dict[str, str]:
    result = {"result_code": "SUCCESS"} if asked.book.choices.shop_result_code else {}
    return result | {"qrcode": code.qrcode}


def _said(asked: Asked, code: StaticCode) -> dict[str, str]:
    return _only(asked, code) | {"qrcode_img_url": asked.book.picture_url(code.token, "M")}


def _merchant_fault(fields: Mapping[str, str]) -> str | None:
    if fields["store_industry"] != _TAXI:
        return None
    try:
        drivers = json.loads(fields.get("extend_params", ""))
    except ValueError:
        drivers = None
    drivers = [drivers] if isinstance(drivers, dict) else drivers
    if not isinstance(drivers, list) or not 0 < len(drivers) <= 10:
        return "a taxi needs its drivers in extend_params"
    for driver in drivers:
        if not isinstance(driver, dict) or not (driver.get("operation_id") and driver.get("contact_person")):
            return "each driver has operation_id and contact_person"
    return None


class Review(msgspec.Struct):
    """The look that somebody at Alipay takes at a registered store, and when it is over."""

    ends_at: datetime


def _maintain(asked: Asked) -> dict[str, str]:
    """Register a sub-merchant's store or change it (https://global.alipay.com/docs/ac/global/offline_maintain)."""
    business = {name: value for name, value in asked.fields.items() if value and name not in parameters.BASIC}
    place = f"{asked.partner.partner}|{business['secondary_merchant_id']}|{business['store_id']}"
    asked.book.store.keep("submerchant", place, business)
    asked.book.store.keep("submerchant_review", place, Review(asked.book.clock.now() + REVIEW_TAKES))
    return {"result_code": "SUCCESS"}


def _review(asked: Asked) -> dict[str, str]:
    """What became of a registration. Fields and words are ours: Alipay lists the service and publishes neither."""
    place = f"{asked.partner.partner}|{asked.get('secondary_merchant_id')}|{asked.get('store_id')}"
    begun = asked.book.store.one("submerchant_review", place, Review)
    known = asked.book.store.one("submerchant", place, dict[str, str])
    if begun is None or known is None:
        raise TurnedDown("INVALID_PARAMETER")
    if asked.book.clock.now() < begun.ends_at:
        return {"result_code": "SUCCESS", "status": "REVIEWING"}
    if REFUSED_WORD in known["store_name"].lower():
        return {"result_code": "SUCCESS", "status": "REJECT", "reason": "The store's name is not that of its sign."}
    return {"result_code": "SUCCESS", "status": "PASS"}


OPERATIONS: Final = (
    Operation(
        "alipay.commerce.qrcode.create", parameters.QRCODE_CREATE, _create, Words.FAIL_DETAIL, "", _data_fault,
        node="qrcodeinfo",
    ),
    Operation(
        "alipay.commerce.qrcode.modify", parameters.QRCODE_MODIFY, _modify, Words.FAIL_DETAIL, "", _data_fault,
        node="qrcodeinfo",
    ),
    Operation(
        "alipay.commerce.qrcode.modifyStatus", parameters.QRCODE_STATUS, _modify_status, Words.FAIL_DETAIL, "",
        node="qrcodeinfo",
    ),
    Operation(
        "alipay.overseas.secmerchant.offline.maintain", parameters.SECMERCHANT, _maintain, Words.FAIL_DETAIL, "",
        _merchant_fault,
    ),
    Operation(
        "alipay.overseas.secmerchant.maintain.queryStatus", parameters.SECMERCHANT_STATUS, _review, Words.FAIL_DETAIL,
        "",
    ),
)  # fmt: skip
