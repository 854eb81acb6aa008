"""A shop's page for whoever has none yet: it orders, calls tradePay, and asks Alipay what became of the payment.

Its server is this module, and calls the gateway as any partner does, so the call page shows the whole exchange. It is a
partner of its own, made with its first order: nobody else's book or files ever know its trades."""

from __future__ import annotations

import json
import secrets
from typing import Any, Final

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from markupsafe import Markup

from saoma.alipay.signing import md5_signatory, string_to_sign
from saoma.alipay.wire import Unreadable, form, parse_form, read_answer
from saoma.kit.clock import beijing
from saoma.kit.errors import Refused
from saoma.kit.money import Money
from saoma.sandbox.book.model import Partner
from saoma.sandbox.book.partners import Partners
from saoma.sandbox.book.store import Heard
from saoma.sandbox.book.trades import Book
from saoma.sandbox.mapi.gateway import Mapi
from saoma.sandbox.screens.counter import SHOP
from saoma.sandbox.screens.phone import amount, from_this_phone, phone_of, shown, the_buyer
from saoma.sandbox.wallet.addresses import Origin
from saoma.sandbox.wallet.agents import agent_of, usual_agent
from saoma.sandbox.wallet.rewriting import bridge_tag

#: Where the page is, on every phone.
PATH: Final = "/toy-shop"
_PRICE: Final = Money(36_50, "USD")
_LARGEST: Final = 20_000


class Order(msgspec.Struct):
    """Which of its orders the page asks about."""

    number: str


class _NoAnswer(Refused):
    """Alipay said nothing that could be believed."""


@get(PATH, sync_to_thread=False)
def page(request: Request[Any, Any, Any], book: NamedDependency[Book]) -> Response[str]:
    """The shop's only page; its script is all that a partner's page needs."""
    phone = phone_of(request)
    if phone.buyer_id is None:
        return shown(phone, "phones.html", buyers=book.buyers(), onward=f"/wallet/page?at={PATH}")
    buyer = the_buyer(phone, book)
    agent = agent_of(request.cookies.get("wallet_agent") or usual_agent(hk=buyer.hk), phone.lang)
    bridge = bridge_tag(Origin(phone.scheme, "localhost", phone.port), "", agent.text) if agent.bridge else b""
    return shown(
        phone, "toy_shop.html", price=amount(_PRICE), bridge=Markup(bridge.decode()), in_wallet=agent.bridge
    )  # fmt: skip


@post(f"{PATH}/order", guards=[from_this_phone], sync_to_thread=False)
def order(
    request: Request[Any, Any, Any],
    book: NamedDependency[Book],
    partners: NamedDependency[Partners],
    mapi: NamedDependency[Mapi],
) -> Response[dict[str, str]]:
    """Create a trade for this phone's buyer: the page gets its number for tradePay. Raises `Refused`."""
    phone = phone_of(request)
    buyer, name = the_buyer(phone, book), phone.texts("Corner shop")
    number = f"TOY-{secrets.token_hex(5).upper()}"
    shop = {
        "secondary_merchant_id": "TOY", "secondary_merchant_name": name, "secondary_merchant_industry": "5812",
        "store_id": "TOY-1", "store_name": name,
    }  # fmt: skip
    said = _asked(
        book, mapi, _partner(book, partners), "alipay.acquire.create", out_trade_no=number, buyer_id=buyer.user_id,
        subject=phone.texts("A bowl of noodles"), total_fee=str(_PRICE.decimal), currency=_PRICE.currency,
        trans_currency=_PRICE.currency, product_code="OVERSEAS_MBARCODE_PAY", extend_params=json.dumps(shop),
        notify_url=f"{phone.bare_origin}{PATH}/notify", timestamp=f"{beijing(book.clock.now()):%Y-%m-%d %H:%M:%S}",
    )  # fmt: skip
    if not said.get("trade_no"):
        raise _NoAnswer("Alipay took no order: {code}", code=said.get("error") or said.get("detail_error_code") or "–")
    return Response({"number": number, "trade": said["trade_no"]}, status_code=200)


@post(f"{PATH}/asked", guards=[from_this_phone], sync_to_thread=False)
def asked(
    request: Request[Any, Any, Any],
    book: NamedDependency[Book],
    partners: NamedDependency[Partners],
    mapi: NamedDependency[Mapi],
    data: JSONBody[Order],
) -> Response[dict[str, str]]:
    """What Alipay says of an order: the page asks after tradePay, whose word proves nothing. Raises `Refused`."""
    phone = phone_of(request)
    the_buyer(phone, book)
    said = _asked(
        book, mapi, _partner(book, partners), "alipay.acquire.overseas.query", partner_trans_id=data.number[:64]
    )
    status = said.get("alipay_trans_status") or said.get("error") or said.get("detail_error_code") or "–"
    words = "Thank you, it is paid." if status == "TRADE_SUCCESS" else "It is not paid."
    return Response({"status": status, "words": phone.texts(words)}, status_code=200)


@post(f"{PATH}/notify", request_max_body_size=_LARGEST, status_code=200)
async def notified(request: Request[Any, Any, Any], partners: NamedDependency[Partners]) -> Response[str]:
    """Alipay tells of a payment. Nothing waits for it here: the page asks, so it is only verified."""
    partner = partners.find(SHOP)
    try:
        fields = parse_form(await request.body(), "UTF-8")
    except Unreadable:
        fields = {}
    signed = string_to_sign(fields).encode()
    is_genuine = partner is not None and md5_signatory(partner.md5_key).verify(signed, fields.get("sign", ""))
    return Response("success" if is_genuine else "fail", media_type=MediaType.TEXT)


def _partner(book: Book, partners: Partners) -> Partner:
    known = partners.find(SHOP)
    if known is not None:
        return known
    with book.store.writing():
        return partners.add(Partner(SHOP, md5_key=secrets.token_hex(16), name="Corner shop"))


def _asked(book: Book, mapi: Mapi, partner: Partner, service: str, **more: str) -> dict[str, str]:
    """One signed call and its answer. Raises `_NoAnswer` for silence and for a signature that is wrong."""
    fields = {"_input_charset": "UTF-8", "service": service, "partner": partner.partner} | more
    signatory = md5_signatory(partner.md5_key)
    sign = signatory.sign(string_to_sign(fields).encode())
    body = form(fields | {"sign_type": "MD5", "sign": sign}, "UTF-8")
    head = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8", "user-agent": "toy-shop"}
    with book.store.hearing(Heard("POST", "/gateway.do", head, body)):
        reply = mapi.answer(b"", body)
    try:
        answer = read_answer(reply.body or b"")
    except Unreadable:
        raise _NoAnswer("Alipay does not answer. Try again.") from None
    if not answer.is_success:
        return {"error": answer.error}
    if not signatory.verify(string_to_sign(answer.fields).encode(), answer.sign):
        raise _NoAnswer("The signature of Alipay's answer is wrong: it is not believed.")
    return dict(answer.fields)


handlers = [page, order, asked, notified]
