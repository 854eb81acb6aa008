"""Auto debit: create and pay in one call by an agreement, and the query and refund that belong to it.

Agreements are made by the control API: the page on which a buyer signs one is not part of this sandbox. The nested
lists of the published answers (funds, coupons) have no canonical form to sign and are left out
(https://docs.antom.com/ac/global/createandpay, https://docs.antom.com/ac/global/acquire_query,
https://docs.antom.com/ac/global/acquire_refund)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Final

import msgspec

from saoma.kit.errors import NotFound
from saoma.kit.money import Money
from saoma.sandbox import lifetimes, parameters
from saoma.sandbox.book import undoing
from saoma.sandbox.book.buyers import TurnedDown
from saoma.sandbox.book.model import CNY, Order, Product, Trade
from saoma.sandbox.book.sameness import check_same
from saoma.sandbox.book.trades import Book
from saoma.sandbox.mapi.asking import Asked, Operation, Words, described
from saoma.sandbox.parameters import BASIC, NOTIFY_URL, NUMBER, Rule

_BY_AGREEMENT: Final = ("FOREX_GENERAL_WITHHOLDING", "GENERAL_WITHHOLDING")
_BY_CODE: Final = "BARCODE_PAY_OFFLINE"
#: The domestic services write the currency as a number.
_NUMERIC_CNY: Final = "156"


class Agreement(msgspec.Struct):
    """A buyer's leave to be debited by one partner without being asked again."""

    agreement_no: str
    partner: str
    buyer_id: str
    active: bool = True


def sign_agreement(book: Book, partner: str, buyer_id: str) -> Agreement:
    """A buyer signs. Raises `NotFound` for a buyer nobody knows."""
    buyer = book.buyer(buyer_id)
    number = f"{lifetimes.wire_time(book.clock.now())[:8]}{secrets.randbelow(10**12):012d}"
    agreement = Agreement(number, partner, buyer.id)
    book.store.keep("agreement", number, agreement)
    return agreement


def end_agreement(book: Book, agreement_no: str) -> Agreement:
    """A buyer takes it back. Raises `NotFound`."""
    agreement = book.store.one("agreement", agreement_no, Agreement)
    if agreement is None:
        raise NotFound(f"There is no agreement {agreement_no!r} here.")
    agreement.active = False
    book.store.keep("agreement", agreement_no, agreement)
    return agreement


def _is_agreement(text: str) -> bool:
    return parameters.is_object(text) and isinstance(json.loads(text).get("agreement_no"), str)


_CREATE_AND_PAY: Final[dict[str, Rule]] = BASIC | {
    "alipay_ca_request": Rule(fits=parameters.one_of("1", "2")),
    "notify_url": NOTIFY_URL,
    "out_trade_no": NUMBER,
    "subject": Rule(required=True, longest=256),
    "product_code": Rule(required=True, longest=32),
    "total_fee": Rule(required=True, fits=parameters.AMOUNT),
    "currency": Rule(longest=8),
    "trans_currency": Rule(longest=8),
    "seller_id": Rule(longest=16),
    "seller_email": Rule(longest=100),
    "buyer_id": Rule(longest=16, fits=parameters.PID),
    "buyer_email": Rule(longest=100),
    "body": Rule(longest=400),
    "show_url": Rule(longest=400),
    "price": Rule(fits=parameters.AMOUNT),
    "quantity": Rule(fits=parameters.like(r"\d{1,9}")),
    "goods_detail": Rule(fits=parameters.is_goods),
    "extend_params": Rule(fits=parameters.is_object),
    "it_b_pay": Rule(fits=lifetimes.is_lifetime),
    "dynamic_id_type": Rule(fits=parameters.one_of("barcode", "qrcode")),
    "dynamic_id": Rule(longest=32),
    "agreement_info": Rule(fits=_is_agreement),
    "scene": Rule(longest=64),
    "operator_type": Rule(fits=parameters.one_of("0", "1")),
    "operator_id": Rule(longest=28),
}


def _currencies(fields: Mapping[str, str]) -> tuple[str, str]:
    """The pricing and the settlement currency."""
    settling = fields.get("currency", "").replace(_NUMERIC_CNY, CNY) or CNY
    return fields.get("trans_currency", "").replace(_NUMERIC_CNY, CNY) or settling, settling


