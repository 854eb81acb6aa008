"""The cashier sheet: what is asked, the PIN pad, and how it ended. The script only moves what is written here.

A page is told a resultCode; the answer of this module carries the honest one, the bridge may be set to say another."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from saoma.kit.errors import Refused
from saoma.sandbox.screens.phone import HEADERS, Phone, draw, from_this_phone, phone_of, sentence, the_buyer
from saoma.sandbox.trades import Book
from saoma.sandbox.wallets import Declined, Ending, Paid, SaidNo, Wallet, WrongPin, result_code


class Act(msgspec.Struct):
    """What the sheet's script sends: `pay` with a PIN, or `refuse`."""

    act: str
    pin: str = ""
    trade: str = ""
    code: str = ""
    amount: str = ""


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
        text = draw(phone, "cashier.html", asked=asked, buyer=wallet.buyer, amount_typed=amount, origin=origin)
    return Response(text, media_type=MediaType.HTML, headers=HEADERS)


@post("/wallet/cashier", guards=[from_this_phone], sync_to_thread=False)
def act(request: Request[Any, Any, Any], book: NamedDependency[Book], data: JSONBody[Act]) -> Response[dict[str, Any]]:
    """Pay or refuse, and say how it ended."""
    phone = phone_of(request)
    wallet = Wallet(book, the_buyer(phone, book).id)
    if data.act == "refuse":
        ending = wallet.refuse(data.trade)
    else:
        ending = wallet.pay(data.pin, trade_no=data.trade, code=data.code, amount=data.amount)
    return Response(_told(phone, ending), status_code=200, headers={"Cache-Control": "no-store"})


def _told(phone: Phone, ending: Ending) -> dict[str, Any]:
    told: dict[str, Any] = {"code": result_code(ending), "html": ""}
    match ending:
        case WrongPin(why):
            return told | {"again": True, "hint": phone.texts(why)}
        case Declined(refusal):
            return told | {"html": draw(phone, "cashier_ended.html", paid=None, why=sentence(phone, refusal))}
        case Paid():
            return told | {"html": draw(phone, "cashier_ended.html", paid=ending, why="")}
        case SaidNo():
            why = phone.texts("You refused. The shop is told, and nothing was paid.")
            return told | {"html": draw(phone, "cashier_ended.html", paid=None, why=why)}


handlers = [sheet, act]
