"""The control API: what tests and demos do to this local Alipay from outside, in JSON under `/control`.

Nothing here exists at Alipay. Buyers are named by their own id (`anna`) or their 2088 number, trades by the
partner's order number or Alipay's."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, TypeAlias

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.exceptions import ValidationException
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from saoma.kit.errors import Conflict, Invalid, NotFound
from saoma.kit.money import Money
from saoma.sandbox.book.model import Trade, TradeStatus
from saoma.sandbox.book.store import Call
from saoma.sandbox.book.trades import Book
from saoma.sandbox.control import daily_files as file_control
from saoma.sandbox.control import faults as fault_control
from saoma.sandbox.control import keys as key_control
from saoma.sandbox.control import online as online_control
from saoma.sandbox.control import people as people_control
from saoma.sandbox.control.forging import PATIENCE, forge, hold
from saoma.sandbox.lifetimes import wire_date_time
from saoma.sandbox.misreading import in_words
from saoma.sandbox.notices import Delivery, Notice, Notices

TheBook: TypeAlias = NamedDependency[Book]


class Push(msgspec.Struct, forbid_unknown_fields=True):
    """How far the clock is pushed forward."""

    advance_seconds: float


class Now(msgspec.Struct):
    """What the sandbox's clock says, ISO 8601 in UTC, and on Alipay's wall."""

    now: str
    beijing: str


class Payer(msgspec.Struct, forbid_unknown_fields=True):
    """Who pays an order code that nobody scanned yet."""

    buyer_id: str = ""


class TypedAmount(msgspec.Struct, forbid_unknown_fields=True):
    """Who pays at a printed code, and what they type."""

    buyer_id: str
    amount: str


class TradeView(msgspec.Struct):
    """A trade; amounts are in `currency`, the pricing currency."""

    out_trade_no: str
    trade_no: str
    partner: str
    status: str
    amount: str
    currency: str
    refunded: str
    buyer_id: str
    buyer_user_id: str
    settlement_currency: str
    amount_cny: str
    product: str
    close_reason: str
    created_at: str
    paid_at: str | None


class DeliveryView(msgspec.Struct):
    """One try to deliver a notification."""

    at: str
    status: int
    answer: str


class NoticeView(msgspec.Struct):
    """A notification. `next_at` is None when it was acknowledged or given up."""

    notify_id: str
    url: str
    fields: dict[str, str]
    acknowledged: bool
    next_at: str | None
    deliveries: list[DeliveryView]


@post("/clock", status_code=200)
async def push_clock(data: JSONBody[Push], book: TheBook, notices: NamedDependency[Notices]) -> Now:
    """Push the sandbox's clock; timers run out and due notifications go out before this answers."""
    if not 0 <= data.advance_seconds <= 10 * 366 * 24 * 3600:
        raise Invalid("Time does not go back here, nor on for more than ten years.")
    book.advance(timedelta(seconds=data.advance_seconds))
    await notices.send_due(patience=PATIENCE)
    return _now(book)


@get("/clock", sync_to_thread=False)
def read_clock(book: TheBook) -> Now:
    """What time it is here."""
    return _now(book)


@get("/trades", sync_to_thread=False)
def list_trades(book: TheBook, partner: FromQuery[str] = "") -> dict[str, list[TradeView]]:
    """Every trade, oldest first. An order code that nobody scanned is no trade yet."""
    return {"trades": [_trade(book, trade) for trade in book.all_trades(partner)]}


@get("/trades/{number:str}", sync_to_thread=False)
def read_trade(number: FromPath[str], book: TheBook, partner: FromQuery[str] = "") -> TradeView:
    """One trade."""
    return _trade(book, _known(book, number, partner))


@post("/trades/{number:str}/scan", status_code=200, sync_to_thread=False)
def scan_trade(number: FromPath[str], data: JSONBody[Payer], book: TheBook, partner: FromQuery[str] = "") -> TradeView:
    """A buyer opens an order code: from now on the trade waits for them."""
    trade = _known(book, number, partner)
    return _trade(book, book.scan(book.code_url(trade.qr_token), data.buyer_id))


@post("/trades/{number:str}/pay", status_code=200, sync_to_thread=False)
def pay_trade(
    number: FromPath[str], book: TheBook, data: JSONBody[Payer | None] = None, partner: FromQuery[str] = ""
) -> TradeView:
    """The buyer confirms in the wallet. A code nobody scanned is scanned first, by `buyer_id`."""
    with book.moving():
        trade = _known(book, number, partner)
        if trade.status is TradeStatus.ORDERED:
            trade = book.scan(book.code_url(trade.qr_token), data.buyer_id if data else "")
        buyer = book.buyer(data.buyer_id if data and data.buyer_id else trade.buyer_id)
        return _trade(book, book.pay(trade.trade_no, buyer.id, buyer.pin))


