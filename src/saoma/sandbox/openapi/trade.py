"""`alipay.trade.pay`, `create`, `precreate` and `query`: how a trade begins, and what is told of it.

Amounts of an answer stay `0.00` until the buyer has paid, and a payment that waits for its buyer is no failure but
code 10003 (https://global.alipay.com/docs/ac/solution_api/trade-query and the error tables of each method)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from saoma.kit.errors import Invalid
from saoma.kit.money import EXPONENTS, Money
from saoma.sandbox import lifetimes
from saoma.sandbox.book import rates
from saoma.sandbox.book.model import CNY, Buyer, Order, Partner, Product, Trade
from saoma.sandbox.book.trades import Book
from saoma.sandbox.openapi.codes import SUCCESS, failed, wrong
from saoma.sandbox.openapi.reading import Content, within
from saoma.sandbox.openapi_choices import OpenApiChoices

#: How trades of this gateway are marked.
OPENAPI: Final = "openapi"
HIGHEST: Final = Decimal(100_000_000)
_PRODUCTS: Final = {
    Product.BARCODE: ("", "FACE_TO_FACE_PAYMENT"),
    Product.WALLET_PAGE: ("", "JSAPI_PAY", "FACE_TO_FACE_PAYMENT"),
    Product.ORDER_CODE: ("", "FACE_TO_FACE_PAYMENT", "QR_CODE_OFFLINE"),
}
_SCENES: Final = ("bar_code", "wave_code", "security_code")
_REMEMBERED: Final = ("store_id", "terminal_id", "operator_id", "product_code")


@dataclass(frozen=True, slots=True)
class Call:
    """One checked call. `hold` asks for the planned misbehaviour "unknown": the payment waits for its buyer."""

    content: Content
    partner: Partner
    book: Book
    choices: OpenApiChoices
    charset: str
    sign_type: str
    notify_url: str = ""
    hold: bool = False
    auth_token: str = ""

    def find(self) -> Trade:
        """The trade the caller names. Raises `Refusal`."""
        number, trade_no = self.content.trade()
        trade = self.book.find(self.partner.partner, number, trade_no)
        if trade is None:
            raise failed("TRADE_NOT_EXIST")
        return trade


def pay(call: Call) -> dict[str, Any]:
    """Take the money of a buyer who showed a payment code."""
    content = call.content
    number = content.number("out_trade_no", required=True)
    if content.text("scene", 32, required=True) not in _SCENES:
        raise wrong("scene", f"is none of {', '.join(_SCENES)}")
    code = content.text("auth_code", 32, required=True)
    order = _order(call, number, Product.BARCODE)
    with call.book.moving():
        known = (call.partner.partner, number) in call.book.trades
        trade = call.book.pay_by_code(order, code, hold=call.hold)
        if known and not trade.is_waiting and call.choices.repeated_pay == "has_success":
            raise failed("TRADE_HAS_SUCCESS")
    told = buyer_of(call, trade) | amounts(trade) | {"out_trade_no": trade.out_trade_no, "trade_no": trade.trade_no}
    if trade.is_waiting:
        blank = " " if call.choices.blank_before_waiting else ""
        return {"code": "10003", "msg": f"{blank}order success pay inprocess", **told}
    assert trade.paid_at is not None
    paid = {"gmt_payment": lifetimes.wire_date_time(trade.paid_at), "total_amount": trade.money.text}
    return SUCCESS | told | paid | currencies(trade) | _shop(trade)


def create(call: Call) -> dict[str, Any]:
    """A trade for a known buyer, to be paid in the wallet by its number."""
    number = call.content.number("out_trade_no", required=True)
    order = _order(call, number, Product.WALLET_PAGE)
    trade = call.book.create(order, _buyer_named(call))
    return SUCCESS | {"out_trade_no": trade.out_trade_no, "trade_no": trade.trade_no}


def precreate(call: Call) -> dict[str, Any]:
    """An order with a code for whoever scans it; until then there is no trade."""
    number = call.content.number("out_trade_no", required=True)
    trade = call.book.place(_order(call, number, Product.ORDER_CODE))
    return SUCCESS | {"out_trade_no": trade.out_trade_no, "qr_code": call.book.code_url(trade.qr_token)}


def query(call: Call) -> dict[str, Any]:
    """What became of a trade; code 10000 only says that there is one."""
    call.content.options()
    trade = call.find()
    told = {
        "out_trade_no": trade.out_trade_no,
        "trade_no": trade.trade_no,
        "trade_status": trade.status.value,
        "total_amount": trade.money.text,
        "subject": trade.subject,
        "body": trade.body,
        "passback_params": trade.pass_back,
        "buyer_user_type": "PRIVATE",
        "send_pay_date": lifetimes.wire_date_time(trade.paid_at) if trade.paid_at else "",
    }
    if trade.close_reason == "cancelled":
        told["ext_infos"] = json.dumps({"action": "cancel"}, separators=(",", ":"))
    return SUCCESS | buyer_of(call, trade) | amounts(trade) | told | currencies(trade) | _shop(trade)


# --- what answers have in common -----------------------------------------------------------------------------------


def amounts(trade: Trade) -> dict[str, Any]:
    """What the buyer paid and the merchant receives: nothing, until it was paid."""
    zero = Money.zero(trade.trans_currency).text
    taken = trade.money.text if trade.paid_at else zero
    told: dict[str, Any] = {
        "buyer_pay_amount": taken, "invoice_amount": taken, "point_amount": zero, "receipt_amount": taken,
    }  # fmt: skip
    if trade.paid_at:
        told["fund_bill_list"] = [{"amount": trade.cny_money.text, "fund_channel": "ALIPAYACCOUNT"}]
    return told


def currencies(trade: Trade) -> dict[str, Any]:
    """What an order in another currency than CNY adds."""
    if trade.trans_currency == CNY or not trade.paid_at:
        return {}
    return {
        "pay_currency": CNY,
        "pay_amount": trade.cny_money.text,
        "trans_currency": trade.trans_currency,
        "trans_pay_rate": trade.rate,
        "settle_currency": trade.currency,
        "settle_amount": Money(trade.settle_amount, trade.currency).text,
        "settle_trans_rate": trade.settle_rate,
    }


def buyer_of(call: Call, trade: Trade) -> dict[str, Any]:
    """Who pays: masked login and number, or the number of newer applications."""
    if not trade.buyer_id:
        return {}
    buyer = call.book.buyer(trade.buyer_id)
    return {"buyer_logon_id": buyer.login} | numbered(buyer, call.partner)


def numbered(buyer: Buyer, partner: Partner) -> dict[str, str]:
    """A buyer's number as this application may know it."""
    if partner.open_id_only:
        return {"buyer_open_id": open_id(partner.app_id, buyer)}
    return {"buyer_user_id": buyer.user_id}


