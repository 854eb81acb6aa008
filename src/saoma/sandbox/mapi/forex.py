"""The online product's two calls by machines: single_trade_query and forex_refund.

Their result is `is_success` and the top-level `error`, not a result code. Trades of that product are opened in a
browser at Alipay; here the control API opens them. To their partner such a trade is finished as soon as it is paid
(https://docs.antom.com/ac/global/single_trade_query, https://docs.antom.com/ac/global/forex_refund)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from saoma.kit.errors import Conflict, Invalid
from saoma.kit.money import EXPONENTS, Money
from saoma.sandbox import lifetimes, parameters
from saoma.sandbox.book import undoing
from saoma.sandbox.book.buyers import TurnedDown
from saoma.sandbox.book.model import CNY, Order, Product, Refund, Trade, TradeStatus
from saoma.sandbox.book.trades import Book
from saoma.sandbox.mapi.asking import Asked, Bare, Operation, Words
from saoma.sandbox.parameters import BASIC, NOTIFY_URL, NUMBER, Rule


def open_trade(
    book: Book, partner: str, number: str, subject: str, amount: Money, currency: str, buyer_id: str, notify_url: str
) -> Trade:
    """What create_forex_trade does once a buyer has signed in at Alipay's page: a trade that waits for them.

    `amount` is in `currency`, or in CNY where the partner priced with `rmb_fee`. Raises `Refused`."""
    if amount.minor <= 0 or amount.currency not in (currency, CNY):
        raise Invalid("Price the trade in its currency or in CNY, above nothing.")
    if (partner, number) in book.trades:
        raise Conflict("This order number is taken.")
    contract = book.contract(partner)
    sign_type = contract.sign_type if contract else "MD5"
    order = Order(partner, number, Product.WEB, subject, amount, currency, notify_url=notify_url, sign_type=sign_type)
    with book.moving() as now:
        # whoever is unknown leaves no order behind
        buyer = book.buyer(buyer_id)
        try:
            book.admit(order)
        except TurnedDown as no:
            raise Conflict(f"The partner's contract says no: {no.code}.") from None
        trade = book.new_trade(order, now)
        book.exist(trade, buyer, now)
        return trade


def shown_status(trade: Trade) -> TradeStatus:
    """How a trade's status is told to its partner: paid online trades are finished, and refunded all the same."""
    is_paid_online = trade.product is Product.WEB and trade.status is TradeStatus.TRADE_SUCCESS
    return TradeStatus.TRADE_FINISHED if is_paid_online else trade.status


# --- single_trade_query --------------------------------------------------------------------------------------------

_QUERY: Final[dict[str, Rule]] = BASIC | {"out_trade_no": Rule(longest=64), "trade_no": parameters.TRADE_NO}


def _query_fault(fields: Mapping[str, str]) -> str | None:
    if fields.get("out_trade_no") or fields.get("trade_no"):
        return None
    return "one of out_trade_no and trade_no is needed"


def _single_trade_query(asked: Asked) -> dict[str, str]:
    book = asked.book
    trade = book.find(asked.partner.partner, asked.get("out_trade_no"), asked.get("trade_no"))
    if trade is None:
        raise TurnedDown("TRADE_NOT_EXIST")
    buyer = book.buyer(trade.buyer_id)
    total = (trade.cny_money if book.choices.single_trade_query_in_cny else trade.money).text
    last = max([trade.created_at, *(at for at in (trade.paid_at, trade.closed_at) if at)])
    refunds = [refund.done_at for refund in book.refunds_of(trade) if refund.done_at]
    return {
        "body": trade.body,
        "buyer_email": buyer.login,
        "buyer_id": buyer.user_id,
        "discount": "0.00",
        "flag_trade_locked": "0",
        "gmt_create": lifetimes.wire_date_time(trade.created_at),
        "gmt_last_modified_time": lifetimes.wire_date_time(max([last, *refunds])),
        "gmt_payment": lifetimes.wire_date_time(trade.paid_at) if trade.paid_at else "",
        "is_total_fee_adjust": "F",
        "operator_role": "B",
        "out_trade_no": trade.out_trade_no,
        "payment_type": "100" if trade.product is Product.WEB else "1",
        "price": total,
        "quantity": "1",
        "seller_email": asked.partner.email,
        "seller_id": trade.partner,
        "subject": trade.subject,
        "to_buyer_fee": "0.00",
        "to_seller_fee": total if trade.paid_at else "0.00",
        "total_fee": total,
        "trade_no": trade.trade_no,
        "trade_status": shown_status(trade).value,
        "use_coupon": "F",
    }


