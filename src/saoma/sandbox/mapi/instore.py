"""The in-store services: from parameters to the trade engine and back to the fields of the business node.

Each answer holds the fields of its page and no more; a field without a value is left out. Amounts are echoed in the
pricing currency, the buyer's side is always CNY."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, TypedDict

from saoma.kit.money import Money
from saoma.sandbox import lifetimes, parameters
from saoma.sandbox.book import rates, undoing
from saoma.sandbox.book.buyers import TurnedDown
from saoma.sandbox.book.model import CNY, Order, Product, Refund
from saoma.sandbox.mapi import hongkong
from saoma.sandbox.mapi.asking import Asked, Operation, Rejected, Words, failure

SPOT_PAY: Final = "alipay.acquire.overseas.spot.pay"
CANCEL: Final = "alipay.acquire.cancel"
_PRODUCT: Final = "OVERSEAS_MBARCODE_PAY"
_HIGHEST: Final = Decimal(100_000_000)


# --- barcode -------------------------------------------------------------------------------------------------------


def _pay_fault(fields: Mapping[str, str]) -> str | None:
    return parameters.amount_fault(fields["trans_amount"], fields.get("trans_currency") or fields["currency"])


def _spot_pay(asked: Asked) -> dict[str, str]:
    """https://docs.antom.com/ac/global/spot_pay"""
    currency, pricing = asked.get("currency"), asked.get("trans_currency") or asked.get("currency")
    if asked.book.choices.notify_url_required and not asked.get("notify_url"):
        raise Rejected(asked.book.choices.parameter_code, "notify_url is missing")
    hongkong.check_currency(asked.partner, currency, pricing)
    if asked.get("biz_product") != _PRODUCT:
        raise TurnedDown("UN_SUPPORT_BIZ_TYPE")
    if asked.get("alipay_seller_id") != asked.partner.partner:
        raise TurnedDown("SELLER_NOT_EXIST")
    if not parameters.settles(currency) or (pricing != currency and pricing not in rates.PRICING_ONLY):
        raise TurnedDown("INVALID_PARAMETER")
    order = Order(
        partner=asked.partner.partner,
        number=asked.get("partner_trans_id"),
        product=Product.BARCODE,
        subject=asked.get("trans_name"),
        amount=_amount(asked.get("trans_amount"), pricing, "REQUEST_AMOUNT_EXCEED"),
        currency=currency,
        quantity=asked.get("quantity"),
        **_common(asked, "extend_info"),
    )
    trade = asked.book.pay_by_code(order, asked.get("buyer_identity_code"), hold=asked.hold)
    if trade.is_waiting:
        return {"result_code": "UNKNOWN", "partner_trans_id": trade.out_trade_no}
    buyer = asked.book.buyer(trade.buyer_id)
    said = {
        "result_code": "SUCCESS",
        "alipay_buyer_login_id": buyer.login,
        "alipay_buyer_user_id": buyer.user_id,
        "partner_trans_id": trade.out_trade_no,
        "alipay_trans_id": trade.trade_no,
        "alipay_pay_time": lifetimes.wire_time(trade.paid_at) if trade.paid_at else "",
        "currency": trade.currency,
        "trans_amount": trade.money.text,
        "exchange_rate": trade.rate,
        "trans_amount_cny": trade.cny_money.text,
    }
    return hongkong.told(asked.partner, said, buyer)


# --- query ---------------------------------------------------------------------------------------------------------


def _query_fault(fields: Mapping[str, str]) -> str | None:
    if fields.get("partner_trans_id") or fields.get("alipay_trans_id"):
        return None
    return "one of partner_trans_id and alipay_trans_id is needed"


def _overseas_query(asked: Asked) -> dict[str, str]:
    """https://docs.antom.com/ac/global/overseas_query"""
    trade = asked.book.find(asked.partner.partner, asked.get("partner_trans_id"), asked.get("alipay_trans_id"))
    if trade is None:
        raise TurnedDown(asked.book.choices.unknown_trade_code)
    buyer = asked.book.buyer(trade.buyer_id)
    said = {
        "result_code": "SUCCESS",
        "alipay_trans_status": trade.status.value,
        "alipay_buyer_login_id": buyer.login,
        "alipay_buyer_user_id": buyer.user_id,
        "out_trade_no": trade.out_trade_no,
        "partner_trans_id": trade.out_trade_no,
        "alipay_trans_id": trade.trade_no,
        "alipay_pay_time": lifetimes.wire_time(trade.paid_at) if trade.paid_at else "",
        "currency": trade.currency,
        "trans_amount": trade.money.text,
        "forex_total_fee": Money(trade.settle_amount, trade.currency).text,
        "trans_forex_rate": trade.settle_rate,
        "exchange_rate": trade.rate,
        "trans_amount_cny": trade.cny_money.text,
    }
    return hongkong.told(asked.partner, said, buyer)


# --- cancel, close, refund -----------------------------------------------------------------------------------------