def open_id(app_id: str, buyer: Buyer) -> str:
    """A buyer's number for one application."""
    return "o" + hashlib.sha256(f"{app_id} {buyer.user_id}".encode()).hexdigest()[:30]


def _shop(trade: Trade) -> dict[str, str]:
    return {name: trade.extra[name] for name in ("store_id", "terminal_id") if name in trade.extra}


# --- what is asked for ---------------------------------------------------------------------------------------------


def _order(call: Call, number: str, product: Product) -> Order:
    content, now = call.content, call.book.clock.now()
    subject = content.text("subject", 256, required=True)
    if content.text("product_code") not in _PRODUCTS[product]:
        raise failed("ACCESS_FORBIDDEN", f"product_code is none of {', '.join(filter(None, _PRODUCTS[product]))}")
    if content.text("seller_id", 28) not in ("", call.partner.partner):
        raise failed("SELLER_NOT_EXIST", "seller_id is not this partner")
    pricing = content.text("trans_currency") or CNY
    settling = content.text("settle_currency") or (CNY if pricing == CNY else call.partner.currency)
    if pricing not in rates.CNY_PER_UNIT or settling not in rates.SETTLEMENT:
        raise failed("CURRENCY_NOT_SUPPORT", f"{pricing} to {settling}")
    amount = _money(content.amount("total_amount", required=True), pricing)
    _check_split(content, amount)
    start, code_life = _end(call, now), content.lifetime("qr_code_timeout_express")
    return Order(
        partner=call.partner.partner, number=number, product=product, subject=subject, amount=amount,
        currency=settling, notify_url=call.notify_url, charset=call.charset, sign_type=call.sign_type,
        pass_back=content.text("passback_params", 512), body=content.text("body", 400),
        merchant=call.partner.name, store=content.text("store_id", 64), expires_at=start,
        code_expires_at=lifetimes.end_of(code_life or call.choices.qr_code_timeout_express, now),
        api=OPENAPI, extra={name: said for name in _REMEMBERED if (said := content.text(name, 64))},
    )  # fmt: skip


def _end(call: Call, now: datetime) -> datetime:
    """When the order closes unpaid. An absolute time stood on the caller's clock; this one may be ahead of it."""
    relative, absolute = call.content.lifetime("timeout_express"), call.content.moment("time_expire")
    if absolute is None:
        return lifetimes.end_of(relative or call.choices.timeout_express, now)
    end = call.book.on_this_clock(absolute)
    if end <= now:
        raise failed("NOW_TIME_AFTER_EXPIRE_TIME_ERROR", "time_expire is over")
    return end


def _money(text: str, currency: str) -> Money:
    within(text, HIGHEST)
    if EXPONENTS[currency] == 0 and text.endswith((".0", ".00")):
        text = text.partition(".")[0]
    try:
        return Money.parse(text, currency)
    except Invalid:
        raise failed("AMOUNT_OR_CURRENCY_ERROR", f"{text} {currency} can't be paid") from None


def _check_split(content: Content, total: Money) -> None:
    parts = [content.amount(name) for name in ("discountable_amount", "undiscountable_amount")]
    if all(parts) and sum(Decimal(part) for part in parts) != total.decimal:
        raise wrong("total_amount", "is not discountable_amount and undiscountable_amount together")


def _buyer_named(call: Call) -> str:
    content, book = call.content, call.book
    if user_id := content.text("buyer_id", 28):
        return user_id
    if named := content.text("buyer_open_id", 128) or content.text("op_buyer_open_id", 128):
        return next((one.user_id for one in book.buyers() if open_id(call.partner.app_id, one) == named), named)
    if login := content.text("buyer_logon_id", 100):
        buyer = book.wallets.find(login.partition("@")[0])
        return buyer.user_id if buyer else login
    raise wrong("buyer_id", "and its alternatives are all missing")