# --- forex_refund --------------------------------------------------------------------------------------------------


def _is_return_time(text: str) -> bool:
    """As on the page, or in the digits that captured calls send."""
    return lifetimes.read_timestamp(text) is not None if " " in text else re.fullmatch(r"[0-9]{14}", text) is not None


_REFUND: Final[dict[str, Rule]] = BASIC | {
    "notify_url": NOTIFY_URL,
    "out_return_no": NUMBER,
    "out_trade_no": NUMBER,
    "return_amount": Rule(fits=parameters.SMALL_AMOUNT),
    "return_rmb_amount": Rule(fits=parameters.SMALL_AMOUNT),
    "currency": Rule(required=True, longest=10, fits=EXPONENTS.__contains__),
    "gmt_return": Rule(required=True, fits=_is_return_time),
    "reason": Rule(longest=256),
    "product_code": Rule(fits=parameters.one_of("NEW_OVERSEAS_SELLER", "NEW_WAP_OVERSEAS_SELLER")),
    "is_sync": Rule(fits=parameters.one_of("Y", "N")),
    "split_fund_info": Rule(),
}


def _refund_fault(fields: Mapping[str, str]) -> str | None:
    foreign, yuan = fields.get("return_amount", ""), fields.get("return_rmb_amount", "")
    if bool(foreign) == bool(yuan):
        return "one of return_amount and return_rmb_amount is needed, not both"
    return parameters.amount_fault(foreign or yuan, fields["currency"] if foreign else CNY)


def _forex_refund(asked: Asked) -> Bare:
    book, partner = asked.book, asked.partner.partner
    _keep_distance(asked)
    trade = book.find(partner, asked.get("out_trade_no"))
    if trade is None or trade.product is not Product.WEB:
        raise TurnedDown("PURCHASE_TRADE_NOT_EXIST")
    in_yuan = bool(asked.get("return_rmb_amount"))
    if asked.get("currency") != trade.currency or in_yuan != (trade.trans_currency == CNY != trade.currency):
        raise TurnedDown("CURRENCY_NOT_SAME")
    known = book.refunds.get((partner, asked.get("out_return_no")))
    if known is not None:
        raise TurnedDown("REPEATED_REFUNDMENT_REQUEST")
    if any(refund.state == "PROCESSING" for refund in book.refunds_of(trade)):
        raise TurnedDown("REPEATED_REFUNDMENT_REQUEST_TO_ONE_TRADE")
    undoing.refund(
        book, partner, trade.out_trade_no, "", asked.get("out_return_no"),
        Money.parse(asked.get("return_rmb_amount") or asked.get("return_amount"), trade.trans_currency),
        reason=asked.get("reason"), sync=asked.get("is_sync") == "Y",
        notify_url=asked.partner.refund_notify_url or asked.get("notify_url"), stale="REFUNDMENT_VALID_DATE_EXCEED",
    )  # fmt: skip
    return Bare()


def _keep_distance(asked: Asked) -> None:
    """At least three seconds between two of these calls of one partner, on the sandbox's clock."""
    store, now = asked.book.store, asked.book.clock.now()
    before = store.one("forex_refund", asked.partner.partner, datetime)
    store.keep("forex_refund", asked.partner.partner, now)
    if before is not None and now - before < timedelta(seconds=asked.book.choices.forex_refund_gap_seconds):
        raise TurnedDown("SYSTEM_EXCEPTION")


def news(trade: Trade, refund: Refund | None) -> dict[str, str]:
    """What notifications of the online product tell: less, and refunds in words of their own.

    https://docs.antom.com/ac/web/async, https://docs.antom.com/ac/global/forex_refund"""
    fields = {"notify_type": "trade_status_sync", "out_trade_no": trade.out_trade_no, "trade_no": trade.trade_no}
    if refund is not None:
        fields |= {"out_return_no": refund.refund_no, "error_code": refund.error if refund.state == "FAILED" else ""}
        fields |= {"refund_status": "REFUND_FAIL" if refund.state == "FAILED" else "REFUND_SUCCESS"}
    else:
        fields |= {
            "total_fee": trade.money.text,
            "currency": CNY if trade.trans_currency == CNY else trade.currency,
            "trade_status": shown_status(trade).value,
        }
    return {name: value for name, value in fields.items() if value}


OPERATIONS: Final = (
    Operation(
        "single_trade_query", _QUERY, _single_trade_query, Words.REJECTION, "out_trade_no", _query_fault, node="trade"
    ),
    Operation("forex_refund", _REFUND, _forex_refund, Words.REJECTION, "out_trade_no", _refund_fault),
)
