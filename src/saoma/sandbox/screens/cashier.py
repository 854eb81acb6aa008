"""The cashier sheet: what is asked, the PIN pad, a forgotten PIN, and how it ended. The script only moves it.

A page is told a resultCode; the answer of this module carries the honest one, the bridge may be set to say another."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from saoma.kit.errors import Refused
from saoma.sandbox.book.trades import Book
from saoma.sandbox.screens.phone import HEADERS, Phone, draw, from_this_phone, phone_of, sentence, the_buyer
from saoma.sandbox.wallet.wallets import Declined, Ending, Paid, SaidNo, Wallet, WrongPin, result_code


class Act(msgspec.Struct):
    """What the sheet's script sends: `pay` with a PIN, `refuse`, or `top_up` by what is missing."""

    act: Literal["pay", "refuse", "top_up"]
    pin: str = ""
    trade: str = ""
    code: str = ""
    amount: str = ""


class Answers(msgspec.Struct):
    """A forgotten PIN: what was answered so far, and the new PIN at last."""

    identity: str
    text: str = ""
    pin: str = ""


@get("/wallet/cashier", sync_to_thread=False)
def sheet(
    request: Request[Any, Any, Any],
    book: NamedDependency[Book],
    trade: FromQuery[str] = "",
    code: FromQuery[str] = "",
    amount: FromQuery[str] = "",
    origin: FromQuery[str] = "",
) -> Response[str]:
    """The sheet for a trade number or a scanned code, or the sentence why there is nothing to pay."""
    phone = phone_of(request)
    wallet = Wallet(book, the_buyer(phone, book).id)
    try:
        asked = wallet.asked(trade_no=trade, code=code, amount=amount)
    except Refused as refusal:
        text = draw(phone, "cashier_nothing.html", why=sentence(phone, refusal))
    else:
        text = draw(
            phone, "cashier.html", asked=asked, buyer=wallet.buyer, amount_typed=amount, origin=origin,
            locked=wallet.pin_is_locked,
        )  # fmt: skip
    return Response(text, media_type=MediaType.HTML, headers=HEADERS)


@post("/wallet/cashier", guards=[from_this_phone], sync_to_thread=False)
def act(request: Request[Any, Any, Any], book: NamedDependency[Book], data: JSONBody[Act]) -> Response[dict[str, Any]]:
    """Pay or refuse, and say how it ended."""
    phone = phone_of(request)
    wallet = Wallet(book, the_buyer(phone, book).id)
    if data.act == "refuse":
        ending = wallet.refuse(data.trade)
    elif data.act == "top_up":
        wallet.top_up(wallet.asked(trade_no=data.trade, code=data.code, amount=data.amount).top_up)
        return _json({})
    else:
        ending = wallet.pay(data.pin, trade_no=data.trade, code=data.code, amount=data.amount)
    return _json(_told(phone, ending))


@get("/wallet/new-pin", sync_to_thread=False)
def new_pin(request: Request[Any, Any, Any], book: NamedDependency[Book]) -> Response[str]:
    """The sheet that makes a new PIN without a payment."""
    phone = phone_of(request)
    text = draw(phone, "cashier_pin.html", buyer=the_buyer(phone, book))
    return Response(text, media_type=MediaType.HTML, headers=HEADERS)


@post("/wallet/new-pin", guards=[from_this_phone], sync_to_thread=False)
def change_pin(
    request: Request[Any, Any, Any], book: NamedDependency[Book], data: JSONBody[Answers]
) -> Response[dict[str, Any]]:
    """One step on: `text` is the message that was sent, a `problem` asks the same again."""
    phone = phone_of(request)
    buyer = the_buyer(phone, book)
    try:
        with book.store.writing():
            if data.pin:
                book.recovery.change_pin(buyer, data.identity, data.text, data.pin)
            elif data.text:
                book.recovery.check_text(buyer, data.identity, data.text)
            else:
                return _json({"text": book.recovery.send_text(buyer, data.identity)})
    except Refused as refusal:
        return _json({"problem": sentence(phone, refusal)})
    return _json({})


def _json(told: dict[str, Any]) -> Response[dict[str, Any]]:
    return Response(told, status_code=200, headers={"Cache-Control": "no-store"})


def _told(phone: Phone, ending: Ending) -> dict[str, Any]:
    told: dict[str, Any] = {"code": result_code(ending), "html": ""}
    match ending:
        case WrongPin(refusal, locked):
            return told | {"again": True, "hint": sentence(phone, refusal), "locked": locked}
        case Declined(refusal):
            return told | {"html": draw(phone, "cashier_ended.html", paid=None, why=sentence(phone, refusal))}
        case Paid():
            return told | {"html": draw(phone, "cashier_ended.html", paid=ending, why="")}
        case SaidNo():
            why = phone.texts("You refused. The shop is told, and nothing was paid.")
            return told | {"html": draw(phone, "cashier_ended.html", paid=None, why=why)}


handlers = [sheet, act, new_pin, change_pin]
