"""`alipay.trade.cancel`, `close`, `refund` and `alipay.trade.fastpay.refund.query`: the ways back.

A refund's number counts within its trade only, and code 10000 with `fund_change` N means that this call moved no
money: an earlier one with the same number did (https://docs.antom.com/ac/solution_api/trade-refund)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from saoma.kit.errors import Invalid
from saoma.kit.money import Money
from saoma.sandbox import lifetimes
from saoma.sandbox.book import undoing
from saoma.sandbox.book.buyers import TurnedDown
from saoma.sandbox.book.model import Refund, Trade, TradeStatus
from saoma.sandbox.openapi.codes import SUCCESS, failed, wrong
from saoma.sandbox.openapi.trade import Call, buyer_of


def cancel(call: Call) -> dict[str, Any]:
    """Undo a payment whose outcome is unknown, whatever its state; the number is used up."""
    number, trade_no = call.content.trade()
    named = {"out_trade_no": number, "trade_no": trade_no}
    if call.hold:
        return SUCCESS | named | {"retry_flag": "Y"}
    with call.book.moving() as now:
        trade = call.book.find(call.partner.partner, number, trade_no)
        if trade is not None:
            named = {"out_trade_no": trade.out_trade_no, "trade_no": trade.trade_no}
        until = (trade.paid_at if trade and trade.paid_at else now) + timedelta(hours=call.choices.cancel_hours)
        try:
            done = undoing.cancel(call.book, call.partner.partner, number, trade_no, until=until)
        except TurnedDown as no:
            again = "Y" if no.code in ("SYSTEM_ERROR", "SELLER_BALANCE_NOT_ENOUGH") else "N"
            raise failed(no.code, more=named | {"retry_flag": again}) from None
    told = SUCCESS | named | {"retry_flag": "N", "action": done.action}
    if done.action == "refund" and trade is not None and trade.closed_at:
        told["gmt_refund_pay"] = lifetimes.wire_date_time(trade.closed_at)
    return told


def close(call: Call) -> dict[str, Any]:
    """Close an unpaid trade; money is never moved."""
    call.content.text("operator_id", 28)
    trade = call.find()
    if trade.status is TradeStatus.TRADE_CLOSED:
        raise failed("REASON_TRADE_STATUS_INVALID", "the trade is closed already")
    undoing.close(call.book, call.partner.partner, trade.out_trade_no, trade.trade_no)
    return SUCCESS | {"out_trade_no": trade.out_trade_no, "trade_no": trade.trade_no}


def refund(call: Call) -> dict[str, Any]:
    """Give money back now. The same number again tells of the first time."""
    content, book = call.content, call.book
    # whatever is wrong with the call is found before money moves
    content.options()
    with book.moving():
        trade = call.find()
        amount = _amount(content.amount("refund_amount", required=True), trade)
        if content.text("refund_currency") not in ("", trade.trans_currency):
            raise wrong("refund_currency", f"is not {trade.trans_currency}")
        request_no = content.number("out_request_no")
        if not request_no and amount != trade.money:
            raise failed("REFUND_AMT_NOT_EQUAL_TOTAL", "a refund of a part needs an out_request_no")
        request_no = request_no or trade.out_trade_no
        known = find_refund(call, trade, request_no)
        if known is None and trade.status is TradeStatus.TRADE_CLOSED:
            raise failed("TRADE_STATUS_ERROR", "the trade is closed")
        number = known.refund_no if known else f"{trade.out_trade_no}/{request_no}"
        trade, done = undoing.refund(
            book, trade.partner, trade.out_trade_no, trade.trade_no, number, amount,
            reason=content.text("refund_reason", 256), sync=True,
        )  # fmt: skip
        if known is None:
            done.request_no = request_no
            book.keep_refund(done)
            book.tell(trade, "refundFPAction", done)
    told = SUCCESS | buyer_of(call, trade)
    told |= {
        "out_trade_no": trade.out_trade_no,
        "trade_no": trade.trade_no,
        "fund_change": "N" if known else "Y",
        "refund_fee": trade.refunded_money.text,
        "send_back_fee": Money(done.amount, trade.trans_currency).text,
    }
    if done.done_at:
        told["gmt_refund_pay"] = lifetimes.wire_date_time(done.done_at)
    return told | _details(call, done)


def refund_query(call: Call) -> dict[str, Any]:
    """What became of one refund. Of a number nobody knows nothing is told, and that is no error."""
    request_no = call.content.number("out_request_no", required=True)
    options = call.content.options()
    trade = call.find()
    known = find_refund(call, trade, request_no)
    if known is None:
        return dict(SUCCESS)
    told = SUCCESS | {
        "out_trade_no": trade.out_trade_no,
        "trade_no": trade.trade_no,
        "out_request_no": request_no,
        "refund_reason": known.reason,
        "total_amount": trade.money.text,
        "refund_amount": Money(known.amount, trade.trans_currency).text,
    }
    if known.done_at:
        told |= {"refund_status": "REFUND_SUCCESS", "send_back_fee": told["refund_amount"]}
        if "gmt_refund_pay" in options:
            told["gmt_refund_pay"] = lifetimes.wire_date_time(known.done_at)
    return told | _details(call, known)


def find_refund(call: Call, trade: Trade, request_no: str) -> Refund | None:
    """A refund of this trade by the partner's own number, whichever gateway it was asked at."""
    refunds = call.book.refunds_of(trade)
    return next((one for one in refunds if request_no in (one.request_no, one.refund_no)), None)


def _amount(text: str, trade: Trade) -> Money:
    try:
        money = Money.parse(text, trade.trans_currency)
    except Invalid:
        raise wrong("refund_amount", f"is not an amount in {trade.trans_currency}") from None
    if Decimal(text) <= 0:
        raise failed("REFUND_FEE_ERROR", "nothing can't be refunded")
    return money


def _details(call: Call, done: Refund) -> dict[str, Any]:
    if "refund_detail_item_list" not in call.content.options() or not done.done_at:
        return {}
    given = Money(done.cny, "CNY").text
    return {"refund_detail_item_list": [{"amount": given, "fund_channel": "ALIPAYACCOUNT"}]}