def _order_fault(fields: Mapping[str, str]) -> str | None:
    pricing, settling = _currencies(fields)
    if not (parameters.settles(pricing) and parameters.settles(settling)):
        return "currency and trans_currency are currencies Alipay settles"
    if fields["product_code"] in _BY_AGREEMENT and not fields.get("agreement_info"):
        return "agreement_info is missing"
    if fields["product_code"] == _BY_CODE and not (fields.get("dynamic_id") and fields.get("dynamic_id_type")):
        return "dynamic_id and dynamic_id_type are needed"
    return parameters.amount_fault(fields["total_fee"], pricing)


def _create_and_pay(asked: Asked) -> dict[str, str]:
    pricing, settling = _currencies(asked.fields)
    shop = json.loads(asked.get("extend_params") or "{}")
    life = asked.get("it_b_pay") or asked.book.choices.it_b_pay
    order = Order(
        partner=asked.partner.partner,
        number=asked.get("out_trade_no"),
        product=Product.AGREEMENT,
        subject=asked.get("subject"),
        amount=Money.parse(asked.get("total_fee"), pricing),
        currency=settling,
        notify_url=asked.get("notify_url"),
        charset=asked.charset,
        sign_type=asked.sign_type,
        body=asked.get("body"),
        price=asked.get("price"),
        quantity=asked.get("quantity"),
        merchant=str(shop.get("secondary_merchant_name", "")),
        store=str(shop.get("store_name", "")),
        merchant_id=str(shop.get("secondary_merchant_id", "")),
        industry=str(shop.get("secondary_merchant_industry", "")),
        expires_at=lifetimes.end_of(life, asked.book.clock.now()),
    )
    if asked.get("seller_id") not in ("", asked.partner.partner):
        raise TurnedDown("SELLER_NOT_EXIST")
    match asked.get("product_code"):
        case code if code == _BY_CODE:
            trade = asked.book.pay_by_code(order, asked.get("dynamic_id"), hold=asked.hold)
            return _outcome(asked, trade, "ORDER_SUCCESS_PAY_INPROCESS")
        case code if code in _BY_AGREEMENT:
            return _debit(asked, order)
        case _:
            raise TurnedDown("ACCESS_FORBIDDEN")


def _debit(asked: Asked, order: Order) -> dict[str, str]:
    book = asked.book
    number = json.loads(asked.get("agreement_info"))["agreement_no"]
    agreement = book.store.one("agreement", number, Agreement)
    if agreement is None or agreement.partner != order.partner or not agreement.active:
        raise TurnedDown("AGREEMENT_NOT_EXIST")
    with book.moving() as now:
        buyer = book.buyer(agreement.buyer_id)
        trade = book.trades.get((order.partner, order.number))
        if trade is None:
            book.admit(order)
            trade = book.new_trade(order, now)
            book.exist(trade, buyer, now)
        else:
            check_same(trade, order, buyer)
        if trade.is_waiting and not asked.hold:
            try:
                book.charge(trade, buyer, now)
            except TurnedDown as no:
                failed = {"detail_error_code": no.code, "detail_error_des": described(no.code)}
                return _outcome(asked, trade, "ORDER_SUCCESS_PAY_FAIL") | failed
        return _outcome(asked, trade, "ORDER_SUCCESS_PAY_INPROCESS")


def _outcome(asked: Asked, trade: Trade, unpaid: str) -> dict[str, str]:
    if not (trade.is_waiting or trade.paid_at):
        raise TurnedDown("TRADE_HAS_CLOSE")
    buyer = asked.book.buyer(trade.buyer_id)
    return {
        "result_code": unpaid if trade.is_waiting else "ORDER_SUCCESS_PAY_SUCCESS",
        "trade_no": trade.trade_no,
        "out_trade_no": trade.out_trade_no,
        "buyer_user_id": buyer.user_id,
        "buyer_logon_id": buyer.login,
        "total_fee": trade.money.text,
        "gmt_payment": lifetimes.wire_date_time(trade.paid_at) if trade.paid_at else "",
    }


# --- query ---------------------------------------------------------------------------------------------------------