def _cancel(asked: Asked) -> dict[str, str]:
    """https://docs.antom.com/ac/global/acquire_cancel"""
    number = asked.get("out_trade_no")
    if asked.hold:
        return {
            "result_code": "UNKNOWN",
            "out_trade_no": number,
            "retry_flag": "Y",
            "detail_error_code": "SYSTEM_ERROR",
            "detail_error_des": "System error",
        }
    try:
        undone = undoing.cancel(asked.book, asked.partner.partner, number, asked.get("trade_no"))
    except TurnedDown as no:
        return failure(no.code) | {"out_trade_no": number, "retry_flag": "N"}
    return {
        "result_code": "SUCCESS",
        "out_trade_no": number,
        "retry_flag": "N",
        "trade_no": undone.trade_no,
        "action": undone.action,
    }


def _close_fault(fields: Mapping[str, str]) -> str | None:
    if fields.get("out_trade_no") or fields.get("trade_no"):
        return None
    return "one of out_trade_no and trade_no is needed"


def _close(asked: Asked) -> dict[str, str]:
    trade = undoing.close(asked.book, asked.partner.partner, asked.get("out_trade_no"), asked.get("trade_no"))
    return {"result_code": "SUCCESS", "out_trade_no": trade.out_trade_no, "trade_no": trade.trade_no}


def _refund_fault(fields: Mapping[str, str]) -> str | None:
    if fields["partner_refund_id"] == fields["partner_trans_id"]:
        return "partner_refund_id must differ from partner_trans_id"
    return parameters.amount_fault(fields["refund_amount"], fields["currency"])


def _spot_refund(asked: Asked) -> dict[str, str]:
    """https://docs.antom.com/ac/global/spot_refund"""
    partner, number = asked.partner.partner, asked.get("partner_trans_id")
    known = asked.book.find(partner, number, asked.get("alipay_trans_id"))
    if known is None:
        raise TurnedDown("TRADE_NOT_EXIST")
    if asked.get("currency") != known.currency or parameters.amount_fault(
        asked.get("refund_amount"), known.trans_currency
    ):
        raise TurnedDown("INVALID_PARAMETER")
    trade, refund = undoing.refund(
        asked.book,
        partner,
        number,
        asked.get("alipay_trans_id"),
        asked.get("partner_refund_id"),
        Money.parse(asked.get("refund_amount"), known.trans_currency),
        reason=asked.get("refund_reason") or asked.get("refund_reson"),
        sync=asked.get("is_sync") == "Y",
        notify_url=asked.partner.refund_notify_url or asked.get("notify_url"),
    )
    if refund.state == "FAILED":
        raise TurnedDown(refund.error)
    said = {
        "result_code": "SUCCESS",
        "partner_trans_id": trade.out_trade_no,
        "alipay_trans_id": trade.trade_no,
        "partner_refund_id": refund.refund_no,
        "refund_amount": Money(refund.amount, trade.trans_currency).text,
        "currency": trade.currency,
        "exchange_rate": trade.rate,
        "refund_amount_cny": Money(refund.cny, CNY).text,
    }
    return hongkong.told(asked.partner, said)


def _refund_query(asked: Asked) -> dict[str, str]:
    """https://docs.antom.com/ac/global/refundquery"""
    number, refund_no = asked.get("out_trade_no"), asked.get("out_return_no")
    if asked.hold:
        return {"response_code": "QUERY_FAILED", "out_trade_no": number, "out_return_no": refund_no}
    trade = asked.book.find(asked.partner.partner, number)
    refund: Refund | None = asked.book.refunds.get((asked.partner.partner, refund_no))
    if trade is None:
        return {"response_code": "TRADE_NOT_EXIST", "out_trade_no": number, "out_return_no": refund_no}
    if refund is None or refund.out_trade_no != trade.out_trade_no:
        return {"response_code": "NOT_FOUND", "out_trade_no": number, "out_return_no": refund_no}
    return {
        "response_code": "SUCCESS",
        "refund_result_code": refund.state,
        "refund_error_code": refund.error if refund.state != "SUCCESS" else "",
        "out_trade_no": trade.out_trade_no,
        "out_return_no": refund.refund_no,
        "trade_no": trade.trade_no,
        "gmt_create": lifetimes.wire_date_time(refund.created_at),
    }


# --- orders for the wallet -----------------------------------------------------------------------------------------


def _order_fault(fields: Mapping[str, str]) -> str | None:
    return parameters.amount_fault(fields["total_fee"], fields["trans_currency"])


def _create_fault(fields: Mapping[str, str]) -> str | None:
    if not (fields.get("buyer_id") or fields.get("buyer_email")):
        return "one of buyer_id and buyer_email is needed"
    return _order_fault(fields)


def _precreate(asked: Asked) -> dict[str, str]:
    """https://docs.antom.com/ac/global/precreate_transaction"""
    trade = asked.book.place(_order(asked, Product.ORDER_CODE))
    if asked.hold:
        return {"result_code": "UNKNOWN", "out_trade_no": trade.out_trade_no}
    return {
        "result_code": "SUCCESS",
        "out_trade_no": trade.out_trade_no,
        "voucher_type": "qrcode",
        "qr_code": asked.book.code_url(trade.qr_token),
        "pic_url": asked.book.picture_url(trade.qr_token, "M"),
        "small_pic_url": asked.book.picture_url(trade.qr_token, "S"),
        "big_pic_url": asked.book.picture_url(trade.qr_token, "L"),
    }


