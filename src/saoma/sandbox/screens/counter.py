"""What stands opposite the phone on a wide screen: a toy till and codes to scan, for whoever has no shop yet.

Its shop is nobody's partner: no integration ever finds these trades in its book or its files."""

from __future__ import annotations

import itertools
import re
from typing import Any, Final, Literal

import msgspec
from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from markupsafe import Markup

from saoma.kit.errors import Conflict, Invalid, Refused
from saoma.kit.qr import qr_svg
from saoma.sandbox.book.model import Order, Product, StaticCode, TradeStatus
from saoma.sandbox.book.trades import Book, TurnedDown, new_token
from saoma.sandbox.screens.phone import HEADERS, amount, draw, from_this_phone, phone_of, sentence, the_buyer
from saoma.sandbox.wallet.wallets import typed_amount

#: The corner shop's number, which no partner has.
SHOP: Final = "2088000000000000"
_CURRENCY: Final = "USD"


class Wish(msgspec.Struct):
    """What was typed at the counter. `code` are the digits on the phone, `kind` which code to draw."""

    amount: str
    code: str = ""
    kind: Literal["order", "shop"] = "order"


def _order(book: Book, name: str, wish: Wish, product: Product) -> Order:
    typed = typed_amount(wish.amount, _CURRENCY)
    if not 0 < typed.minor <= 10_000_00:
        raise Invalid("Type an amount in {currency}.", currency=_CURRENCY)
    taken = {number for partner, number in book.trades if partner == SHOP}
    number = next(text for each in itertools.count(1) if (text := f"COUNTER-{each}") not in taken)
    return Order(SHOP, number, product, subject=name, amount=typed, currency=_CURRENCY, merchant=name)


@post("/wallet/counter/till", guards=[from_this_phone], sync_to_thread=False)
def till(request: Request[Any, Any, Any], book: NamedDependency[Book], data: JSONBody[Wish]) -> Response[str]:
    """Scan the phone, as any till would, and say how it went."""
    phone = phone_of(request)
    say = phone.texts
    the_buyer(phone, book)
    try:
        trade = book.pay_by_code(_order(book, say("Corner shop"), data, Product.BARCODE), re.sub(r"\s", "", data.code))
    except TurnedDown as no:
        return _told(say("Not paid. A till is told: {code}", code=no.code), "no")
    except Refused as refusal:
        return _told(sentence(phone, refusal), "no")
    if trade.status is TradeStatus.TRADE_SUCCESS:
        return _told(say("Paid: {amount}", amount=amount(trade.money)), "yes")
    return _told(say("UNKNOWN: the phone asks for the PIN. A till asks again and again until it knows."), "wait")


@post("/wallet/counter/code", guards=[from_this_phone], sync_to_thread=False)
def code(request: Request[Any, Any, Any], book: NamedDependency[Book], data: JSONBody[Wish]) -> Response[str]:
    """Draw a code that the phone can scan."""
    phone = phone_of(request)
    the_buyer(phone, book)
    name = phone.texts("Corner shop")
    try:
        text = (
            book.code_url(book.place(_order(book, name, data, Product.ORDER_CODE)).qr_token)
            if data.kind == "order"
            else _printed(book, name).qrcode
        )
    except (TurnedDown, Conflict, Invalid) as no:
        return _told(sentence(phone, no) if isinstance(no, Refused) else no.code, "no")
    drawn = draw(phone, "counter_code.html", text=text, qr=Markup(qr_svg(text, label=phone.texts("Code to scan"))))
    return Response(drawn, status_code=200, media_type="text/html", headers=HEADERS)


def _printed(book: Book, name: str) -> StaticCode:
    known = next((one for one in book.static_codes.values() if one.partner == SHOP and one.merchant == name), None)
    if known is not None:
        return known
    token = new_token("stx")
    made = StaticCode(
        token=token, partner=SHOP, qrcode=book.code_url(token), store_key="CORNER", with_fee=False,
        trans_currency=_CURRENCY, currency=_CURRENCY, merchant=name, store="", biz_data="{}",
        created_at=book.clock.now(),
    )  # fmt: skip
    with book.store.writing():
        book.static_codes[token] = made
        book.store.keep("static", token, made)
    return made


def _told(words: str, how: str) -> Response[str]:
    text = Markup('<p class="w-told is-{how}">{words}</p>').format(how=how, words=words)
    return Response(str(text), status_code=200, media_type="text/html", headers=HEADERS)


handlers = [till, code]
