"""Shops as Alipay knows them: printed codes where the buyer types the amount, and the register of sub-merchants.

A store has at most two codes, one with and one without commission; asking again gives the same one back
(https://docs.antom.com/ac/global/qrcode_create). Alipay, not the merchant, numbers the trades paid through them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from saoma.sandbox import parameters
from saoma.sandbox.asking import Asked, Operation, Words
from saoma.sandbox.buyers import TurnedDown
from saoma.sandbox.model import StaticCode
from saoma.sandbox.trades import new_token

#: Merchant category of taxis: they have a car and a driver instead of a store.
_TAXI: Final = "4121"
#: How long a review takes; a store with this word in its name does not pass it.
REVIEW_TAKES: Final = timedelta(minutes=2)
REFUSED_WORD: Final = "turnmedown"
_TAXI_KEYS: Final = ("taxi_operation_id", "taxi_number", "taxi_driver_name", "taxi_driver_mobile")
_OTHER_KEYS: Final = frozenset(
    {
        *_TAXI_KEYS, "channel_fee", "passback_parameters", "notify_mobile", "notify_wangwang", "notify_alipay_account",
        "is_show_memo", "notify_sign_type", "notify_charset",
    }
)  # fmt: skip


def _data_fault(fields: Mapping[str, str]) -> str | None:
    data = json.loads(fields["biz_data"])
    texts = {name: value for name, value in data.items() if isinstance(value, str)}
    if unknown := data.keys() - parameters.BIZ_DATA.keys() - _OTHER_KEYS:
        return f"{sorted(unknown)[0]} is not a key of biz_data"
    if fault := parameters.fault_in(texts, parameters.BIZ_DATA, strict=False):
        return fault
    needed = _TAXI_KEYS if data["secondary_merchant_industry"] == _TAXI else ("store_id", "store_name")
    if missing := [name for name in needed if not texts.get(name)]:
        return f"{missing[0]} is missing"
    if texts.get("notify_sign_type", "MD5") not in ("MD5", "RSA", "RSA2"):
        return "notify_sign_type is MD5, RSA or RSA2"
    if texts.get("notify_charset", "UTF-8").upper() not in ("UTF-8", "GBK", "GB2312"):
        return "notify_charset is UTF-8, GBK or GB2312"
    if data["currency"] not in ("CNY", data["trans_currency"]):
        return "currency is CNY or the same as trans_currency"
    return None


def _create(asked: Asked) -> dict[str, str]:
    data = json.loads(asked.get("biz_data"))
    book, partner = asked.book, asked.partner.partner
    place = "|".join([data["secondary_merchant_id"], data.get("store_id") or data.get("taxi_number", "")])
    with_fee = "channel_fee" in data
    with book.moving() as now:
        for known in book.static_codes.values():
            same = (known.partner, known.store_key, known.with_fee) == (partner, place, with_fee)
            if same and known.status != "DELETE":
                return _said(known)
        token = new_token("stx")
        code = StaticCode(
            token=token, partner=partner, qrcode=book.code_url(token), store_key=place, with_fee=with_fee,
            trans_currency="", currency="", merchant="", store="", biz_data="", created_at=now,
        )  # fmt: skip
        _fill(code, data, asked)
        book.static_codes[token] = code
        return _said(code)


def _modify(asked: Asked) -> dict[str, str]:
    data = json.loads(asked.get("biz_data"))
    with asked.book.moving():
        code = _known(asked)
        before = json.loads(code.biz_data)
        for name in ("secondary_merchant_id", "sys_service_provider_id"):
            if before.get(name) != data.get(name):
                raise TurnedDown("INVALID_PARAMETER")
        if "channel_fee" in before and "channel_fee" not in data:
            raise TurnedDown("INVALID_PARAMETER")
        _fill(code, data, asked)
        return {"result_code": "SUCCESS", "qrcode": code.qrcode}


def _modify_status(asked: Asked) -> dict[str, str]:
    with asked.book.moving():
        code = _known(asked)
        if code.status == "DELETE":
            raise TurnedDown("INVALID_PARAMETER")
        code.status = {"STOP": "STOP", "RESTART": "ACTIVE", "DELETE": "DELETE"}[asked.get("status")]
        asked.book.store.keep("static", code.token, code)
        return {"result_code": "SUCCESS", "qrcode": code.qrcode}


def _known(asked: Asked) -> StaticCode:
    for code in asked.book.static_codes.values():
        if code.qrcode == asked.get("qrcode") and code.partner == asked.partner.partner:
            return code
    raise TurnedDown("INVALID_PARAMETER")


def _fill(code: StaticCode, data: dict[str, Any], asked: Asked) -> None:
    code.trans_currency, code.currency = data["trans_currency"], data["currency"]
    code.merchant, code.store = data["secondary_merchant_name"], data.get("store_name", data.get("taxi_number", ""))
    code.biz_data = asked.get("biz_data")
    code.notify_url = asked.get("notify_url") or code.notify_url
    code.notify_sign_type = data.get("notify_sign_type") or asked.sign_type
    code.notify_charset = data.get("notify_charset") or asked.charset
    back = data.get("passback_parameters", "")
    code.pass_back = back if isinstance(back, str) else json.dumps(back, ensure_ascii=False, separators=(",", ":"))
    asked.book.store.keep("static", code.token, code)


def _said(code: StaticCode) -> dict[str, str]:
    return {"result_code": "SUCCESS", "qrcode": code.qrcode, "qrcode_img_url": code.qrcode + "?picSize=M"}


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