def _create(asked: Asked) -> dict[str, str]:
    """https://docs.antom.com/ac/global/acquire_create"""
    buyer_id = asked.get("buyer_id") or asked.get("buyer_email").removesuffix("@example.com")
    trade = asked.book.create(_order(asked, Product.WALLET_PAGE), buyer_id)
    if asked.hold:
        return {"result_code": "UNKNOWN", "out_trade_no": trade.out_trade_no}
    return {"result_code": "SUCCESS", "out_trade_no": trade.out_trade_no, "trade_no": trade.trade_no}


def _order(asked: Asked, product: Product) -> Order:
    currency, pricing = asked.get("currency"), asked.get("trans_currency")
    hongkong.check_currency(asked.partner, currency, pricing)
    if asked.get("product_code") != _PRODUCT:
        raise TurnedDown("ACCESS_FORBIDDEN")
    if asked.get("seller_id") not in ("", asked.partner.partner):
        raise TurnedDown("SELLER_NOT_EXIST")
    if not parameters.settles(currency):
        raise TurnedDown("INVALID_PARAMETER")
    amount = _amount(asked.get("total_fee"), pricing, "TOTAL_FEE_EXCEED")
    price, quantity = asked.get("price"), asked.get("quantity")
    if price and quantity and Decimal(price) * int(quantity) != amount.decimal:
        raise TurnedDown("INVALID_PARAMETER")
    now, choices = asked.book.clock.now(), asked.book.choices
    return Order(
        partner=asked.partner.partner,
        number=asked.get("out_trade_no"),
        product=product,
        subject=asked.get("subject"),
        amount=amount,
        currency=currency,
        pass_back=asked.get("passback_parameters"),
        body=asked.get("body"),
        price=price,
        quantity=quantity,
        expires_at=lifetimes.end_of(asked.get("it_b_pay") or choices.it_b_pay, now),
        code_expires_at=lifetimes.end_of(asked.get("qr_code_it_b_pay") or choices.qr_code_it_b_pay, now),
        **_common(asked, "extend_params"),
    )


class _Common(TypedDict):
    notify_url: str
    charset: str
    sign_type: str
    merchant: str
    store: str
    merchant_id: str
    industry: str


def _common(asked: Asked, extend: str) -> _Common:
    shop = json.loads(asked.get(extend))
    return {
        "notify_url": asked.get("notify_url"),
        "charset": asked.charset,
        "sign_type": asked.sign_type,
        "merchant": shop["secondary_merchant_name"],
        "store": shop["store_name"],
        "merchant_id": shop["secondary_merchant_id"],
        "industry": shop["secondary_merchant_industry"],
    }


def _amount(text: str, currency: str, too_much: str) -> Money:
    money = Money.parse(text, currency)
    if money.decimal > _HIGHEST:
        raise TurnedDown(too_much)
    return money


def is_known(asked: Asked) -> bool:
    """Whether a barcode payment of this number already left a trace: then its code asks for no misbehaviour."""
    return (asked.partner.partner, asked.get("partner_trans_id")) in asked.book.trades


OPERATIONS: Final = (
    Operation(
        SPOT_PAY, parameters.SPOT_PAY, _spot_pay, Words.FAILED_ERROR,
        "partner_trans_id", _pay_fault, acts_when_unknown=True,
    ),
    Operation(
        "alipay.acquire.overseas.query", parameters.OVERSEAS_QUERY, _overseas_query, Words.FAIL_ERROR,
        "partner_trans_id", _query_fault,
    ),
    Operation(
        CANCEL, parameters.CANCEL, _cancel, Words.FAIL_DETAIL, "out_trade_no",
        acts_when_unknown=True,
    ),
    Operation("alipay.acquire.close", parameters.CLOSE, _close, Words.FAIL_DETAIL, "out_trade_no", _close_fault),
    Operation(
        "alipay.acquire.overseas.spot.refund", parameters.SPOT_REFUND, _spot_refund, Words.FAILED_ERROR,
        "partner_trans_id", _refund_fault, hk={"refund_reason": None},
    ),
    Operation(
        "alipay.acquire.refund.query", parameters.REFUND_QUERY, _refund_query, Words.RESPONSE_CODE, "out_trade_no",
        acts_when_unknown=True,
    ),
    Operation(
        "alipay.acquire.precreate", parameters.PRECREATE, _precreate, Words.FAIL_DETAIL, "out_trade_no",
        _order_fault, acts_when_unknown=True, hk={"notify_url": parameters.NOTIFY_URL},
    ),
    Operation(
        "alipay.acquire.create", parameters.CREATE, _create, Words.FAIL_DETAIL, "out_trade_no", _create_fault,
        acts_when_unknown=True,
    ),
)  # fmt: skip