@post("/shop-codes/{token:str}/pay", status_code=200, sync_to_thread=False)
def pay_shop_code(token: FromPath[str], data: JSONBody[TypedAmount], book: TheBook) -> TradeView:
    """A buyer scans a shop's printed code (the last part of its address), types an amount and pays."""
    code = book.static_codes.get(token)
    if code is None:
        raise NotFound(f"There is no shop code {token!r} here.")
    buyer = book.buyer(data.buyer_id)
    return _trade(book, book.pay_static(token, buyer.id, Money.parse(data.amount, code.trans_currency), buyer.pin))


@post("/trades/{number:str}/refuse", status_code=200, sync_to_thread=False)
def refuse_trade(number: FromPath[str], book: TheBook, partner: FromQuery[str] = "") -> TradeView:
    """The buyer says no; the trade is closed."""
    trade = _known(book, number, partner)
    return _trade(book, book.refuse(trade.trade_no, trade.buyer_id))


@get("/calls", sync_to_thread=False)
def list_calls(
    book: TheBook,
    partner: FromQuery[str] = "",
    out_trade_no: FromQuery[str] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=30_000)] = 5_000,
) -> dict[str, list[Call]]:
    """The call log, oldest first: what was asked, what was answered (null: silence), and why it was refused."""
    return {"calls": book.store.calls(partner, out_trade_no, limit)}


@get("/notifications/{number:str}", sync_to_thread=False)
def list_notifications(number: FromPath[str], notices: NamedDependency[Notices]) -> dict[str, list[NoticeView]]:
    """Every notification about an order, with its deliveries."""
    return {"notifications": [_notice(notice) for notice in notices.of_order(number)]}


@post("/notifications/{number:str}/resend", status_code=200)
async def resend(number: FromPath[str], notices: NamedDependency[Notices]) -> dict[str, list[DeliveryView]]:
    """Send them all once more, now, whatever was answered before."""
    if not notices.of_order(number):
        raise NotFound("Nothing was ever to be told about this order.")
    return {"deliveries": [_delivery(delivery) for delivery in await notices.resend(number)]}


def control_router() -> Router:
    """Everything under `/control`; `book`, `partners`, `faults` and `notices` are injected."""
    handlers: list[Any] = [
        push_clock, read_clock, list_trades, read_trade, scan_trade, pay_trade, refuse_trade, pay_shop_code, list_calls,
        list_notifications, resend, forge, hold, *people_control.handlers, *fault_control.handlers,
        *file_control.handlers, *key_control.handlers, *online_control.handlers,
    ]  # fmt: skip
    return Router(
        "/control", route_handlers=handlers, tags=["control"], exception_handlers={ValidationException: _misread}
    )


def _misread(request: Request[Any, Any, Any], wrong: ValidationException) -> Response[dict[str, Any]]:
    body = request.route_handler.parsed_data_field
    said = []
    for one in wrong.extra if isinstance(wrong.extra, list) else []:
        key, of_body = one.get("key", ""), one.get("source") == "body" and body is not None
        where = "" if of_body and key == "data" else key
        if one["message"] == "'data'":
            # how a body that isn't there is told
            one["message"] = "it has no body"
        said.append(in_words(one["message"], where, body.annotation if of_body and body else None))
    detail = f"This request is wrong: {'; '.join(said)}." if said else str(wrong.detail)
    problem = {"type": "about:blank", "title": "Invalid", "status": wrong.status_code, "detail": detail}
    return Response(problem, status_code=wrong.status_code, media_type="application/problem+json")


def _known(book: Book, number: str, partner: str) -> Trade:
    book.pass_time()
    found = [
        trade
        for (owner, order), trade in book.trades.items()
        if number in (order, trade.trade_no) and (not partner or owner == partner)
    ]
    if not found:
        raise NotFound(f"There is no trade {number!r} here.")
    if len(found) > 1:
        raise Conflict("Several partners use this order number: name one with ?partner=.")
    return found[0]


def _trade(book: Book, trade: Trade) -> TradeView:
    return TradeView(
        out_trade_no=trade.out_trade_no,
        trade_no=trade.trade_no,
        partner=trade.partner,
        status=trade.status.value,
        amount=trade.money.text,
        currency=trade.trans_currency,
        refunded=trade.refunded_money.text,
        buyer_id=trade.buyer_id,
        buyer_user_id=book.buyer(trade.buyer_id).user_id if trade.buyer_id else "",
        settlement_currency=trade.currency,
        amount_cny=trade.cny_money.text,
        product=trade.product.value,
        close_reason=trade.close_reason,
        created_at=trade.created_at.isoformat(),
        paid_at=trade.paid_at.isoformat() if trade.paid_at else None,
    )


def _delivery(delivery: Delivery) -> DeliveryView:
    return DeliveryView(delivery.at.isoformat(), delivery.status, delivery.answer)


def _notice(notice: Notice) -> NoticeView:
    return NoticeView(
        notify_id=notice.id, url=notice.url, fields=notice.fields, acknowledged=notice.acknowledged,
        next_at=notice.next_at.isoformat() if notice.next_at else None,
        deliveries=[_delivery(delivery) for delivery in notice.deliveries],
    )  # fmt: skip


def _now(book: Book) -> Now:
    now = book.clock.now()
    return Now(now.isoformat(), wire_date_time(now))