_QUERY: Final[dict[str, Rule]] = BASIC | {
    "alipay_ca_request": Rule(fits=parameters.one_of("1", "2")),
    "out_trade_no": NUMBER,
    "trade_no": parameters.TRADE_NO,
}


def _query(asked: Asked) -> dict[str, str]:
    trade = asked.book.find(asked.partner.partner, asked.get("out_trade_no"), asked.get("trade_no"))
    if trade is None:
        raise TurnedDown("TRADE_NOT_EXIST")
    buyer = asked.book.buyer(trade.buyer_id)
    return {
        "result_code": "SUCCESS",
        "trade_no": trade.trade_no,
        "out_trade_no": trade.out_trade_no,
        "partner": trade.partner,
        "buyer_user_id": buyer.user_id,
        "buyer_logon_id": buyer.login,
        "trade_status": trade.status.value,
        "total_fee": trade.money.text,
        "send_pay_date": lifetimes.wire_date_time(trade.paid_at) if trade.paid_at else "",
    }


# --- refund --------------------------------------------------------------------------------------------------------

_REFUND: Final[dict[str, Rule]] = BASIC | {
    "alipay_ca_request": Rule(fits=parameters.one_of("1", "2")),
    "notify_url": Rule(longest=190, fits=parameters.URL),
    "out_trade_no": NUMBER,
    "trade_no": parameters.TRADE_NO,
    "refund_amount": Rule(required=True, fits=parameters.SMALL_AMOUNT),
    "trans_currency": Rule(longest=8),
    "out_request_no": Rule(longest=64),
    "sync_flag": Rule(fits=parameters.one_of("Y", "N")),
    "operator_type": Rule(fits=parameters.one_of("0", "1")),
    "operator_id": Rule(longest=28),
    "refund_reason": Rule(longest=128),
    "ref_ids": Rule(fits=parameters.is_object),
    "extend_params": Rule(fits=parameters.is_object),
}


def _refund(asked: Asked) -> dict[str, str]:
    book, partner = asked.book, asked.partner.partner
    trade = book.find(partner, asked.get("out_trade_no"), asked.get("trade_no"))
    if trade is None:
        raise TurnedDown("TRADE_NOT_EXIST")
    if trade.product is not Product.AGREEMENT and not book.choices.acquire_refund_takes_all:
        raise TurnedDown("TRADE_ROLE_ERROR")
    named = asked.get("trans_currency").replace(_NUMERIC_CNY, CNY)
    if named not in ("", trade.trans_currency) or parameters.amount_fault(
        asked.get("refund_amount"), trade.trans_currency
    ):
        raise TurnedDown("INVALID_PARAMETER")
    amount = Money.parse(asked.get("refund_amount"), trade.trans_currency)
    number = asked.get("out_request_no") or trade.out_trade_no
    if not asked.get("out_request_no") and amount != trade.money:
        # without a number of its own a refund is taken for the order's one and whole
        raise TurnedDown("REFUND_AMT_NOT_EQUAL_TOTAL")
    known = (partner, number) in book.refunds
    trade, refund = undoing.refund(
        book, partner, trade.out_trade_no, trade.trade_no, number, amount,
        reason=asked.get("refund_reason"), sync=asked.get("sync_flag") != "N",
        notify_url=asked.partner.refund_notify_url or asked.get("notify_url"),
    )  # fmt: skip
    buyer = book.buyer(trade.buyer_id)
    return {
        "result_code": "SUCCESS",
        "trade_no": trade.trade_no,
        "out_trade_no": trade.out_trade_no,
        "buyer_user_id": buyer.user_id,
        "buyer_logon_id": buyer.login,
        "fund_change": "N" if known or refund.state != "SUCCESS" else "Y",
    }


OPERATIONS: Final = (
    Operation(
        "alipay.acquire.createandpay", _CREATE_AND_PAY, _create_and_pay, Words.ORDER_FAIL, "out_trade_no",
        _order_fault, acts_when_unknown=True,
    ),
    Operation("alipay.acquire.query", _QUERY, _query, Words.FAIL_PROCESS, "out_trade_no"),
    Operation("alipay.acquire.refund", _REFUND, _refund, Words.FAIL_DETAIL, "out_trade_no"),
)  # fmt: skip
